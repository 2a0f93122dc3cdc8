"""Faults of a sandbox: declared, listed, removed, and asked at each exchange whether one strikes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from mock_authz.domain import faults
from mock_authz.domain.events import EventType
from mock_authz.domain.faults import Fault
from mock_authz.domain.refusals import NotFound
from mock_authz.usecases.context import Context, Transaction

NO_FAULT = NotFound("There is no such fault.")


@dataclass(frozen=True, slots=True)
class Exchanged:
    """What a request is about, for faults that look at it.

    Attributes:
        client_id: finds the client that asks; called only if a fault wants to know. Likewise `server_id`, the device.
    """

    step: str
    client_id: Callable[[], str | None]
    server_id: Callable[[], str | None]


def add_fault(context: Context, fault: Fault) -> Fault:
    """Declare a fault; its id is derived here. One whose window has begun is an outage from now on."""

    def work(transaction: Transaction) -> Fault:
        made = replace(fault, fault_id=transaction.new_id("fault"))
        transaction.put(made)
        if faults.is_outage(made, now=context.now):
            transaction.emit(EventType.OUTAGE_BEGAN, **faults.named(made))
        return made

    return context.transact(work)


def list_faults(context: Context) -> list[Fault]:
    """List the faults of the sandbox, those that are used up or over too, in order of creation."""
    return [stored.record for stored in context.store.every(context.sandbox.name, Fault)]


def find_fault(context: Context, fault_id: str) -> Fault | NotFound:
    """Load one fault."""
    stored = context.store.get(context.sandbox.name, Fault, fault_id)
    return NO_FAULT if stored is None else stored.record


def remove_fault(context: Context, fault_id: str) -> Fault | NotFound:
    """Remove one fault, and show what it did. An outage that goes on ends with it."""

    def work(transaction: Transaction) -> Fault | NotFound:
        fault = transaction.get(Fault, fault_id)
        if fault is None:
            return NO_FAULT
        transaction.delete(Fault, fault_id)
        if faults.is_outage(fault, now=context.now):
            transaction.emit(EventType.OUTAGE_ENDED, **faults.named(fault))
        return fault

    return context.transact(work)


def clear_faults(context: Context) -> list[Fault]:
    """Remove all faults, and show what they did."""
    removed = (remove_fault(context, fault.fault_id) for fault in list_faults(context))
    return [fault for fault in removed if isinstance(fault, Fault)]


def never_struck(context: Context) -> list[Fault]:
    """List the faults that never struck: a test that declared one has not tested what it meant to."""
    return [fault for fault in list_faults(context) if fault.struck == 0]


def strike(context: Context, exchanged: Exchanged) -> list[Fault]:
    """Say which faults strike this exchange: every latency, and the first of the others."""
    if not any(faults.is_open(fault, now=context.now) for fault in list_faults(context)):
        return []

    def work(transaction: Transaction) -> list[Fault]:
        striking: list[Fault] = []
        for listed in transaction.every(Fault):
            is_latency = listed.kind is faults.FaultKind.LATENCY
            is_taken = any(fault.kind is not faults.FaultKind.LATENCY for fault in striking)
            if (is_taken and not is_latency) or not _is_about(context, listed, exchanged):
                continue
            fault = transaction.get(Fault, listed.fault_id) or listed
            roll = context.entropy.roll("fault", fault.fault_id, fault.offered)
            counted, strikes = faults.strike(fault, roll=roll)
            transaction.put(counted)
            if strikes:
                striking.append(counted)
                transaction.emit(
                    EventType.FAULT_STRUCK,
                    fault_id=fault.fault_id,
                    kind=fault.kind.value,
                    step=exchanged.step,
                )
        return striking

    return context.transact(work)


def _is_about(context: Context, fault: Fault, exchanged: Exchanged) -> bool:
    if not faults.is_open(fault, now=context.now):
        return False
    client_id = None if fault.client_id is None else exchanged.client_id()
    server_id = None if fault.server_id is None else exchanged.server_id()
    return faults.concerns(fault, step=exchanged.step, client_id=client_id, server_id=server_id)
