"""What `mock-authz serve` loads before it answers, and what it leaves for the first request that needs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import httpx2

from mock_authz.web.handlers import HANDLERS
from mock_authz.web.protocol import ENDPOINTS, METADATA, ONE_SERVER
from tests.programs import process

METADATA_PATH = "/.well-known/oauth-authorization-server"
LATER = {
    "argon2", "authlib", "httpx2", "isodate", "jinja2", "msgspec", "segno", "trustme", "yaml",
    "mock_authz.quirks", "mock_authz.seed.building", "mock_authz.tls", "mock_authz.web.handlers",
    "mock_authz.web.management", "mock_authz.web.pages", "mock_authz.usecases.humans",
}  # fmt: skip

# Stops before the first request, and says what is loaded and how the collector stands.
STOPPED = """
import gc, sys, uvicorn
uvicorn.Server.run = lambda *_, **__: print(gc.isenabled(), gc.get_freeze_count() > 0)
from mock_authz.cli import main
sys.argv = ["mock-authz", "serve", "--port", "0", "--json"]
main()
"""


def test_every_step_of_the_protocol_has_its_handler() -> None:
    steps = {endpoint.step for endpoint in (*ENDPOINTS.values(), ONE_SERVER) if endpoint is not METADATA}
    assert steps == HANDLERS.keys()


def test_metadata_is_answered_before_anything_is_loaded_that_it_does_not_need(tmp_path: Path) -> None:
    imports = tmp_path / "imports"
    command = [sys.executable, "-X", "importtime", "-m", "mock_authz.cli", "serve", "--port", "0", "--json"]
    with imports.open("w") as told, process(command, stderr=told.fileno()) as started:
        assert started.stdout is not None
        issuer = json.loads(started.stdout.readline())["issuer"]
        assert httpx2.get(issuer + METADATA_PATH).status_code == 200
    loaded = {line.rpartition("|")[2].strip() for line in imports.read_text().splitlines()}
    assert "mock_authz.web.exchange" in loaded
    assert loaded & LATER == set()


def test_the_collector_rests_while_the_server_is_loaded_and_works_while_it_serves() -> None:
    done = subprocess.run([sys.executable, "-c", STOPPED], capture_output=True, text=True, check=True)  # noqa: S603 - a script of our own
    assert done.stdout.splitlines()[1:] == ["True True"]
