"""The stories: they hold together, fit the law by their own words, and run on other lifetimes and other servers."""

from __future__ import annotations

from collections import Counter
from typing import get_args

import pytest

from authz_conformance.catalogue import Capability, Role
from authz_conformance.model import Law, Settings
from authz_conformance.scenarios import (
    SCENARIOS,
    START,
    Bound,
    IdealServer,
    Identity,
    Lifetime,
    Part,
    Performance,
    Scenario,
    Span,
    Stage,
    TimelineError,
    compile_scenario,
    dsl,
    mark,
    perform,
    setting,
    tell_performance,
    tell_timeline,
)
from authz_conformance.scenarios.lifetimes import months, of, seconds
from authz_conformance.scenarios.story import elapsed, say
from tests.conformance.oracle_world import CATALOGUE, DAY, LICENSE, RFC8628

NAMED_IN_THE_ISSUE = {
    "renewal inside the window": ["renewal-inside-the-window"],
    "at its edge": ["renewal-in-the-last-second", "renewal-at-the-renewal-date"],
    "after the lapse": ["renewal-after-the-lapse"],
    "lapse offline, without a renewal": ["lapse-offline-without-a-renewal"],
    "lapse offline, with one": ["lapse-offline-with-a-renewal-in-time"],
    "gaps around the license token": [
        "gap-shorter-than-the-license-token",
        "gap-longer-than-the-license-token",
    ],
    "gaps around the refresh token": [
        "gap-shorter-than-the-refresh-token",
        "gap-as-long-as-the-refresh-token",
    ],
    "gaps around the renewal date": ["gap-shorter-than-the-renewal-date", "gap-longer-than-everything"],
    "supersede": ["superseded", "superseded-while-offline"],
    "disable": ["disabled", "disabled-while-offline"],
    "rotation": ["rotation"],
    "reuse": ["reuse-inside-the-window", "lost-reply-after-the-window"],
    "lost reply": ["lost-reply-inside-the-window", "lost-reply-at-the-end-of-the-window"],
    "key rotation during a gap": ["key-rotation-during-a-gap"],
    "slow_down accounting": ["slow-down-accounting"],
    "code expiry in every state": [
        "undecided-code-expires",
        "approved-code-expires",
        "denied-code-expires",
        "approved-code-in-its-last-second",
    ],
    "status and exp cap": ["status-at-the-renewal-window", "exp-cap-at-the-renewal-date"],
}
SCALED = Settings(
    license_token_seconds=70,
    refresh_token_seconds=900,
    code_seconds=120,
    interval_seconds=1,
    renewal_window_seconds=300,
    token_warning_seconds=20,
    refresh_retry_window_seconds=10,
)
each_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)


def story(*steps: dsl.Step, parts: tuple[Part, ...] = (Part(renewal=Span(seconds=400 * DAY)),)) -> Scenario:
    return Scenario(id="test", title="A test", needs=(), rules=(), steps=steps, parts=parts)


def performed(scenario: Scenario, *, law: Law = LICENSE, settings: Settings | None = None) -> Performance:
    timeline = compile_scenario(scenario, law=law, settings=settings)
    state, cast = setting(scenario.parts, law=law, settings=timeline.settings, start=START)
    return perform(timeline, IdealServer(state, now=START), state=state, cast=cast)


def test_no_two_scenarios_have_one_id() -> None:
    assert max(Counter(scenario.id for scenario in SCENARIOS).values()) == 1


@pytest.mark.parametrize("ids", NAMED_IN_THE_ISSUE.values(), ids=NAMED_IN_THE_ISSUE.keys())
def test_there_is_a_story_for_everything_that_was_asked_for(ids: list[str]) -> None:
    assert set(ids) <= {scenario.id for scenario in SCENARIOS}


@each_scenario
def test_a_scenario_names_rules_of_servers_that_are_in_the_catalogue(scenario: Scenario) -> None:
    assert scenario.rules
    assert all(CATALOGUE.by_id[rule].role is Role.SERVER for rule in scenario.rules)


@each_scenario
def test_a_scenario_needs_no_less_than_its_steps_take(scenario: Scenario) -> None:
    takes = {
        dsl.Deny: Capability.DENY,
        dsl.Approve: Capability.APPROVE,
        dsl.Acquire: Capability.APPROVE,
        dsl.Renew: Capability.RENEW,
        dsl.Disable: Capability.DISABLE,
        dsl.Enable: Capability.ENABLE,
        dsl.Delete: Capability.DELETE_DEVICE,
        dsl.Revoke: Capability.REVOKE,
        dsl.RotateKeys: Capability.ROTATE_KEYS,
        dsl.MoveClockBack: Capability.MOVE_CLOCK_BACK,
        dsl.Advance: Capability.ADVANCE_CLOCK,
        dsl.Refresh: Capability.REFRESH_TOKENS,
        dsl.Remove: Capability.REVOCATION,
        dsl.Introspect: Capability.INTROSPECTION,
        dsl.FetchKeys: Capability.JWKS,
    }
    at_once = any(isinstance(step, dsl.RotateKeys) and step.immediately for step in scenario.steps)
    taken = {takes[type(step)] for step in scenario.steps if type(step) in takes}
    taken |= {Capability.ROTATE_KEYS_AT_ONCE} if at_once else set()
    taken |= {Capability.SECOND_CLIENT for step in scenario.steps if getattr(step, "foreign", False)}
    taken |= {
        Capability.PROVISION for part in scenario.parts if part.renewal is not None or part.hub is not None
    }
    assert taken <= set(scenario.needs)


