"""Where the parts meet: the ASGI application. Finds the sandbox, reads its clock once, and hands over.

Pure ASGI: the sandbox is found before routing, and every answer carries the sandbox's own Date. Metadata is loaded
at start; the rest of the protocol, pages, management and control are loaded when first asked for, so that the server starts in a fraction of a second.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from mock_authz import clock
from mock_authz.oauth.reply import Damage, Reply
from mock_authz.sandbox import DEFAULT, Sandbox
from mock_authz.store.memory import MemoryStore
from mock_authz.store.port import Store
from mock_authz.usecases import control
from mock_authz.usecases.context import PLAIN, Behaviour, Context
from mock_authz.web import exchange, protocol
from mock_authz.web.problems import problem
from mock_authz.web.visit import Visit

if TYPE_CHECKING:
    from mock_authz.web.desk import Desk

log = logging.getLogger("mock_authz")

LOOPBACK_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "::1"})
SANDBOX_PREFIX: Final = "/s/"
# The ASGI extension by which a server lets the application hang up: maps `abort` and `close` to functions.
WIRE: Final = "mock_authz.wire"
CONTROL_PREFIX: Final = "/_control"
BENCH_PAGE: Final = "/_control/ui"
MANAGEMENT_PREFIX: Final = "/management"
WELL_KNOWN: Final = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")
MOST_HINTS: Final = 100
SWEPT_EVERY_SECONDS: Final = 1.0
SAY_MANAGEMENT: Final = "Send the management token of this sandbox as Authorization: Bearer: it was printed or returned at its creation."
SAY_CONTROL: Final = "Send the control token as Authorization: Bearer. The server was started with it."
SAY_FOREIGN: Final = "A foreign page sent this. Only this server's own pages, and programs, control it."
SAY_REMOTE: Final = "From other machines, control needs a token. Start the server with --control-token."


class WireCutError(ConnectionResetError):
    """A fault cut a connection that the server below cannot hang up, such as a test's in-process transport."""


