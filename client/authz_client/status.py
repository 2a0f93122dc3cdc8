"""What the License Management page says, from the stored record and the time alone.

Owns the labels, to the letter of the user guide, and the warnings. It reads no clock and changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final

from authz_client.effective_time import Anchor, Now, effective_time, is_suspect
from authz_client.license_claims import LicenseToken
from authz_client.reasons import in_words
from authz_client.record_json import to_json
from authz_client.state import HeldToken, Phase, Refusal, State

TOKEN_WARNING_SECONDS: Final = 2 * 86400
_OFFLINE: Final = frozenset({"timeout", "network"})


class LicenseStatus(Enum):
    """protocol.md, License status."""

    UNLICENSED = "unlicensed"
    LICENSED = "licensed"
    REQUIRES_RENEWAL = "requires_renewal"
    EXPIRED_REQUIRES_RENEWAL = "expired_requires_renewal"


LABELS: Final = {
    LicenseStatus.UNLICENSED: "Unlicensed",
    LicenseStatus.LICENSED: "Licensed",
    LicenseStatus.REQUIRES_RENEWAL: "Requires Renewal",
    LicenseStatus.EXPIRED_REQUIRES_RENEWAL: "Expired Requires Renewal",
}


class TokenState(Enum):
    """The license token's own state, independent of the license's."""

    VALID = "valid"
    EXPIRING = "expiring"
    EXPIRED = "expired"


class Warn(Enum):
    """What a person should know, and mostly do something about."""

    TOKEN_EXPIRING = "token_expiring"  # noqa: S105 - a word for people
    TOKEN_EXPIRED = "token_expired"  # noqa: S105
    RENEW = "renew"
    OFFLINE = "offline"
    REFRESH_FAILING = "refresh_failing"
    TOKEN_PENDING = "token_pending"  # noqa: S105
    SUSPECT_CLOCK = "suspect_clock"
    USER_CODE_EXPIRED = "user_code_expired"
    REVOCATION_PENDING = "revocation_pending"
    STATE_TROUBLE = "state_trouble"


@dataclass(frozen=True)
class Notice:
    """One warning: a kind for programs, a text for people."""

    kind: Warn
    text: str


@dataclass(frozen=True)
class UserCode:
    """What a person needs to authorize the device; the device_code is not part of it."""

    user_code: str
    verification_uri: str
    verification_uri_complete: str | None
    expires_at: int
    is_expired: bool


@dataclass(frozen=True)
class PageStatus:
    """The page's content. Instants are Unix seconds; `rows` gives them as text."""

    phase: Phase
    license_status: LicenseStatus
    effective_time: int
    reason: str | None = None
    description: str | None = None
    server_id: str | None = None
    server_name: str | None = None
    edition: str | None = None
    organization_id: str | None = None
    organization_name: str | None = None
    features: tuple[str, ...] = ()
    hub_server_id: str | None = None
    hub_server_name: str | None = None
    hub_server_url: str | None = None
    renewal_at: int | None = None
    renewal_due_from: int | None = None
    token_expires_at: int | None = None
    token_state: TokenState | None = None
    token_pending_reason: str | None = None
    user_code: UserCode | None = None
    refusal: Refusal | None = None
    is_clock_suspect: bool = False
    warnings: tuple[Notice, ...] = ()

    @property
    def label(self) -> str:
        """The text of License Status."""
        return LABELS[self.license_status]

    def rows(self) -> tuple[tuple[str, str], ...]:
        """Give the license details as the user guide labels them, in its order; what is absent is empty."""
        status = f"{self.label} ({self.reason})" if self.reason else self.label
        return (
            ("License Status", status),
            ("Server ID", self.server_id or ""),
            ("License Renewal Date", shown_instant(self.renewal_at)),
            ("Features", ", ".join(self.features)),
            ("Hub Server Name", self.hub_server_name or ""),
            ("Hub Server URL", self.hub_server_url or ""),
            ("Token Expiry", shown_instant(self.token_expires_at)),
        )

    def to_json(self) -> dict[str, Any]:
        """Give the status as JSON values, members without a value left out, with the label beside the status."""
        return {**to_json(self), "label": self.label}


def page_status(
    stored: State,
    *,
    now: Now,
    anchor: Anchor | None,
    token_warning_seconds: int = TOKEN_WARNING_SECONDS,
    troubles: Sequence[str] = (),
) -> PageStatus:
    """Compute what the page says.

    Args:
        stored: The durable record.
        now: Both clocks.
        anchor: The mark as this process holds it.
        token_warning_seconds: A license token with less than this left is `expiring`.
        troubles: What the keeper of the state file has to say.
    """
    effective = effective_time(now, anchor)
    held = stored.license.current if stored.license else None
    claims = held.claims if held else stored.ending.claims if stored.ending else None
    status, reason = _license_status(stored, claims, effective)
    token_state = _token_state(held, effective, token_warning_seconds)
    pending = stored.license.pending if stored.license else None
    return PageStatus(
        phase=stored.phase,
        license_status=status,
        effective_time=effective,
        reason=reason,
        description=stored.ending.description if stored.ending else None,
        **_details(claims),
        token_expires_at=held.claims.exp if held else None,
        token_state=token_state,
        token_pending_reason=pending.fault if pending else None,
        user_code=_user_code(stored, effective),
        refusal=stored.refusal,
        is_clock_suspect=is_suspect(now, anchor),
        warnings=(
            *_token_warnings(held, token_state, effective),
            *_state_warnings(stored, effective),
            *(
                (Notice(Warn.SUSPECT_CLOCK, "The clock of this server is behind: set it."),)
                * is_suspect(now, anchor)
            ),
            *(Notice(Warn.STATE_TROUBLE, text) for text in troubles),
        ),
    )


