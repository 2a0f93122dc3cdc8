"""The test bench page in a real browser: it follows live, by mouse and by keyboard, on a phone and on a wide screen."""

from __future__ import annotations

import re
from typing import Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from mock_authz.clock import ClockMode
from mock_authz.domain.device_grant import DeviceGrant, State
from mock_authz.usecases import acquire, administer, approvals, faults
from tests.browser.conftest import PATIENCE_MILLISECONDS, Tab
from tests.factories import DAY, NOW, STORE_12
from tests.factories import expect as expect_kind

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE_MILLISECONDS)

UI: Final = "/_control/ui"
HERE: Final = f"{UI}/default"
WIDTHS: Final = (360, 1024, 1600)


@pytest.fixture
def bench(administrator: Tab) -> Tab:
    """The page of the usual sandbox, with one license that is to be renewed in 45 days. What reloads it is noted."""
    expect_kind(
        object, administer.renew_device(administrator.running.context, STORE_12, renewal_at=NOW + 45 * DAY)
    )
    license_device(administrator)
    administrator.open(HERE)
    administrator.page.evaluate("window.isFirst = true")
    return administrator


def license_device(tab: Tab) -> None:
    code = tab.new_user_code()
    approvals.approve(tab.running.context, code, server_id=STORE_12, administrator="dana")
    grant = expect_kind(DeviceGrant, approvals.find_user_code(tab.running.context, code))
    device_code = tab.running.context.entropy.credential("device_code", grant.grant_id)
    acquire.poll(tab.running.context, client_id="pos-server", device_code=device_code)


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def row(tab: Tab) -> Locator:
    return tab.page.get_by_role("row").filter(has_text="Store 12")


def is_first(page: Page) -> bool:
    """Say whether the page has never been loaded anew."""
    return page.evaluate("window.isFirst === true") is True


def test_a_sandbox_is_chosen(administrator: Tab) -> None:
    administrator.open(UI)
    administrator.page.get_by_role("link", name="default").click()
    expect(administrator.page.get_by_role("heading", level=2, name="Timeline")).to_be_visible()


def test_moving_time_carries_statuses_and_the_timeline_along_without_a_reload(bench: Tab) -> None:
    page = bench.page
    picture = page.get_by_role("img", name=re.compile("^Store 12"))
    expect(picture).to_have_accessible_name(
        re.compile("Store 12: Licensed, .*renewed by 2027-03-01 08:00 UTC")
    )
    expect(row(bench)).to_contain_text("Licensed")
    now = page.locator("#now-line")
    place = now.get_attribute("x")
    page.get_by_role("button", name=re.compile(r"\+30 days")).click()
    expect(row(bench)).to_contain_text("Requires Renewal")
    expect(page.get_by_text("License token expired").first).to_be_visible()
    expect(page.get_by_text("Renewal due").first).to_be_visible()
    expect(page.locator("#clock-date")).to_have_text("2027-02-14")
    expect(picture).to_have_accessible_name(re.compile("Store 12: Requires Renewal"))
    assert now.get_attribute("x") != place
    page.get_by_role("button", name=re.compile(r"\+30 days")).click()
    expect(row(bench)).to_contain_text("Expired Requires Renewal")
    expect(picture.locator(".lapsed")).to_be_visible()
    assert is_first(page)


def test_what_happens_elsewhere_shows_by_itself(bench: Tab) -> None:
    page = bench.page
    bench.running.advance(50 * DAY)
    expect(row(bench)).to_contain_text("Expired Requires Renewal")
    expect(page.locator("#clock-date")).to_have_text("2027-03-06")
    code = bench.new_user_code()
    expect(page.locator("#codes")).to_contain_text(code)
    assert is_first(page)


