"""Snapshots of a sandbox: taken, restored, forked; and a whole sandbox in one file, which another server loads.

A snapshot lies in the store under a name that no sandbox can have. It holds data, clock, keys, faults, entropy and
journal: whatever is stored.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from mock_authz.clock import Clock, ClockMode
from mock_authz.domain.events import Event, EventType
from mock_authz.domain.refusals import Conflict, NotFound
from mock_authz.sandbox import Sandbox
from mock_authz.store import codec
from mock_authz.store.port import ABSENT, Committed, Exchange, Store
from mock_authz.store.records import ONLY

SEPARATOR: Final = "@"
FORMAT: Final = "mock-authz sandbox 1"


def is_snapshot(stored_name: str) -> bool:
    """Say whether a name in the store is a snapshot's."""
    return SEPARATOR in stored_name


def list_snapshots(store: Store, sandbox: Sandbox) -> list[str]:
    """List the names of a sandbox's snapshots, oldest first."""
    prefix = sandbox.name + SEPARATOR
    return [name.removeprefix(prefix) for name in store.sandboxes() if name.startswith(prefix)]


def take(store: Store, sandbox: Sandbox, *, name: str, real_at: float) -> Conflict | None:
    """Take a snapshot. A clock that runs is remembered at the instant that it shows."""
    if name in list_snapshots(store, sandbox):
        return Conflict(f"There is a snapshot {name} already.", reason="id_taken")
    stored_name = sandbox.name + SEPARATOR + name
    store.copy(sandbox.name, stored_name)
    store.commit(stored_name, expected={}, puts=[replace(sandbox, clock=_anchored(sandbox.clock, real_at))])
    return None


def restore(store: Store, sandbox: Sandbox, *, name: str, real_at: float) -> Sandbox | NotFound:
    """Put a sandbox back to a snapshot, which stays. Its clock goes on from the instant that was remembered."""
    stored = store.get(sandbox.name + SEPARATOR + name, Sandbox, ONLY)
    if stored is None:
        return NotFound("There is no such snapshot.")
    store.copy(sandbox.name + SEPARATOR + name, sandbox.name)
    clock = stored.record.clock
    restored = replace(
        stored.record,
        name=sandbox.name,
        issuer=sandbox.issuer,
        clock=Clock(clock.mode, real_at, clock.virtual_at),
    )
    _put(store, restored, change="restored", real_at=real_at, snapshot=name)
    return restored


def drop_snapshot(store: Store, sandbox: Sandbox, *, name: str) -> NotFound | None:
    """Forget a snapshot."""
    if name not in list_snapshots(store, sandbox):
        return NotFound("There is no such snapshot.")
    store.drop(sandbox.name + SEPARATOR + name)
    return None


def fork(store: Store, sandbox: Sandbox, *, name: str, issuer: str, real_at: float) -> Sandbox | Conflict:
    """Copy a sandbox to another one, which goes its own way. Same keys and entropy, another issuer."""
    if store.get(name, Sandbox, ONLY) is not None:
        return Conflict(f"There is a sandbox {name} already.", reason="id_taken")
    store.copy(sandbox.name, name)
    forked = replace(sandbox, name=name, issuer=issuer, created_real_at=int(real_at // 1))
    _put(store, forked, change="forked", real_at=real_at, of=sandbox.name)
    return forked


def _put(store: Store, sandbox: Sandbox, *, change: str, real_at: float, **subject: str) -> None:
    event = Event(EventType.SANDBOX_CHANGED, sandbox.clock.now(real_at), {"change": change, **subject})
    store.commit(sandbox.name, expected={}, puts=[sandbox], events=[event])


def _anchored(clock: Clock, real_at: float) -> Clock:
    if clock.mode is ClockMode.OFFSET:
        return Clock(clock.mode, real_at, clock.virtual_at + real_at - clock.real_at)
    return clock


# --- one file for a bug report ---


def export(store: Store, sandbox: Sandbox, *, version: str, real_at: float) -> dict[str, Any]:
    """Give everything of a sandbox as JSON values. It holds the sandbox's secrets: whoever has it can act in its name."""
    anchored = replace(sandbox, clock=_anchored(sandbox.clock, real_at))
    records = {
        name: [codec.encode(record) for record in _every(store, sandbox.name, record_type)]
        for name, record_type in codec.KINDS_BY_NAME.items()
        if record_type is not Sandbox
    }
    return {
        "format": FORMAT,
        "version": version,
        "sandbox": codec.encode(anchored),
        "records": records,
        "journal": [codec.encode_entry(entry) for entry in store.journal(sandbox.name)],
    }


def load(
    store: Store, exported: dict[str, Any], *, name: str | None, issuer: str | None, real_at: float
) -> Sandbox | Conflict:
    """Load what `export` gave, as a new sandbox.

    Args:
        name: by default the one that it had; likewise `issuer`, on which its tokens depend.

    Raises:
        UnreadableRecordError: it is no such file.
    """
    if exported.get("format") != FORMAT:
        raise codec.UnreadableRecordError(f"this is not a file of the format {FORMAT!r}")
    sandbox = codec.decode(exported.get("sandbox"), Sandbox)
    loaded = replace(
        sandbox,
        name=name or sandbox.name,
        issuer=issuer or sandbox.issuer,
        clock=replace(sandbox.clock, real_at=real_at),
    )
    records = [loaded, *_records(exported.get("records"))]
    entries = [codec.decode_entry(entry) for entry in _list(exported.get("journal"))]
    if store.commit(loaded.name, expected={(Sandbox, ONLY): ABSENT}, puts=records) is not Committed.COMMITTED:
        return Conflict(f"There is a sandbox {loaded.name} already.", reason="id_taken")
    for of in entries:
        if isinstance(of, Exchange):
            store.note(loaded.name, of)
        else:
            store.commit(loaded.name, expected={}, events=[of])
    return loaded


def _every(store: Store, name: str, record_type: type[object]) -> list[object]:
    return [stored.record for stored in store.every(name, record_type)]


def _records(given: Any) -> list[object]:
    if not isinstance(given, dict) or not set(given) <= set(codec.KINDS_BY_NAME) - {"sandbox"}:
        raise codec.UnreadableRecordError("records must be an object of arrays, one for each kind")
    return [
        codec.decode(value, codec.KINDS_BY_NAME[kind])
        for kind, values in given.items()
        for value in _list(values)
    ]


def _list(given: Any) -> list[Any]:
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise codec.UnreadableRecordError("an array of objects is expected where something else stands")
    return given
