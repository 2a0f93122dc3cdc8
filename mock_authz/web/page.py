"""One request for a page, and how it is answered: templates, redirects, errors, and the headers that all of them carry.

Knows nothing of what the pages show. Templates are loaded when the first page is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from starlette.responses import Response

from mock_authz.clock import ClockMode
from mock_authz.domain import user_code
from mock_authz.domain.organization import Administrator, Organization
from mock_authz.instants import shown, utc
from mock_authz.usecases.context import Context
from mock_authz.web.assets import asset_path
from mock_authz.web.login import Cookie, Cookies, Session, csrf_token
from mock_authz.web.problems import problem
from mock_authz.web.visit import Visit

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES: Final = Path(__file__).parent / "templates"

# Nothing runs, nothing is loaded from elsewhere, nobody frames a page (RFC 6749 10.13), no form leads away.
POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
HEADERS: Final[dict[str, str]] = {
    "content-security-policy": POLICY,
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    # Not `no-referrer`: under that, browsers send forms with `Origin: null`, which tells ours from nobody's.
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}

# Where an error page leads on to.
ONWARD: Final[dict[str, str]] = {
    "/": "Start page",
    "/devices": "Devices",
    "/organizations": "Choose an organization",
}

# What a page says once about what has just been done.
NOTICES: Final[dict[str, str]] = {
    "renewed": "The renewal date is set.",
    "renewed_without_date": "There is no renewal date any more.",
    "revoked": "The license is revoked. The device needs a new one.",
    "disabled": "The device is disabled.",
    "enabled": "The device is enabled. It can be authorized again.",
    "hub_changed": "The hub is changed. License tokens carry it from the next refresh on.",
    "logged_out": "You have logged out.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A request for a page: who asks, for which organization, and what came with it.

    Attributes:
        prefix: what stands before every path, as the browser sees it.
        chosen: the organization that the administrator chose, or the only one.
        manages: all that there is to choose of.
        params: what the path names.
    """

    visit: Visit
    prefix: str
    cookies: Cookies
    session: Session | None = None
    chosen: Organization | None = None
    manages: tuple[Organization, ...] = ()
    form: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def context(self) -> Context:
        """The sandbox, as use cases see it."""
        return self.visit.context

    @property
    def administrator(self) -> Administrator:
        """Who is logged in: for pages that are shown to nobody else."""
        if self.session is None:
            raise LookupError("this page is open to anyone")
        return self.session.administrator

    @property
    def organization(self) -> Organization:
        """The chosen organization: for pages that are shown of one only."""
        if self.chosen is None:
            raise LookupError("this page is of no organization")
        return self.chosen

    @property
    def query(self) -> Mapping[str, str]:
        """The parameters of the address."""
        return self.visit.request.query_params

    @property
    def csrf_token(self) -> str:
        """What the forms of this login carry."""
        if self.session is None:
            return ""
        return csrf_token(self.context, Cookie.SESSION, self.session.nonce)


def render(page: Page, template: str, *, status: int = 200, **values: Any) -> Response:
    """Render one page."""
    notices = [NOTICES[key] for key in page.cookies.read(Cookie.NOTICE) if key in NOTICES]
    shared = {
        "page": page,
        "url": lambda path, **query: address(page, path, **query),
        "asset": lambda name: page.prefix + asset_path(name),
        "now": page.context.now,
        "sandbox": page.context.sandbox,
        "is_frozen": page.context.sandbox.clock.mode is ClockMode.FROZEN,
        "csrf_token": page.csrf_token,
        "notice": notices[0] if notices else None,
    }
    html = environment().get_template(template).render({**shared, **values})
    response = Response(html, status, HEADERS, "text/html")
    if notices:
        response.headers.append("set-cookie", page.cookies.drop(Cookie.NOTICE))
    return response


def redirect(page: Page, path: str, *, notice: str | None = None, **query: str) -> Response:
    """Lead to another page. 303: the form is not sent there again (RFC 9110 15.4.4)."""
    response = Response(None, 303, {**HEADERS, "location": address(page, path, **query)})
    if notice is not None:
        response.headers.append("set-cookie", page.cookies.write(Cookie.NOTICE, notice))
    return response


def address(page: Page, path: str, **query: str) -> str:
    """Give the address of a page, relative to the host: a form's answer never leads to another name of the server."""
    return page.prefix + path + (f"?{urlencode(query)}" if query else "")


def refuse(
    page: Page,
    status: int,
    title: str,
    *details: str,
    headers: Mapping[str, str] | None = None,
    again: str = "/",
) -> Response:
    """Say what is wrong and what to do about it: to people a page, to programs a problem (RFC 9457).

    Args:
        details: paragraphs.
        again: where to go on, of `ONWARD`.
    """
    if "text/html" not in page.visit.request.headers.get("accept", ""):
        name = title.lower().replace(" ", "_")
        reply = problem(status, name, " ".join(details), headers={**HEADERS, **(headers or {})})
        return Response(reply.body(), reply.status, dict(reply.headers), reply.media_type)
    response = render(
        page, "error.html", status=status, title=title, details=details, again=again, label=ONWARD[again]
    )
    response.headers.update(headers or {})
    return response


def not_found(page: Page) -> Response:
    """Say that there is no such page."""
    return refuse(
        page, 404, "Page not found", "There is no page at this address. It may be mistyped or outdated."
    )


def method_not_allowed(page: Page, offered: Sequence[str]) -> Response:
    """Name the methods that a page offers (RFC 9110 15.5.6)."""
    methods = ", ".join(offered)
    return refuse(page, 405, "Method not allowed", f"This path offers {methods}.", headers={"allow": methods})


def in_words(seconds: int) -> str:
    """Spell a wait for people, rounded up to whole minutes from two minutes on."""
    if seconds < 2 * 60:
        return "1 second" if seconds == 1 else f"{seconds} seconds"
    return f"{-(-seconds // 60)} minutes"


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Give the templates of all pages, loaded when the first one is asked for."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - see the docstring above

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update({
        "shown": shown,
        "utc": utc,
        "user_code": user_code.display,
        "path": lambda text: quote(text, safe=""),
    })  # fmt: skip
    return environment
