"""What the page does behind its back and how it is told: keeping, removing, the state file, the real server."""

import asyncio
import json
import re
from pathlib import Path

import httpx2
import pytest

from authz_client.driver import Client
from authz_client.page.app import Desk
from authz_client.page.keeper import PageClient, Waker
from authz_client.state import Phase
from tests.client.browser import Browser, alive, browsing
from tests.client.fakes import (
    CLIENT_ID,
    ISSUER,
    START,
    WEEK,
    FakeServer,
    Times,
    device_authorization,
    reply,
)
from tests.web.site import a_site

# Keeping


def test_the_license_is_kept_in_the_background(
    server: FakeServer, times: Times, state_file: Path, licensed: Client
) -> None:
    async def story() -> None:
        async with browsing(server, times, state_file) as page, alive(page.app):
            await page.waker.pass_(WEEK // 2 - 1)
            assert server.count("/token") == 0
            await page.waker.pass_(1)
            assert server.count("/token") == 1

    asyncio.run(story())


def test_an_opened_page_shows_what_came_of_its_refresh(
    server: FakeServer,
    times: Times,
    state_file: Path,
    licensed: Client,
    *,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("authz_client.page.app.GLANCE_SECONDS", 30.0)  # a busy machine may take its time

    async def story() -> None:
        async with browsing(server, times, state_file) as page:
            page.desk.patience_seconds = 30.0
            for _ in ("refreshed", "less than a minute ago"):
                assert "Refreshing" not in await page.open()
                assert server.count("/token") == 1

    asyncio.run(story())


@pytest.mark.parametrize(("seconds", "refreshes"), [(59, 1), (60, 2), (61, 2)])
def test_opening_the_page_refreshes_at_most_once_a_minute(
    server: FakeServer, times: Times, state_file: Path, licensed: Client, *, seconds: int, refreshes: int
) -> None:
    async def story() -> None:
        async with browsing(server, times, state_file) as page:
            await page.open()
            await page.waker.others()
            assert "There is a fresh license token" not in await page.open("/?back")
            times.pass_(seconds)
            await page.open()
            await page.waker.others()
            assert server.count("/token") == refreshes

    asyncio.run(story())


def test_what_is_not_opened_by_a_person_refreshes_nothing(
    server: FakeServer, times: Times, state_file: Path, licensed: Client
) -> None:
    async def story() -> None:
        async with browsing(server, times, state_file) as page:
            for path in ("/?back", "/panel", "/status.json", "/remove"):
                await page.open(path)
            await page.http.get("/", headers={"Sec-Fetch-Dest": "image"})
            await page.waker.others()

    asyncio.run(story())
    assert server.requests == []


def test_refresh_says_how_it_went(
    server: FakeServer, times: Times, state_file: Path, licensed: Client
) -> None:
    async def story() -> None:
        async with browsing(server, times, state_file) as page:
            await page.open("/?back")
            assert "There is a fresh license token." in await page.press("Refresh")
            assert "less than a minute ago. Again in 1 min." in await page.press("Refresh")

    asyncio.run(story())


def test_removing_is_confirmed_and_works_offline(
    server: FakeServer, times: Times, state_file: Path, licensed: Client
) -> None:
    server.will("/revoke", httpx2.ConnectError("away"))

    async def story() -> None:
        async with browsing(server, times, state_file) as page, alive(page.app):
            await page.open("/remove")
            assert page.client.state().phase is Phase.LICENSED
            text = await page.press("Remove License")
            assert "This server is not licensed" in text
            assert "Removal not reported yet." in text
            assert page.client.license_token() is None
            await page.waker.pass_(60)
            assert server.revoked == ["secret-refresh-1"]
            assert "Removal not reported yet" not in await page.open("/?back")

    asyncio.run(story())


def test_where_there_is_nothing_to_remove_the_confirmation_leads_back(
    server: FakeServer, times: Times, state_file: Path
) -> None:
    async def story() -> None:
        async with browsing(server, times, state_file) as page:
            assert "To acquire a license:" in await page.open("/remove")

    asyncio.run(story())


class Slow(httpx2.AsyncBaseTransport):
    """Holds the answers to polls back."""

    def __init__(self, server: FakeServer) -> None:
        self.inner = server.transport()
        self.is_free = asyncio.Event()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("/token"):
            await self.is_free.wait()
        return await self.inner.handle_async_request(request)


def test_a_new_user_code_is_polled_once_the_poll_for_the_old_one_is_answered(
    server: FakeServer, times: Times, state_file: Path
) -> None:
    async def story() -> None:
        slow = Slow(server)
        page = Browser(times, state_file, transport=slow)
        await page.open()
        await page.press("Next")
        await page.press("Complete Authorization")
        again = reply(device_authorization(device_code="secret-again", user_code="LMNP-QRST"))
        server.will("/device_authorization", again)
        await page.press("Another user code")
        await page.press("Complete Authorization")
        assert server.count("/token") == 0
        server.is_approved = True
        slow.is_free.set()
        await page.waker.others()
        polled = [form["device_code"] for path, form in server.requests if path == "/token"]
        assert polled == ["secret-device-code", "secret-again"]
        # What the old poll brought is given back.
        assert len(page.client.state().revocations) == 1
        assert page.client.state().phase is Phase.LICENSED
        await page.close()

    asyncio.run(story())


# Its own motion


def test_the_version_changes_with_what_is_shown_and_not_with_time(
    server: FakeServer, times: Times, state_file: Path
) -> None:
    async def story() -> None:
        async with browsing(server, times, state_file) as page:

            async def seen() -> tuple[str, int]:
                document = (await page.http.get("/status.json")).json()
                return document["version"], document["seconds_left"]

            await page.open()
            await page.press("Next")
            first = await seen()
            assert f'data-version="{first[0]}"' in page.html
            times.pass_(10)
            assert await seen() == (first[0], first[1] - 10)
            times.pass_(890)
            assert (await seen())[0] != first[0]

    asyncio.run(story())


def test_no_secret_is_on_the_page(
    server: FakeServer, times: Times, state_file: Path, licensed: Client
) -> None:
    presented = licensed.license_token()

    async def story() -> str:
        async with browsing(server, times, state_file) as page:
            paths = ("/", "/panel", "/status.json", "/remove")
            return "".join([(await page.http.get(path)).text for path in paths])

    shown = asyncio.run(story())
    assert presented is not None
    assert presented not in shown
    assert "secret-" not in shown


# The state file


def test_a_damaged_state_file_is_told_of_and_left_behind(
    server: FakeServer, times: Times, state_file: Path
) -> None:
    state_file.write_text("{")

    async def story() -> None:
        async with browsing(server, times, state_file) as page:
            assert "State file. A damaged state file has been kept as" in await page.open()
            assert "User Code" in await page.press("Next")

    asyncio.run(story())


def test_a_state_file_that_cannot_be_used_is_said_so(
    server: FakeServer, times: Times, state_file: Path
) -> None:
    state_file.write_text(json.dumps({"version": 99}))

    async def story() -> None:
        async with browsing(server, times, state_file) as page:
            assert "was written by a later version" in await page.open()
            assert (await page.http.get("/status.json")).status_code == 503

    asyncio.run(story())


def test_a_full_disk_during_an_errand_is_told(
    server: FakeServer, times: Times, state_file: Path, licensed: Client, *, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    async def story() -> None:
        async with browsing(server, times, state_file) as page:
            await page.open("/?back")
            monkeypatch.setattr("os.fsync", full)
            assert "No space left on device" in await page.press("Refresh")

    asyncio.run(story())


def test_a_bug_in_an_errand_is_said_and_logged(
    server: FakeServer,
    times: Times,
    state_file: Path,
    licensed: Client,
    *,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def broken(_self: PageClient) -> None:
        raise LookupError("a bug")

    monkeypatch.setattr(PageClient, "refresh", broken)

    async def story() -> None:
        async with browsing(server, times, state_file) as page:
            await page.open("/?back")
            assert "the log of this program says more" in await page.press("Refresh")
            assert not page.desk.errands.busy

    asyncio.run(story())
    assert "a bug" in caplog.text


def test_a_keeper_that_dies_is_mourned_in_the_log(
    server: FakeServer,
    times: Times,
    state_file: Path,
    *,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def broken(_self: PageClient) -> None:
        raise LookupError("a bug")

    monkeypatch.setattr(PageClient, "run", broken)

    async def story() -> None:
        async with browsing(server, times, state_file) as page, alive(page.app):
            await page.waker.others()

    asyncio.run(story())
    assert "The license is no longer kept" in caplog.text


def test_a_waker_ends_sleeps_early_and_otherwise_lets_them_end() -> None:
    async def story() -> None:
        waker = Waker()
        await waker.sleep(0)
        sleeping = asyncio.create_task(waker.sleep(3600))
        await asyncio.to_thread(lambda: None)
        waker.wake()
        await asyncio.wait_for(sleeping, 5)

    asyncio.run(story())


def test_the_desk_hides_its_secret(times: Times, state_file: Path) -> None:
    client = PageClient(issuer=ISSUER, client_id=CLIENT_ID, state=state_file, clocks=times.clocks())
    assert "a-secret" not in repr(Desk(client, Waker(), "a-secret"))
    asyncio.run(client.aclose())


# With the real server


def test_the_whole_story_with_the_real_server(times: Times, state_file: Path) -> None:
    """The server stands still at the instant at which the client's clock starts."""
    site = a_site(now=START)

    async def story() -> Browser:
        transport = httpx2.ASGITransport(app=site.server)
        page = Browser(times, state_file, transport=transport, issuer=site.sandbox.issuer)
        await page.open()
        text = await page.press("Next")
        user_code = re.search(r"[A-Z]{4}-[A-Z]{4}", text)
        assert user_code is not None
        await asyncio.to_thread(site.approve, user_code[0])
        await page.press("Complete Authorization")
        return page

    async def ending(page: Browser) -> None:
        await page.press("Refresh")
        await page.open("/remove")
        assert "The license is removed." in await page.press("Remove License")
        await page.close()

    async def both() -> None:
        page = await story()
        assert page.details["License Status"] == "Licensed"
        assert page.details["Server ID"] == "store-12"
        await ending(page)

    asyncio.run(both())
