"""Quirks of introspection: who may ask, what is active, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from mock_authz.domain.license import License
from mock_authz.domain.refusals import InvalidRequest
from mock_authz.oauth.reply import NO_STORE, Reply, refuse
from mock_authz.quirks.bearer import decoded
from mock_authz.quirks.bending import (
    Form,
    Handle,
    claims_of,
    generation_of,
    granted,
    heard_at,
    license_of,
    lied_to,
    members,
    refused,
    rendered,
    responding,
    when,
    with_headers,
    with_store,
)
from mock_authz.quirks.lying_store import changed, getting
from mock_authz.quirks.quirk import Wrap, at
from mock_authz.usecases.keep import refresh
from mock_authz.usecases.tokens import IssuedTokens
from mock_authz.web.visit import Visit

FOREVER: Final = 2**40
AN_HOUR_SECONDS: Final = 3600
INACTIVE: Final = {"active": False}


def _introspecting(lie: Callable[[Visit, Form, Handle], Reply | None]) -> Wrap:
    """Lie where something is introspected."""

    def asked(visit: Visit, form: Form, handle: Handle) -> Reply | None:
        return lie(visit, form, handle) if visit.path == "/introspect" and "token" in form else None

    return responding(asked)


def _inactive_at_first(visit: Visit, form: Form, handle: Handle) -> Reply | None:
    claims = claims_of(visit, form["token"])
    if claims is None or visit.context.now >= claims["iat"] + AN_HOUR_SECONDS:
        return None
    return when(granted, _inactive)(handle(visit, form))


def _is_inactive(reply: Reply) -> bool:
    return granted(reply) and dict(reply.members or {}) == INACTIVE


def _kind_of(visit: Visit, form: Form) -> str:
    """Say what was presented: a refresh token or license token of ours, a tampered one, or nothing known."""
    if generation_of(visit, form) is not None:
        return "refresh token"
    if claims_of(visit, form["token"]) is not None:
        return "license token"
    return "unknown" if decoded(form["token"], 1) is None else "tampered"


def _said_of(kind: str, applies: Callable[[Reply], bool], answer: Callable[[Reply], Reply]) -> Wrap:
    """Change what is said of one kind of token."""

    def lie(visit: Visit, form: Form, handle: Handle) -> Reply | None:
        return when(applies, answer)(handle(visit, form)) if _kind_of(visit, form) == kind else None

    return _introspecting(lie)


def _seen_again(seen: Callable[[Visit, dict[str, Any]], Visit]) -> Wrap:
    """Look again, and otherwise, at a license token of ours that is inactive."""

    def lie(visit: Visit, form: Form, handle: Handle) -> Reply | None:
        reply = handle(visit, form)
        claims = claims_of(visit, form["token"]) if _is_inactive(reply) else None
        return reply if claims is None else handle(seen(visit, claims), form)

    return _introspecting(lie)


def _checked(change: Callable[[License, int], tuple[License, int]]) -> Callable[[Visit, Any], Visit]:
    def wrap(check: Callable[..., Any]) -> Callable[..., Any]:
        def lying(license_: License, *, expires_at: int, now: int) -> Any:
            seen, expiring_at = change(license_, expires_at)
            return check(seen, expires_at=expiring_at, now=now)

        return lying

    return lambda visit, _: lied_to("decisions.check_bearer", wrap)(visit)


def _from_nbf_on(visit: Visit, claims: dict[str, Any]) -> Visit:
    return replace(visit, context=replace(visit.context, now=max(visit.context.now, claims["nbf"])))


def _for_anybody(visit: Visit, form: Form, handle: Handle) -> Reply | None:
    """Take the token that is asked about for the caller's, where none came."""
    if "authorization" in visit.request.headers:
        return None
    return handle(with_headers(visit, authorization=f"Bearer {form['token']}"), form)


def _read_unverified(visit: Visit, form: Form, handle: Handle) -> Reply | None:
    reply = handle(visit, form)
    if not (_is_inactive(reply) and _kind_of(visit, form) == "tampered"):
        return reply
    return replace(reply, members={"active": True, **(decoded(form["token"], 1) or {})})


