"""Stories about codes: how fast they may be polled, and how they end."""

from __future__ import annotations

from authz_conformance.catalogue import Capability
from authz_conformance.scenarios.dsl import (
    Advance,
    Approve,
    Deny,
    Expect,
    Held,
    LoseReply,
    Next,
    Poll,
    Scenario,
    Step,
)
from authz_conformance.scenarios.lifetimes import Lifetime, of, seconds
from authz_conformance.scenarios.stories.words import ON_WIRE, after, granted, polled, refused, until

_CLOCK = (Capability.ADVANCE_CLOCK,)
_DECIDED = (Capability.APPROVE, Capability.DENY, Capability.ADVANCE_CLOCK)
_EXPIRED = until("code_expires_at")


def _bound(before: tuple[Step, ...], at: tuple[Step, ...]) -> tuple[Step, ...]:
    """Sample the expiry of the codes in threes."""
    return (
        until("code_expires_at-1s"),
        *before,
        _EXPIRED,
        *at,
        until("code_expires_at+1s"),
        *at,
    )


CODES: tuple[Scenario, ...] = (
    Scenario(
        id="slow-down-accounting",
        title="Each early poll costs 5 s more, for good; who then waits gets through",
        needs=_CLOCK,
        rules=(
            "poll.first-is-never-early",
            "poll.early-is-slow-down",
            "poll.throttled-poll-is-the-previous",
            "poll.slow-down-adds-5",
            "poll.each-slow-down-adds",
            "poll.slow-down-is-for-good",
            "poll.interval-kept-is-not-early",
        ),
        steps=(
            Next(),
            *polled("authorization_pending"),
            until("next_poll_at-1s"),
            *polled("slow_down"),
            until("next_poll_at-1s"),
            *polled("slow_down"),
            until("next_poll_at"),
            *polled("authorization_pending"),
            until("next_poll_at-1s"),
            *polled("slow_down"),
            until("next_poll_at+1s"),
            *polled("authorization_pending"),
            until("next_poll_at"),
            *polled("authorization_pending"),
        ),
    ),
    Scenario(
        id="interval-kept",
        title="Polls exactly the interval apart are never slow_down",
        needs=_CLOCK,
        rules=("poll.first-is-never-early", "poll.interval-kept-is-not-early"),
        steps=(
            Next(),
            *polled("authorization_pending"),
            *(step for _ in range(5) for step in (until("next_poll_at"), *polled("authorization_pending"))),
        ),
    ),
    Scenario(
        id="hasty-poller-gets-through",
        title="Ten polls in one second lock nobody out",
        needs=_CLOCK,
        rules=("poll.never-locked-out", "poll.codes-are-throttled-apart"),
        steps=(
            Next(),
            *polled("authorization_pending"),
            *(step for _ in range(10) for step in polled("slow_down")),
            Next(),
            *polled("authorization_pending"),
            *polled("slow_down", code=Held.PREVIOUS),
            until("next_poll_at"),
            *polled("authorization_pending"),
        ),
    ),
    Scenario(
        id="approved-while-throttled",
        title="A code approved between two hasty polls gives its tokens at once",
        needs=ON_WIRE,
        rules=("poll.approved-is-never-throttled", "redeem.approved-gives-tokens"),
        steps=(
            Next(),
            *polled("authorization_pending"),
            *polled("slow_down"),
            Approve(),
            *polled("tokens"),
            *granted(same=False),
        ),
    ),
    Scenario(
        id="foreign-poll",
        title="Another client's poll is refused and costs the owner nothing",
        needs=(*ON_WIRE, Capability.SECOND_CLIENT),
        rules=("poll.foreign-code-is-invalid-grant", "poll.foreign-poll-changes-nothing"),
        steps=(
            Next(),
            *polled("authorization_pending"),
            until("next_poll_at-1s"),
            Poll(foreign=True),
            Expect(answer="invalid_grant"),
            until("next_poll_at"),
            *polled("authorization_pending"),
            Approve(),
            Poll(foreign=True),
            Expect(answer="invalid_grant"),
            *polled("tokens"),
        ),
    ),
    Scenario(
        id="undecided-code-expires",
        title="An undecided code expires, is remembered, and can be decided no more",
        needs=_DECIDED,
        rules=(
            "poll.expired-is-expired-token",
            "poll.expired-is-remembered",
            "verify.expired-user-code-refused",
        ),
        steps=(
            Next(),
            *_bound(polled("authorization_pending"), polled("expired_token")),
            Approve(),
            Expect(answer="refused"),
            Deny(),
            Expect(answer="refused"),
            after(of(Lifetime.CODE, times=100)),
            *polled("expired_token"),
        ),
    ),
    Scenario(
        id="approved-code-expires",
        title="A code approved in time and not redeemed in time gives nothing",
        needs=ON_WIRE,
        rules=("poll.expiry-before-approval", "verify.expired-user-code-refused"),
        steps=(
            Next(),
            until("code_expires_at-1s"),
            Approve(),
            Expect(answer="done"),
            _EXPIRED,
            *polled("expired_token"),
            until("code_expires_at+1s"),
            *polled("expired_token"),
        ),
    ),
    Scenario(
        id="approved-code-in-its-last-second",
        title="A code redeemed a second before its expiry gives tokens",
        needs=ON_WIRE,
        rules=("redeem.approved-gives-tokens", "redeem.once", "poll.redeemed-is-remembered"),
        steps=(
            Next(),
            Approve(),
            *_bound(polled("tokens"), polled("invalid_grant")),
            *granted(same=False),
        ),
    ),
    Scenario(
        id="denied-code-expires",
        title="A denied code is denied until it expires",
        needs=_DECIDED,
        rules=(
            "poll.denied-is-access-denied",
            "poll.final-answers-before-throttle",
            "poll.expiry-before-denial",
        ),
        steps=(
            Next(),
            *polled("authorization_pending"),
            Deny(),
            Expect(answer="done"),
            *polled("access_denied"),
            *polled("access_denied"),
            Approve(),
            Expect(answer="refused"),
            *_bound(polled("access_denied"), polled("expired_token")),
        ),
    ),
    Scenario(
        id="redeemed-code-again",
        title="A redeemed code presented again is refused, and takes nothing from the license",
        needs=ON_WIRE,
        rules=("redeem.once", "redeem.replay-revokes-nothing", "verify.approved-is-not-decided-again"),
        steps=(
            Next(),
            Approve(),
            *polled("tokens"),
            *polled("invalid_grant"),
            Advance(by=seconds(1)),
            *polled("invalid_grant"),
            *granted(same=False),
            Deny(),
            Expect(answer="refused"),
        ),
    ),
    Scenario(
        id="lost-redemption",
        title="A lost reply to a redemption costs a new acquisition, which supersedes the orphan",
        needs=ON_WIRE,
        rules=("redeem.once", "end.redemption-supersedes"),
        steps=(
            Next(),
            Approve(),
            LoseReply(),
            *polled("tokens"),
            *polled("invalid_grant"),
            Next(),
            Approve(),
            *polled("tokens"),
            *granted(same=False),
        ),
    ),
    Scenario(
        id="two-approvals",
        title="Of two codes approved for one device only the later approval redeems",
        needs=(*ON_WIRE, Capability.PROVISION),
        rules=("redeem.latest-approval-only",),
        steps=(
            Next(),
            Next(),
            Approve(),
            Approve(code=Held.PREVIOUS),
            *polled("access_denied"),
            *polled("tokens", code=Held.PREVIOUS),
            *granted(same=False),
        ),
    ),
    Scenario(
        id="approval-touches-no-license",
        title="The license in use works until the new code is redeemed, and not a moment longer",
        needs=(*ON_WIRE, Capability.PROVISION),
        rules=("verify.approval-touches-no-license", "end.redemption-supersedes", "reason.superseded"),
        steps=(
            Next(),
            Approve(),
            *polled("tokens"),
            Next(),
            Approve(),
            *granted(same=False),
            *polled("tokens"),
            *refused("license_superseded", using=Held.PREVIOUS),
            *granted(same=False),
        ),
    ),
)
