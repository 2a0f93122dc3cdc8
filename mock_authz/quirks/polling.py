"""Quirks of polling: what a token request with a device_code is answered, and what remains of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from mock_authz.domain.device_grant import SLOW_DOWN_SECONDS, DeviceGrant, State
from mock_authz.domain.refusals import (
    AccessDenied,
    AuthorizationPending,
    ExpiredToken,
    InvalidGrant,
    InvalidRequest,
    Refusal,
    SlowDown,
)
from mock_authz.oauth.reply import Reply
from mock_authz.quirks.bending import Form, Handle, grant_of, polls, responding, with_store
from mock_authz.quirks.lying_store import changed, getting
from mock_authz.quirks.quirk import Wrap, at
from mock_authz.settings import DAY
from mock_authz.web.visit import Visit

When = Callable[[DeviceGrant, int], bool]
Answered = tuple[DeviceGrant, Any]
# After three slow_downs in a row the interval is four times the usual one.
LOCKED_OUT_FROM_SECONDS: Final = 30
LIE: Final = "This is a quirk of the sandbox."


def _own(lie: Callable[..., Answered]) -> Wrap:
    """Lie to the owner of a code: `lie(poll, grant, now)`. Foreign polls are answered plainly."""

    def wrap(poll: Callable[..., Answered]) -> Callable[..., Answered]:
        def lying(grant: DeviceGrant, *, client_id: str, now: int) -> Answered:
            def plainly(seen: DeviceGrant, at: int = now) -> Answered:
                return poll(seen, client_id=client_id, now=at)

            return lie(plainly, grant, now) if client_id == grant.client_id else plainly(grant)

        return lying

    return wrap


def _seen(when: When, seen: Callable[[DeviceGrant, int], DeviceGrant]) -> Wrap:
    """Show the decision another grant than there is."""
    return _own(lambda poll, grant, now: poll(seen(grant, now) if when(grant, now) else grant))


def _before_expiry(when: When) -> Wrap:
    """Show the decision a time before the code's expiry."""
    return _own(lambda poll, grant, now: poll(grant, grant.expires_at - 1 if when(grant, now) else now))


def _answering(when: When, refusal: type[Refusal]) -> Wrap:
    """Give another answer than was decided; nothing changes."""
    return _own(lambda poll, grant, now: (grant, refusal(LIE)) if when(grant, now) else poll(grant))


def _answering_for(decided: type[Refusal], refusal: type[Refusal]) -> Wrap:
    """Give another answer for one that was decided."""

    def lie(poll: Callable[..., Answered], grant: DeviceGrant, _: int) -> Answered:
        after, answer = poll(grant)
        return after, refusal(LIE) if isinstance(answer, decided) else answer

    return _own(lie)


def _keeping(
    decided: type[Refusal], kept: Callable[[DeviceGrant, DeviceGrant], dict[str, int | None]]
) -> Wrap:
    """Change what remains after an answer: `kept(before, after)`."""

    def lie(poll: Callable[..., Answered], grant: DeviceGrant, _: int) -> Answered:
        after, answer = poll(grant)
        changes: dict[str, Any] = kept(grant, after) if isinstance(answer, decided) else {}
        return replace(after, **changes), answer

    return _own(lie)


def _throttled_first(*states: State) -> Wrap:
    """Ask whether a poll is early before anything else."""

    def lie(poll: Callable[..., Answered], grant: DeviceGrant, now: int) -> Answered:
        if grant.state not in states:
            return poll(grant)
        polled, answer = poll(replace(grant, state=State.PENDING), min(now, grant.expires_at - 1))
        if isinstance(answer, SlowDown):
            return replace(polled, state=grant.state), answer
        return poll(grant)

    return _own(lie)


def _foreign(lie: Callable[[DeviceGrant, int], Answered | None]) -> Wrap:
    """Answer another client's poll; None lets it pass for the owner's."""

    def wrap(poll: Callable[..., Answered]) -> Callable[..., Answered]:
        def lying(grant: DeviceGrant, *, client_id: str, now: int) -> Answered:
            if client_id != grant.client_id:
                return lie(grant, now) or poll(grant, client_id=grant.client_id, now=now)
            return poll(grant, client_id=client_id, now=now)

        return lying

    return wrap


def _redeems_for_anybody(grant: DeviceGrant, _: int) -> Answered | None:
    return None if grant.state is State.APPROVED else (grant, InvalidGrant(LIE))


def _is_early(grant: DeviceGrant, now: int) -> bool:
    return grant.polled_at is not None and 0 <= now - grant.polled_at < grant.interval


