"""The demo's stage: the server and the POS page as processes, a client whose time and line we hold in our hands."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2

from authz_client.flows import Clocks

STORY: Final = "story"


@contextlib.contextmanager
def server(port: int) -> Iterator[dict[str, Any]]:
    """Run `mock-authz serve` with the demo seed; give what it printed about itself."""
    command = [sys.executable, "-m", "mock_authz.cli", "serve", "--port", str(port), "--json"]
    with _process(command) as process:
        line = process.stdout.readline() if process.stdout else b""
        if not line:
            raise SystemExit(process.wait() or 1)
        yield json.loads(line)


@contextlib.contextmanager
def pos_page(port: int, *, issuer: str, state: str) -> Iterator[None]:
    """Run `authz-client page` on the server's default sandbox."""
    command = [sys.executable, "-m", "authz_client.cli", "page", "--port", str(port), "--json"]
    with _process([*command, "--issuer", issuer, "--state", state]) as process:
        if process.stdout is None or not process.stdout.readline():
            raise SystemExit(process.wait() or 1)
        yield


@contextlib.contextmanager
def _process(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603 - our own commands
    try:
        yield process
    finally:
        process.terminate()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@dataclass
class VirtualTime:
    """The client's clocks and the sandbox's, moved together; nobody sleeps for real."""

    control: httpx2.Client
    ahead_seconds: float = 0.0
    told_seconds: float = 0.0

    def now(self) -> float:
        """Read the virtual clock: Unix seconds."""
        return time.time() + self.ahead_seconds  # noqa: TID251 - the demo stands in for the world

    def travel(self, seconds: float) -> None:
        """Let time pass. The sandbox hears of it before the next request that reaches it."""
        self.ahead_seconds += seconds

    def tell_the_server(self) -> None:
        """Advance the sandbox's clock by what has passed since it was told last."""
        whole = int(self.ahead_seconds - self.told_seconds)
        if whole > 0:
            self.told_seconds += whole
            path = f"/_control/sandboxes/{STORY}/clock/advance"
            self.control.post(path, json={"by": f"PT{whole}S"}).raise_for_status()

    def clocks(self) -> Clocks:
        """Give the clocks for the client."""
        return Clocks(
            clock=self.now,
            monotonic=lambda: time.monotonic() + self.ahead_seconds,  # noqa: TID251 - likewise
            jitter=lambda: 0.5,
        )


@dataclass
class Line(httpx2.BaseTransport):
    """The client's internet connection, which can be cut."""

    virtual_time: VirtualTime
    is_up: bool = True
    _wire: httpx2.HTTPTransport = field(default_factory=httpx2.HTTPTransport)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Carry one request, if the line is up."""
        if not self.is_up:
            raise httpx2.ConnectError("the line is cut", request=request)
        self.virtual_time.tell_the_server()
        return self._wire.handle_request(request)

    def close(self) -> None:
        """Hang up."""
        self._wire.close()


@dataclass(frozen=True)
class Administrator:
    """An administrator at the Authorization server, who acts through its management API."""

    http: httpx2.Client
    virtual_time: VirtualTime

    def _do(self, method: str, path: str, **members: Any) -> httpx2.Response:
        self.virtual_time.tell_the_server()
        return self.http.request(method, path, json=members or None)

    def authorize(self, user_code: str, *, device: str) -> str | None:
        """Approve a user code for a device; None, or why the server refused."""
        answer = self._do(
            "POST", f"/management/authorizations/{user_code}/approve", server_id=device, administrator="admin"
        )
        return None if answer.is_success else str(answer.json()["detail"])

    def renew(self, device: str, *, renewal_at: int) -> None:
        """Set a device's renewal date."""
        self._do("POST", f"/management/devices/{device}/renew", renewal_at=renewal_at).raise_for_status()
