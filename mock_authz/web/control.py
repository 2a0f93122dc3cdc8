"""The control API: sandboxes and their clocks, and the test bench of each. JSON in, JSON out; lives at the root."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from mock_authz import clock as clocks
from mock_authz.domain.refusals import Conflict
from mock_authz.instants import utc
from mock_authz.oauth.reply import YAML, Reply
from mock_authz.usecases import control, faults
from mock_authz.web.bench import BENCH
from mock_authz.web.bench.faults import shown_fault
from mock_authz.web.control_body import clock_of, creation_of, instant_of
from mock_authz.web.desk import Desk, Place, check_issuer, within
from mock_authz.web.problems import refused
from mock_authz.web.rest import Call, Routes, bare, created, listing, taking, taking_perhaps
from mock_authz.web.shown import NO_STORE, shown_clock, shown_event, shown_sandbox

# Room for a seed of 10,000 devices and more.
LARGEST_BODY: Final = 16 * 1024 * 1024
# Beside the package in a wheel, above it in a working tree.
PACKAGE: Final = Path(__file__).parents[1]
OPENAPI_FILES: Final = (PACKAGE / "openapi.yaml", PACKAGE.parent / "openapi.yaml")


def show_openapi(_: Call, desk: Desk) -> Reply:
    """Show the document that describes everything that goes over the wire."""
    del desk
    found = next(path for path in OPENAPI_FILES if path.exists())
    return Reply(200, media_type=YAML, text=found.read_text(encoding="utf-8"))


# --- sandboxes ---


def list_sandboxes(_: Call, desk: Desk) -> Reply:
    """List all sandboxes, in order of creation."""
    control.sweep(desk.store, real_at=clocks.real_now())
    return listing([shown_sandbox(found) for found in control.list_sandboxes(desk.store)], NO_STORE)


def create_sandbox(call: Call, desk: Desk) -> Reply:
    """Create a sandbox; what is left out has its default, the name included."""
    real_at = clocks.real_now()
    wanted = creation_of(call.body, issuer_of=desk.issuer_of, real_at=real_at)
    call.body.finish()
    if (refusal := check_issuer(wanted.issuer, desk)) is not None:
        return refused(refusal)
    desk.make_room(wanted.name, real_at)
    made = control.create_sandbox(
        desk.store,
        name=wanted.name,
        issuer=wanted.issuer,
        real_at=real_at,
        clock=wanted.clock,
        settings=wanted.settings,
        random_seed=wanted.random_seed,
        records=wanted.records,
        lives_seconds=wanted.lives_seconds,
    )
    return (
        refused(made)
        if isinstance(made, Conflict)
        else created(call, shown_sandbox(made), made.name, NO_STORE)
    )


def show_sandbox(_: Call, place: Place) -> Reply:
    """Show one sandbox."""
    return Reply(200, shown_sandbox(place.sandbox), NO_STORE)


def drop_sandbox(_: Call, place: Place) -> Reply:
    """Forget one sandbox, and report the faults that never struck: their tests have not tested what they meant to."""
    unstruck = [shown_fault(fault) for fault in faults.never_struck(place.context)]
    refusal = control.drop_sandbox(place.desk.store, place.sandbox.name)
    if refusal is not None:
        return refused(refusal)
    return Reply(200, {"name": place.sandbox.name, "faults_never_struck": unstruck})


# --- clocks ---


def show_clock(_: Call, place: Place) -> Reply:
    """Read the sandbox's clock."""
    return Reply(200, shown_clock(place.sandbox.clock, place.real_at))


def set_clock(call: Call, place: Place) -> Reply:
    """Set the sandbox's clock: mode, instant or both. It may go back."""
    clock = clock_of(call.body, present=place.sandbox.clock, real_at=place.real_at)
    call.body.finish()
    desk = place.desk
    events = control.set_clock(desk.store, place.sandbox.name, clock, real_at=place.real_at, enter=desk.enter)
    return Reply(
        200, {**shown_clock(clock, place.real_at), "events": [shown_event(event) for event in events]}
    )


def advance(call: Call, place: Place) -> Reply:
    """Move the sandbox's clock forward, by a duration, to an instant or to the next event; say what fell due."""
    now = place.context.now
    following = control.next_event_at(place.desk.store, place.sandbox, after=now)
    to = instant_of(call.body, now=now, following=following)
    call.body.finish()
    if to is None:
        return refused(Conflict("Nothing falls due any more.", reason="no_next_event"))
    if to < now:
        detail = "advance goes forward. To go back, set the clock."
        return refused(Conflict(detail, reason="instant_passed"))
    moved = place.sandbox.clock.moved(to=to, real_at=place.real_at)
    desk = place.desk
    events = control.set_clock(desk.store, place.sandbox.name, moved, real_at=place.real_at, enter=desk.enter)
    shown = {"now": to, "now_utc": utc(to), "events": [shown_event(event) for event in events]}
    return Reply(200, shown)


PATH: Final = "/_control/sandboxes/{sandbox}"
ROUTES: Final[Routes[Desk]] = Routes({
    "/_control/openapi.yaml": {"GET": bare(show_openapi)},
    "/_control/sandboxes": {"GET": bare(list_sandboxes), "POST": taking_perhaps(create_sandbox)},
    PATH: {"GET": bare(within(show_sandbox)), "DELETE": bare(within(drop_sandbox))},
    PATH + "/clock": {"GET": bare(within(show_clock)), "PUT": taking(within(set_clock))},
    PATH + "/clock/advance": {"POST": taking(within(advance))},
    **BENCH,
}, largest_body=LARGEST_BODY)  # fmt: skip
