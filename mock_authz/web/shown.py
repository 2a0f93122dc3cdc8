"""How the control API shows a sandbox and its clock."""

from __future__ import annotations

from typing import Any, Final

from mock_authz import clock as clocks
from mock_authz.clock import Clock
from mock_authz.instants import utc
from mock_authz.sandbox import Sandbox
from mock_authz.settings import as_mapping

# A sandbox shows its management token.
NO_STORE: Final = {"cache-control": "no-store"}


def shown_sandbox(sandbox: Sandbox) -> dict[str, Any]:
    """Show a sandbox, with the token of its management API."""
    return {
        "name": sandbox.name,
        "issuer": sandbox.issuer,
        "clock": shown_clock(sandbox.clock, clocks.real_now()),
        "settings": as_mapping(sandbox.settings),
        "management_token": sandbox.management_token,
        "created_at_real": sandbox.created_real_at,
    }


def shown_clock(clock: Clock, real_at: float) -> dict[str, Any]:
    """Show a clock at one instant of the wall clock."""
    now = clock.now(real_at)
    return {"mode": clock.mode, "now": now, "now_utc": utc(now)}
