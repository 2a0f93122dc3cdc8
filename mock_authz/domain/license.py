"""The license: issue, renew, end, lapse, status, and what a refresh of it is answered.

Owns: the precedence of endings and the order of refusals. Knows nothing of signatures, storage or HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from mock_authz.domain import refresh_token
from mock_authz.domain.refresh_token import RefreshTokens, Use
from mock_authz.domain.refusals import Conflict, InvalidGrant, InvalidToken, Refusal

if TYPE_CHECKING:
    from mock_authz.domain.organization import Device


class Ending(StrEnum):
    """Why a license ended. The first is stored, final, and its reason ever after; spelled as on the wire."""

    REVOKED = "license_revoked"
    SUPERSEDED = "license_superseded"
    DEVICE_DISABLED = "device_disabled"
    REFRESH_TOKEN_REUSED = "refresh_token_reused"  # noqa: S105 - the wire's reason, not a password


LAPSED: Final = "license_expired"
UNKNOWN: Final = "refresh_token_unknown"
REFRESH_TOKEN_EXPIRED: Final = "refresh_token_expired"  # noqa: S105 - likewise
LICENSE_TOKEN_EXPIRED: Final = "license_token_expired"  # noqa: S105 - likewise

DESCRIPTIONS: Final[dict[str, str]] = {
    Ending.REVOKED: "The license was revoked at the Authorization server.",
    Ending.SUPERSEDED: "The device was licensed again, which ended this license.",
    Ending.DEVICE_DISABLED: "The device was disabled or deleted at the Authorization server.",
    Ending.REFRESH_TOKEN_REUSED: "A refresh token was used again after its successor; the license was ended for safety.",
    LAPSED: "The license was not renewed by its renewal date. Remove it and acquire it again.",
    UNKNOWN: "This refresh token is not known.",
    REFRESH_TOKEN_EXPIRED: "The refresh token has expired. Remove the license and acquire it again.",
    LICENSE_TOKEN_EXPIRED: "The license token has expired. Refresh it.",
}


class LicenseStatus(StrEnum):
    """The status of a device's license, spelled as on the wire."""

    UNLICENSED = "unlicensed"
    LICENSED = "licensed"
    REQUIRES_RENEWAL = "requires_renewal"
    EXPIRED_REQUIRES_RENEWAL = "expired_requires_renewal"


class TokenState(StrEnum):
    """The state of a license token, independent of the license's status."""

    VALID = "valid"
    EXPIRING = "expiring"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class License:
    """What a redeemed device_code creates.

    Attributes:
        license_id: the record's id; refresh tokens and the `jti` of license tokens are derived from it.
        renewal_at: its renewal date, Unix seconds, or None. Never the same thing as a token's expiry.
        renewal_due_from: `renewal_at` less the renewal window that held when the date was set.
        renewal_set_at: when it was given its renewal date, or none: at its issue or by its last renewal.
        refresh_tokens: which refresh tokens are good.
        tokens_minted: how many license tokens were minted for it.
        token_expires_at: the `exp` of the last one.
        ending: the first ending, or None while it has not ended. A lapse is not an ending: it is computed.
    """

    license_id: str
    server_id: str
    organization_id: str
    client_id: str
    scope: str
    issued_at: int
    renewal_at: int | None
    renewal_due_from: int | None
    renewal_set_at: int
    refresh_tokens: RefreshTokens
    tokens_minted: int
    token_expires_at: int
    ending: Ending | None = None
    ended_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """The settings that a license is issued and kept under, in seconds."""

    license_token_seconds: int
    refresh_token_seconds: int
    renewal_window_seconds: int
    refresh_retry_window_seconds: int


@dataclass(frozen=True, slots=True)
class Refreshed:
    """A refresh was granted; `retried` if the predecessor was presented again and the successor stays the same."""

    retried: bool


def issue(
    device: Device, *, license_id: str, client_id: str, scope: str, lifetimes: Lifetimes, now: int
) -> License:
    """Issue a license to a device: it copies the device's renewal date, and its first license token is due."""
    return License(
        license_id=license_id,
        server_id=device.server_id,
        organization_id=device.organization_id,
        client_id=client_id,
        scope=scope,
        issued_at=now,
        renewal_at=device.renewal_at,
        renewal_due_from=renewal_due_from(device.renewal_at, lifetimes=lifetimes),
        renewal_set_at=now,
        refresh_tokens=RefreshTokens(generation=0, expires_at=now + lifetimes.refresh_token_seconds),
        tokens_minted=1,
        token_expires_at=token_expiry(device.renewal_at, lifetimes=lifetimes, now=now),
    )


def renewal_due_from(renewal_at: int | None, *, lifetimes: Lifetimes) -> int | None:
    """Say from when on a license with this renewal date requires renewal."""
    return None if renewal_at is None else renewal_at - lifetimes.renewal_window_seconds


def token_expiry(renewal_at: int | None, *, lifetimes: Lifetimes, now: int) -> int:
    """Say when a license token minted now expires: after its lifetime, but not after the renewal date."""
    expires_at = now + lifetimes.license_token_seconds
    return expires_at if renewal_at is None else min(expires_at, renewal_at)


