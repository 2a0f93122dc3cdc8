"""A whole run from a configuration: open the target, examine it, try the rules, apply the baseline."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Protocol

from authz_conformance import baseline as baselines
from authz_conformance import real_time
from authz_conformance.catalogue import Catalogue, Profile, Role, Rule
from authz_conformance.examination import examine
from authz_conformance.likeness import open_alike
from authz_conformance.readiness import Readiness
from authz_conformance.recital import Repertoire
from authz_conformance.report.run import Run
from authz_conformance.rules import Binding
from authz_conformance.runner import Plan, Runner, Trial
from authz_conformance.scenarios import SCENARIOS, Scenario
from authz_conformance.session import CASES
from authz_conformance.targets.assembling import connection_for
from authz_conformance.targets.config import Config
from authz_conformance.telling import StoryOutcome
from authz_conformance.verdicts import AdapterError, Outcome


class Audience(Protocol):
    """Who watches a run."""

    def show(self, outcome: Outcome) -> None:
        """Take note of what came of a rule."""

    def requests(self, done: int, total: int) -> None:
        """Take note of how far the generated requests are."""

    def story(self, outcome: StoryOutcome) -> None:
        """Take note of what came of a story."""


DRAWN = re.compile(r"schedule-([1-9][0-9]*)")
Progress = Callable[[Readiness, Sequence[Rule], int], AbstractContextManager[Audience]]


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a run is asked for.

    Attributes:
        profiles: to hold the target to; empty for those of the configuration.
        rule_ids: to try, with the stories about them; empty for all rules and stories of the profiles.
        story_ids: to tell; where they are given, no other story and only the rules that are named.
        schedules: random stories to draw.
        cases: requests to generate for the profile `contract`.
        replay: the command that tries it again, but for `--rule`.
    """

    settings: Config
    catalogue: Catalogue
    bindings: Mapping[str, Binding]
    profiles: Sequence[Profile] = ()
    rule_ids: Sequence[str] = ()
    story_ids: Sequence[str] = ()
    schedules: int = 0
    seed: str = "1"
    jobs: int | None = None
    strict: bool = False
    cases: int = CASES
    baseline: baselines.Baseline = field(default_factory=dict)
    replay: str = "authz-conformance server"

    @property
    def held_to(self) -> tuple[Profile, ...]:
        """The profiles of the run."""
        return tuple(self.profiles or self.settings.target.profiles)

    @property
    def chosen(self) -> list[Rule]:
        """The rules for servers that a test can settle, of the profiles, or those that are named."""
        return [
            rule
            for rule in self.catalogue.rules
            if rule.role is Role.SERVER
            and rule.untestable is None
            and (rule.id in self.rule_ids if self.is_selective else rule.profile in self.held_to)
        ]

    @property
    def is_selective(self) -> bool:
        """Whether rules or stories are named."""
        return bool(self.rule_ids or self.story_ids)

    @property
    def scenarios(self) -> list[Scenario]:
        """The stories about the rules of the profiles; or those that are named, and those about the named rules."""
        held = {rule.id for rule in self.catalogue.rules if rule.profile in self.held_to}
        wanted = set(self.rule_ids) if self.is_selective else held
        return [
            scenario
            for scenario in SCENARIOS
            if scenario.id in self.story_ids or not wanted.isdisjoint(scenario.rules)
        ]

    def repertoire(self, readiness: Readiness) -> Repertoire:
        """The stories, drawn ones too: what is drawn follows from what the target offers."""
        named = [int(found[1]) for one in self.story_ids if (found := DRAWN.fullmatch(one))]
        drawn: Sequence[Scenario] = ()
        if (number := max([self.schedules, *named])) > 0:
            from authz_conformance.scenarios.drawing import draw  # noqa: PLC0415 - Hypothesis takes its time

            drawn = draw(number, of=self.seed, capabilities=readiness.offers)
            drawn = [one for place, one in enumerate(drawn, 1) if place <= self.schedules or place in named]
        return Repertoire(catalogue=self.catalogue, scenarios=self.scenarios, drawn=drawn)


def carry_out(order: Order, progress: Progress) -> Run:
    """Carry out a run. A target that cannot even be reached is a run too, without outcomes.

    Args:
        order: What to do.
        progress: Is told what is about to be tried, and gives who listens.

    Raises:
        ConfigError: the configuration cannot be used.
    """
    rules = [rule for rule in order.chosen if rule.id in order.bindings]
    plan = Plan(
        rules=rules,
        profiles=order.held_to,
        seed=order.seed,
        jobs=order.jobs,
        strict=order.strict,
        cases=order.cases,
        seconds=order.settings.limits.run_seconds,
    )
    began_at, connection = int(real_time.now()), connection_for(order.settings)
    readiness, stopped = Readiness(offers=frozenset()), None
    trial = Trial(outcomes=[], not_run=[], lost=None, seconds=0.0)
    try:
        with open_alike(order.settings, connection) as target:
            readiness = examine(target, connection, order.settings)
            runner = Runner(target, connection, readiness=readiness, bindings=order.bindings)
            plan = replace(plan, repertoire=(repertoire := order.repertoire(readiness)))
            with progress(readiness, rules, len(repertoire.everything)) as audience:
                trial = runner.run(
                    plan,
                    lambda one: audience.show(baselines.applied(order.baseline, one)),
                    watch=audience.requests,
                    story_listener=audience.story,
                )
    except AdapterError as error:
        stopped = str(error)
    except KeyboardInterrupt:
        trial = replace(trial, not_run=[rule.id for rule in rules], is_whole=False)
    finally:
        connection.close()
    return Run(
        settings=order.settings,
        plan=plan,
        readiness=readiness,
        trial=trial,
        outcomes=[baselines.applied(order.baseline, one) for one in trial.outcomes],
        without_test=[rule.id for rule in order.chosen if rule.id not in order.bindings],
        baseline_problems=baselines.problems(order.baseline, trial.outcomes),
        replay=order.replay,
        catalogue=order.catalogue.digest,
        started_at_real=began_at,
        adapter_error=stopped,
    )
