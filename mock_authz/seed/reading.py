"""YAML text into plain values, with the line of each. Knows nothing of what a seed may hold.

Reads libyaml's events, not PyYAML's nodes: those are composed by a recursion that deep nesting crashes, and they keep
duplicate keys to themselves. A date stays the text that it is; so does what YAML 1.1 alone takes for a number or a truth
value, such as 12:30 or No.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from mock_authz.seed.problems import Findings, Path, Problem, SeedError, one_line, quoted

LONGEST_SEED: Final = 16 * 1024 * 1024
MOST_VALUES: Final = 500_000
DEEPEST: Final = 32

TAG: Final = "tag:yaml.org,2002:"
COLLECTION_TAGS: Final = (None, "!", f"{TAG}map", f"{TAG}seq")


def _number(text: str) -> int | str:
    # Not 0o17, 1_000 or 12:30, and none that is too long to be meant.
    return int(text) if re.fullmatch(r"-?(0|[1-9][0-9]{0,17})", text) else text


def _truth(text: str) -> bool | str:
    return {"true": True, "false": False}.get(text.lower(), text)


def _fraction(text: str) -> float | str:
    return float(text) if re.fullmatch(r"[-+]?[0-9]+\.[0-9]*", text) else text


SCALARS: Final[dict[str, Callable[[str], Any]]] = {
    f"{TAG}str": str,
    f"{TAG}null": lambda _: None,
    f"{TAG}bool": _truth,
    f"{TAG}int": _number,
    f"{TAG}float": _fraction,
    f"{TAG}timestamp": str,
    f"{TAG}value": str,
    f"{TAG}merge": str,
}

# What libyaml says, and what people do about it.
HINTS: Final = {
    "found character that cannot start any token": "indent with spaces, not tabs, and put a text that begins with @, ` or % in quotes",
    "found a tab character": "indent with spaces",
    "mapping values are not allowed": "is a line indented wrongly, or does a text hold a colon? Put that in quotes",
    "could not find expected ':'": "each line of a mapping is `key: value`",
    "did not find expected": "is a line indented wrongly, or a bracket or quote left open?",
    "unexpected end of stream": "is a bracket or quote left open?",
    "found unexpected end of stream": "is a quote left open?",
}


def read_yaml(source: str, *, where: str) -> tuple[Any, Findings]:
    """Read one YAML document.

    Args:
        where: the file's name, for what is printed.

    Returns:
        Its value, of dict, list, str, int, float, bool and None; and the lines, with what is wrong already.

    Raises:
        SeedError: it is no YAML, empty, or larger than any seed.
    """
    import yaml  # noqa: PLC0415 - only who has a seed file pays for it

    if len(source) > LONGEST_SEED:
        raise SeedError(where, [Problem(detail=f"a seed has at most {LONGEST_SEED} characters")])
    loader_type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _Reader(loader_type(source.removeprefix("\ufeff"))).document()
    except yaml.YAMLError as error:
        raise SeedError(where, [_syntax_problem(error, source)]) from None
    except _UnusableError as error:
        raise SeedError(where, [Problem(path=error.path, detail=error.detail, line=error.line)]) from None


class _UnusableError(Exception):
    """The text is YAML, but nothing can be said of the rest of it."""

    def __init__(self, path: Path, detail: str, line: int) -> None:
        super().__init__(detail)
        self.path, self.detail, self.line = path, detail, line


@dataclass(slots=True)
class _Reader:
    """Turns events into values.

    Attributes:
        anchors: what an alias stands for, and how many values that is.
    """

    loader: Any
    lines: dict[Path, int] = field(default_factory=dict)
    findings: Findings = field(init=False)
    anchors: dict[str, tuple[Any, int]] = field(default_factory=dict)
    values: int = 0

    def __post_init__(self) -> None:
        self.findings = Findings(self.lines)

    def document(self) -> tuple[Any, Findings]:
        self._next()  # the stream's start
        if self._kind() == "StreamEndEvent":
            raise _UnusableError((), "the file is empty: a seed that holds nothing is written {}", 1)
        self._next()  # the document's start
        value = self._value(())
        self._next()  # the document's end
        if self._kind() != "StreamEndEvent":
            line = self.loader.peek_event().start_mark.line + 1
            raise _UnusableError((), "a second document begins here: a seed is one document", line)
        return value, self.findings

    def _next(self) -> Any:
        return self.loader.get_event()

    def _kind(self) -> str:
        return type(self.loader.peek_event()).__name__

    def _value(self, path: Path) -> Any:
        event = self._next()
        line = event.start_mark.line + 1
        self.lines.setdefault(path, line)
        if len(path) > DEEPEST:
            raise _UnusableError(path[:3], "this is nested deeper than any seed", line)
        before = self.values
        self._count(1, path, line)
        if type(event).__name__ == "AliasEvent":
            return self._alias(event, path, line)
        value = self._anchored(event, path)
        if event.anchor is not None:
            self.anchors[event.anchor] = value, self.values - before
        return value

    def _anchored(self, event: Any, path: Path) -> Any:
        kind = type(event).__name__
        if kind == "ScalarEvent":
            return self._scalar(event, path)
        if event.tag not in COLLECTION_TAGS:
            self._tag_refused(event.tag, path)
        return self._mapping(path) if kind == "MappingStartEvent" else self._sequence(path)

    def _alias(self, event: Any, path: Path, line: int) -> Any:
        if event.anchor not in self.anchors:
            raise _UnusableError(path, f"there is no anchor &{one_line(event.anchor)} above", line)
        value, size = self.anchors[event.anchor]
        # Counted as if written out: an alias of aliases of aliases is refused, not followed.
        self._count(size, path, line)
        return value

    def _count(self, more: int, path: Path, line: int) -> None:
        self.values += more
        if self.values > MOST_VALUES:
            raise _UnusableError(
                path[:3], f"a seed has at most {MOST_VALUES} values, aliases written out", line
            )

    def _scalar(self, event: Any, path: Path) -> Any:
        import yaml  # noqa: PLC0415 - loaded already

        tag = event.tag
        if tag in (None, "!"):
            tag = self.loader.resolve(yaml.ScalarNode, event.value, event.implicit)
        if tag not in SCALARS:
            self._tag_refused(tag, path)
        return SCALARS.get(tag, str)(event.value)

    def _tag_refused(self, tag: str, path: Path) -> None:
        self.findings.add(path, f"the tag {quoted(tag)} is not taken: write a plain value")

    def _sequence(self, path: Path) -> list[Any]:
        items: list[Any] = []
        while self._kind() != "SequenceEndEvent":
            items.append(self._value((*path, len(items))))
        self._next()
        return items

    def _mapping(self, path: Path) -> dict[str, Any]:
        members: dict[str, Any] = {}
        while self._kind() != "MappingEndEvent":
            event = self._next()
            line = event.start_mark.line + 1
            if type(event).__name__ != "ScalarEvent":
                raise _UnusableError(path, "a key is a text, and nothing else", line)
            within = (*path, event.value)
            if event.value in members:
                detail = f"this key stands on line {self.lines[within]} already: keep one of them"
                self.findings.problems.append(Problem(path=within, detail=detail, line=line))
                self._value(within)
            else:
                self.lines[within] = line
                members[event.value] = self._value(within)
        self._next()
        return members


def _syntax_problem(error: Any, source: str) -> Problem:
    said = one_line(getattr(error, "problem", None) or getattr(error, "reason", None) or str(error))
    hint = next((f"; {hint}" for start, hint in HINTS.items() if said.startswith(start)), "")
    mark, begun = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    if mark is None:
        # A character that YAML does not take: libyaml says at which octet.
        line = source.encode()[: getattr(error, "position", 0)].count(b"\n") + 1
        return Problem(detail=f"this is not YAML: {said}", line=line)
    since = "" if begun is None or begun.line == mark.line else f", in what begins on line {begun.line + 1}"
    return Problem(
        detail=f"this is not YAML: {said}{since}{hint}", line=mark.line + 1, column=mark.column + 1
    )
