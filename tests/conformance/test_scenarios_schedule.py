"""Random schedules: the model keeps its own law in all of them, and a broken copy of it is caught, and shrunk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis.errors import NoSuchExample

from authz_conformance import model
from authz_conformance.catalogue import Capability
from authz_conformance.model import Answer, Settings, State, World
from authz_conformance.scenarios import (
    START,
    IdealServer,
    Performance,
    Scenario,
    Seen,
    compile_scenario,
    dsl,
    perform,
    setting,
    tell_performance,
)
from authz_conformance.scenarios.schedule import moves, schedules
from tests.conformance.oracle_world import LICENSE, RFC8628

EVERYTHING = frozenset(Capability)
ENOUGH = 400
Belief = Callable[[World, int], World]


class BrokenServer(IdealServer):
    """The model, made to answer from a belief that is not quite the law's."""

    def __init__(self, state: State, *, now: int, belief: Belief) -> None:
        super().__init__(state, now=now)
        self._belief = belief

    def ask(self, step: model.Step, /) -> Seen:
        self.state = replace(
            self.state, worlds=tuple(self._belief(world, self.now) for world in self.state.worlds)
        )
        return super().ask(step)


def run(scenario: Scenario, belief: Belief | None = None) -> Performance:
    timeline = compile_scenario(scenario, law=LICENSE, lenient=True)
    state, cast = setting(scenario.parts, law=LICENSE, settings=Settings(), start=START)
    server = IdealServer(state, now=START)
    if belief is not None:
        server = BrokenServer(state, now=START, belief=belief)
    return perform(timeline, server, state=state, cast=cast)


def grants(world: World, change: Callable[[model.world.Grant], model.world.Grant]) -> World:
    return replace(world, grants={code: change(grant) for code, grant in world.grants.items()})


def licenses(world: World, change: Callable[[model.world.License], model.world.License]) -> World:
    return replace(world, licenses={number: change(held) for number, held in world.licenses.items()})


def accepts_predecessors_after_the_window(world: World, now: int) -> World:
    del now
    longer = replace(world.settings, refresh_retry_window_seconds=10**9)
    return replace(world, settings=longer)


def counts_the_window_from_the_last_retry(world: World, now: int) -> World:
    del now
    tokens = {
        value: replace(held, first_used_at=held.retried_at) if held.retried_at is not None else held
        for value, held in world.refresh_tokens.items()
    }
    return replace(world, refresh_tokens=tokens)


def closes_the_window_a_second_early(world: World, now: int) -> World:
    del now
    shorter = replace(world.settings, refresh_retry_window_seconds=86_399)
    return replace(world, settings=shorter)


def lapses_a_second_late(world: World, now: int) -> World:
    del now

    def later(held: model.world.License) -> model.world.License:
        at = held.renewal_at
        return held if at is None or at % 60 else replace(held, renewal_at=at + 1)

    return licenses(world, later)


def forgets_to_slow_down(world: World, now: int) -> World:
    del now
    return grants(world, lambda grant: replace(grant, interval=grant.base_interval))


def expires_codes_a_second_late(world: World, now: int) -> World:
    del now
    return grants(world, lambda grant: replace(grant, expires_at=grant.issued_at + 901))


def never_expires_refresh_tokens(world: World, now: int) -> World:
    del now
    tokens = {value: replace(held, expires_at=10**11) for value, held in world.refresh_tokens.items()}
    return replace(world, refresh_tokens=tokens)


def ends_nothing(world: World, now: int) -> World:
    del now
    return licenses(world, lambda held: replace(held, end=None))


def revives_when_enabled(world: World, now: int) -> World:
    del now
    enabled = {device.server_id for device in world.devices.values() if device.enabled}
    return licenses(
        world,
        lambda held: (
            replace(held, end=None) if held.end == "device_disabled" and held.server_id in enabled else held
        ),
    )


def renews_after_the_lapse(world: World, now: int) -> World:
    del now
    return licenses(
        world,
        lambda held: (
            replace(held, renewal_at=max(held.renewal_at or 0, world.devices[held.server_id].renewal_at or 0))
            if held.renewal_at is not None
            else held
        ),
    )


def forgets_withdrawn_approvals(world: World, now: int) -> World:
    del now

    def approved(grant: model.world.Grant) -> model.world.Grant:
        return replace(grant, state="approved") if grant.denied_by == "redeem.latest-approval-only" else grant

    return grants(world, approved)


def signs_with_the_new_key_at_once(world: World, now: int) -> World:
    keys = tuple(replace(key, signs_from_at=min(key.signs_from_at, now)) for key in world.keys)
    return replace(world, keys=keys)


