"""How the control API shows a sandbox, its clock, and what happened in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from mock_authz import clock as clocks
from mock_authz.clock import Clock
from mock_authz.domain import user_code
from mock_authz.domain.events import Event
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
        "expires_at_real": sandbox.expires_real_at,
    }


def shown_clock(clock: Clock, real_at: float) -> dict[str, Any]:
    """Show a clock at one instant of the wall clock."""
    now = clock.now(real_at)
    return {"mode": clock.mode, "now": now, "now_utc": utc(now)}


def shown_event(event: Event) -> dict[str, Any]:
    """Show what happened, on one level."""
    return _with_code_as_seen({"at": event.at, "type": event.type, **event.subject})


def shown_subject(subject: Mapping[str, Any]) -> dict[str, Any]:
    """Show what an event happened to."""
    return _with_code_as_seen(dict(subject))


def _with_code_as_seen(shown: dict[str, Any]) -> dict[str, Any]:
    """Spell a user code as its client and people see it."""
    if shown.get("user_code"):
        shown["user_code"] = user_code.display(str(shown["user_code"]))
    return shown
