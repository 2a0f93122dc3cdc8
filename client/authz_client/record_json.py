"""Frozen dataclasses to JSON values and back, by their annotations; it knows no record in particular.

Decoding is strict about types and forgiving about unknown members; it never puts a value into an error's text.
"""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

Record = TypeVar("Record")


class NotARecord(ValueError):  # noqa: N818 - says what the value is
    """A JSON value does not have the shape of the record; the text names the member, never its value."""


def to_json(value: Any) -> Any:
    """Turn a record into JSON values: tuples become arrays, enums their values, None members are left out."""
    if is_dataclass(value):
        members = {member.name: to_json(getattr(value, member.name)) for member in fields(value)}
        return {name: member for name, member in members.items() if member is not None}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [to_json(member) for member in value]
    return value


def from_json(record: type[Record], value: object) -> Record:
    """Turn a JSON object into a record.

    Raises:
        NotARecord: a member is missing or has the wrong type, or the record refuses the combination.
    """
    if not isinstance(value, dict):
        raise NotARecord(f"{record.__name__} is no object")
    hints = _hints(record)  # type: ignore[arg-type]  # a class is hashable
    members = {
        member.name: _decode(hints[member.name], value.get(member.name), f"{record.__name__}.{member.name}")
        for member in fields(record)  # type: ignore[arg-type]  # only dataclasses are records
        if member.name in value or not _has_default(member)
    }
    try:
        return record(**members)
    except ValueError as error:
        raise NotARecord(f"{record.__name__}: {error}") from None


@cache
def _hints(record: type) -> dict[str, Any]:
    """Read a record's annotations, once: they are texts that cost more to evaluate than a record to decode."""
    return get_type_hints(record)


def _has_default(member: Field[Any]) -> bool:
    return member.default is not MISSING or member.default_factory is not MISSING


def _decode(hint: Any, value: Any, where: str) -> Any:
    if get_origin(hint) is UnionType:  # only `X | None`
        if value is None:
            return None
        (hint,) = [option for option in get_args(hint) if option is not NoneType]
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise NotARecord(f"{where} is no array")
        return tuple(_decode(get_args(hint)[0], member, where) for member in value)
    return _decode_plain(hint, value, where)


def _decode_plain(hint: Any, value: Any, where: str) -> Any:
    if get_origin(hint) is not None:
        hint = get_origin(hint)
    if is_dataclass(hint):
        return from_json(hint, value)  # type: ignore[arg-type]  # a class, not an instance
    if issubclass(hint, Enum):
        return _member(hint, value, where)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise NotARecord(f"{where} has the wrong type")
    return value


def _member(enum: type[Enum], value: Any, where: str) -> Enum:
    known: Mapping[Any, Enum] = {member.value: member for member in enum}
    if not isinstance(value, str) or value not in known:
        raise NotARecord(f"{where} is none of the known values")
    return known[value]
