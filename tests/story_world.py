"""A world for one client and one sandbox: a fake wire that can fail, clocks that move together, and what the server knows.

The wire runs the whole server in this process, without sockets, threads or an event loop.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import httpx2
from starlette.types import Message, Scope

from authz_client.flows import Clocks
from mock_authz.app import Server
from mock_authz.clock import Clock, ClockMode
from mock_authz.domain.license import License
from mock_authz.domain.organization import Device
from mock_authz.sandbox import Sandbox
from mock_authz.settings import Settings
from mock_authz.usecases import control
from tests.factories import NOW, QA, STORE_12, default_records, expect

BASE_URL: Final = "http://127.0.0.1:8628"
SECRETS: Final = ("device_code", "access_token", "refresh_token")


@dataclass
class World(httpx2.BaseTransport):
    """The line, the time and the server. It is the client's transport.

    Attributes:
        now: Unix seconds, on the clocks of both sides.
        jitter: what the client draws.
        is_up: whether the line is.
        lost: the paths whose next reply is lost: the server acts, the client never hears.
        doubled: the next token request reaches the server twice; which of the answers the client hears.
        meanwhile: called once, while the next token request is under way.
        first_lost_at: since when the client has not heard the answers to its refreshes that the server granted.
        secrets: every secret that has gone over the line.
    """

    now: float = NOW
    jitter: float = 0.0
    is_up: bool = True
    lost: set[str] = field(default_factory=set)
    doubled: int | None = None
    meanwhile: Callable[[], None] | None = None
    first_lost_at: float | None = None
    secrets: set[str] = field(default_factory=set, repr=False)
    server: Server = field(default_factory=lambda: Server(BASE_URL), repr=False)

    def __post_init__(self) -> None:
        made = control.create_sandbox(
            self.server.store,
            name=QA,
            issuer=self.issuer,
            real_at=self.now,
            clock=Clock(ClockMode.FROZEN, self.now, self.now),
            settings=Settings(alg="Ed25519"),
            random_seed="a story",
            records=default_records(),
        )
        self.secrets.add(expect(Sandbox, made).management_token)

    # Time

    def clocks(self) -> Clocks:
        """The client's: its monotonic clock has a zero of its own."""
        return Clocks(clock=lambda: self.now, monotonic=lambda: self.now - NOW, jitter=lambda: self.jitter)

    def pass_(self, seconds: float) -> None:
        """Let time pass; nobody sleeps."""
        self.now += seconds

    # The line

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Carry one request of the client, as the line allows."""
        if not self.is_up:
            raise httpx2.ConnectError("the line is cut", request=request)
        path = request.url.path.removeprefix(f"/s/{QA}")
        answer = self._token_answer(request) if path == "/token" else self.serve(request)
        is_lost = path in self.lost
        self.lost.discard(path)
        if b"grant_type=refresh_token" in request.content and answer.status_code == httpx2.codes.OK:
            self.first_lost_at = (self.first_lost_at or self.now) if is_lost else None
        if is_lost:
            raise httpx2.ReadTimeout("the reply is lost", request=request)
        return answer

    def _token_answer(self, request: httpx2.Request) -> httpx2.Response:
        answers = [self.serve(request)]
        called, heard = self.meanwhile, self.doubled
        self.meanwhile = self.doubled = None
        if called is not None:
            called()
        if heard is not None:
            answers.append(self.serve(request))
        return answers[heard or 0]

    def serve(self, request: httpx2.Request) -> httpx2.Response:
        """Let the server answer one request, at this moment of its clock."""
        sandbox = self.sandbox
        if sandbox.clock.now(self.now) != int(self.now):
            clock = replace(sandbox.clock, virtual_at=float(int(self.now)))
            control.set_clock(self.server.store, QA, clock, real_at=self.now)
        answer = _answered(self.server, request)
        assert answer.status_code < httpx2.codes.INTERNAL_SERVER_ERROR, answer.text
        self._note_secrets(answer)
        return answer

    def _note_secrets(self, answer: httpx2.Response) -> None:
        document = answer.json() if answer.content else {}
        for name in SECRETS:
            if isinstance(document, dict) and name in document:
                # Of `<id>.<generation>.<secret>` the last part alone is one too, and so is a signature.
                self.secrets |= {document[name], document[name].rpartition(".")[2]}

    # What others do at the server

    def post(self, path: str, *, form: dict[str, str] | None = None, **members: Any) -> tuple[int, Any]:
        """Do something at the server over a line that is always up."""
        bearer = {"authorization": f"Bearer {self.sandbox.management_token}"}
        request = httpx2.Request(
            "POST",
            self.issuer + path,
            headers=bearer if form is None else {},
            data=form,
            json=members if form is None and members else None,
        )
        answer = self.serve(request)
        return answer.status_code, answer.json() if answer.content else None

    def present(self, license_token: str) -> int:
        """Show a license token to the server, and give the status of its answer."""
        bearer = {"authorization": f"Bearer {license_token}"}
        return self.serve(httpx2.Request("GET", f"{self.issuer}/license", headers=bearer)).status_code

    # What the server knows

    @property
    def issuer(self) -> str:
        return f"{BASE_URL}/s/{QA}"

    @property
    def sandbox(self) -> Sandbox:
        return expect(Sandbox, control.find_sandbox(self.server.store, QA))

    @property
    def device(self) -> Device:
        stored = self.server.store.get(QA, Device, STORE_12)
        assert stored is not None
        return stored.record

    def license(self, license_id: str) -> License:
        stored = self.server.store.get(QA, License, license_id)
        assert stored is not None
        return stored.record

    def live_licenses(self) -> list[License]:
        return [stored.record for stored in self.server.store.find(QA, License, "live", STORE_12)]

    def named_by(self, refresh_token: str) -> tuple[str, int]:
        """Say which license a refresh token is of, and which generation of its refresh tokens it is."""
        named = self.sandbox.entropy.read_credential("refresh_token", refresh_token)
        assert named is not None
        return named

    def grant_state(self, user_code: str) -> str:
        """Say how an authorization stands: a state, or `expired`."""
        bearer = {"authorization": f"Bearer {self.sandbox.management_token}"}
        url = f"{self.issuer}/management/authorizations/{user_code}"
        shown = self.serve(httpx2.Request("GET", url, headers=bearer)).json()
        return "expired" if shown["expired"] else str(shown["state"])


def _answered(server: Server, request: httpx2.Request) -> httpx2.Response:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": request.read(), "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    _to_its_end(server(_scope(request), receive, send))
    start, *bodies = sent
    body = b"".join(message.get("body", b"") for message in bodies)
    return httpx2.Response(start["status"], headers=start["headers"], content=body, request=request)


def _to_its_end(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that waits for nothing: the server has no timers, and its store is in memory."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise AssertionError("the server waited for something")


def _scope(request: httpx2.Request) -> Scope:
    parts = urlsplit(str(request.url))
    return {
        "type": "http",
        "http_version": "1.1",
        "method": request.method,
        "scheme": parts.scheme,
        "path": unquote(parts.path),
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": ("127.0.0.1", 40000),
        "server": ("127.0.0.1", 8628),
    }


def spelled(value: object) -> str:
    """Spell anything that is shown or stored, to look for secrets in it."""
    return value if isinstance(value, str) else json.dumps(value, default=repr)
