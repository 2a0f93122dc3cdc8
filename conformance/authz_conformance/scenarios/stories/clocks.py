"""Stories about a server's clock that goes back: what is computed comes undone, what was stored stays."""

from __future__ import annotations

from authz_conformance.catalogue import Capability
from authz_conformance.scenarios.dsl import (
    Acquire,
    Approve,
    Expect,
    Held,
    MoveClockBack,
    Next,
    Remove,
    Scenario,
)
from authz_conformance.scenarios.lifetimes import Lifetime, of, seconds
from authz_conformance.scenarios.stories.words import (
    DATED,
    ON_WIRE,
    PROVISIONED,
    after,
    back_to,
    granted,
    polled,
    refused,
    until,
)

_BACK = (*ON_WIRE, Capability.MOVE_CLOCK_BACK)
_BACK_PROVISIONED = (*PROVISIONED, Capability.MOVE_CLOCK_BACK)

CLOCKS: tuple[Scenario, ...] = (
    Scenario(
        id="back-before-the-lapse",
        title="A lapse is computed: before the renewal date again, the license is live",
        needs=_BACK_PROVISIONED,
        rules=("clock.back-unlapses", "renew.lapsed-is-refused"),
        parts=DATED,
        steps=(
            Acquire(),
            until("renewal_at"),
            *refused("license_expired"),
            back_to("renewal_at-2s"),  # a second before it another rule is sampled
            *granted(same=False),
        ),
    ),
    Scenario(
        id="back-before-the-lapse-with-a-rotated-token",
        title="A rotated refresh token refused as lapsed has not ended the license",
        needs=_BACK_PROVISIONED,
        rules=("reason.lapse-before-reuse", "clock.back-unlapses"),
        parts=DATED,
        steps=(
            Acquire(),
            *granted(same=False),
            *granted(same=False),
            until("renewal_at+1s"),
            *refused("license_expired", using=Held.FIRST),
            back_to("renewal_at-2s"),  # a second before it another rule is sampled
            *granted(same=False),
        ),
    ),
    Scenario(
        id="back-before-the-expiry-of-codes",
        title="Codes that have expired are pending again before their expiry",
        needs=_BACK,
        rules=("clock.back-unexpires", "redeem.approved-gives-tokens"),
        steps=(
            Next(),
            *polled("authorization_pending"),
            until("code_expires_at"),
            *polled("expired_token"),
            back_to("code_expires_at-1s"),
            *polled("authorization_pending", otherwise="clock.back-unexpires"),
            Approve(),
            Expect(answer="done"),
            *polled("tokens"),
        ),
    ),
    Scenario(
        id="back-before-the-previous-poll",
        title="A poll that lies before the previous one is not early",
        needs=_BACK,
        rules=("clock.back-poll-is-not-early",),
        steps=(
            Next(),
            after(of(Lifetime.INTERVAL)),
            *polled("authorization_pending"),
            MoveClockBack(by=seconds(1)),
            *polled("authorization_pending"),
        ),
    ),
    Scenario(
        id="back-before-the-first-use",
        title="Before the first use of a predecessor its retry window is open",
        needs=_BACK,
        rules=("clock.back-retry-window-is-open", "refresh.retry-gets-same-successor"),
        steps=(
            Acquire(),
            after(of(Lifetime.RETRY, times=2)),
            *granted(same=False),
            MoveClockBack(by=of(Lifetime.RETRY)),
            *granted(Held.PREVIOUS, same=True),
            after(of(Lifetime.RETRY, times=2, seconds=-2)),  # a window that a retry moved is closed by now
            *granted(Held.PREVIOUS, same=True),
            after(seconds(1)),
            *granted(Held.PREVIOUS, same=True),
            after(seconds(1)),
            *refused("refresh_token_reused", using=Held.PREVIOUS),
        ),
    ),
    Scenario(
        id="back-before-an-ending",
        title="An ending is stored: it stays, with its reason, before the instant at which it came",
        needs=(*_BACK, Capability.REVOCATION),
        rules=("clock.back-keeps-endings", "reason.revoked"),
        steps=(
            Acquire(),
            after(of(Lifetime.LICENSE)),
            Remove(),
            Expect(answer="done"),
            *refused("license_revoked"),
            MoveClockBack(by=of(Lifetime.LICENSE)),
            *refused("license_revoked"),
        ),
    ),
    Scenario(
        id="back-before-the-redemption",
        title="A redeemed code stays redeemed, and the refresh token in force stays in force",
        needs=_BACK,
        rules=("clock.back-keeps-data", "redeem.once", "redeem.replay-revokes-nothing"),
        steps=(
            Next(),
            after(of(Lifetime.CODE, per=2)),
            Approve(),
            *polled("tokens"),
            *polled("invalid_grant"),
            *granted(same=False, otherwise="redeem.replay-revokes-nothing"),
            MoveClockBack(by=of(Lifetime.CODE, per=2)),
            *polled("invalid_grant", otherwise="clock.back-keeps-data"),
            *granted(same=False, otherwise="clock.back-keeps-data"),
        ),
    ),
)
