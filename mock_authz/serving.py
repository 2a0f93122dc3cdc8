"""How the application is served: uvicorn, with connections that a fault can reset; in the foreground or in a thread.

Knows nothing of sandboxes and faults: it puts two functions into each request's scope. An ASGI application alone cannot
reset a connection.
"""

from __future__ import annotations

import struct
from asyncio import Transport
from collections.abc import Iterator
from contextlib import contextmanager
from socket import AF_INET, AF_INET6, IPPROTO_TCP, SO_LINGER, SOL_SOCKET, TCP_NODELAY, socket
from threading import Event, Thread
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mock_authz.app import WIRE

RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
DRAIN_SECONDS: Final = 3
START_SECONDS: Final = 30.0


class ResettableProtocol(HttpToolsProtocol):
    """HTTP/1.1 over httptools, whose connections the application can hang up."""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Send what is written at once: asyncio sees to it only where a socket was made with IPPROTO_TCP."""
        wired = transport.get_extra_info("socket")
        if wired is not None and wired.family in (AF_INET, AF_INET6):
            wired.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        super().connection_made(transport)

    def on_message_begin(self) -> None:
        """Begin a request, and tell it how to hang up."""
        super().on_message_begin()
        wire: dict[object, object] = {"abort": self._abort, "close": self._close}
        self.scope["extensions"] = {WIRE: wire}

    def _abort(self) -> None:
        """Reset: drop what has not been sent; the peer gets RST, not FIN."""
        wired = self.transport.get_extra_info("socket")
        if wired is not None:
            wired.setsockopt(SOL_SOCKET, SO_LINGER, RESET_ON_CLOSE)
        self._expect_nothing_more()
        self.transport.abort()

    def _close(self) -> None:
        """Hang up; what was sent still arrives."""
        self._expect_nothing_more()
        self.transport.close()

    def _expect_nothing_more(self) -> None:
        """Say that the answer ends here: uvicorn would log an error for one that is missing or cut short."""
        if self.cycle is not None:
            self.cycle.disconnected = True


def configure(app: ASGIApp, **options: Any) -> uvicorn.Config:
    """Configure uvicorn for the application, which sets `Date` and `Server` itself."""
    return uvicorn.Config(
        app,
        loop="asyncio",
        http=ResettableProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        date_header=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        **options,
    )


class _Announcing(uvicorn.Server):
    """Says when it listens, so that nobody has to poll for it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = Event()

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@contextmanager
def in_a_thread(app: ASGIApp, listening: socket, **options: Any) -> Iterator[None]:
    """Serve an application in a thread while the block runs.

    Args:
        listening: a socket that is bound and listens.

    Raises:
        TimeoutError: it did not start.
    """
    server = _Announcing(configure(app, **options))
    thread = Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True, name="mock-authz")
    thread.start()
    if not server.listening.wait(START_SECONDS):
        raise TimeoutError(f"the server did not start within {START_SECONDS:.0f} seconds")
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)