def test_the_clock_ticks_and_freezes(bench: Tab) -> None:
    page = bench.page
    clock = page.locator("#clock-time")
    shown = clock.inner_text()
    expect(clock).not_to_have_text(shown)
    button(page, "Freeze").click()
    expect(button(page, "Freeze")).to_have_attribute("aria-pressed", "true")
    assert bench.running.sandbox.clock.mode is ClockMode.FROZEN
    expect(page.locator("#time-face")).to_contain_text("Frozen")
    stands = page.locator("#clock").get_attribute("data-now")
    # As long as it takes to show two answers of the server.
    for _ in range(2):
        with page.expect_response(lambda response: HERE in response.url):
            pass
    expect(page.locator("#clock")).to_have_attribute("data-now", stands or "")
    button(page, "Tick").click()
    expect(button(page, "Tick")).to_have_attribute("aria-pressed", "true")


def test_a_field_takes_time_anywhere_and_says_what_it_cannot_read(bench: Tab) -> None:
    page = bench.page
    field = page.get_by_label("Move to an instant, or by a duration")
    field.fill("P1M")
    field.press("Enter")
    expect(page.locator("#clock-date")).to_have_text("2027-02-15")
    expect(field).to_have_value("")
    expect(field).to_be_focused()
    field.fill("soon")
    field.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("'soon' is not an instant")
    expect(field).to_have_value("soon")
    field.fill("2027-01-20")
    button(page, "Go").click()
    expect(page.locator("#clock-date")).to_have_text("2027-01-20")
    expect(page.get_by_role("alert")).to_have_count(0)
    assert is_first(page)


def test_a_pending_code_is_approved_for_a_device_while_others_come_in(bench: Tab) -> None:
    page = bench.page
    code = bench.new_user_code()
    chosen = page.get_by_label(f"Device for {code}")
    chosen.select_option(STORE_12)
    other = bench.new_user_code()
    expect(page.locator("#codes")).to_contain_text(other)
    # What was chosen stays chosen when the list grows.
    expect(chosen).to_have_value(STORE_12)
    page.locator(f"#code-{code.replace('-', '')}").get_by_role("button", name="Approve").click()
    expect(page.get_by_role("status")).to_contain_text("The user code is approved.")
    expect(page.locator("#codes")).not_to_contain_text(code)
    page.locator("#codes").get_by_role("button", name="Deny").click()
    expect(page.locator("#codes")).to_contain_text("No code waits for a decision.")
    states = [
        expect_kind(DeviceGrant, approvals.find_user_code(bench.running.context, one)).state
        for one in (code, other)
    ]
    assert states == [State.APPROVED, State.DENIED]


def test_a_fault_is_put_on_and_off_and_shades_the_timeline(bench: Tab) -> None:
    page = bench.page
    page.get_by_label("Fault", exact=True).select_option("offline")
    page.get_by_label("Lasts, or until").fill("P3D")
    button(page, "Turn on").click()
    fault = page.locator("#faults li")
    expect(fault).to_contain_text("Offline on everything")
    expect(fault).to_contain_text("struck 0 times")
    expect(page.locator(".ground .outage")).to_have_count(1)
    fault.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("The network works.")).to_be_visible()
    assert faults.list_faults(bench.running.context) == []


def test_a_device_is_renewed_revoked_and_disabled_in_place(bench: Tab) -> None:
    page = bench.page
    page.get_by_label("Change Store 12", exact=True).click()
    field = row(bench).get_by_label("New renewal date")
    field.fill("2029-01-31")
    # An open menu, and what is being typed in it, outlive whatever else happens.
    bench.new_user_code()
    expect(page.locator("#codes")).to_contain_text("pos-server")
    expect(field).to_have_value("2029-01-31")
    row(bench).get_by_role("button", name="Renew", exact=True).click()
    expect(row(bench)).to_contain_text("2029-01-31 00:00 UTC")
    expect(field).to_be_hidden()
    page.get_by_label("Change Store 12", exact=True).click()
    row(bench).get_by_role("button", name="Revoke license").click()
    expect(row(bench)).to_contain_text("Expired Requires Renewal")
    page.get_by_label("Change Store 12", exact=True).click()
    row(bench).get_by_role("button", name="Disable").click()
    expect(row(bench)).to_contain_text("Disabled")


