"""Tries rules on a target, several at a time in threads, and gives each one outcome. Prints nothing.

Rule tests wait for the network and the target, so threads are enough, start at once and share the connections.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from authz_conformance import real_time
from authz_conformance.catalogue import Capability, Catalogue, Profile, Rule
from authz_conformance.readiness import Readiness
from authz_conformance.recital import Recital, Repertoire, in_order, settled
from authz_conformance.rules import Binding
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.session import CASES, Session, Watch, unwatched
from authz_conformance.story import Happening, Story
from authz_conformance.targets.ports import Target
from authz_conformance.telling import StoryOutcome
from authz_conformance.verdicts import (
    AdapterError,
    Outcome,
    PreconditionBroken,
    RuleBroken,
    SecondRanOut,
    Verdict,
    verdict_of,
)
from authz_conformance.wire import Connection, Wire

TRIES = 3
_DISTURBING = frozenset(
    {
        Capability.ENTER_USER_CODES,
        Capability.CHANGE_SETTINGS,
        Capability.ROTATE_KEYS,
        Capability.ROTATE_KEYS_AT_ONCE,
        Capability.WITHDRAW_ADMINISTRATOR,
    }
)
Listener = Callable[[Outcome], None]
StoryListener = Callable[[StoryOutcome], None]
Came = TypeVar("Came")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to try, and how.

    Attributes:
        rules: in the order of the report.
        profiles: that the target is held to; they decide the levels.
        seed: of the whole run.
        jobs: rules at a time; None leaves it to the target, and so does a target that allows one.
        strict: a broken precondition is a failure.
        cases: requests to generate for the profile `contract`.
        repertoire: the stories to tell beside; None for none.
        seconds: that the whole run may take; what has not begun by then is not testable.
    """

    rules: Sequence[Rule]
    profiles: Sequence[Profile]
    seed: str = "1"
    jobs: int | None = None
    strict: bool = False
    cases: int = CASES
    repertoire: Repertoire | None = None
    seconds: float = 1800.0


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What came of a run.

    Attributes:
        outcomes: in the order of the plan; then rules that only a story broke.
        not_run: rules that were not tried, because the run was broken off.
        stories: what came of the stories.
        is_whole: the run was not broken off.
        lost: why the target counts as lost; None if it held out.
    """

    outcomes: Sequence[Outcome]
    not_run: Sequence[str]
    lost: str | None
    seconds: float
    stories: Sequence[StoryOutcome] = ()
    is_whole: bool = True


class Runner:
    """Tries rules on one target.

    Args:
        target: What is judged.
        connection: To it.
        readiness: What it can be tried with.
        bindings: The tests, by rule.
    """

    def __init__(
        self,
        target: Target,
        connection: Connection,
        *,
        readiness: Readiness,
        bindings: Mapping[str, Binding],
    ) -> None:
        self._target, self._connection = target, connection
        self._readiness, self._bindings = readiness, bindings

    def run(
        self,
        plan: Plan,
        listener: Listener = lambda _: None,
        *,
        watch: Watch = unwatched,
        story_listener: StoryListener = lambda _: None,
    ) -> Trial:
        """Try all rules of a plan, and tell its stories; on Ctrl-C give what there is so far."""
        real_time.begin()
        began = real_time.monotonic()
        deadline = began + plan.seconds
        self._session = Session(
            target=self._target,
            connection=self._connection,
            seed=plan.seed,
            cases=plan.cases,
            deadline=deadline,
            watch=watch,
        )
        repertoire = plan.repertoire or Repertoire(catalogue=Catalogue(rules=(), statements=()))
        found: dict[str, Outcome] = {}
        told: dict[str, StoryOutcome] = {}
        most, is_whole = self._target.jobs, True
        with _pool(plan.jobs if plan.jobs and most > 1 else most) as pool:
            together, apart = self._parted(plan.rules)
            tries = [pool.submit(self._try, rule, plan, deadline) for rule in together]
            recital = self._recital(repertoire, plan, deadline)
            tellings = [pool.submit(recital.tell, scenario) for scenario in repertoire.everything]
            try:
                for outcome in _finished(tries):
                    found[outcome.rule.id] = outcome
                    listener(outcome)
                for story in _finished(tellings):
                    told[story.scenario.id] = story
                    story_listener(story)
                for rule in apart:
                    tries.append(pool.submit(self._try, rule, plan, deadline))
                    for outcome in _finished(tries[-1:]):
                        found[outcome.rule.id] = outcome
                        listener(outcome)
            except KeyboardInterrupt:
                is_whole = False
                self._break_off([*tries, *tellings])
        stories = in_order(repertoire.everything, told)
        outcomes = [found[rule.id] for rule in plan.rules if rule.id in found]
        return Trial(
            outcomes=settled(outcomes, stories, catalogue=repertoire.catalogue, profiles=plan.profiles),
            not_run=[rule.id for rule in plan.rules if rule.id not in found],
            lost=self._lost(),
            seconds=real_time.monotonic() - began,
            stories=stories,
            is_whole=is_whole,
        )

    def _lost(self) -> str | None:
        """Say why the target is lost. Who fell silent during the last rules, too few to tell, is asked once more."""
        patience = self._connection.patience
        if patience.is_in_doubt:
            with suppress(AdapterError), self._target.stage(seed="the end") as stage:
                return Wire(self._connection, Story()).get(stage.issuer, step="the end").failure
        return patience.lost

    def _parted(self, rules: Sequence[Rule]) -> tuple[Sequence[Rule], Sequence[Rule]]:
        """Part the rules into those that may be tried together, and those that are tried last and one by one.

        Where all share a server, nobody else can be tried while one changes its settings or spends a budget, nor after
        it where no clock can be moved until the budget reopens.
        """
        one_by_one = self._target.jobs == 1 and Capability.ADVANCE_CLOCK in self._readiness.offers
        if self._target.isolates or one_by_one:
            return rules, ()
        apart = [rule for rule in rules if not _DISTURBING.isdisjoint(rule.needs)]
        return [rule for rule in rules if rule not in apart], apart

    def _recital(self, repertoire: Repertoire, plan: Plan, deadline: float) -> Recital:
        return Recital(
            self._target,
            self._connection,
            readiness=self._readiness,
            repertoire=repertoire,
            profiles=plan.profiles,
            seed=plan.seed,
            strict=plan.strict,
            deadline=deadline,
        )

    def _break_off(self, tries: Sequence[Future[Any]]) -> None:
        real_time.break_off()
        self._connection.patience.is_broken_off = True
        for one in tries:
            one.cancel()

    def _try(self, rule: Rule, plan: Plan, deadline: float) -> Outcome | None:
        level = rule.level_under(plan.profiles)
        if (why := self._readiness.unsupported(rule)) is not None:
            return Outcome(rule=rule, level=level, verdict=Verdict.UNSUPPORTED, why=why)
        why = self._readiness.untestable(rule)
        if why is None and real_time.monotonic() > deadline:
            why = f"the run's time was up ({plan.seconds:g} s)"
        if why is not None:
            return Outcome(rule=rule, level=level, verdict=Verdict.NOT_TESTABLE, why=why)
        return self._judge(rule, plan)

    def _judge(self, rule: Rule, plan: Plan) -> Outcome | None:
        story, began = Story(), real_time.monotonic()
        outcome = self._tried(rule, plan, story)
        return outcome and replace(outcome, seconds=real_time.monotonic() - began)

    def _tried(self, rule: Rule, plan: Plan, story: Story) -> Outcome | None:
        seed = f"{plan.seed} {rule.id}"
        try:
            self._settle(rule, seed, story)
        except real_time.BrokenOff:
            return None
        except BaseException as error:  # noqa: BLE001 - whatever it is, in this thread it becomes a verdict
            if self._connection.patience.is_broken_off and not isinstance(error, RuleBroken):
                return None  # what could not be sent any more shows nothing
            return _outcome(error, rule, plan, story)
        return Outcome(rule=rule, level=rule.level_under(plan.profiles), verdict=Verdict.PASSED, story=story)

    def _settle(self, rule: Rule, seed: str, story: Story) -> None:
        """Run the rule's test; again where a busy machine was too slow for a bound."""
        for tries_left in reversed(range(TRIES)):
            try:
                with self._target.stage(seed=seed) as stage:
                    server = ServerUnderTest(stage, self._connection, seed=seed, story=story)
                    try:
                        self._bindings[rule.id].settle(server, self._session)
                    finally:
                        server.give_back()
            except SecondRanOut as late:
                if not tries_left:
                    raise
                story.tell(Happening.NOTE, f"tried again: {late}")
            else:
                return


def _outcome(error: BaseException, rule: Rule, plan: Plan, story: Story) -> Outcome:
    level = rule.level_under(plan.profiles)
    verdict = verdict_of(error, level=level, strict=plan.strict)
    broken = error if isinstance(error, RuleBroken | PreconditionBroken) else None
    exchange = broken.exchange if broken is not None else None
    why = str(error) or type(error).__name__
    is_ours = verdict is Verdict.SUITE_ERROR
    return Outcome(
        rule=rule,
        level=level,
        verdict=verdict,
        why=f"{type(error).__name__}: {why}" if is_ours else why,
        wanted=broken.wanted if broken else None,
        found=broken.found if broken else None,
        precondition=isinstance(error, PreconditionBroken),
        exchange=exchange.number if exchange is not None else None,
        trace="".join(traceback.format_exception(error)) if is_ours else None,
        story=story,
    )


@contextmanager
def _pool(jobs: int) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="rule") as pool:
        yield pool


def _finished(tries: Sequence[Future[Came | None]]) -> Iterator[Came]:
    for one in as_completed(tries):
        outcome = one.result()
        if outcome is not None:
            yield outcome
