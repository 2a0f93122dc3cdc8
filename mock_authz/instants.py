"""Instants and durations as people and programs write them. Owns the parsing; reads no clock.

Instants are whole UTC seconds; a date without a time means 00:00 UTC; months are calendar arithmetic in UTC
(protocol.md, opening paragraph).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

# The years that a clock may be moved to: what datetime can spell, less a margin for durations added to it.
EARLIEST_AT = int(datetime(1970, 1, 1, tzinfo=UTC).timestamp())
LATEST_AT = int(datetime(9000, 1, 1, tzinfo=UTC).timestamp())


# RFC 3339 5.6, and nothing else of ISO 8601: no weeks, no ordinal days. One without an offset is told so.
DATE: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
DATE_TIME: Final = DATE + r"[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})?"
# Whole units only, as openapi.yaml spells it.
DURATION: Final = (
    r"-?P(?=.)([0-9]{1,6}W|([0-9]{1,4}Y)?([0-9]{1,5}M)?([0-9]{1,7}D)?)"
    r"(T(?=.)([0-9]{1,9}H)?([0-9]{1,9}M)?([0-9]{1,9}S)?)?"
)


class UnreadableTimeError(ValueError):
    """A text is not an instant or a duration. The message says what would be right."""


def parse_instant(given: object) -> int:
    """Read an instant.

    Args:
        given: Unix seconds; or an RFC 3339 date-time with its offset; or a date. YAML's own dates are taken too.

    Returns:
        Unix seconds, floored.

    Raises:
        UnreadableTimeError: it is none of these, or lies outside 1970..9000.
    """
    at = _instant(given)
    if not EARLIEST_AT <= at < LATEST_AT:
        raise UnreadableTimeError(f"{given!r} lies outside the years 1970 to 8999")
    return at


def _instant(given: object) -> int:
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    if isinstance(given, date) and not isinstance(given, datetime):
        given = datetime(given.year, given.month, given.day, tzinfo=UTC)
    if isinstance(given, str):
        given = _read_text(given)
    if not isinstance(given, datetime):
        raise UnreadableTimeError(
            f"{given!r} is not an instant: give 2027-01-31, 2027-01-31T08:00:00Z or seconds"
        )
    if given.tzinfo is None:
        raise UnreadableTimeError(f"{given.isoformat()} has no offset: end it with Z for UTC")
    return int(given.timestamp() // 1)


def _read_text(text: str) -> datetime:
    wrong = f"{text!r} is not an instant: give 2027-01-31, 2027-01-31T08:00:00Z or seconds"
    try:
        if re.fullmatch(DATE, text):
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
        if not re.fullmatch(DATE_TIME, text):
            raise UnreadableTimeError(wrong)
        # RFC 3339 5.7: a leap second is spelled :60. Unix time counts it as the second after :59.
        is_leap = text[17:19] == "60"
        read = datetime.fromisoformat((text[:17] + "59" + text[19:] if is_leap else text).upper())
        return read + timedelta(seconds=1) if is_leap else read
    except (ValueError, OverflowError):
        raise UnreadableTimeError(wrong) from None


def add_duration(at: int, duration: str) -> int:
    """Add an ISO 8601 duration, or take it away if it begins with a minus sign.

    Args:
        at: Unix seconds.
        duration: such as P30D, P1M, PT12H, -P7D. Months and years are calendar arithmetic in UTC.

    Raises:
        UnreadableTimeError: it is no such duration, or leads outside 1970..9000.
    """
    import isodate  # noqa: PLC0415 - only who moves a clock pays for it

    wrong = f"{duration!r} is not an ISO 8601 duration: give P30D, P1M, PT12H or -P7D"
    if not re.fullmatch(DURATION, duration):
        raise UnreadableTimeError(wrong)
    try:
        parsed: timedelta | isodate.Duration = isodate.parse_duration(duration)
        moved = datetime.fromtimestamp(at, tz=UTC) + parsed
        return parse_instant(moved)
    except (isodate.ISO8601Error, TypeError, ArithmeticError):
        raise UnreadableTimeError(wrong) from None
    except ValueError as error:
        raise UnreadableTimeError(f"{duration!r} from there leads too far: {error}") from None


def utc(at: int) -> str:
    """Spell an instant as RFC 3339 in UTC, such as 2027-01-31T08:00:00Z."""
    return datetime.fromtimestamp(at, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def shown(at: int) -> str:
    """Spell an instant as pages show it, such as 2027-01-31 08:00 UTC."""
    return datetime.fromtimestamp(at, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")
