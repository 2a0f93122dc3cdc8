"""Quirks of refreshing: rotation, retry, reuse, expiry, and the order in which reasons are given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from mock_authz.domain import license as licenses
from mock_authz.domain.license import Ending, License, Lifetimes, Refreshed
from mock_authz.domain.refresh_token import RefreshTokens
from mock_authz.domain.refusals import InvalidGrant
from mock_authz.quirks.quirk import Wrap, at

Answered = tuple[License, Any]
FOREVER: Final = 2**40


@dataclass(frozen=True, slots=True)
class Asked:
    """One refresh that is to be decided: what the decision is about to see, and what the license holds."""

    refresh: Callable[..., Answered]
    license: License
    generation: int
    lifetimes: Lifetimes
    now: int

    @property
    def tokens(self) -> RefreshTokens:
        """The license's refresh tokens."""
        return self.license.refresh_tokens

    @property
    def first_use_at(self) -> int:
        """When the predecessor was first used."""
        return (self.tokens.retry_until or 0) - self.lifetimes.refresh_retry_window_seconds

    def decided(self, **seen_as: Any) -> Answered:
        """Let it be decided, with some of what is seen replaced."""
        seen = replace(self, **seen_as)
        return seen.refresh(seen.license, generation=seen.generation, lifetimes=seen.lifetimes, now=seen.now)


def _lying(lie: Callable[[Asked], Answered]) -> Wrap:
    def wrap(refresh: Callable[..., Answered]) -> Callable[..., Answered]:
        def lying(license_: License, *, generation: int, lifetimes: Lifetimes, now: int) -> Answered:
            return lie(Asked(refresh, license_, generation, lifetimes, now))

        return lying

    return wrap


def _leaving(change: Callable[[Asked, RefreshTokens, bool], RefreshTokens]) -> Wrap:
    """Leave other refresh tokens behind a granted refresh: `change(asked, after, retried)`."""

    def lie(asked: Asked) -> Answered:
        after, answer = asked.decided()
        if isinstance(answer, Refreshed):
            after = replace(after, refresh_tokens=change(asked, after.refresh_tokens, answer.retried))
        return after, answer

    return _lying(lie)


def _seeing_tokens(change: Callable[[Asked], dict[str, Any]]) -> Wrap:
    """Decide on other refresh tokens than there are."""

    def lie(asked: Asked) -> Answered:
        seen = replace(asked.license, refresh_tokens=replace(asked.tokens, **change(asked)))
        after, answer = asked.decided(license=seen)
        if after.refresh_tokens.generation == asked.tokens.generation:
            after = replace(after, refresh_tokens=asked.tokens)
        return (asked.license if after == asked.license else after), answer

    return _lying(lie)


def _reason_first(reason: str, **unseen: Any) -> Wrap:
    """Give a reason that is found when something is not looked at, before the one that is due."""

    def lie(asked: Asked) -> Answered:
        after, answer = asked.decided(license=replace(asked.license, **unseen))
        if not (isinstance(answer, InvalidGrant) and answer.reason == reason):
            return asked.decided()
        if asked.license.ending is not None or after.ending is None:
            return asked.license, answer
        return replace(asked.license, ending=after.ending, ended_at=after.ended_at), answer

    return _lying(lie)


def _expired_before_reuse(asked: Asked) -> Answered:
    expires_at = asked.tokens.predecessor_expires_at
    after, answer = asked.decided()
    if after.ending is not asked.license.ending and expires_at is not None and asked.now >= expires_at:
        return asked.license, licenses.refused(licenses.REFRESH_TOKEN_EXPIRED)
    return after, answer


def _reuse_ends_nothing(asked: Asked) -> Answered:
    after, answer = asked.decided()
    is_expired = asked.now >= asked.tokens.expires_at
    return (after if after.ending is None or is_expired else asked.license), answer


def _successor_of_its_own(_: Asked, after: RefreshTokens, retried: bool) -> RefreshTokens:  # noqa: FBT001 - as decided
    return replace(after, generation=after.generation + retried)


def _window_anew(asked: Asked, after: RefreshTokens, retried: bool) -> RefreshTokens:  # noqa: FBT001 - as decided
    """Extend the window by a retry in its first three quarters."""
    window_seconds = asked.lifetimes.refresh_retry_window_seconds
    if not retried or asked.now >= asked.first_use_at + window_seconds * 3 // 4:
        return after
    return replace(after, retry_until=asked.now + window_seconds)


def _closed_before_first_use(asked: Asked) -> Answered:
    if asked.generation == asked.tokens.generation - 1 and asked.now < asked.first_use_at:
        return asked.decided(now=asked.tokens.retry_until)
    return asked.decided()


def _rotated_as_predecessor(asked: Asked) -> Answered:
    is_older = asked.generation == asked.tokens.generation - 2
    return asked.decided(generation=asked.generation + is_older)


def _not_ended_yet(asked: Asked) -> Answered:
    ended_at = asked.license.ended_at
    if ended_at is None or asked.now >= ended_at:
        return asked.decided()
    return asked.decided(license=replace(asked.license, ending=None, ended_at=None))


def _first_token_seconds(asked: Asked) -> Answered:
    """Mint the second license token for as long as the first."""
    license_ = asked.license
    if license_.tokens_minted > 1 or license_.token_expires_at == license_.renewal_at:
        return asked.decided()
    seconds = license_.token_expires_at - license_.issued_at
    return asked.decided(lifetimes=replace(asked.lifetimes, license_token_seconds=seconds))


