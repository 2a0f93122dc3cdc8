"""A browser without a screen for the License Management page, and a waker that only a test wakes."""

import asyncio
import re
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path
from typing import Any

import httpx2

from authz_client.page.app import Desk, build
from authz_client.page.keeper import PageClient, Waker
from authz_client.page.protection import AllowedHosts
from tests.client.fakes import CLIENT_ID, ISSUER, FakeServer, Times

PAGE = "http://127.0.0.1:8629"
CSRF = "what-only-this-run-knows"


class HandWaker(Waker):
    """Sleeps until a test says that time has passed."""

    def __init__(self, times: Times) -> None:
        super().__init__()
        self._times = times

    async def sleep(self, seconds: float) -> None:  # noqa: ARG002 - a test decides how long it takes
        await self._woken.wait()

    async def pass_(self, seconds: float) -> None:
        """Let time pass, and let whoever slept do what is due."""
        self._times.pass_(seconds)
        self.wake()
        await self.others()

    async def others(self) -> None:
        """Let the background do what it can do now."""
        for _ in range(5):
            await asyncio.to_thread(lambda: None)


class Browser:
    """Looks at one page at a time, and presses its buttons."""

    def __init__(
        self,
        times: Times,
        state: Path,
        *,
        transport: httpx2.AsyncBaseTransport,
        hosts: AllowedHosts | None = None,
        issuer: str = ISSUER,
    ) -> None:
        self.waker = HandWaker(times)
        self.client = PageClient(
            issuer=issuer,
            client_id=CLIENT_ID,
            state=state,
            clocks=times.clocks(),
            sleep=self.waker.sleep,
            transport=transport,
        )
        self.desk = Desk(self.client, self.waker, CSRF, patience_seconds=0.05)
        self.app = build(self.desk, hosts=hosts or AllowedHosts())
        transport_here = httpx2.ASGITransport(self.app)
        self.http = httpx2.AsyncClient(transport=transport_here, base_url=PAGE, follow_redirects=True)
        self.html = ""

    async def open(self, path: str = "/") -> str:
        self.html = (await self.http.get(path)).text
        return self.text

    async def press(self, button: str) -> str:
        """Send the form of a button as a browser would."""
        forms = re.findall(r"<form.*?</form>", self.html, re.DOTALL)
        (form,) = [form for form in forms if re.search(rf"<button[^>]*>{button}</button>", form)]
        (action,) = re.findall(r'action="([^"]*)"', form)
        fields = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', form))
        headers = {"Origin": PAGE, "Sec-Fetch-Site": "same-origin"}
        self.html = (await self.http.post(action, data=fields, headers=headers)).text
        return self.text

    @property
    def text(self) -> str:
        """What a person reads."""
        body = self.html.partition("<body>")[2]
        return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", body)))

    @property
    def details(self) -> dict[str, str]:
        """The license details, label by label."""
        pairs = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", self.html, re.DOTALL)
        return {
            label: re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", value))).strip()
            for label, value in pairs
        }

    async def close(self) -> None:
        await self.desk.errands.close()
        await self.http.aclose()
        await self.client.aclose()


@asynccontextmanager
async def browsing(
    server: FakeServer, times: Times, state: Path, *, hosts: AllowedHosts | None = None
) -> AsyncIterator[Browser]:
    browser = Browser(times, state, transport=server.transport(), hosts=hosts)
    try:
        yield browser
    finally:
        await browser.close()


@asynccontextmanager
async def alive(app: Any) -> AsyncIterator[None]:
    """Send an application its lifespan events."""
    inbox: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    outbox: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
    running = asyncio.create_task(app({"type": "lifespan", "state": {}}, inbox.get, outbox.put))
    for event in ("startup", "shutdown"):
        await inbox.put({"type": f"lifespan.{event}"})
        assert (await outbox.get())["type"] == f"lifespan.{event}.complete"
        if event == "startup":
            yield
    await running
