"""Quirks of what a license token opens: the caller's license and its status, the directory of servers, refusals."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qs

from mock_authz.domain.license import LICENSE_TOKEN_EXPIRED, Ending, License
from mock_authz.domain.organization import Device, Edition
from mock_authz.oauth.reply import Reply
from mock_authz.quirks.bending import (
    Form,
    Handle,
    claims_of,
    granted,
    headers,
    heard_at,
    lied_to,
    members,
    path,
    refused,
    rendered,
    reply_given,
    responding,
    status,
    when,
    with_headers,
    with_store,
)
from mock_authz.quirks.lying_store import LyingStore, changed, finding
from mock_authz.quirks.quirk import Wrap, at
from mock_authz.store.port import Stored
from mock_authz.web.visit import Visit

LEEWAY_SECONDS: Final = 60
RESOURCES: Final = ("/license", "/servers", "/servers/")
RESOURCE_STEPS: Final = ("license", "servers", "introspect")
Claims = dict[str, Any]


def presented(visit: Visit) -> str:
    """Give the license token that came as Bearer."""
    return str(visit.request.headers.get("authorization", "").partition(" ")[2].strip())


def decoded(token: str, part: int) -> Claims | None:
    """Read a part of what looks like a JWT, without a look at its signature: 0 the header, 1 the claims."""
    try:
        spelled = token.split(".")[part]
        found = json.loads(base64.urlsafe_b64decode(spelled + "=" * (-len(spelled) % 4)))
    except (IndexError, ValueError):
        return None
    return found if isinstance(found, dict) else None


# --- who is admitted ---


def _checked(change: Callable[[License, int], tuple[License, int]]) -> Callable[[Visit], Visit]:
    """Check, for one request, another license or `exp` than was presented."""

    def wrap(check: Callable[..., Any]) -> Callable[..., Any]:
        def lying(license_: License, *, expires_at: int, now: int) -> Any:
            seen, expiring_at = change(license_, expires_at)
            return check(seen, expires_at=expiring_at, now=now)

        return lying

    return lied_to("decisions.check_bearer", wrap)


def _never_revoked(license_: License, expires_at: int) -> tuple[License, int]:
    return (replace(license_, ending=None) if license_.ending is Ending.REVOKED else license_), expires_at


def _by_present_lifetime(visit: Visit) -> Visit:
    """Let a license's first token expire by the lifetime that is set now."""
    seconds = visit.context.settings.license_token_seconds

    def change(license_: License, expires_at: int) -> tuple[License, int]:
        is_first = license_.tokens_minted == 1
        return license_, min(expires_at, license_.issued_at + seconds) if is_first else expires_at

    return _checked(change)(visit)


def _verifying(alg: Callable[[str], bool]) -> Callable[[Visit], Visit]:
    """Take a license token whose signature does not verify, if its header names such an algorithm."""

    def wrap(verify: Callable[..., Any]) -> Callable[..., Any]:
        def lying(token: str, *args: Any, **given: Any) -> Any:
            header = decoded(token, 0) or {}
            is_taken = alg(str(header.get("alg")))
            return verify(token, *args, **given) or (decoded(token, 1) if is_taken else None)

        return lying

    return lied_to("minting.verify", wrap)


def _refresh_token_opens(visit: Visit) -> Visit:
    named = visit.context.entropy.read_credential("refresh_token", presented(visit))
    if named is None:
        return visit
    claims = {"jti": f"{named[0]}.", "exp": visit.context.now + LEEWAY_SECONDS}
    return lied_to("minting.verify", lambda _: lambda *_, **__: claims)(visit)


def _token_of_query(visit: Visit) -> Visit:
    query = parse_qs(visit.request.scope["query_string"].decode("latin-1"))
    tokens = query.get("access_token", [])
    return with_headers(visit, authorization=f"Bearer {tokens[0]}") if tokens else visit


def _first_header(visit: Visit) -> Visit:
    sent = visit.request.headers.getlist("authorization")
    return with_headers(visit, authorization=sent[0]) if sent else visit


