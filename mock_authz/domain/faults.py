"""Faults and outages: which requests they strike. What a strike does to the wire is the edge's business."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

# The protocol's steps, by which faults are declared and the journal is read. A step covers those below it: `token`
# covers both of its grants.
STEPS: Final = (
    "metadata",
    "jwks",
    "device_authorization",
    "token",
    "token:device_code",
    "token:refresh",
    "revoke",
    "introspect",
    "license",
    "servers",
)


class FaultKind(StrEnum):
    """What a fault does to an exchange."""

    OFFLINE = "offline"
    CONNECTION_RESET = "connection_reset"
    STATUS = "status"
    LATENCY = "latency"
    EMPTY_BODY = "empty_body"
    TRUNCATED_BODY = "truncated_body"
    GARBLED_BODY = "garbled_body"
    WRONG_CONTENT_TYPE = "wrong_content_type"
    LOST_REPLY = "lost_reply"


# The server acts on the request before these spoil its answer; the others spoil the request itself.
AFTER_ACTING: Final = frozenset({
    FaultKind.EMPTY_BODY,
    FaultKind.TRUNCATED_BODY,
    FaultKind.GARBLED_BODY,
    FaultKind.WRONG_CONTENT_TYPE,
    FaultKind.LOST_REPLY,
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault rule of a sandbox, with what is left of it.

    Attributes:
        steps: the protocol steps that it strikes; empty for all.
        server_id: strikes only what this device asks; None for any.
        client_id: strikes only what this client asks; None for any.
        times: strikes this often; None for ever.
        from_at: strikes from this instant on, Unix seconds.
        until_at: strikes before this instant.
        probability: strikes with this probability, under the sandbox's seed; None for always.
        most_in_a_row: never strikes more often than this in a row.
        status: of a `status` fault.
        retry_after_seconds: its Retry-After; None for none.
        latency_milliseconds: of a `latency` fault, in real time.
        offered: how many requests it could have struck.
        struck: how many it struck.
        in_a_row: how many of the last ones.
    """

    fault_id: str
    kind: FaultKind
    steps: tuple[str, ...] = ()
    server_id: str | None = None
    client_id: str | None = None
    times: int | None = None
    from_at: int | None = None
    until_at: int | None = None
    probability: float | None = None
    most_in_a_row: int | None = None
    status: int = 503
    retry_after_seconds: int | None = None
    latency_milliseconds: int = 0
    offered: int = 0
    struck: int = 0
    in_a_row: int = 0


def is_open(fault: Fault, *, now: int) -> bool:
    """Say whether a fault may strike at this instant: within its window, and not used up."""
    begun = fault.from_at is None or now >= fault.from_at
    ended = fault.until_at is not None and now >= fault.until_at
    return begun and not ended and (fault.times is None or fault.struck < fault.times)


def concerns(fault: Fault, *, step: str, client_id: str | None, server_id: str | None) -> bool:
    """Say whether a fault is about this request."""
    covered = not fault.steps or any(step == named or step.startswith(f"{named}:") for named in fault.steps)
    return covered and fault.client_id in (None, client_id) and fault.server_id in (None, server_id)


def strike(fault: Fault, *, roll: float) -> tuple[Fault, bool]:
    """Decide whether a fault strikes a request that it is about.

    Args:
        roll: a number within [0, 1), from the sandbox's entropy.

    Returns:
        The fault with its counts, and whether it strikes.
    """
    strikes = fault.probability is None or roll < fault.probability
    if fault.most_in_a_row is not None and fault.in_a_row >= fault.most_in_a_row:
        strikes = False
    counted = replace(
        fault,
        offered=fault.offered + 1,
        struck=fault.struck + strikes,
        in_a_row=fault.in_a_row + 1 if strikes else 0,
    )
    return counted, strikes


def named(fault: Fault) -> dict[str, str]:
    """Name a fault in the journal: which it is, of what kind, and the only device that it strikes, if there is one."""
    device = {} if fault.server_id is None else {"server_id": fault.server_id}
    return {"fault_id": fault.fault_id, "kind": fault.kind.value, **device}


def is_outage(fault: Fault, *, now: int) -> bool:
    """Say whether a fault has a window in virtual time that has begun and not ended."""
    if fault.from_at is None or now < fault.from_at:
        return False
    return fault.until_at is None or now < fault.until_at
