"""The kit's only look at the machine's own clock, and its only way to wait. A wait can be broken off."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from threading import Event

_broken_off = Event()


class BrokenOff(Exception):  # noqa: N818 - the person at the terminal asked for it
    """The run was broken off while something waited."""


def now() -> float:
    """Read the wall clock, in Unix seconds."""
    return time.time()


def monotonic() -> float:
    """Read a clock that nothing moves, in seconds."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Wait in real time; not at all if nothing is left.

    Raises:
        BrokenOff: the run was broken off, before or meanwhile.
    """
    if _broken_off.wait(max(seconds, 0.0)):
        raise BrokenOff


def break_off() -> None:
    """End all waiting, now and from now on."""
    _broken_off.set()


def begin() -> None:
    """Let waiting be possible again."""
    _broken_off.clear()


def today() -> date:
    """Give the date of now, in UTC."""
    return datetime.fromtimestamp(now(), UTC).date()
