"""The person at the verification page, as a scripted browser: an example adapter, for a server that only pages can approve at.

It walks through mock-authz's own pages (log in, choose the device, enter the code, authorize, confirm). For another server,
change `_decide`: everything else is the port that the kit asks for. Needs Playwright's Python package, and a Chromium.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Error, Page, sync_playwright

from authz_conformance.catalogue import Capability
from authz_conformance.targets.ports import Device, Entry, Human
from authz_conformance.verdicts import AdapterError


class BrowserHuman(Human):
    """Someone who enters user codes in a browser, each time in a fresh profile.

    Args:
        device_page: Where user codes are entered, such as `http://127.0.0.1:8628/device`.
        username: Who logs in there.
        organization: Which one they choose, by its name; None if they have one only.
        password_variable: The environment variable that holds the password; it stands in no file.
        chromium: The browser's command; None for the one that is installed.
        seconds: That one step on a page may take.
    """

    offers = frozenset({Capability.APPROVE, Capability.DENY, Capability.ENTER_USER_CODES})

    def __init__(
        self,
        *,
        device_page: str,
        username: str,
        organization: str | None = None,
        password_variable: str = "AUTHZ_PASSWORD",  # noqa: S107 - the variable's name
        chromium: str | None = None,
        seconds: float = 15.0,
    ) -> None:
        if password_variable not in os.environ:
            raise ValueError(f"the environment has no {password_variable}")
        self._device_page, self._username, self._variable = device_page, username, password_variable
        self._chromium = chromium or shutil.which("chromium") or shutil.which("google-chrome")
        self._organization, self._seconds = organization, seconds

    def approve(self, user_code: str, device: Device, *, administrator: str | None = None) -> Entry:
        """Enter a user code, and authorize the device with it."""
        return self._enter(user_code, device, administrator=administrator)

    def deny(self, user_code: str, *, administrator: str | None = None) -> Entry:
        """Enter a user code, and deny it."""
        return self._enter(user_code, None, administrator=administrator)

    def _enter(self, user_code: str, device: Device | None, *, administrator: str | None) -> Entry:
        """Enter a code in a fresh browser. A page that is not what this script expects is an adapter error."""
        with self._page() as page:
            try:
                return self._decide(page, user_code, device, administrator or self._username)
            except Error as error:
                raise AdapterError(f"{page.url}: {error.message.splitlines()[0]}") from error

    def _decide(self, page: Page, user_code: str, device: Device | None, username: str) -> Entry:
        page.goto(self._device_page)
        page.get_by_label("Username").fill(username)
        page.get_by_label("Password").fill(os.environ[self._variable])
        page.get_by_role("button", name="Log in").click()
        if self._organization is not None:
            page.get_by_role("button", name=self._organization, exact=True).click()
        page.get_by_label("UserCode").fill(user_code)
        if device is not None:
            page.get_by_label("Device", exact=True).select_option(device.id)
        decision = "Deny" if device is None else "Authorize"
        with page.expect_navigation() as reviewed:
            page.get_by_role("button", name=decision, exact=True).click()
        answer = reviewed.value
        confirm = page.get_by_role("button", name="Deny" if device is None else "Confirm", exact=True)
        is_confirmation = page.get_by_label("User code").count() > 0  # and not the entry again
        if is_confirmation and confirm.count():
            with page.expect_navigation() as decided:
                confirm.click()
            answer = decided.value
        heading = page.get_by_role("heading", level=1).inner_text()
        return Entry(
            accepted=heading == ("Denied" if device is None else "Authorized"),
            status=answer.status,
            headers=answer.headers,
            detail=heading,
        )

    @contextmanager
    def _page(self) -> Iterator[Page]:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=self._chromium, args=["--no-sandbox"])
            page = browser.new_page()
            page.set_default_timeout(self._seconds * 1000)
            try:
                yield page
            finally:
                browser.close()
