"""The reference client: `Client` and `AsyncClient`, one flow of requests under two drivers over httpx2.

    with Client(issuer="https://authz.example/s/shop", client_id="pos-server", state=Path("license.json")) as client:
        client.acquire()            # Next: Outcome USER_CODE_SHOWN; client.status().user_code has what to show
        client.complete()           # Complete Authorization: polls until a final answer; Outcome LICENSED, REFUSED, ...
        client.status()             # PageStatus: rows(), warnings, to_json(); needs no connection
        client.refresh()            # the page was opened, Refresh, the connection is back: at most once a minute
        client.license_token()      # the JWT to present to a peer, or None
        client.remove()             # at once, also offline; Outcome REMOVED or REVOCATION_PENDING
        client.tick()               # does what is due, returns the seconds until it should be called again
        client.run()                # tick and sleep for ever: refreshes at half of the token's life, retries, revokes

`trust` is what https is held against, in place of the authorities that this machine trusts.
`AsyncClient` has the same methods as coroutines (`status` and `license_token` stay plain). All but the last two of the
list return an `Outcome` (`kind`, `reason`, `description`, `retry_in_seconds`, `is_success`, `to_json()`): refusals are
values. `StoreError` (and its kinds `DamagedStateError`, `ForeignStateError`) and `InsecureIssuerError` are raised.

Owns HTTP and, with `real_clocks`, all I/O but the state file's. It decides nothing; `protocol` does.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import httpx2

from authz_client.flows import Clocks, Flow, Flows, Rest, Result
from authz_client.machine import Task
from authz_client.outcome import Outcome
from authz_client.real_clocks import REAL_CLOCKS
from authz_client.status import TOKEN_WARNING_SECONDS
from authz_client.wire import NoResponse, Reply, Request, Response

MAX_BODY_BYTES: Final = 1024 * 1024
REQUEST_TIMEOUT_SECONDS: Final = 10.0
#: A server that drips its answer keeps within each read's timeout: this bounds the whole.
RESPONSE_DEADLINE_SECONDS: Final = 30.0
#: identity: so the bound on the body's size is one on what is read.
_HEADERS: Final = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "authz-client"}


class _Taking:
    """Takes in a body, bounded in size and time."""

    def __init__(self, clocks: Clocks) -> None:
        self._clocks = clocks
        self._deadline = clocks.monotonic() + RESPONSE_DEADLINE_SECONDS
        self._body = bytearray()

    def take(self, chunk: bytes) -> NoResponse | None:
        """Take one chunk in, or say why the response is given up."""
        self._body += chunk
        if len(self._body) > MAX_BODY_BYTES:
            return NoResponse("too_large")
        return NoResponse("timeout") if self._clocks.monotonic() > self._deadline else None

    def done(self, response: httpx2.Response) -> Response:
        """Give the response, whole."""
        headers = response.headers
        retry_after, date = headers.get("Retry-After"), headers.get("Date")
        return Response(response.status_code, bytes(self._body), retry_after=retry_after, date=date)


def _whole(response: httpx2.Response, chunks: Iterator[bytes], clocks: Clocks) -> Reply:
    taking = _Taking(clocks)
    for chunk in chunks:
        if (refused := taking.take(chunk)) is not None:
            return refused
    return taking.done(response)


async def _whole_async(response: httpx2.Response, chunks: AsyncIterator[bytes], clocks: Clocks) -> Reply:
    taking = _Taking(clocks)
    async for chunk in chunks:
        if (refused := taking.take(chunk)) is not None:
            return refused
    return taking.done(response)


def _unheard(error: Exception) -> NoResponse:
    """Say why there is no response: a certificate that nobody here vouches for is not an absent network."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    return NoResponse("network" if cause is None else "untrusted", detail=str(error))


