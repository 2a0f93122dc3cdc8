"""The HTML report in a real browser, opened as a file: filters, deep links, copying, phones, paper, and without script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from authz_conformance.report.page import html
from tests.browser.conftest import PATIENCE_MILLISECONDS, watched
from tests.conformance.kit import Judged
from tests.conformance.reported import EXPECTED, judged_with_every_verdict
from tests.programs import serve

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE_MILLISECONDS)

FAILED: Final = "refresh.rotates"
PASSED: Final = "tokens.no-store"
WIDTHS: Final = (320, 390, 768, 1280)
HOSTILE: Final = (
    "</script><script>document.title='broken'</script><img src=x onerror=\"document.title='broken'\">"
)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    with serve() as served:
        yield judged_with_every_verdict(served, tmp_path_factory.mktemp("every"))


@pytest.fixture(scope="module")
def address(judged: Judged) -> str:
    return (judged.directory / "report.html").as_uri()


def rule(page: Page, rule_id: str) -> Locator:
    return page.locator(f'[id="{rule_id}"]')


def shown(page: Page) -> set[str]:
    """Give the rules that are visible."""
    found = page.locator(".rule:visible").evaluate_all("all => all.map((one) => one.id)")
    return set(found)


def having(*verdicts: str) -> set[str]:
    return {rule_id for rule_id, verdict in EXPECTED.items() if verdict in verdicts}


def test_rules_are_filtered_by_verdict_level_time_and_text(tab: Page, address: str) -> None:
    tab.goto(address)
    assert shown(tab) == set(EXPECTED)
    filters = tab.get_by_role("search", name="Filter the rules")
    filters.get_by_role("checkbox", name=re.compile("^failed")).check()
    assert shown(tab) == having("failed")
    filters.get_by_role("checkbox", name=re.compile("^warning")).check()
    assert shown(tab) == having("failed", "warning")
    expect(tab.get_by_role("status")).to_have_text("3 of 10 rules")
    filters.get_by_role("checkbox", name=re.compile("^must")).check()
    assert shown(tab) == having("failed")
    filters.get_by_role("searchbox").fill("invalid_grant REFRESH")
    assert shown(tab) == {FAILED}
    filters.get_by_role("searchbox").fill("there is no such thing")
    assert shown(tab) == set()
    tab.get_by_role("button", name="Show all rules").click()
    assert shown(tab) == set(EXPECTED)
    filters.get_by_role("checkbox", name=re.compile("^does not")).check()
    timed = {one["id"] for one in _rules(tab) if one["time"] == "yes"}
    assert shown(tab) == set(EXPECTED) - timed


def _rules(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.locator(".rule").evaluate_all(
        "all => all.map((one) => ({id: one.id, ...one.dataset}))"
    )
    return found


def test_a_link_shares_the_filters(tab: Page, address: str) -> None:
    tab.goto(address)
    tab.get_by_role("checkbox", name=re.compile("^expected failure")).check()
    tab.get_by_role("checkbox", name=re.compile("^suite error")).check()
    tab.get_by_role("searchbox").fill("a")
    link = tab.evaluate("location.href")
    assert link.endswith("#verdict=expected+failure%2Csuite+error&q=a")
    tab.goto("about:blank")
    tab.goto(link)
    expect(tab.get_by_role("status")).to_have_text("2 of 10 rules")
    assert shown(tab) == having("expected failure", "suite error")
    expect(tab.get_by_role("searchbox")).to_have_value("a")
    tab.get_by_role("button", name="Reset").click()
    assert tab.evaluate("location.href") == address


def test_a_count_shows_the_rules_that_it_counts(tab: Page, address: str) -> None:
    tab.goto(address)
    tab.get_by_role("link", name="1 not testable").click()
    assert shown(tab) == having("not testable")


@pytest.mark.parametrize("rule_id", [FAILED, PASSED])
def test_a_deep_link_opens_its_rule(rule_id: str, tab: Page, address: str) -> None:
    tab.goto(f"{address}#{rule_id}")
    expect(rule(tab, rule_id)).to_have_attribute("open", "")
    expect(rule(tab, rule_id).locator("summary").first).to_be_in_viewport()
    expect(rule(tab, rule_id).locator("summary").first).to_be_focused()


def test_a_deep_link_goes_before_the_filters_that_would_hide_its_rule(tab: Page, address: str) -> None:
    tab.goto(f"{address}#verdict=failed&rule={PASSED}")
    expect(rule(tab, PASSED)).to_have_attribute("open", "")
    assert shown(tab) == set(EXPECTED)
    tab.goto(f"{address}#verdict=failed&rule={FAILED}")
    expect(rule(tab, FAILED)).to_have_attribute("open", "")
    assert shown(tab) == having("failed")
    tab.get_by_role("link", name=FAILED, exact=True).first.click()
    expect(rule(tab, FAILED)).to_have_attribute("open", "")


def test_opening_a_rule_makes_the_address_its_link(tab: Page, address: str) -> None:
    tab.goto(address)
    rule(tab, PASSED).locator("summary").first.click()
    assert tab.evaluate("location.href") == f"{address}#{PASSED}"
    rule(tab, PASSED).locator("summary").first.click()
    assert tab.evaluate("location.href") == address


@pytest.mark.parametrize("fragment", ["%E0%A4%A", "no.such-rule", "verdict=no-such", "=&=&", "rule=rules"])
def test_a_fragment_that_means_nothing_shows_all(fragment: str, tab: Page, address: str) -> None:
    tab.goto(f"{address}#{fragment}")
    tab.evaluate("new Promise((done) => setTimeout(done, 50))")
    assert shown(tab) == set(EXPECTED)


def test_the_replay_command_is_copied(tab: Page, address: str, judged: Judged) -> None:
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.goto(f"{address}#{FAILED}")
    tab.get_by_role("button", name=f"Copy the command for {FAILED}").click()
    expect(rule(tab, FAILED).locator(".copy")).to_have_text("Copied")
    assert tab.evaluate("navigator.clipboard.readText()") == judged.rule(FAILED)["replay"]


def test_all_that_is_shown_opens_and_closes_at_once(tab: Page, address: str) -> None:
    tab.goto(f"{address}#verdict=failed,passed")
    expect(tab.get_by_role("status")).to_have_text("4 of 10 rules")
    tab.get_by_role("button", name="Open all").click()
    opened = tab.locator(".rule[open]").evaluate_all("all => all.map((one) => one.id)")
    assert set(opened) == having("failed", "passed")
    tab.get_by_role("button", name="Close all").click()
    expect(tab.locator(".rule[open]")).to_have_count(0)


def test_it_is_used_by_keyboard_alone(tab: Page, address: str) -> None:
    tab.goto(address)
    tab.keyboard.press("Tab")
    expect(tab.get_by_role("link", name="To the rules")).to_be_focused()
    tab.keyboard.press("Enter")
    expect(tab.locator("#rules")).to_be_focused()
    for _ in range(4):
        tab.keyboard.press("Tab")
    expect(tab.get_by_role("searchbox")).to_be_focused()
    tab.keyboard.type("no such thing at all")
    tab.keyboard.press("Enter")
    assert shown(tab) == set()
    tab.goto(f"{address}#{FAILED}")
    expect(rule(tab, FAILED).locator("summary").first).to_be_focused()
    tab.keyboard.press("Enter")
    expect(rule(tab, FAILED)).not_to_have_attribute("open", "")


@pytest.mark.parametrize("width", WIDTHS)
def test_no_width_scrolls_sideways_and_no_label_of_the_picture_is_cut(
    width: int, chromium: Browser, address: str
) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 800})
    with watched(context) as page:
        page.goto(address)
        page.get_by_role("button", name="Open all").click()
        page.locator("details").evaluate_all("all => { for (const one of all) one.open = true; }")
        assert page.evaluate("document.documentElement.scrollWidth") == width
        outside = page.locator("svg.timeline text").evaluate_all(
            """all => all.filter((one) => {
                const [text, whole] = [one.getBoundingClientRect(), one.ownerSVGElement.getBoundingClientRect()];
                return text.right > whole.right + 1 || text.left < whole.left - 1
                    || text.bottom > whole.bottom + 1 || text.top < whole.top - 1;
            }).map((one) => one.textContent)"""
        )
        assert outside == []
        assert page.locator("svg.timeline text").count() > 20
    context.close()


def test_the_breaking_exchange_is_marked_in_the_picture(tab: Page, address: str) -> None:
    tab.goto(f"{address}#{FAILED}")
    picture = rule(tab, FAILED).get_by_role("group", name="What happened, on the server's clock")
    expect(picture.locator(".breaking")).to_contain_text("refresh: 200")
    expect(picture.locator(".here")).to_be_visible()
    expect(picture).to_contain_text("3 days later")


def test_everything_is_there_to_read_without_script(chromium: Browser, address: str) -> None:
    context = chromium.new_context(java_script_enabled=False)
    with watched(context) as page:
        page.goto(address)
        expect(page.get_by_role("search")).to_be_hidden()
        expect(page.get_by_role("button", name=re.compile("Copy"))).to_have_count(0)
        failed = page.locator(f'[id="{FAILED}"]')
        expect(failed).to_be_visible()
        if failed.get_attribute("open") is None:
            failed.locator("summary").first.click()
        expect(failed.get_by_text("Wanted", exact=True)).to_be_visible()
        expect(failed.get_by_text("The exchange that decided it")).to_be_visible()
        page.locator(f'[id="{PASSED}"] > summary').click()
        expect(page.locator(f'[id="{PASSED}"]').get_by_text("What happened")).to_be_visible()
    context.close()


def test_on_paper_what_did_not_pass_is_open(tab: Page, address: str) -> None:
    tab.goto(address)
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    tab.emulate_media(media="print")
    expect(rule(tab, FAILED).get_by_text("The exchange that decided it")).to_be_visible()
    expect(rule(tab, PASSED)).not_to_have_attribute("open", "")
    expect(tab.get_by_role("search")).to_be_hidden()
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(rule(tab, FAILED)).not_to_have_attribute("open", "")


def test_what_a_hostile_server_sends_runs_nowhere(tab: Page, judged: Judged, tmp_path: Path) -> None:
    report = {**judged.report, "target": {**judged.report["target"], "name": HOSTILE}}
    report["rules"] = [{**one, "why": HOSTILE, "found": HOSTILE} for one in report["rules"]]
    path = tmp_path / "hostile.html"
    path.write_text(html(report), "utf-8")
    tab.goto(f"{path.as_uri()}#{FAILED}")
    expect(tab).to_have_title(re.compile("^The server breaks 2 rules. Conformance of </script>"))
    expect(tab.locator("img")).to_have_count(0)
    expect(rule(tab, FAILED).locator(".found dd")).to_have_text(HOSTILE)


def test_a_script_that_came_in_all_the_same_does_not_run(
    chromium: Browser, judged: Judged, tmp_path: Path
) -> None:
    path = tmp_path / "injected.html"
    page = html(judged.report).replace("</main>", "<script>document.title='broken'</script></main>")
    path.write_text(page, "utf-8")
    context = chromium.new_context()
    tab = context.new_page()
    tab.goto(path.as_uri())
    expect(tab).to_have_title(re.compile("^The server breaks"))
    context.close()
