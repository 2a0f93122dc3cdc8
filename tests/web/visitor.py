"""A browser without its engine: keeps cookies by path, finds forms, fills them in and sends them as people would."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from typing import Any, Final

import httpx2

from mock_authz.domain.organization import PlainPassword
from mock_authz.usecases.context import Context
from tests.factories import DANA, NOW, QA, SAM, default_records
from tests.web.site import BASE_URL, Site

HTML: Final = "text/html,application/xhtml+xml,*/*;q=0.8"
PASSWORD: Final = "quay"


def page_records() -> list[object]:
    """The usual sandbox, with people who can log in: Dana manages one organization, Sam two, Nobody none."""
    nobody = replace(DANA, username="nobody", organizations=())
    people = [replace(one, password_hash=PlainPassword(PASSWORD)) for one in (DANA, SAM, nobody)]
    return [one for one in default_records() if one not in (DANA, SAM)] + list(people)


def context_of(site: Site, *, now: int = NOW) -> Context:
    """The sandbox as a use case sees it, to change it behind the pages' back."""
    return Context(sandbox=site.sandbox, now=now, store=site.server.store)


@dataclass
class Form:
    """A form as it was served, with the values it would send untouched."""

    action: str
    values: dict[str, str] = field(default_factory=dict)
    options: dict[str, list[tuple[str, bool]]] = field(default_factory=dict)


class _Reader(HTMLParser):
    """Collects forms, texts and the addresses that a page loads or links to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.texts: list[str] = []
        self.addresses: list[str] = []
        self.select: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.addresses += [given[name] for name in ("href", "src", "action") if name in given]
        if tag == "form":
            self.forms.append(Form(given["action"]))
        elif tag == "select":
            self.select = given["name"]
        elif tag == "option" and self.select is not None:
            self._option(given)
        elif tag == "input" and "name" in given and (given.get("type") != "radio" or "checked" in given):
            self.forms[-1].values[given["name"]] = given.get("value", "")

    def _option(self, given: dict[str, str]) -> None:
        form, name = self.forms[-1], self.select or ""
        form.options.setdefault(name, []).append((given["value"], "disabled" not in given))
        if "selected" in given or name not in form.values:
            form.values[name] = given["value"]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@dataclass
class Shown:
    """One answer, read."""

    response: httpx2.Response

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def location(self) -> str:
        return self.response.headers["location"]

    @property
    def reader(self) -> _Reader:
        return _Reader(self.response.text)

    @property
    def text(self) -> str:
        """What a person reads, with single spaces."""
        return " ".join(" ".join(self.reader.texts).split())

    def form(self, action: str) -> Form:
        """Find a form by how its action ends."""
        return next(form for form in self.reader.forms if form.action.endswith(action))


@dataclass
class Visitor:
    """Somebody with a browser of their own."""

    site: Site
    sandbox: str = QA
    cookies: dict[tuple[str, str], str] = field(default_factory=dict)
    base_url: str = BASE_URL

    def send(self, method: str, path: str, *, headers: dict[str, str] | None = None, **given: Any) -> Shown:
        """Send one request to a path of the host; redirects are not followed."""
        cookies = {"cookie": self._cookies(path)} if self._cookies(path) else {}
        sent = {"accept": HTML, **cookies, **(headers or {})}

        async def sending() -> httpx2.Response:
            transport = httpx2.ASGITransport(app=self.site.server, client=self.site.address)
            async with httpx2.AsyncClient(transport=transport, base_url=self.base_url) as client:
                return await client.request(method, path, headers=sent, **given)

        response = asyncio.run(sending())
        for cookie in response.headers.get_list("set-cookie"):
            self._keep(cookie)
        return Shown(response)

    def get(self, path: str, **given: Any) -> Shown:
        """Open a page below the issuer."""
        return self.send("GET", self.below(path), **given)

    def post(self, path: str, values: dict[str, str], **given: Any) -> Shown:
        """Send form values to a path below the issuer."""
        return self.send("POST", self.below(path), data=values, **given)

    def below(self, path: str) -> str:
        return path if self.sandbox == "default" else f"/s/{self.sandbox}{path}"

    def submit(
        self, shown: Shown, action: str, *, headers: dict[str, str] | None = None, **values: str
    ) -> Shown:
        """Send a form of a page with some of its values changed."""
        form = shown.form(action)
        return self.send("POST", form.action, data={**form.values, **values}, headers=headers)

    def follow(self, shown: Shown) -> Shown:
        """Follow redirects to where they end."""
        while shown.status == 303:
            shown = self.send("GET", shown.location)
        return shown

    def log_in(self, username: str = "dana", password: str = PASSWORD, *, path: str = "/devices") -> Shown:
        """Open a page, and come to it through the login."""
        login = self.follow(self.get(path))
        return self.follow(self.submit(login, "/login", username=username, password=password))

    def _cookies(self, path: str) -> str:
        """Spell the Cookie header: longer paths first (RFC 6265 5.4)."""
        fitting = [
            (len(where), f"{name}={value}")
            for (name, where), value in self.cookies.items()
            if where == "/" or path.partition("?")[0] == where or path.startswith(where + "/")
        ]
        return "; ".join(pair for _, pair in sorted(fitting, key=lambda one: -one[0]))

    def _keep(self, cookie: str) -> None:
        pair, *attributes = cookie.split("; ")
        name, _, value = pair.partition("=")
        where = next(one.removeprefix("Path=") for one in attributes if one.startswith("Path="))
        if "Max-Age=0" in attributes:
            self.cookies.pop((name, where), None)
        else:
            self.cookies[name, where] = value
