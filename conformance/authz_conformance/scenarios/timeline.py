"""Compiles a story to absolute instants for one target's lifetimes, and performs what was compiled.

The instants come from a performance on the ideal server, so they are fixed before any real one is asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from authz_conformance import model
from authz_conformance.model import Law, State
from authz_conformance.scenarios import dsl
from authz_conformance.scenarios.hands import Cast
from authz_conformance.scenarios.ideal import IdealServer
from authz_conformance.scenarios.lifetimes import Span
from authz_conformance.scenarios.stage import Moment, Server, Stage, expanded, setting

START = 1_772_442_000  # 2026-03-02T09:00:00Z


class TimelineError(Exception):
    """A story does not fit: it names a bound that nothing has, or one that has passed."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A step, and when it is done: Unix seconds on the server's clock, after it where it moves the clock."""

    at: int
    step: dsl.Step


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """A story at absolute instants.

    Attributes:
        scenario: The story.
        settings: The lifetimes that it was compiled for.
        start: When it begins.
        entries: Its steps, each acquisition made into three.
        at_stake: The binding rules that some answer on the way would break.
        unfit: What the story expects and the ideal server does not answer under these lifetimes: where it is not
            empty, their proportions are not those that the story is about.
    """

    scenario: dsl.Scenario
    settings: model.Settings
    start: int
    entries: tuple[Entry, ...]
    at_stake: frozenset[str]
    unfit: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Performance:
    """What came of a story on a server: a moment for each entry, and what the server is believed to be at the end."""

    timeline: Timeline
    moments: tuple[Moment, ...]
    state: State

    @property
    def broken(self) -> tuple[str, ...]:
        """The binding rules that were broken, in order, each once."""
        return _rules(moment.judgement.broken for moment in self.moments if moment.judgement is not None)

    @property
    def disregarded(self) -> tuple[str, ...]:
        """The advice that was not followed, in order, each once."""
        return _rules(moment.judgement.disregarded for moment in self.moments if moment.judgement is not None)

    @property
    def unmet(self) -> tuple[str, ...]:
        """What the story expected in vain."""
        return tuple(unmet for moment in self.moments for unmet in moment.unmet)


def _rules(groups: Iterable[tuple[model.Breach, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(breach.rule for group in groups for breach in group))


def compile_scenario(
    scenario: dsl.Scenario,
    *,
    law: Law,
    settings: model.Settings | None = None,
    start: int = START,
    lenient: bool = False,
) -> Timeline:
    """Fix the instants of a story.

    Args:
        scenario: The story.
        law: The law under which it is compiled; the ideal server keeps it to the letter.
        settings: The lifetimes that the target declares.
        start: When the story begins.
        lenient: Leave out steps that do not fit, as a random story needs it.

    Raises:
        TimelineError: A step does not fit, and that is not left out.
    """
    settings = settings or model.Settings()
    state, cast = setting(scenario.parts, law=law, settings=settings, start=start)
    stage = Stage(server=IdealServer(state, now=start), state=state, cast=cast, now=start)
    entries: list[Entry] = []
    unfit: list[str] = []
    at_stake: set[str] = set()
    for step in expanded(scenario.steps):
        at = instant_of(step, stage, settings=settings)
        if at is None:
            if not lenient:
                raise TimelineError(f"{scenario.id}: {_where(step)} does not fit at {stage.now}")
            continue
        moment = stage.perform(step, at=at)
        unfit += moment.unmet
        at_stake.update(moment.at_stake)
        entries.append(Entry(at=at, step=step))
    return Timeline(
        scenario=scenario,
        settings=settings,
        start=start,
        entries=tuple(entries),
        at_stake=frozenset(at_stake),
        unfit=tuple(unfit),
    )


def instant_of(step: dsl.Step, stage: Stage, *, settings: model.Settings) -> int | None:
    """Find when a step is done; None where it names a bound that nothing has, or one on the wrong side of now."""
    if not isinstance(step, dsl.Advance | dsl.MoveClockBack):
        return stage.now
    if step.to is not None:
        at = stage.find(step.to, device=step.device)
    else:
        span = (step.by or Span()).after(stage.now, settings=settings) - stage.now
        at = stage.now + (span if isinstance(step, dsl.Advance) else -span)
    if at is None:
        return None
    right_way = at >= stage.now if isinstance(step, dsl.Advance) else 0 <= at <= stage.now
    return at if right_way else None


def _where(step: dsl.Step) -> str:
    """Say in words where a step would move the clock."""
    return str(step.to or step.by) if isinstance(step, dsl.Advance | dsl.MoveClockBack) else str(step)


def perform(timeline: Timeline, server: Server, *, state: State, cast: Cast) -> Performance:
    """Perform a compiled story on a server whose clock stands at its start, and judge every answer.

    Args:
        timeline: The story.
        server: Who is asked.
        state: What it is believed to be at the start; `setting` makes one.
        cast: Who the devices of the story are there.
    """
    stage = Stage(server=server, state=state, cast=cast, now=timeline.start)
    moments = tuple(stage.perform(entry.step, at=entry.at) for entry in timeline.entries)
    return Performance(timeline=timeline, moments=moments, state=stage.state)
