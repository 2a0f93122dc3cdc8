"""The client behind the page: one that can be woken, and that notices whether the server answers.

Owns nothing of the license; `AsyncClient` does all of that.
"""

import asyncio
from typing import Any

from authz_client.driver import AsyncClient
from authz_client.wire import Reply, Request, Response


class Waker:
    """A sleep that ends early when something has changed. Who is woken for nothing looks, and sleeps on."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        """Sleep for so long, or until `wake`."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            pass

    def wake(self) -> None:
        """End all sleeps that are under way."""
        woken, self._woken = self._woken, asyncio.Event()
        woken.set()


class PageClient(AsyncClient):
    """The client of the page; `is_reached` says whether the last request had any answer, None before the first."""

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self.is_reached: bool | None = None

    @property
    def issuer(self) -> str:
        """The Authorization server."""
        return self._config.issuer

    async def exchange(self, request: Request) -> Reply:
        """As the driver does it, remembering whether there was an answer."""
        reply = await super().exchange(request)
        self.is_reached = isinstance(reply, Response)
        return reply