ADMISSION: Final = at(
    "hear",
    (
        "token_in_query",
        "bearer.query-refused",
        "A license token in the query opens /license and /servers.",
        heard_at(RESOURCES, _token_of_query),
    ),
    (
        "first_of_two_headers",
        "bearer.malformed-is-invalid-request",
        "Of two Authorization headers the first counts.",
        heard_at(RESOURCES, _first_header),
    ),
    (
        "a_minute_of_leeway",
        "bearer.expired-is-invalid-token",
        "/license and /servers take a license token for another minute after its exp.",
        heard_at(RESOURCES, _checked(lambda license_, expires_at: (license_, expires_at + LEEWAY_SECONDS))),
    ),
    (
        "revoked_license_opens",
        "bearer.ended-is-invalid-token",
        "The license token of a revoked license opens /license and /servers.",
        heard_at(RESOURCES, _checked(_never_revoked)),
    ),
    (
        "token_lifetime_changes_afterwards",
        "claims.lifetime-fixed-at-issue",
        "A shorter lifetime of license tokens makes a license's first one expire earlier.",
        heard_at(RESOURCES, _by_present_lifetime),
    ),
    (
        "signature_not_checked",
        "bearer.tampered-is-invalid-token",
        "/license and /servers take a license token with a wrong signature.",
        heard_at(RESOURCES, _verifying(lambda alg: alg not in {"none", "HS256"})),
    ),
    (
        "alg_none_accepted",
        "bearer.alg-none-refused",
        "/license and /servers take an unsigned license token.",
        heard_at(RESOURCES, _verifying(lambda alg: alg == "none")),
    ),
    (
        "public_key_as_secret",
        "bearer.key-confusion-refused",
        "/license and /servers take a license token under HS256.",
        heard_at(RESOURCES, _verifying(lambda alg: alg == "HS256")),
    ),
    (
        "refresh_token_opens",
        "bearer.refresh-token-is-invalid-token",
        "A refresh token opens /license.",
        heard_at("/license", _refresh_token_opens),
    ),
)

# --- how a refusal is said ---


def _reason_unsaid(applies: Callable[[str], bool]) -> Callable[[Reply], Reply]:
    def is_so(reply: Reply) -> bool:
        return refused("invalid_token")(reply) and applies(str((reply.members or {}).get("reason")))

    return when(is_so, members(reason=None))


def _unauthorized_without_error(reply: Reply) -> bool:
    return reply.status == HTTPStatus.UNAUTHORIZED and "error" not in (reply.members or {})


REFUSALS: Final = at(
    "render",
    (
        "no_challenge",
        "bearer.challenge",
        "A 401 of a resource has no WWW-Authenticate.",
        rendered(RESOURCE_STEPS, headers(www_authenticate=None)),
    ),
    (
        "error_where_nothing_was_sent",
        "bearer.no-error-code-without-token",
        "A request without credentials is answered with invalid_token.",
        rendered(RESOURCE_STEPS, when(_unauthorized_without_error, members(error="invalid_token"))),
    ),
    (
        "expiry_without_reason",
        "bearer.expired-says-why",
        "The 401 to an expired license token has no reason.",
        rendered(RESOURCE_STEPS, _reason_unsaid(lambda reason: reason == LICENSE_TOKEN_EXPIRED)),
    ),
    (
        "ending_without_reason",
        "bearer.ended-says-why",
        "The 401 to the license token of an ended license has no reason.",
        rendered(RESOURCE_STEPS, _reason_unsaid(lambda reason: reason in set(Ending))),
    ),
)

# --- what it opens ---


def _as_presented(visit: Visit, form: Form, handle: Handle) -> Reply | None:
    """Show the license as the presented token has it."""
    if visit.path != "/license":
        return None
    reply = handle(visit, form)
    claims = claims_of(visit, presented(visit)) if granted(reply) else None
    return reply if claims is None else members(license=claims["license"])(reply)


def _of_all_organizations(store: LyingStore, sandbox: str, _: str) -> list[Stored[Device]]:
    return store.behind.every(sandbox, Device)


