"""What the forms of the test bench page do: each calls the handler that the control or management API has for it.

So the page can do nothing that the APIs cannot, checks nothing by itself, and is refused in the same words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request

from mock_authz.clock import ClockMode
from mock_authz.domain.organization import Administrator, Device
from mock_authz.instants import UnreadableTimeError, add_duration, parse_instant
from mock_authz.oauth.reply import Reply
from mock_authz.usecases.listing import find_record, list_records
from mock_authz.web import control
from mock_authz.web.bench import faults, humans, quirks, snapshots
from mock_authz.web.body import Body, InvalidBodyError
from mock_authz.web.desk import Place
from mock_authz.web.management import authorizations, devices
from mock_authz.web.problems import problem, unprocessable
from mock_authz.web.rest import Call

BAD_STATUS: Final = 400
# As the page shows instants, and as people write them.
WRITTEN: Final = re.compile(r"(\d{4}-\d{2}-\d{2})[ Tt](\d{2}:\d{2})(:\d{2})?( ?UTC|[Zz])?")
A_DURATION: Final = re.compile(r"[+-]?P.*", re.IGNORECASE)
NEXT_EVENT: Final = "next_event"


@dataclass(frozen=True, slots=True)
class Order:
    """A form that was sent, and the sandbox that it is for."""

    request: Request
    place: Place
    form: Mapping[str, str]

    def call(self, body: Mapping[str, Any] | None = None, **params: str) -> Call:
        """Make the call to an API that the form stands for."""
        return Call(self.request, params, {}, Body(body or {}))

    def text(self, name: str) -> str:
        """Give a value, empty if there is none."""
        return self.form.get(name, "").strip()


def refusal_of(reply: Reply) -> str | None:
    """Say in words what was refused; None if nothing was."""
    if reply.status < BAD_STATUS:
        return None
    members = reply.members or {}
    details = [str(error["detail"]) for error in members.get("errors", ())]
    return " ".join(details or [str(members.get("detail", "It was refused."))])


def carry_out(action: Action, order: Order) -> str | None:
    """Do what a form asks for.

    Returns:
        What was refused, in words; None if it was done.
    """
    try:
        return refusal_of(action(order))
    except InvalidBodyError as error:
        return refusal_of(unprocessable(error.errors))
    except UnreadableTimeError as error:
        return f"{str(error)[:1].upper()}{str(error)[1:]}."


Action = Callable[[Order], Reply]


# --- time ---


def move(order: Order) -> Reply:
    """Move the clock: by a duration, forward or back; to an instant; to the next event."""
    to = order.text("to")
    if not to:
        return problem(422, "unprocessable", "Say where to: P30D, PT12H, 2027-01-31, 2027-01-31 08:00 UTC.")
    now = order.place.context.now
    if to == NEXT_EVENT:
        return control.advance(order.call({"to": NEXT_EVENT}), order.place)
    if A_DURATION.fullmatch(to) and not to.startswith("-"):
        return control.advance(order.call({"by": to.removeprefix("+").upper()}), order.place)
    at = _instant(to, now=now)
    if at >= now:
        return control.advance(order.call({"to": at}), order.place)
    mode = order.place.sandbox.clock.mode
    running = ClockMode.FROZEN if mode is ClockMode.FROZEN else ClockMode.OFFSET
    return control.set_clock(order.call({"mode": running.value, "now": at}), order.place)


def set_mode(order: Order) -> Reply:
    """Freeze the clock, let it tick on from where it stands, or put it back to real time."""
    return control.set_clock(order.call({"mode": order.text("mode")}), order.place)


def _instant(text: str, *, now: int) -> int:
    """Read an instant, or a duration from now.

    Raises:
        UnreadableTimeError: it is neither.
    """
    if A_DURATION.fullmatch(text):
        return add_duration(now, text.removeprefix("+").upper())
    written = WRITTEN.fullmatch(text)
    if written is not None:
        date, minutes, seconds, _ = written.groups()
        text = f"{date}T{minutes}{seconds or ':00'}Z"
    return parse_instant(int(text) if text.isdecimal() and len(text) > len("2027") else text)


# --- devices and user codes ---


def renew(order: Order) -> Reply:
    """Set a device's renewal date, or remove it."""
    text = order.text("renewal_at")
    if order.text("without_date"):
        renewal_at: int | None = None
    elif not text:
        return problem(422, "unprocessable", "Say the new renewal date: P1Y from now, or 2027-01-31.")
    else:
        renewal_at = _instant(text, now=order.place.context.now)
    return devices.renew(_of_device(order, {"renewal_at": renewal_at}), order.place.context)


def revoke(order: Order) -> Reply:
    """End a device's license."""
    return devices.revoke(_of_device(order), order.place.context)


def disable(order: Order) -> Reply:
    """Disable a device."""
    return devices.disable(_of_device(order), order.place.context)


def enable(order: Order) -> Reply:
    """Enable a device."""
    return devices.enable(_of_device(order), order.place.context)


def _of_device(order: Order, body: Mapping[str, Any] | None = None) -> Call:
    return order.call(body, server_id=order.text("server_id"))


