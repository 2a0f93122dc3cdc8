"""The errands as generators of requests and rests, the same under the blocking and the asynchronous driver.

Owns the order of deciding and storing: what a reply brings is on the disk before it is used or reported. It performs
no HTTP and no sleep, and its clocks are given to it.
"""

import logging
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

from authz_client import protocol
from authz_client.effective_time import Now, effective_time
from authz_client.license_token import Jwk
from authz_client.machine import Config, Done, Machine, Send, Session, Step, Task, is_polled, observe
from authz_client.outcome import Kind, Outcome
from authz_client.state import State
from authz_client.state_store import StateStore, StoreError
from authz_client.status import TOKEN_WARNING_SECONDS, PageStatus, page_status, presentable
from authz_client.wire import NoResponse, Reply, Request, check_issuer, is_permitted_url

#: How long the keeper sleeps at most: the wall clock may jump and another process may change the state meanwhile.
IDLE_SECONDS: Final = 60.0
IN_FLIGHT_SECONDS: Final = 5.0
#: Of these there is one at a time for a state file, across processes.
_ONE_AT_A_TIME: Final = frozenset({Task.COMPLETE, Task.REFRESH, Task.KEEP})
#: The server answers these only once: the answer must find room on the disk.
_ANSWERED_ONCE: Final = frozenset({Step.POLL, Step.REFRESH})

_log = logging.getLogger("authz_client")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Clocks:
    """Where time and jitter come from; give others to drive virtual time.

    Attributes:
        clock: The wall clock, in Unix seconds.
        monotonic: A clock that never goes back, in seconds.
        jitter: A number within [0, 1) at each call.
    """

    clock: Callable[[], float]
    monotonic: Callable[[], float]
    jitter: Callable[[], float]

    def read(self) -> Now:
        """Read both clocks once."""
        return Now(clock=self.clock(), monotonic=self.monotonic())


@dataclass(frozen=True)
class Rest:
    """The flow asks its driver to sleep."""

    seconds: float


Flow = Generator[Request | Rest, Reply | None, Result]


def _trouble(machine: Machine) -> str | None:
    """Say why the last poll brought no answer; None where it brought one, or there was none."""
    return None if machine.session.polling is None else machine.session.polling.trouble


