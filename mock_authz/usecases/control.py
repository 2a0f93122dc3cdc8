"""Sandboxes and their clocks: create, list, drop; read, set, advance; and settle what fell due on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from mock_authz.clock import Clock
from mock_authz.domain import timeline
from mock_authz.domain.events import Event, EventType
from mock_authz.domain.refusals import Conflict
from mock_authz.entropy import Entropy, fresh_seed, seed_from
from mock_authz.sandbox import DEFAULT, Sandbox
from mock_authz.settings import Settings
from mock_authz.store.port import ABSENT, Committed, Store
from mock_authz.store.records import ONLY
from mock_authz.usecases.context import Context
from mock_authz.usecases.snapshots import SEPARATOR, is_snapshot

# Makes the context of a request to a sandbox at an instant, with the sandbox's own behaviour.
Enter = Callable[[Store, Sandbox, int], Context]


def create_sandbox(
    store: Store,
    *,
    name: str,
    issuer: str,
    real_at: float,
    clock: Clock | None = None,
    settings: Settings | None = None,
    random_seed: str | None = None,
    records: Sequence[object] = (),
    lives_seconds: int | None = None,
) -> Sandbox | Conflict:
    """Create a sandbox with its first records, whole or not at all.

    Args:
        issuer: without a trailing slash.
        real_at: the wall clock, Unix seconds.
        random_seed: a text; the same one repeats all codes and tokens (with a fixed issuer and a frozen clock).
        records: what a seed file holds.
        lives_seconds: in real time; None for as long as the server.
    """
    clock = clock or Clock()
    now = clock.now(real_at)
    sandbox = Sandbox(
        name=name,
        issuer=issuer,
        entropy=Entropy(fresh_seed() if random_seed is None else seed_from(random_seed)),
        clock=clock,
        settings=settings or Settings(),
        settled_at=now,
        created_real_at=int(real_at // 1),
        expires_real_at=None if lives_seconds is None else int(real_at // 1) + lives_seconds,
    )
    outcome = store.commit(name, expected={(Sandbox, ONLY): ABSENT}, puts=[sandbox, *records])
    if outcome is not Committed.COMMITTED:
        return Conflict(f"There is a sandbox {name} already.", reason="id_taken")
    return sandbox


def find_sandbox(store: Store, name: str, *, real_at: float | None = None) -> Sandbox | None:
    """Load a sandbox's record; None if there is none, or if its life in real time is over. A snapshot is none."""
    stored = None if is_snapshot(name) else store.get(name, Sandbox, ONLY)
    if stored is None or (real_at is not None and _is_over(stored.record, real_at)):
        return None
    return stored.record


def _is_over(sandbox: Sandbox, real_at: float) -> bool:
    return sandbox.expires_real_at is not None and real_at >= sandbox.expires_real_at


def list_sandboxes(store: Store) -> list[Sandbox]:
    """Load all sandboxes' records, in order of creation; no snapshots."""
    found = store.everywhere(Sandbox, ONLY)
    return [stored.record for name, stored in found.items() if not is_snapshot(name)]


def make_room(store: Store, name: str, *, real_at: float) -> None:
    """Free the name of a sandbox whose life in real time is over, if there is one; `sweep` does so for all."""
    if name in store.sandboxes() and find_sandbox(store, name, real_at=real_at) is None:
        drop_sandbox(store, name)


def sweep(store: Store, *, real_at: float) -> None:
    """Forget the sandboxes whose life in real time is over, and what was written to one after it had been dropped.

    A request may be on its way, held up by a fault, when its sandbox goes.
    """
    found = store.everywhere(Sandbox, ONLY)
    mortal = [name for name, stored in found.items() if stored.record.expires_real_at is not None]
    for name in mortal:
        if _is_over(found[name].record, real_at) and not is_snapshot(name):
            drop_sandbox(store, name)
    for name in set(store.sandboxes()) - found.keys():
        store.drop(name)


def drop_sandbox(store: Store, name: str) -> Conflict | None:
    """Forget a sandbox, whole, with its snapshots; the default one stays for the life of the server."""
    if name == DEFAULT:
        return Conflict("The default sandbox lives as long as the server.", reason="default_sandbox")
    for stored_name in store.sandboxes():
        if stored_name.startswith(name + SEPARATOR):
            store.drop(stored_name)
    store.drop(name)
    return None


def _plainly(store: Store, sandbox: Sandbox, now: int) -> Context:
    return Context(sandbox=sandbox, now=now, store=store)


def settle(store: Store, sandbox: Sandbox, *, now: int, enter: Enter = _plainly) -> list[Event]:
    """Apply and journal what fell due since the last time, in order of instant.

    At the start of each request, and by `advance`: the same code. There are no timers: nothing falls due while nobody
    asks. Scripted humans act at their own instants, so that what they do falls into place.
    """
    following = store.next_due(sandbox.name, sandbox.settled_at)
    if following is None or following > now:
        return []
    from mock_authz.usecases import humans  # noqa: PLC0415 - a server starts, and mostly goes on, with nothing due

    journalled: list[Event] = []
    for instant in humans.due_instants(enter(store, sandbox, now), until=now):
        journalled += _journal_due(store, sandbox.name, until=instant)
        seen = store.journal(sandbox.name)[-1:]
        humans.act_due(enter(store, sandbox, instant))
        acted = store.journal(sandbox.name, after=seen[0].sequence if seen else 0)
        journalled += [entry.of for entry in acted if isinstance(entry.of, Event)]
    return journalled + _journal_due(store, sandbox.name, until=now)


def _journal_due(store: Store, name: str, *, until: int) -> list[Event]:
    while True:
        stored = store.get(name, Sandbox, ONLY)
        if stored is None or stored.record.settled_at >= until:
            return []
        after = stored.record.settled_at
        falling = timeline.falling_due(store.due(name, after, until), after=after, until=until)
        events = [event for event in falling if event.type is not EventType.HUMAN_DUE]
        outcome = store.commit(
            name,
            expected={(Sandbox, ONLY): stored.version},
            puts=[replace(stored.record, settled_at=until)],
            events=events,
        )
        if outcome is Committed.COMMITTED:
            return events


def set_clock(
    store: Store, name: str, clock: Clock, *, real_at: float, enter: Enter = _plainly
) -> list[Event]:
    """Set a sandbox's clock, forward or back, and settle what falls due on the way.

    Going back moves the clock only: data stays, and what has acted does not act again.

    Returns:
        What fell due, in order.
    """
    to = clock.now(real_at)
    while True:
        stored = store.get(name, Sandbox, ONLY)
        if stored is None:
            return []
        sandbox = stored.record
        moved = replace(sandbox, clock=clock, settled_at=min(sandbox.settled_at, to))
        event = Event(
            EventType.CLOCK_MOVED, to, {"from": sandbox.clock.now(real_at), "to": to, "mode": clock.mode}
        )
        outcome = store.commit(name, expected={(Sandbox, ONLY): stored.version}, puts=[moved], events=[event])
        if outcome is Committed.COMMITTED:
            return settle(store, moved, now=to, enter=enter)


def next_event_at(store: Store, sandbox: Sandbox, *, after: int) -> int | None:
    """Say when the next thing falls due; None if nothing ever does."""
    return store.next_due(sandbox.name, after)