def _after_first_poll(elapsed_beyond_interval: int) -> When:
    def when(grant: DeviceGrant, now: int) -> bool:
        interval = grant.interval + elapsed_beyond_interval
        return grant.polls == 1 and grant.polled_at is not None and now - grant.polled_at == interval

    return when


def _moved(seconds: int) -> Callable[[DeviceGrant, int], DeviceGrant]:
    """Remember the previous poll some seconds off."""
    return lambda grant, _: replace(grant, polled_at=(grant.polled_at or 0) + seconds)


def _expired(grant: DeviceGrant, now: int) -> bool:
    return now >= grant.expires_at


def _in(*states: State, also: When = lambda _, __: True) -> When:
    return lambda grant, now: grant.state in states and also(grant, now)


THROTTLING: Final = at(
    "decisions.poll",
    (
        "slow_down_does_not_grow",
        "poll.slow-down-adds-5",
        "slow_down leaves the polling interval as it is.",
        _keeping(SlowDown, lambda before, _: {"interval": before.interval}),
    ),
    (
        "slow_down_adds_four",
        "poll.slow-down-adds-5",
        "slow_down adds four seconds to the polling interval.",
        _keeping(SlowDown, lambda before, _: {"interval": before.interval + SLOW_DOWN_SECONDS - 1}),
    ),
    (
        "second_slow_down_adds_nothing",
        "poll.each-slow-down-adds",
        "Only the first slow_down of a code makes the polling interval longer.",
        _keeping(SlowDown, lambda before, _: {"interval": max(before.interval, 2 * SLOW_DOWN_SECONDS)}),
    ),
    (
        "slow_down_wears_off",
        "poll.slow-down-is-for-good",
        "A poll in time takes back what the last slow_down added to the interval.",
        _keeping(
            AuthorizationPending,
            lambda before, _: {"interval": max(before.interval - SLOW_DOWN_SECONDS, SLOW_DOWN_SECONDS)},
        ),
    ),
    (
        "slow_down_is_no_poll",
        "poll.throttled-poll-is-the-previous",
        "A poll that was answered with slow_down is not the one that the next is measured from.",
        _keeping(SlowDown, lambda before, _: {"polled_at": before.polled_at}),
    ),
    (
        "no_slow_down",
        "poll.early-is-slow-down",
        "Nobody ever polls too early.",
        _seen(_in(State.PENDING), lambda grant, _: replace(grant, polled_at=None)),
    ),
    (
        "a_second_early_is_in_time",
        "poll.early-is-slow-down",
        "The second poll of a code may come a second too early.",
        _seen(_after_first_poll(-1), _moved(-1)),
    ),
    (
        "in_time_is_early",
        "poll.interval-kept-is-not-early",
        "The second poll of a code is early at the very end of the interval too.",
        _seen(_after_first_poll(0), _moved(1)),
    ),
    (
        "first_poll_is_early",
        "poll.first-is-never-early",
        "A first poll in the second of the code's issue is answered with slow_down.",
        _seen(
            lambda grant, now: grant.polled_at is None and now == grant.issued_at,
            lambda grant, now: replace(grant, polled_at=now),
        ),
    ),
    (
        "early_polls_lock_out",
        "poll.never-locked-out",
        "After five slow_downs every poll is early.",
        _seen(
            lambda grant, _: grant.interval >= LOCKED_OUT_FROM_SECONDS,
            lambda grant, now: replace(grant, polled_at=now),
        ),
    ),
    (
        "approved_code_is_throttled",
        "poll.approved-is-never-throttled",
        "An early poll of an approved code is answered with slow_down.",
        _throttled_first(State.APPROVED),
    ),
    (
        "denied_code_is_throttled",
        "poll.final-answers-before-throttle",
        "An early poll of a denied code is answered with slow_down.",
        _throttled_first(State.DENIED),
    ),
    (
        "negative_time_is_early",
        "clock.back-poll-is-not-early",
        "After the clock was moved back, a poll before the previous one is early.",
        _seen(
            lambda grant, now: now < (grant.polled_at or now),
            lambda grant, now: replace(grant, polled_at=now),
        ),
    ),
)

