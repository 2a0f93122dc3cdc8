"""The client's side of the license protocol, sans I/O: what to send next, and what a reply means.

Owns the order of requests of each errand and every decision about the license. It is pure: clocks, entropy (as
`jitter`), replies and the stored record are arguments; a `Machine` is a value and each step gives a new one.

A driver loops: `time_passed`, `next_action`; on `Send` it performs the request and calls `receive`; on `Wait` it
sleeps; on `Done` it reports. After each step that changes `Machine.state` it stores that durably before going on.
"""

from dataclasses import dataclass, replace
from math import inf

from authz_client import polling, refreshing, state, wire
from authz_client.effective_time import Now, effective_time
from authz_client.machine import (
    GATES,
    Action,
    Config,
    Done,
    Machine,
    Send,
    Session,
    Step,
    Task,
    Wait,
    first_refreshing_step,
    is_polled,
    observe,
    toward,
)
from authz_client.outcome import Kind, Outcome
from authz_client.receiving import HANDLERS, Received, poll_refused
from authz_client.refreshing import Attempt
from authz_client.state import License, Phase, Refusal, State


@dataclass(frozen=True)
class Due:
    """What the client does by itself next, and in how many seconds; no task, if nothing will ever be due."""

    task: Task | None
    seconds: float


def begin(
    task: Task, *, config: Config, stored: State, session: Session, now: Now, start_over: bool = False
) -> Machine:
    """Begin an errand, or say at once why not. It may change the state: a removal needs no connection.

    Args:
        task: The errand.
        config: Whose client this is.
        stored: The durable record.
        session: What this process remembers.
        now: Both clocks.
        start_over: For `Task.ACQUIRE`: ask for a new user_code although one is still good.
    """
    step = Step.METADATA
    machine = Machine(config, stored, observe(session, stored, now=now), task, step)
    refusal = GATES[task][stored.phase]
    if refusal is not None:
        reason = stored.ending.reason if stored.ending else None
        return replace(machine, outcome=Outcome(refusal, reason=reason))
    if task is Task.ACQUIRE:
        return _begin_acquiring(machine, now=now, start_over=start_over)
    if task is Task.COMPLETE:
        return _begin_polling(machine, now=now)
    if stored.license is not None and task in {Task.REFRESH, Task.KEEP}:
        return _begin_refreshing(machine, stored.license, now=now)
    if task is Task.REMOVE:
        machine = machine.observing(
            state.removed(stored) if stored.phase is not Phase.REMOVED else stored, now=now
        )
    return time_passed(toward(machine, Step.REVOKE), now=now)


def time_passed(machine: Machine, *, now: Now) -> Machine:
    """Account for what time alone changes: a device_code that has expired, a refresh token not worth revoking."""
    session, stored = machine.session, machine.state
    alive = tuple(kept for kept in stored.revocations if machine.effective(now) < kept.until_at)
    machine = replace(machine, state=replace(stored, revocations=alive))
    if machine.outcome is not None:
        return machine
    if machine.task in {Task.REMOVE, Task.REVOKE} and not alive:
        return replace(machine, outcome=Outcome(Kind.REMOVED))
    if (
        machine.task is Task.COMPLETE
        and is_polled(machine)
        and session.polling
        and session.polling.is_over(now)
    ):
        return poll_refused(machine, Refusal("expired_token"))
    # Another process may have found that the endpoints moved, and forgotten them.
    return machine if machine.step is Step.KEYS else toward(machine, machine.step)


def next_action(machine: Machine, *, now: Now) -> Action:
    """Say what to do next: send a request, wait, or report."""
    if machine.outcome is not None:
        return Done(machine.outcome)
    if machine.task is Task.COMPLETE and machine.step in {Step.METADATA, Step.POLL}:
        if not is_polled(machine) or machine.session.polling is None:
            return Done(Outcome(Kind.ABANDONED))
        seconds = machine.session.polling.wait_seconds(now)
        if seconds > 0:
            return Wait(seconds)
    request = _request(machine)
    return Done(Outcome(Kind.ABANDONED)) if request is None else Send(machine.step, request)


