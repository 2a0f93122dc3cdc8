"""The store in memory: what a mock needs. Everything is gone when the process ends."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import count, takewhile
from threading import RLock
from typing import Final, NamedTuple, cast

from sortedcontainers import SortedSet

from mock_authz.domain import timeline
from mock_authz.domain.events import Event
from mock_authz.store.port import ABSENT, Committed, Conflict, Entry, Exchange, R, RecordKey, Stored
from mock_authz.store.records import KINDS

JOURNAL_ENTRIES: Final = 20_000


class _Place(NamedTuple):
    """Where a record stands: its rank by creation, by what it is found, and when something falls due of it."""

    created: int
    found_by: tuple[tuple[str, str | None], ...]
    due: tuple[int, ...]


NOWHERE: Final = _Place(0, (), ())


class _Shelf:
    """What one sandbox holds. `due` is ordered by instant: (at, (kind's name, id))."""

    def __init__(self) -> None:
        self.records: dict[type, dict[str, Stored[object]]] = {kind: {} for kind in KINDS}
        self.found_by: dict[tuple[type, str, str], dict[str, None]] = {}
        self.creations = 0
        self.due: SortedSet = SortedSet()
        # What was last asked of `due`, and the answer, until it changes: each request asks, few change it.
        self.asked: tuple[int, int | None] | None = None
        self.places: dict[tuple[type, str], _Place] = {}
        self.journal: deque[Entry] = deque(maxlen=JOURNAL_ENTRIES)
        self.entries = 0

    def copy(self) -> _Shelf:
        other = _Shelf()
        other.records = {kind: dict(records) for kind, records in self.records.items()}
        other.found_by = {key: dict(ids) for key, ids in self.found_by.items()}
        other.creations = self.creations
        other.due = SortedSet(self.due)
        other.places = dict(self.places)
        other.journal = deque(self.journal, maxlen=JOURNAL_ENTRIES)
        other.entries = self.entries
        return other

    def put(self, record: object, version: int) -> None:
        kind = type(record)
        record_id = KINDS[kind].id_of(record)
        was = self.places.get((kind, record_id), NOWHERE)
        if was is NOWHERE:
            self.creations += 1
        created = was.created or self.creations
        self._place(kind, record_id, was=was, now=_place_of(record, created))
        self.records[kind][record_id] = Stored(record, version)

    def delete(self, kind: type, record_id: str) -> None:
        if self.records[kind].pop(record_id, None) is not None:
            self._place(kind, record_id, was=self.places[kind, record_id], now=NOWHERE)
            del self.places[kind, record_id]

    def find(self, kind: type, index: str, value: str) -> list[str]:
        found = self.found_by.get((kind, index, value), {})
        return sorted(found, key=lambda record_id: self.places[kind, record_id].created)

    def _place(self, kind: type, record_id: str, *, was: _Place, now: _Place) -> None:
        """Move a record in the indexes."""
        if was.found_by != now.found_by:
            for index, value in set(was.found_by) - set(now.found_by):
                if value is not None:
                    self._forget((kind, index, value), record_id)
            for index, value in set(now.found_by) - set(was.found_by):
                if value is not None:
                    self.found_by.setdefault((kind, index, value), {})[record_id] = None
        if was.due != now.due:
            self.asked = None
            key = (KINDS[kind].name, record_id)
            for at in set(was.due) - set(now.due):
                self.due.remove((at, key))
            for at in set(now.due) - set(was.due):
                self.due.add((at, key))
        self.places[kind, record_id] = now

    def _forget(self, key: tuple[type, str, str], record_id: str) -> None:
        del self.found_by[key][record_id]
        if not self.found_by[key]:
            del self.found_by[key]

    def next_due(self, after: int) -> int | None:
        if self.asked is None or self.asked[0] != after:
            position = self.due.bisect_left((after + 1,))
            self.asked = (after, self.due[position][0] if position < len(self.due) else None)
        return self.asked[1]

    def log(self, of: Event | Exchange) -> None:
        self.entries += 1
        self.journal.append(Entry(self.entries, of))

    def later(self, after: int) -> list[Entry]:
        """Read back from the end: who follows a journal asks for its last few entries again and again."""
        later = list(takewhile(lambda entry: entry.sequence > after, reversed(self.journal)))
        return later[::-1]


def _place_of(record: object, created: int) -> _Place:
    indexes = KINDS[type(record)].indexes
    found_by = [(index, value_of(record)) for index, value_of in indexes.items()]
    return _Place(created, tuple(found_by), tuple(timeline.due_instants(record)))


class MemoryStore:
    """A `Store` in this process's memory. Safe for threads: each call is one step."""

    def __init__(self) -> None:
        self._shelves: dict[str, _Shelf] = {}
        self._versions = count(ABSENT + 1)
        self._lock = RLock()
        self._kinds_by_name = {kind.name: record_type for record_type, kind in KINDS.items()}

    def sandboxes(self) -> list[str]:
        with self._lock:
            return list(self._shelves)

    def everywhere(self, kind: type[R], record_id: str) -> dict[str, Stored[R]]:
        with self._lock:
            found = {
                name: records[record_id]
                for name, shelf in self._shelves.items()
                if record_id in (records := shelf.records[kind])
            }
        return cast("dict[str, Stored[R]]", found)

    def get(self, sandbox: str, kind: type[R], record_id: str) -> Stored[R] | None:
        with self._lock:
            shelf = self._shelves.get(sandbox)
            return None if shelf is None else cast("Stored[R] | None", shelf.records[kind].get(record_id))

    def find(self, sandbox: str, kind: type[R], index: str, value: str) -> list[Stored[R]]:
        with self._lock:
            if (shelf := self._shelves.get(sandbox)) is None:
                return []
            records = cast("dict[str, Stored[R]]", shelf.records[kind])
            return [records[record_id] for record_id in shelf.find(kind, index, value)]

    def every(self, sandbox: str, kind: type[R]) -> list[Stored[R]]:
        with self._lock:
            shelf = self._shelves.get(sandbox)
            return [] if shelf is None else cast("list[Stored[R]]", list(shelf.records[kind].values()))

    def due(self, sandbox: str, after: int, until: int) -> list[object]:
        with self._lock:
            if (shelf := self._shelves.get(sandbox)) is None:
                return []
            falling: Iterator[tuple[int, tuple[str, str]]] = shelf.due.irange((after + 1,), (until + 1,))
            keys = {key: None for _, key in falling}
            return [shelf.records[self._kinds_by_name[name]][record_id].record for name, record_id in keys]

    def next_due(self, sandbox: str, after: int) -> int | None:
        with self._lock:
            shelf = self._shelves.get(sandbox)
            return None if shelf is None else shelf.next_due(after)

    def commit(
        self,
        sandbox: str,
        *,
        expected: Mapping[RecordKey, int],
        puts: Collection[object] = (),
        deletes: Collection[RecordKey] = (),
        events: Sequence[Event] = (),
    ) -> Committed | Conflict:
        with self._lock:
            shelf = self._shelves.get(sandbox) or _Shelf()
            for (kind, record_id), version in expected.items():
                stored = shelf.records[kind].get(record_id)
                if version != (ABSENT if stored is None else stored.version):
                    return Conflict.CONFLICT
            if puts or events:
                self._shelves[sandbox] = shelf
            for kind, record_id in deletes:
                shelf.delete(kind, record_id)
            for record in puts:
                shelf.put(record, next(self._versions))
            for event in events:
                shelf.log(event)
            return Committed.COMMITTED

    def copy(self, sandbox: str, to: str) -> None:
        with self._lock:
            self._shelves[to] = self._shelves[sandbox].copy()

    def drop(self, sandbox: str) -> None:
        with self._lock:
            self._shelves.pop(sandbox, None)

    def note(self, sandbox: str, exchange: Exchange) -> None:
        with self._lock:
            if (shelf := self._shelves.get(sandbox)) is not None:
                shelf.log(exchange)

    def journal(
        self, sandbox: str, *, after: int = 0, keep: Callable[[Entry], bool] | None = None
    ) -> list[Entry]:
        with self._lock:
            shelf = self._shelves.get(sandbox)
            entries = [] if shelf is None else shelf.later(after)
        return entries if keep is None else [entry for entry in entries if keep(entry)]
