"""Quirks of refused refreshes: which reason is given, and whose refresh tokens are taken for whose."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from mock_authz.domain import license as licenses
from mock_authz.domain.license import Ending
from mock_authz.oauth.reply import Reply
from mock_authz.quirks.bending import (
    REFRESH,
    Applies,
    Form,
    Handle,
    form_seen,
    generation_of,
    granted,
    is_foreign,
    license_of,
    members,
    owned,
    polls,
    refreshes,
    refused,
    rendered,
    reply_given,
    responding,
    when,
)
from mock_authz.quirks.quirk import Wrap, at
from mock_authz.usecases.keep import revoke
from mock_authz.web.visit import Visit

NAMES: Final = ("refresh_token", "token")


def _reason(given: str, instead: str) -> Wrap:
    return rendered(REFRESH, when(refused("invalid_grant", reason=given), members(reason=instead)))


def _refreshing(applies: Applies) -> Applies:
    return lambda visit, form: refreshes(visit, form) and "refresh_token" in form and applies(visit, form)


def _is_unknown(visit: Visit, form: Form) -> bool:
    return generation_of(visit, form) is None


def _is_unexpired(visit: Visit, form: Form) -> bool:
    license_ = license_of(visit, form)
    return license_ is not None and visit.context.now < license_.refresh_tokens.expires_at


def _is_newest(visit: Visit, form: Form) -> bool:
    license_ = license_of(visit, form)
    newest = None if license_ is None else license_.refresh_tokens.generation
    return generation_of(visit, form) == newest and _is_unexpired(visit, form)


def _ending_with(visit: Visit, form: Form, handle: Handle) -> Reply | None:
    """End the license whose refresh token another client presents."""
    license_ = license_of(visit, form) if _refreshing(is_foreign)(visit, form) else None
    if license_ is None:
        return None
    reply = handle(visit, form)
    revoke(visit.context, client_id=license_.client_id, presented=form["refresh_token"])
    return reply


def _dated_as_first(visit: Visit, form: Form, handle: Handle) -> Reply | None:
    """Answer a retry at the time of the predecessor's first use."""
    license_ = license_of(visit, form) if _refreshing(lambda *_: True)(visit, form) else None
    tokens = None if license_ is None else license_.refresh_tokens
    if tokens is None or tokens.retry_until is None or generation_of(visit, form) != tokens.generation - 1:
        return None
    first_use_at = tokens.retry_until - visit.context.settings.refresh_retry_window_seconds
    if not first_use_at <= visit.context.now < tokens.retry_until:
        return None
    return handle(replace(visit, context=replace(visit.context, now=first_use_at)), form)


def _short_refresh_token(visit: Visit, form: Form, handle: Handle) -> Reply | None:
    """Spell refresh tokens without their secret, and read them so."""
    read = dict(form)
    for name in NAMES:
        record_id, _, generation = form.get(name, "").partition(".")
        if generation.isdecimal():
            read[name] = visit.context.entropy.credential("refresh_token", record_id, int(generation))
    reply = handle(visit, read)
    if not (polls(visit, form) or refreshes(visit, form)):
        return reply
    return when(granted, members(refresh_token=lambda token: token and token.rpartition(".")[0]))(reply)


REASONS: Final = (
    *at(
        "render",
        (
            "refusal_without_words",
            "reason.for-people",
            "A refused refresh has no error_description.",
            rendered(REFRESH, when(refused("invalid_grant"), members(error_description=None))),
        ),
        (
            "revoked_is_superseded",
            "reason.revoked",
            "The reason of a revoked license is license_superseded.",
            _reason(Ending.REVOKED, Ending.SUPERSEDED),
        ),
        (
            "superseded_is_revoked",
            "reason.superseded",
            "The reason of a superseded license is license_revoked.",
            _reason(Ending.SUPERSEDED, Ending.REVOKED),
        ),
        (
            "disabled_is_revoked",
            "reason.device-disabled",
            "The reason of a disabled device's license is license_revoked.",
            _reason(Ending.DEVICE_DISABLED, Ending.REVOKED),
        ),
        (
            "token_expiry_is_lapse",
            "reason.refresh-token-expired",
            "The reason of an expired refresh token is license_expired.",
            _reason(licenses.REFRESH_TOKEN_EXPIRED, licenses.LAPSED),
        ),
    ),
    *at(
        "respond",
        (
            "reused_is_revoked",
            "reason.reused",
            "The reason of reuse is license_revoked, until the license's refresh tokens expire.",
            reply_given(
                _refreshing(_is_unexpired),
                when(
                    refused("invalid_grant", reason=Ending.REFRESH_TOKEN_REUSED),
                    members(reason=Ending.REVOKED),
                ),
            ),
        ),
        (
            "lapse_is_revoked",
            "reason.license-expired",
            "The reason of a lapse is license_revoked, where the newest refresh token is presented in its time.",
            reply_given(
                _refreshing(_is_newest),
                when(refused("invalid_grant", reason=licenses.LAPSED), members(reason=Ending.REVOKED)),
            ),
        ),
        (
            "unknown_token_without_reason",
            "reason.unknown",
            "The refusal of an unknown refresh token has no reason.",
            reply_given(_refreshing(_is_unknown), when(refused("invalid_grant"), members(reason=None))),
        ),
        (
            "unknown_token_is_invalid_request",
            "refresh.unknown-token-refused",
            "An unknown refresh token is answered with invalid_request.",
            reply_given(
                _refreshing(_is_unknown), when(refused("invalid_grant"), members(error="invalid_request"))
            ),
        ),
        (
            "foreign_token_is_named",
            "reason.foreign-is-unknown",
            "The refusal of another client's refresh token has the reason refresh_token_foreign.",
            reply_given(
                _refreshing(is_foreign),
                when(refused("invalid_grant"), members(reason="refresh_token_foreign")),
            ),
        ),
        (
            "foreign_token_is_invalid_client",
            "refresh.bound-to-client",
            "Another client's refresh token is answered with invalid_client.",
            reply_given(
                _refreshing(is_foreign), when(refused("invalid_grant"), members(error="invalid_client"))
            ),
        ),
        (
            "another_client_refreshes",
            "refresh.bound-to-client reason.foreign-is-unknown",
            "Another client can refresh.",
            form_seen(_refreshing(is_foreign), owned),
        ),
        (
            "foreign_refresh_ends_license",
            "refresh.foreign-changes-nothing",
            "A refresh token that another client presents is refused, and its license ends.",
            responding(_ending_with),
        ),
        (
            "retry_repeats_first_answer",
            "refresh.retry-mints-anew",
            "A retry gets a license token of the time of the first answer.",
            responding(_dated_as_first),
        ),
        (
            "refresh_token_of_64_bits",
            "refresh.token-unguessable",
            "Refresh tokens are spelled without their secret.",
            responding(_short_refresh_token),
        ),
    ),
)