def has_lapsed(license_: License, *, now: int) -> bool:
    """Say whether the renewal date has come. It follows from the record and `now` alone."""
    return license_.renewal_at is not None and now >= license_.renewal_at


def is_live(license_: License, *, now: int) -> bool:
    """Say whether the license has neither ended nor lapsed."""
    return license_.ending is None and not has_lapsed(license_, now=now)


def status(license_: License | None, *, now: int) -> LicenseStatus:
    """Compute the status. Spec: protocol.md, "License status"."""
    if license_ is None:
        return LicenseStatus.UNLICENSED
    if not is_live(license_, now=now):
        return LicenseStatus.EXPIRED_REQUIRES_RENEWAL
    if license_.renewal_due_from is not None and now >= license_.renewal_due_from:
        return LicenseStatus.REQUIRES_RENEWAL
    return LicenseStatus.LICENSED


def reason(license_: License, *, now: int) -> str | None:
    """Say why a license is no longer good: its stored ending before its lapse; None while it is good."""
    if license_.ending is not None:
        return license_.ending
    return LAPSED if has_lapsed(license_, now=now) else None


def token_state(expires_at: int, *, warning_seconds: int, now: int) -> TokenState:
    """Compute the state of a license token from its `exp`: expiring with less than the warning left."""
    if now >= expires_at:
        return TokenState.EXPIRED
    return TokenState.EXPIRING if expires_at - now < warning_seconds else TokenState.VALID


def end(license_: License, *, ending: Ending, now: int) -> License:
    """End a license. The first ending stays: one that has ended is returned as it is."""
    return license_ if license_.ending is not None else replace(license_, ending=ending, ended_at=now)


def renew(license_: License, *, renewal_at: int | None, lifetimes: Lifetimes, now: int) -> License | Conflict:
    """Move a live license's renewal date to any later instant, or to none.

    Tokens already issued keep their `exp`; the next refresh carries the new date. A license that has ended or lapsed
    is returned as it is: the date is for the device's next license only.

    Returns:
        The license, or a `Conflict` with reason `renewal_not_later`.
    """
    if not is_live(license_, now=now):
        return license_
    if renewal_at is not None and license_.renewal_at is not None and renewal_at <= license_.renewal_at:
        return Conflict(
            "A renewal moves the date to a later instant, or removes it.", reason="renewal_not_later"
        )
    due_from = renewal_due_from(renewal_at, lifetimes=lifetimes)
    return replace(license_, renewal_at=renewal_at, renewal_due_from=due_from, renewal_set_at=now)


def refresh(
    license_: License, *, generation: int, lifetimes: Lifetimes, now: int
) -> tuple[License, Refreshed | InvalidGrant]:
    """Decide the answer to one refresh.

    Args:
        generation: which of the license's refresh tokens was presented.

    Returns:
        The license after the refresh, and `Refreshed`, or `InvalidGrant` with the first reason that holds of:
        `refresh_token_unknown` for one that this license has not come to yet (its record was restored), the stored ending, `license_expired`, `refresh_token_reused`, `refresh_token_expired`. Reuse ends the license.

    Spec: protocol.md, "Refresh, renewal, endings"; RFC 6749 6; RFC 9700 4.14.2.
    """
    if generation > license_.refresh_tokens.generation:
        return license_, refused(UNKNOWN)
    if (why := reason(license_, now=now)) is not None:
        return license_, refused(why)
    used = refresh_token.use(license_.refresh_tokens, generation=generation, now=now)
    if used is Use.REUSE:
        ended = end(license_, ending=Ending.REFRESH_TOKEN_REUSED, now=now)
        return ended, refused(Ending.REFRESH_TOKEN_REUSED)
    if used is Use.EXPIRED:
        return license_, refused(REFRESH_TOKEN_EXPIRED)
    tokens = license_.refresh_tokens
    if used is Use.ROTATE:
        tokens = refresh_token.rotate(
            tokens,
            now=now,
            lifetime_seconds=lifetimes.refresh_token_seconds,
            retry_window_seconds=lifetimes.refresh_retry_window_seconds,
        )
    minted = replace(
        license_,
        refresh_tokens=tokens,
        tokens_minted=license_.tokens_minted + 1,
        token_expires_at=token_expiry(license_.renewal_at, lifetimes=lifetimes, now=now),
    )
    return minted, Refreshed(retried=used is Use.RETRY)


def check_bearer(license_: License, *, expires_at: int, now: int) -> InvalidToken | None:
    """Decide whether a license token is live at the Authorization server: no leeway here (protocol.md).

    Args:
        expires_at: the `exp` of the token that was presented, whose signature has been verified.
    """
    why = reason(license_, now=now)
    if why is None and now >= expires_at:
        why = LICENSE_TOKEN_EXPIRED
    return None if why is None else InvalidToken(DESCRIPTIONS[why], reason=why)


def refused(why: str) -> InvalidGrant:
    """Name the reason of a refused refresh, in words for people too."""
    return InvalidGrant(DESCRIPTIONS[why], reason=why)


def check_renewal_date(renewal_at: int | None, *, now: int) -> Refusal | None:
    """Refuse a renewal date that has come already: no license could be issued or kept under it."""
    if renewal_at is not None and renewal_at <= now:
        return Conflict("The renewal date must lie in the future.", reason="renewal_date_passed")
    return None
