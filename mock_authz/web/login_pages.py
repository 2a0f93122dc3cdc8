"""The way in and out: landing page, login, logout, choice of an organization."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from mock_authz import clock, passwords
from mock_authz.domain.organization import Administrator
from mock_authz.usecases.listing import find_record
from mock_authz.web.login import (
    Cookie,
    csrf_token,
    fresh_nonce,
    is_local_path,
    nonce_before_login,
    open_session,
)
from mock_authz.web.page import Page, redirect, refuse, render

HOME: Final = "/devices"


async def show_landing(page: Page) -> Response:
    """Say what this server is, and lead on."""
    return render(page, "landing.html")


async def show_login(page: Page) -> Response:
    """Ask for username and password; who is logged in is led on."""
    if page.session is not None:
        return redirect(page, _next(page.query.get("next")))
    return _login_form(page, next_path=page.query.get("next"))


async def log_in(page: Page) -> Response:
    """Open a session: the same time and words for a wrong password and an unknown user."""
    username, password = page.form.get("username", ""), page.form.get("password", "")
    next_path = page.form.get("next")
    if not (username and password):
        return _login_form(
            page, next_path=next_path, status=422, error="Enter your username and your password."
        )
    administrator = find_record(page.context, Administrator, username)
    expected = None if administrator is None else administrator.password_hash
    # In a thread: the hash takes its time, and others are not to wait for it.
    is_right = await run_in_threadpool(passwords.verify, expected, password)
    if administrator is None or not is_right:
        return _login_form(
            page,
            next_path=next_path,
            status=403,
            error="There is no administrator with this username and password.",
        )
    response = redirect(page, _next(next_path))
    session = open_session(page.context, administrator, real_at=clock.real_now())
    response.headers.append("set-cookie", page.cookies.write(Cookie.SESSION, session))
    response.headers.append("set-cookie", page.cookies.drop(Cookie.BEFORE_LOGIN))
    return response


async def log_out(page: Page) -> Response:
    """Forget the login and the chosen organization in this browser."""
    response = redirect(page, "/login", notice="logged_out")
    for cookie in (Cookie.SESSION, Cookie.ORGANIZATION):
        response.headers.append("set-cookie", page.cookies.drop(cookie))
    return response


async def show_organizations(page: Page) -> Response:
    """Let the administrator choose an organization; of one there is no choice."""
    next_path = page.query.get("next")
    if len(page.manages) == 1:
        return redirect(page, _next(next_path))
    return render(page, "organizations.html", next_path=_next(next_path))


async def choose_organization(page: Page) -> Response:
    """Go on with one organization."""
    chosen = page.form.get("organization_id", "")
    if chosen not in {organization.organization_id for organization in page.manages}:
        return refuse(
            page,
            404,
            "Organization not found",
            "You do not manage this organization, or it no longer exists.",
            again="/organizations",
        )
    response = redirect(page, _next(page.form.get("next")))
    response.headers.append("set-cookie", page.cookies.write(Cookie.ORGANIZATION, quote(chosen, safe="")))
    return response


def _login_form(
    page: Page, *, next_path: str | None, status: int = 200, error: str | None = None
) -> Response:
    nonce = nonce_before_login(page.cookies)
    fresh = fresh_nonce() if nonce is None else nonce
    response = render(
        page,
        "login.html",
        status=status,
        error=error,
        username=page.form.get("username", ""),
        next_path=_next(next_path),
        csrf_token=csrf_token(page.context, Cookie.BEFORE_LOGIN, fresh),
    )
    if nonce is None:
        response.headers.append("set-cookie", page.cookies.write(Cookie.BEFORE_LOGIN, fresh))
    return response


def _next(path: str | None) -> str:
    """Give where to go on: a path of ours, whatever the link said."""
    return path if path is not None and is_local_path(path) else HOME
