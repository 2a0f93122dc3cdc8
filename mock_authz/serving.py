"""How the application is served: uvicorn, with connections that a fault can reset; in the foreground or in a thread.

Knows nothing of sandboxes and faults: it puts two functions into each request's scope. An ASGI application alone cannot
reset a connection.
"""

from __future__ import annotations

import struct
from asyncio import AbstractEventLoop, Transport
from collections.abc import Iterator
from contextlib import contextmanager
from socket import AF_INET, AF_INET6, IPPROTO_TCP, SO_LINGER, SOL_SOCKET, TCP_NODELAY, socket
from threading import Event, Thread
from typing import Any, Final, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mock_authz.app import WIRE

RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
DRAIN_SECONDS: Final = 3
START_SECONDS: Final = 30.0
LARGE_PIECE: Final = 64 * 1024


class WholeAnswers:
    """A transport that sends all that is written in one turn of the event loop in one piece: head and body together.

    uvicorn writes them apart, and each write costs a call to the system and wakes the peer.
    """

    def __init__(self, transport: Transport, loop: AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._written: list[bytes] = []
        self.get_extra_info = transport.get_extra_info
        self.is_closing = transport.is_closing
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading

    def write(self, data: bytes) -> None:
        """Keep a piece until the turn ends; a large one, with what came before it, goes at once."""
        if not self._written:
            self._loop.call_soon(self._send)
        self._written.append(data)
        if len(data) >= LARGE_PIECE:
            self._send()

    def _send(self) -> None:
        if self._written:
            self._transport.write(b"".join(self._written))
            self._written.clear()

    def close(self) -> None:
        """Send what was written, and close."""
        self._send()
        self._transport.close()

    def abort(self) -> None:
        """Drop what was written, and hang up."""
        self._written.clear()
        self._transport.abort()


class ResettableProtocol(HttpToolsProtocol):
    """HTTP/1.1 over httptools, whose connections the application can hang up."""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Send what is written at once: asyncio sees to it only where a socket was made with IPPROTO_TCP."""
        wired = transport.get_extra_info("socket")
        if wired is not None and wired.family in (AF_INET, AF_INET6):
            wired.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        super().connection_made(cast("Transport", WholeAnswers(transport, self.loop)))

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
