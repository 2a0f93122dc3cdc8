"""What may stand at one place of an answer: a value, one of several, a new string, nothing.

Every kind of demand says whether it admits what was found, and can give an example of what it would admit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeAlias


class Missing(Enum):
    """What is found where an answer has no such member."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING
UNSEEN: Final = "unseen:"  # no wire value begins so: what a lost reply held, the model names itself


def same(left: object, right: object) -> bool:
    """Compare JSON values: 1 and 1.0 and true are three values, not one."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and left == right


def is_number(value: object) -> bool:
    """Say whether a JSON value is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass(frozen=True, slots=True)
class Is:
    """Exactly this JSON value; what is `excused` breaks a rule of its own."""

    value: Any
    excused: tuple[Any, ...] = ()

    def admits(self, found: object) -> bool:
        """Say whether `found` may stand here."""
        return any(same(value, found) for value in (self.value, *self.excused))

    def example(self, name: str) -> object:
        """Give something that may stand here."""
        del name
        return self.value

    def __str__(self) -> str:
        return repr(self.value)


@dataclass(frozen=True, slots=True)
class Among:
    """One of several JSON values, the one by the letter of the law first; `MISSING` admits absence."""

    values: tuple[Any, ...]

    def admits(self, found: object) -> bool:
        """Say whether `found` may stand here."""
        return any(same(value, found) for value in self.values)

    def example(self, name: str) -> object:
        """Give something that may stand here."""
        del name
        return self.values[0]

    def __str__(self) -> str:
        return " or ".join("absent" if value is MISSING else repr(value) for value in self.values)


@dataclass(frozen=True, slots=True)
class Absent:
    """No such member."""

    def admits(self, found: object) -> bool:
        """Say whether `found` may stand here."""
        return found is MISSING

    def example(self, name: str) -> object:
        """Give something that may stand here."""
        del name
        return MISSING

    def __str__(self) -> str:
        return "absent"


@dataclass(frozen=True, slots=True)
class Fresh:
    """A string that is none of those known already."""

    known: frozenset[str] = frozenset()

    def admits(self, found: object) -> bool:
        """Say whether `found` may stand here."""
        return isinstance(found, str) and found != "" and found not in self.known

    def example(self, name: str) -> object:
        """Give something that may stand here."""
        return name

    def __str__(self) -> str:
        return "a new string" if self.known else "a string"


@dataclass(frozen=True, slots=True)
class WholeNumber:
    """A JSON integer, not below `least`; `or_absent` where the member may be left out."""

    least: int
    or_absent: bool = False

    def admits(self, found: object) -> bool:
        """Say whether `found` may stand here."""
        if found is MISSING:
            return self.or_absent
        return isinstance(found, int) and not isinstance(found, bool) and found >= self.least

    def example(self, name: str) -> object:
        """Give something that may stand here."""
        del name
        return self.least

    def __str__(self) -> str:
        return f"a whole number, at least {self.least}" + (", or absent" if self.or_absent else "")


@dataclass(frozen=True, slots=True)
class IfWhole:
    """Exactly this integer; what is there and is none breaks a rule of its own, or with `strictly` no float does."""

    value: int
    strictly: bool = False

    def admits(self, found: object) -> bool:
        """Say whether `found` may stand here."""
        if is_number(found) and (self.strictly or isinstance(found, int)):
            return same(self.value, found)
        return found is not MISSING

    def example(self, name: str) -> object:
        """Give something that may stand here."""
        del name
        return self.value

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True, slots=True)
class IfThere:
    """Exactly this value, where there is any; that there is one is demanded by a rule of its own."""

    value: Any

    def admits(self, found: object) -> bool:
        """Say whether `found` may stand here."""
        return found is MISSING or same(self.value, found)

    def example(self, name: str) -> object:
        """Give something that may stand here."""
        del name
        return self.value

    def __str__(self) -> str:
        return repr(self.value)


@dataclass(frozen=True, slots=True)
class NotAmong:
    """None of some values. It gives no example: what stands here `instead` is demanded beside it."""

    values: tuple[Any, ...]
    instead: Any

    def admits(self, found: object) -> bool:
        """Say whether `found` may stand here."""
        return not any(same(value, found) for value in self.values)

    def example(self, name: str) -> object:
        """Give nothing."""
        del name
        return MISSING

    def __str__(self) -> str:
        return repr(self.instead)


@dataclass(frozen=True, slots=True)
class Near:
    """A number not far from another; of what is no number it says nothing. It gives no example, as `NotAmong`."""

    value: int
    within: int

    def admits(self, found: object) -> bool:
        """Say whether `found` may stand here."""
        is_far = isinstance(found, int | float) and abs(found - self.value) > self.within
        return not is_far

    def example(self, name: str) -> object:
        """Give nothing."""
        del name
        return MISSING

    def __str__(self) -> str:
        return f"{self.value}, give or take {self.within}"


@dataclass(frozen=True, slots=True)
class Number:
    """A JSON number."""

    def admits(self, found: object) -> bool:
        """Say whether `found` may stand here."""
        return is_number(found)

    def example(self, name: str) -> object:
        """Give something that may stand here."""
        del name
        return 1

    def __str__(self) -> str:
        return "a number"


@dataclass(frozen=True, slots=True)
class Alone:
    """An object that, where it has one member with one value, has no other."""

    member: str
    value: Any

    def admits(self, found: object) -> bool:
        """Say whether `found` may stand here."""
        is_it = isinstance(found, Mapping) and same(self.value, found.get(self.member, MISSING))
        return not is_it or same({self.member: self.value}, found)

    def example(self, name: str) -> object:
        """Give something that may stand here."""
        del name
        return {self.member: self.value}

    def __str__(self) -> str:
        return f"nothing but {self.member}"


@dataclass(frozen=True, slots=True)
class Kids:
    """A list of JWKs that names some keys and does not name others."""

    held: frozenset[str]
    dropped: frozenset[str]

    def admits(self, found: object) -> bool:
        """Say whether `found` may stand here."""
        if not isinstance(found, Sequence) or isinstance(found, str):
            return False
        kids = {jwk.get("kid") for jwk in found if isinstance(jwk, Mapping)}
        return self.held <= kids and self.dropped.isdisjoint(kids)

    def example(self, name: str) -> object:
        """Give something that may stand here."""
        del name
        return [{"kid": kid} for kid in sorted(self.held)]

    def __str__(self) -> str:
        return f"keys {sorted(self.held)}, not {sorted(self.dropped)}"


Wanted: TypeAlias = (
    Is | Among | Absent | Fresh | WholeNumber | IfWhole | IfThere | NotAmong | Near | Number | Alone | Kids
)
