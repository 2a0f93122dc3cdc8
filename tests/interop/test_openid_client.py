"""npm's openid-client, which nobody here wrote, acquires, refreshes, uses and gives back a license."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2
import pytest

from tests.programs import Served, needed, process, run, serve

HERE: Final = Path(__file__).parent
# The least that openid-client takes: it refuses an interval of 0, which RFC 8628 3.2 leaves open.
INTERVAL: Final = 1
NAMED: Final = "interop"
WEEK: Final = 7 * 24 * 3600
DEVICE: Final = {"server_id": "store-12", "administrator": "admin"}

pytestmark = pytest.mark.interop


@dataclass(frozen=True)
class Sandbox:
    """An issuer, and the key to its management API."""

    issuer: str
    management_token: str

    def approve(self, user_code: str) -> httpx2.Response:
        headers = {"authorization": f"Bearer {self.management_token}"}
        return httpx2.post(
            f"{self.issuer}/management/authorizations/{user_code}/approve", headers=headers, json=DEVICE
        )


@pytest.fixture(scope="module")
def node() -> str:
    """Node, with the packages that package-lock.json names."""
    found = needed("node", why="openid-client needs it")
    npm = needed("npm", why="it installs openid-client")
    if not (HERE / "node_modules" / ".package-lock.json").exists():
        installed = run([npm, "ci", "--no-audit", "--no-fund"], cwd=HERE, seconds=300)
        assert installed.returncode == 0, installed.stderr
    return found


@pytest.fixture(scope="module", params=["ES256", "RS256", "Ed25519"])
def server(request: pytest.FixtureRequest) -> Iterator[Served]:
    settings = {"interval_seconds": INTERVAL, "alg": request.param}
    with serve("--alg", request.param) as served:
        changed = served.manage("PATCH", "/settings", json=settings)
        assert changed.status_code == 200, changed.text
        wanted = {"name": NAMED, "seed": "demo", "settings": settings}
        made = httpx2.post(f"{served.base_url}/_control/sandboxes", json=wanted)
        assert made.status_code == 201, made.text
        yield served


@pytest.fixture(params=["root", "named"])
def sandbox(request: pytest.FixtureRequest, server: Served) -> Sandbox:
    if request.param == "root":
        return Sandbox(server.issuer, server.said["management_token"])
    shown = httpx2.get(f"{server.base_url}/_control/sandboxes/{NAMED}").json()
    return Sandbox(shown["issuer"], shown["management_token"])


@pytest.mark.parametrize("discovery", ["oauth2", "oidc"])
def test_openid_client_acquires_refreshes_uses_and_revokes_a_license(
    node: str, sandbox: Sandbox, discovery: str
) -> None:
    with process([node, "device_grant.mjs", sandbox.issuer, discovery], cwd=HERE) as program:
        assert program.stdout is not None
        steps = map(json.loads, program.stdout)
        assert next(steps) == {"step": "discovered", "issuer": sandbox.issuer}
        shown = next(steps)
        assert shown["step"] == "authorization"
        assert shown["interval"] == INTERVAL
        assert shown["verification_uri"] == f"{sandbox.issuer}/device"
        approved = sandbox.approve(shown["user_code"])
        assert approved.status_code == 200, approved.text
        assert next(steps) == {
            "step": "tokens", "token_type": "bearer", "expires_in": WEEK, "scope": "license"
        }  # fmt: skip
        assert next(steps) == {
            "step": "refreshed", "expires_in": WEEK, "rotated": True, "new_license_token": True
        }  # fmt: skip
        shown = next(steps)
        assert shown.pop("step") == "license"
        assert (shown["license_status"], shown["token_state"]) == ("licensed", "valid")
        assert (shown["server_id"], shown["license"]["organization"]["id"]) == ("store-12", "northwind")
        assert list(steps) == [{"step": "revoked", "error": "invalid_grant"}]
        assert program.wait() == 0


def test_the_lock_file_names_no_registry() -> None:
    lock = (HERE / "package-lock.json").read_text(encoding="utf-8")
    assert "resolved" not in lock
    assert "integrity" in lock
