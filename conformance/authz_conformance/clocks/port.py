"""The clock of a target, as rule tests see it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from authz_conformance.catalogue import Capability
from authz_conformance.verdicts import NotOffered, SecondRanOut

DAY = 86400


class Clock(Protocol):
    """Reads and moves a target's time. Instants are Unix seconds.

    Attributes:
        name: of the driver, for the report.
        shared: whether all rules share it, so that they can only be tried one after the other.
        uncertain_seconds: by how much the target's seconds may differ from those that it tells.
    """

    name: str
    shared: bool
    uncertain_seconds: int = 0

    @property
    def ticks(self) -> bool:
        """Whether time passes while nobody moves it."""
        return True

    @property
    def offers(self) -> frozenset[Capability]:
        """What this driver can do, if it reaches its target at all."""
        ...

    def now(self) -> float:
        """Tell the target's time, without asking the target on the wire that is judged."""
        ...

    def move_to(self, instant: int) -> None:
        """Make the target's clock show an instant, with most of that second still to come.

        Raises:
            NotTestable: this clock cannot show it (it lies behind, or too far ahead to wait for).
        """
        ...

    def advance(self, seconds: int) -> None:
        """Move the target's clock forward by whole seconds."""
        self.move_to(int(self.now()) + seconds)

    @contextmanager
    def at(self, instant: int) -> Iterator[None]:
        """Sample a bound: move to an instant, run the block, and make sure that the second has not run out meanwhile.

        Raises:
            SecondRanOut: the clock ticks, and the block took longer than what was left of the second.
        """
        self.move_to(instant)
        yield
        if (now := int(self.now())) != instant:
            raise SecondRanOut(f"the clock ran on to {now} while {instant} was being sampled")

    def freeze(self) -> None:
        """Make the clock stand still where it is."""
        raise NotOffered(Capability.FREEZE_CLOCK)

    def run(self) -> None:
        """Let a frozen clock run on in real time."""
        raise NotOffered(Capability.FREEZE_CLOCK)
