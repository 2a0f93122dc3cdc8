"""Quirks of how requests are read: methods, parameters, grant types, clients, at each of the OAuth endpoints."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Final
from urllib.parse import parse_qsl, urlencode

from mock_authz.domain.refusals import InvalidRequest
from mock_authz.oauth.reply import Reply, refuse
from mock_authz.quirks.bending import (
    DEVICE_CODE,
    Applies,
    Form,
    Handle,
    as_post,
    filled,
    form_seen,
    grant_of,
    granted,
    heard_at,
    members,
    owned,
    path,
    polls,
    refreshes,
    refused,
    reply_given,
    responding,
    status,
    when,
    with_body,
    with_headers,
    with_parameter,
    without_parameter,
)
from mock_authz.quirks.quirk import Wrap, at
from mock_authz.usecases.acquire import GRANTED_SCOPE, IGNORED_SCOPES
from mock_authz.web.visit import FORM, Visit, media_type

ANY_CLIENT: Final = "pos-server"
REQUEST: Final = path("/device_authorization")
TOKEN: Final = path("/token")
REVOKE: Final = path("/revoke")
KNOWN: Final = frozenset({
    "client_id", "client_secret", "scope", "grant_type", "device_code", "refresh_token", "token", "token_type_hint", "username", "password",
})  # fmt: skip


def _pairs(body: bytes) -> list[tuple[str, str]]:
    return parse_qsl(body.decode("latin-1"), keep_blank_values=True)


def _first_of_each(body: bytes) -> bytes:
    """Keep a parameter's first value alone."""
    return urlencode(list({name: (name, value) for name, value in reversed(_pairs(body))}.values())).encode()


def _empty_is_something(body: bytes) -> bytes:
    """Take an empty value for one that nobody knows."""
    return urlencode([(name, value or "empty") for name, value in _pairs(body)]).encode()


def _json_too(visit: Visit) -> Visit:
    """Take a JSON object for a form."""
    if media_type(visit.request) != "application/json":
        return visit
    return with_body(
        with_headers(visit, content_type=FORM), lambda body: urlencode(json.loads(body)).encode()
    )


def _bent(bend: Callable[[bytes], bytes]) -> Callable[[Visit], Visit]:
    return lambda visit: with_body(visit, bend)


def _unknown_refused(applies: Applies) -> Wrap:
    def lie(visit: Visit, form: Form, _: Handle) -> Reply | None:
        if not applies(visit, form) or set(form) <= KNOWN:
            return None
        return refuse(InvalidRequest("There is an unknown parameter."))

    return responding(lie)


def _said_otherwise(applies: Applies, error: str, instead: str) -> Wrap:
    """Give one error for another."""
    return reply_given(applies, when(refused(error), members(error=instead)))


def _in_any_client_s_name(visit: Visit, form: Form, handle: Handle) -> Reply | None:
    if visit.path != "/device_authorization" or "client_id" not in form:
        return None
    reply = handle(visit, form)
    if not refused("invalid_client")(reply) or "authorization" in visit.request.headers:
        return reply
    return handle(visit, {**form, "client_id": ANY_CLIENT})


def _scopes(keep: Callable[[str], bool], instead: str = "") -> Callable[[Visit, Form], Form]:
    """Ask for some of the scopes only, the others replaced."""

    def change(_: Visit, form: Form) -> Form:
        names = [name if keep(name) else instead for name in form["scope"].split()]
        return {**form, "scope": " ".join(names)}

    return change


def _known_scope(name: str) -> bool:
    return name == GRANTED_SCOPE or name in IGNORED_SCOPES


def _widened(visit: Visit, form: Form, handle: Handle) -> Reply | None:
    if not (refreshes(visit, form) and "scope" in form):
        return None
    reply = handle(visit, {name: value for name, value in form.items() if name != "scope"})
    return when(granted, members(scope=form["scope"]))(reply)


def _starting(applies: Applies, *, grant_type: str) -> Applies:
    return lambda visit, form: applies(visit, form) and form.get("grant_type", "").startswith(grant_type)