@dataclass(slots=True)
class Server:
    """One running server: its store and what the command line said. Sandboxes are records in the store.

    Attributes:
        base_url: where the server is reached, without a trailing slash; the default sandbox's issuer by default.
        hosts: further host names that it answers to, beside loopback and its issuers' own.
        control_token: if set, the control API wants it as Bearer.
        control_port: if set, the control API is at this port only, and nothing else is.
    """

    base_url: str
    store: Store = field(default_factory=MemoryStore)
    hosts: frozenset[str] = frozenset()
    control_token: str | None = field(default=None, repr=False)
    control_port: int | None = None
    hinted: set[tuple[str, str]] = field(default_factory=set, init=False)
    swept_real_at: float = field(default=0.0, init=False)

    @property
    def desk(self) -> Desk:
        """What the control API acts upon."""
        from mock_authz.web.desk import Desk  # noqa: PLC0415 - see the module's docstring

        own = {host_of_url(self.base_url)}
        return Desk(
            store=self.store,
            issuer_of=self.issuer_of,
            http_hosts=LOOPBACK_HOSTS | self.hosts | own,
            enter=enter,
            quirks=_shown_quirks,
            make_room=self.make_room,
        )

    def make_room(self, name: str, real_at: float) -> None:
        """Make room for a new sandbox. Those whose life is over go, all of them now and then: it takes a look at each."""
        control.make_room(self.store, name, real_at=real_at)
        if abs(real_at - self.swept_real_at) >= SWEPT_EVERY_SECONDS:
            self.swept_real_at = real_at
            control.sweep(self.store, real_at=real_at)

    @property
    def control_base_url(self) -> str:
        """Where the control API is reached, without a trailing slash."""
        if self.control_port is None:
            return self.base_url
        parts = urlsplit(self.base_url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{parts.scheme}://{host}:{self.control_port}"

    def issuer_of(self, name: str) -> str:
        """Give the issuer that a sandbox has unless told otherwise."""
        return self.base_url if name == DEFAULT else f"{self.base_url}{SANDBOX_PREFIX}{name}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI connection."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            await _Connection(self, scope, receive, send).answer()
        else:
            await send({"type": "websocket.close", "code": 1000})


class _Connection:
    """One HTTP request on its way to a handler."""

    def __init__(self, server: Server, scope: Scope, receive: Receive, send: Send) -> None:
        self.server = server
        self.scope = scope
        self.receive = receive
        self.send = send
        self.real_at = clock.real_now()
        self.now = int(self.real_at)
        self.started = False

    async def answer(self) -> None:
        try:
            await self._dispatch()
        except WireCutError:
            raise
        except Exception:
            # A bug of ours: the traceback goes to the log, which shows no values, and nothing of it to the wire.
            log.exception("%s %s failed", self.scope["method"], self.scope["path"])
            if self.started:
                raise
            await self._reply(problem(500, "internal_error", "The server's log says more."))

    async def _dispatch(self) -> None:
        path: str = self.scope["path"]
        if not self._is_at_its_port(path):
            await self._reply(problem(404, "not_found", "There is nothing at this path, on this port."))
            return
        if path.startswith(CONTROL_PREFIX):
            await (self._control(path) if self._is_host_allowed(None) else self._misdirected())
            return
        name, below = split_sandbox(path)
        sandbox = control.find_sandbox(self.server.store, name, real_at=self.real_at)
        if sandbox is None:
            await self._no_sandbox(name, below)
            return
        if not self._is_host_allowed(sandbox):
            await self._misdirected()
            return
        context = self._enter(sandbox)
        visit: Visit = context.behaviour.hear(Visit(Request(self.scope, self.receive), below, context))
        endpoint = protocol.find_endpoint(visit.path)
        if endpoint is not None:
            await self._reply(await exchange.answer(visit, endpoint))
        elif visit.path.startswith(MANAGEMENT_PREFIX):
            from mock_authz.web import management  # noqa: PLC0415 - see the module's docstring
            from mock_authz.web.rest import authorize  # noqa: PLC0415 - likewise

            refusal = authorize(visit.request, sandbox.management_token, detail=SAY_MANAGEMENT)
            reply = refusal or await management.ROUTES.answer(visit.request, visit.path, visit.context)
            await self._reply(context.behaviour.render("management", reply))
        else:
            from mock_authz.web import pages  # noqa: PLC0415 - see the module's docstring

            page = context.behaviour.show(visit, await pages.answer(visit))
            await page(self.scope, self.receive, self._send)

    async def _no_sandbox(self, name: str, below: str) -> None:
        """Say that there is no such sandbox: to people a page, as of the default sandbox, which is where it leads on to."""
        detail = f"There is no sandbox {name}." if name else "This address names no sandbox after /s/."
        home = control.find_sandbox(self.server.store, DEFAULT, real_at=self.real_at)
        is_page = protocol.find_endpoint(below) is None and not below.startswith(MANAGEMENT_PREFIX)
        for_people = is_page and "text/html" in _header(self.scope, b"accept")
        if home is None or not for_people or not self._is_host_allowed(home):
            await self._reply(problem(404, "sandbox_unknown", detail))
            return
        from mock_authz.web import pages  # noqa: PLC0415 - see the module's docstring

        visit = Visit(Request(self.scope, self.receive), self.scope["path"], self._enter(home))
        await pages.no_sandbox(visit, detail)(self.scope, self.receive, self._send)

    def _enter(self, sandbox: Sandbox) -> Context:
        """Read the sandbox's clock, once, and apply what fell due."""
        self.now = sandbox.clock.now(self.real_at)
        control.settle(self.server.store, sandbox, now=self.now, enter=enter)
        return enter(self.server.store, sandbox, self.now)

    async def _control(self, path: str) -> None:
        from mock_authz.web import control as control_api  # noqa: PLC0415 - see the module's docstring

        request = Request(self.scope, self.receive)
        if path == BENCH_PAGE or path.startswith(BENCH_PAGE + "/"):
            await self._bench_page(request, path)
            return
        refusal = self._control_refusal(request)
        await self._reply(refusal or await control_api.ROUTES.answer(request, path, self.server.desk))

    async def _bench_page(self, request: Request, path: str) -> None:
        """Show the test bench. It asks for the control token by itself, in a form."""
        from mock_authz.web import bench_page  # noqa: PLC0415 - see the module's docstring

        guard = bench_page.Guard(
            control_token=self.server.control_token,
            is_local=_is_local(request),
            base_url=self.server.control_base_url,
        )
        page = await bench_page.answer(request, path, self.server.desk, guard)
        await page(self.scope, self.receive, self._send)

    def _is_at_its_port(self, path: str) -> bool:
        """Say whether a path is served at the port that it came to, where control has a port of its own."""
        if self.server.control_port is None:
            return True
        came_to = (self.scope.get("server") or (None, None))[1]
        return path.startswith(CONTROL_PREFIX) == (came_to == self.server.control_port)

    def _control_refusal(self, request: Request) -> Reply | None:
        """Ask for the control token; without one, loopback is what guards the control API."""
        if self.server.control_token is not None:
            from mock_authz.web.rest import authorize  # noqa: PLC0415 - see the module's docstring

            return authorize(request, self.server.control_token, detail=SAY_CONTROL)
        from mock_authz.web.login import is_foreign  # noqa: PLC0415 - see the module's docstring

        # A page of another site, in a browser on this machine, could send what takes no JSON body.
        if request.method not in ("GET", "HEAD") and is_foreign(request, self.server.control_base_url):
            return problem(403, "control_not_allowed", SAY_FOREIGN)
        if _is_local(request):
            return None
        return problem(403, "control_not_allowed", SAY_REMOTE)

    def _is_host_allowed(self, sandbox: Sandbox | None) -> bool:
        """Answer to loopback, to our own names and to the sandbox's issuer only, which keeps DNS rebinding out."""
        host = host_of(_header(self.scope, b"host"))
        own = host_of_url(self.server.base_url if sandbox is None else sandbox.issuer)
        if host == own:
            return True
        if host not in LOOPBACK_HOSTS and host not in self.server.hosts:
            return False
        if sandbox is not None:
            self._hint(sandbox, host)
        return True

    def _hint(self, sandbox: Sandbox, host: str) -> None:
        """Say once that a client reaches the server by another name than the issuer's."""
        if (sandbox.name, host) not in self.server.hinted and len(self.server.hinted) < MOST_HINTS:
            self.server.hinted.add((sandbox.name, host))
            log.warning(
                "A client reached %s as %s: the issuer in its tokens and metadata will not match. Use %s.",
                sandbox.name, host, sandbox.issuer,
            )  # fmt: skip

    async def _misdirected(self) -> None:
        detail = "This server does not answer to this Host. Name it with --allowed-host if it should."
        await self._reply(problem(421, "host_not_allowed", detail))

    async def _reply(self, reply: Reply) -> None:
        if reply.damage is Damage.RESET:
            self._reset()
            return
        if reply.stream is not None:
            await self._stream(reply, reply.stream)
            return
        body = b"" if reply.damage is Damage.EMPTIED else reply.body()
        if reply.damage is Damage.GARBLED:
            body = garbled(body)
        headers = [(name.encode(), value.encode("latin-1")) for name, value in reply.headers.items()]
        if body:
            headers.append((b"content-type", reply.media_type.encode()))
        headers.append((b"content-length", str(len(body)).encode()))
        sent = b"" if self.scope["method"] == "HEAD" else body
        if reply.damage is Damage.TRUNCATED:
            sent = sent[: len(sent) // 2]
        await self._send({"type": "http.response.start", "status": reply.status, "headers": headers})
        cut_off = reply.damage is Damage.TRUNCATED
        await self._send({"type": "http.response.body", "body": sent, "more_body": cut_off})
        if cut_off:
            self._hang_up(gently=True)

    async def _stream(self, reply: Reply, pieces: AsyncIterator[bytes]) -> None:
        headers = [(name.encode(), value.encode("latin-1")) for name, value in reply.headers.items()]
        headers.append((b"content-type", reply.media_type.encode()))
        await self._send({"type": "http.response.start", "status": reply.status, "headers": headers})
        if self.scope["method"] != "HEAD":
            async for piece in pieces:
                await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def _reset(self) -> None:
        """Reset the connection for real, where the server below can; else fail as a broken wire does."""
        self.started = True
        self._hang_up(gently=False)

    def _hang_up(self, *, gently: bool) -> None:
        wire = self.scope.get("extensions", {}).get(WIRE)
        if wire is None:
            raise WireCutError("a fault of this sandbox cut the connection")
        wire["close" if gently else "abort"]()

    async def _send(self, message: Message) -> None:
        """Send, with the sandbox's own Date on the first message."""
        if message["type"] == "http.response.start":
            self.started = True
            message["headers"] = [*message["headers"], (b"date", _date(self.now)), (b"server", b"mock-authz")]
        await self.send(message)


@lru_cache(maxsize=256)
def _behaviour(names: tuple[str, ...]) -> Behaviour:
    """Attach quirks by name; without any, quirks are not even loaded."""
    if not names:
        return PLAIN
    from mock_authz import quirks  # noqa: PLC0415 - see the module's docstring

    return quirks.behaviour(names)


def _shown_quirks() -> dict[str, dict[str, Any]]:
    """Show all quirks, by name."""
    from mock_authz import quirks  # noqa: PLC0415 - see the module's docstring

    return {
        quirk.name: {"name": quirk.name, "rules": list(quirk.rules), "says": quirk.says, "seam": quirk.seam}
        for quirk in quirks.ALL.values()
    }


def enter(store: Store, sandbox: Sandbox, now: int) -> Context:
    """Make the context of a request to a sandbox at an instant, with the sandbox's own behaviour."""
    behaviour = _behaviour(sandbox.quirks)
    return Context(sandbox=sandbox, now=now, store=behaviour.store(store), behaviour=behaviour)


def _is_local(request: Request) -> bool:
    """Say whether a request comes from this machine. No address: a Unix socket, which files guard."""
    return request.client is None or request.client.host in LOOPBACK_HOSTS


def garbled(body: bytes) -> bytes:
    """Spoil a body: every third byte is another one."""
    return bytes(byte ^ 0x15 if position % 3 == 0 else byte for position, byte in enumerate(body))


def split_sandbox(path: str) -> tuple[str, str]:
    """Split a path into the sandbox's name and the path below its issuer.

    RFC 8414 3.1: the well-known part may be inserted before the issuer's path, or appended to it.
    """
    for well_known in WELL_KNOWN:
        if path.startswith(well_known + SANDBOX_PREFIX):
            return path.removeprefix(well_known + SANDBOX_PREFIX), well_known
    if not path.startswith(SANDBOX_PREFIX):
        return DEFAULT, path
    name, slash, below = path.removeprefix(SANDBOX_PREFIX).partition("/")
    return name, slash + below or "/"


@lru_cache(maxsize=1024)
def host_of(header: str) -> str:
    """Give the host name of a Host header, without port and brackets; empty for what is none."""
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""


@lru_cache(maxsize=512)
def host_of_url(url: str) -> str:
    """Give the host name of a URL, without port and brackets."""
    return urlsplit(url).hostname or ""


@lru_cache(maxsize=64)
def _date(now: int) -> bytes:
    """Spell an instant for the Date header (RFC 9110 5.6.7)."""
    return formatdate(now, usegmt=True).encode()


def _header(scope: Scope, name: bytes) -> str:
    """Give the value of a header that comes once; empty if it is missing."""
    values: list[bytes] = [value for key, value in scope["headers"] if key == name]
    return values[0].decode("latin-1") if len(values) == 1 else ""


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message: dict[str, Any] = dict(await receive())
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return