def receive(machine: Machine, sent: Send, reply: wire.Reply, *, now: Now, jitter: float) -> Machine:
    """Take in the reply to a request.

    Args:
        machine: As it stands now: a reply to a request about a license that is gone meanwhile changes nothing.
        sent: The request.
        reply: What came back, or why nothing did.
        now: Both clocks, read after the reply.
        jitter: Within [0, 1).
    """
    return HANDLERS[sent.step](machine, Received(sent, reply, now, jitter))


def due(stored: State, session: Session, *, now: Now) -> Due:
    """Say what the client does by itself next. Awaiting brings nothing: a poll is for a person to ask for."""
    session = observe(session, stored, now=now)
    effective = effective_time(now, session.anchor)
    candidates = [Due(None, inf)]
    if stored.license is not None:
        seconds = refreshing.due_seconds(stored.license, session.retry, effective=effective, now=now)
        candidates.append(Due(Task.KEEP, seconds))
    if stored.revocations:
        candidates.append(Due(Task.REVOKE, session.revoking.wait_seconds(now)))
    return min(candidates, key=lambda candidate: candidate.seconds)


# Beginning


def _begin_acquiring(machine: Machine, *, now: Now, start_over: bool) -> Machine:
    awaiting = machine.state.awaiting
    if awaiting is not None and machine.effective(now) < awaiting.expires_at and not start_over:
        # Next pressed again while its user_code is good: the person may have copied it, so it stays.
        return replace(machine, outcome=Outcome(Kind.USER_CODE_SHOWN))
    return machine


def _begin_polling(machine: Machine, *, now: Now) -> Machine:
    awaiting = machine.state.awaiting
    if awaiting is not None and not is_polled(machine):
        machine = replace(machine, session=replace(machine.session, polling=polling.start(awaiting, now=now)))
    return toward(machine, Step.POLL)


def _begin_refreshing(machine: Machine, held: License, *, now: Now) -> Machine:
    session, effective = machine.session, machine.effective(now)
    if machine.task is Task.REFRESH:
        rest = refreshing.on_demand_seconds(
            held, session.retry, session.attempt, effective=effective, now=now
        )
    else:
        # Another process may have refreshed while this one waited for its turn. A sleep may end a hair early.
        due_in = refreshing.due_seconds(held, session.retry, effective=effective, now=now)
        rest = due_in if due_in >= 1 else 0.0
    if rest > 0:
        return replace(machine, outcome=Outcome(Kind.TOO_SOON, retry_in_seconds=rest))
    attempt = Attempt(monotonic=now.monotonic, at=effective)
    return toward(replace(machine, session=replace(session, attempt=attempt)), first_refreshing_step(machine))


# Sending


def _request(machine: Machine) -> wire.Request | None:
    """Spell the request of the step; None if what it is about is gone, by another process's doing."""
    config, stored, endpoints = machine.config, machine.state, machine.state.endpoints
    if machine.step is Step.METADATA:
        return wire.metadata_request(config.issuer)
    if endpoints is None:
        return None
    if machine.step is Step.AUTHORIZE_DEVICE:
        return wire.device_authorization_request(endpoints, client_id=config.client_id, scope=config.scope)
    if machine.step is Step.POLL and stored.awaiting is not None:
        device_code = stored.awaiting.device_code
        return wire.poll_request(endpoints, client_id=config.client_id, device_code=device_code)
    if machine.step is Step.REVOKE and stored.revocations:
        refresh_token = stored.revocations[0].refresh_token
        return wire.revocation_request(endpoints, client_id=config.client_id, refresh_token=refresh_token)
    return None if stored.license is None else _license_request(machine, stored.license, endpoints)


def _license_request(machine: Machine, held: License, endpoints: state.Endpoints) -> wire.Request:
    if machine.step is Step.REFRESH:
        client_id = machine.config.client_id
        return wire.refresh_request(endpoints, client_id=client_id, refresh_token=held.refresh_token)
    return wire.Request(endpoints.jwks_uri)
