"""The clock of a sandbox, through the control API. It stands still unless a rule lets it run, so bounds are exact."""

from __future__ import annotations

from authz_conformance.catalogue import Capability
from authz_conformance.clocks.port import Clock
from authz_conformance.targets.admin_api import AdminApi


class ControlClock(Clock):
    """Moves the clock of one sandbox.

    Args:
        api: The control API, at the sandbox.
        instant: Where the clock was frozen when the sandbox was created.
    """

    name = "control"
    shared = False
    offers = frozenset({Capability.ADVANCE_CLOCK, Capability.MOVE_CLOCK_BACK, Capability.FREEZE_CLOCK})

    def __init__(self, api: AdminApi, instant: int) -> None:
        self._api = api
        self._frozen_at: int | None = instant

    @property
    def ticks(self) -> bool:
        """Only where a rule lets it run."""
        return self._frozen_at is None

    def now(self) -> float:
        """Tell the sandbox's time."""
        if self._frozen_at is not None:
            return self._frozen_at
        return float(self._api.get("/clock")["now"])

    def move_to(self, instant: int) -> None:
        """Move forward or back; a running clock runs on from there."""
        frozen = self._frozen_at is not None
        self._api.put("/clock", {"mode": "frozen" if frozen else "offset", "now": instant})
        if frozen:
            self._frozen_at = instant

    def freeze(self) -> None:
        """Make it stand still."""
        self._frozen_at = int(self._api.put("/clock", {"mode": "frozen"})["now"])

    def run(self) -> None:
        """Let it run in real time."""
        self._api.put("/clock", {"mode": "offset"})
        self._frozen_at = None
