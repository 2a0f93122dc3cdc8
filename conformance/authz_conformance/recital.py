"""Tells the stories of a run, each on a fresh stage, and lets them settle rules.

A rule passes only if its own test passed and no story broke it. A story that could not be told changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from authz_conformance import real_time
from authz_conformance.catalogue import Catalogue, Profile
from authz_conformance.readiness import Readiness
from authz_conformance.scenarios import Scenario
from authz_conformance.scenarios.shrinking import shrunk
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.story import Story
from authz_conformance.targets.ports import Target
from authz_conformance.telling import (
    ATTEMPTS,
    Bench,
    StoryOutcome,
    StoryVerdict,
    bench_for,
    not_told,
    suite_error,
    tell,
)
from authz_conformance.verdicts import AdapterError, Outcome, SecondRanOut, Verdict
from authz_conformance.wire import Connection

SHRINKING_SECONDS = 20.0
_BROKEN = {StoryVerdict.FAILED: Verdict.FAILED, StoryVerdict.WARNING: Verdict.WARNING}
_GIVES_WAY = frozenset({Verdict.PASSED, Verdict.UNSUPPORTED, Verdict.NOT_TESTABLE})


@dataclass(frozen=True, kw_only=True)
class Repertoire:
    """The stories of a run.

    Attributes:
        catalogue: where the rules come from that they break.
        scenarios: those that somebody wrote.
        drawn: random ones, whose steps are left out where they do not fit.
    """

    catalogue: Catalogue
    scenarios: Sequence[Scenario] = ()
    drawn: Sequence[Scenario] = ()

    @property
    def everything(self) -> tuple[Scenario, ...]:
        """All of them, in the order of the report."""
        return (*self.scenarios, *self.drawn)


class Recital:
    """Tells stories on one target.

    Args:
        target: What is judged.
        connection: To it.
        readiness: What it can be tried with.
        repertoire: The stories.
        profiles: That the target is held to.
        seed: Of the whole run.
        strict: A story that could not be told because something on the way went wrong has failed.
        deadline: On the monotonic clock; what has not begun by then is not told.
    """

    def __init__(
        self,
        target: Target,
        connection: Connection,
        *,
        readiness: Readiness,
        repertoire: Repertoire,
        profiles: Sequence[Profile],
        seed: str,
        strict: bool,
        deadline: float,
    ) -> None:
        self._target, self._connection = target, connection
        self._seed, self._strict, self._deadline = seed, strict, deadline
        self._drawn = {scenario.id for scenario in repertoire.drawn}
        self._bench: Bench = bench_for(
            repertoire.catalogue, profiles=profiles, readiness=readiness, isolates=target.isolates
        )

    def tell(self, scenario: Scenario) -> StoryOutcome | None:
        """Tell a story; None if the run was broken off meanwhile."""
        began = real_time.monotonic()
        outcome = self._told(scenario)
        if outcome is not None and outcome.broken is not None and scenario.id in self._drawn:
            outcome = self._shrunk(outcome)
        if outcome is None:
            return None
        if self._strict and outcome.precondition:
            outcome = replace(outcome, verdict=StoryVerdict.FAILED)
        return replace(outcome, seconds=real_time.monotonic() - began)

    def _told(self, scenario: Scenario) -> StoryOutcome | None:
        why = self._bench.untold(scenario) or self._too_late()
        if why is not None:
            return not_told(scenario, why, rules=self._bench.about(scenario))
        for _ in range(ATTEMPTS):
            try:
                return self._on_stage(scenario)
            except SecondRanOut:
                continue
        why = f"the target's clock ticks, and it ran on in the middle of a step {ATTEMPTS} times"
        return not_told(scenario, why, rules=self._bench.about(scenario))

    def _too_late(self) -> str | None:
        if self._connection.patience.is_broken_off:
            return "the run was broken off"
        if self._connection.patience.lost is not None:
            return f"the server does not answer ({self._connection.patience.lost})"
        return "the run's time was up" if real_time.monotonic() > self._deadline else None

    def _on_stage(self, scenario: Scenario) -> StoryOutcome | None:
        seed, story = f"{self._seed} {scenario.id}", Story()
        try:
            with self._target.stage(seed=seed) as stage:
                server = ServerUnderTest(stage, self._connection, seed=seed, story=story)
                try:
                    return tell(server, scenario, self._bench, lenient=scenario.id in self._drawn)
                finally:
                    server.give_back()
        except SecondRanOut:
            raise
        except real_time.BrokenOff:
            return None
        except AdapterError as error:
            outcome = not_told(scenario, str(error), rules=self._bench.about(scenario))
            return replace(outcome, precondition=True)
        except BaseException as error:  # noqa: BLE001 - whatever it is, in this thread it becomes a verdict
            return suite_error(scenario, error, story)

    def _shrunk(self, outcome: StoryOutcome) -> StoryOutcome:
        """Leave out of a random story what its breach does not need, for a bounded time."""
        until = real_time.monotonic() + SHRINKING_SECONDS

        def again(shorter: Scenario) -> StoryOutcome | None:
            if real_time.monotonic() > until:
                return None
            found = self._told(shorter)
            return found if found is not None and found.broken == outcome.broken else None

        return shrunk(outcome.scenario, outcome, again)


def settled(
    outcomes: Sequence[Outcome],
    told: Iterable[StoryOutcome],
    *,
    catalogue: Catalogue,
    profiles: Sequence[Profile],
) -> list[Outcome]:
    """Let the stories settle the rules that they broke, also rules that nobody has tried otherwise.

    A failure of a rule's own test stands: it is the shorter one.
    """
    found: dict[str, Outcome] = {outcome.rule.id: outcome for outcome in outcomes}
    for story in told:
        if story.broken is None:
            continue
        own = found.get(story.broken)
        verdict = _BROKEN[story.verdict]
        worse = own is not None and own.verdict is Verdict.WARNING and verdict is Verdict.FAILED
        if own is None or own.verdict in _GIVES_WAY or worse:
            found[story.broken] = _by_story(story, verdict, catalogue=catalogue, profiles=profiles)
    return list(found.values())


def _by_story(
    story: StoryOutcome, verdict: Verdict, *, catalogue: Catalogue, profiles: Sequence[Profile]
) -> Outcome:
    rule = catalogue.by_id[story.broken or ""]
    return Outcome(
        rule=rule,
        level=rule.level_under(profiles),
        verdict=verdict,
        why=f"in the story {story.scenario.id}: wanted {story.wanted}; found {story.found}",
        wanted=story.wanted,
        found=story.found,
        exchange=story.exchange,
        seconds=story.seconds,
        story=story.story,
        told_in=story.scenario.id,
    )


def in_order(scenarios: Sequence[Scenario], found: Mapping[str, StoryOutcome]) -> list[StoryOutcome]:
    """Give what came of the stories, in the order of the repertoire; those that were not begun are not told."""
    return [found.get(one.id) or not_told(one, "the run was broken off") for one in scenarios]
