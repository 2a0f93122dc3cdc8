"""What a run shows while it goes on and when it ends: live where there is a terminal, plain lines where there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column, Table
from rich.text import Text

from authz_conformance.redaction import Redactor
from authz_conformance.report.reasons import Reason, reasons_of
from authz_conformance.report.run import Run
from authz_conformance.telling import StoryOutcome, StoryVerdict
from authz_conformance.verdicts import Outcome, Verdict
from authz_conformance.wording import counted, rules_and_stories

STYLES = {
    Verdict.PASSED: "green",
    Verdict.FAILED: "bold red",
    Verdict.WARNING: "yellow",
    Verdict.EXPECTED_FAILURE: "cyan",
    Verdict.UNSUPPORTED: "dim",
    Verdict.NOT_TESTABLE: "magenta",
    Verdict.ADAPTER_ERROR: "bold red",
    Verdict.SUITE_ERROR: "bold red",
}
STORY_STYLES = {
    StoryVerdict.FAILED: "bold red",
    StoryVerdict.WARNING: "yellow",
    StoryVerdict.SUITE_ERROR: "bold red",
}
_SHOWN_AT_ONCE = frozenset({Verdict.FAILED, Verdict.WARNING, Verdict.ADAPTER_ERROR, Verdict.SUITE_ERROR})
MOST_REASONS = 10
WIDEST_VERDICT = max(len(verdict) for verdict in Verdict)


class Live:
    """Shows a run while it goes on.

    Args:
        console: Where to.
        total: How many rules will be tried.
        stories: How many stories will be told.
        is_quiet: Show no bar: a person is being asked questions on the same terminal.
    """

    def __init__(self, console: Console, *, total: int, stories: int = 0, is_quiet: bool = False) -> None:
        self._console = console
        self._found: Counter[Verdict] = Counter()
        self._told: set[str] = set()  # rules of which something was shown
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        live = console.is_terminal and not is_quiet
        self._progress = Progress(*columns, console=console, transient=True, disable=not live)
        self._task = self._progress.add_task("rules", total=total)
        self._stories = self._progress.add_task("stories", total=stories, visible=stories > 0)
        self._requests: TaskID | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, outcome: Outcome) -> None:
        """Show what came of a rule; what passed only counts."""
        self._found[outcome.verdict] += 1
        if outcome.verdict in _SHOWN_AT_ONCE:
            self._told.add(outcome.rule.id)
            self._console.print(finding(outcome), soft_wrap=True)
        parts = (f"{number} {verdict}" for verdict, number in self._found.items())
        self._progress.update(self._task, advance=1, description=", ".join(parts))

    def story(self, outcome: StoryOutcome) -> None:
        """Show what came of a story; one that passed, was not told, or broke a rule shown already, only counts."""
        if outcome.verdict in STORY_STYLES and outcome.broken not in self._told:
            self._console.print(story_finding(outcome), soft_wrap=True)
        if outcome.broken is not None:
            self._told.add(outcome.broken)
        self._progress.update(self._stories, advance=1)

    def requests(self, done: int, total: int) -> None:
        """Show how far the generated requests of the contract are."""
        if self._requests is None:
            self._requests = self._progress.add_task("requests", total=total)
        self._progress.update(self._requests, completed=done, total=total)


def finding(outcome: Outcome) -> Text:
    """Give one outcome as text."""
    why = Redactor(outcome.story.exchanges).text(outcome.why)
    name = f"{outcome.verdict:{WIDEST_VERDICT}}  "
    source = f"  {outcome.rule.source}"
    text = Text.assemble((name, STYLES[outcome.verdict]), (outcome.rule.id, "bold"), (source, "dim"))
    if why:
        text.append(f"\n{'':{len(name)}}{why}", style="dim")
    return text


def story_finding(outcome: StoryOutcome) -> Text:
    """Give what came of a story as text."""
    name = f"{outcome.verdict:{WIDEST_VERDICT}}  "
    text = Text.assemble(
        (name, STORY_STYLES[outcome.verdict]), ("story ", "dim"), (outcome.scenario.id, "bold")
    )
    why = Redactor(outcome.story.exchanges).text(outcome.why)
    text.append(f"\n{'':{len(name)}}{why}", style="dim")
    return text


def print_start(console: Console, run_of: str, *, clock: str, rules: int, stories: int) -> None:
    """Say what is about to happen."""
    console.print(Text.assemble(("Judging ", "bold"), run_of, f": {rules_and_stories(rules, stories)}"))
    console.print(Text(f"Clock: {clock}", style="dim"), soft_wrap=True)


def print_end(console: Console, run: Run) -> None:
    """Say what came of it, without a percentage."""
    console.print()
    for verdict, number in run.counts.items():
        if number:
            console.print(Text(f"{number:5} {verdict}", style=STYLES[verdict]))
    if run.trial.stories:
        console.print(Text(f"Stories: {told_counts(run)}"))
        if broken := Counter(story.broken for story in run.trial.stories if story.broken is not None):
            rules = ", ".join(
                f"{rule} in {counted(stories, 'story', 'stories')}" for rule, stories in broken.items()
            )
            console.print(Text(f"  they broke {rules}"), soft_wrap=True)
    print_reasons(console, reasons_of(run))
    for line in _remarks(run):
        console.print(Text(line), soft_wrap=True)
    tried = rules_and_stories(len(run.outcomes), len(run.trial.stories))
    console.print(
        Text(f"{tried} in {run.trial.seconds:.1f} s, catalogue {run.catalogue}, seed {run.plan.seed}")
    )


def print_reasons(console: Console, reasons: Sequence[Reason]) -> None:
    """Say why rules were not tried and stories not told, the most frequent reasons."""
    if not reasons:
        return
    console.print(Text("Why rules are not testable or unsupported, and stories not told:"))
    shown = reasons[:MOST_REASONS]
    rows = [(rules_and_stories(one.rules, one.stories), " ".join(one.text.split())) for one in shown]
    widest = max(len(number) for number, _ in rows)
    if console.is_terminal:
        table = Table.grid(Column(no_wrap=True, min_width=widest), Column(), padding=(0, 2))
        for number, text in rows:
            table.add_row(Text(f"  {number}"), Text(text, style="dim"))
        console.print(table)
    else:
        for number, text in rows:
            console.print(Text(f"  {number:{widest}}  {text}"), soft_wrap=True)
    if len(reasons) > len(shown):
        console.print(Text(f"  …and {counted(len(reasons) - len(shown), 'more reason')} in the report"))


def told_counts(run: Run) -> str:
    """Say how many stories came to what."""
    found = Counter(story.verdict for story in run.trial.stories)
    return ", ".join(f"{found[verdict]} {verdict}" for verdict in StoryVerdict if found[verdict])


def _remarks(run: Run) -> list[str]:
    lines = [f"Declaration: {claim.says}" for claim in run.readiness.claims]
    lines += [f"Baseline: {problem}" for problem in run.baseline_problems]
    if run.without_test:
        chosen = counted(len(run.without_test), "rule was chosen and has", "rules were chosen and have")
        lines.append(f"{chosen} no test yet")
    if any(outcome.verdict in _SHOWN_AT_ONCE for outcome in run.outcomes):
        lines.append(f"To see one again: {run.replay} --rule ID")
    if run.adapter_error:
        lines.append(f"The rules could not be tried: {run.adapter_error}")
    if run.trial.lost and not run.trial.not_run:
        lines.append(f"The server does not answer: {run.trial.lost}")
    if run.trial.not_run:
        lines.append(f"Broken off: {counted(len(run.trial.not_run), 'rule was', 'rules were')} not tried")
    return lines