@each_scenario
def test_what_a_story_expects_is_what_the_oracle_predicts(scenario: Scenario) -> None:
    assert compile_scenario(scenario, law=LICENSE).unfit == ()


@each_scenario
def test_an_ideal_server_keeps_the_law_in_every_story_and_skips_nothing_but_what_is_offline(
    scenario: Scenario,
) -> None:
    found = performed(scenario)
    assert (found.broken, found.disregarded, found.unmet) == ((), (), ())
    assert {moment.skipped for moment in found.moments} <= {None, "offline"}
    assert all(
        moment.skipped is None for moment in found.moments if scenario.steps.count(dsl.GoOffline()) == 0
    )


@each_scenario
def test_the_rules_of_a_story_are_at_stake_in_it(scenario: Scenario) -> None:
    named = _named(scenario)
    assert named <= set(scenario.rules)
    assert set(scenario.rules) - named <= compile_scenario(scenario, law=LICENSE).at_stake


def _named(scenario: Scenario) -> set[str]:
    """Every rule that the story itself knows to be broken where it does not go on as it expects."""
    expected = [step for step in scenario.steps if isinstance(step, dsl.Expect)]
    return {step.otherwise for step in expected if step.otherwise is not None}


@each_scenario
def test_a_story_is_told_in_words_and_shows_no_value_of_the_server(scenario: Scenario) -> None:
    found = performed(scenario)
    told = tell_performance(found)
    assert scenario.title in told
    assert len(tell_timeline(found.timeline).splitlines()) == len(found.timeline.entries) + 3
    values = {
        str(moment.answer.body[name])
        for moment in found.moments
        if moment.answer is not None
        for name in ("device_code", "refresh_token", "access_token")
        if name in moment.answer.body
    }
    assert not any(value in told for value in values)


def test_the_same_stories_run_on_scaled_lifetimes() -> None:
    unfit = {}
    for scenario in SCENARIOS:
        timeline = compile_scenario(scenario, law=LICENSE, settings=SCALED)
        assert timeline.entries[-1].at - START < 4 * 24 * 3600 or any(
            isinstance(step, dsl.Renew) and step.by is not None and step.by.months for step in scenario.steps
        )
        if timeline.unfit:
            unfit[scenario.id] = timeline.unfit
    assert unfit == {}


@each_scenario
def test_a_story_breaks_nothing_on_a_server_that_is_held_to_rfc_8628_alone(scenario: Scenario) -> None:
    timeline = compile_scenario(scenario, law=LICENSE)
    state, cast = setting(scenario.parts, law=RFC8628, settings=timeline.settings, start=START)
    kensium, _ = setting(scenario.parts, law=LICENSE, settings=timeline.settings, start=START)
    found = perform(timeline, IdealServer(kensium, now=START), state=state, cast=cast)
    assert found.broken == ()


# ------------------------------------------------------------------------------------------------ the words


def test_marks_are_read_as_they_are_written() -> None:
    assert [mark(text).seconds for text in ("renewal_at-1s", "renewal_at", "renewal_at+1s")] == [-1, 0, 1]
    assert [str(mark(text)) for text in ("exp-1s", "exp", "exp+2s")] == [
        "1 s before the expiry of the license token",
        "the expiry of the license token",
        "2 s after the expiry of the license token",
    ]
    with pytest.raises(ValueError, match="no bound"):
        mark("renewal_at-1")
    with pytest.raises(ValueError, match="nowhere"):
        mark("nowhere")


@pytest.mark.parametrize(
    ("span", "after", "said"),
    [
        (Span(), 0, "no time"),
        (seconds(-3), -3, "-3 s"),
        (of(Lifetime.CODE), 900, "code_seconds"),
        (of(Lifetime.CODE, per=2, seconds=1), 451, "1/2 of code_seconds and 1 s"),
        (of(Lifetime.INTERVAL, times=3), 15, "3 times interval_seconds"),
        (months(1), 31 * DAY, "1 months"),
    ],
)
def test_a_span_is_a_share_of_a_lifetime_some_seconds_and_some_months(
    span: Span, after: int, said: str
) -> None:
    assert span.after(0, settings=Settings()) == after
    assert str(span) == said


