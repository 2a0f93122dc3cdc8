"""What the self-check shows while it goes on and when it ends: a bar where there is a terminal, the matrix in lines.

On a terminal, what is too long for a line goes on below itself; elsewhere each line is whole, so that it can be searched.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from authz_conformance.catalogue import Level
from authz_conformance.selfcheck.bench import Done
from authz_conformance.selfcheck.campaign import Ended
from authz_conformance.selfcheck.document import counts
from authz_conformance.selfcheck.matrix import HELD_TO, Matrix, Row
from authz_conformance.wording import counted

_BAR_WIDTH = 20
_REFRESHES = 2  # in a second: the processors have other work
_MARK_WIDTH = 9
_HARD_SPACE = "\N{NO-BREAK SPACE}"


class Live:
    """Shows a check while it goes on.

    Args:
        console: Where to.
        total: How many rules will be tried, counted for each quirk.
    """

    def __init__(self, console: Console, *, total: int) -> None:
        bar, name = BarColumn(bar_width=_BAR_WIDTH), TextColumn("{task.description}")
        self._progress = Progress(
            *(bar, MofNCompleteColumn(), TimeElapsedColumn(), name),
            console=console,
            transient=True,
            refresh_per_second=_REFRESHES,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("plain server", total=total)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, done: Done) -> None:
        """Count what has been tried, and name the quirk that was last."""
        last = done.task.quirk or "plain server"
        self._progress.update(self._task, advance=len(done.task.rules), description=last)


def print_matrix(console: Console, ended: Ended, *, problems: Sequence[str]) -> None:
    """Print the kill matrix by quirk and by rule, what is wrong, and a summary without a percentage."""
    matrix = ended.matrix
    sections = {
        "Quirks": [_quirk(row) for row in matrix.rows],
        "Rules": list(_rules(matrix)),
        "Problems": [_Line(says=problem, style="red") for problem in problems],
        "Summary": [_Line(says=line) for line in _summary(ended, problems)],
    }
    for title, lines in sections.items():
        if lines:
            console.print(Text(title, style="bold"))
        for line in lines:
            console.print(line.laid_out(console.width if console.is_terminal else None), soft_wrap=True)


@dataclass(frozen=True, kw_only=True)
class _Line:
    """One line: a mark in its style, a name, and what is said of it."""

    says: str
    mark: str = ""
    style: str = ""
    name: str = ""

    def laid_out(self, width: int | None) -> Text:
        head = f"  {self.mark:<{_MARK_WIDTH}}{self.name}  " if self.mark else "  "
        whole = head + self.says
        if width is not None:
            indent = " " * (_MARK_WIDTH + 4 if self.mark else 4)
            whole = textwrap.fill(
                whole, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
            )
        text = Text(whole.replace(_HARD_SPACE, " "))
        if self.mark:
            text.stylize(self.style, 0, 2 + len(self.mark))
            text.stylize("bold", 2 + _MARK_WIDTH, 2 + _MARK_WIDTH + len(self.name))
        else:
            text.stylize(self.style)
        return text


def _quirk(row: Row) -> _Line:
    parts = [
        f"{name}:{_HARD_SPACE}{', '.join(rules)}"
        for name, rules in (
            ("killed", [rule for rule in row.killed if rule in row.declared]),
            ("survived", row.survived),
            ("collateral", row.collateral),
            ("errors", row.errors),
            ("without test", row.without_test),
        )
        if rules
    ]
    mark, style = ("ok", "green") if row.is_exact else ("differs", "bold red")
    return _Line(mark=mark, style=style, name=row.quirk, says="; ".join(parts))


def _rules(matrix: Matrix) -> Iterator[_Line]:
    for rule in matrix.rules:
        quirks, level = matrix.killers[rule.id], rule.level_under(HELD_TO)
        alive = "red" if level is Level.MUST else "yellow"
        mark, style = ("killed", "green") if quirks else ("alive", alive)
        yield _Line(mark=mark, style=style, name=rule.id, says=f"{level}  {', '.join(quirks)}".rstrip())


def _summary(ended: Ended, problems: Sequence[str]) -> list[str]:
    number = counts(ended.matrix)
    lines = [
        f"Plain server: {counted(number['plain_tried'], 'rule')} tried, {number['plain_failures']} did not pass",
        (
            f"Quirks: {number['quirks']}, of which {number['quirks_exact']} break exactly what they declare; "
            f"{counted(number['survived'], 'rule')} survived, {number['collateral']} failed beside, "
            f"{number['errors']} ended with an error; {number['quirks_without_test']} break only rules without a test"
        ),
        (
            f"Rules: {number['rules']}; {number['gaps']} MUST that none of these quirks kills; "
            f"{counted(number['alike'], 'group that fails', 'groups that fail')} with the same quirks"
        ),
        f"{counted(number['tries'], 'trial')} in {ended.seconds:.1f} s; {counted(len(problems), 'problem')}",
    ]
    if not ended.is_whole:
        lines.append("Broken off: this is what was found so far")
    return lines
