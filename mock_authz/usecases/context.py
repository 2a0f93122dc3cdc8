"""One request's view of its sandbox, and the transaction in which it changes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from mock_authz import minting
from mock_authz.domain.decisions import Decisions
from mock_authz.domain.events import Event, EventType
from mock_authz.domain.organization import Client
from mock_authz.entropy import Entropy
from mock_authz.sandbox import Sandbox
from mock_authz.settings import Settings
from mock_authz.store.port import ABSENT, Committed, R, RecordKey, Store
from mock_authz.store.records import KINDS, Counter

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Minting:
    """The seams of minting: header, signature, and reading a license token back. The claims are a decision."""

    header: Callable[..., dict[str, object]] = minting.header
    sign: Callable[..., str] = minting.sign
    verify: Callable[..., dict[str, Any] | None] = minting.verify
    public_jwk: Callable[..., dict[str, object]] = minting.public_jwk


def registered_client(context: Context, client_id: str) -> Client | None:
    """Look a client up among the sandbox's own."""
    stored = context.store.get(context.sandbox.name, Client, client_id)
    return None if stored is None else stored.record


def as_heard(visit: Any) -> Any:
    """Let a request come in as it was sent."""
    return visit


def as_handled(visit: Any, form: Mapping[str, str], handle: Callable[..., Any]) -> Any:
    """Let the endpoint's own handler answer."""
    return handle(visit, form)


def as_rendered(step: str, reply: Any) -> Any:
    """Let an answer go out as it was rendered."""
    del step
    return reply


def as_judged(_: Any, verdict: Any) -> Any:
    """Let a verdict on a visitor stand."""
    return verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How a server behaves, seam by seam. The plain one keeps the protocol; a quirk replaces fields with wrapped ones.

    Attributes:
        find_client: authenticates a client by its `client_id`.
        hear: bends a request to a sandbox on its way in: `visit -> visit`, its context included.
        respond: stands between a request of the protocol and its handler: `(visit, form, handle) -> reply`.
        render: bends an answer of the protocol or of management on its way out: `(step, reply) -> reply`.
        show: bends a page on its way out: `(visit, response) -> response`.
        admit_session: says who is logged in: `(context, session) -> session`.
        admit_form: says whether a form is one of our own: `(visit, verdict) -> verdict`.
        store: wraps the store, to show what races do.
    """

    decisions: Decisions = Decisions()
    minting: Minting = Minting()
    find_client: Callable[[Context, str], Client | None] = registered_client
    hear: Callable[[Any], Any] = as_heard
    respond: Callable[[Any, Mapping[str, str], Callable[..., Any]], Any] = as_handled
    render: Callable[[str, Any], Any] = as_rendered
    show: Callable[[Any, Any], Any] = as_judged
    admit_session: Callable[[Any, Any], Any] = as_judged
    admit_form: Callable[[Any, bool], bool] = as_judged
    store: Callable[[Store], Store] = lambda store: store


PLAIN: Final = Behaviour()


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """All that a use case may know: its sandbox, one reading of its clock, the store, and how to behave.

    Attributes:
        now: Unix seconds on the sandbox's clock, read once for the request.
    """

    sandbox: Sandbox
    now: int
    store: Store
    behaviour: Behaviour = PLAIN

    @property
    def decisions(self) -> Decisions:
        """How to decide."""
        return self.behaviour.decisions

    @property
    def minting(self) -> Minting:
        """How to sign."""
        return self.behaviour.minting

    @property
    def settings(self) -> Settings:
        """The sandbox's settings."""
        return self.sandbox.settings

    @property
    def entropy(self) -> Entropy:
        """The sandbox's entropy."""
        return self.sandbox.entropy

    def transact(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` until its commit meets no conflict. It must have no effect but on its transaction."""
        while True:
            transaction = Transaction(self)
            result = work(transaction)
            if transaction.commit():
                return result


class Transaction:
    """Loads records, remembers their versions, collects changes. What it put, it loads again itself."""

    def __init__(self, context: Context) -> None:
        self._store = context.store
        self._sandbox = context.sandbox.name
        self._now = context.now
        self._entropy = context.entropy
        self._seen: dict[RecordKey, int] = {}
        self._puts: dict[RecordKey, object] = {}
        self._deletes: dict[RecordKey, None] = {}
        self._events: list[Event] = []

    def get(self, kind: type[R], record_id: str) -> R | None:
        """Load one record, or None."""
        key = (kind, record_id)
        if key in self._deletes:
            return None
        if key in self._puts:
            put: R = self._puts[key]  # type: ignore[assignment]
            return put
        stored = self._store.get(self._sandbox, kind, record_id)
        self._seen.setdefault(key, ABSENT if stored is None else stored.version)
        return None if stored is None else stored.record

    def find(self, kind: type[R], index: str, value: str) -> list[R]:
        """Load the stored records with this value of an index, as they were before this transaction."""
        found = self._store.find(self._sandbox, kind, index, value)
        for stored in found:
            self._seen.setdefault((kind, KINDS[kind].id_of(stored.record)), stored.version)
        return [stored.record for stored in found]

    def every(self, kind: type[R]) -> list[R]:
        """Load all records of a kind, without claiming that they stay as they are."""
        return [stored.record for stored in self._store.every(self._sandbox, kind)]

    def put(self, record: object) -> None:
        """Write a record when the transaction commits."""
        key = (type(record), KINDS[type(record)].id_of(record))
        self._deletes.pop(key, None)
        self._puts[key] = record

    def claim(self, record: object) -> None:
        """Write a record that was loaded as it is, so that whoever decided on it meanwhile must decide again.

        For a record that others read before they look for its dependants: a dependant that is new is among nothing
        that they have seen.
        """
        self.put(record)

    def delete(self, kind: type, record_id: str) -> None:
        """Delete a record when the transaction commits."""
        self._puts.pop((kind, record_id), None)
        self._deletes[(kind, record_id)] = None

    def emit(self, event_type: EventType, **subject: str | int | bool | None) -> None:
        """Journal an event with the commit."""
        self._events.append(Event(event_type, self._now, subject))

    def new_id(self, counts: str) -> str:
        """Derive the id of the next record of a kind: the same sandbox makes the same ids in the same order."""
        counter = self.get(Counter, counts) or Counter(counts, 0)
        self.put(Counter(counts, counter.made + 1))
        return self._entropy.identifier(counts, counter.made)

    def commit(self) -> bool:
        """Write everything, or nothing if a record that was loaded has changed since; say which."""
        if not (self._puts or self._deletes or self._events):
            return True
        outcome = self._store.commit(
            self._sandbox,
            expected=self._seen,
            puts=list(self._puts.values()),
            deletes=list(self._deletes),
            events=self._events,
        )
        return outcome is Committed.COMMITTED
