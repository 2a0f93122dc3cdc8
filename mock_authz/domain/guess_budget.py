"""How many wrong user codes one administrator may enter. Knows nothing of grants or pages."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

WRONG_ENTRIES: Final = 5
PER_SECONDS: Final = 15 * 60


@dataclass(frozen=True, slots=True)
class GuessBudget:
    """The wrong entries of one administrator that may still count. Instants are Unix seconds."""

    username: str
    wrong_at: tuple[int, ...] = ()


def seconds_to_wait(budget: GuessBudget, *, now: int) -> int:
    """Say how long this administrator must wait before the next entry; 0 when one is allowed.

    RFC 8628 5.1: 8 symbols of 20 allow 5 tries for a chance of 2^-32. Entries from the future (the clock was moved
    back) do not count, as nothing else with a negative age does.
    """
    counted = _counted(budget, now=now)
    if len(counted) < WRONG_ENTRIES:
        return 0
    return sorted(counted)[-WRONG_ENTRIES] + PER_SECONDS - now


def wrong_entry(budget: GuessBudget, *, now: int) -> GuessBudget:
    """Count one wrong entry. There is no counterpart: a success resets nothing (protocol.md, "The device grant")."""
    return replace(budget, wrong_at=(*_counted(budget, now=now), now))


def _counted(budget: GuessBudget, *, now: int) -> tuple[int, ...]:
    return tuple(at for at in budget.wrong_at if 0 <= now - at < PER_SECONDS)