def _revoked_for_owner(visit: Visit, form: Form, handle: Handle) -> Reply | None:
    """Let a client that is not registered revoke."""
    if not (visit.path == "/revoke" and {"client_id", "token"} <= set(form)):
        return None
    reply = handle(visit, form)
    return handle(visit, owned(visit, form)) if refused("invalid_client")(reply) else reply


def _not_of_grant(visit: Visit, form: Form) -> bool:
    return polls(visit, form) and "device_code" in form and grant_of(visit, form) is None


READING: Final = at(
    "hear",
    (
        "device_request_by_get",
        "request.get-refused",
        "The device authorization endpoint takes GET.",
        heard_at("/device_authorization", as_post),
    ),
    (
        "token_request_by_get",
        "tokens.get-refused",
        "The token endpoint takes GET.",
        heard_at("/token", as_post),
    ),
    (
        "revocation_by_get",
        "revoke.get-refused",
        "The revocation endpoint takes GET.",
        heard_at("/revoke", as_post),
    ),
    (
        "device_request_in_json",
        "request.not-a-form-refused",
        "The device authorization endpoint takes JSON.",
        heard_at("/device_authorization", _json_too),
    ),
    (
        "revocation_in_json",
        "contract.bad-request-refused",
        "The revocation endpoint takes JSON.",
        heard_at("/revoke", _json_too),
    ),
    (
        "device_request_repeats",
        "request.repeated-parameter-refused",
        "Of a parameter that comes twice in a device authorization request the first value counts.",
        heard_at("/device_authorization", _bent(_first_of_each)),
    ),
    (
        "token_request_repeats",
        "tokens.repeated-parameter-refused",
        "Of a parameter that comes twice in a token request the first value counts.",
        heard_at("/token", _bent(_first_of_each)),
    ),
    (
        "device_request_empty_is_something",
        "request.empty-value-is-omitted",
        "An empty parameter of a device authorization request is not taken as omitted.",
        heard_at("/device_authorization", _bent(_empty_is_something)),
    ),
    (
        "token_request_empty_is_something",
        "tokens.empty-value-is-omitted",
        "An empty parameter of a token request is not taken as omitted.",
        heard_at("/token", _bent(_empty_is_something)),
    ),
)

DEVICE_REQUESTS: Final = at(
    "respond",
    (
        "device_request_unknown_parameter",
        "request.unknown-parameter-ignored",
        "A device authorization request with an unknown parameter is refused.",
        _unknown_refused(REQUEST),
    ),
    (
        "device_request_without_client",
        "request.needs-client-id",
        "A device authorization request without client_id gets codes.",
        form_seen(without_parameter(REQUEST, "client_id"), filled(client_id=ANY_CLIENT)),
    ),
    (
        "device_request_of_any_client",
        "request.unknown-client-refused",
        "A device authorization request of an unknown client gets codes.",
        responding(_in_any_client_s_name),
    ),
    (
        "register_is_unknown",
        "request.default-clients-known",
        "The client register gets no codes.",
        form_seen(
            lambda visit, form: REQUEST(visit, form) and form.get("client_id") == "register",
            filled(client_id="nobody-knows-this-client"),
        ),
    ),
    (
        "unknown_scope_dropped",
        "request.unknown-scope-refused",
        "Unknown scopes of a device authorization request are left out.",
        form_seen(with_parameter(REQUEST, "scope"), _scopes(_known_scope)),
    ),
    (
        "openid_scopes_refused",
        "request.openid-scopes-ignored",
        "offline_access is an unknown scope.",
        form_seen(
            with_parameter(REQUEST, "scope"), _scopes(lambda name: name != "offline_access", "unknown")
        ),
    ),
    (
        "device_request_errors_as_text",
        "request.errors-as-json",
        "A refused device authorization request is answered with text/plain.",
        reply_given(REQUEST, when(refused(), lambda reply: replace(reply, media_type="text/plain"))),
    ),
)

