"""The person at oidc-provider's pages: opens the device page, enters a code, confirms or aborts, logs in, consents.

An example to copy: plain HTTP, whatever form comes next, no browser. Only the upper part knows the pages of this one server.
It is loaded into the kit (`adapter = "human.py:Person"`), which takes 30 ms for each code; a script that is started for
each (`driver = "command"`) is as good, and slower.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx2

from authz_conformance.catalogue import Capability
from authz_conformance.targets.ports import Device, Entry, Human
from authz_conformance.verdicts import AdapterError

DEVICE_PAGE = f"http://127.0.0.1:{os.environ.get('PORT', '8640')}/device"
LOGIN = {"login": "jo", "password": "any will do"}  # devInteractions take anybody
APPROVED, DENIED = "Sign-in Success", "The Sign-in request was interrupted"
MOST_PAGES = 5  # the code, the confirmation, the login, the consent; and one to spare


class Person(Human):
    """Somebody who enters codes, right and wrong ones, each in a session of its own."""

    offers = frozenset({Capability.APPROVE, Capability.DENY, Capability.ENTER_USER_CODES})

    def approve(self, user_code: str, device: Device, *, administrator: str | None = None) -> Entry:
        """Enter a user code and go on to the end. This server knows neither devices nor administrators."""
        del device, administrator
        return _decide(user_code, button="", done=APPROVED)

    def deny(self, user_code: str, *, administrator: str | None = None) -> Entry:
        """Enter a user code and press Abort."""
        del administrator
        return _decide(user_code, button="abort", done=DENIED)


def _decide(user_code: str, *, button: str, done: str) -> Entry:
    """Walk from the entry to the decision. The entry again, but for `done`, means that the code was refused."""
    with httpx2.Client(follow_redirects=True, trust_env=False) as browser:
        page = _page(browser.get(DEVICE_PAGE))
        page = _submit(browser, page, entered={"user_code": user_code})
        for _ in range(MOST_PAGES):
            if done in page.answer.text or not page.forms or page.asks_for("user_code"):
                break
            page = _submit(browser, page, entered=LOGIN, button=button)
    return Entry(
        accepted=done in page.answer.text,
        status=page.answer.status_code,
        headers={name.lower(): value for name, value in page.answer.headers.items()},
        detail=str(page.answer.url),
    )


# ------------------------------------------------------------------------------------- any server's pages, without script
@dataclass(kw_only=True)
class Form:
    """A form: where it goes, what it sends as it stands, which of that is typed in, and its buttons."""

    action: str
    values: dict[str, str] = field(default_factory=dict)
    typed: list[str] = field(default_factory=list)
    buttons: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Page:
    """A page, with its forms."""

    answer: httpx2.Response
    forms: list[Form]

    def asks_for(self, name: str) -> bool:
        """Whether somebody is to type a value of this name."""
        return any(name in form.typed for form in self.forms)


class _Forms(HTMLParser):
    """Collects forms. A button may stand outside its form, and name it."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.by_id: dict[str, Form] = {}
        self._url, self._open = url, ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a form, or what belongs to one."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = given.get("id", "")
            self.by_id[self._open] = Form(action=urljoin(self._url, given.get("action", "")))
        form = self.by_id.get(given.get("form", self._open))
        if form is None or tag not in {"input", "button"}:
            return
        name, value = given.get("name", ""), given.get("value", "")
        if tag == "button":
            form.buttons[name] = value
            return
        form.values[name] = value
        if given.get("type") != "hidden":
            form.typed.append(name)


def _page(answer: httpx2.Response) -> Page:
    reader = _Forms(str(answer.url))
    reader.feed(answer.text)
    return Page(answer=answer, forms=list(reader.by_id.values()))


def _submit(browser: httpx2.Client, page: Page, *, entered: dict[str, str], button: str = "") -> Page:
    """Fill in the page's form with what it asks for, and press the button of that name; most have none."""
    if not page.forms or button not in page.forms[0].buttons:
        raise AdapterError(f"human: no form with a button {button!r} at {page.answer.url}")
    form = page.forms[0]
    typed = {name: entered[name] for name in form.typed if name in entered}
    pressed = {button: form.buttons[button]} if button else {}
    return _page(browser.post(form.action, data={**form.values, **typed, **pressed}))
