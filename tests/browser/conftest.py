"""A real browser, and a real server for it: Debian's Chromium, driven by Playwright, against uvicorn on a free port."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from mock_authz.domain.organization import PlainPassword
from mock_authz.usecases import acquire
from tests.factories import DANA, NOW, SAM, default_records, expect
from tests.programs import needed
from tests.serving import RunningSandbox, serving_sandbox

# Nothing that it would fetch by itself; the tests run without a network.
ARGUMENTS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PASSWORD: Final = "quay"
# An answer comes within a fraction of this, however busy the machine is.
PATIENCE_MILLISECONDS: Final = 15_000


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for each file, not for the session: while Playwright runs, no other test can run an event loop."""
    chromium = needed("chromium", "chromium-browser", "google-chrome", why="the pages are driven in it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


def people_and_devices() -> list[object]:
    """The usual records, with people who can log in: Dana manages one organization, Sam two."""
    people = [replace(one, password_hash=PlainPassword(PASSWORD)) for one in (DANA, SAM)]
    return [one for one in default_records() if one not in (DANA, SAM)] + list(people)


@pytest.fixture
def running() -> Iterator[RunningSandbox]:
    """The usual sandbox, on a clock that ticks."""
    with serving_sandbox(people_and_devices()) as sandbox:
        sandbox.set_clock(NOW)
        yield sandbox


@pytest.fixture
def browser_context(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser profile of the test's own; tabs that it opens share their cookies."""
    context = chromium.new_context()
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    yield context
    context.close()


@pytest.fixture
def tab(browser_context: BrowserContext) -> Iterator[Page]:
    """One tab. What the browser complains of (a blocked style, a broken file) fails the test."""
    with watched(browser_context) as page:
        yield page


@contextmanager
def watched(context: BrowserContext) -> Iterator[Page]:
    """Open a tab, of which the browser must have nothing to complain."""
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.extend(_complaints(message)))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    assert complaints == []


def _complaints(message: ConsoleMessage) -> list[str]:
    # Chromium notes each answer of 400 and more; those are asked for here.
    is_expected = message.text.startswith("Failed to load resource: the server responded with a status of 4")
    return [] if is_expected or message.type not in {"error", "warning"} else [message.text]


@dataclass
class Tab:
    """Somebody at the Authorization server's tab."""

    page: Page
    running: RunningSandbox

    def open(self, path: str) -> None:
        """Open a page below the issuer."""
        self.page.goto(self.running.issuer + path)

    def log_in(self, username: str = "dana") -> None:
        """Fill in the login that is shown, and stay until the next page is there: what is done meanwhile would be lost."""
        self.page.get_by_label("Username").fill(username)
        self.page.get_by_label("Password").fill(PASSWORD)
        with self.page.expect_navigation():
            self.page.get_by_role("button", name="Log in").click()

    def new_user_code(self) -> str:
        """Ask for a user code as a POS server would."""
        answer = acquire.authorize_device(self.running.context, client_id="pos-server", scope=None)
        return expect(acquire.DeviceAuthorization, answer).user_code


@pytest.fixture
def administrator(tab: Page, running: RunningSandbox) -> Tab:
    return Tab(tab, running)
