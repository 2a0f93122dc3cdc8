"""The timeline of one rule as a picture: what stands where, in units of a column that fits a phone. A template draws it.

Time runs downwards, one line for each thing that happened, so that no label can meet another. Within an instant the line
is drawn through; a gap is as long as its label needs, and one of a day or more, or a step back, breaks the line, as does one
whose label would not fit beside its instant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from textwrap import wrap
from typing import Any, Final
from unicodedata import east_asian_width

from authz_conformance.report.page import words
from authz_conformance.unseen import visible

WIDTH: Final = 324
AXIS_X: Final = 13
TEXT_X: Final = 32
# Letters of one width, 11 units high: 6.7 units each, in the widest of the usual fonts.
LETTER: Final = 6.7
MOST_LETTERS: Final = int((WIDTH - TEXT_X - 6) / LETTER)
MOST_LINES: Final = 3
LINE: Final = 14
ROW: Final = 24
HEADING: Final = 24
BREAK: Final = 38
TOP: Final = 6
# The page stays readable; the JSON document has all of them.
MOST_MOMENTS: Final = 120
FIRST_MOMENTS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One thing that happened.

    Attributes:
        y: of its sign.
        number: of the exchange that it was.
        lines: its text, with the place of each.
    """

    y: int
    kind: str
    number: int | None
    lines: tuple[tuple[int, str], ...]
    breaking: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """An instant; `later` says how long after the one before, where the line is not broken."""

    y: int
    says: str
    later: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A gap that is not drawn to scale."""

    y: int
    until_y: int
    says: str
    back: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A whole timeline.

    Attributes:
        strokes: where the line is drawn through, from and to.
        left_out: how many moments are not shown.
    """

    height: int
    marks: tuple[Mark, ...]
    headings: tuple[Heading, ...]
    breaks: tuple[Break, ...]
    strokes: tuple[tuple[int, int], ...]
    left_out: int
    width: int = WIDTH
    axis_x: int = AXIS_X
    text_x: int = TEXT_X


@dataclass(slots=True)
class _Pen:
    """Where the next thing is drawn, and what has been."""

    y: int = TOP
    began: int | None = None
    marks: list[Mark] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)
    breaks: list[Break] = field(default_factory=list)
    strokes: list[tuple[int, int]] = field(default_factory=list)

    def lift(self, until: int) -> None:
        if self.began is not None:
            self.strokes.append((self.began, until))
        self.began = None

    def touch(self, y: int) -> None:
        self.began = y if self.began is None else self.began


def draw(timeline: Sequence[Mapping[str, Any]], *, breaking: int | None) -> Picture:
    """Lay out a timeline.

    Args:
        timeline: The moments of a rule, as the document has them.
        breaking: The number of the exchange that decided the rule.
    """
    kept = _kept(timeline)
    pen, before = _Pen(), None
    for at, moments in groupby(kept, key=lambda moment: moment["at"]):
        _instant(pen, at, before)
        for moment in moments:
            _mark(pen, moment, breaking)
        before = at if at is not None else before
    pen.lift(pen.marks[-1].y if pen.marks else pen.y)
    return Picture(
        height=pen.y + TOP,
        marks=tuple(pen.marks),
        headings=tuple(pen.headings),
        breaks=tuple(pen.breaks),
        strokes=tuple(pen.strokes),
        left_out=len(timeline) - len(kept),
    )


def _kept(timeline: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Leave out the middle of what is too long: it begins with how it came about, and ends with what broke."""
    if len(timeline) <= MOST_MOMENTS:
        return timeline
    return [*timeline[:FIRST_MOMENTS], *timeline[FIRST_MOMENTS - MOST_MOMENTS :]]


def _instant(pen: _Pen, at: int | None, before: int | None) -> None:
    says, gap = _said(at, before), 0 if at is None or before is None else at - before
    later = f"{words.duration(gap)} {'back' if gap < 0 else 'later'}" if gap else ""
    is_long = len(f"{says} {later}") > MOST_LETTERS
    if gap < 0 or gap >= words.DAY or is_long:
        pen.lift(pen.y)
        pen.breaks.append(Break(y=pen.y, until_y=pen.y + BREAK, says=later, back=gap < 0))
        pen.y, later = pen.y + BREAK, ""
        pen.touch(pen.y)
    pen.headings.append(Heading(y=pen.y + 15, says=says, later=later))
    pen.touch(pen.y + 11)
    pen.y += HEADING


def _said(at: int | None, before: int | None) -> str:
    """Say an instant: with its date where that is another than before."""
    if at is None:
        return "At an unknown time"
    is_same_day = before is not None and at // words.DAY == before // words.DAY
    return words.utc(at).split(" ", maxsplit=1)[-1] if is_same_day else words.utc(at)


def _mark(pen: _Pen, moment: Mapping[str, Any], breaking: int | None) -> None:
    number, y = moment["exchange"], pen.y + 10
    text = moment["text"] if moment["happening"] == "exchange" else words.with_instants(moment["text"])
    lines = list(_wrapped(text))
    pen.marks.append(
        Mark(
            y=y,
            kind=moment["happening"],
            number=number,
            lines=tuple((y + 4 + LINE * index, line) for index, line in enumerate(lines)),
            breaking=number is not None and number == breaking,
        )
    )
    pen.y += ROW + LINE * (len(lines) - 1)


def _wrapped(text: str) -> Iterator[str]:
    """Break a text into lines that fit, the last of them cut: a server may have sent it, in any letters."""
    shown = "".join(_spread(visible(text)))
    lines = wrap(shown, MOST_LETTERS, break_on_hyphens=False) or [""]
    if len(lines) > MOST_LINES:
        lines = [*lines[: MOST_LINES - 1], lines[MOST_LINES - 1][: MOST_LETTERS - 1] + "…"]
    for line in lines:
        yield line.replace(_SECOND_HALF, "")


# Letters of double width are followed by this while lines are measured.
_SECOND_HALF: Final = "\ue000"


def _spread(text: str) -> Iterator[str]:
    for letter in text:
        yield letter
        if east_asian_width(letter) in "WF":
            yield _SECOND_HALF
