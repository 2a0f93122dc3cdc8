"""The License Management page: the guide's steps and labels, its buttons, and what goes on in the background."""

import asyncio
import re
from pathlib import Path

import httpx2
import pytest

from authz_client.driver import Client
from authz_client.state import Phase
from tests.client.browser import alive, browsing
from tests.client.fakes import (
    DAY,
    ISSUER,
    OTHER_KEY,
    START,
    WEEK,
    FakeServer,
    Times,
    device_authorization,
    error,
    reply,
)

GUIDE = ["Authorize Device", "Device", "License Management", "Next", "User Code", "UserCode", "Authorize"]


def bold(html: str) -> list[str]:
    return re.findall(r"<b>(.*?)</b>", html)


# Acquiring


def test_unlicensed_shows_the_guides_six_steps_and_sends_nothing(
    server: FakeServer, times: Times, state_file: Path
) -> None:
    async def story() -> None:
        async with browsing(server, times, state_file) as page:
            text = await page.open()
            assert "License Management" in text
            assert "Manage POS / License" in text
            assert page.html.count("<li>") == 6
            assert bold(page.html) == [*GUIDE, "Complete Authorization"]
            async with alive(page.app):
                await page.waker.pass_(3600)

    asyncio.run(story())
    assert server.requests == []


def test_next_shows_the_user_code_and_does_not_poll(
    server: FakeServer, times: Times, state_file: Path
) -> None:
    complete = f"{ISSUER}/device?user_code=BCDF-GHJK"
    server.will("/device_authorization", reply(device_authorization(verification_uri_complete=complete)))

    async def story() -> None:
        async with browsing(server, times, state_file) as page:
            await page.open()
            text = await page.press("Next")
            assert "User Code BCDF-GHJK" in text
            assert "Time left: 15:00 , until 2027-01-15 08:15:00 UTC" in text
            assert f'href="{ISSUER}/device"' in page.html
            assert f'href="{complete}"' in page.html
            assert '<svg viewBox="0 0' in page.html
            assert 'data-copies="user-code"' in page.html
            assert "Next" not in re.findall(r"<button[^>]*>(.*?)</button>", page.html)

    asyncio.run(story())
    assert server.count("/device_authorization") == 1
    assert server.count("/token") == 0


def test_a_good_user_code_stays_and_another_replaces_it(
    server: FakeServer, times: Times, state_file: Path
) -> None:
    async def story() -> None:
        async with browsing(server, times, state_file) as page:
            await page.open()
            form = page.html
            await page.press("Next")
            page.html = form  # an older tab
            await page.press("Next")
            assert server.count("/device_authorization") == 1
            await page.press("Another user code")
            assert server.count("/device_authorization") == 2

    asyncio.run(story())


def test_complete_authorization_polls_at_once_and_then_at_the_interval(
    server: FakeServer, times: Times, state_file: Path
) -> None:
    async def story() -> None:
        async with browsing(server, times, state_file) as page:
            await page.open()
            await page.press("Next")
            text = await page.press("Complete Authorization")
            assert server.count("/token") == 1
            assert "Waiting for the authorization." in text
            assert 'content="5; url=/?back"' in page.html
            await page.press("Complete Authorization")
            await page.waker.pass_(4)
            assert server.count("/token") == 1
            await page.waker.pass_(1)
            assert server.count("/token") == 2
            server.is_approved = True
            await page.waker.pass_(5)
            assert "This server is licensed." in await page.open("/?back")
            assert page.details["License Status"] == "Licensed"
            assert not page.desk.errands.busy

    asyncio.run(story())


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (error("access_denied", error_description="No, not this one"), 'It says: "No, not this one"'),
        (error("expired_token"), "the user code expired before the device was authorized"),
    ],
)
def test_a_refused_authorization_leads_back_to_the_steps_and_says_why(
    server: FakeServer, times: Times, state_file: Path, *, answer: httpx2.Response, why: str
) -> None:
    server.will("/token", answer)

    async def story() -> None:
        async with browsing(server, times, state_file) as page:
            await page.open()
            await page.press("Next")
            text = await page.press("Complete Authorization")
            assert text.count(why) == 1
            assert "This server is not licensed" in text

    asyncio.run(story())


