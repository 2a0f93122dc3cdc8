"""The Authorization server's tab in a real browser: without a line of script, by mouse, by keyboard, on a phone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from mock_authz.domain.device_grant import DeviceGrant, State
from mock_authz.usecases import acquire, approvals
from tests.browser.conftest import PATIENCE_MILLISECONDS, Tab, people_and_devices
from tests.factories import DAY, STORE_12
from tests.factories import expect as expect_kind
from tests.serving import RunningSandbox

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE_MILLISECONDS)

PHONE = 360
# From the top of the confirmation to its first button.
MOST_TABS = 12


def state_of(running: RunningSandbox, user_code: str) -> State:
    return expect_kind(DeviceGrant, approvals.find_user_code(running.context, user_code)).state


def license_device(tab: Tab) -> None:
    """Acquire a license for Store 12, as its POS server would."""
    code = tab.new_user_code()
    approvals.approve(tab.running.context, code, server_id=STORE_12, administrator="dana")
    grant = expect_kind(DeviceGrant, approvals.find_user_code(tab.running.context, code))
    device_code = tab.running.context.entropy.credential("device_code", grant.grant_id)
    acquire.poll(tab.running.context, client_id="pos-server", device_code=device_code)


def heading(page: Page, name: str) -> Locator:
    return page.get_by_role("heading", level=1, name=name)


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def test_an_administrator_logs_in_chooses_an_organization_and_authorizes_a_device(administrator: Tab) -> None:
    page = administrator.page
    administrator.open("/")
    page.get_by_role("link", name="Log in").click()
    administrator.log_in("sam")
    button(page, "Harbor Outfitters").click()
    expect(heading(page, "Devices")).to_be_visible()
    page.get_by_role("link", name="Authorize Device").first.click()
    code = administrator.new_user_code()
    page.get_by_label("Device", exact=True).select_option(label="Store 12 (Store)")
    page.get_by_label("UserCode").fill(code.lower())
    button(page, "Authorize").click()
    expect(heading(page, "Authorize Store 12?")).to_be_visible()
    expect(page.get_by_label("User code")).to_have_text(code)
    assert state_of(administrator.running, code) is State.PENDING
    button(page, "Confirm").click()
    expect(heading(page, "Authorized")).to_be_visible()
    expect(page.get_by_text("Complete Authorization")).to_be_visible()
    assert state_of(administrator.running, code) is State.APPROVED


def test_a_link_with_a_user_code_leads_through_login_and_organization(administrator: Tab) -> None:
    page, code = administrator.page, administrator.new_user_code()
    administrator.open(f"/device?user_code={code}")
    administrator.log_in("sam")
    button(page, "Harbor Outfitters").click()
    expect(page.get_by_label("UserCode")).to_have_value(code)
    expect(page.get_by_text("The code came with the link")).to_be_visible()
    assert state_of(administrator.running, code) is State.PENDING


def test_a_wrong_user_code_is_refused_where_it_was_entered(administrator: Tab) -> None:
    page = administrator.page
    administrator.open("/device")
    administrator.log_in()
    page.get_by_label("Device", exact=True).select_option(STORE_12)
    page.get_by_label("UserCode").fill("BBBB-BBBB")
    button(page, "Authorize").click()
    expect(page.get_by_role("alert")).to_contain_text("This user code is not known")
    field = page.get_by_label("UserCode")
    expect(field).to_have_value("BBBB-BBBB")
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description(re.compile("Eight letters.*This user code is not known"))
    expect(page.get_by_label("Device", exact=True)).to_have_value(STORE_12)


def test_a_user_code_is_denied(administrator: Tab) -> None:
    page, code = administrator.page, administrator.new_user_code()
    administrator.open(f"/device?user_code={code}")
    administrator.log_in()
    # No device is chosen: denying needs none.
    button(page, "Deny").click()
    expect(heading(page, "Deny this user code?")).to_be_visible()
    button(page, "Deny").click()
    expect(heading(page, "Denied")).to_be_visible()
    assert state_of(administrator.running, code) is State.DENIED


def test_a_license_is_renewed_near_its_renewal_date(administrator: Tab) -> None:
    page = administrator.page
    license_device(administrator)
    administrator.open(f"/devices/{STORE_12}")
    administrator.log_in()
    status = page.locator("dd").first
    expect(status).to_contain_text("Licensed")
    page.get_by_label("Date", exact=True).fill("2027-02-20")
    button(page, "Renew").click()
    expect(page.get_by_role("status")).to_have_text("The renewal date is set.")
    administrator.running.advance(20 * DAY)
    page.reload()
    expect(status).to_contain_text("Requires Renewal")
    page.get_by_label("No renewal date").check()
    button(page, "Renew").click()
    expect(status).to_contain_text("Licensed")


def test_revoking_asks_first(administrator: Tab) -> None:
    page = administrator.page
    license_device(administrator)
    administrator.open(f"/devices/{STORE_12}")
    administrator.log_in()
    page.get_by_role("link", name="Revoke license").click()
    page.get_by_role("link", name="Cancel").click()
    expect(page.locator("dd").first).to_contain_text("Licensed")
    page.get_by_role("link", name="Revoke license").click()
    button(page, "Revoke license").click()
    expect(page.locator("dd").first).to_contain_text("Expired Requires Renewal")


def test_a_login_survives_a_jump_of_the_sandbox_clock(administrator: Tab) -> None:
    administrator.open("/devices")
    administrator.log_in()
    administrator.running.advance(3650 * DAY)
    administrator.page.reload()
    expect(heading(administrator.page, "Devices")).to_be_visible()
    expect(administrator.page.get_by_label("About this server")).to_contain_text("2037-01-12")


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_the_keyboard_alone_is_enough(administrator: Tab) -> None:
    page, code = administrator.page, administrator.new_user_code()
    administrator.open("/device")
    expect(page.get_by_label("Username")).to_be_focused()
    page.keyboard.type("dana")
    press(page, "Tab")
    page.keyboard.type("quay")
    press(page, "Enter")
    expect(heading(page, "Authorize Device")).to_be_visible()
    press(page, "Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    press(page, "Enter", "Tab")
    device = page.get_by_label("Device", exact=True)
    expect(device).to_be_focused()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    # Typing chooses in a drop-down list.
    page.keyboard.type("Store")
    expect(device).to_have_value(STORE_12)
    press(page, "Tab")
    page.keyboard.type(code)
    # Enter in a field means Authorize, not Deny.
    press(page, "Enter")
    expect(heading(page, "Authorize Store 12?")).to_be_visible()
    for _ in range(MOST_TABS):
        press(page, "Tab")
        if page.evaluate("document.activeElement.textContent") == "Confirm":
            break
    press(page, "Enter")
    expect(heading(page, "Authorized")).to_be_visible()


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_no_page_is_wider_than_a_phone(chromium: Browser, running: RunningSandbox, color_scheme: str) -> None:
    context = chromium.new_context(
        viewport={"width": PHONE, "height": 640}, color_scheme="dark" if color_scheme == "dark" else "light"
    )
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    tab = Tab(context.new_page(), running)
    license_device(tab)
    code = tab.new_user_code()
    assert width_of(tab, "/") == PHONE
    assert width_of(tab, "/login") == PHONE
    tab.log_in("sam")
    assert width_of(tab, "/organizations") == PHONE
    button(tab.page, "Harbor Outfitters").click()
    for path in (
        "/devices",
        f"/devices/{STORE_12}",
        f"/devices/{STORE_12}/revoke",
        "/nowhere",
        f"/device?user_code={code}",
    ):
        assert width_of(tab, path) == PHONE, path
    tab.page.get_by_label("Device", exact=True).select_option(STORE_12)
    button(tab.page, "Authorize").click()
    expect(heading(tab.page, "Authorize Store 12?")).to_be_visible()
    assert shown_width(tab.page) == PHONE
    button(tab.page, "Confirm").click()
    expect(heading(tab.page, "Authorized")).to_be_visible()
    assert shown_width(tab.page) == PHONE
    context.close()


def width_of(tab: Tab, path: str) -> int:
    tab.open(path)
    return shown_width(tab.page)


def shown_width(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth"))


def test_two_sandboxes_of_one_server_keep_their_logins_apart(administrator: Tab) -> None:
    other = administrator.running.beside("other", people_and_devices())
    administrator.open("/devices")
    administrator.log_in()
    tab = Tab(administrator.page, other)
    tab.open("/devices")
    tab.log_in()
    expect(heading(tab.page, "Devices")).to_be_visible()
    button(tab.page, "Log out").click()
    expect(heading(tab.page, "Log in")).to_be_visible()
    administrator.open("/devices")
    expect(heading(administrator.page, "Devices")).to_be_visible()
