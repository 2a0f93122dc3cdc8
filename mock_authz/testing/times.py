"""Instants and durations as tests write them. Reads no clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias

from mock_authz.instants import UnreadableTimeError, add_duration, parse_instant

# Unix seconds; `2027-01-31`, `2027-01-31T08:00:00Z`; an aware datetime; a date, which means 00:00 UTC; or an ISO 8601
# duration such as `P30D` or `-PT1H`, which counts from the sandbox's present instant.
Instant: TypeAlias = int | str | datetime | date
# ISO 8601, such as `P30D`, `P1M` (a calendar month) or `PT12H`; or a timedelta of whole seconds.
Duration: TypeAlias = str | timedelta


def at_of(given: Instant, *, now: Callable[[], int]) -> int:
    """Give an instant as Unix seconds.

    Args:
        now: reads the sandbox's clock; called only for a duration.

    Raises:
        UnreadableTimeError: it is none of what `Instant` says (a ValueError).
    """
    if isinstance(given, str) and given.lstrip("+-").startswith("P"):
        return add_duration(now(), given.removeprefix("+"))
    return parse_instant(given)


def duration_of(given: Duration) -> str:
    """Give a duration in ISO 8601.

    Raises:
        UnreadableTimeError: a timedelta has a fraction of a second, which the clock has not.
    """
    if isinstance(given, str):
        return given
    if given.microseconds:
        raise UnreadableTimeError(f"{given} has a fraction of a second: the clock counts whole ones")
    seconds = int(given.total_seconds())
    return f"{'-' if seconds < 0 else ''}PT{abs(seconds)}S"


def clock_of(text: str) -> Mapping[str, Any]:
    """Read a clock as the command line's `--clock` gives it, for the control API.

    Args:
        text: `real`, `offset:P30D`, `frozen` (where it stands) or `frozen:2027-01-31T08:00:00Z`.

    Raises:
        UnreadableTimeError: it is none of these.
    """
    mode, colon, rest = text.partition(":")
    if text in ("real", "frozen"):
        return {"mode": mode}
    if mode == "offset" and rest:
        return {"mode": mode, "offset": rest}
    if mode == "frozen" and colon:
        return {"mode": mode, "now": parse_instant(int(rest) if rest.isdecimal() else rest)}
    raise UnreadableTimeError(
        f"{text!r} is not a clock: give real, offset:P30D, frozen or frozen:2027-01-31T08:00:00Z"
    )


def stamp(at: int) -> str:
    """Spell an instant to the second, such as 2027-01-31 08:00:00."""
    return datetime.fromtimestamp(at, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")
