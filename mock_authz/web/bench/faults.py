"""Faults and outages: declared, listed with what they did, removed."""

from __future__ import annotations

from typing import Any, Final

from mock_authz.domain.faults import STEPS, Fault, FaultKind
from mock_authz.oauth.reply import Reply
from mock_authz.store import codec
from mock_authz.usecases import faults
from mock_authz.web.body import Body
from mock_authz.web.desk import Desk, Place, within
from mock_authz.web.problems import refused
from mock_authz.web.rest import Call, Operation, bare, created, listing, taking

MOST_TIMES: Final = 1_000_000
LONGEST_LATENCY_MILLISECONDS: Final = 60_000
LONGEST_RETRY_AFTER_SECONDS: Final = 365 * 24 * 3600
STEP_PATTERN: Final = "|".join(STEPS)
# What a member is for, where it is not for all kinds.
ONLY_FOR: Final = {
    "status": FaultKind.STATUS,
    "retry_after_seconds": FaultKind.STATUS,
    "latency_milliseconds": FaultKind.LATENCY,
}


def add_fault(call: Call, place: Place) -> Reply:
    """Declare a fault."""
    fault = _read_fault(call.body)
    call.body.finish()
    made = faults.add_fault(place.context, fault)
    return created(call, shown_fault(made), made.fault_id)


def _read_fault(body: Body) -> Fault:
    kind = body.choice("kind", FaultKind)
    for name, only in ONLY_FOR.items():
        if body.has(name) and kind is not only:
            body.fault(f"{name} is for the kind {only} only.", name)
    if kind is FaultKind.LATENCY and not body.has("latency_milliseconds"):
        body.fault("latency_milliseconds is missing: how long it takes.")
    fault = Fault(
        fault_id="",
        kind=kind,
        steps=body.optional(
            "steps", lambda name: body.texts(name, pattern=STEP_PATTERN, says=f"one of {', '.join(STEPS)}")
        )
        or (),
        server_id=body.nullable("server_id", body.identifier),
        client_id=body.nullable("client_id", body.identifier),
        times=body.nullable("times", lambda name: body.integer(name, least=1, most=MOST_TIMES)),
        from_at=body.nullable("from_at", body.instant),
        until_at=body.nullable("until_at", body.instant),
        probability=body.nullable("probability", lambda name: body.number(name, least=0, most=1)),
        most_in_a_row=body.nullable(
            "most_in_a_row", lambda name: body.integer(name, least=1, most=MOST_TIMES)
        ),
        status=body.optional("status", lambda name: body.integer(name, least=400, most=599)) or 503,
        retry_after_seconds=body.nullable(
            "retry_after_seconds", lambda name: body.integer(name, least=0, most=LONGEST_RETRY_AFTER_SECONDS)
        ),
        latency_milliseconds=body.optional(
            "latency_milliseconds",
            lambda name: body.integer(name, least=1, most=LONGEST_LATENCY_MILLISECONDS),
        )
        or 0,
    )
    if fault.from_at is not None and fault.until_at is not None and fault.until_at <= fault.from_at:
        body.fault("until_at must be later than from_at.", "until_at")
    return fault


def list_faults(_: Call, place: Place) -> Reply:
    """List all faults, those that are used up or over too."""
    return listing([shown_fault(fault) for fault in faults.list_faults(place.context)])


def show_fault(call: Call, place: Place) -> Reply:
    """Show one fault, with what it did."""
    found = faults.find_fault(place.context, call.params["fault_id"])
    return Reply(200, shown_fault(found)) if isinstance(found, Fault) else refused(found)


def remove_fault(call: Call, place: Place) -> Reply:
    """Remove one fault, and show what it did."""
    removed = faults.remove_fault(place.context, call.params["fault_id"])
    return Reply(200, shown_fault(removed)) if isinstance(removed, Fault) else refused(removed)


def clear_faults(_: Call, place: Place) -> Reply:
    """Remove all faults, and show what they did."""
    return listing([shown_fault(fault) for fault in faults.clear_faults(place.context)])


def shown_fault(fault: Fault) -> dict[str, Any]:
    """Show a fault, with what it did; of its members those that its kind has."""
    encoded: dict[str, Any] = codec.encode(fault)
    return {name: value for name, value in encoded.items() if ONLY_FOR.get(name, fault.kind) is fault.kind}


PATH: Final = "/_control/sandboxes/{sandbox}/faults"
ROUTES: Final[dict[str, dict[str, Operation[Desk]]]] = {
    PATH: {
        "GET": bare(within(list_faults)),
        "POST": taking(within(add_fault)),
        "DELETE": bare(within(clear_faults)),
    },
    PATH + "/{fault_id}": {"GET": bare(within(show_fault)), "DELETE": bare(within(remove_fault))},
}
