"""Somebody with a browser at the server's pages: keeps cookies, follows redirects, logs in, fills in forms.

Nothing here judges: every request is an exchange of the rule's story, and every page can be looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlencode, urljoin, urlsplit

from authz_conformance.exchange import Exchange
from authz_conformance.expectations import ANY_SUCCESS, given
from authz_conformance.flow import Grant, spelled_plainly
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.targets.ports import Login
from authz_conformance.verdicts import NotTestable
from authz_conformance.web_page import Button, Form, WebPage, read_page
from authz_conformance.wire import FORM

FOLLOWED = frozenset({301, 302, 303})
MOST_REDIRECTS = 10
MOST_CHOICES = 3
USUAL_FIELD = "user_code"  # where a page shows no field, which is for a rule of its own


class Browser:
    """One session at the server's pages.

    Attributes:
        server: whose pages.
        answers: the answers to everything that was posted, in order.
    """

    def __init__(self, server: ServerUnderTest) -> None:
        self.server = server
        self.answers: list[Exchange] = []
        self._cookies: dict[str, str] = {}

    def open(self, url: str, *, step: str = "page") -> WebPage:
        """Open an address, following redirects."""
        return self._follow(self._send("GET", url, step=step), step=step)

    def submit(
        self,
        page: WebPage,
        form: Form,
        *,
        button: Button | None = None,
        entered: Mapping[str, str] | None = None,
        left_out: frozenset[str] = frozenset(),
        step: str = "page",
    ) -> WebPage:
        """Submit a form of a page.

        Args:
            button: What is pressed; the form's first button if it is left open.
            entered: What goes before the form's own values.
            left_out: Names of values that are not sent.
        """
        pressed = button or next(iter(form.buttons), None)
        values = dict(form.values)
        if pressed is not None and pressed.name:
            values[pressed.name] = pressed.value
        values.update(entered or {})
        sent = {name: value for name, value in values.items() if name not in left_out}
        target = urljoin(page.exchange.url, form.action)
        if form.method != "post":
            return self.open(f"{target.partition('?')[0]}?{urlencode(sent)}", step=step)
        answer = self._send("POST", target, step=step, content=urlencode(sent).encode())
        self.answers.append(answer)
        return self._follow(answer, step=step)

    def logged_in(self, url: str) -> WebPage:
        """Open an address, and log in where that is asked for; the page behind it."""
        page = self.open(url)
        if page.login is None:
            return page
        page = self.submit(page, page.login, entered=self._credentials(page.login), step="login")
        given.that(page.login is None, wanted="the login to succeed", found=page.says, exchange=page.exchange)
        return page

    def verification_page(self, grant: Grant) -> WebPage:
        """Open the verification page as somebody who has logged in."""
        return self.arrived(verification_uri(self.server, grant))

    def arrived(self, url: str) -> WebPage:
        """Open an address as somebody who has logged in, and choose the device's organization where that is asked first.

        Raises:
            NotTestable: the login leads to another page than the address, and the kit does not get beyond it.
        """
        page = self.logged_in(url)
        for _ in range(MOST_CHOICES):
            if page.entry is not None or (chosen := self._chosen(page)) is None:
                break
            page = chosen
        came_to, _, _ = page.exchange.url.partition("?")
        leads_elsewhere = urlsplit(came_to).path != urlsplit(url).path
        if page.entry is None and page.exchange.status in ANY_SUCCESS and leads_elsewhere:
            raise NotTestable(
                f"the login of [login] does not lead to the verification page, but to {came_to}, where no user code can be "
                "entered; use somebody who is asked nothing in between, or whose devices' organization the driver tells"
            )
        return page

    def _chosen(self, page: WebPage) -> WebPage | None:
        """Choose the device's organization; None where it is not offered, or not known."""
        organization = self.server.device.organization
        if not organization:
            return None
        for form, button in page.choices:
            if button.value == organization:
                return self.submit(page, form, button=button, step="organization")
        listing = page.listing(organization)
        if listing is None:
            return None
        form, name = listing
        return self.submit(page, form, entered={name: organization}, step="organization")

    def entered(self, page: WebPage, grant: Grant, *, left_out: frozenset[str] = frozenset()) -> WebPage:
        """Choose this rule's device, enter a user code, and press the first button."""
        form = page.entry or max(page.forms, key=lambda form: len(form.options), default=None)
        if form is None or not (form.fields or form.options):
            given.fail(wanted="a form for the user code", found=page.says, exchange=page.exchange)
        field = next(iter(form.fields), USUAL_FIELD)
        values = {field: grant.user_code, **dict.fromkeys(form.options, self.server.device.id)}
        return self.submit(page, form, entered=values, left_out=left_out, step="verification")

    def confirmation_page(self, grant: Grant) -> WebPage:
        """Go as far as to the page on which the approval is confirmed."""
        return self.entered(self.verification_page(grant), grant)

    def _credentials(self, form: Form) -> dict[str, str]:
        login: Login | None = self.server.stage.login
        if login is None:
            raise NotTestable("no login for the verification page is declared")
        return {form.fields[0]: login.username, str(form.password): login.password}

    def _follow(self, answer: Exchange, *, step: str) -> WebPage:
        for _ in range(MOST_REDIRECTS):
            location = answer.header("location")
            if answer.status not in FOLLOWED or location is None:
                break
            answer = self._send("GET", urljoin(answer.url, location), step=step)
        page = read_page(answer)
        return self._submitted_by_itself(page, step=step) if page.submits_itself else page

    def _submitted_by_itself(self, page: WebPage, *, step: str) -> WebPage:
        """Do what a page's script does at once; a page that comes of it and does so again is left as it is."""
        form = page.forms[0]
        target = urljoin(page.exchange.url, form.action)
        return read_page(self._send("POST", target, step=step, content=urlencode(form.values).encode()))

    def _send(self, method: str, url: str, *, step: str, content: bytes = b"") -> Exchange:
        headers = {"accept": "text/html"}
        if self._cookies:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        if method == "POST":
            headers["content-type"] = FORM
        answer = self.server.wire.send(method, url, step=step, headers=headers, content=content)
        for line in answer.header_values("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self._cookies[name.strip()] = value.strip()
        return answer


def verification_uri(server: ServerUnderTest, grant: Grant) -> str:
    """Give the address of the verification page; that it is announced is a precondition."""
    if grant.verification_uri:
        return grant.verification_uri
    if grant.verification_uri_complete:
        return grant.verification_uri_complete.partition("?")[0]
    raise NotTestable(f"{server.issuer} announces no verification_uri")


def approval_form(page: WebPage, grant: Grant) -> Form | None:
    """Find the form on a confirmation page that decides about a user code: the first one that sends it.

    The code is put into it as the device shows it: that other spellings count is a rule of its own.
    """
    plain = spelled_plainly(grant.user_code).upper()
    for form in page.forms:
        names = [name for name, value in form.values.items() if spelled_plainly(value).upper() == plain]
        if names and not form.fields:
            return replace(form, values={**form.values, **dict.fromkeys(names, grant.user_code)})
    return None