def _used(visit: Visit, form: Form, handle: Handle) -> Reply | None:
    """Refresh twice with a refresh token that is asked about: its successor is used as well."""
    reply = handle(visit, form)
    license_ = license_of(visit, form)
    presented = form["token"]
    if license_ is None or not granted(reply) or _kind_of(visit, form) != "refresh token":
        return reply
    for _ in range(2):
        answer = refresh(visit.context, client_id=license_.client_id, refresh_token=presented, scope=None)
        if isinstance(answer, IssuedTokens):
            presented = answer.refresh_token
    return reply


def _missing_is_inactive(visit: Visit, form: Form, handle: Handle) -> Reply | None:
    if visit.path != "/introspect" or "token" in form:
        return None
    return when(refused("invalid_request"), lambda _: Reply(200, INACTIVE, NO_STORE))(handle(visit, form))


def _one_organization(visit: Visit) -> Visit:
    """Take all licenses for those of one organization."""
    return with_store(
        visit,
        getting(
            License,
            lambda store, sandbox, name: changed(
                store.behind.get(sandbox, License, name), organization_id="all"
            ),
        ),
    )


def _inactive(reply: Reply) -> Reply:
    return replace(reply, members=INACTIVE)


INTROSPECTION: Final = (
    *at(
        "respond",
        (
            "introspection_for_anybody",
            "introspect.caller-is-authorized",
            "Who presents no license token is answered all the same.",
            _introspecting(_for_anybody),
        ),
        (
            "live_is_inactive",
            "introspect.live-is-active",
            "A license token is inactive in its first hour.",
            _introspecting(_inactive_at_first),
        ),
        (
            "refresh_token_is_inactive",
            "introspect.refresh-token",
            "A refresh token is inactive.",
            _said_of("refresh token", granted, _inactive),
        ),
        (
            "expired_is_active",
            "introspect.expired-is-inactive",
            "An expired license token is active.",
            _seen_again(_checked(lambda license_, _: (license_, FOREVER))),
        ),
        (
            "revoked_is_active",
            "introspect.revoked-is-inactive",
            "The license token of an ended license is active until its exp.",
            _seen_again(_checked(lambda license_, expires_at: (replace(license_, ending=None), expires_at))),
        ),
        (
            "not_yet_valid_is_active",
            "introspect.not-yet-valid-is-inactive",
            "A license token whose nbf lies ahead is active.",
            _seen_again(_from_nbf_on),
        ),
        (
            "tampered_is_active",
            "introspect.tampered-is-inactive",
            "A license token with a wrong signature is active.",
            _introspecting(_read_unverified),
        ),
        (
            "unknown_token_is_an_error",
            "introspect.unknown-is-inactive",
            "A token that nobody knows is answered with invalid_request.",
            _said_of("unknown", _is_inactive, lambda _: refuse(InvalidRequest("There is no such token."))),
        ),
        (
            "inactive_says_more",
            "introspect.inactive-says-nothing-else",
            "The answer for a token that nobody knows says why it is inactive.",
            _said_of("unknown", _is_inactive, members(reason="unknown")),
        ),
        (
            "introspection_without_token",
            "introspect.token-required",
            "An introspection request without token is answered with 200.",
            responding(_missing_is_inactive),
        ),
        (
            "introspection_uses",
            "introspect.is-no-use",
            "To introspect a refresh token uses it and its successor.",
            _introspecting(_used),
        ),
    ),
    *at(
        "render",
        (
            "introspection_without_license",
            "introspect.says-what-the-token-says",
            "The answer for a live license token leaves its claim license out.",
            rendered("introspect", when(granted, members(license=None))),
        ),
    ),
    *at(
        "hear",
        (
            "introspection_across_organizations",
            "introspect.foreign-organization-is-inactive",
            "Tokens of other organizations are active.",
            heard_at("/introspect", _one_organization),
        ),
    ),
)
