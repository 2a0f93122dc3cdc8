"""The Store port: immutable records keyed (sandbox, kind, id), each with a version of its own, and a journal.

A use case loads, decides and commits with the versions that it saw; on a conflict it loads and decides again.
Proven by one contract test for every store.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Generic, Protocol, TypeVar

from mock_authz.domain.events import Event

R = TypeVar("R")

ABSENT = 0


@dataclass(frozen=True, slots=True)
class Stored(Generic[R]):
    """A record with its version: positive, and never used again, not even for another record."""

    record: R
    version: int


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request of the protocol and its answer, without secrets.

    Attributes:
        at: Unix seconds on the sandbox's clock.
        step: the protocol step, such as `device_authorization` or `token:refresh`.
        request: parameters by name; credentials are replaced by their fingerprint.
        response: members by name, likewise.
        faults: the kinds of the faults that struck it.
    """

    at: int
    step: str
    method: str
    path: str
    status: int
    request: Mapping[str, Any] = field(default_factory=dict)
    response: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a sandbox's journal. Sequence numbers count from 1, without gaps, events and exchanges together."""

    sequence: int
    of: Event | Exchange


class Committed(Enum):
    """The commit took effect, whole."""

    COMMITTED = auto()


class Conflict(Enum):
    """A record had changed since it was loaded; nothing took effect."""

    CONFLICT = auto()


RecordKey = tuple[type, str]


class Store(Protocol):
    """What a store offers. Unknown sandboxes are empty ones."""

    def sandboxes(self) -> list[str]:
        """List the sandboxes that hold any record, in order of creation."""

    def everywhere(self, kind: type[R], record_id: str) -> dict[str, Stored[R]]:
        """Load one record of each sandbox that has it, by the sandboxes' names, in their order of creation."""

    def get(self, sandbox: str, kind: type[R], record_id: str) -> Stored[R] | None:
        """Load one record."""

    def find(self, sandbox: str, kind: type[R], index: str, value: str) -> list[Stored[R]]:
        """Load the records with this value of one of the indexes of `records.KINDS`, in order of creation."""

    def every(self, sandbox: str, kind: type[R]) -> list[Stored[R]]:
        """Load all records of a kind, in order of creation."""

    def due(self, sandbox: str, after: int, until: int) -> list[object]:
        """Load the records of which something falls due in `after < at <= until`, each once, in no order."""

    def next_due(self, sandbox: str, after: int) -> int | None:
        """Say when next something falls due, later than `after`; None if nothing ever does."""

    def commit(
        self,
        sandbox: str,
        *,
        expected: Mapping[RecordKey, int],
        puts: Collection[object] = (),
        deletes: Collection[RecordKey] = (),
        events: Sequence[Event] = (),
    ) -> Committed | Conflict:
        """Write records and events together, if every expected version (`ABSENT` for none) still stands."""

    def copy(self, sandbox: str, to: str) -> None:
        """Copy all records and the journal of a sandbox over another one, in place of whatever it held."""

    def drop(self, sandbox: str) -> None:
        """Forget a sandbox, whole."""

    def note(self, sandbox: str, exchange: Exchange) -> None:
        """Add an exchange to the journal."""

    def journal(
        self, sandbox: str, *, after: int = 0, keep: Callable[[Entry], bool] | None = None
    ) -> list[Entry]:
        """Read the journal's entries later than a sequence number, the older ones forgotten first."""