TOKEN_REQUESTS: Final = at(
    "respond",
    (
        "token_request_unknown_parameter",
        "tokens.unknown-parameter-ignored",
        "A token request with an unknown parameter is refused.",
        _unknown_refused(TOKEN),
    ),
    (
        "grant_type_missing_is_unsupported",
        "tokens.grant-type-required",
        "A token request without grant_type is answered with unsupported_grant_type.",
        _said_otherwise(without_parameter(TOKEN, "grant_type"), "invalid_request", "unsupported_grant_type"),
    ),
    (
        "unknown_urn_is_invalid_grant",
        "tokens.unknown-grant-type-refused",
        "A grant_type that is an unknown URN is answered with invalid_grant.",
        _said_otherwise(_starting(TOKEN, grant_type="urn:"), "unsupported_grant_type", "invalid_grant"),
    ),
    (
        "password_grant_is_known",
        "tokens.no-password-grant",
        "The password grant is refused as if only the password were wrong.",
        _said_otherwise(_starting(TOKEN, grant_type="password"), "unsupported_grant_type", "invalid_grant"),
    ),
    (
        "short_grant_type",
        "poll.grant-type-is-the-urn",
        "A poll may say device_code for the grant's URN.",
        form_seen(
            lambda visit, form: TOKEN(visit, form) and form.get("grant_type") == "device_code",
            filled(grant_type=DEVICE_CODE),
        ),
    ),
    (
        "missing_code_is_500",
        "poll.device-code-required",
        "A poll without a trace of device_code is answered with 500.",
        reply_given(without_parameter(polls, "device_code"), status(500)),
    ),
    (
        "unknown_code_is_404",
        "poll.unknown-code-is-invalid-grant",
        "A poll with an unknown device_code is answered with 404.",
        reply_given(_not_of_grant, when(refused("invalid_grant"), status(404))),
    ),
    (
        "poll_without_client",
        "poll.client-id-required",
        "A poll without client_id is taken for the owner's.",
        form_seen(without_parameter(polls, "client_id"), owned),
    ),
    (
        "unknown_client_polls_in_vain",
        "poll.unknown-client-is-invalid-client",
        "A poll of an unknown client is answered with invalid_grant.",
        _said_otherwise(
            lambda visit, form: (
                polls(visit, form) and "client_id" in form and "authorization" not in visit.request.headers
            ),
            "invalid_client",
            "invalid_grant",
        ),
    ),
)

REFRESH_REQUESTS: Final = at(
    "respond",
    (
        "refresh_without_token",
        "refresh.token-required",
        "A refresh without refresh_token is answered with invalid_grant.",
        _said_otherwise(without_parameter(refreshes, "refresh_token"), "invalid_request", "invalid_grant"),
    ),
    (
        "unknown_client_refreshes_in_vain",
        "refresh.unknown-client-refused",
        "A refresh of an unknown client is answered with invalid_grant.",
        _said_otherwise(with_parameter(refreshes, "client_id"), "invalid_client", "invalid_grant"),
    ),
    (
        "refresh_widens_scope",
        "refresh.never-widens-scope",
        "A refresh grants whatever scope it asks for.",
        responding(_widened),
    ),
    (
        "refresh_changes_scope",
        "refresh.keeps-scope",
        "A refresh without scope grants openid.",
        reply_given(without_parameter(refreshes, "scope"), when(granted, members(scope="openid"))),
    ),
    (
        "refresh_is_201",
        "refresh.gives-access-token",
        "A refresh is answered with 201.",
        reply_given(refreshes, when(granted, status(201))),
    ),
    (
        "redemption_is_201",
        "redeem.approved-gives-tokens",
        "A redemption is answered with 201.",
        reply_given(polls, when(granted, status(201))),
    ),
    (
        "no_refresh_token",
        "tokens.refresh-token-included",
        "The response to a redemption holds no refresh token.",
        reply_given(polls, when(granted, members(refresh_token=None))),
    ),
)

REVOCATION_REQUESTS: Final = at(
    "respond",
    (
        "revocation_without_token",
        "revoke.token-required",
        "A revocation without token is answered with 200.",
        reply_given(
            without_parameter(REVOKE, "token"), when(refused("invalid_request"), lambda _: Reply(200))
        ),
    ),
    (
        "revocation_of_any_client",
        "revoke.unknown-client-refused",
        "A client that is not registered can revoke.",
        responding(_revoked_for_owner),
    ),
)

REQUESTS: Final = (*READING, *DEVICE_REQUESTS, *TOKEN_REQUESTS, *REFRESH_REQUESTS, *REVOCATION_REQUESTS)