@pytest.mark.parametrize(("seconds", "is_expired"), [(899, False), (900, True), (901, True)])
def test_an_expired_user_code_offers_another(
    server: FakeServer, times: Times, state_file: Path, *, seconds: int, is_expired: bool
) -> None:
    async def story() -> None:
        async with browsing(server, times, state_file) as page:
            await page.open()
            await page.press("Next")
            times.pass_(seconds)
            assert ("The user code has expired" in await page.open()) is is_expired
            if is_expired:
                assert "BCDF-GHJK" in await page.press("Next")

    asyncio.run(story())


@pytest.mark.parametrize("button", ["Cancel", "Another user code"])
def test_polling_ends_with_the_user_code_that_it_was_for(
    server: FakeServer, times: Times, state_file: Path, button: str
) -> None:
    async def story() -> None:
        async with browsing(server, times, state_file) as page:
            await page.open()
            await page.press("Next")
            await page.press("Complete Authorization")
            again = reply(device_authorization(device_code="secret-again", user_code="LMNP-QRST"))
            server.will("/device_authorization", again)
            await page.press(button)
            await page.waker.pass_(60)
            assert not page.desk.errands.busy
            assert server.count("/token") == 1
            if button == "Cancel":
                assert page.client.state().phase is Phase.REMOVED
                return
            await page.press("Complete Authorization")
            assert server.requests[-1][1]["device_code"] == "secret-again"

    asyncio.run(story())


def test_the_page_says_that_it_is_offline_while_it_polls(
    server: FakeServer, times: Times, state_file: Path
) -> None:
    server.will("/token", httpx2.ConnectError("away"))

    async def story() -> None:
        async with browsing(server, times, state_file) as page:
            await page.open()
            await page.press("Next")
            text = await page.press("Complete Authorization")
            assert "Offline. The Authorization server cannot be reached; it is tried again by itself." in text
            assert "asked every 10 seconds" in text
            await page.waker.pass_(10)
            assert "Offline" not in await page.open("/?back")

    asyncio.run(story())


def test_next_says_what_went_wrong(server: FakeServer, times: Times, state_file: Path) -> None:
    server.will("/device_authorization", httpx2.Response(502), error("invalid_client", 401))

    async def story() -> None:
        async with browsing(server, times, state_file) as page:
            await page.open()
            assert "answered with HTTP status 502" in await page.press("Next")
            assert "does not know this client ID" in await page.press("Next")

    asyncio.run(story())


# License details


def test_the_details_have_the_guides_labels_in_its_order(
    server: FakeServer, times: Times, state_file: Path, licensed: Client
) -> None:
    async def story() -> None:
        async with browsing(server, times, state_file) as page:
            await page.open("/?back")
            assert page.details == {
                "License Status": "Licensed",
                "Server ID": "srv-1",
                "License Renewal Date": "None",
                "Features": "xms",
                "Hub Server Name": "Hub",
                "Hub Server URL": "https://hub.example",
                "Token Expiry": "2027-01-22 08:00:00 UTC",
            }

    asyncio.run(story())


@pytest.mark.parametrize(
    ("seconds", "label"),
    [
        (10 * DAY - 1, "Licensed"),
        (10 * DAY, "Requires Renewal Its renewal date is near"),
        (40 * DAY - 1, "Requires Renewal"),
        (40 * DAY, "Expired Requires Renewal The license renewal date has passed."),
    ],
)
def test_the_license_status_follows_the_renewal_date(
    server: FakeServer, times: Times, state_file: Path, client: Client, *, seconds: int, label: str
) -> None:
    server.renewal = {"renewal_at": START + 40 * DAY, "renewal_due_from": START + 10 * DAY}
    server.is_approved = True
    client.acquire()
    client.complete()
    times.pass_(seconds)

    async def story() -> None:
        async with browsing(server, times, state_file) as page:
            await page.open("/?back")
            assert page.details["License Status"].startswith(label)
            assert page.details["License Renewal Date"] == "2027-02-24 08:00:00 UTC"

    asyncio.run(story())


