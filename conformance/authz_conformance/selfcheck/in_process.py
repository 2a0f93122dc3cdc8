"""An ASGI application behind an httpx2 client, without sockets: a request is a call. Knows no application.

Judged is what a client gets from httpx2: status, headers, body, and a failure where there is no answer. Lost is what lies
below that, and no rule is about: the bytes of HTTP/1.1, and that connections are kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator, MutableMapping
from threading import Lock
from typing import Any

import httpx2

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Coroutine[Any, Any, None]]

CLIENT = ("127.0.0.1", 1)


class InProcess(httpx2.BaseTransport):
    """Calls an application in the thread that asks it.

    Several threads may ask at a time. As on the one event loop of a real server, a request gives way to another only where
    it awaits something: a race that a server with one loop cannot lose is not lost here, and one that it can, is.
    """

    def __init__(self, application: Application) -> None:
        self._application = application
        self._turn = Lock()
        self._idle: list[asyncio.Runner] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Ask, and give the whole answer."""
        try:
            runner = self._idle.pop()
        except IndexError:
            runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        try:
            return runner.get_loop().run_until_complete(self._answer(request))
        except TimeoutError as error:
            raise httpx2.ReadTimeout("no answer in time", request=request) from error
        except Exception as error:
            # Whatever the application raises breaks the connection off below it.
            raise httpx2.ReadError(str(error) or type(error).__name__, request=request) from error
        finally:
            self._idle.append(runner)

    def close(self) -> None:
        """End all event loops. No request may be under way."""
        while self._idle:
            self._idle.pop().close()

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        body, answer = request.read(), _Answer(is_head=request.method == "HEAD")

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async with asyncio.timeout(request.extensions.get("timeout", {}).get("read")):
            await _TakingTurns(self._application(_scope(request), receive, answer.send), self._turn)
        return answer.made()


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


class _Answer:
    """Collects what an application sends."""

    def __init__(self, *, is_head: bool) -> None:
        self._is_head = is_head
        self._start: Message = {}
        self._pieces: list[bytes] = []

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
        elif not self._is_head:
            self._pieces.append(message.get("body", b""))

    def made(self) -> httpx2.Response:
        # A stream, and not content: nothing is added to the headers that were sent.
        stream = httpx2.ByteStream(b"".join(self._pieces))
        return httpx2.Response(self._start["status"], headers=self._start["headers"], stream=stream)


def _scope(request: httpx2.Request) -> Message:
    url = request.url
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "scheme": url.scheme,
        "path": url.path,
        "raw_path": url.raw_path.partition(b"?")[0],
        "query_string": url.query,
        "root_path": "",
        "server": (url.host, url.port),
        "client": CLIENT,
    }
