"""The stories on a real server: all pass on our plain one, and what is broken fails at the exchange that breaks it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from authz_conformance.catalogue import Capability, Level, Profile, Rule
from authz_conformance.clocks.control import ControlClock
from authz_conformance.exit_codes import ExitCode
from authz_conformance.model import Reading, Settings, State
from authz_conformance.readiness import Readiness
from authz_conformance.recital import Repertoire, settled
from authz_conformance.runner import Plan, Runner, Trial
from authz_conformance.scenarios import (
    SCENARIOS,
    START,
    IdealServer,
    Part,
    Scenario,
    compile_scenario,
    dsl,
    perform,
    setting,
)
from authz_conformance.scenarios.drawing import draw
from authz_conformance.scenarios.shrinking import shrunk
from authz_conformance.targets.control import ControlTarget
from authz_conformance.targets.ports import Stage
from authz_conformance.telling import StoryOutcome, StoryVerdict, bench_for, fitted
from authz_conformance.verdicts import AdapterError, Outcome, Verdict
from authz_conformance.wire import Connection
from tests.conformance.kit import config, judge, run
from tests.conformance.oracle_world import CATALOGUE, LICENSE
from tests.programs import ROOT, Served, serve

HELD_TO = (Profile.RFC8628, Profile.OAUTH_HYGIENE, Profile.LICENSE)
EVERYTHING = Readiness(offers=frozenset(Capability))
BY_ID = {scenario.id: scenario for scenario in SCENARIOS}


def trial(
    served: Served,
    *scenarios: Scenario,
    drawn: Sequence[Scenario] = (),
    quirks: tuple[str, ...] = (),
    profiles: Sequence[Profile] = HELD_TO,
    strict: bool = False,
    kind: type[ControlTarget] = ControlTarget,
) -> Trial:
    """Tell stories on our server, and try no rule beside."""
    connection = Connection()
    target = kind(connection=connection, url=f"{served.base_url}/_control", quirks=quirks)
    runner = Runner(target, connection, readiness=EVERYTHING, bindings={})
    repertoire = Repertoire(catalogue=CATALOGUE, scenarios=scenarios, drawn=drawn)
    try:
        return runner.run(Plan(rules=[], profiles=profiles, strict=strict, repertoire=repertoire))
    finally:
        connection.close()


def test_our_plain_server_keeps_the_rules_in_every_story(served: Served, tmp_path: Path) -> None:
    named = [word for scenario in SCENARIOS for word in ("--story", scenario.id)]
    options = [served.issuer, "--control", f"{served.base_url}/_control", "--strict", *named]
    found = judge(*options, into=tmp_path)
    assert found.exit_code == ExitCode.OK, found.output
    told = [(story["id"], story["verdict"], story["why"]) for story in found.report["stories"]]
    assert told == [(scenario.id, "passed", "") for scenario in SCENARIOS]
    assert found.report["rules"] == []
    assert f"Stories: {len(SCENARIOS)} passed" in found.output


def test_a_broken_server_fails_the_rule_at_the_exchange_that_breaks_it(served: Served) -> None:
    found = trial(served, BY_ID["window-is-not-extended"], quirks=("retry_extends_window",))
    (outcome,) = found.outcomes
    assert (outcome.rule.id, outcome.verdict) == ("refresh.retry-window-never-extended", Verdict.FAILED)
    assert outcome.told_in == "window-is-not-extended"
    assert (outcome.wanted, outcome.exchange) == ("invalid_grant", len(outcome.story.exchanges))
    last = outcome.story.exchanges[-1]
    assert (last.step, last.status) == ("refresh", 200)
    (story,) = found.stories
    assert (story.verdict, story.broken) == (StoryVerdict.FAILED, outcome.rule.id)
    assert "breaks refresh.retry-window-never-extended" in story.lines[-1]
    assert any(
        "time passes to the end of the retry window" in moment.text for moment in outcome.story.moments
    )


def test_a_story_ends_at_the_first_answer_that_breaks_a_rule(served: Served) -> None:
    scenario = BY_ID["rotation"]
    found = trial(served, scenario, quirks=("refresh_does_not_rotate",))
    (story,) = found.stories
    assert story.broken == "refresh.rotates"
    assert [exchange.step for exchange in story.story.exchanges].count("refresh") == 1
    assert sum(isinstance(step, dsl.Refresh) for step in scenario.steps) > 1


@pytest.mark.parametrize(
    ("quirk", "story", "rule"),
    [
        ("approval_ends_license", "approval-touches-no-license", "verify.approval-touches-no-license"),
        ("clock_back_revives_redeemed_code", "back-before-the-redemption", "clock.back-keeps-data"),
        ("deleting_forgets", "deleted", "end.deleting"),
        ("late_renewal_is_lost", "renewal-in-the-last-second", "renew.next-refresh-carries-it"),
        ("renewal_extends_tokens", "renewal-in-the-last-second", "renew.issued-tokens-keep-exp"),
        ("lapse_a_second_early", "exp-cap-at-the-renewal-date", "renew.lapsed-is-refused"),
        ("retired_key_stays", "key-rotation", "keys.retired-key-dropped"),
    ],
)
def test_a_deviation_fails_the_rule_that_it_is_about(
    served: Served, quirk: str, story: str, rule: str
) -> None:
    assert [one.rule.id for one in trial(served, BY_ID[story], quirks=(quirk,)).outcomes] == [rule]


def test_the_report_of_a_failure_says_how_to_tell_the_story_again(served: Served, tmp_path: Path) -> None:
    """On a server whose clients are others than declared, which is found out at the first request."""
    options = [
        "--control",
        f"{served.base_url}/_control",
        "--client-id",
        "nobody",
        "--story",
        "interval-kept",
    ]
    found = judge(served.issuer, *options, into=tmp_path)
    (rule,) = found.report["rules"]
    (story,) = found.report["stories"]
    assert (rule["verdict"], rule["story"], story["broken"]) == ("failed", "interval-kept", rule["id"])
    assert rule["replay"].endswith("--seed 1 --story interval-kept")
    assert found.exit_code & ExitCode.FAILED
    again = judge(
        served.issuer, *options[:-2], "--only-failed", str(tmp_path / "report.json"), into=tmp_path / "r"
    )
    assert [one["id"] for one in again.report["stories"] if one["verdict"] == "failed"] != []


# ---------------------------------------------------------------------------------------- what is not told


def test_without_a_clock_that_moves_no_story_is_told_and_that_is_no_pass(
    served: Served, tmp_path: Path
) -> None:
    text = f'[target]\nissuer = "{served.issuer}"\nscope = "license"\nprofiles = ["rfc8628"]\n'
    path = config(tmp_path, text)
    found = judge("--config", path, "--story", "interval-kept", "--story", "rotation", into=tmp_path / "r")
    assert [story["verdict"] for story in found.report["stories"]] == ["not told", "not told"]
    assert all("advance_clock" in story["why"] for story in found.report["stories"])
    assert found.exit_code == ExitCode.FAILED
    assert "2 not told" in found.output


def test_a_story_whose_proportions_are_not_those_of_the_target_is_not_told(
    served: Served,
) -> None:
    class Odd(ControlTarget):
        @contextmanager
        def stage(self, *, seed: str) -> Iterator[Stage]:
            with super().stage(seed=seed) as stage:
                yield replace(stage, terms=replace(stage.terms, refresh_token_seconds=60))

    (story,) = trial(served, BY_ID["reuse-of-an-expired-token"], kind=Odd).stories
    assert story.verdict is StoryVerdict.NOT_TOLD
    assert "lifetimes" in story.why


def test_what_shares_its_keys_tells_no_story_that_rotates_them_and_judges_no_keys() -> None:
    shared = bench_for(CATALOGUE, profiles=HELD_TO, readiness=EVERYTHING, isolates=False)
    assert "shared" in (shared.untold(BY_ID["key-rotation"]) or "")
    assert shared.untold(BY_ID["rotation"]) is None
    assert not any(rule.startswith(("keys.", "guess.")) for rule in shared.law.binding)


def test_a_story_that_could_not_be_told_settles_nothing_but_is_a_failure_where_that_is_asked_for(
    served: Served,
) -> None:
    class Broken(ControlTarget):
        @contextmanager
        def stage(self, *, seed: str) -> Iterator[Stage]:
            raise AdapterError(f"there is no stage for {seed}")
            yield  # a context manager is a generator

    told = trial(served, BY_ID["rotation"], kind=Broken)
    assert (told.outcomes, told.stories[0].verdict) == ([], StoryVerdict.NOT_TOLD)
    assert "no stage" in told.stories[0].why
    assert (
        trial(served, BY_ID["rotation"], kind=Broken, strict=True).stories[0].verdict is StoryVerdict.FAILED
    )


def test_a_story_that_breaks_the_suite_is_an_error_of_the_suite(served: Served) -> None:
    nonsense = replace(BY_ID["rotation"], steps=(dsl.Refresh(device="nobody"),))
    shown = trial(served, drawn=(nonsense,)).stories[0]
    assert shown.verdict is StoryVerdict.SUITE_ERROR
    assert "KeyError" in (shown.trace or "")


class Hasty(ControlClock):
    """Says that a second has passed at every look."""

    ticks = True
    looks = 0

    def now(self) -> float:
        Hasty.looks += 1
        return super().now() + Hasty.looks


def test_where_the_clock_runs_on_in_the_middle_of_a_step_the_story_is_tried_again_and_then_not_told(
    served: Served,
) -> None:
    stages = []

    class Ticking(ControlTarget):
        def _stage(self, made: dict[str, Any], clock: ControlClock) -> Stage:
            stages.append(made["name"])
            return super()._stage(made, Hasty(clock._api, int(made["clock"]["now"])))  # noqa: SLF001 - its double

    (story,) = trial(served, BY_ID["interval-kept"], kind=Ticking).stories
    assert story.verdict is StoryVerdict.NOT_TOLD
    assert "runs" in story.why or "ran on" in story.why
    assert len(stages) == 3


# ------------------------------------------------------------------------------------------- other targets


def test_in_real_time_a_story_is_scaled_to_the_lifetimes_that_the_target_declares(tmp_path: Path) -> None:
    with serve() as served:
        answer = served.manage("PATCH", "/settings", json={"interval_seconds": 1, "code_seconds": 30})
        assert answer.is_success, answer.text
        text = f"""
            [target]
            issuer = "{served.issuer}"
            scope = "license"
            profiles = ["rfc8628", "license"]
            [terms]
            interval_seconds = 1
            code_seconds = 30
            [clock]
            driver = "real"
        """
        path = config(tmp_path, text)
        found = judge("--config", path, "--story", "interval-kept", into=tmp_path / "r")
    (story,) = found.report["stories"]
    assert (story["verdict"], story["why"]) == ("passed", ""), story
    assert 3 < story["seconds"] < 30


def test_under_rfc_8628_alone_no_story_looks_at_a_license() -> None:
    scenario = BY_ID["gap-longer-than-the-license-token"]
    steps = fitted(scenario, licensing=False).steps
    assert not any(isinstance(step, dsl.View) for step in steps)
    assert dsl.Expect(answer="invalid_token", reason="license_token_expired") not in steps
    assert fitted(scenario, licensing=True) is scenario


def test_advice_that_is_not_followed_is_a_warning(served: Served) -> None:
    found = trial(
        served, BY_ID["interval-kept"], quirks=("first_poll_is_early",), profiles=(Profile.RFC8628,)
    )
    (outcome,) = found.outcomes
    assert (outcome.rule.id, outcome.verdict) == ("poll.first-is-never-early", Verdict.WARNING)
    assert found.stories[0].verdict is StoryVerdict.WARNING


@pytest.mark.parametrize("reading", list(Reading), ids=lambda reading: reading.name.lower())
def test_neither_reading_of_what_protocol_md_leaves_open_ever_fails_a_server(reading: Reading) -> None:
    for scenario in SCENARIOS:
        timeline = compile_scenario(scenario, law=LICENSE)
        state, cast = setting(scenario.parts, law=LICENSE, settings=Settings(), start=START)
        world = replace(state.worlds[0], readings={reading: False})
        other = IdealServer(State(law=LICENSE, worlds=(world,)), now=START)
        found = perform(timeline, other, state=state, cast=cast)
        assert (scenario.id, found.broken) == (scenario.id, ())


def test_every_reading_stands_in_the_documentation() -> None:
    page = (ROOT / "docs" / "silent.md").read_text("utf-8")
    for reading in Reading:
        assert f"| {reading.law} | {reading.by_letter} | {reading.other} |" in page


# ------------------------------------------------------------------------------------------- random stories


def test_random_stories_are_the_same_for_the_same_seed() -> None:
    offered = frozenset(Capability)
    first, again = draw(4, of="1", capabilities=offered), draw(4, of="1", capabilities=offered)
    assert first == again
    assert [one.id for one in first] == ["schedule-1", "schedule-2", "schedule-3", "schedule-4"]
    assert draw(4, of="2", capabilities=offered) != first
    assert len({one.steps for one in first}) == 4


def test_random_stories_pass_on_our_plain_server(served: Served, tmp_path: Path) -> None:
    options = ["--control", f"{served.base_url}/_control", "--story", "interval-kept", "--schedules", "12"]
    found = judge(served.issuer, *options, "--strict", into=tmp_path)
    assert [story["verdict"] for story in found.report["stories"]] == ["passed"] * 13, found.output


def test_a_random_story_that_breaks_a_rule_is_shrunk_to_what_breaks_it(served: Served) -> None:
    steps = (dsl.Acquire(), dsl.FetchKeys(), dsl.View(), dsl.Refresh(), dsl.Next(), dsl.Poll(), dsl.View())
    long = Scenario(id="schedule-1", title="Long", needs=(), rules=(), steps=steps, parts=(Part(),))
    (story,) = trial(served, drawn=(long,), quirks=("refresh_does_not_rotate",)).stories
    assert story.broken == "refresh.rotates"
    assert story.scenario.steps == (dsl.Acquire(), dsl.Refresh())


def test_shrinking_keeps_what_was_found_where_nothing_shorter_shows_it() -> None:
    scenario = replace(BY_ID["rotation"], steps=(dsl.Acquire(), dsl.Refresh()))
    assert shrunk(scenario, "found", lambda _: None) == "found"


def test_one_random_story_can_be_told_again_by_its_name(served: Served, tmp_path: Path) -> None:
    options = ["--control", f"{served.base_url}/_control", "--story", "schedule-3"]
    found = judge(served.issuer, *options, into=tmp_path)
    assert [story["id"] for story in found.report["stories"]] == ["schedule-3"]


# ------------------------------------------------------------------------------------------- rules settled


def _own(rule_id: str, verdict: Verdict) -> Outcome:
    return Outcome(rule=_rule(rule_id), level=Level.MUST, verdict=verdict, why="its own test")


def _rule(rule_id: str) -> Rule:
    return CATALOGUE.by_id[rule_id]


@pytest.mark.parametrize(
    ("own", "then"),
    [
        (Verdict.PASSED, "interval-kept"),
        (Verdict.NOT_TESTABLE, "interval-kept"),
        (Verdict.UNSUPPORTED, "interval-kept"),
        (Verdict.WARNING, "interval-kept"),
        (Verdict.FAILED, None),
        (Verdict.SUITE_ERROR, None),
        (Verdict.ADAPTER_ERROR, None),
    ],
)
def test_a_rule_passes_only_if_no_story_broke_it_and_its_own_failure_stands(
    own: Verdict, then: str | None
) -> None:
    broken = StoryOutcome(
        scenario=BY_ID["interval-kept"], verdict=StoryVerdict.FAILED, broken="refresh.rotates", why="why"
    )
    passed = StoryOutcome(scenario=BY_ID["rotation"], verdict=StoryVerdict.PASSED)
    outcomes = [_own("refresh.rotates", own), _own("poll.device-code-required", Verdict.PASSED)]
    found = settled(outcomes, [broken, passed], catalogue=CATALOGUE, profiles=HELD_TO)
    assert [outcome.rule.id for outcome in found] == ["refresh.rotates", "poll.device-code-required"]
    assert found[0].told_in == then
    assert found[0].verdict is (Verdict.FAILED if then else own)


def test_a_rule_comes_with_the_stories_about_it(served: Served, tmp_path: Path) -> None:
    options = ["--control", f"{served.base_url}/_control", "--rule", "renew.to-no-date"]
    found = judge(served.issuer, *options, into=tmp_path)
    assert [story["id"] for story in found.report["stories"]] == ["renewal-to-no-date"]
    assert found.verdict("renew.to-no-date") == "passed"


# ------------------------------------------------------------------------------------------- the commands


def test_the_stories_are_listed_and_told_for_the_lifetimes_of_a_target(tmp_path: Path) -> None:
    listed = run("stories")
    assert [line.split()[0] for line in listed.output.splitlines()] == list(BY_ID)
    told = run("stories", "undecided-code-expires")
    assert "+00:14:59" in told.output
    path = config(tmp_path, '[target]\nissuer = "https://authz.example"\n[terms]\ncode_seconds = 60\n')
    assert "+00:00:59" in run("stories", "undecided-code-expires", "--config", path).output
    (row,) = json.loads(run("stories", "rotation", "--json").output)
    assert row["id"] == "rotation"
    assert row["steps"][0]["says"] == "store asks for codes"


def test_stories_that_do_not_fit_a_target_are_listed_as_such(tmp_path: Path) -> None:
    text = '[target]\nissuer = "https://authz.example"\n[terms]\nrefresh_token_seconds = 60\n'
    path = config(tmp_path, text)
    assert "lifetimes" in run("stories", "reuse-of-an-expired-token", "--config", path).output
    rows = json.loads(run("stories", "--json", "--config", path).output)
    assert any(row["unfit"] for row in rows)


def test_a_story_that_does_not_exist_is_refused_with_the_nearest() -> None:
    refused = run("stories", "rotatio")
    assert refused.exit_code == ExitCode.USAGE
    assert "Did you mean rotation" in refused.output
    assert "server --story schedule-1" in run("stories", "schedule-1").output
