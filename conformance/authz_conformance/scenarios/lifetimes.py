"""Stretches of time and named bounds, said in terms of a target's lifetimes, so that a story fits any of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from authz_conformance.model import Settings, add_months


class Lifetime(StrEnum):
    """A lifetime that a target declares, by its wire name."""

    LICENSE = "license_token_seconds"
    REFRESH = "refresh_token_seconds"
    CODE = "code_seconds"
    INTERVAL = "interval_seconds"
    RENEWAL_WINDOW = "renewal_window_seconds"
    WARNING = "token_warning_seconds"
    RETRY = "refresh_retry_window_seconds"

    def of(self, settings: Settings) -> int:
        """Read it, in seconds."""
        seconds: int = getattr(settings, self.value)
        return seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of time: a share of a lifetime, seconds, and calendar months, one after the other.

    Attributes:
        of: The lifetime of which `times` / `per` is meant, rounded down.
        seconds: Added to that; may be negative.
        months: Calendar months in UTC, which no target scales.
    """

    of: Lifetime | None = None
    times: int = 1
    per: int = 1
    seconds: int = 0
    months: int = 0

    def after(self, instant: int, *, settings: Settings) -> int:
        """Give the instant that lies this stretch after another."""
        share = 0 if self.of is None else self.of.of(settings) * self.times // self.per
        return add_months(instant, months=self.months) + share + self.seconds

    def __str__(self) -> str:
        share = (
            f"{self.times}/{self.per} of" if self.per > 1 else f"{self.times} times" if self.times > 1 else ""
        )
        parts = [
            f"{self.months} months" if self.months else "",
            f"{share} {self.of}".strip() if self.of is not None else "",
            f"{self.seconds} s" if self.seconds else "",
        ]
        return " and ".join(filter(None, parts)) or "no time"


class Bound(StrEnum):
    """An instant that a rule speaks of, for one device."""

    RENEWAL_AT = "renewal_at"
    RENEWAL_DUE_FROM = "renewal_due_from"
    EXP = "exp"
    EXPIRING_FROM = "expiring_from"
    REFRESH_EXPIRES_AT = "refresh_token_expires_at"
    RETRY_WINDOW_ENDS_AT = "retry_window_ends_at"
    CODE_EXPIRES_AT = "code_expires_at"
    NEXT_POLL_AT = "next_poll_at"
    KEY_SIGNS_FROM = "key_signs_from"
    KEY_LAST_EXP = "key_last_exp"
    KEY_REMOVED_AT = "key_removed_at"

    @property
    def means(self) -> str:
        """Say what it is, for people."""
        return _MEANS[self]


_MEANS = {
    Bound.RENEWAL_AT: "the renewal date",
    Bound.RENEWAL_DUE_FROM: "the opening of the renewal window",
    Bound.EXP: "the expiry of the license token",
    Bound.EXPIRING_FROM: "the first second at which the license token is near its expiry",
    Bound.REFRESH_EXPIRES_AT: "the expiry of the refresh token",
    Bound.RETRY_WINDOW_ENDS_AT: "the end of the retry window",
    Bound.CODE_EXPIRES_AT: "the expiry of the codes",
    Bound.NEXT_POLL_AT: "the first second at which a poll is not early",
    Bound.KEY_SIGNS_FROM: "the turn of the new key",
    Bound.KEY_LAST_EXP: "the last exp that the retired key has signed",
    Bound.KEY_REMOVED_AT: "the second at which the retired key has left the set",
}
_WRITTEN = re.compile(r"([a-z_]+)(?:([+-]\d+)s)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A bound, give or take some seconds. Written as `renewal_at`, `renewal_at-1s`, `renewal_at+1s`."""

    bound: Bound
    seconds: int = 0

    def __str__(self) -> str:
        if self.seconds == 0:
            return self.bound.means
        return f"{abs(self.seconds)} s {'before' if self.seconds < 0 else 'after'} {self.bound.means}"


def mark(written: str) -> Mark:
    """Read a mark.

    Raises:
        ValueError: It names no bound.
    """
    found = _WRITTEN.fullmatch(written)
    if found is None:
        raise ValueError(f"no bound: {written}")
    return Mark(bound=Bound(found[1]), seconds=int(found[2] or 0))


def of(lifetime: Lifetime, *, times: int = 1, per: int = 1, seconds: int = 0) -> Span:
    """Take a share of a lifetime, and some seconds."""
    return Span(of=lifetime, times=times, per=per, seconds=seconds)


def seconds(number: int) -> Span:
    """Take some seconds, which no target scales."""
    return Span(seconds=number)


def months(number: int) -> Span:
    """Take calendar months, which no target scales."""
    return Span(months=number)
