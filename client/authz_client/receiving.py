"""What each reply means: one handler for each step, each from a machine to the next.

Owns every decision that a reply brings about the license. It sends nothing, stores nothing and reads no clock.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from authz_client import polling, refreshing, state, wire
from authz_client.effective_time import Now
from authz_client.machine import GATES, Machine, Send, Step, Task, first_refreshing_step, is_polled, toward
from authz_client.outcome import Kind, Outcome
from authz_client.pending import settle
from authz_client.polling import Answer
from authz_client.refreshing import NO_FAILURE
from authz_client.state import Awaiting, Ending, Failure, License, PendingToken, Refusal

#: Answers which say that the stored endpoints are out of date: they are looked up again before the next attempt.
_MOVED: Final = frozenset(
    {"http_301", "http_302", "http_307", "http_308", "http_404", "http_405", "http_410"}
)


@dataclass(frozen=True)
class Received:
    """A reply in its circumstances: what each handler is given."""

    sent: Send
    reply: wire.Reply = field(repr=False)
    now: Now
    jitter: float


def _on_metadata(machine: Machine, received: Received) -> Machine:
    endpoints = wire.read_metadata(received.reply, issuer=machine.config.issuer, now=received.now.clock)
    if isinstance(endpoints, state.Endpoints):
        urls = (
            endpoints.device_authorization_endpoint,
            endpoints.token_endpoint,
            endpoints.jwks_uri,
            endpoints.revocation_endpoint,
        )
        hosts = machine.config.insecure_hosts
        if all(wire.is_permitted_url(url, insecure_hosts=hosts) for url in urls):
            known = replace(machine, state=replace(machine.state, endpoints=endpoints))
            return replace(known, step=_after_metadata(known))
        endpoints = wire.Failed("insecure_url")
    return _failed(machine, endpoints, received)


def _on_device_authorization(machine: Machine, received: Received) -> Machine:
    answer = wire.read_device_authorization(received.reply, now=received.now.clock)
    if isinstance(answer, wire.Refused):
        refused = Outcome(Kind.REFUSED, reason=answer.reason or answer.error, description=answer.description)
        return replace(machine, outcome=refused)
    if isinstance(answer, wire.Failed):
        return _failed(machine, answer, received)
    if GATES[Task.ACQUIRE][machine.state.phase] is not None:
        return replace(machine, outcome=Outcome(Kind.ABANDONED))
    awaiting = Awaiting(
        device_code=answer.device_code,
        user_code=answer.user_code,
        verification_uri=answer.verification_uri,
        verification_uri_complete=answer.verification_uri_complete,
        expires_at=machine.effective(received.now) + answer.expires_in,
        interval_seconds=answer.interval,
    )
    return replace(
        machine.observing(state.code_issued(machine.state, awaiting), now=received.now),
        outcome=Outcome(Kind.USER_CODE_SHOWN),
    )


def _after_metadata(machine: Machine) -> Step:
    if machine.task in {Task.REFRESH, Task.KEEP}:
        return first_refreshing_step(machine)
    return {Task.ACQUIRE: Step.AUTHORIZE_DEVICE, Task.COMPLETE: Step.POLL}.get(machine.task, Step.REVOKE)


def _on_poll(machine: Machine, received: Received) -> Machine:
    answer = wire.read_token_reply(received.reply, now=received.now.clock)
    awaiting = machine.state.awaiting
    polled = (received.sent.request.form or {}).get("device_code")
    if not is_polled(machine) or awaiting is None or awaiting.device_code != polled:
        return _orphaned(machine, answer, received)
    if isinstance(answer, wire.TokenGrant) and answer.refresh_token is not None:
        return _redeemed(machine, answer, answer.refresh_token, received)
    if isinstance(answer, wire.TokenGrant):
        answer = wire.Failed("malformed_response")
    if isinstance(answer, wire.Failed):
        return _failed(machine, answer, received)
    going_on = {"authorization_pending": Answer.PENDING, "slow_down": Answer.SLOW_DOWN}.get(answer.error)
    if going_on is None:
        # RFC 8628 3.5: any other error ends polling, and the person is told.
        return poll_refused(machine, Refusal(answer.error, answer.description))
    return _polled(machine, going_on, received.now, answer.retry_after_seconds)


def _orphaned(machine: Machine, answer: object, received: Received) -> Machine:
    """The person removed or replaced what was polled for; if a license came of it, it is given back."""
    stored = machine.state
    if isinstance(answer, wire.TokenGrant) and answer.refresh_token is not None:
        given_back = state.revocation(answer.refresh_token, issued_at=machine.effective(received.now))
        stored = replace(stored, revocations=(*stored.revocations, given_back))
    return replace(machine, state=stored, outcome=Outcome(Kind.ABANDONED))


def _redeemed(machine: Machine, grant: wire.TokenGrant, refresh_token: str, received: Received) -> Machine:
    effective = machine.effective(received.now)
    granted = License(
        refresh_token=refresh_token,
        refresh_token_issued_at=effective,
        pending=PendingToken(grant.access_token, "unverified", received_at=effective),
    )
    licensed = machine.observing(state.redeemed(machine.state, granted), now=received.now)
    return replace(licensed, step=Step.KEYS, session=replace(licensed.session, polling=None, attempt=None))


def poll_refused(machine: Machine, refusal: Refusal) -> Machine:
    """End polling with a final answer: back to unlicensed, and the person is told why."""
    outcome = Outcome(Kind.REFUSED, reason=refusal.reason, description=refusal.description)
    session = replace(machine.session, polling=None)
    return replace(
        machine, state=state.code_refused(machine.state, refusal), session=session, outcome=outcome
    )


def _polled(
    machine: Machine, answer: Answer, now: Now, retry_after_seconds: float, *, trouble: str | None = None
) -> Machine:
    polled, awaiting = machine.session.polling, machine.state.awaiting
    if polled is None or awaiting is None:
        return replace(machine, outcome=Outcome(Kind.ABANDONED))
    polled, awaiting = polling.answered(
        polled, awaiting, answer=answer, now=now, retry_after_seconds=retry_after_seconds
    )
    session = replace(machine.session, polling=replace(polled, trouble=trouble))
    stored = replace(machine.state, awaiting=awaiting)
    return toward(replace(machine, session=session, state=stored), Step.POLL)


def _on_refresh(machine: Machine, received: Received) -> Machine:
    held = machine.state.license
    if held is None or (received.sent.request.form or {}).get("refresh_token") != held.refresh_token:
        return replace(machine, outcome=Outcome(Kind.ABANDONED))
    answer = wire.read_token_reply(received.reply, now=received.now.clock)
    if isinstance(answer, wire.Refused):
        return _refresh_refused(machine, answer, received)
    if isinstance(answer, wire.Failed):
        return _failed(machine, answer, received)
    effective = machine.effective(received.now)
    newer = replace(
        held,
        refresh_token=answer.refresh_token or held.refresh_token,
        refresh_token_issued_at=effective if answer.refresh_token else held.refresh_token_issued_at,
        pending=PendingToken(answer.access_token, "unverified", received_at=effective),
        refreshed_at=effective,
    )
    return replace(machine, state=state.refreshed(machine.state, newer), step=Step.KEYS)


def _refresh_refused(machine: Machine, refused: wire.Refused, received: Received) -> Machine:
    # Only invalid_grant ends a license (RFC 6749 5.2: with status 400); anything else changes nothing.
    if refused.error != "invalid_grant" or refused.status != wire.BAD_REQUEST:
        failure = wire.Failed(refused.error, refused.retry_after_seconds, refused.description)
        return _failed(machine, failure, received)
    reason = refused.reason or refused.error
    ending = Ending(reason=reason, description=refused.description, ended_at=machine.effective(received.now))
    ended = machine.observing(state.grant_ended(machine.state, ending), now=received.now)
    return replace(ended, outcome=Outcome(Kind.ENDED, reason=reason, description=refused.description))


def _on_keys_for_pending(machine: Machine, received: Received) -> Machine:
    settled, _ = _with_keys(machine, received)
    if (
        settled.outcome is None
        and settled.state.license is not None
        and settled.state.license.pending is not None
    ):
        return replace(settled, step=Step.REFRESH)
    return settled


def _on_keys(machine: Machine, received: Received) -> Machine:
    settled, trouble = _with_keys(machine, received)
    held = settled.state.license
    if settled.outcome is not None or held is None or held.pending is None:
        return settled
    fault = held.pending.fault
    failure = trouble or wire.Failed(fault)
    failed = _failed(settled, failure, received)
    retry_in = failed.session.retry.wait_seconds(received.now)
    return replace(
        failed, outcome=Outcome(Kind.LICENSE_TOKEN_PENDING, reason=fault, retry_in_seconds=retry_in)
    )


def _with_keys(machine: Machine, received: Received) -> tuple[Machine, wire.Failed | None]:
    """Take in fetched keys and verify the pending license token with them, or with the known ones if none came."""
    keys = wire.read_keys(received.reply, now=received.now.clock)
    trouble = keys if isinstance(keys, wire.Failed) else None
    if not isinstance(keys, wire.Failed):
        # A key absent from a successful refetch is dropped.
        machine = replace(machine, state=replace(machine.state, keys=tuple(dict(jwk) for jwk in keys)))
    if machine.state.license is None or machine.state.license.pending is None:
        return replace(machine, outcome=Outcome(Kind.ABANDONED)), trouble
    stored, anchor = settle(machine.state, machine.session.anchor, now=received.now, jitter=received.jitter)
    machine = replace(machine, session=replace(machine.session, anchor=anchor)).observing(
        stored, now=received.now
    )
    if stored.license is not None and stored.license.pending is None:
        kind = Kind.LICENSED if machine.task is Task.COMPLETE else Kind.REFRESHED
        machine = replace(machine, outcome=Outcome(kind))
    return machine, trouble


def _on_revocation(machine: Machine, received: Received) -> Machine:
    told = (received.sent.request.form or {}).get("token")
    others = tuple(kept for kept in machine.state.revocations if kept.refresh_token != told)
    failure = wire.read_revocation_reply(received.reply, now=received.now.clock)
    if failure is not None:
        return _failed(machine, failure, received)
    outcome = None if others else Outcome(Kind.REMOVED)
    session = replace(machine.session, revoking=NO_FAILURE)
    return replace(
        machine, state=replace(machine.state, revocations=others), session=session, outcome=outcome
    )


HANDLERS: Final[dict[Step, Callable[[Machine, Received], Machine]]] = {
    Step.METADATA: _on_metadata,
    Step.AUTHORIZE_DEVICE: _on_device_authorization,
    Step.POLL: _on_poll,
    Step.KEYS_FOR_PENDING: _on_keys_for_pending,
    Step.REFRESH: _on_refresh,
    Step.KEYS: _on_keys,
    Step.REVOKE: _on_revocation,
}


# Failing: nothing about the license changes, only when it is tried again


def _failed(machine: Machine, failure: wire.Failed, received: Received) -> Machine:
    if failure.reason in _MOVED:
        machine = replace(machine, state=replace(machine.state, endpoints=None))
    if machine.task in {Task.REMOVE, Task.REVOKE}:
        return _revoking_failed(machine, failure, received)
    if machine.task is Task.ACQUIRE:
        retry_in = failure.retry_after_seconds or None
        return replace(machine, outcome=Outcome(Kind.FAILED, failure.reason, failure.description, retry_in))
    if machine.state.license is None:
        seconds = failure.retry_after_seconds
        return _polled(machine, Answer.FAILED, received.now, seconds, trouble=failure.reason)
    return _refreshing_failed(machine, failure, received)


def _refreshing_failed(machine: Machine, failure: wire.Failed, received: Received) -> Machine:
    now, stored = received.now, machine.state
    since_at = stored.failure.since_at if stored.failure else machine.effective(now)
    retry = refreshing.failed(
        machine.session.retry,
        now=now,
        jitter=received.jitter,
        retry_after_seconds=failure.retry_after_seconds,
    )
    outcome = Outcome(
        Kind.FAILED, failure.reason, failure.description, retry_in_seconds=retry.wait_seconds(now)
    )
    return replace(
        machine,
        state=replace(stored, failure=Failure(failure.reason, since_at)),
        session=replace(machine.session, retry=retry),
        outcome=outcome,
    )


def _revoking_failed(machine: Machine, failure: wire.Failed, received: Received) -> Machine:
    retry = refreshing.failed(
        machine.session.revoking,
        now=received.now,
        jitter=received.jitter,
        retry_after_seconds=failure.retry_after_seconds,
    )
    # The one that failed goes last, so that it cannot stand in the way of the others.
    kept = machine.state.revocations
    outcome = Outcome(
        Kind.REVOCATION_PENDING, failure.reason, retry_in_seconds=retry.wait_seconds(received.now)
    )
    return replace(
        machine,
        state=replace(machine.state, revocations=kept[1:] + kept[:1]),
        session=replace(machine.session, revoking=retry),
        outcome=outcome,
    )
