"""JSON bodies read strictly: what is a JSON text at all, and an object read member by member, all faults at once.

Knows nothing of requests, nor of what the APIs do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final, NoReturn, TypeVar
from urllib.parse import quote

from mock_authz.domain import spelling
from mock_authz.instants import UnreadableTimeError, parse_instant

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)
LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
LONGEST_SHOWN: Final = 80


class UnreadableBodyError(Exception):
    """The body is not JSON, or JSON that readers disagree about. The message says why."""


class InvalidBodyError(Exception):
    """The body is JSON, but not what the operation takes. Carries every fault at once."""

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__(f"{len(errors)} faults")
        self.errors = errors


def parse_json(raw: bytes) -> Any:
    """Read a JSON text, as strictly as RFC 7493 (I-JSON) asks: UTF-8, no member twice, no half characters.

    A number without a fraction is an integer, however it is spelled: so JSON Schema counts 1.0 too.

    Raises:
        UnreadableBodyError: it is none.
    """
    try:
        text = raw.decode()
        value = json.loads(
            text, parse_constant=_refuse_constant, parse_float=_number, object_pairs_hook=_distinct
        )
    except json.JSONDecodeError as error:
        raise UnreadableBodyError(
            f"The body is not JSON (line {error.lineno}, column {error.colno})."
        ) from None
    except (ValueError, RecursionError):
        raise UnreadableBodyError("The body is not JSON in UTF-8, or is nested too deeply.") from None
    # RFC 8259 8.2: half of a character can be escaped, and nobody knows what it means.
    if "\\u" in text and LONE_SURROGATE.search(json.dumps(value, ensure_ascii=False)):
        raise UnreadableBodyError("The body holds half of a surrogate pair.")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _number(spelled: str) -> float | int:
    number = float(spelled)
    return int(number) if number.is_integer() else number


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # RFC 8259 4: names should be unique. Which of two would count, readers disagree about.
    members = dict(pairs)
    if len(members) != len(pairs):
        raise UnreadableBodyError("A member comes twice in one object.")
    return members


class Body:
    """A JSON object, read member by member; `finish` reports all faults at once, unknown members too.

    After a fault a reading gives something empty of its type, which nobody uses: `finish` raises.
    """

    def __init__(self, members: Mapping[str, Any]) -> None:
        self._members = members
        self._read: set[str] = set()
        self.faults: list[dict[str, str]] = []

    def has(self, name: str) -> bool:
        """Say whether a member was given, null or not."""
        self._read.add(name)
        return name in self._members

    def fault(self, detail: str, *path: str | int) -> None:
        """Note what is wrong where: at a member, at something in it, or at the whole body."""
        self.faults.append({"pointer": pointer(*path), "detail": detail})

    def raw(self, name: str) -> Any:
        """Give a member as it is; None if it was not given."""
        return self._members[name] if self.has(name) else None

    def members(self) -> Mapping[str, Any]:
        """Give all members as they are, for a reader of its own."""
        self._read.update(self._members)
        return self._members

    def value(self, name: str, kind: type[T], says: str) -> T:
        """Read a member of one JSON type."""
        if not self.has(name):
            self.fault(f"{name} is missing: {says}.")
        elif isinstance(given := self._members[name], kind):
            return given
        else:
            self.fault(f"Give {says}.", name)
        return kind()

    def optional(self, name: str, read: Callable[[str], T]) -> T | None:
        """Read a member that may be left out."""
        return read(name) if self.has(name) else None

    def nullable(self, name: str, read: Callable[[str], T]) -> T | None:
        """Read a member that may be null; left out, it is null too."""
        return read(name) if self.has(name) and self._members[name] is not None else None

    def text(self, name: str, *, longest: int, says: str = "a text", pattern: str | None = None) -> str:
        """Read a text that is not empty, is not too long, and is spelled as the pattern says."""
        given = self.value(name, str, says)
        if isinstance(self._members.get(name), str) and not is_spelled(
            given, longest=longest, pattern=pattern
        ):
            self.fault(f"Give {says} of 1 to {longest} characters.", name)
        return given

    def identifier(self, name: str) -> str:
        """Read an identity that people may choose."""
        says = "an identity of letters, digits, dots, underscores and hyphens"
        return self.text(name, longest=spelling.LONGEST_IDENTIFIER, says=says, pattern=spelling.IDENTIFIER)

    def username(self, name: str) -> str:
        """Read an administrator's login name."""
        says = "a username of letters, digits and . _ @ + -"
        return self.text(name, longest=spelling.LONGEST_IDENTIFIER, says=says, pattern=spelling.USERNAME)

    def name(self, name: str) -> str:
        """Read a name for people."""
        says = "a name without control characters, and without a space at either end,"
        return self.text(name, longest=spelling.LONGEST_NAME, says=says, pattern=spelling.NAME)

    def choice(self, name: str, of: type[E]) -> E:
        """Read a member of an enumeration."""
        members = {str(member): member for member in of}
        says = f"one of {', '.join(members)}"
        given = self.value(name, str, says)
        if isinstance(self._members.get(name), str) and given not in members:
            self.fault(f"Give {says}.", name)
        return members.get(given, next(iter(of)))

    def integer(self, name: str, *, least: int, most: int) -> int:
        """Read a whole number within bounds."""
        return int(self.number(name, least=least, most=most, whole=True))

    def number(self, name: str, *, least: float, most: float, whole: bool = False) -> float:
        """Read a number within bounds."""
        given = self.raw(name)
        kinds = int if whole else (int, float)
        if isinstance(given, kinds) and not isinstance(given, bool) and least <= given <= most:
            return given
        self.fault(f"Give a {'whole ' if whole else ''}number from {least} to {most}.", name)
        return least

    def boolean(self, name: str) -> bool:
        """Read true or false."""
        return self.value(name, bool, "true or false")

    def texts(self, name: str, *, pattern: str, says: str, most: int | None = None) -> tuple[str, ...]:
        """Read an array of different texts, each spelled as the pattern says."""
        given: list[Any] = self.value(name, list, f"an array of {says}")
        seen: set[str] = set()
        for index, item in enumerate(given):
            if not isinstance(item, str) or not re.fullmatch(pattern, item):
                self.fault(f"Give {says}.", name, index)
            elif item in seen:
                self.fault(f"{item} comes twice.", name, index)
            else:
                seen.add(item)
        if most is not None and len(given) > most:
            self.fault(f"Give {most} at most.", name)
        return tuple(item for item in given if isinstance(item, str))

    def instant(self, name: str) -> int:
        """Read an instant: seconds, RFC 3339 date-time, or date."""
        if not self.has(name):
            self.fault(f"{name} is missing: an instant.")
            return 0
        try:
            return parse_instant(self._members[name])
        except UnreadableTimeError as error:
            self.fault(f"{error}.", name)
            return 0

    def adopt(self, name: str, inner: Body) -> None:
        """Take over the faults of a member that is an object itself."""
        inner.note_unknown()
        for error in inner.faults:
            self.faults.append({**error, "pointer": pointer(name) + error["pointer"].removeprefix("#")})

    def note_unknown(self) -> None:
        """Note the members that nobody asked for."""
        for name in self._members:
            if name not in self._read:
                self.fault(f"There is no member {name[:LONGEST_SHOWN]} here{self._meant(name)}", name)

    def _meant(self, name: str) -> str:
        import difflib  # noqa: PLC0415 - only who misspelt something pays for it

        close = difflib.get_close_matches(name[:LONGEST_SHOWN], self._read, n=1)
        return f". Did you mean {close[0]}?" if close else "."

    def finish(self) -> None:
        """Report.

        Raises:
            InvalidBodyError: anything was wrong, or a member was never asked for.
        """
        self.note_unknown()
        if self.faults:
            raise InvalidBodyError(self.faults)


def is_spelled(given: str, *, longest: int, pattern: str | None) -> bool:
    """Say whether a text is neither empty nor too long, and is spelled as the pattern says."""
    return 0 < len(given) <= longest and (pattern is None or re.fullmatch(pattern, given) is not None)


def pointer(*path: str | int) -> str:
    """Spell a JSON Pointer in its fragment form (RFC 6901 6)."""
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in path)
    return "#" + "".join(f"/{quote(part, safe='~')}" for part in parts)
