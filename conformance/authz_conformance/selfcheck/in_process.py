"""An ASGI application behind the kit's connection, without sockets: a request is a call. Knows no application.

Judged is what a client gets: status, headers, body, and a failure where there is no answer. Lost is what lies below that,
and no rule is about: the bytes of HTTP/1.1, and that connections are kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator, MutableMapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any

import httpx2

from authz_conformance.wire import ALWAYS_SENT, Answer, Bounds, Connection

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Coroutine[Any, Any, None]]

CLIENT = ("127.0.0.1", 1)


@dataclass(frozen=True)
class Asked:
    """One request, as an application is told of it; header names in small letters."""

    method: str
    url: httpx2.URL
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes


class Calls:
    """Calls an application in the thread that asks it.

    Several threads may ask at a time. As on the one event loop of a real server, a request gives way to another only where
    it awaits something: a race that a server with one loop cannot lose is not lost here, and one that it can, is.
    """

    def __init__(self, application: Application) -> None:
        self._application = application
        self._turn = Lock()
        self._idle: list[asyncio.Runner] = []

    def call(self, asked: Asked, *, seconds: float | None) -> Said:
        """Ask, and give the whole answer.

        Raises:
            TimeoutError: it did not come in time.
            Exception: whatever the application raises; below HTTP, that breaks the connection off.
        """
        try:
            runner = self._idle.pop()
        except IndexError:
            runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        try:
            return runner.get_loop().run_until_complete(self._answer(asked, seconds))
        finally:
            self._idle.append(runner)

    def close(self) -> None:
        """End all event loops. No request may be under way."""
        while self._idle:
            self._idle.pop().close()

    async def _answer(self, asked: Asked, seconds: float | None) -> Said:
        said = Said(is_head=asked.method == "HEAD")

        async def receive() -> Message:
            return {"type": "http.request", "body": asked.body, "more_body": False}

        async with asyncio.timeout(seconds):
            await _TakingTurns(self._application(_scope(asked), receive, said.send), self._turn)
        return said


class CallingConnection(Connection):
    """A connection whose requests are calls. They go past httpx2, which takes longer than the server does."""

    def __init__(self, application: Application, *, bounds: Bounds | None = None) -> None:
        super().__init__(bounds=bounds)
        self._calls = Calls(application)

    def ask(
        self,
        method: str,
        url: str,
        headers: Sequence[tuple[str, str]],
        content: bytes,
        *,
        body_bytes: int | None = None,
    ) -> Answer:
        """Call the application: it hears what httpx2 would have sent."""
        try:
            parsed = _parsed(url)
            asked = Asked(method, parsed, _sent(method, parsed, headers, content), content)
            said = self._calls.call(asked, seconds=self.bounds.request_seconds)
        except TimeoutError:
            return Answer(failure=f"no answer within {self.bounds.request_seconds:g} s")
        except Exception as error:  # noqa: BLE001 - whatever the application raises breaks the connection off
            return Answer(failure=f"no answer: {str(error) or type(error).__name__}")
        shown = tuple(
            (name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in said.headers
        )
        return Answer(
            status=said.status, headers=shown, content=said.body[: body_bytes or self.bounds.body_bytes]
        )

    def close(self) -> None:
        """End the event loops, too."""
        super().close()
        self._calls.close()


@lru_cache(maxsize=4096)
def _parsed(url: str) -> httpx2.URL:
    return httpx2.URL(url)


def _sent(
    method: str, url: httpx2.URL, headers: Sequence[tuple[str, str]], content: bytes
) -> list[tuple[bytes, bytes]]:
    """Give the headers that httpx2 sends: those that are given, and what HTTP/1.1 needs beside."""
    given = [
        (name.lower().encode("ascii"), value.encode("ascii")) for name, value in (*ALWAYS_SENT, *headers)
    ]
    names = {name for name, _ in given}
    if b"host" not in names:
        given.insert(0, (b"host", url.netloc))
    if b"content-length" not in names and (content or method in {"POST", "PUT", "PATCH"}):
        given.append((b"content-length", str(len(content)).encode()))
    return given


class _TakingTurns:
    """Runs a coroutine so that none of the others has a turn until it awaits something."""

    def __init__(self, coroutine: Coroutine[Any, Any, None], turn: Lock) -> None:
        self._coroutine, self._turn = coroutine, turn

    def __await__(self) -> Generator[Any, Any, None]:
        """Go on from one await to the next."""
        go_on, given = self._coroutine.send, None
        while True:
            with self._turn:
                try:
                    awaited = go_on(given)
                except StopIteration:
                    return
            try:
                go_on, given = self._coroutine.send, (yield awaited)
            except BaseException as error:  # noqa: BLE001 - it is for the coroutine: a timeout, mostly
                go_on, given = self._coroutine.throw, error


class Said:
    """Collects what an application sends."""

    def __init__(self, *, is_head: bool) -> None:
        self._is_head = is_head
        self._start: Message = {}
        self._pieces: list[bytes] = []

    async def send(self, message: Message) -> None:
        """Take one message."""
        if message["type"] == "http.response.start":
            self._start = message
        elif not self._is_head:
            self._pieces.append(message.get("body", b""))

    @property
    def status(self) -> int:
        """The status of HTTP."""
        status: int = self._start["status"]
        return status

    @property
    def headers(self) -> Sequence[tuple[bytes, bytes]]:
        """The headers, as they were sent."""
        headers: Sequence[tuple[bytes, bytes]] = self._start["headers"]
        return headers

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(self._pieces)


def _scope(asked: Asked) -> Message:
    url = asked.url
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": asked.method,
        "headers": list(asked.headers),
        "scheme": url.scheme,
        "path": url.path,
        "raw_path": url.raw_path.partition(b"?")[0],
        "query_string": url.query,
        "root_path": "",
        "server": (url.host, url.port),
        "client": CLIENT,
    }
