"""The time that the client believes: the wall clock, held up by what its own license tokens have proven.

Owns `Now` (one reading of both clocks), the mark and the effective time. It reads no clock itself.
"""

from dataclasses import dataclass
from math import floor
from typing import Final

SUSPECT_AFTER_SECONDS: Final = 300


@dataclass(frozen=True)
class Now:
    """One reading of the two clocks, taken together.

    Attributes:
        clock: Unix seconds on the wall clock; it may jump either way.
        monotonic: Seconds on a clock that never goes back; its zero means nothing.
    """

    clock: float
    monotonic: float


@dataclass(frozen=True)
class Anchor:
    """A mark together with the monotonic instant at which this process set it.

    Attributes:
        mark: Unix seconds that a license token has proven to be past (its `iat`).
        monotonic: The monotonic clock when the mark was set.
    """

    mark: int
    monotonic: float

    def reached(self, now: Now) -> int:
        """The least that the time can be: the mark plus the monotonic time since it was set."""
        return self.mark + max(0, floor(now.monotonic - self.monotonic))


def effective_time(now: Now, anchor: Anchor | None) -> int:
    """Say what time it is, in whole Unix seconds: max(clock, mark + monotonic time since the mark was set)."""
    clock = floor(now.clock)
    return clock if anchor is None else max(clock, anchor.reached(now))


def is_suspect(now: Now, anchor: Anchor | None) -> bool:
    """Say whether the wall clock is more than 5 minutes behind what the client's own tokens have proven."""
    return effective_time(now, anchor) - floor(now.clock) > SUSPECT_AFTER_SECONDS


def anchored(anchor: Anchor | None, *, mark: int | None, now: Now) -> Anchor | None:
    """Follow the stored mark: set it when it is new or rises, forget it when it was reset.

    A mark that the running process has already outlived changes nothing, so effective time never steps back
    under a server whose clock is slower than ours.

    Args:
        anchor: What this process holds.
        mark: The stored mark; none, or a lower one, means that removal or re-acquisition reset it.
        now: The reading at which a new mark is set.
    """
    if mark is None:
        return None
    if anchor is None or mark < anchor.mark or mark > anchor.reached(now):
        return Anchor(mark=mark, monotonic=now.monotonic)
    return anchor
