"""Records as plain JSON values and back, by their types. For files that leave the process, and stores outside it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from mock_authz.domain.events import Event
from mock_authz.store.port import Entry, Exchange
from mock_authz.store.records import KINDS

R = TypeVar("R")

KINDS_BY_NAME: dict[str, type] = {kind.name: record_type for record_type, kind in KINDS.items()}


class UnreadableRecordError(ValueError):
    """A value is no record of its kind. The message says what is wrong where."""


def encode(record: object) -> Any:
    """Turn a record into JSON values; bytes become base64."""
    return msgspec.to_builtins(record)


def decode(value: Any, record_type: type[R]) -> R:
    """Turn JSON values back into a record.

    Raises:
        UnreadableRecordError: they are none.
    """
    try:
        record = msgspec.convert(value, record_type)
    except msgspec.ValidationError as error:
        raise UnreadableRecordError(str(error)) from None
    if (name := _unread(value, encode(record))) is not None:
        raise UnreadableRecordError(f"there is no member {name!r} in a {record_type.__name__}")
    return record


def _unread(given: Any, read: Any) -> str | None:
    """Find a member that was given and that nobody read: a newer server may have meant something by it."""
    pairs: Iterable[tuple[Any, Any]] = ()
    if isinstance(given, dict) and isinstance(read, dict):
        if unread := [str(name) for name in given if name not in read]:
            return unread[0]
        pairs = ((value, read[name]) for name, value in given.items())
    elif isinstance(given, list) and isinstance(read, list):
        pairs = zip(given, read, strict=True)
    found = (_unread(*pair) for pair in pairs)
    return next((name for name in found if name is not None), None)


def encode_entry(entry: Entry) -> dict[str, Any]:
    """Turn a journal's entry into JSON values."""
    kind = "event" if isinstance(entry.of, Event) else "exchange"
    return {"sequence": entry.sequence, "kind": kind, **encode(entry.of)}


def decode_entry(value: dict[str, Any]) -> Event | Exchange:
    """Turn a journal's entry back into what it is of.

    Raises:
        UnreadableRecordError: it is neither an event nor an exchange.
    """
    members = {name: member for name, member in value.items() if name not in ("sequence", "kind")}
    if value.get("kind") == "event":
        return decode(members, Event)
    if value.get("kind") == "exchange":
        return decode(members, Exchange)
    raise UnreadableRecordError("an entry of the journal is of the kind event or exchange")
