"""What is wrong with a seed: where, and what would be right. Knows nothing of what a seed may hold."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

Path = tuple[str | int, ...]

# Likening names is slow, about 10 microseconds each: who misspelt thousands is shown fewer suggestions.
MOST_LIKENED: Final = 50_000
MOST_NAMES_SHOWN: Final = 8
LONGEST_SHOWN: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        path: the keys and indexes that lead to it; empty for the seed as a whole.
        detail: what is wrong and what would be right, on one line.
        line: from 1; None for a seed that is not a text.
        column: from 1; only where the text is no YAML.
    """

    path: Path = ()
    detail: str
    line: int | None = None
    column: int | None = None

    @property
    def pointer(self) -> str:
        """The place as a JSON Pointer (RFC 6901), such as `/devices/2/hub`, fit to follow a `#`."""
        parts = (str(part).replace("~", "~0").replace("/", "~1") for part in self.path)
        return "".join(f"/{quote(part, safe='~', errors='replace')}" for part in parts)

    @property
    def place(self) -> str:
        """The place as people write it, such as `devices[2].hub`."""
        parts = (f"[{part}]" if isinstance(part, int) else f".{one_line(part)}" for part in self.path)
        return "".join(parts).removeprefix(".")

    def printed(self, where: str) -> str:
        """Print it on one line, such as `seed.yaml:14: devices[2].hub: ...`."""
        position = ":".join(str(part) for part in (where, self.line, self.column) if part is not None)
        return ": ".join(part for part in (position, self.place, self.detail) if part)


class SeedError(ValueError):
    """A seed cannot be used. Its text has one line for each of its `problems`, in the order of the file."""

    def __init__(self, where: str, problems: Iterable[Problem]) -> None:
        self.where = where
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line or 0, problem.column or 0)))
        super().__init__("\n".join(problem.printed(where) for problem in self.problems))

    def errors(self, prefix: str = "") -> list[dict[str, str]]:
        """Give the problems as members of `errors` in problem details, for a seed that lies at `prefix` in a body."""
        return [
            {"pointer": f"#{prefix}{problem.pointer}", "detail": problem.detail} for problem in self.problems
        ]


@dataclass(slots=True)
class Findings:
    """Collects the problems of one seed, and knows on which line each part of it stands."""

    lines: Mapping[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    likened: int = 0

    def add(self, path: Path, detail: str) -> None:
        """Add a problem, with the line of its place or of the nearest one around it that has one."""
        nearest = (path[:length] for length in range(len(path), -1, -1))
        line = next((self.lines[around] for around in nearest if around in self.lines), None)
        self.problems.append(Problem(path=path, detail=detail, line=line))


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a seed, and where to say what is wrong there."""

    findings: Findings
    path: Path = ()

    def at(self, *parts: str | int) -> Place:
        """Go further in."""
        return Place(self.findings, (*self.path, *parts))

    def wrong(self, detail: str) -> None:
        """Say what is wrong here."""
        self.findings.add(self.path, detail)

    def instead_of(self, given: str, known: Collection[str]) -> str:
        """Say what would be right in place of a name that is unknown: the one most like it, or all if they are few."""
        self.findings.likened += len(known)
        if self.findings.likened < MOST_LIKENED:
            import difflib  # noqa: PLC0415 - only who misspelt something pays for it

            if close := difflib.get_close_matches(given, known, n=1):
                return f"; did you mean {quoted(close[0])}?"
        if not known:
            return ": there are none"
        if len(known) <= MOST_NAMES_SHOWN:
            return f"; choose one of {', '.join(quoted(name) for name in known)}"
        return ""


# One mapping of a list, without what is wrong in it, and where it stands.
Entry = tuple[dict[str, Any], Place]


def one_line(text: str) -> str:
    """Spell a text on one line, shortened, with nothing in it that a terminal would act on."""
    short = text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in short)


def quoted(text: str) -> str:
    """Spell a text in quotes."""
    return f'"{one_line(text)}"'


def shown(value: Any) -> str:
    """Say what a value is that has the wrong type."""
    match value:
        case None:
            return "empty"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return one_line(str(value))
        case str():
            return f"the text {quoted(value)}"
        case list():
            return "a list"
        case _:
            return "a mapping"
