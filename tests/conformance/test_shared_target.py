"""A server that all rules share: what one rule leaves behind must not fail another. Ours, with one sandbox for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any, cast

from authz_conformance import real_time, rules, suites
from authz_conformance.catalogue import Profile, load_catalogue
from authz_conformance.clocks.by_command import ByCommandClock
from authz_conformance.clocks.port import Clock
from authz_conformance.clocks.proof import prove
from authz_conformance.clocks.real import NoClock
from authz_conformance.examination import examine
from authz_conformance.recital import Repertoire
from authz_conformance.runner import Plan, Runner, Trial
from authz_conformance.scenarios import SCENARIOS
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.targets.assembling import connection_for
from authz_conformance.targets.commands import Command
from authz_conformance.targets.config import Config, convert_config
from authz_conformance.targets.control import BEGINNING, LOGIN, ControlTarget
from authz_conformance.targets.lending import DeclaredDevices
from authz_conformance.targets.plain import PlainTarget
from authz_conformance.targets.ports import Stage
from authz_conformance.telling import StoryVerdict
from authz_conformance.verdicts import Verdict
from tests.programs import Served

HELD_TO = (Profile.RFC8628, Profile.OAUTH_HYGIENE, Profile.LICENSE)
POISONERS = (
    "guess.budget-is-limited",
    "guess.right-code-waits-too",
    "verify.unknown-user-code-refused",
    "verify.approved-is-not-decided-again",
    "redeem.administrator-checked-again",
    "redeem.deleted-device-refused",
    "verify.devices-of-chosen-organization",
    "metadata.cors-by-setting",
    "keys.kid-is-distinct",
    "claims.alg-can-be-chosen",
    "claims.lifetime-fixed-at-issue",
    "refresh.lifetime-fixed-at-issue",
    "revoke.expired-refresh-token",
    "clock.back-unlapses",
    "clock.back-unexpires",
    "codes.lifetime-fixed-at-issue",
)
VICTIMS = (
    "codes.lifetime-as-declared",
    "verify.case-is-ignored",
    "verify.page-asks-for-user-code",
    "verify.confirmation-is-asked",
    "claims.alg-as-declared",
    "keys.published-before-signing",
    "claims.exp-is-lifetime",
    "redeem.approved-gives-tokens",
)
STORIES = ("rotation", "back-before-the-expiry-of-codes")
assert suites.__doc__


# --------------------------------------------------------------------------------------------- whole runs
@contextmanager
def _stage(served: Served) -> Iterator[tuple[Stage, Config]]:
    """Make a sandbox that is all the server that there is."""
    settings = convert_config({"target": {"issuer": served.issuer, "profiles": list(HELD_TO)}}, where="here")
    with closing(connection_for(settings)) as connection:
        target = ControlTarget(connection=connection, url=f"{served.base_url}/_control")
        with target.stage(seed="shared") as stage:
            yield stage, settings


def _plain(stage: Stage, **other: Any) -> PlainTarget:
    given = {
        "human": stage.human,
        "provision": stage.provision,
        "clock": stage.clock,
        "login": LOGIN,
        **other,
    }
    return PlainTarget(
        issuer=stage.issuer,
        clients=("pos-server", "register"),
        scope="license",
        terms=stage.terms,
        **given,
    )


def _tried(target: PlainTarget, settings: Config, rule_ids: Sequence[str]) -> Trial:
    """Try rules in this order, and tell two stories after them."""
    catalogue = load_catalogue()
    chosen = [catalogue.by_id[rule_id] for rule_id in rule_ids]
    stories = tuple(one for one in SCENARIOS if one.id in STORIES)
    plan = Plan(rules=chosen, profiles=HELD_TO, repertoire=Repertoire(catalogue=catalogue, scenarios=stories))
    with closing(connection_for(settings)) as connection:
        readiness = examine(target, connection, settings)
        return Runner(target, connection, readiness=readiness, bindings=rules.server_bindings()).run(plan)


def _verdicts(trial: Trial) -> Mapping[str, Verdict]:
    return {one.rule.id: one.verdict for one in trial.outcomes}


def test_rules_that_leave_something_behind_fail_none_of_those_that_come_after(served: Served) -> None:
    with _stage(served) as (stage, settings):
        stage.clock.shared = True  # so that they are tried one after the other, in this order
        trial = _tried(_plain(stage), settings, [*POISONERS, *VICTIMS])
    found = {one.rule.id: (one.verdict, one.why) for one in trial.outcomes}
    assert found == dict.fromkeys([*POISONERS, *VICTIMS], (Verdict.PASSED, ""))
    assert {one.scenario.id: one.verdict for one in trial.stories} == dict.fromkeys(
        STORIES, StoryVerdict.PASSED
    )


def _let_time_pass(stage: Stage) -> None:
    stage.clock.move_to(int(real_time.now()))
    stage.clock.run()


def test_without_a_clock_and_in_threads_they_fail_none_either(served: Served) -> None:
    with _stage(served) as (stage, settings):
        _let_time_pass(stage)
        trial = _tried(_plain(stage, clock=NoClock()), settings, [*POISONERS, *VICTIMS])
    assert set(_verdicts(trial).values()) == {Verdict.PASSED, Verdict.UNSUPPORTED}
    assert all(
        one.why.startswith("the target does not declare")
        for one in trial.outcomes
        if one.verdict is Verdict.UNSUPPORTED
    )


def test_where_nobody_else_can_guess_guessing_comes_last_and_says_who_has_no_budget(served: Served) -> None:
    with _stage(served) as (stage, settings):
        _let_time_pass(stage)
        lending = DeclaredDevices(("store-1", "store-2"))
        target = _plain(stage, clock=NoClock(), provision=lending, devices=2)
        trial = _tried(target, settings, [*POISONERS, *VICTIMS])
    found = _verdicts(trial)
    assert found["guess.budget-is-limited"] is Verdict.PASSED
    assert {found[one] for one in VICTIMS} == {Verdict.PASSED, Verdict.UNSUPPORTED}
    assert found["verify.case-is-ignored"] is Verdict.PASSED
    second = next(one for one in trial.outcomes if one.rule.id == "guess.right-code-waits-too")
    assert second.verdict is Verdict.NOT_TESTABLE
    assert "for want of a second administrator and of a clock that moves" in second.why


def test_a_login_that_leads_to_another_page_is_not_the_servers_failure(served: Served) -> None:
    with _stage(served) as (stage, settings):
        stage.provision.create_organization(name="Which of the two?")
        lending = DeclaredDevices(("store-1", "store-2"))  # nobody tells whose devices these are
        target = _plain(stage, clock=NoClock(), provision=lending, devices=2)
        trial = _tried(target, settings, ["verify.page-asks-for-user-code"])
    outcome = trial.outcomes[0]
    assert outcome.verdict is Verdict.NOT_TESTABLE
    assert f"does not lead to the verification page, but to {stage.issuer}/organizations" in outcome.why


class Setting:
    """Stands for the command that sets the clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def run(self, values: Mapping[str, Any]) -> None:
        self._clock.move_to(int(values["instant"]))


def test_a_driver_begins_where_an_earlier_run_has_left_the_clock(served: Served) -> None:
    with _stage(served) as (stage, settings):
        clock = ByCommandClock(cast("Command", Setting(stage.clock)), moves_back=True)
        with closing(connection_for(settings)) as connection:
            proof = prove(ServerUnderTest(replace(stage, clock=clock), connection, seed="1"))
    assert proof.says.endswith("the server's Date followed, back too")
    assert BEGINNING <= clock.now() < BEGINNING + 60