def test_a_menu_closes_by_escape_and_gives_the_focus_back(bench: Tab) -> None:
    page = bench.page
    summary = page.get_by_label("Change Store 12", exact=True)
    summary.focus()
    page.keyboard.press("Enter")
    expect(row(bench).get_by_label("New renewal date")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(row(bench).get_by_label("New renewal date")).to_be_hidden()
    expect(summary).to_be_focused()


def test_a_quirk_is_switched_by_the_keyboard(bench: Tab) -> None:
    page = bench.page
    switch = page.get_by_role("switch").first
    switch.focus()
    page.keyboard.press("Space")
    expect(switch).to_have_attribute("aria-checked", "true")
    expect(switch).to_be_focused()
    assert len(bench.running.sandbox.quirks) == 1


def test_scale_and_filters_change_what_is_shown_and_stay_in_the_address(bench: Tab) -> None:
    page = bench.page
    page.get_by_role("link", name="10 years").click()
    expect(page.get_by_role("link", name="10 years")).to_have_attribute("aria-current", "true")
    page.get_by_label("Find devices").fill("store")
    expect(page.get_by_role("row").filter(has_text="Head Office")).to_have_count(0)
    page.get_by_label("Find lines").fill("license issued")
    expect(page.locator(".journal li")).to_have_count(1)
    assert is_first(page)
    page.reload()
    expect(page.get_by_role("link", name="10 years")).to_have_attribute("aria-current", "true")
    expect(page.get_by_label("Find devices")).to_have_value("store")
    expect(page.locator(".journal li")).to_have_count(1)


def test_a_snapshot_brings_everything_back(bench: Tab) -> None:
    page = bench.page
    page.get_by_label("Name of the snapshot").fill("before")
    button(page, "Take").click()
    page.get_by_role("button", name=re.compile(r"\+30 days")).click()
    expect(row(bench)).to_contain_text("Requires Renewal")
    button(page, "Restore before").click()
    expect(page.locator("#clock-date")).to_have_text("2027-01-15")
    expect(row(bench)).to_contain_text("Licensed")
    assert is_first(page)


def test_the_page_says_when_the_server_is_gone_and_when_it_is_back(
    bench: Tab, browser_context: BrowserContext
) -> None:
    # A tab of its own: the browser complains of every answer that fails.
    page = browser_context.new_page()
    page.goto(bench.running.issuer + HERE)
    page.evaluate("window.isFirst = true")
    expect(page.locator("#live")).to_have_text("Live")
    for failing in (
        lambda route: route.abort(),
        lambda route: route.fulfill(status=502, body="nobody is there"),
    ):
        page.route("**/*", failing)
        expect(page.locator("#live")).to_have_text("Not connected")
        page.unroute("**/*")
        expect(page.locator("#live")).to_have_text("Live")
    assert is_first(page)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_is_no_wider_than_the_screen(chromium: Browser, bench: Tab, width: int) -> None:
    bench.new_user_code()
    bench.running.advance(10 * DAY)
    bench.new_user_code()
    context = chromium.new_context(viewport={"width": width, "height": 800})
    tab = Tab(context.new_page(), bench.running)
    for path in (UI, HERE, f"{HERE}?span=hour", f"{HERE}?span=decade", f"{UI}/nobody"):
        tab.open(path)
        assert tab.page.evaluate("document.documentElement.scrollWidth") == width, path
    context.close()


def test_without_its_script_the_page_works_by_loading_it_anew(chromium: Browser, bench: Tab) -> None:
    context = chromium.new_context(java_script_enabled=False)
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    tab = Tab(context.new_page(), bench.running)
    tab.open(HERE)
    tab.page.get_by_role("button", name=re.compile(r"\+30 days")).click()
    expect(tab.page.get_by_role("status")).to_have_text("The clock has moved.")
    expect(row(tab)).to_contain_text("Requires Renewal")
    context.close()
