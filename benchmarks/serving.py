"""Starting servers for benchmarks, and getting licenses from ours."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from typing import IO

import httpx2

DEADLINE_SECONDS = 20.0


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_reachable(port: int) -> None:
    """Wait until somebody listens."""
    until = time.perf_counter() + DEADLINE_SECONDS
    while time.perf_counter() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
    raise SystemExit(f"nothing listens on port {port}")


def with_bytecode(folder: str) -> dict[str, str]:
    """Give an environment in which every module's bytecode is kept in a folder, as on any installed machine."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": folder}


@contextlib.contextmanager
def started(command: Sequence[str], port: int, *, stdout: int | IO[bytes] | None = None) -> Iterator[int]:
    """Run a server until the block ends. Gives its process id."""
    with subprocess.Popen(command, stdout=stdout) as process:  # noqa: S603 - our own command
        try:
            wait_until_reachable(port)
            yield process.pid
        finally:
            process.terminate()


def refresh_tokens(port: int, count: int) -> list[str]:
    """Acquire licenses for devices made for the purpose, in a sandbox-wide organization; give their refresh tokens."""
    base = f"http://127.0.0.1:{port}"
    with httpx2.Client(base_url=base) as http:
        sandbox = http.get("/_control/sandboxes/default").json()
        management = {"authorization": f"Bearer {sandbox['management_token']}"}
        administrator = http.get("/management/administrators", headers=management).json()[0]
        organization = administrator["organizations"][0]
        return [
            _acquire(http, management, organization=organization, administrator=administrator["username"])
            for _ in range(count)
        ]


def _acquire(
    http: httpx2.Client, management: dict[str, str], *, organization: str, administrator: str
) -> str:
    new = {"organization": organization, "name": "Bench", "edition": "store"}
    device = http.post("/management/devices", json=new, headers=management).json()
    codes = http.post("/device_authorization", data={"client_id": "pos-server"}).json()
    approval = {"server_id": device["server_id"], "administrator": administrator}
    path = f"/management/authorizations/{codes['user_code']}/approve"
    http.post(path, json=approval, headers=management).raise_for_status()
    poll = {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "client_id": "pos-server",
        "device_code": codes["device_code"],
    }
    refresh_token: str = http.post("/token", data=poll).json()["refresh_token"]
    return refresh_token