def approve(order: Order) -> Reply:
    """Approve a user code, in the name of the first administrator who manages the device."""
    server_id = order.text("server_id")
    device = find_record(order.place.context, Device, server_id)
    if device is None:
        return problem(422, "unprocessable", "Choose the device to license.")
    who = _administrator(order.place, device.organization_id)
    call = order.call({"server_id": server_id, "administrator": who}, user_code=order.text("user_code"))
    return authorizations.approve(call, order.place.context)


def deny(order: Order) -> Reply:
    """Deny a user code, in the name of the first administrator."""
    call = order.call({"administrator": _administrator(order.place, None)}, user_code=order.text("user_code"))
    return authorizations.deny(call, order.place.context)


def _administrator(place: Place, organization_id: str | None) -> str:
    """Choose in whose name; nobody's name is refused like anybody's who may not."""
    for person in list_records(place.context, Administrator):
        if organization_id is None or organization_id in person.organizations:
            return person.username
    return "nobody"


# --- scripted humans, faults, quirks, snapshots ---


def add_human(order: Order) -> Reply:
    """Script a human."""
    body: dict[str, Any] = {"act": order.text("act")}
    if order.text("server_id"):
        body["server_id"] = order.text("server_id")
    if order.text("after_polls"):
        body["after_polls"] = _number(order.text("after_polls"))
    if order.text("at"):
        body["at"] = _instant(order.text("at"), now=order.place.context.now)
    return humans.add_human(order.call(body), order.place)


def remove_human(order: Order) -> Reply:
    """Remove a scripted human."""
    return humans.remove_human(order.call(human_id=order.text("human_id")), order.place)


def add_fault(order: Order) -> Reply:
    """Declare a fault; without a beginning it begins now, so that the timeline shows it."""
    now = order.place.context.now
    begins_at = _instant(order.text("from_at"), now=now) if order.text("from_at") else now
    body: dict[str, Any] = {"kind": order.text("kind"), "from_at": begins_at}
    if order.text("until_at"):
        # A duration is how long it lasts.
        body["until_at"] = _instant(order.text("until_at"), now=begins_at)
    if order.text("step"):
        body["steps"] = [order.text("step")]
    if order.text("server_id"):
        body["server_id"] = order.text("server_id")
    for name in ("times", "most_in_a_row", "status", "retry_after_seconds", "latency_milliseconds"):
        if order.text(name):
            body[name] = _number(order.text(name))
    if order.text("probability"):
        percent = _number(order.text("probability"))
        body["probability"] = percent / 100 if isinstance(percent, int) else percent
    return faults.add_fault(order.call(body), order.place)


def remove_fault(order: Order) -> Reply:
    """Remove a fault."""
    return faults.remove_fault(order.call(fault_id=order.text("fault_id")), order.place)


def clear_faults(order: Order) -> Reply:
    """Remove all faults."""
    return faults.clear_faults(order.call(), order.place)


def toggle_quirk(order: Order) -> Reply:
    """Give the sandbox a quirk that it does not have, or take one away."""
    name = order.text("quirk")
    present = order.place.sandbox.quirks
    left = [one for one in present if one != name]
    return quirks.set_quirks(order.call({"quirks": left if name in present else [*left, name]}), order.place)


def take_snapshot(order: Order) -> Reply:
    """Take a snapshot."""
    name = order.text("name")
    return snapshots.take(order.call({"name": name} if name else None), order.place)


def restore_snapshot(order: Order) -> Reply:
    """Put the sandbox back to a snapshot."""
    return snapshots.restore(order.call(snapshot=order.text("snapshot")), order.place)


def drop_snapshot(order: Order) -> Reply:
    """Forget a snapshot."""
    return snapshots.drop(order.call(snapshot=order.text("snapshot")), order.place)


def _number(text: str) -> int | str:
    """Read a whole number; what is none is refused by whoever gets it."""
    return int(text) if text.isdecimal() and text.isascii() and len(text) < len("10000000000") else text


@dataclass(frozen=True, slots=True)
class Button:
    """A form of the page.

    Attributes:
        section: where on the page it stands, and the answer leads back to.
        done: what the page says afterwards.
    """

    act: Action
    section: str
    done: str


BUTTONS: Final[dict[str, Button]] = {
    "move": Button(move, "time", "The clock has moved."),
    "mode": Button(set_mode, "time", "The clock is set."),
    "renew": Button(renew, "devices", "The renewal date is set."),
    "revoke": Button(revoke, "devices", "The license is revoked."),
    "disable": Button(disable, "devices", "The device is disabled."),
    "enable": Button(enable, "devices", "The device is enabled."),
    "approve": Button(
        approve, "codes", "The user code is approved. The device gets its license when it polls."
    ),
    "deny": Button(deny, "codes", "The user code is denied."),
    "add-human": Button(add_human, "humans", "The scripted human is ready."),
    "remove-human": Button(remove_human, "humans", "The scripted human is removed."),
    "add-fault": Button(add_fault, "faults", "The fault is on."),
    "remove-fault": Button(remove_fault, "faults", "The fault is off."),
    "clear-faults": Button(clear_faults, "faults", "All faults are off."),
    "quirk": Button(toggle_quirk, "quirks", "The quirks are changed."),
    "take-snapshot": Button(take_snapshot, "snapshots", "The snapshot is taken."),
    "restore-snapshot": Button(restore_snapshot, "snapshots", "The sandbox is back at the snapshot."),
    "drop-snapshot": Button(drop_snapshot, "snapshots", "The snapshot is deleted."),
}
