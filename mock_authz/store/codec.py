"""Records as plain JSON values and back, by their types. For files that leave the process, and stores outside it."""

from __future__ import annotations

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
        return msgspec.convert(value, record_type)
    except msgspec.ValidationError as error:
        raise UnreadableRecordError(str(error)) from None


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
    return decode(members, Exchange)
