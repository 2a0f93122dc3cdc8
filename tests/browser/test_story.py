"""The user guide's page in two tabs of a real browser: the Authorization server's, and the POS server's own."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from mock_authz.clock import real_now
from mock_authz.domain.organization import Device
from mock_authz.settings import Settings
from tests.browser.conftest import PATIENCE_MILLISECONDS, Tab, people_and_devices, watched
from tests.factories import DAY, STORE_12
from tests.programs import process
from tests.serving import RunningSandbox, serving_sandbox

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE_MILLISECONDS)

PHONE: Final = 360
PAGE: Final = (sys.executable, "-m", "authz_client.cli", "page", "--port", "0", "--json")


@dataclass
class Shop:
    """A POS server with its License Management page in one tab, and its administrator in the other."""

    pos: Page
    administrator: Tab

    def license_status(self) -> Locator:
        return self.detail("License Status").locator(".badge")

    def detail(self, label: str) -> Locator:
        """Find what stands beside a label of the license details."""
        return self.pos.locator("dl div", has=self.pos.get_by_text(label, exact=True)).locator("dd")

    def next(self) -> str:
        """Choose Next, and read the User Code."""
        button(self.pos, "Next").click()
        expect(heading(self.pos, "User Code")).to_be_visible()
        return str(self.pos.locator("#user-code").inner_text())

    def enter(self, user_code: str) -> None:
        """Choose the device and enter the code at the Authorization server."""
        page = self.administrator.page
        self.administrator.open("/device")
        page.get_by_label("Device", exact=True).select_option(STORE_12)
        page.get_by_label("UserCode").fill(user_code)

    def authorize(self, user_code: str) -> None:
        page = self.administrator.page
        self.enter(user_code)
        button(page, "Authorize").click()
        button(page, "Confirm").click()
        expect(heading(page, "Authorized")).to_be_visible()

    def acquire(self) -> None:
        """Walk through the steps of part a."""
        self.authorize(self.next())
        button(self.pos, "Complete Authorization").click()
        expect(heading(self.pos, "License of Store 12")).to_be_visible()


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def heading(page: Page, name: str) -> Locator:
    return page.get_by_role("heading", name=name, exact=True)


def day(seconds_from_now: int) -> str:
    """Spell the day so many seconds from now."""
    return datetime.fromtimestamp(real_now() + seconds_from_now, tz=UTC).strftime("%Y-%m-%d")


@pytest.fixture
def present(request: pytest.FixtureRequest) -> Iterator[RunningSandbox]:
    """A sandbox of today, as the page's process keeps the time of today. Store 12's renewal date can be given."""
    days = getattr(request, "param", 100)
    records = [
        replace(one, renewal_at=int(real_now()) + days * DAY)
        if isinstance(one, Device) and one.server_id == STORE_12
        else one
        for one in people_and_devices()
    ]
    with serving_sandbox(records, settings=Settings(interval_seconds=1)) as sandbox:
        yield sandbox


@contextmanager
def pos_page(issuer: str, folder: Path) -> Iterator[str]:
    """Run `authz-client page`; give its address."""
    command = [*PAGE, "--issuer", issuer, "--state", str(folder / "license.json")]
    with process(command, seconds=300) as running:
        assert running.stdout is not None
        line = running.stdout.readline()
        assert line, f"it ended with {running.wait()}"
        yield str(json.loads(line)["url"])


@pytest.fixture
def shop(browser_context: BrowserContext, present: RunningSandbox, tmp_path: Path) -> Iterator[Shop]:
    browser_context.grant_permissions(["clipboard-read", "clipboard-write"])
    with (
        pos_page(present.issuer, tmp_path) as url,
        watched(browser_context) as pos,
        watched(browser_context) as administrators,
    ):
        pos.goto(url)
        tab = Tab(administrators, present)
        tab.open("/devices")
        tab.log_in()
        yield Shop(pos, tab)
        pos.close()


def test_the_six_steps_of_part_a_in_two_tabs_then_part_b(shop: Shop) -> None:
    pos, page = shop.pos, shop.administrator.page
    expect(heading(pos, "This server is not licensed")).to_be_visible()
    # 1, 2
    page.get_by_role("link", name="Authorize Device").first.click()
    page.get_by_label("Device", exact=True).select_option(label="Store 12 (Store)")
    # 3, 4
    button(pos, "Next").click()
    pos.bring_to_front()
    button(pos, "Copy").click()
    # 5
    page.bring_to_front()
    page.get_by_label("UserCode").focus()
    page.keyboard.press("Control+V")
    expect(page.get_by_label("UserCode")).to_have_value(pos.locator("#user-code").inner_text())
    button(page, "Authorize").click()
    expect(heading(page, "Authorize Store 12?")).to_be_visible()
    button(page, "Confirm").click()
    expect(heading(page, "Authorized")).to_be_visible()
    # 6
    button(pos, "Complete Authorization").click()
    expect(heading(pos, "License of Store 12")).to_be_visible()
    expect(shop.license_status()).to_have_text("Licensed")
    expect(shop.detail("Server ID")).to_have_text(STORE_12)
    expect(shop.detail("License Renewal Date")).to_contain_text(day(100 * DAY))
    expect(shop.detail("Features")).to_have_text("xms")
    expect(shop.detail("Hub Server Name")).to_have_text("Head Office")
    expect(shop.detail("Hub Server URL")).to_have_text("https://pos.harbor.example")
    expect(shop.detail("Token Expiry")).to_contain_text(day(7 * DAY))


def test_complete_authorization_waits_for_the_administrator_and_goes_on_by_itself(shop: Shop) -> None:
    code = shop.next()
    button(shop.pos, "Complete Authorization").click()
    expect(shop.pos.get_by_text("Waiting for the authorization.")).to_be_visible()
    shop.authorize(code)
    expect(heading(shop.pos, "License of Store 12")).to_be_visible()


@pytest.mark.parametrize("present", [10], indirect=True)
def test_a_license_that_requires_renewal_is_renewed_at_the_server_and_refreshed_here(shop: Shop) -> None:
    shop.acquire()
    expect(shop.license_status()).to_have_text("Requires Renewal")
    page = shop.administrator.page
    shop.administrator.open(f"/devices/{STORE_12}")
    page.get_by_label("Date", exact=True).fill(day(300 * DAY))
    button(page, "Renew").click()
    expect(page.get_by_role("status")).to_have_text("The renewal date is set.")
    expect(shop.license_status()).to_have_text("Requires Renewal")
    button(shop.pos, "Refresh").click()
    expect(shop.license_status()).to_have_text("Licensed")
    expect(shop.detail("License Renewal Date")).to_contain_text(day(300 * DAY))


def test_a_wrong_user_code_authorizes_nothing_and_the_right_one_still_does(shop: Shop) -> None:
    code, page = shop.next(), shop.administrator.page
    shop.enter("BBBB-BBBB")
    button(page, "Authorize").click()
    expect(page.get_by_role("alert")).to_contain_text("This user code is not known")
    button(shop.pos, "Complete Authorization").click()
    expect(shop.pos.get_by_text("Waiting for the authorization.")).to_be_visible()
    shop.authorize(code)
    expect(shop.license_status()).to_have_text("Licensed")


def test_a_denied_user_code_ends_the_waiting_and_another_can_be_had(shop: Shop) -> None:
    code, page = shop.next(), shop.administrator.page
    button(shop.pos, "Complete Authorization").click()
    shop.enter(code)
    button(page, "Deny").click()
    button(page, "Deny").click()
    expect(heading(page, "Denied")).to_be_visible()
    expect(shop.pos.get_by_text("Not authorized:")).to_be_visible()
    expect(heading(shop.pos, "This server is not licensed")).to_be_visible()
    shop.acquire()
    expect(shop.license_status()).to_have_text("Licensed")


def test_a_revoked_license_must_be_removed_and_acquired_again(shop: Shop) -> None:
    shop.acquire()
    page = shop.administrator.page
    shop.administrator.open(f"/devices/{STORE_12}/revoke")
    button(page, "Revoke license").click()
    button(shop.pos, "Refresh").click()
    expect(shop.license_status()).to_have_text("Expired Requires Renewal")
    expect(button(shop.pos, "Refresh")).to_have_count(0)
    shop.pos.get_by_role("link", name="Remove License").click()
    expect(heading(shop.pos, "Remove License?")).to_be_visible()
    button(shop.pos, "Remove License").click()
    expect(heading(shop.pos, "This server is not licensed")).to_be_visible()
    shop.acquire()
    expect(shop.detail("Server ID")).to_have_text(STORE_12)


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_no_step_is_wider_than_a_phone(
    chromium: Browser, present: RunningSandbox, tmp_path: Path, color_scheme: str
) -> None:
    context = chromium.new_context(
        viewport={"width": PHONE, "height": 640}, color_scheme="dark" if color_scheme == "dark" else "light"
    )
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    with (
        pos_page(present.issuer, tmp_path) as url,
        watched(context) as pos,
        watched(context) as administrators,
    ):
        tab = Tab(administrators, present)
        tab.open("/devices")
        tab.log_in()
        shop = Shop(pos, tab)
        pos.goto(url)
        assert width_of(pos) == PHONE
        code = shop.next()
        assert width_of(pos) == PHONE
        shop.authorize(code)
        button(pos, "Complete Authorization").click()
        expect(shop.license_status()).to_have_text("Licensed")
        assert width_of(pos) == PHONE
        pos.get_by_role("link", name="Remove License").click()
        expect(heading(pos, "Remove License?")).to_be_visible()
        assert width_of(pos) == PHONE
        pos.close()
    context.close()


def width_of(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth"))