def presentable(stored: State, *, now: Now, anchor: Anchor | None) -> str | None:
    """Give the license token to present to a peer: the one in use, while it is valid; an expired one goes to nobody."""
    held = stored.license.current if stored.license else None
    if held is None or not held.claims.nbf <= effective_time(now, anchor) < held.claims.exp:
        return None
    return held.license_token


def shown_instant(instant: int | None) -> str:
    """Show an instant in UTC, to the second; nothing for none."""
    return (
        "" if instant is None else datetime.fromtimestamp(instant, tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    )


def _license_status(
    stored: State, claims: LicenseToken | None, effective: int
) -> tuple[LicenseStatus, str | None]:
    if stored.ending is not None:
        return LicenseStatus.EXPIRED_REQUIRES_RENEWAL, stored.ending.reason
    if stored.license is None:
        return LicenseStatus.UNLICENSED, None
    if claims is None or claims.renewal_at is None or claims.renewal_due_from is None:
        return LicenseStatus.LICENSED, None
    if effective >= claims.renewal_at:
        return LicenseStatus.EXPIRED_REQUIRES_RENEWAL, "license_expired"
    if effective >= claims.renewal_due_from:
        return LicenseStatus.REQUIRES_RENEWAL, None
    return LicenseStatus.LICENSED, None


def _token_state(held: HeldToken | None, effective: int, warning_seconds: int) -> TokenState | None:
    if held is None:
        return None
    left = held.claims.exp - effective
    if left <= 0:
        return TokenState.EXPIRED
    return TokenState.EXPIRING if left < warning_seconds else TokenState.VALID


def _details(claims: LicenseToken | None) -> dict[str, Any]:
    if claims is None:
        return {}
    return {
        "server_id": claims.server_id,
        "server_name": claims.server_name,
        "edition": claims.edition,
        "organization_id": claims.organization.id,
        "organization_name": claims.organization.name,
        "features": claims.features,
        "hub_server_id": claims.hub.server_id if claims.hub else None,
        "hub_server_name": claims.hub.name if claims.hub else None,
        "hub_server_url": claims.hub.url if claims.hub else None,
        "renewal_at": claims.renewal_at,
        "renewal_due_from": claims.renewal_due_from,
    }


def _user_code(stored: State, effective: int) -> UserCode | None:
    awaiting = stored.awaiting
    if awaiting is None:
        return None
    return UserCode(
        user_code=awaiting.user_code,
        verification_uri=awaiting.verification_uri,
        verification_uri_complete=awaiting.verification_uri_complete,
        expires_at=awaiting.expires_at,
        is_expired=effective >= awaiting.expires_at,
    )


def _token_warnings(
    held: HeldToken | None, token_state: TokenState | None, effective: int
) -> tuple[Notice, ...]:
    if held is None or token_state is TokenState.VALID:
        return ()
    claims = held.claims
    if claims.ends_at_renewal:
        # Only a renewal brings a later token expiry: to reconnect would not help.
        text = (
            "The license renewal date has passed: remove the license and acquire it again."
            if effective >= claims.exp
            else "Renew the license at the Authorization server: the license token cannot outlive the renewal date."
        )
        return (Notice(Warn.RENEW, text),)
    if token_state is TokenState.EXPIRED:
        return (
            Notice(Warn.TOKEN_EXPIRED, "The license token has expired: connect this server to the internet."),
        )
    text = f"The license token expires at {shown_instant(claims.exp)}: connect this server to the internet."
    return (Notice(Warn.TOKEN_EXPIRING, text),)


def _state_warnings(stored: State, effective: int) -> tuple[Notice, ...]:
    found = []
    if stored.failure is not None:
        since = shown_instant(stored.failure.since_at)
        kind = Warn.OFFLINE if stored.failure.reason in _OFFLINE else Warn.REFRESH_FAILING
        found.append(
            Notice(kind, f"No fresh license token since {since}: {in_words(stored.failure.reason)}.")
        )
    if stored.license is not None and stored.license.pending is not None:
        text = f"A fresh license token could not be verified yet: {in_words(stored.license.pending.fault)}."
        found.append(Notice(Warn.TOKEN_PENDING, text))
    if stored.awaiting is not None and effective >= stored.awaiting.expires_at:
        found.append(Notice(Warn.USER_CODE_EXPIRED, "The user code has expired: choose Next for another."))
    if stored.revocations:
        text = "The Authorization server has not been told yet that the license was removed here."
        found.append(Notice(Warn.REVOCATION_PENDING, text))
    return tuple(found)
