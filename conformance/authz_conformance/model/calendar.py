"""Calendar arithmetic in UTC on whole Unix seconds, and what a license's dates say of its status."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
YEAR = 365 * DAY


def add_months(instant: int, *, months: int) -> int:
    """Move an instant by calendar months in UTC; a day that the month does not have becomes its last one.

    Spec: protocol.md, preamble
    """
    moment = datetime.fromtimestamp(instant, tz=UTC)
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return int(moment.replace(year=year, month=month + 1, day=day).timestamp())


def license_status(*, renewal_at: int | None, renewal_window_seconds: int, ended: bool, now: int) -> str:
    """Compute the status of a license from its record and `now`.

    Spec: protocol.md, License status
    """
    if ended or lapsed(renewal_at, now=now):
        return "expired_requires_renewal"
    if renewal_at is None or now < renewal_at - renewal_window_seconds:
        return "licensed"
    return "requires_renewal"


def token_state(*, exp: int, token_warning_seconds: int, now: int) -> str:
    """Compute the state of a license token, which says nothing of the license.

    Spec: protocol.md, License status
    """
    if now >= exp:
        return "expired"
    return "expiring" if exp - now < token_warning_seconds else "valid"


def lapsed(renewal_at: int | None, *, now: int) -> bool:
    """Say whether a renewal date has come; it is computed and never stored.

    Spec: protocol.md, Words
    """
    return renewal_at is not None and now >= renewal_at
