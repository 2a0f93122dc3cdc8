"""The web pages of one sandbox, under its issuer: which there are, who may see them, and what every form must prove.

What each page does lies in login_pages, device_pages and authorize_pages.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final
from urllib.parse import quote

from starlette.responses import Response
from starlette.routing import compile_path

from mock_authz import clock
from mock_authz.domain.organization import Organization
from mock_authz.domain.refusals import InvalidRequest
from mock_authz.entropy import same
from mock_authz.usecases.overview import managed_organizations
from mock_authz.web import assets, authorize_pages, device_pages, login_pages
from mock_authz.web.login import (
    Cookie,
    Cookies,
    Session,
    csrf_token,
    find_session,
    is_foreign,
    nonce_before_login,
    read_cookies,
    url_prefix,
)
from mock_authz.web.page import Page, method_not_allowed, not_found, redirect, refuse
from mock_authz.web.visit import (
    LARGEST_BODY,
    SAY_ENCODED,
    TAKES_IDENTITY,
    BodyTooLargeError,
    Visit,
    is_encoded,
    parse_form,
    read_body,
)

Handler = Callable[[Page], Awaitable[Response]]


class Access(Enum):
    """Who may see a page; others are led to the login, or to the choice of an organization."""

    ANYONE = auto()
    ADMINISTRATOR = auto()
    ORGANIZATION = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One page.

    Attributes:
        bound_to: the cookie that the page's forms are bound to.
    """

    get: Handler | None = None
    post: Handler | None = None
    access: Access = Access.ORGANIZATION
    bound_to: Cookie = Cookie.SESSION

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods offered: HEAD wherever GET is (RFC 9110 9.3.2)."""
        return (*(("GET", "HEAD") if self.get else ()), *(("POST",) if self.post else ()))


ROUTES: Final[dict[str, Route]] = {
    "/": Route(get=login_pages.show_landing, access=Access.ANYONE),
    "/login": Route(
        get=login_pages.show_login,
        post=login_pages.log_in,
        access=Access.ANYONE,
        bound_to=Cookie.BEFORE_LOGIN,
    ),
    "/logout": Route(post=login_pages.log_out, access=Access.ADMINISTRATOR),
    "/organizations": Route(
        get=login_pages.show_organizations, post=login_pages.choose_organization, access=Access.ADMINISTRATOR
    ),
    "/devices": Route(get=device_pages.show_devices),
    "/devices/{server_id}": Route(get=device_pages.show_device),
    "/devices/{server_id}/renew": Route(post=device_pages.renew),
    "/devices/{server_id}/hub": Route(post=device_pages.change_hub),
    "/devices/{server_id}/enable": Route(post=device_pages.enable),
    "/devices/{server_id}/revoke": Route(get=device_pages.confirm_revocation, post=device_pages.revoke),
    "/devices/{server_id}/disable": Route(get=device_pages.confirm_disabling, post=device_pages.disable),
    # The verification page offers GET alone, as openapi.yaml has it: its forms go to the pages behind it.
    "/device": Route(get=authorize_pages.show_form),
    "/device/review": Route(get=authorize_pages.start_again, post=authorize_pages.review),
    "/device/decision": Route(get=authorize_pages.start_again, post=authorize_pages.decide),
    "/device/result": Route(get=authorize_pages.show_result),
}
_COMPILED: Final = [(compile_path(template)[0], route) for template, route in ROUTES.items()]


async def answer(visit: Visit) -> Response:
    """Answer one request for a page, or for a file that pages load."""
    page = _open(visit)
    response = await _answer(page)
    if visit.request.method == "HEAD":
        response.body = b""
    return response


def no_sandbox(visit: Visit, detail: str) -> Response:
    """Answer somebody who looks for a sandbox that is not there; the visit is one to the default sandbox."""
    response = refuse(
        _open(visit),
        404,
        "Sandbox not found",
        detail,
        "The address may be mistyped, or the sandbox deleted. The start page is that of this server's default sandbox.",
    )
    if visit.request.method == "HEAD":
        response.body = b""
    return response


def _open(visit: Visit) -> Page:
    context, issuer = visit.context, visit.context.sandbox.issuer
    prefix = url_prefix(visit.request, issuer, below=visit.path)
    cookies = read_cookies(visit.request, issuer, prefix=prefix)
    found = find_session(context, cookies, real_at=clock.real_now())
    session: Session | None = context.behaviour.admit_session(context, found)
    manages = () if session is None else tuple(managed_organizations(context, session.administrator))
    return Page(
        visit=visit,
        prefix=prefix,
        cookies=cookies,
        session=session,
        chosen=_chosen(cookies, manages),
        manages=manages,
    )


def _chosen(cookies: Cookies, manages: tuple[Organization, ...]) -> Organization | None:
    """Find the organization that was chosen, among those that may be; of one there is no choice."""
    if len(manages) == 1:
        return manages[0]
    by_value = {quote(organization.organization_id, safe=""): organization for organization in manages}
    chosen = (by_value.get(value) for value in cookies.read(Cookie.ORGANIZATION))
    return next((organization for organization in chosen if organization is not None), None)


async def _answer(page: Page) -> Response:
    path, method = page.visit.path, page.visit.request.method
    if path.startswith(assets.PREFIX) and method in {"GET", "HEAD"}:
        return assets.serve_asset(page.visit.request, path) or not_found(page)
    found = _find(path)
    if found is None:
        return not_found(page)
    route, params = found
    if method not in route.methods:
        return method_not_allowed(page, route.methods)
    page = replace(page, params=params)
    if method == "POST":
        return await _post(page, route)
    return _lead_away(page, route) or await _required(route.get)(page)


def _find(path: str) -> tuple[Route, Mapping[str, str]] | None:
    for pattern, route in _COMPILED:
        if (match := pattern.match(path)) is not None:
            return route, match.groupdict()
    return None


async def _post(page: Page, route: Route) -> Response:
    try:
        body = await read_body(page.visit.request)
    except BodyTooLargeError:
        return refuse(page, 413, "Form too large", f"A form may have {LARGEST_BODY} bytes at most.")
    if is_encoded(page.visit.request):
        return refuse(page, 415, "Form not understood", SAY_ENCODED, headers=TAKES_IDENTITY)
    form = parse_form(page.visit.request, body)
    if isinstance(form, InvalidRequest):
        return refuse(page, 400, "Form not understood", form.description)
    page = replace(page, form=form)
    if is_foreign(page.visit.request, page.context.sandbox.issuer):
        return _forged(page)
    away = _lead_away(page, route)
    if away is not None:
        return away
    is_own = page.context.behaviour.admit_form(page.visit, _is_bound(page, route.bound_to))
    return await _required(route.post)(page) if is_own else _forged(page)


def _lead_away(page: Page, route: Route) -> Response | None:
    """Lead to the login or to the choice of an organization first, and back here from there."""
    if route.access is not Access.ANYONE and page.session is None:
        return redirect(page, "/login", next=_way_back(page))
    if route.access is Access.ORGANIZATION and page.chosen is None:
        return redirect(page, "/organizations", next=_way_back(page))
    return None


def _way_back(page: Page) -> str:
    """Give the page to come back to: this one, or the one that shows this form."""
    request, path = page.visit.request, quote(page.visit.path)
    if request.method != "POST":
        asked = request.url.query
        return f"{path}?{asked}" if asked else path
    if path.startswith("/device/"):
        entered = page.form.get("user_code")
        return f"/device?user_code={quote(entered, safe='')}" if entered else "/device"
    return path.rpartition("/")[0] if path.startswith("/devices/") else "/devices"


def _is_bound(page: Page, cookie: Cookie) -> bool:
    """Say whether a form was made for this browser and login: it carries what only our own page can have put there."""
    if cookie is Cookie.SESSION:
        nonce = None if page.session is None else page.session.nonce
    else:
        nonce = nonce_before_login(page.cookies)
    given = page.form.get("csrf_token", "")
    return nonce is not None and same(given, csrf_token(page.context, cookie, nonce))


def _forged(page: Page) -> Response:
    return refuse(
        page,
        403,
        "This form cannot be accepted",
        "It did not come from a page of this server, or you logged in or out since that page was opened. "
        "Nothing was changed.",
        "Open the page again and repeat what you did. Cookies must be allowed for this address.",
    )


def _required(handler: Handler | None) -> Handler:
    if handler is None:
        raise LookupError("the method was held against the route's own before")
    return handler
