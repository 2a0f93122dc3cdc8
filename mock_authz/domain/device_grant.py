"""One device_code and its user_code, from issue to redemption (RFC 8628).

Owns the transition table and the order of answers to a poll. Knows nothing of licenses, tokens or storage.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from mock_authz.domain.refusals import (
    AccessDenied,
    AuthorizationPending,
    ExpiredToken,
    InvalidGrant,
    Refusal,
    SlowDown,
)

# RFC 8628 3.5: slow_down adds 5 seconds to this and all later intervals.
SLOW_DOWN_SECONDS: Final = 5


class State(StrEnum):
    """Where a device grant stands. Expiry is not a state: it is computed from `expires_at`."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    REDEEMED = "redeemed"


class Step(StrEnum):
    """What can happen to a device grant."""

    APPROVE = "approve"
    DENY = "deny"
    REDEEM = "redeem"
    WITHDRAW = "withdraw"


TRANSITIONS: Final[dict[State, dict[Step, State]]] = {
    State.PENDING: {Step.APPROVE: State.APPROVED, Step.DENY: State.DENIED},
    State.APPROVED: {Step.REDEEM: State.REDEEMED, Step.WITHDRAW: State.DENIED},
    State.DENIED: {},
    State.REDEEMED: {},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceGrant:
    """One answer of the device authorization endpoint, and all that came of it.

    Attributes:
        grant_id: the record's id; the device_code is derived from it and never stored.
        user_code: in normal form, 8 letters.
        issued_at: Unix seconds, as is every `_at`.
        interval: seconds between polls, grown by each slow_down.
        polled_at: the previous valid poll by the owner, None before the first.
        polls: how many valid polls the owner made while it was undecided.
        server_id: the device that it was approved for.
        administrator: who approved or denied it.
    """

    grant_id: str
    client_id: str
    scope: str
    user_code: str
    issued_at: int
    expires_at: int
    interval: int
    state: State = State.PENDING
    polled_at: int | None = None
    polls: int = 0
    server_id: str | None = None
    administrator: str | None = None
    approved_at: int | None = None


@dataclass(frozen=True, slots=True)
class Redeem:
    """The answer to a poll of an approved code: it may be redeemed now."""


def step(grant: DeviceGrant, taken: Step) -> DeviceGrant | None:
    """Take one step of the table; None where the table has no such step."""
    state = TRANSITIONS[grant.state].get(taken)
    return None if state is None else replace(grant, state=state)


def poll(grant: DeviceGrant, *, client_id: str, now: int) -> tuple[DeviceGrant, Redeem | Refusal]:
    """Decide the answer to one token request with this grant's device_code.

    Args:
        client_id: the authenticated client that polls.
        now: Unix seconds on the sandbox's clock.

    Returns:
        The grant after the poll, and `Redeem` if it is approved, or, in this order: `InvalidGrant` if the code is
        another client's or redeemed, `ExpiredToken` if `now >= expires_at`, `AccessDenied`, `SlowDown` if less than
        `interval` seconds have passed since the previous poll, `AuthorizationPending`.

    Spec: RFC 8628 3.5; protocol.md, "The device grant", order of answers.
    """
    # A foreign poll changes nothing: the code stays usable by its owner.
    if grant.client_id != client_id:
        return grant, InvalidGrant("This device_code was not issued to this client.")
    # RFC 6749 4.1.2 by analogy: a code works once. Deviation: a second use revokes nothing.
    if grant.state is State.REDEEMED:
        return grant, InvalidGrant("This device_code has been redeemed.")
    if now >= grant.expires_at:
        return grant, ExpiredToken("This device_code has expired. Start again.")
    if grant.state is State.DENIED:
        return grant, AccessDenied("The authorization was denied.")
    # An approved code is never throttled.
    if grant.state is State.APPROVED:
        return grant, Redeem()
    polled = replace(grant, polled_at=now, polls=grant.polls + 1)
    # Early is 0 <= elapsed < interval: the first poll never is, nor one after the clock was moved back.
    if grant.polled_at is not None and 0 <= now - grant.polled_at < grant.interval:
        slower = replace(polled, interval=grant.interval + SLOW_DOWN_SECONDS)
        return slower, SlowDown(f"Wait {slower.interval} seconds between polls.")
    return polled, AuthorizationPending("The administrator has not entered the user code yet.")


def is_open(grant: DeviceGrant, *, now: int) -> bool:
    """Say whether the user code can be approved or denied: pending and not expired."""
    return grant.state is State.PENDING and now < grant.expires_at


def approve(grant: DeviceGrant, *, server_id: str, administrator: str, now: int) -> DeviceGrant | Refusal:
    """Approve the user code for one device. Touches no license.

    Returns:
        The approved grant, or `ExpiredToken` or `AccessDenied` if it is not pending and unexpired.

    Spec: RFC 8628 3.3.
    """
    if (refusal := closed(grant, now=now)) is not None:
        return refusal
    return replace(
        grant, state=State.APPROVED, server_id=server_id, administrator=administrator, approved_at=now
    )


def deny(grant: DeviceGrant, *, administrator: str, now: int) -> DeviceGrant | Refusal:
    """Deny the user code for good. Returns as `approve` does. Spec: RFC 8628 3.3."""
    if (refusal := closed(grant, now=now)) is not None:
        return refusal
    return replace(grant, state=State.DENIED, administrator=administrator)


def closed(grant: DeviceGrant, *, now: int) -> Refusal | None:
    """Say why the user code can no longer be approved or denied; None while it is open."""
    if now >= grant.expires_at:
        return ExpiredToken("This user code has expired.", reason="user_code_expired")
    if grant.state is not State.PENDING:
        return AccessDenied(f"This user code is already {grant.state}.", reason="user_code_not_pending")
    return None
