"""Snapshots of a sandbox: taken, restored, forked.

A snapshot lies in the store under a name that no sandbox can have. It holds data, clock, keys, faults, entropy and
journal: whatever is stored.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from mock_authz.clock import Clock, ClockMode
from mock_authz.domain.events import Event, EventType
from mock_authz.domain.refusals import Conflict, NotFound
from mock_authz.sandbox import Sandbox
from mock_authz.store.port import Store
from mock_authz.store.records import ONLY

SEPARATOR: Final = "@"
NO_SNAPSHOT: Final = NotFound("There is no such snapshot.")


def is_snapshot(stored_name: str) -> bool:
    """Say whether a name in the store is a snapshot's."""
    return SEPARATOR in stored_name


def list_snapshots(store: Store, sandbox: Sandbox) -> list[str]:
    """List the names of a sandbox's snapshots, oldest first."""
    prefix = sandbox.name + SEPARATOR
    return [name.removeprefix(prefix) for name in store.sandboxes() if name.startswith(prefix)]


def take(store: Store, sandbox: Sandbox, *, name: str, real_at: float) -> Conflict | None:
    """Take a snapshot. A clock that runs is remembered at the instant that it shows."""
    if has_snapshot(store, sandbox, name=name):
        return Conflict(f"There is a snapshot {name} already.", reason="id_taken")
    stored_name = sandbox.name + SEPARATOR + name
    store.copy(sandbox.name, stored_name)
    store.commit(stored_name, expected={}, puts=[replace(sandbox, clock=anchored(sandbox.clock, real_at))])
    return None


def restore(store: Store, sandbox: Sandbox, *, name: str, real_at: float) -> Sandbox | NotFound:
    """Put a sandbox back to a snapshot, which stays. Its clock goes on from the instant that was remembered.

    How long the sandbox lives in real time is not put back.
    """
    stored = store.get(sandbox.name + SEPARATOR + name, Sandbox, ONLY)
    if stored is None:
        return NO_SNAPSHOT
    store.copy(sandbox.name + SEPARATOR + name, sandbox.name)
    clock = stored.record.clock
    restored = replace(
        stored.record,
        clock=Clock(clock.mode, real_at, clock.virtual_at),
        expires_real_at=sandbox.expires_real_at,
    )
    _put(store, restored, change="restored", real_at=real_at, snapshot=name)
    return restored


def has_snapshot(store: Store, sandbox: Sandbox, *, name: str) -> bool:
    """Say whether there is a snapshot of this name."""
    return store.get(sandbox.name + SEPARATOR + name, Sandbox, ONLY) is not None


def drop_snapshot(store: Store, sandbox: Sandbox, *, name: str) -> NotFound | None:
    """Forget a snapshot."""
    if not has_snapshot(store, sandbox, name=name):
        return NO_SNAPSHOT
    store.drop(sandbox.name + SEPARATOR + name)
    return None


def fork(
    store: Store,
    sandbox: Sandbox,
    *,
    name: str,
    issuer: str,
    real_at: float,
    lives_seconds: int | None = None,
) -> Sandbox | Conflict:
    """Copy a sandbox to another one, which goes its own way: same keys and entropy, an issuer and a life of its own."""
    if store.get(name, Sandbox, ONLY) is not None:
        return Conflict(f"There is a sandbox {name} already.", reason="id_taken")
    store.copy(sandbox.name, name)
    forked = replace(
        sandbox,
        name=name,
        issuer=issuer,
        created_real_at=int(real_at // 1),
        expires_real_at=None if lives_seconds is None else int(real_at // 1) + lives_seconds,
    )
    _put(store, forked, change="forked", real_at=real_at, of=sandbox.name)
    return forked


def _put(store: Store, sandbox: Sandbox, *, change: str, real_at: float, **subject: str) -> None:
    event = Event(EventType.SANDBOX_CHANGED, sandbox.clock.now(real_at), {"change": change, **subject})
    store.commit(sandbox.name, expected={}, puts=[sandbox], events=[event])


def anchored(clock: Clock, real_at: float) -> Clock:
    """Anchor a clock that runs at the instant that it shows."""
    if clock.mode is ClockMode.OFFSET:
        return Clock(clock.mode, real_at, clock.virtual_at + real_at - clock.real_at)
    return clock
