"""Real time: the kit waits. For targets that declare short lifetimes; what would take longer is not testable."""

from __future__ import annotations

from authz_conformance import real_time
from authz_conformance.catalogue import Capability
from authz_conformance.clocks.port import Clock
from authz_conformance.verdicts import NotTestable

EARLY_IN_THE_SECOND = 0.05


class RealClock(Clock):
    """Waits.

    Attributes:
        skew_seconds: how far the target's clock is ahead of this machine's; the proof measures it.
        uncertain_seconds: what the proof leaves open.
    """

    name = "real"
    shared = False
    uncertain_seconds = 1
    offers = frozenset({Capability.ADVANCE_CLOCK})

    def __init__(self, *, longest_wait_seconds: float) -> None:
        self._longest = longest_wait_seconds
        self.skew_seconds = 0.0

    def now(self) -> float:
        """Tell the target's time."""
        return real_time.now() + self.skew_seconds

    def move_to(self, instant: int) -> None:
        """Wait for an instant."""
        left = instant - self.now()
        if left < -1:
            raise NotTestable("real time does not go back")
        if left > self._longest:
            raise NotTestable(
                f"it would take {left:.0f} s in real time, and clock.longest_wait_seconds is {self._longest:g}: "
                "declare shorter lifetimes in [terms], or move the clock by another driver"
            )
        real_time.sleep(left + EARLY_IN_THE_SECOND)


class NoClock(Clock):
    """No clock: time passes, and nobody waits for it."""

    name = "none"
    shared = False
    offers: frozenset[Capability] = frozenset()

    def now(self) -> float:
        """Tell this machine's time, the best guess."""
        return real_time.now()

    def move_to(self, instant: int) -> None:
        """Refuse."""
        raise NotTestable(f"no clock is configured to move to {instant}")
