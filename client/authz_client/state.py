"""What the client knows durably: one frozen record, and the only ways in which it moves from phase to phase.

Owns the phases and their transitions. It knows no request, no clock and no file.
"""

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Final

from authz_client.license_claims import LicenseToken

#: protocol.md, Defaults: a refresh token lives 90 days from its issue; the client is not told otherwise.
REFRESH_TOKEN_LIFETIME_SECONDS: Final = 90 * 86400


class Phase(Enum):
    """Where the client stands."""

    UNLICENSED = "unlicensed"
    AWAITING = "awaiting_authorization"
    LICENSED = "licensed"
    ENDED = "ended"
    REMOVED = "removed"


class Event(Enum):
    """What moves the client."""

    CODE_ISSUED = "code_issued"
    CODE_REFUSED = "code_refused"
    REDEEMED = "redeemed"
    REFRESHED = "refreshed"
    GRANT_ENDED = "grant_ended"
    REMOVED = "removed"


TRANSITIONS: Final[dict[Phase, dict[Event, Phase]]] = {
    Phase.UNLICENSED: {Event.CODE_ISSUED: Phase.AWAITING},
    Phase.AWAITING: {
        Event.CODE_ISSUED: Phase.AWAITING,
        Event.CODE_REFUSED: Phase.UNLICENSED,
        Event.REDEEMED: Phase.LICENSED,
        Event.REMOVED: Phase.REMOVED,
    },
    Phase.LICENSED: {
        Event.REFRESHED: Phase.LICENSED,
        Event.GRANT_ENDED: Phase.ENDED,
        Event.REMOVED: Phase.REMOVED,
    },
    Phase.ENDED: {Event.REMOVED: Phase.REMOVED},
    Phase.REMOVED: {Event.CODE_ISSUED: Phase.AWAITING},
}


@dataclass(frozen=True)
class Endpoints:
    """The issuer's metadata, as far as the client needs it (RFC 8414)."""

    device_authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    revocation_endpoint: str


@dataclass(frozen=True)
class Awaiting:
    """A device authorization whose answer is awaited; it survives a restart.

    Attributes:
        device_code: Secret.
        expires_at: Unix seconds.
        interval_seconds: The current one: every slow_down and every failed poll has been added for good.
        polled_at: When the last reply came, rounded up; none before the first poll.
    """

    device_code: str = field(repr=False)
    user_code: str
    verification_uri: str
    expires_at: int
    interval_seconds: int
    verification_uri_complete: str | None = None
    polled_at: int | None = None


@dataclass(frozen=True)
class HeldToken:
    """The license token in use: verified when it came.

    Attributes:
        license_token: Secret.
        claims: What it says.
        received_at: Effective time when it came.
        refresh_at: Effective time at which it is to be refreshed, jitter included.
    """

    license_token: str = field(repr=False)
    claims: LicenseToken
    received_at: int
    refresh_at: int


@dataclass(frozen=True)
class PendingToken:
    """A license token from a token response that did not verify yet, and why.

    Attributes:
        license_token: Secret.
        fault: `unverified` until the first attempt, then a `license_token.Fault`.
        received_at: Effective time when it came.
    """

    license_token: str = field(repr=False)
    fault: str
    received_at: int


@dataclass(frozen=True)
class License:
    """What a redeemed device_code has brought.

    Attributes:
        refresh_token: Secret; always the newest.
        refresh_token_issued_at: Effective time when it came.
        current: The license token in use; none while the first one is pending.
        pending: A newer one that does not verify yet.
        refreshed_at: Effective time of the last token response to a refresh; none before the first.
    """

    refresh_token: str = field(repr=False)
    refresh_token_issued_at: int
    current: HeldToken | None = None
    pending: PendingToken | None = None
    refreshed_at: int | None = None


@dataclass(frozen=True)
class Ending:
    """Why a license has ended, kept until it is removed; no token is kept with it."""

    reason: str
    ended_at: int
    description: str | None = None
    claims: LicenseToken | None = None


@dataclass(frozen=True)
class Revocation:
    """The refresh token of a removed license, kept only to tell the server; `until_at` is its expiry."""

    refresh_token: str = field(repr=False)
    until_at: int


@dataclass(frozen=True)
class Failure:
    """Why refreshing does not succeed at present, and since when."""

    reason: str
    since_at: int


@dataclass(frozen=True)
class Refusal:
    """The final answer that sent the client back to unlicensed; shown until the next acquisition."""

    reason: str
    description: str | None = None


@dataclass(frozen=True)
class State:
    """The whole record; `issuer` and `client_id` say whose it is."""

    issuer: str
    client_id: str
    phase: Phase = Phase.UNLICENSED
    endpoints: Endpoints | None = None
    keys: tuple[dict[str, Any], ...] = ()
    awaiting: Awaiting | None = None
    license: License | None = None
    ending: Ending | None = None
    refusal: Refusal | None = None
    failure: Failure | None = None
    revocations: tuple[Revocation, ...] = ()
    mark: int | None = None

    def __post_init__(self) -> None:
        """Hold each phase to exactly what belongs to it.

        Raises:
            ValueError: A part is missing, or is there in a phase that has none.
        """
        parts = {Phase.AWAITING: self.awaiting, Phase.LICENSED: self.license, Phase.ENDED: self.ending}
        if any((part is not None) != (phase is self.phase) for phase, part in parts.items()):
            raise ValueError("its parts do not fit its phase")


def code_issued(state: State, awaiting: Awaiting) -> State:
    """A device_code and user_code have been handed out."""
    return _move(state, Event.CODE_ISSUED, awaiting=awaiting)


def code_refused(state: State, refusal: Refusal) -> State:
    """A poll had a final answer, or the code expired."""
    return _move(state, Event.CODE_REFUSED, refusal=refusal)


def redeemed(state: State, granted: License) -> State:
    """The device_code became a license. The mark starts anew."""
    return _move(state, Event.REDEEMED, license=granted)


def refreshed(state: State, granted: License) -> State:
    """The license has new tokens, or a pending one has settled."""
    return _move(state, Event.REFRESHED, license=granted, mark=state.mark, failure=state.failure)


def grant_ended(state: State, ending: Ending) -> State:
    """The server answered invalid_grant: both tokens are deleted, what the license said is kept for the page."""
    held = state.license.current if state.license else None
    claims = held.claims if held else None
    return _move(state, Event.GRANT_ENDED, ending=replace(ending, claims=claims), mark=state.mark)


def removed(state: State) -> State:
    """The license goes at once, without a connection; its refresh token stays only to be revoked."""
    kept = state.revocations
    if state.license is not None:
        kept += (revocation(state.license.refresh_token, issued_at=state.license.refresh_token_issued_at),)
    return _move(state, Event.REMOVED, revocations=kept)


def revocation(refresh_token: str, *, issued_at: int) -> Revocation:
    """Keep a refresh token for as long as it can still matter."""
    return Revocation(refresh_token=refresh_token, until_at=issued_at + REFRESH_TOKEN_LIFETIME_SECONDS)


def _move(state: State, event: Event, **parts: Any) -> State:
    """Enter the phase that the table names, with nothing but the parts given; a KeyError is a bug of the caller."""
    fresh = State(issuer=state.issuer, client_id=state.client_id)
    kept = {"endpoints": state.endpoints, "keys": state.keys, "revocations": state.revocations}
    return replace(fresh, phase=TRANSITIONS[state.phase][event], **(kept | parts))