@pytest.mark.parametrize(
    ("left", "warning"),
    [
        (2 * DAY, None),
        (2 * DAY - 1, "Token Expiry is near. The license token expires at"),
        (1, "Token Expiry is near. The license token expires at"),
        (0, "Token Expiry has passed. The license token has expired: connect this server to the internet."),
    ],
)
def test_the_page_warns_when_the_token_expiry_is_near(
    server: FakeServer, times: Times, state_file: Path, licensed: Client, *, left: int, warning: str | None
) -> None:
    times.pass_(WEEK - left)

    async def story() -> None:
        async with browsing(server, times, state_file) as page:
            text = await page.open("/?back")
            assert (warning in text) if warning else ("Token Expiry is near" not in text)

    asyncio.run(story())


def test_an_ended_license_says_why_and_can_only_be_removed(
    server: FakeServer, times: Times, state_file: Path, licensed: Client
) -> None:
    server.will("/token", error("invalid_grant", reason="device_disabled"))

    async def story() -> None:
        async with browsing(server, times, state_file) as page:
            await page.open("/?back")
            await page.press("Refresh")
            await page.open()
            assert page.details["License Status"].startswith(
                "Expired Requires Renewal The device was disabled or deleted"
            )
            assert "Refresh</button>" not in page.html
            assert 'href="/remove"' in page.html

    asyncio.run(story())


def test_offline_since_pending_and_suspect_clock_are_told(
    server: FakeServer, times: Times, state_file: Path, licensed: Client
) -> None:
    async def story() -> None:
        async with browsing(server, times, state_file) as page:
            server.will("/token", httpx2.ConnectError("a"), httpx2.ConnectError("b"))
            await page.open("/?back")
            await page.press("Refresh")
            await page.waker.pass_(5)
            assert "Offline. No fresh license token since 2027-01-15 08:00:00 UTC" in await page.open(
                "/?back"
            )
            await page.waker.pass_(60)
            server.signing_key = OTHER_KEY
            await page.press("Refresh")
            await page.waker.pass_(5)
            assert "License token pending." in await page.open("/?back")
            times.wall -= 301 + 65 + 5
            assert "Check the clock." in await page.open("/?back")

    asyncio.run(story())


def test_a_license_whose_first_token_is_pending_claims_nothing(
    server: FakeServer, times: Times, state_file: Path, client: Client
) -> None:
    server.keys = [OTHER_KEY]
    server.is_approved = True
    client.acquire()
    client.complete()

    async def story() -> None:
        async with browsing(server, times, state_file) as page:
            await page.open("/?back")
            assert page.details["Server ID"] == "Not known yet"

    asyncio.run(story())


def test_what_the_server_sends_is_text_on_the_page(
    server: FakeServer, times: Times, state_file: Path, client: Client
) -> None:
    evil = "<script>alert(1)</script>"
    hub = {"server_id": "h", "name": evil, "url": 'javascript:"'}
    organization = {"id": "org1", "name": evil}
    server.token_changes = {
        "license": {
            "organization": organization,
            "server_name": evil,
            "edition": "store",
            "features": [],
            "hub": hub,
        }
    }
    server.is_approved = True
    client.acquire()
    client.complete()

    async def story() -> None:
        async with browsing(server, times, state_file) as page:
            await page.open("/?back")
            assert page.html.count("<script") == 1
            assert page.details["Hub Server Name"] == evil
            assert page.details["Features"] == "None"
            assert "javascript:" not in "".join(re.findall(r'href="[^"]*"', page.html))

    asyncio.run(story())
