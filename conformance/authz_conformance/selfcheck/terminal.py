"""What the self-check shows while it goes on and when it ends: a bar where there is a terminal, the matrix in lines."""

from __future__ import annotations

from collections.abc import Sequence
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


class Live:
    """Shows a check while it goes on.

    Args:
        console: Where to.
        total: How many rules will be tried, counted for each quirk.
    """

    def __init__(self, console: Console, *, total: int) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
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
    console.print(Text("Quirks", style="bold"))
    for row in matrix.rows:
        console.print(_quirk(row), soft_wrap=True)
    console.print(Text("Rules", style="bold"))
    for line in _rules(matrix):
        console.print(line, soft_wrap=True)
    if problems:
        console.print(Text("Problems", style="bold"))
    for problem in problems:
        console.print(Text(f"  {problem}", style="red"), soft_wrap=True)
    for line in _summary(ended, problems):
        console.print(line, soft_wrap=True)


def _quirk(row: Row) -> Text:
    parts = [
        f"{name}: {', '.join(rules)}"
        for name, rules in (
            ("killed", [rule for rule in row.killed if rule in row.declared]),
            ("survived", row.survived),
            ("collateral", row.collateral),
            ("errors", row.errors),
            ("without test", row.without_test),
        )
        if rules
    ]
    mark = ("  ok   ", "green") if row.is_exact else ("  differs ", "bold red")
    return Text.assemble(mark, (row.quirk, "bold"), f"  {'; '.join(parts)}")


def _rules(matrix: Matrix) -> list[Text]:
    lines = []
    for rule in matrix.rules:
        quirks = matrix.killers[rule.id]
        level = rule.level_under(HELD_TO)
        mark = ("  killed ", "green") if quirks else ("  alive  ", "red" if level is Level.MUST else "yellow")
        lines.append(Text.assemble(mark, (rule.id, "bold"), f"  {level}  {', '.join(quirks)}"))
    return lines


def _summary(ended: Ended, problems: Sequence[str]) -> list[Text]:
    number = counts(ended.matrix)
    lines = [
        f"Plain server: {number['plain_tried']} rules tried, {number['plain_failures']} did not pass",
        (
            f"Quirks: {number['quirks']}, of which {number['quirks_exact']} break exactly what they declare; "
            f"{number['survived']} rules survived, {number['collateral']} failed beside, "
            f"{number['errors']} ended with an error; {number['quirks_without_test']} break only rules without a test"
        ),
        (
            f"Rules: {number['rules']}; {number['gaps']} MUST that none of these quirks kills; "
            f"{number['alike']} groups that fail with the same quirks"
        ),
        f"{number['tries']} trials in {ended.seconds:.1f} s; {len(problems)} problems",
    ]
    if not ended.is_whole:
        lines.append("Broken off: this is what was found so far")
    return [Text(line) for line in lines]