@pytest.mark.parametrize("bound", list(Bound))
def test_a_bound_that_nothing_has_does_not_fit(bound: Bound) -> None:
    nothing = story(dsl.Advance(to=mark(bound.value)), parts=(Part(),))
    with pytest.raises(TimelineError, match="does not fit"):
        compile_scenario(nothing, law=LICENSE)
    assert compile_scenario(nothing, law=LICENSE, lenient=True).entries == ()


@pytest.mark.parametrize(
    "shift",
    [
        dsl.Advance(by=seconds(-1)),
        dsl.MoveClockBack(by=seconds(-1)),
        dsl.MoveClockBack(by=seconds(START + 1)),
        dsl.MoveClockBack(to=mark("renewal_at")),
    ],
)
def test_time_that_would_pass_the_wrong_way_does_not_fit(shift: dsl.Step) -> None:
    with pytest.raises(TimelineError):
        compile_scenario(story(shift), law=LICENSE)


def test_the_bounds_of_a_device_that_is_not_licensed_yet_are_those_of_its_next_license() -> None:
    timeline = compile_scenario(story(dsl.Advance(to=mark("renewal_at"))), law=LICENSE)
    assert timeline.entries[0].at == START + 400 * DAY


def test_a_device_that_holds_nothing_sends_nothing() -> None:
    steps = (
        dsl.Poll(),
        dsl.Refresh(),
        dsl.View(),
        dsl.Introspect(),
        dsl.Remove(),
        dsl.Approve(),
        dsl.Deny(),
        dsl.Next(),
        dsl.Poll(code=dsl.Held.PREVIOUS),
        dsl.Expect(answer="tokens"),
    )
    found = performed(story(*steps))
    assert [moment.skipped for moment in found.moments[:7]] == ["holds nothing of the kind"] * 7
    assert found.moments[8].skipped is not None
    assert found.unmet == ("answer: expected tokens, found codes",)
    assert "not sent: holds nothing of the kind" in tell_performance(found)
    assert performed(story(dsl.Expect(answer="tokens"))).unmet == ("an answer",)


def test_what_nobody_has_issued_can_be_used_by_name() -> None:
    steps = (
        dsl.Poll(code=dsl.Held.UNKNOWN),
        dsl.Expect(answer="invalid_grant"),
        dsl.Approve(code=dsl.Held.UNKNOWN),
        dsl.Expect(answer="refused"),
        dsl.View(using=dsl.Held.UNKNOWN),
        dsl.Expect(answer="invalid_token"),
    )
    assert performed(story(*steps)).unmet == ()


def test_an_acquisition_is_expanded_before_it_is_performed() -> None:
    state, cast = setting((Part(),), law=LICENSE, settings=Settings(), start=START)
    stage = Stage(server=IdealServer(state, now=START), state=state, cast=cast, now=START)
    with pytest.raises(TypeError, match="expand"):
        stage.perform(dsl.Acquire(), at=START)


def test_the_parts_of_a_story_can_have_other_names_at_the_server() -> None:
    identity = Identity(server_id="4711", administrator="erin")
    state, cast = setting(
        (Part(edition="register"),),
        law=LICENSE,
        settings=Settings(),
        start=START,
        issuer="https://authz.example",
        identities={"store": identity},
    )
    (world,) = state.worlds
    assert world.devices["4711"].features == ()
    assert world.issuer == "https://authz.example"
    assert world.entitled("erin", device=world.devices["4711"])
    assert cast.identities["store"] == identity


@pytest.mark.parametrize(
    ("passed", "said"), [(0, "+00:00:00"), (DAY + 61, "+1d 00:01:01"), (-3600, "-01:00:00")]
)
def test_time_since_the_beginning_is_written_with_days(passed: int, said: str) -> None:
    assert elapsed(passed) == said


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (dsl.Acquire(), "store acquires a license"),
        (dsl.Refresh(using=dsl.Held.FIRST), "store refreshes with the first refresh token"),
        (
            dsl.Poll(code=dsl.Held.UNKNOWN, foreign=True),
            "store polls with a code that nobody has issued as another client",
        ),
        (dsl.RotateKeys(immediately=True), "a new signing key is made, to sign at once"),
        (dsl.Renew(by=None), "an administrator removes the renewal date of store"),
    ],
)
def test_steps_are_said_in_words(step: dsl.Step, said: str) -> None:
    assert say(step) == said


def test_every_step_has_its_words() -> None:
    words = {
        say(step(by=None) if step is dsl.Renew else step())
        for step in vars(dsl).values()
        if isinstance(step, type) and issubclass(step, get_args(dsl.Step))
    }
    assert len(words) == len(get_args(dsl.Step))
