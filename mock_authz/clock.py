"""The only place of the server that reads the wall clock, and the virtual clocks that are computed from it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum

from mock_authz.instants import EARLIEST_AT, LATEST_AT, UnreadableTimeError, add_duration, parse_instant


class ClockMode(StrEnum):
    """How a sandbox's clock runs."""

    REAL = "real"
    OFFSET = "offset"
    FROZEN = "frozen"


@dataclass(frozen=True, slots=True)
class Clock:
    """A sandbox's clock, as a record: at `real_at` on the wall clock it showed `virtual_at`.

    Both anchors are Unix seconds with fractions. A frozen clock shows `virtual_at` for good.
    """

    mode: ClockMode = ClockMode.REAL
    real_at: float = 0.0
    virtual_at: float = 0.0

    def now(self, real_at: float) -> int:
        """Read the clock at one instant of the wall clock: whole Unix seconds, floored."""
        if self.mode is ClockMode.REAL:
            return int(real_at // 1)
        if self.mode is ClockMode.FROZEN:
            return int(self.virtual_at // 1)
        # However long the server stays up, its clock stays within what can be spelled.
        return int(min(max(self.virtual_at + (real_at - self.real_at), EARLIEST_AT), LATEST_AT) // 1)

    def moved(self, *, to: int, real_at: float) -> Clock:
        """Move the clock; a real one becomes one with an offset."""
        mode = ClockMode.OFFSET if self.mode is ClockMode.REAL else self.mode
        return Clock(mode, real_at, float(to))


def real_now() -> float:
    """Read the wall clock: Unix seconds with fractions."""
    return time.time()


def parse_clock(text: str, *, real_at: float) -> Clock:
    """Read a clock as the command line gives it: `real`, `offset:P30D`, `offset:-P1Y`, `frozen:2027-01-31`.

    Raises:
        UnreadableTimeError: it is none of these.
    """
    mode, _, rest = text.partition(":")
    if mode == ClockMode.REAL and not rest:
        return Clock()
    if mode == ClockMode.OFFSET and rest:
        return Clock(ClockMode.OFFSET, real_at, float(add_duration(int(real_at // 1), rest)) + real_at % 1)
    if mode == ClockMode.FROZEN and rest:
        at = parse_instant(int(rest) if rest.isdecimal() else rest)
        return Clock(ClockMode.FROZEN, real_at, float(at))
    raise UnreadableTimeError(
        f"{text!r} is not a clock: give real, offset:P30D or frozen:2027-01-31T08:00:00Z"
    )
