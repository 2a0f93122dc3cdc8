"""Sandboxes and their clocks: create, list, drop; read, set, advance; and settle what fell due on the way."""

from __future__ import annotations

from collections.abc import Sequence
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
) -> Sandbox | Conflict:
    """Create a sandbox with its first records, whole or not at all.

    Args:
        issuer: without a trailing slash.
        real_at: the wall clock, Unix seconds.
        random_seed: a text; the same one repeats all codes and tokens (with a fixed issuer and a frozen clock).
        records: what a seed file holds.
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
    )
    outcome = store.commit(name, expected={(Sandbox, ONLY): ABSENT}, puts=[sandbox, *records])
    if outcome is not Committed.COMMITTED:
        return Conflict(f"There is a sandbox {name} already.", reason="id_taken")
    return sandbox


def find_sandbox(store: Store, name: str) -> Sandbox | None:
    """Load a sandbox's record."""
    stored = store.get(name, Sandbox, ONLY)
    return None if stored is None else stored.record


def list_sandboxes(store: Store) -> list[Sandbox]:
    """Load all sandboxes' records, in order of creation."""
    found = (find_sandbox(store, name) for name in store.sandboxes())
    return [sandbox for sandbox in found if sandbox is not None]


def drop_sandbox(store: Store, name: str) -> Conflict | None:
    """Forget a sandbox, whole; the default one stays for the life of the server."""
    if name == DEFAULT:
        return Conflict("The default sandbox lives as long as the server.", reason="default_sandbox")
    store.drop(name)
    return None


def settle(store: Store, sandbox: Sandbox, *, now: int) -> list[Event]:
    """Journal what fell due since the last time, in order of instant. At the start of each request, and by `advance`.

    There are no timers: nothing falls due while nobody asks.
    """
    following = store.next_due(sandbox.name, sandbox.settled_at)
    if following is None or following > now:
        return []
    while True:
        stored = store.get(sandbox.name, Sandbox, ONLY)
        if stored is None or stored.record.settled_at >= now:
            return []
        after = stored.record.settled_at
        events = timeline.falling_due(store.due(sandbox.name, after, now), after=after, until=now)
        outcome = store.commit(
            sandbox.name,
            expected={(Sandbox, ONLY): stored.version},
            puts=[replace(stored.record, settled_at=now)],
            events=events,
        )
        if outcome is Committed.COMMITTED:
            return events


def set_clock(store: Store, name: str, clock: Clock, *, real_at: float) -> list[Event]:
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
            return settle(store, moved, now=to)
