"""One errand of the client as a value: its task, its step, the durable record and this process's session.

Owns which errand may begin in which phase, and what a step is about. It decides nothing that a reply brings.
"""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from authz_client import wire
from authz_client.effective_time import Anchor, Now, anchored, effective_time
from authz_client.outcome import Kind, Outcome
from authz_client.polling import Polling
from authz_client.refreshing import NO_FAILURE, Attempt, Retry
from authz_client.state import Phase, State


class Task(Enum):
    """The errands: what a person asks for, and what the client does by itself."""

    ACQUIRE = "acquire"  # Next
    COMPLETE = "complete"  # Complete Authorization
    REFRESH = "refresh"  # on demand
    KEEP = "keep"  # the same, when it is due
    REMOVE = "remove"
    REVOKE = "revoke"  # tell the server of a removal, until it has heard


class Step(Enum):
    """The request that an errand makes next."""

    METADATA = "metadata"
    AUTHORIZE_DEVICE = "authorize_device"
    POLL = "poll"
    KEYS_FOR_PENDING = "keys_for_pending"
    REFRESH = "refresh"
    KEYS = "keys"
    REVOKE = "revoke"


#: Whether an errand may begin in a phase (None), or what is said instead.
GATES: Final[dict[Task, dict[Phase, Kind | None]]] = {
    Task.ACQUIRE: {
        Phase.UNLICENSED: None,
        Phase.AWAITING: None,
        Phase.LICENSED: Kind.ALREADY_LICENSED,
        Phase.ENDED: Kind.REMOVE_FIRST,
        Phase.REMOVED: None,
    },
    Task.COMPLETE: {
        Phase.UNLICENSED: Kind.NOT_AWAITING,
        Phase.AWAITING: None,
        Phase.LICENSED: Kind.ALREADY_LICENSED,
        Phase.ENDED: Kind.REMOVE_FIRST,
        Phase.REMOVED: Kind.NOT_AWAITING,
    },
    **{
        task: {
            Phase.UNLICENSED: Kind.NOT_LICENSED,
            Phase.AWAITING: Kind.NOT_LICENSED,
            Phase.LICENSED: None,
            Phase.ENDED: Kind.ENDED,
            Phase.REMOVED: Kind.NOT_LICENSED,
        }
        for task in (Task.REFRESH, Task.KEEP)
    },
    Task.REMOVE: {
        Phase.UNLICENSED: Kind.NOT_LICENSED,
        Phase.AWAITING: None,
        Phase.LICENSED: None,
        Phase.ENDED: None,
        Phase.REMOVED: None,
    },
    Task.REVOKE: dict.fromkeys(Phase),
}


@dataclass(frozen=True)
class Config:
    """Whose client this is.

    Attributes:
        issuer: To the letter, as the metadata must repeat it.
        client_id: Public.
        scope: What is asked for.
        insecure_hosts: Hosts declared for development, spoken to over http.
    """

    issuer: str
    client_id: str
    scope: str = "license"
    insecure_hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Session:
    """What lives in this process only: all that is told in monotonic time."""

    anchor: Anchor | None = None
    polling: Polling | None = None
    retry: Retry = NO_FAILURE
    revoking: Retry = NO_FAILURE
    attempt: Attempt | None = None


@dataclass(frozen=True)
class Send:
    """Perform this request, then call `receive`."""

    step: Step
    request: wire.Request


@dataclass(frozen=True)
class Wait:
    """There is nothing to do for so long."""

    seconds: float


@dataclass(frozen=True)
class Done:
    """The errand is over."""

    outcome: Outcome


Action = Send | Wait | Done


@dataclass(frozen=True)
class Machine:
    """One errand under way: the durable record, this process's session, and where the errand stands."""

    config: Config
    state: State
    session: Session
    task: Task
    step: Step
    outcome: Outcome | None = None

    def observing(self, stored: State, *, now: Now) -> "Machine":
        """Go on from the record as it is stored now: another process may have changed it."""
        return replace(self, state=stored, session=observe(self.session, stored, now=now))

    def effective(self, now: Now) -> int:
        """The time in every check, in whole Unix seconds."""
        return effective_time(now, self.session.anchor)


def observe(session: Session, stored: State, *, now: Now) -> Session:
    """Bring a session up to the stored record.

    The mark is anchored. Another process's success ends our backoff; its failure, or one before a restart, is taken over,
    so that it is tried again now and not when half of the token's life is gone.
    """
    anchor = anchored(session.anchor, mark=stored.mark, now=now)
    retry = NO_FAILURE
    if stored.failure is not None:
        retry = Retry(failures=1, next_at=now.monotonic) if session.retry == NO_FAILURE else session.retry
    return replace(session, anchor=anchor, retry=retry)


def first_refreshing_step(machine: Machine) -> Step:
    """Say with which request an attempt to refresh begins."""
    held = machine.state.license
    # A pending license token is verified again at each attempt, with fresh keys, before another one is asked for.
    return Step.KEYS_FOR_PENDING if held is not None and held.pending is not None else Step.REFRESH


def toward(machine: Machine, step: Step) -> Machine:
    """Go to a step, by way of the metadata where the endpoints are not known."""
    return replace(machine, step=Step.METADATA if machine.state.endpoints is None else step)


def is_polled(machine: Machine) -> bool:
    """Say whether the device_code that this errand polls is still the one that is awaited."""
    polled, awaiting = machine.session.polling, machine.state.awaiting
    return polled is not None and awaiting is not None and polled.device_code == awaiting.device_code
