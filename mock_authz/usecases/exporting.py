"""A whole sandbox in one file, for a bug report, which another server loads.

It holds the sandbox's secrets, seed and private keys: whoever has it can act in the sandbox's name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from mock_authz import minting, settings
from mock_authz.domain.events import Event
from mock_authz.domain.refusals import Conflict
from mock_authz.domain.signing_key import KeySet
from mock_authz.entropy import SEED_BYTES
from mock_authz.instants import EARLIEST_AT, LATEST_AT
from mock_authz.sandbox import Sandbox
from mock_authz.store import codec
from mock_authz.store.codec import UnreadableRecordError
from mock_authz.store.port import ABSENT, Committed, Exchange, Store
from mock_authz.store.records import ONLY
from mock_authz.usecases.snapshots import anchored

FORMAT: Final = "mock-authz sandbox 1"
MEMBERS: Final = frozenset({"format", "version", "sandbox", "records", "journal"})
# What every reader of JSON counts exactly (RFC 8259 6).
LARGEST_INTEGER: Final = 2**53


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What a file holds, read but not loaded."""

    sandbox: Sandbox
    records: tuple[object, ...]
    entries: tuple[Event | Exchange, ...]


def export(store: Store, sandbox: Sandbox, *, version: str, real_at: float) -> dict[str, Any]:
    """Give everything of a sandbox as JSON values.

    Args:
        version: of the server that writes the file, for people.
    """
    kinds: dict[str, type[object]] = {
        name: kind for name, kind in codec.KINDS_BY_NAME.items() if kind is not Sandbox
    }
    records = {
        name: [codec.encode(stored.record) for stored in store.every(sandbox.name, kind)]
        for name, kind in kinds.items()
    }
    return {
        "format": FORMAT,
        "version": version,
        "sandbox": codec.encode(replace(sandbox, clock=anchored(sandbox.clock, real_at))),
        "records": records,
        "journal": [codec.encode_entry(entry) for entry in store.journal(sandbox.name)],
    }


def read(exported: Mapping[str, Any]) -> Exported:
    """Read what `export` gave.

    Raises:
        UnreadableRecordError: it is no such file, or a damaged one.
    """
    if exported.get("format") != FORMAT:
        raise UnreadableRecordError(f"this is not a file of the format {FORMAT!r}")
    if exported.keys() != MEMBERS:
        raise UnreadableRecordError(f"it must have the members {', '.join(sorted(MEMBERS))}, and no others")
    for name, number in _numbers(exported, ""):
        is_instant = name == "at" or name.endswith("_at")
        if abs(number) > LARGEST_INTEGER or (is_instant and not EARLIEST_AT <= number < LATEST_AT):
            raise UnreadableRecordError(f"{name} is out of bounds: {number}")
    return Exported(
        sandbox=_sound(codec.decode(exported["sandbox"], Sandbox)),
        records=tuple(_records(exported["records"])),
        entries=tuple(codec.decode_entry(entry) for entry in _objects(exported["journal"])),
    )


def load(store: Store, exported: Exported, *, name: str, issuer: str, real_at: float) -> Sandbox | Conflict:
    """Load a file as a new sandbox, which lives as long as the server. Its clock goes on from where it stood.

    Args:
        issuer: its tokens depend on it.
    """
    loaded = replace(
        exported.sandbox,
        name=name,
        issuer=issuer,
        clock=replace(exported.sandbox.clock, real_at=real_at),
        created_real_at=int(real_at // 1),
        expires_real_at=None,
    )
    puts = [loaded, *exported.records]
    if store.commit(name, expected={(Sandbox, ONLY): ABSENT}, puts=puts) is not Committed.COMMITTED:
        return Conflict(f"There is a sandbox {name} already.", reason="id_taken")
    for of in exported.entries:
        if isinstance(of, Exchange):
            store.note(name, of)
        else:
            store.commit(name, expected={}, events=[of])
    return loaded


def _sound(sandbox: Sandbox) -> Sandbox:
    """Hold what was read to what its types don't say."""
    try:
        settings.change(settings.Settings(), settings.as_mapping(sandbox.settings))
    except settings.SettingsError as error:
        raise UnreadableRecordError(f"settings.{error.name}: {error}") from None
    if len(sandbox.entropy.seed) != SEED_BYTES:
        raise UnreadableRecordError(f"the seed must have {SEED_BYTES} bytes")
    return sandbox


def _records(given: Any) -> Iterator[object]:
    if not isinstance(given, dict) or not set(given) <= set(codec.KINDS_BY_NAME) - {"sandbox"}:
        raise UnreadableRecordError("records must be an object of arrays, one for each kind")
    for kind, values in given.items():
        for value in _objects(values):
            record: object = codec.decode(value, codec.KINDS_BY_NAME[kind])
            if isinstance(record, KeySet):
                _check_keys(record)
            yield record


def _check_keys(key_set: KeySet) -> None:
    for key in key_set.keys:
        if not minting.can_sign(key):
            raise UnreadableRecordError(f"the signing key {key.kid} cannot sign")


def _objects(given: Any) -> list[dict[str, Any]]:
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise UnreadableRecordError("an array of objects is expected where something else stands")
    return given


def _numbers(value: Any, name: str) -> Iterator[tuple[str, float]]:
    """Find every number of a file, with the name of its member."""
    if isinstance(value, Mapping):
        for member, inner in value.items():
            yield from _numbers(inner, member)
    elif isinstance(value, list):
        for inner in value:
            yield from _numbers(inner, name)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield name, value
