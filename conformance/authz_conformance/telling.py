"""Tells one story on one stage of a target, until its end or the first answer that the oracle does not admit.

What follows such an answer can't be judged, so the story ends there: one deviation is one finding.
"""

from __future__ import annotations

import traceback
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache

from authz_conformance.catalogue import Catalogue, Group, Profile
from authz_conformance.exchange import Exchange
from authz_conformance.model import Breach, Law, Settings, law_of
from authz_conformance.model.answers import CODES, DONE, REFUSED, THROTTLED, TOKENS
from authz_conformance.readiness import Readiness
from authz_conformance.scenarios import (
    Moment,
    Performance,
    Scenario,
    Stage,
    Timeline,
    TimelineError,
    compile_scenario,
    dsl,
    tell_performance,
)
from authz_conformance.scenarios.live import LiveServer, cast_on
from authz_conformance.scenarios.stage import expanded
from authz_conformance.scenarios.story import say
from authz_conformance.scenarios.timeline import Entry, instant_of
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.story import Happening, Story
from authz_conformance.unseen import visible
from authz_conformance.verdicts import AdapterError, NotTestable, PreconditionBroken, SecondRanOut

ATTEMPTS = 3
_SHARED = frozenset({Group.KEYS, Group.GUESS})


class StoryVerdict(StrEnum):
    """What came of a story. Only `PASSED` says that each of its answers was one that the oracle admits."""

    PASSED = "passed"
    FAILED = "failed"
    WARNING = "warning"
    NOT_TOLD = "not told"
    SUITE_ERROR = "suite error"