BROKEN: list[tuple[Belief, set[str]]] = [
    (
        accepts_predecessors_after_the_window,
        {"refresh.retry-window-is-half-open", "refresh.retry-window-never-extended"},
    ),
    (counts_the_window_from_the_last_retry, {"refresh.retry-window-never-extended"}),
    (closes_the_window_a_second_early, {"refresh.retry-window-is-half-open"}),
    (lapses_a_second_late, {"renew.lapsed-is-refused", "claims.renewal-date", "claims.renewal-due-from"}),
    (
        forgets_to_slow_down,
        {"poll.slow-down-adds-5", "poll.each-slow-down-adds", "poll.slow-down-is-for-good"},
    ),
    (expires_codes_a_second_late, {"poll.expired-is-expired-token", "verify.expired-user-code-refused"}),
    (never_expires_refresh_tokens, {"refresh.expires-when-idle", "introspect.refresh-token"}),
    (ends_nothing, {"end.redemption-supersedes", "end.administrator-revokes", "end.disabling"}),
    (revives_when_enabled, {"end.enabling-revives-nothing"}),
    (renews_after_the_lapse, {"renew.after-lapse-revives-nothing"}),
    (forgets_withdrawn_approvals, {"redeem.latest-approval-only"}),
    (signs_with_the_new_key_at_once, {"keys.published-before-signing"}),
]


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(schedules(EVERYTHING))
def test_the_model_keeps_its_own_law_in_every_schedule(scenario: Scenario) -> None:
    found = run(scenario)
    assert (found.broken, found.disregarded) == ((), ()), tell_performance(found)


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(schedules(EVERYTHING))
def test_a_licensing_server_keeps_the_law_of_any_server_in_every_schedule(scenario: Scenario) -> None:
    timeline = compile_scenario(scenario, law=LICENSE, lenient=True)
    state, cast = setting(scenario.parts, law=RFC8628, settings=Settings(), start=START)
    kensium, _ = setting(scenario.parts, law=LICENSE, settings=Settings(), start=START)
    found = perform(timeline, IdealServer(kensium, now=START), state=state, cast=cast)
    assert found.broken == (), tell_performance(found)


@pytest.mark.parametrize(("belief", "rules"), BROKEN, ids=lambda case: getattr(case, "__name__", ""))
def test_a_broken_copy_of_the_model_is_caught_by_a_schedule(belief: Belief, rules: set[str]) -> None:
    chosen = settings(
        max_examples=ENOUGH,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    caught = find(
        schedules(EVERYTHING),
        lambda scenario: not rules.isdisjoint(run(scenario, belief).broken),
        settings=chosen,
    )
    assert not rules.isdisjoint(run(caught, belief).broken)


def test_what_caught_a_broken_copy_shrinks_to_a_few_steps() -> None:
    belief = accepts_predecessors_after_the_window
    rule = "refresh.retry-window-is-half-open"
    chosen = settings(
        max_examples=ENOUGH, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    drawn = schedules(EVERYTHING, longest=8)
    caught = find(drawn, lambda scenario: rule in run(scenario, belief).broken, settings=chosen)
    assert len(caught.steps) <= 6
    assert f"breaks {rule}" in tell_performance(run(caught, belief))


def test_moves_that_a_server_cannot_follow_are_not_drawn() -> None:
    drawn: set[type] = set()

    def collect(steps: tuple[dsl.Step, ...]) -> bool:
        drawn.update(type(step) for step in steps)
        return False

    with pytest.raises(NoSuchExample):
        find(moves({Capability.APPROVE}), collect, settings=settings(max_examples=300, database=None))
    assert dsl.Approve in drawn
    assert drawn.isdisjoint(
        {dsl.Advance, dsl.MoveClockBack, dsl.Disable, dsl.RotateKeys, dsl.Remove, dsl.Deny}
    )


def test_a_server_that_is_told_of_no_devices_has_schedules_without_dates_and_hubs() -> None:
    anything = find(schedules({Capability.APPROVE}), lambda _: True, settings=settings(database=None))
    assert all(part.renewal is None and part.hub is None for part in anything.parts)


def test_a_schedule_is_any_list_of_moves_so_that_each_part_of_one_is_one_too() -> None:
    steps: Iterator[dsl.Step] = iter((dsl.Refresh(), dsl.Advance(to=None, by=None), dsl.Poll()))
    scenario = Scenario(id="part", title="A part", needs=(), rules=(), steps=tuple(steps))
    assert run(scenario).broken == ()


def test_a_warning_is_told_apart_from_a_failure() -> None:
    scenario = Scenario(
        id="hasty",
        title="Hasty",
        needs=(),
        rules=(),
        steps=(dsl.Next(), dsl.Poll(), dsl.Advance(to=None), dsl.Poll()),
    )

    class SlowServer(IdealServer):
        def ask(self, step: model.Step, /) -> Seen:
            seen = super().ask(step)
            if isinstance(step, model.Poll):
                return Seen(answer=Answer(status=400, body={"error": "slow_down"}), now=seen.now)
            return seen

    timeline = compile_scenario(scenario, law=LICENSE)
    state, cast = setting(scenario.parts, law=RFC8628, settings=Settings(), start=START)
    found = perform(timeline, SlowServer(state, now=START), state=state, cast=cast)
    assert found.broken == ()
    assert found.disregarded == ("poll.first-is-never-early",)
    assert "against the advice of poll.first-is-never-early" in tell_performance(found)