ENDINGS_OF_CODES: Final = at(
    "decisions.poll",
    (
        "expired_code_is_still_pending",
        "poll.expired-is-expired-token poll.expired-is-remembered",
        "An undecided code never expires.",
        _before_expiry(
            _in(State.PENDING, also=lambda grant, now: _expired(grant, now) and not _is_early(grant, now))
        ),
    ),
    (
        "code_expires_a_second_late",
        "poll.expired-is-expired-token",
        "An undecided code is pending at the instant of its expiry.",
        _before_expiry(
            _in(
                State.PENDING,
                also=lambda grant, now: now == grant.expires_at and not _is_early(grant, now),
            )
        ),
    ),
    (
        "denial_outlives_expiry",
        "poll.expiry-before-denial",
        "A denied code is answered with access_denied after its expiry too.",
        _before_expiry(_in(State.DENIED, also=_expired)),
    ),
    (
        "approval_outlives_expiry",
        "poll.expiry-before-approval",
        "An approved code is redeemed after its expiry too.",
        _before_expiry(_in(State.APPROVED, also=_expired)),
    ),
    (
        "expired_code_is_forgotten",
        "poll.expired-is-remembered",
        "A day after its expiry a code is answered with invalid_grant.",
        _answering(
            lambda grant, now: grant.state is not State.REDEEMED and now >= grant.expires_at + DAY,
            InvalidGrant,
        ),
    ),
    (
        "redeemed_code_expires",
        "poll.redeemed-is-remembered",
        "A redeemed code is answered with expired_token from its expiry on.",
        _answering(_in(State.REDEEMED, also=_expired), ExpiredToken),
    ),
    (
        "redeemed_code_is_denied",
        "redeem.once redeem.once-under-concurrency",
        "A redeemed code is answered with access_denied until its expiry.",
        _answering(_in(State.REDEEMED, also=lambda grant, now: not _expired(grant, now)), AccessDenied),
    ),
    (
        "code_redeems_twice",
        "redeem.once redeem.once-under-concurrency redeem.replay-revokes-nothing",
        "A redeemed code is redeemed again, until its expiry.",
        _seen(
            _in(
                State.REDEEMED,
                also=lambda grant, now: (grant.approved_at or 0) <= now < grant.expires_at,
            ),
            lambda grant, _: replace(grant, state=State.APPROVED),
        ),
    ),
    (
        "clock_back_revives_redeemed_code",
        "clock.back-keeps-data",
        "After the clock was moved back before its approval, a redeemed code is redeemed again.",
        _seen(
            _in(State.REDEEMED, also=lambda grant, now: now < (grant.approved_at or 0)),
            lambda grant, _: replace(grant, state=State.APPROVED),
        ),
    ),
    (
        "pending_is_invalid_request",
        "poll.undecided-is-pending",
        "Where authorization_pending is due, the answer is invalid_request.",
        _answering_for(AuthorizationPending, InvalidRequest),
    ),
    (
        "denied_is_invalid_grant",
        "poll.denied-is-access-denied",
        "A code that was denied is answered with invalid_grant.",
        _answering(
            _in(
                State.DENIED,
                also=lambda grant, now: (
                    grant.approved_at is None and not _expired(grant, now) and not _is_early(grant, now)
                ),
            ),
            InvalidGrant,
        ),
    ),
)

FOREIGN: Final = at(
    "decisions.poll",
    (
        "another_client_redeems",
        "poll.foreign-code-is-invalid-grant poll.foreign-poll-changes-nothing",
        "Another client can redeem an approved code.",
        _foreign(_redeems_for_anybody),
    ),
    (
        "foreign_poll_counts",
        "poll.foreign-poll-changes-nothing",
        "A poll by another client is refused, and makes the owner's next poll early.",
        _foreign(lambda grant, now: (replace(grant, polled_at=now), InvalidGrant(LIE))),
    ),
    (
        "foreign_code_is_denied",
        "poll.foreign-code-is-invalid-grant",
        "Another client's code is answered with access_denied.",
        _foreign(lambda grant, _: (grant, AccessDenied(LIE))),
    ),
)


def _polled_by_the_same_client(visit: Visit, form: Form, handle: Handle) -> Reply | None:
    """See in the first poll of a code one that comes after the client's previous poll, of whichever code."""
    grant = grant_of(visit, form) if polls(visit, form) else None
    if grant is None or grant.polled_at is not None:
        return None
    name = visit.context.sandbox.name
    others = [stored.record for stored in visit.context.store.every(name, DeviceGrant)]
    polled_at = max(other.polled_at or 0 for other in others if other.client_id == grant.client_id)
    if not polled_at:
        return None
    seen = getting(
        DeviceGrant,
        lambda store, sandbox, grant_id: changed(
            store.behind.get(sandbox, DeviceGrant, grant_id), polled_at=polled_at
        ),
    )
    return handle(with_store(visit, seen), form)


ACROSS: Final = at(
    "respond",
    (
        "codes_throttled_together",
        "poll.codes-are-throttled-apart",
        "The first poll of a code is early after a poll of another code of the same client.",
        responding(_polled_by_the_same_client),
    ),
)

POLLING: Final = (*THROTTLING, *ENDINGS_OF_CODES, *FOREIGN, *ACROSS)
