"""A clock that a command moves: the command sets it to an instant, from which it ticks on."""

from __future__ import annotations

from datetime import UTC, datetime

from authz_conformance import real_time
from authz_conformance.catalogue import Capability
from authz_conformance.clocks.port import Clock
from authz_conformance.targets.commands import Command

PLACEHOLDERS = ("instant", "instant_utc")


class ByCommandClock(Clock):
    """Moves the target's clock by a command."""

    name = "command"
    shared = True

    def __init__(self, command: Command, *, moves_back: bool) -> None:
        self._command, self._moves_back = command, moves_back
        self._offset = 0.0

    @property
    def offers(self) -> frozenset[Capability]:
        """Forward, and back where that is declared."""
        back = {Capability.MOVE_CLOCK_BACK} if self._moves_back else set()
        return frozenset({Capability.ADVANCE_CLOCK, *back})

    def now(self) -> float:
        """Tell the target's time, from where it was set and the real time since."""
        return real_time.now() + self._offset

    def move_to(self, instant: int) -> None:
        """Run the command."""
        utc = datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._command.run({"instant": instant, "instant_utc": utc})
        self._offset = instant - real_time.now()