def _shown_otherwise(applies: Callable[[Device], bool], **changes: Any) -> Callable[[Visit], Visit]:
    """See some devices otherwise, for one request."""

    def seen(store: LyingStore, sandbox: str, organization: str) -> list[Any]:
        found = store.behind.find(sandbox, Device, "organization", organization)
        return [changed(stored, **changes) if applies(stored.record) else stored for stored in found]

    return lambda visit: with_store(visit, finding(Device, "organization", seen))


def _other_organizations(visit: Visit) -> Visit:
    return with_store(visit, finding(Device, "organization", _of_all_organizations))


def _without_url(reply: Reply) -> Reply:
    def bare(server: Claims) -> Claims:
        return {name: value for name, value in server.items() if name != "url"}

    shown = dict(reply.members or {})
    if "servers" in shown:
        shown["servers"] = [bare(server) for server in shown["servers"]]
    return replace(reply, members=bare(shown))


def _status_at(seconds_after: int, seen: int) -> Wrap:
    """Take the status, at one instant counted from when renewal falls due, for that of another."""

    def wrap(compute: Callable[..., Any]) -> Callable[..., Any]:
        def lying(license_: License | None, *, now: int) -> Any:
            due = None if license_ is None else license_.renewal_due_from
            is_then = due is not None and now == due + seconds_after
            return compute(license_, now=now + seen - seconds_after if is_then else now)

        return lying

    return wrap


RESOURCES_SHOWN: Final = (
    *at(
        "respond",
        (
            "license_as_presented",
            "bearer.license-is-read-now",
            "/license shows the license as the presented token has it.",
            responding(_as_presented),
        ),
        (
            "directory_is_forbidden",
            "bearer.header-accepted",
            "/servers is forbidden to the bearer of a live license token.",
            reply_given(path("/servers"), when(granted, status(403))),
        ),
    ),
    *at(
        "render",
        (
            "license_of_another",
            "bearer.license-is-the-callers",
            "/license shows another server_id than the caller's.",
            rendered("license", when(granted, members(server_id=lambda server_id: server_id + "-2"))),
        ),
        (
            "directory_without_url",
            "bearer.directory-entry",
            "Entries of the directory have no url.",
            rendered("servers", when(granted, _without_url)),
        ),
    ),
    *at(
        "hear",
        (
            "directory_of_all",
            "bearer.directory-of-own-organization",
            "/servers lists the servers of all organizations.",
            heard_at("/servers", _other_organizations),
        ),
        (
            "foreign_server_is_shown",
            "bearer.foreign-server-is-404",
            "/servers/{server_id} shows servers of other organizations.",
            heard_at("/servers/", _other_organizations),
        ),
        (
            "directory_with_registers",
            "bearer.directory-hides-registers",
            "/servers lists registers, as stores.",
            heard_at(
                "/servers",
                _shown_otherwise(lambda device: device.edition is Edition.REGISTER, edition=Edition.STORE),
            ),
        ),
        (
            "directory_with_disabled",
            "bearer.directory-hides-disabled",
            "/servers lists disabled devices.",
            heard_at("/servers", _shown_otherwise(lambda device: not device.enabled, enabled=True)),
        ),
    ),
    *at(
        "decisions.status",
        (
            "renewal_due_a_second_early",
            "status.licensed",
            "A license requires renewal a second before the renewal window.",
            _status_at(-1, 0),
        ),
        (
            "renewal_due_a_second_late",
            "status.requires-renewal",
            "A license is licensed in the renewal window's first second.",
            _status_at(0, -1),
        ),
    ),
    *at(
        "decisions.token_state",
        (
            "warning_a_second_early",
            "status.token-state",
            "A license token is expiring with exactly the warning left.",
            lambda state: (
                lambda expires_at, *, warning_seconds, now: state(
                    expires_at, warning_seconds=warning_seconds + 1, now=now
                )
            ),
        ),
    ),
)

BEARER: Final = (*ADMISSION, *REFUSALS, *RESOURCES_SHOWN)
