"""A store that lies: what is read is stale or another's, what is written gets lost. How races show. No quirk stands here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mock_authz.domain.events import Event
from mock_authz.quirks.quirk import Wrap
from mock_authz.store.port import Committed, Conflict, R, RecordKey, Store, Stored


@dataclass(frozen=True, slots=True)
class Commit:
    """What is about to be committed."""

    puts: tuple[Any, ...]
    deletes: tuple[RecordKey, ...]
    events: Sequence[Event]
    expected: Mapping[RecordKey, int]

    def adding(self, *records: object) -> Commit:
        """Write more."""
        return replace(self, puts=(*self.puts, *records))

    def without(self, is_lost: Callable[[Any], bool]) -> Commit:
        """Lose some of what is written."""
        return replace(self, puts=tuple(record for record in self.puts if not is_lost(record)))

    def of(self, kind: type[R]) -> list[R]:
        """List what is written of a kind."""
        return [record for record in self.puts if isinstance(record, kind)]


class LyingStore:
    """A store that passes everything on to the one behind it, but for what it lies about."""

    def __init__(self, behind: Store) -> None:
        self.behind = behind

    def __getattr__(self, name: str) -> Any:
        """Pass on whatever else a store offers."""
        return getattr(self.behind, name)

    def get(self, sandbox: str, kind: type[R], record_id: str) -> Stored[R] | None:
        """Load one record, perhaps another one."""
        return self.behind.get(sandbox, kind, record_id)

    def find(self, sandbox: str, kind: type[R], index: str, value: str) -> list[Stored[R]]:
        """Find records, perhaps others."""
        return self.behind.find(sandbox, kind, index, value)

    def commit(
        self,
        sandbox: str,
        *,
        expected: Mapping[RecordKey, int],
        puts: Collection[object] = (),
        deletes: Collection[RecordKey] = (),
        events: Sequence[Event] = (),
    ) -> Committed | Conflict:
        """Write, perhaps something else."""
        bent = self.bend(sandbox, Commit(tuple(puts), tuple(deletes), events, expected))
        return self.behind.commit(
            sandbox, expected=bent.expected, puts=bent.puts, deletes=bent.deletes, events=bent.events
        )

    def bend(self, sandbox: str, commit: Commit) -> Commit:
        """Change what is about to be committed."""
        del sandbox
        return commit

    def load(self, sandbox: str, kind: type[R], record_id: str) -> R | None:
        """Load a record as it is."""
        stored = self.behind.get(sandbox, kind, record_id)
        return None if stored is None else stored.record


def lying_as(kind: type[LyingStore], *given: Any) -> Wrap:
    """Wrap `store`, or the store of one request."""
    return lambda inner: lambda store: kind(inner(store), *given)


def committing(bend: Callable[[LyingStore, str, Commit], Commit]) -> type[LyingStore]:
    """Make a store that changes what is about to be committed."""

    class Committing(LyingStore):
        def bend(self, sandbox: str, commit: Commit) -> Commit:
            return bend(self, sandbox, commit)

    return Committing


def finding(kind: type, index: str, seen: Callable[[LyingStore, str, str], list[Any]]) -> type[LyingStore]:
    """Make a store that finds other records by one index: `seen(store, sandbox, value)`, stored ones."""

    class Finding(LyingStore):
        def find(self, sandbox: str, asked: type[R], by: str, value: str) -> list[Stored[R]]:
            if (asked, by) == (kind, index):
                return seen(self, sandbox, value)
            return super().find(sandbox, asked, by, value)

    return Finding


def getting(kind: type, seen: Callable[[LyingStore, str, str], Any]) -> type[LyingStore]:
    """Make a store that loads other records of one kind: `seen(store, sandbox, record_id)`, a stored one or None."""

    class Getting(LyingStore):
        def get(self, sandbox: str, asked: type[R], record_id: str) -> Stored[R] | None:
            if asked is kind:
                found: Stored[R] | None = seen(self, sandbox, record_id)
                return found
            return super().get(sandbox, asked, record_id)

    return Getting


def changed(stored: Stored[R] | None, **changes: Any) -> Stored[R] | None:
    """Show a stored record with some of its fields changed."""
    if stored is None:
        return None
    record: Any = stored.record
    return Stored(replace(record, **changes), stored.version)
