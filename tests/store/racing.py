"""Stores that make a race certain, and one that loses it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, get_ident
from threading import Event as Flag
from typing import TypeVar

from mock_authz.domain.events import Event
from mock_authz.store.port import Committed, Conflict, Entry, Exchange, R, RecordKey, Store, Stored
from tests.factories import World

T = TypeVar("T")

PATIENCE_SECONDS = 30


class StoreBehind:
    """A store that passes everything on to the one behind it."""

    def __init__(self, behind: Store) -> None:
        self._behind = behind

    def sandboxes(self) -> list[str]:
        return self._behind.sandboxes()

    def everywhere(self, kind: type[R], record_id: str) -> dict[str, Stored[R]]:
        return self._behind.everywhere(kind, record_id)

    def get(self, sandbox: str, kind: type[R], record_id: str) -> Stored[R] | None:
        return self._behind.get(sandbox, kind, record_id)

    def find(self, sandbox: str, kind: type[R], index: str, value: str) -> list[Stored[R]]:
        return self._behind.find(sandbox, kind, index, value)

    def every(self, sandbox: str, kind: type[R]) -> list[Stored[R]]:
        return self._behind.every(sandbox, kind)

    def due(self, sandbox: str, after: int, until: int) -> list[object]:
        return self._behind.due(sandbox, after, until)

    def next_due(self, sandbox: str, after: int) -> int | None:
        return self._behind.next_due(sandbox, after)

    def commit(
        self,
        sandbox: str,
        *,
        expected: Mapping[RecordKey, int],
        puts: Collection[object] = (),
        deletes: Collection[RecordKey] = (),
        events: Sequence[Event] = (),
    ) -> Committed | Conflict:
        return self._behind.commit(sandbox, expected=expected, puts=puts, deletes=deletes, events=events)

    def copy(self, sandbox: str, to: str) -> None:
        self._behind.copy(sandbox, to)

    def drop(self, sandbox: str) -> None:
        self._behind.drop(sandbox)

    def note(self, sandbox: str, exchange: Exchange) -> None:
        self._behind.note(sandbox, exchange)

    def journal(
        self, sandbox: str, *, after: int = 0, keep: Callable[[Entry], bool] | None = None
    ) -> list[Entry]:
        return self._behind.journal(sandbox, after=after, keep=keep)


class RacingStore(StoreBehind):
    """Holds each thread at its first commit until all have come to theirs: all have decided on the same records.

    Then the winner commits and finishes what it does; the others follow.
    """

    def __init__(self, behind: Store, *, runners: int) -> None:
        super().__init__(behind)
        self._line = Barrier(runners)
        self._came: set[int] = set()
        self._winner: int | None = None
        self._finished = Flag()

    def run(self, runner: Callable[[], T], *, wins: bool) -> T:
        if not wins:
            return runner()
        self._winner = get_ident()
        try:
            return runner()
        finally:
            self._finished.set()

    def commit(
        self,
        sandbox: str,
        *,
        expected: Mapping[RecordKey, int],
        puts: Collection[object] = (),
        deletes: Collection[RecordKey] = (),
        events: Sequence[Event] = (),
    ) -> Committed | Conflict:
        if get_ident() not in self._came:
            self._came.add(get_ident())
            self._line.wait(PATIENCE_SECONDS)
            if get_ident() != self._winner:
                assert self._finished.wait(PATIENCE_SECONDS)
        return super().commit(sandbox, expected=expected, puts=puts, deletes=deletes, events=events)


class CarelessStore(StoreBehind):
    """Writes whatever it is told, whichever versions were seen: what a store must not be."""

    def commit(
        self,
        sandbox: str,
        *,
        expected: Mapping[RecordKey, int],  # noqa: ARG002 - that is the point
        puts: Collection[object] = (),
        deletes: Collection[RecordKey] = (),
        events: Sequence[Event] = (),
    ) -> Committed | Conflict:
        return super().commit(sandbox, expected={}, puts=puts, deletes=deletes, events=events)


def race(world: World, *runners: Callable[[World], T], first: int = 0) -> list[T]:
    """Let each runner act on the world in a thread of its own, all having loaded before any commits.

    Args:
        first: which of them commits first.
    """
    store = RacingStore(world.store, runners=len(runners))
    racing = World(store, world.decisions)

    def run(number: int, runner: Callable[[World], T]) -> T:
        return store.run(lambda: runner(racing), wins=number == first)

    with ThreadPoolExecutor(max_workers=len(runners)) as threads:
        running = [threads.submit(run, number, runner) for number, runner in enumerate(runners)]
        return [each.result(timeout=PATIENCE_SECONDS) for each in running]
