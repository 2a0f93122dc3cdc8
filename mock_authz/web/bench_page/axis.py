"""The time axis of the timeline: which part of time is shown, where an instant lies in it, and readable dates along it.

Knows nothing of licenses. Places are percents of the width, so that a picture fits any screen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from mock_authz.instants import EARLIEST_AT, LATEST_AT

MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 24 * HOUR
YEAR: Final = 365 * DAY
# How far ahead of now a fitted axis looks at least, and how often as far as back.
LEAST_AHEAD: Final = 45 * DAY
AHEAD_TO_BACK: Final = 1.5
SHORTEST: Final = HOUR
MARGIN: Final = 0.03
# Of a fixed span, this part lies before now.
BEFORE_NOW: Final = 0.6
MOST_TICKS: Final = 10
# A label beside an edge would be cut off.
EDGE_PERCENT: Final = 4.0

SPANS: Final[dict[str, tuple[str, int]]] = {
    "hour": ("Hour", HOUR),
    "day": ("Day", DAY),
    "week": ("Week", 7 * DAY),
    "month": ("Month", 31 * DAY),
    "quarter": ("Quarter", 92 * DAY),
    "year": ("Year", YEAR),
    "decade": ("10 years", 10 * YEAR),
}
STEPS: Final = (
    MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE,
    HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY,
)  # fmt: skip
MONTH_STEPS: Final = (1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 2400, 6000, 12000)
MONDAY: Final = 4 * DAY
DAYS_OF_A_MONTH: Final = 30.44


@dataclass(frozen=True, slots=True)
class Tick:
    """One line of the grid.

    Attributes:
        x: percent of the width.
        strong: whether something greater begins here: a day among hours, a year among months.
        spare: whether narrow screens do without its label.
    """

    x: float
    label: str
    strong: bool
    spare: bool


@dataclass(frozen=True, slots=True)
class Axis:
    """The part of time that is shown, Unix seconds."""

    from_at: int
    until_at: int

    @property
    def seconds(self) -> int:
        """How long it is."""
        return self.until_at - self.from_at

    def x(self, at: int) -> float:
        """Give the place of an instant, in percent of the width; below 0 and above 100 outside."""
        return round(100 * (at - self.from_at) / self.seconds, 2)

    def stretch(self, from_at: int | None, until_at: int | None) -> tuple[float, float] | None:
        """Give place and width of what lies within the axis of a stretch of time; None is open, and of nothing."""
        left = 0.0 if from_at is None else max(self.x(from_at), 0.0)
        right = 100.0 if until_at is None else min(self.x(until_at), 100.0)
        return (left, round(right - left, 2)) if right > left else None

    def shows(self, at: int) -> bool:
        """Say whether an instant is within."""
        return self.from_at <= at <= self.until_at


def fixed(span: str, *, now: int) -> Axis:
    """Show one of `SPANS` around now."""
    seconds = SPANS[span][1]
    from_at = now - int(seconds * BEFORE_NOW)
    return _within_reach(from_at, from_at + seconds)


def fitted(instants: Sequence[int], *, now: int) -> Axis:
    """Show everything that happened, and what lies ahead as far as it matters: a picture of years hides the days."""
    first = min([*(at for at in instants if at <= now), now])
    horizon = now + max(int(AHEAD_TO_BACK * (now - first)), LEAST_AHEAD)
    last = max([*(at for at in instants if at <= horizon), now])
    missing = max(SHORTEST - (last - first), 0)
    margin = int(MARGIN * (last - first)) + missing // 2
    return _within_reach(first - margin, last + margin)


def _within_reach(from_at: int, until_at: int) -> Axis:
    return Axis(max(from_at, EARLIEST_AT), min(until_at, LATEST_AT))


def ticks(axis: Axis) -> list[Tick]:
    """Divide an axis at round instants, at most `MOST_TICKS` of them."""
    step = next((step for step in STEPS if axis.seconds / step <= MOST_TICKS), None)
    if step is not None:
        instants = list(_regular(axis, step))
        labels = [_label(at, step) for at in instants]
    else:
        months = axis.seconds / DAY / DAYS_OF_A_MONTH
        months_step = next((one for one in MONTH_STEPS if months / one <= MOST_TICKS), MONTH_STEPS[-1])
        instants = list(_by_months(axis, months_step))
        labels = [_month_label(at, months_step) for at in instants]
    kept = [(axis.x(at), *label) for at, label in zip(instants, labels, strict=True)]
    inside = [one for one in kept if EDGE_PERCENT <= one[0] <= 100 - EDGE_PERCENT]
    return [Tick(x, label, strong, index % 2 == 1) for index, (x, label, strong) in enumerate(inside)]


def _regular(axis: Axis, step: int) -> Iterator[int]:
    """Divide by weeks from Mondays, by all else from midnights."""
    origin = MONDAY if step % (7 * DAY) == 0 else 0
    at = axis.from_at + (origin - axis.from_at) % step
    while at <= axis.until_at:
        yield at
        at += step


def _by_months(axis: Axis, step: int) -> Iterator[int]:
    begins = _date(axis.from_at)
    index = begins.year * 12 + begins.month - 1
    index += -index % step
    while True:
        year, month = divmod(index, 12)
        at = int(datetime(year, month + 1, 1, tzinfo=UTC).timestamp())
        if at > axis.until_at:
            return
        if at >= axis.from_at:
            yield at
        index += step


def _label(at: int, step: int) -> tuple[str, bool]:
    date = _date(at)
    if step >= DAY:
        is_new_year = date.timetuple().tm_yday * DAY <= step
        return (f"{date.day} {date:%b %Y}" if is_new_year else f"{date.day} {date:%b}"), is_new_year
    is_midnight = at % DAY == 0
    return (f"{date.day} {date:%b}" if is_midnight else f"{date:%H:%M}"), is_midnight


def _month_label(at: int, step: int) -> tuple[str, bool]:
    date = _date(at)
    if step >= MONTH_STEPS[4]:
        return f"{date.year}", False
    is_january = date.month == 1
    return (f"{date.year}" if is_january else f"{date:%b}"), is_january


def _date(at: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=at)