def _seen_at(seconds_after_lapse: int, *, seen_seconds: int) -> Wrap:
    """Decide one instant, counted from the renewal date, as if it were another."""

    def lie(asked: Asked) -> Answered:
        renewal_at = asked.license.renewal_at
        if renewal_at is None or asked.now != renewal_at + seconds_after_lapse:
            return asked.decided()
        return asked.decided(now=renewal_at + seen_seconds)

    return _lying(lie)


def _a_second_later(asked: Asked) -> dict[str, Any]:
    return {"expires_at": asked.tokens.expires_at + (asked.tokens.generation == 0)}


def _by_present_lifetime(asked: Asked) -> dict[str, Any]:
    if asked.tokens.generation > 0:
        return {}
    return {"expires_at": asked.license.issued_at + asked.lifetimes.refresh_token_seconds}


def _window_a_second_short(asked: Asked) -> dict[str, Any]:
    until = asked.tokens.retry_until
    return {} if until is None else {"retry_until": until - 1}


ROTATION: Final = at(
    "decisions.refresh",
    (
        "refresh_does_not_rotate",
        "refresh.rotates",
        "A refresh returns the refresh token that was presented.",
        _leaving(lambda asked, *_: asked.tokens),
    ),
    (
        "retry_gets_another_successor",
        "refresh.retry-gets-same-successor refresh.concurrent-are-retries clock.back-retry-window-is-open",
        "A retry makes a new successor, and the first one its predecessor.",
        _leaving(_successor_of_its_own),
    ),
    (
        "retry_window_is_a_second_short",
        "refresh.retry-window-is-half-open",
        "The retry window closes a second early.",
        _seeing_tokens(_window_a_second_short),
    ),
    (
        "retry_extends_window",
        "refresh.retry-window-never-extended",
        "Each retry in the first three quarters of the retry window opens it anew.",
        _leaving(_window_anew),
    ),
    (
        "clock_back_closes_retry_window",
        "clock.back-retry-window-is-open",
        "After the clock was moved back before its first use, a predecessor is reuse.",
        _lying(_closed_before_first_use),
    ),
    (
        "rotated_token_is_accepted",
        "refresh.rotated-token-refused",
        "The predecessor's predecessor is good for a retry as well.",
        _lying(_rotated_as_predecessor),
    ),
    (
        "reuse_ends_nothing",
        "refresh.reuse-ends-the-family",
        "A reused refresh token is refused, and the license lives on, unless the newest one has expired.",
        _lying(_reuse_ends_nothing),
    ),
    (
        "clock_back_unends",
        "clock.back-keeps-endings",
        "After the clock was moved back before its ending, a license is refreshed again.",
        _lying(_not_ended_yet),
    ),
)

EXPIRY: Final = at(
    "decisions.refresh",
    (
        "refresh_token_never_expires",
        "refresh.expires-when-idle refresh.expiry-counts-from-its-issue refresh.lifetime-fixed-at-issue",
        "The expiry of refresh tokens is stored and never checked.",
        _seeing_tokens(lambda _: {"expires_at": FOREVER, "predecessor_expires_at": FOREVER}),
    ),
    (
        "refresh_token_expires_a_second_late",
        "refresh.expires-when-idle",
        "A license's first refresh token is accepted at the instant of its expiry.",
        _seeing_tokens(_a_second_later),
    ),
    (
        "refresh_tokens_expire_together",
        "refresh.expiry-counts-from-its-issue",
        "Every refresh token of a license expires with the first one.",
        _leaving(lambda asked, after, _: replace(after, expires_at=asked.tokens.expires_at)),
    ),
    (
        "refresh_lifetime_changes_afterwards",
        "refresh.lifetime-fixed-at-issue",
        "A change of the refresh token's lifetime moves the expiry of a license's first refresh token.",
        _seeing_tokens(_by_present_lifetime),
    ),
    (
        "token_lifetime_stays_the_first",
        "claims.lifetime-fixed-at-issue",
        "The first refresh of a license ignores a change of the license token's lifetime.",
        _lying(_first_token_seconds),
    ),
    (
        "lapse_a_second_early",
        "renew.lapsed-is-refused",
        "A refresh is refused as lapsed a second before the renewal date.",
        _seen_at(-1, seen_seconds=0),
    ),
    (
        "lapse_a_second_late",
        "renew.lapsed-is-refused renew.after-lapse-revives-nothing",
        "A refresh is granted at the instant of the renewal date.",
        _seen_at(0, seen_seconds=-1),
    ),
)

REASONS_IN_ORDER: Final = at(
    "decisions.refresh",
    (
        "lapse_before_ending",
        "reason.ending-before-lapse",
        "Of a license that has ended and lapsed the reason is the lapse.",
        _reason_first(licenses.LAPSED, ending=None),
    ),
    (
        "reuse_before_lapse",
        "reason.lapse-before-reuse",
        "Reuse ends a license that has lapsed.",
        _reason_first(Ending.REFRESH_TOKEN_REUSED, renewal_at=None),
    ),
    (
        "token_expiry_before_lapse",
        "reason.lapse-before-token-expiry",
        "An expired refresh token of a lapsed license is refused as expired.",
        _reason_first(licenses.REFRESH_TOKEN_EXPIRED, renewal_at=None),
    ),
    (
        "token_expiry_before_reuse",
        "reason.reuse-before-token-expiry",
        "A rotated refresh token that has expired is refused as expired, and ends nothing.",
        _lying(_expired_before_reuse),
    ),
)

REFRESHING: Final = (*ROTATION, *EXPIRY, *REASONS_IN_ORDER)