@dataclass(frozen=True, kw_only=True)
class StoryOutcome:
    """What came of one story.

    Attributes:
        scenario: the story.
        why: in one sentence, for people; of a story that passed, where it took another way than it expects.
        rules: that bind the target and that the story is about.
        broken: the rule that it broke; None if none.
        wanted: at the exchange that broke it.
        found: there.
        exchange: the number of that exchange, if it was one.
        lines: the story as it went, with virtual times.
        seconds: real time that it took.
        story: everything that happened, with the exchanges.
        precondition: it could not be told because something on the way went wrong.
        trace: where the suite itself broke.
    """

    scenario: Scenario
    verdict: StoryVerdict
    why: str = ""
    rules: tuple[str, ...] = ()
    broken: str | None = None
    wanted: str | None = None
    found: str | None = None
    exchange: int | None = None
    lines: tuple[str, ...] = ()
    seconds: float = 0.0
    story: Story = field(default_factory=Story)
    precondition: bool = False
    trace: str | None = None


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What all stories of a run have in common.

    Attributes:
        law: what the target is held to.
        readiness: what it can be tried with.
        isolates: whether each stage has keys and a budget of guesses of its own.
    """

    law: Law
    readiness: Readiness
    isolates: bool

    @property
    def licensing(self) -> bool:
        """Whether the target is held to licensing, so that it has /license."""
        return self.law.binds("bearer.header-accepted")

    def about(self, scenario: Scenario) -> tuple[str, ...]:
        """The rules that a story is about, as far as they bind or advise the target."""
        return tuple(rule for rule in scenario.rules if rule in self.law.binding | self.law.advised)

    def untold(self, scenario: Scenario) -> str | None:
        """Say why a story cannot be told on the target; None if it can."""
        withheld = self.readiness.withheld
        missing = [need for need in scenario.needs if need not in self.readiness.offers]
        if missing:
            says = [f"{need} ({withheld.get(need, need.means)})" for need in missing]
            return "the target does not offer " + ", ".join(says)
        if not self.isolates and any(isinstance(step, dsl.RotateKeys) for step in scenario.steps):
            return "the target's keys are shared with all other rules: who rotates them is not known"
        return None


def bench_for(
    catalogue: Catalogue,
    *,
    profiles: Collection[Profile],
    readiness: Readiness,
    isolates: bool,
) -> Bench:
    """Say what the stories of a run are judged by.

    Where stages share the target, what others do to its keys and to its budget of guesses can't be known: their rules
    are left to their own tests.
    """
    law = law_of(catalogue, profiles=profiles, capabilities=readiness.offers)
    if not isolates:
        shared = {rule.id for rule in catalogue.rules if rule.group in _SHARED}
        law = replace(law, binding=law.binding - shared, advised=law.advised - shared)
    return Bench(law=law, readiness=readiness, isolates=isolates)


def fitted(scenario: Scenario, *, licensing: bool) -> Scenario:
    """Leave out what only a licensing server has: looks at /license, with what is expected of them."""
    if licensing:
        return scenario
    kept: list[dsl.Step] = []
    skipping = False
    for step in scenario.steps:
        skipping = isinstance(step, dsl.View) or (skipping and isinstance(step, dsl.Expect))
        if not skipping:
            kept.append(step)
    return replace(scenario, steps=tuple(kept))


@cache
def planned(scenario: Scenario, law: Law, settings: Settings) -> Timeline:
    """Compile a story, once for all stages of a run.

    Raises:
        TimelineError: it does not fit these lifetimes.
    """
    return compile_scenario(scenario, law=law, settings=settings)


def tell(server: ServerUnderTest, scenario: Scenario, bench: Bench, *, lenient: bool = False) -> StoryOutcome:
    """Tell a story on a fresh stage.

    Args:
        server: The stage.
        scenario: The story.
        bench: What it is judged by.
        lenient: Leave out steps that do not fit, as a random story needs it.

    Raises:
        SecondRanOut: the clock ticks, and did so at the wrong moment; it can be tried again on another stage.
    """
    outcome = StoryOutcome(
        scenario=scenario,
        verdict=StoryVerdict.PASSED,
        rules=bench.about(scenario),
        story=server.story,
    )
    shown = fitted(scenario, licensing=bench.licensing)
    try:
        law = replace(bench.law, tolerance_seconds=server.stage.clock.uncertain_seconds)
        live, state, cast = cast_on(server, shown.parts, law=law)
        settings = state.worlds[0].settings
        if not lenient and (unfit := planned(shown, bench.law, settings).unfit):
            return _not_told(outcome, f"the target's lifetimes are not those that it is about: {unfit[0]}")
        stage = Stage(server=live, state=state, cast=cast, now=live.now())
        return _Teller(server, stage, live, lenient=lenient).told(shown, settings, outcome)
    except TimelineError as error:
        return _not_told(outcome, f"it does not fit the target's lifetimes: {error}")
    except SecondRanOut:
        raise
    except (NotTestable, PreconditionBroken, AdapterError) as error:
        return _not_told(outcome, str(error), precondition=not isinstance(error, NotTestable))


def suite_error(scenario: Scenario, error: BaseException, story: Story) -> StoryOutcome:
    """Say that the suite itself broke."""
    return StoryOutcome(
        scenario=scenario,
        verdict=StoryVerdict.SUITE_ERROR,
        why=f"{type(error).__name__}: {error}",
        trace="".join(traceback.format_exception(error)),
        story=story,
    )


def not_told(scenario: Scenario, why: str, *, rules: tuple[str, ...] = ()) -> StoryOutcome:
    """Say that a story was not even begun."""
    return StoryOutcome(scenario=scenario, verdict=StoryVerdict.NOT_TOLD, why=why, rules=rules)


def _not_told(outcome: StoryOutcome, why: str, *, precondition: bool = False) -> StoryOutcome:
    return replace(outcome, verdict=StoryVerdict.NOT_TOLD, why=why, precondition=precondition)


class _Teller:
    """Goes through a story, step by step; each instant follows from what the server has answered so far."""

    def __init__(self, server: ServerUnderTest, stage: Stage, live: LiveServer, *, lenient: bool) -> None:
        self._server, self._stage, self._live, self._lenient = server, stage, live, lenient
        self._moments: list[Moment] = []

    def told(self, scenario: Scenario, settings: Settings, outcome: StoryOutcome) -> StoryOutcome:
        start, ended = self._stage.now, outcome
        steps = expanded(scenario.steps)
        for step, following in zip(steps, (*steps[1:], None), strict=True):
            at = instant_of(step, self._stage, settings=settings)
            if at is None and self._lenient:
                continue
            if at is None:
                ended = _not_told(outcome, f"the clock ran on: too late when {say(step)}")
                break
            found = self._step(step, following, at, outcome)
            if found is not None:
                ended = found
                break
        else:
            ended = replace(outcome, why=self._other_way())
        return replace(ended, lines=self._lines(scenario, settings, start))

    def _step(
        self, step: dsl.Step, following: dsl.Step | None, at: int, outcome: StoryOutcome
    ) -> StoryOutcome | None:
        """Do a step; give how the story ends if it ends there."""
        if not isinstance(step, dsl.Expect):
            self._server.story.tell(Happening.NOTE, say(step))
        self._live.last_exchange = None
        moment = self._stage.perform(step, at=at)
        self._moments.append(moment)
        if moment.judgement is None or moment.answer is None:
            return None
        broken = moment.judgement.broken or moment.judgement.disregarded
        if broken:
            rule = self._narrower(following) or broken[0].rule
            return self._broken(outcome, replace(broken[0], rule=rule))
        if moment.answer.kind not in moment.due:
            came = visible(moment.answer.kind)
            why = f"{say(step)}: due {' or '.join(moment.due)}, came {came} ({moment.answer.status})"
            return _not_told(
                outcome, f"it went astray where no rule of the profiles forbids it: {why}", precondition=True
            )
        return None

    def _narrower(self, following: dsl.Step | None) -> str | None:
        """Give the rule that the story knows to be broken, where its next step expects what did not come."""
        if not isinstance(following, dsl.Expect) or following.otherwise is None:
            return None
        law, expected = self._stage.state.law, replace(following, same_refresh_token=None)
        unmet = self._stage.perform(expected, at=self._stage.now).unmet
        return following.otherwise if unmet and following.otherwise in law.binding | law.advised else None

    def _broken(self, outcome: StoryOutcome, breach: Breach) -> StoryOutcome:
        exchange = self._live.last_exchange
        binds = self._stage.state.law.binds(breach.rule)
        return replace(
            outcome,
            verdict=StoryVerdict.FAILED if binds else StoryVerdict.WARNING,
            broken=breach.rule,
            wanted=_wanted(breach),
            found=_found(breach, exchange),
            why=f"{breach.rule}: wanted {_wanted(breach)}; found {_found(breach, exchange)}",
            exchange=None if exchange is None else exchange.number,
        )

    def _other_way(self) -> str:
        """Say where a story that kept all rules did not go as it expects: the rules leave a choice there."""
        unmet = [unmet for moment in self._moments for unmet in moment.unmet]
        return f"admitted, but not as the story goes: {'; '.join(unmet)}" if unmet else ""

    def _lines(self, scenario: Scenario, settings: Settings, start: int) -> tuple[str, ...]:
        timeline = Timeline(
            scenario=scenario,
            settings=settings,
            start=start,
            entries=tuple(Entry(at=moment.at, step=moment.step) for moment in self._moments),
            at_stake=frozenset(),
            unfit=(),
        )
        performance = Performance(timeline=timeline, moments=tuple(self._moments), state=self._stage.state)
        return tuple(tell_performance(performance).splitlines())


_IN_WORDS = {
    TOKENS: "200 with tokens",
    CODES: "200 with codes",
    DONE: "a success",
    REFUSED: "a refusal",
    THROTTLED: "429",
}


def _wanted(breach: Breach) -> str:
    """Say what was due, in words where it is a kind of answer."""
    return (
        breach.due
        if ": " in breach.due
        else " or ".join(_IN_WORDS.get(one, one) for one in breach.due.split(" or "))
    )


def _found(breach: Breach, exchange: Exchange | None) -> str:
    """Say what came: of a demand the value that stands there, else the whole answer."""
    if exchange is None:
        return breach.came
    if ": " in breach.due:
        return visible(f"{breach.came} in the answer to {exchange.step}")
    kind, _, _ = breach.came.partition(" ")
    said = _IN_WORDS[kind] if kind in {TOKENS, CODES} else visible(exchange.said)
    return f"{said} in answer to {exchange.step}"