class Flows:
    """The errands as generators of requests and rests, the same under both drivers."""

    def __init__(
        self,
        *,
        issuer: str,
        client_id: str,
        state: Path,
        scope: str = "license",
        insecure_hosts: tuple[str, ...] = (),
        token_warning_seconds: int = TOKEN_WARNING_SECONDS,
        clocks: Clocks,
    ) -> None:
        """Check the issuer; nothing is read or sent yet.

        Raises:
            InsecureIssuerError: The issuer is no https URL, nor http on loopback or a declared host.
        """
        check_issuer(issuer, insecure_hosts=insecure_hosts)
        self.clocks = clocks
        self._config = Config(issuer=issuer, client_id=client_id, scope=scope, insecure_hosts=insecure_hosts)
        self._store = StateStore(path=state, issuer=issuer, client_id=client_id)
        self._token_warning_seconds = token_warning_seconds
        self._session = Session()
        self._trouble: str | None = None
        #: Called with each errand that the client did by itself.
        self.on_kept: Callable[[Task, Outcome], None] = lambda _task, _outcome: None
        #: Called with each reply while a device_code is polled: with why it is no answer, or None where it is one.
        self.on_polled: Callable[[str | None], None] = lambda _trouble: None

    def status(self) -> PageStatus:
        """Say what the License Management page says; reads the state file and needs no connection.

        Raises:
            StoreError: The state file cannot be read.
        """
        stored, now = self._observed()
        kept = [f"A damaged state file has been kept as {path}." for path in self._store.damaged_files()]
        return page_status(
            stored,
            now=now,
            anchor=self._session.anchor,
            token_warning_seconds=self._token_warning_seconds,
            troubles=kept + ([] if self._trouble is None else [self._trouble]),
        )

    def license_token(self) -> str | None:
        """Give the license token to present to a peer, or None where there is no valid one.

        Raises:
            StoreError: The state file cannot be read.
        """
        stored, now = self._observed()
        return presentable(stored, now=now, anchor=self._session.anchor)

    def published_keys(self) -> tuple[Jwk, ...]:
        """Give the issuer's published keys as last fetched.

        Raises:
            StoreError: The state file cannot be read.
        """
        return self._store.load().keys

    def learn_keys(self, keys: Iterable[Jwk]) -> None:
        """Store the issuer's published keys as just fetched; one that is absent from them is dropped.

        Raises:
            StoreError: They could not be stored.
        """
        learnt = tuple(dict(jwk) for jwk in keys)
        self._store.change(lambda stored: replace(stored, keys=learnt))

    def is_permitted(self, url: str) -> bool:
        """Say whether this client may speak to a URL: https, or http to loopback or a declared host."""
        return is_permitted_url(url, insecure_hosts=self._config.insecure_hosts)

    def state(self) -> State:
        """Give the durable record; its secrets are kept out of its repr only.

        Raises:
            StoreError: The state file cannot be read.
        """
        return self._store.load()

    def snapshot(self) -> tuple[State, int]:
        """Give the durable record and the effective time, in whole Unix seconds, of one moment.

        Raises:
            StoreError: The state file cannot be read.
        """
        stored, now = self._observed()
        return stored, effective_time(now, self._session.anchor)

    def now(self) -> int:
        """Give the effective time, in whole Unix seconds, for checks of other license tokens."""
        return self.status().effective_time

    def _observed(self) -> tuple[State, Now]:
        stored, now = self._store.load(), self.clocks.read()
        self._session = observe(self._session, stored, now=now)
        return stored, now

    def errand_flow(self, task: Task, *, wait: bool = True, start_over: bool = False) -> Flow[Outcome]:
        """Run one errand; of those that ask for tokens, one at a time for a state file."""
        if task not in _ONE_AT_A_TIME:
            return (yield from self._steps(task, wait=wait, start_over=start_over))
        with self._store.flight() as is_ours:
            if not is_ours:
                return Outcome(Kind.IN_FLIGHT, retry_in_seconds=IN_FLIGHT_SECONDS)
            return (yield from self._steps(task, wait=wait, start_over=start_over))

    def _steps(self, task: Task, *, wait: bool, start_over: bool) -> Flow[Outcome]:
        machine = self._begun(task, start_over=start_over)
        while True:
            machine, now = self._aged(machine)
            action = protocol.next_action(machine, now=now)
            if isinstance(action, Done):
                return action.outcome
            if isinstance(action, Send):
                if action.step in _ANSWERED_ONCE:
                    self._store.make_sure_of_room()
                reply = yield action.request
                machine = self._received(machine, action, reply or NoResponse("network"))
                if machine.outcome is None and is_polled(machine):
                    self.on_polled(_trouble(machine))
            elif wait:
                yield Rest(action.seconds)
            elif (trouble := _trouble(machine)) is not None:
                return Outcome(Kind.FAILED, trouble, retry_in_seconds=action.seconds)
            else:
                return Outcome(Kind.AUTHORIZATION_PENDING, retry_in_seconds=action.seconds)

    def _quick_retry(self, outcome: Outcome) -> Flow[Outcome]:
        """After a lost reply, once more within 5 s, unless the server asked for more patience."""
        if outcome.kind in {Kind.FAILED, Kind.LICENSE_TOKEN_PENDING} and self._session.retry.failures == 1:
            seconds = outcome.retry_in_seconds or 0.0
            if seconds <= IN_FLIGHT_SECONDS:
                yield Rest(seconds)
                return (yield from self.errand_flow(Task.KEEP))
        return outcome

    def refreshing_flow(self, *, retry: bool) -> Flow[Outcome]:
        """Refresh on demand, and once more after a lost reply if `retry` says so."""
        outcome = yield from self.errand_flow(Task.REFRESH)
        return (yield from self._quick_retry(outcome)) if retry else outcome

    def tick_flow(self) -> Flow[float]:
        """Do what is due, and give the seconds until there may be something to do again."""
        stored, now = self._observed()
        due = protocol.due(stored, self._session, now=now)
        if due.task is None or due.seconds > 0:
            return min(due.seconds, IDLE_SECONDS)
        outcome = yield from self.errand_flow(due.task)
        _log.info("%s: %s", due.task.value, outcome.kind.value)
        self.on_kept(due.task, outcome)
        return IN_FLIGHT_SECONDS if outcome.kind is Kind.IN_FLIGHT else 0.0

    def kept_flow(self) -> Flow[float]:
        """Do one tick of `run`, which a full disk must not stop."""
        try:
            seconds = yield from self.tick_flow()
        except StoreError as error:
            self._trouble = str(error)
            _log.warning("%s", self._trouble)
            return IDLE_SECONDS
        self._trouble = None
        return seconds

    def _begun(self, task: Task, *, start_over: bool) -> Machine:
        now = self.clocks.read()

        def decide(stored: State) -> Machine:
            return protocol.begin(
                task,
                config=self._config,
                stored=stored,
                session=self._session,
                now=now,
                start_over=start_over,
            )

        return self._committed(decide)

    def _aged(self, machine: Machine) -> tuple[Machine, Now]:
        now = self.clocks.read()
        return self._committed(
            lambda stored: protocol.time_passed(self._at(machine, stored, now), now=now)
        ), now

    def _received(self, machine: Machine, sent: Send, reply: Reply) -> Machine:
        now, jitter = self.clocks.read(), self.clocks.jitter()

        def decide(stored: State) -> Machine:
            return protocol.receive(self._at(machine, stored, now), sent, reply, now=now, jitter=jitter)

        return self._committed(decide)

    def _at(self, machine: Machine, stored: State, now: Now) -> Machine:
        return replace(machine, session=self._session).observing(stored, now=now)

    def _committed(self, decide: Callable[[State], Machine]) -> Machine:
        """Decide upon the record as it is stored now, and store the result before anything else is done with it."""
        decided: list[Machine] = []

        def change(stored: State) -> State:
            decided.append(decide(stored))
            return decided[-1].state

        self._store.change(change)
        self._session = decided[-1].session
        return decided[-1]