class Client(Flows):
    """The reference client, blocking. See the module's docstring."""

    def __init__(  # noqa: PLR0913 - what a client can be told
        self,
        *,
        issuer: str,
        client_id: str,
        state: Path,
        scope: str = "license",
        insecure_hosts: tuple[str, ...] = (),
        token_warning_seconds: int = TOKEN_WARNING_SECONDS,
        clocks: Clocks = REAL_CLOCKS,
        sleep: Callable[[float], None] = time.sleep,
        http: httpx2.Client | None = None,
        transport: httpx2.BaseTransport | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(
            issuer=issuer,
            client_id=client_id,
            state=state,
            scope=scope,
            insecure_hosts=insecure_hosts,
            token_warning_seconds=token_warning_seconds,
            clocks=clocks,
        )
        self._sleep = sleep
        self._http = http or httpx2.Client(
            transport=transport, timeout=REQUEST_TIMEOUT_SECONDS, verify=trust or True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def acquire(self, *, start_over: bool = False) -> Outcome:
        """Next: ask for a user_code, and do not poll. A good one stays, unless `start_over`."""
        return self._drive(self.errand_flow(Task.ACQUIRE, start_over=start_over))

    def complete(self, *, wait: bool = True) -> Outcome:
        """Complete Authorization: poll at once and at the interval until a final answer.

        Args:
            wait: False returns `AUTHORIZATION_PENDING`, or `FAILED` after a poll without an answer, instead of sleeping
                until the next poll.
        """
        return self._drive(self.errand_flow(Task.COMPLETE, wait=wait))

    def refresh(self, *, retry: bool = True) -> Outcome:
        """Refresh at once, at most once a minute.

        Args:
            retry: Whether a first failure (a lost reply) is followed by one more attempt within 5 s.
        """
        return self._drive(self.refreshing_flow(retry=retry))

    def remove(self) -> Outcome:
        """Remove the license at once; the server is told now or, by `run`, when it can be reached."""
        return self._drive(self.errand_flow(Task.REMOVE))

    def tick(self) -> float:
        """Do what is due, and say in how many seconds to call again.

        Raises:
            StoreError: The state cannot be read or stored.
        """
        return self._drive(self.tick_flow())

    def run(self, *, stop: Callable[[], bool] = lambda: False) -> None:
        """Keep the license: tick and sleep until `stop` says so, which is asked before each tick."""
        while not stop():
            seconds = self._drive(self.kept_flow())
            if seconds > 0:
                self._sleep(seconds)

    def _drive(self, flow: Flow[Result]) -> Result:
        try:
            wish = next(flow)
            while True:
                if isinstance(wish, Rest):
                    self._sleep(wish.seconds)
                    wish = flow.send(None)
                else:
                    wish = flow.send(self.exchange(wish))
        except StopIteration as stop:
            result: Result = stop.value
            return result
        finally:
            flow.close()

    def exchange(self, request: Request) -> Reply:
        """Perform one request, bounded in size and time; redirects are not followed."""
        try:
            with self._http.stream(
                request.method, request.url, data=request.form, headers=_HEADERS, follow_redirects=False
            ) as response:
                return _whole(response, response.iter_bytes(), self.clocks)
        except httpx2.TimeoutException as error:
            return NoResponse("timeout", detail=str(error))
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            return _unheard(error)


class AsyncClient(Flows):
    """The reference client for asyncio. See the module's docstring; the state file is read and written in between."""

    def __init__(  # noqa: PLR0913 - what a client can be told
        self,
        *,
        issuer: str,
        client_id: str,
        state: Path,
        scope: str = "license",
        insecure_hosts: tuple[str, ...] = (),
        token_warning_seconds: int = TOKEN_WARNING_SECONDS,
        clocks: Clocks = REAL_CLOCKS,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        http: httpx2.AsyncClient | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(
            issuer=issuer,
            client_id=client_id,
            state=state,
            scope=scope,
            insecure_hosts=insecure_hosts,
            token_warning_seconds=token_warning_seconds,
            clocks=clocks,
        )
        self._sleep = sleep
        self._http = http or httpx2.AsyncClient(
            transport=transport, timeout=REQUEST_TIMEOUT_SECONDS, verify=trust or True
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def acquire(self, *, start_over: bool = False) -> Outcome:
        """As `Client.acquire`."""
        return await self._drive(self.errand_flow(Task.ACQUIRE, start_over=start_over))

    async def complete(self, *, wait: bool = True) -> Outcome:
        """As `Client.complete`."""
        return await self._drive(self.errand_flow(Task.COMPLETE, wait=wait))

    async def refresh(self, *, retry: bool = True) -> Outcome:
        """As `Client.refresh`."""
        return await self._drive(self.refreshing_flow(retry=retry))

    async def remove(self) -> Outcome:
        """As `Client.remove`."""
        return await self._drive(self.errand_flow(Task.REMOVE))

    async def tick(self) -> float:
        """As `Client.tick`."""
        return await self._drive(self.tick_flow())

    async def run(self, *, stop: Callable[[], bool] = lambda: False) -> None:
        """As `Client.run`; or cancel it."""
        while not stop():
            seconds = await self._drive(self.kept_flow())
            if seconds > 0:
                await self._sleep(seconds)

    async def _drive(self, flow: Flow[Result]) -> Result:
        try:
            wish = next(flow)
            while True:
                if isinstance(wish, Rest):
                    await self._sleep(wish.seconds)
                    wish = flow.send(None)
                else:
                    wish = flow.send(await self.exchange(wish))
        except StopIteration as stop:
            result: Result = stop.value
            return result
        finally:
            flow.close()

    async def exchange(self, request: Request) -> Reply:
        """As `Client.exchange`."""
        try:
            async with self._http.stream(
                request.method, request.url, data=request.form, headers=_HEADERS, follow_redirects=False
            ) as response:
                return await _whole_async(response, response.aiter_bytes(), self.clocks)
        except httpx2.TimeoutException as error:
            return NoResponse("timeout", detail=str(error))
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            return _unheard(error)
