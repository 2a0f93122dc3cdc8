"""The control API: sandboxes and their clocks. JSON in, JSON out; lives at the server's root."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from mock_authz import clock as clocks
from mock_authz.clock import Clock
from mock_authz.domain import user_code
from mock_authz.domain.events import Event
from mock_authz.domain.refusals import Conflict
from mock_authz.instants import utc
from mock_authz.oauth.reply import YAML, Reply
from mock_authz.sandbox import Sandbox
from mock_authz.settings import as_mapping
from mock_authz.store.port import Store
from mock_authz.usecases import control
from mock_authz.web.control_body import clock_of, creation_of, instant_of
from mock_authz.web.problems import problem, refused
from mock_authz.web.rest import Call, Routes, bare, created, listing, taking, taking_perhaps

NO_SANDBOX: Final = problem(404, "sandbox_unknown", "There is no such sandbox.")
# A sandbox shows its management token.
NO_STORE: Final = {"cache-control": "no-store"}
# Room for a seed of 10,000 devices and more.
LARGEST_BODY: Final = 16 * 1024 * 1024
# Beside the package in a wheel, above it in a working tree.
PACKAGE: Final = Path(__file__).parents[1]
OPENAPI_FILES: Final = (PACKAGE / "openapi.yaml", PACKAGE.parent / "openapi.yaml")


@dataclass(frozen=True, slots=True)
class Desk:
    """What the control API acts upon: the server's sandboxes.

    Attributes:
        issuer_of: the issuer that a new sandbox has unless told otherwise, by its name.
        http_hosts: the hosts that may have issuers of plain http: loopback, and those declared for development.
    """

    store: Store
    issuer_of: Callable[[str], str]
    http_hosts: frozenset[str]


def show_openapi(_: Call, desk: Desk) -> Reply:
    """Show the document that describes everything that goes over the wire."""
    del desk
    found = next(path for path in OPENAPI_FILES if path.exists())
    return Reply(200, media_type=YAML, text=found.read_text(encoding="utf-8"))


def list_sandboxes(_: Call, desk: Desk) -> Reply:
    """List all sandboxes, in order of creation."""
    return listing([_sandbox(found) for found in control.list_sandboxes(desk.store)], NO_STORE)


def create_sandbox(call: Call, desk: Desk) -> Reply:
    """Create a sandbox; what is left out has its default, the name included."""
    real_at = clocks.real_now()
    wanted = creation_of(call.body, issuer_of=desk.issuer_of, real_at=real_at)
    call.body.finish()
    parts = urlsplit(wanted.issuer)
    # Deviation: http issuers on loopback or on hosts declared for development (protocol.md, "Endpoints").
    if parts.scheme == "http" and parts.hostname not in desk.http_hosts:
        detail = "An http issuer needs a loopback host, or one that the server was told to answer to."
        return refused(Conflict(detail, reason="issuer_not_allowed"))
    made = control.create_sandbox(
        desk.store,
        name=wanted.name,
        issuer=wanted.issuer,
        real_at=real_at,
        clock=wanted.clock,
        settings=wanted.settings,
        random_seed=wanted.random_seed,
        records=wanted.records,
    )
    return refused(made) if isinstance(made, Conflict) else created(call, _sandbox(made), made.name, NO_STORE)


def show_sandbox(call: Call, desk: Desk) -> Reply:
    """Show one sandbox."""
    sandbox = control.find_sandbox(desk.store, call.params["sandbox"])
    return NO_SANDBOX if sandbox is None else Reply(200, _sandbox(sandbox), NO_STORE)


def drop_sandbox(call: Call, desk: Desk) -> Reply:
    """Forget one sandbox."""
    name = call.params["sandbox"]
    if control.find_sandbox(desk.store, name) is None:
        return NO_SANDBOX
    refusal = control.drop_sandbox(desk.store, name)
    return Reply(204) if refusal is None else refused(refusal)


def show_clock(call: Call, desk: Desk) -> Reply:
    """Read one sandbox's clock."""
    sandbox = control.find_sandbox(desk.store, call.params["sandbox"])
    return NO_SANDBOX if sandbox is None else Reply(200, _clock(sandbox.clock, clocks.real_now()))


def set_clock(call: Call, desk: Desk) -> Reply:
    """Set one sandbox's clock: mode, instant or both."""
    sandbox = control.find_sandbox(desk.store, call.params["sandbox"])
    if sandbox is None:
        return NO_SANDBOX
    real_at = clocks.real_now()
    clock = clock_of(call.body, present=sandbox.clock, real_at=real_at)
    call.body.finish()
    control.set_clock(desk.store, sandbox.name, clock, real_at=real_at)
    return Reply(200, _clock(clock, real_at))


def advance(call: Call, desk: Desk) -> Reply:
    """Move one sandbox's clock forward, by a duration or to an instant, and say what fell due on the way."""
    sandbox = control.find_sandbox(desk.store, call.params["sandbox"])
    if sandbox is None:
        return NO_SANDBOX
    real_at = clocks.real_now()
    now = sandbox.clock.now(real_at)
    to = instant_of(call.body, now=now)
    call.body.finish()
    if to < now:
        detail = "advance goes forward. To go back, set the clock."
        return refused(Conflict(detail, reason="instant_passed"))
    moved = sandbox.clock.moved(to=to, real_at=real_at)
    events = control.set_clock(desk.store, sandbox.name, moved, real_at=real_at)
    shown = {"now": to, "now_utc": utc(to), "events": [_event(event) for event in events]}
    return Reply(200, shown)


ROUTES: Final[Routes[Desk]] = Routes({
    "/_control/openapi.yaml": {"GET": bare(show_openapi)},
    "/_control/sandboxes": {"GET": bare(list_sandboxes), "POST": taking_perhaps(create_sandbox)},
    "/_control/sandboxes/{sandbox}": {"GET": bare(show_sandbox), "DELETE": bare(drop_sandbox)},
    "/_control/sandboxes/{sandbox}/clock": {"GET": bare(show_clock), "PUT": taking(set_clock)},
    "/_control/sandboxes/{sandbox}/clock/advance": {"POST": taking(advance)},
}, largest_body=LARGEST_BODY)  # fmt: skip


def _sandbox(sandbox: Sandbox) -> dict[str, Any]:
    return {
        "name": sandbox.name,
        "issuer": sandbox.issuer,
        "clock": _clock(sandbox.clock, clocks.real_now()),
        "settings": as_mapping(sandbox.settings),
        "management_token": sandbox.management_token,
        "created_at_real": sandbox.created_real_at,
    }


def _clock(clock: Clock, real_at: float) -> dict[str, Any]:
    now = clock.now(real_at)
    return {"mode": clock.mode, "now": now, "now_utc": utc(now)}


def _event(event: Event) -> dict[str, Any]:
    shown = {"at": event.at, "type": event.type, **event.subject}
    if "user_code" in shown:
        shown["user_code"] = user_code.display(str(shown["user_code"]))
    return shown
