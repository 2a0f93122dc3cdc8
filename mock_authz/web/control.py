"""The control API: sandboxes and their clocks. JSON in, JSON out; lives at the server's root."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from mock_authz import clock as clocks
from mock_authz.clock import Clock, ClockMode
from mock_authz.domain.events import Event
from mock_authz.domain.refusals import Conflict
from mock_authz.entropy import fresh_seed
from mock_authz.instants import UnreadableTimeError, add_duration, utc
from mock_authz.oauth.reply import Reply
from mock_authz.sandbox import NAME_PATTERN, Sandbox
from mock_authz.settings import Settings, SettingsError, as_mapping, change
from mock_authz.store.port import Store
from mock_authz.usecases import control
from mock_authz.web.problems import problem, refused
from mock_authz.web.rest import Body, Call, Routes

NO_SANDBOX: Final = problem(404, "sandbox-unknown", "There is no such sandbox.")
AN_ISSUER: Final = "an absolute http or https URL without query, fragment or trailing slash"
ISSUER_PATTERN: Final = r"https?://[A-Za-z0-9.\-\[\]:]+(/[A-Za-z0-9._~/\-]*[A-Za-z0-9._~\-])?"


@dataclass(frozen=True, slots=True)
class Desk:
    """What the control API acts upon: the server's sandboxes, and the issuer that a new one has unless told otherwise."""

    store: Store
    issuer_of: Callable[[str], str]


def list_sandboxes(_: Call, desk: Desk) -> Reply:
    """List all sandboxes, in order of creation."""
    return Reply(200, {"sandboxes": [_sandbox(found) for found in control.list_sandboxes(desk.store)]})


def create_sandbox(call: Call, desk: Desk) -> Reply:
    """Create a sandbox; what is left out has its default, the name included."""
    body, real_at = call.body, clocks.real_now()
    name = body.text("name", default=f"sandbox-{fresh_seed()[:5].hex()}")
    if not re.fullmatch(NAME_PATTERN, name):
        body.fault("name", "must be lower-case letters, digits and hyphens, 63 at most")
    issuer = body.text("issuer", default=desk.issuer_of(name))
    if not re.fullmatch(ISSUER_PATTERN, issuer):
        body.fault("issuer", f"must be {AN_ISSUER}")
    clock = _read_clock(body, real_at)
    settings = _read_settings(body)
    random_seed = body.optional_text("random_seed")
    body.finish()
    created = control.create_sandbox(
        desk.store,
        name=name,
        issuer=issuer,
        real_at=real_at,
        clock=clock,
        settings=settings,
        random_seed=random_seed,
    )
    if isinstance(created, Conflict):
        return refused(created)
    return Reply(201, _sandbox(created), {"location": f"/_control/sandboxes/{name}"})


def show_sandbox(call: Call, desk: Desk) -> Reply:
    """Show one sandbox."""
    sandbox = control.find_sandbox(desk.store, call.params["name"])
    return NO_SANDBOX if sandbox is None else Reply(200, _sandbox(sandbox))


def drop_sandbox(call: Call, desk: Desk) -> Reply:
    """Forget one sandbox."""
    name = call.params["name"]
    if control.find_sandbox(desk.store, name) is None:
        return NO_SANDBOX
    refusal = control.drop_sandbox(desk.store, name)
    return Reply(204) if refusal is None else refused(refusal)


def show_clock(call: Call, desk: Desk) -> Reply:
    """Read one sandbox's clock."""
    sandbox = control.find_sandbox(desk.store, call.params["name"])
    return NO_SANDBOX if sandbox is None else Reply(200, _clock(sandbox.clock, clocks.real_now()))


def set_clock(call: Call, desk: Desk) -> Reply:
    """Set one sandbox's clock: mode, instant or both."""
    sandbox = control.find_sandbox(desk.store, call.params["name"])
    if sandbox is None:
        return NO_SANDBOX
    real_at = clocks.real_now()
    clock = _clock_of(call.body, sandbox.clock, real_at)
    call.body.finish()
    control.set_clock(desk.store, sandbox.name, clock, real_at=real_at)
    return Reply(200, _clock(clock, real_at))


def advance(call: Call, desk: Desk) -> Reply:
    """Move one sandbox's clock by a duration or to an instant, and say what fell due on the way."""
    sandbox = control.find_sandbox(desk.store, call.params["name"])
    if sandbox is None:
        return NO_SANDBOX
    real_at = clocks.real_now()
    to = _read_advance(call.body, sandbox.clock.now(real_at))
    call.body.finish()
    moved = sandbox.clock.moved(to=to, real_at=real_at)
    events = control.set_clock(desk.store, sandbox.name, moved, real_at=real_at)
    return Reply(200, {**_clock(moved, real_at), "events": [_event(event) for event in events]})


ROUTES: Final[Routes[Desk]] = Routes({
    "/_control/sandboxes": {"GET": list_sandboxes, "POST": create_sandbox},
    "/_control/sandboxes/{name}": {"GET": show_sandbox, "DELETE": drop_sandbox},
    "/_control/sandboxes/{name}/clock": {"GET": show_clock, "PUT": set_clock},
    "/_control/sandboxes/{name}/clock/advance": {"POST": advance},
})  # fmt: skip


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
    return {"at": event.at, "type": event.type, **event.subject}


def _read_settings(body: Body) -> Settings:
    given = body.value("settings", object, "a preset's name or an object", default={})
    wanted = {"preset": given} if isinstance(given, str) else given
    if not isinstance(wanted, dict):
        body.fault("settings", "must be a preset's name or an object")
        return Settings()
    try:
        return change(Settings(), wanted)
    except SettingsError as error:
        body.fault("settings" if isinstance(given, str) else f"settings/{error.name}", str(error))
        return Settings()


def _read_clock(body: Body, real_at: float) -> Clock:
    if not body.has("clock"):
        return Clock()
    inner = Body(body.value("clock", dict, "an object"))
    clock = _clock_of(inner, Clock(), real_at)
    body.adopt("clock", inner)
    return clock


def _clock_of(body: Body, present: Clock, real_at: float) -> Clock:
    """Read `mode`, `now` and `offset` of a clock; what is left out stays as it is."""
    mode = body.choice("mode", ClockMode)
    to = body.optional_instant("now")
    offset = body.optional_text("offset")
    if to is not None and offset is not None:
        body.fault("offset", "goes without now: give one of them")
    if mode is ClockMode.REAL:
        if to is not None or offset is not None:
            body.fault("mode", "a real clock takes neither now nor offset")
        return Clock()
    if offset is not None:
        try:
            to = add_duration(int(real_at // 1), offset)
        except UnreadableTimeError as error:
            body.fault("offset", str(error))
    return Clock(mode, real_at, float(present.now(real_at) if to is None else to))


def _read_advance(body: Body, now: int) -> int:
    by = body.optional_text("by")
    to = body.optional_instant("to")
    if (by is None) == (to is None):
        body.fault("by", "give either by, a duration, or to, an instant")
    elif isinstance(by, str):
        try:
            return add_duration(now, by)
        except UnreadableTimeError as error:
            body.fault("by", str(error))
    return now if to is None else to
