"""The test bench over HTTP: scripted humans, faults, quirks, snapshots, the journal. Everything belongs to one sandbox."""

from __future__ import annotations

from typing import Final

from mock_authz.web.bench import faults, humans, journal, quirks, snapshots, timeline
from mock_authz.web.desk import Desk
from mock_authz.web.rest import Operation

BENCH: Final[dict[str, dict[str, Operation[Desk]]]] = {
    **humans.ROUTES,
    **faults.ROUTES,
    **quirks.ROUTES,
    **snapshots.ROUTES,
    **journal.ROUTES,
    **timeline.ROUTES,
}
