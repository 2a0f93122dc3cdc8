from __future__ import annotations

from typing import Any

import pytest

from mock_authz.clock import Clock, ClockMode
from mock_authz.domain.device_grant import DeviceGrant, State
from mock_authz.domain.events import Event, EventType
from mock_authz.domain.human_script import Act, HumanScript
from mock_authz.domain.refusals import (
    AccessDenied,
    AuthorizationPending,
    ExpiredToken,
    NotFound,
    SlowDown,
    TooManyGuesses,
)
from mock_authz.usecases import administer, approvals, control, humans
from mock_authz.usecases.acquire import DeviceAuthorization
from mock_authz.usecases.tokens import IssuedTokens
from tests.factories import (
    DAY,
    HEAD_OFFICE,
    MINUTE,
    NOW,
    QA,
    STORE_12,
    World,
    a_device,
    a_world,
    default_records,
    expect,
)


def script(world: World, act: str = "approve", now: int = NOW, **members: Any) -> HumanScript:
    return humans.add_human(world.at(now), HumanScript(human_id="", act=Act(act), **members))


def as_it_is(world: World, human: HumanScript) -> HumanScript:
    return expect(HumanScript, humans.find_human(world.at(NOW), human.human_id))


def grant_of(world: World, authorization: DeviceAuthorization) -> DeviceGrant:
    return expect(DeviceGrant, approvals.find_user_code(world.at(NOW), authorization.user_code))


def move(world: World, to: int) -> list[Event]:
    """Move the frozen clock, as the control API does."""
    clock = Clock(ClockMode.FROZEN, float(NOW), float(to))
    return control.set_clock(world.store, QA, clock, real_at=float(NOW))


# --- which code ---


def test_a_human_takes_on_the_code_that_is_open_already(world: World) -> None:
    authorization = world.authorize()
    assert script(world).acted_at == NOW
    assert grant_of(world, authorization).state is State.APPROVED


def test_a_human_takes_on_the_next_code_where_none_is_open(world: World) -> None:
    human = script(world)
    assert (human.grant_id, human.acted_at) == (None, None)
    authorization = world.authorize()
    assert as_it_is(world, human).acted_at == NOW
    assert grant_of(world, authorization).state is State.APPROVED


def test_of_several_open_codes_the_newest_is_taken_on(world: World) -> None:
    older, newer = world.authorize(), world.authorize(NOW + 1)
    script(world, now=NOW + 1)
    assert grant_of(world, older).state is State.PENDING
    assert grant_of(world, newer).state is State.APPROVED


@pytest.mark.parametrize(("seconds", "state"), [(-1, State.DENIED), (0, State.PENDING), (1, State.PENDING)])
def test_an_expired_code_is_taken_on_by_nobody(world: World, seconds: int, state: State) -> None:
    authorization = world.authorize()
    script(world, "deny", now=NOW + 15 * MINUTE + seconds)
    assert grant_of(world, authorization).state is state


def test_a_code_is_taken_on_once_also_by_one_who_ignores_it(world: World) -> None:
    first = world.authorize()
    script(world, "ignore")
    waiting = script(world, "deny")
    assert waiting.grant_id is None
    second = world.authorize()
    assert [grant_of(world, one).state for one in (first, second)] == [State.PENDING, State.DENIED]


def test_humans_that_wait_take_on_codes_in_order_of_creation(world: World) -> None:
    for act in ("ignore", "deny", "approve"):
        script(world, act)
    issued = [world.authorize() for _ in range(4)]
    states = [grant_of(world, one).state for one in issued]
    assert states == [State.PENDING, State.DENIED, State.APPROVED, State.PENDING]


def test_a_human_may_wait_for_the_code_of_one_client(world: World) -> None:
    human = script(world, "deny", client_id="register")
    world.authorize()
    assert as_it_is(world, human).grant_id is None
    other = world.authorize(client_id="register")
    assert grant_of(world, other).state is State.DENIED


def test_an_open_code_of_another_client_is_left_alone(world: World) -> None:
    wanted, other = world.authorize(client_id="register"), world.authorize()
    script(world, "deny", client_id="register")
    assert [grant_of(world, one).state for one in (wanted, other)] == [State.DENIED, State.PENDING]


def test_a_removed_human_does_nothing_and_leaves_its_code_free(world: World) -> None:
    human = script(world, at=NOW + MINUTE)
    authorization = world.authorize()
    assert humans.remove_human(world.at(NOW), human.human_id) is None
    assert move(world, NOW + MINUTE) == []
    assert grant_of(world, authorization).state is State.PENDING
    assert script(world, "deny", now=NOW + MINUTE).acted_at == NOW + MINUTE


def test_what_a_removed_human_has_decided_stands(world: World) -> None:
    authorization = world.authorize()
    human = script(world)
    humans.remove_human(world.at(NOW), human.human_id)
    assert grant_of(world, authorization).state is State.APPROVED
    assert humans.list_humans(world.at(NOW)) == []


def test_an_unknown_human_is_not_found(world: World) -> None:
    assert isinstance(humans.find_human(world.at(NOW), "nobody"), NotFound)
    assert isinstance(humans.remove_human(world.at(NOW), "nobody"), NotFound)


# --- at once ---


def test_who_approves_at_once_lets_the_first_poll_through(world: World) -> None:
    script(world, server_id=STORE_12)
    assert isinstance(world.poll(world.authorize()), IssuedTokens)
    assert world.license_of().server_id == STORE_12


def test_who_denies_at_once_lets_the_first_poll_be_denied(world: World) -> None:
    script(world, "deny")
    assert isinstance(world.poll(world.authorize()), AccessDenied)


def test_who_ignores_lets_the_code_run_out(world: World) -> None:
    human = script(world, "ignore")
    authorization = world.authorize()
    assert isinstance(world.poll(authorization), AuthorizationPending)
    assert isinstance(world.poll(authorization, NOW + 15 * MINUTE), ExpiredToken)
    assert as_it_is(world, human).acted_at == NOW


def test_what_a_human_does_is_journalled_after_what_comes_of_it(world: World) -> None:
    human = script(world, server_id=STORE_12)
    authorization = world.authorize()
    issued, approved, acted = world.events()
    assert issued.type is EventType.DEVICE_AUTHORIZATION_ISSUED
    assert approved.type is EventType.USER_CODE_APPROVED
    assert approved.subject["administrator"] == "dana"
    assert acted.type is EventType.HUMAN_ACTED
    code = authorization.user_code.replace("-", "")
    assert dict(acted.subject) == {
        "human_id": human.human_id,
        "act": "approve",
        "user_code": code,
        "refusal": None,
    }


# --- at a poll ---


def test_who_decides_at_a_poll_does_so_before_its_answer(world: World) -> None:
    script(world, after_polls=3)
    authorization = world.authorize()
    answers = [world.poll(authorization, NOW + 5 * second) for second in range(3)]
    assert [type(answer) for answer in answers] == [AuthorizationPending, AuthorizationPending, IssuedTokens]


def test_a_poll_that_is_told_to_slow_down_counts_too(world: World) -> None:
    script(world, "deny", after_polls=3)
    authorization = world.authorize()
    answers = [type(world.poll(authorization)) for _ in range(3)]
    assert answers == [AuthorizationPending, SlowDown, AccessDenied]


def test_another_client_s_polls_count_for_nothing(world: World) -> None:
    human = script(world, after_polls=1)
    authorization = world.authorize()
    world.poll(authorization, client_id="register")
    assert as_it_is(world, human).acted_at is None


@pytest.mark.parametrize(("polls", "state"), [(1, State.PENDING), (2, State.APPROVED), (3, State.APPROVED)])
def test_who_comes_after_that_poll_decides_at_once(world: World, polls: int, state: State) -> None:
    authorization = world.authorize()
    for _ in range(polls):
        world.poll(authorization)
    script(world, after_polls=2)
    assert grant_of(world, authorization).state is state


# --- at an instant ---


@pytest.mark.parametrize(
    ("seconds", "state"), [(-1, State.PENDING), (0, State.APPROVED), (1, State.APPROVED)]
)
def test_who_decides_at_an_instant_does_so_from_then_on(world: World, seconds: int, state: State) -> None:
    authorization = world.authorize()
    script(world, at=NOW + MINUTE)
    move(world, NOW + MINUTE + seconds)
    assert grant_of(world, authorization).state is state


def test_an_instant_that_has_passed_is_at_once(world: World) -> None:
    human = script(world, at=NOW - 1)
    world.authorize()
    assert as_it_is(world, human).acted_at == NOW


def test_a_decision_falls_at_its_own_instant_in_its_place_among_what_falls_due(world: World) -> None:
    world.authorize()
    world.authorize(NOW + 2 * MINUTE)
    script(world, "deny", now=NOW + 2 * MINUTE, at=NOW + 16 * MINUTE)
    told = [(event.at - NOW, event.type.value) for event in move(world, NOW + 20 * MINUTE)]
    assert told == [
        (15 * MINUTE, "user_code_expired"),
        (16 * MINUTE, "user_code_denied"),
        (16 * MINUTE, "human_acted"),
    ]
    assert [(event.at - NOW, event.type.value) for event in world.events()][-3:] == told


def test_a_decision_at_an_instant_is_made_by_the_next_request_too(world: World) -> None:
    authorization = world.authorize()
    script(world, at=NOW + MINUTE)
    control.settle(world.store, world.sandbox, now=NOW + 2 * MINUTE)
    assert isinstance(world.poll(authorization, NOW + 2 * MINUTE), IssuedTokens)


def test_the_next_event_may_be_a_human_s(world: World) -> None:
    world.authorize()
    script(world, at=NOW + MINUTE)
    assert control.next_event_at(world.store, world.sandbox, after=NOW) == NOW + MINUTE
    move(world, NOW + MINUTE)
    assert control.next_event_at(world.store, world.sandbox, after=NOW + MINUTE) == NOW + 15 * MINUTE


def test_two_who_decide_at_one_instant_do_so_in_order_of_creation(world: World) -> None:
    for _ in range(2):
        world.authorize()
        script(world, at=NOW + MINUTE, server_id=STORE_12)
    types = [event.type for event in move(world, NOW + MINUTE)]
    assert types == [
        EventType.USER_CODE_APPROVED,
        EventType.HUMAN_ACTED,
        EventType.USER_CODE_WITHDRAWN,
        EventType.USER_CODE_APPROVED,
        EventType.HUMAN_ACTED,
    ]


def test_who_has_decided_does_not_do_so_again_when_the_clock_goes_back(world: World) -> None:
    authorization = world.authorize()
    human = script(world, at=NOW + MINUTE)
    move(world, NOW + MINUTE)
    move(world, NOW)
    assert [event.type for event in move(world, NOW + 2 * MINUTE)] == []
    assert as_it_is(world, human).acted_at == NOW + MINUTE
    assert len(world.events(EventType.HUMAN_ACTED)) == 1
    assert grant_of(world, authorization).state is State.APPROVED


# --- whom, by whom ---


def test_the_first_device_without_a_license_is_approved(world: World) -> None:
    for expected in (HEAD_OFFICE, STORE_12, "peak"):
        script(world)
        assert isinstance(world.poll(world.authorize()), IssuedTokens)
        assert world.license_of(expected).server_id == expected


def test_a_register_s_code_gets_a_register(world: World) -> None:
    script(world)
    answer = world.poll(world.authorize(client_id="register"), client_id="register")
    assert isinstance(answer, IssuedTokens)
    assert world.license_of("till-1").client_id == "register"


def test_the_administrator_is_the_first_of_the_device_s_organization(world: World) -> None:
    script(world, server_id="peak")
    world.authorize()
    assert world.events(EventType.USER_CODE_APPROVED)[0].subject["administrator"] == "sam"


def test_the_administrator_may_be_said(world: World) -> None:
    for act in ("approve", "deny"):
        script(world, act, administrator="sam")
        world.authorize()
    decided = world.events(EventType.USER_CODE_APPROVED, EventType.USER_CODE_DENIED)
    assert [event.subject["administrator"] for event in decided] == ["sam", "sam"]


# --- refused ---


def refused(world: World, **members: Any) -> str | None:
    """Give why a decision was refused, and make sure that it left the code alone."""
    human = script(world, **members)
    authorization = world.authorize()
    done = as_it_is(world, human)
    assert done.acted_at == NOW
    assert grant_of(world, authorization).state is State.PENDING
    assert world.events(EventType.HUMAN_ACTED)[-1].subject["refusal"] == done.refusal
    return done.refusal


def test_a_disabled_device_is_refused_and_the_refusal_journalled(world: World) -> None:
    administer.disable_device(world.at(NOW), STORE_12)
    assert refused(world, server_id=STORE_12) == "Store 12 is disabled."


def test_a_device_whose_renewal_date_has_passed_is_refused() -> None:
    world = a_world(records=[*default_records(), a_device("late", name="Late", renewal_at=NOW)])
    assert refused(world, server_id="late") == "The renewal date of Late has passed. Renew it first."


def test_an_administrator_of_another_organization_is_refused(world: World) -> None:
    said = refused(world, server_id="peak", administrator="dana")
    assert said == "The administrator does not manage this device's organization."


def test_a_device_that_is_gone_is_refused(world: World) -> None:
    assert refused(world, server_id="nowhere") is not None
    assert refused(world, server_id="nowhere", administrator="dana") is not None


@pytest.mark.parametrize("act", ["approve", "deny"])
def test_without_anybody_who_may_there_is_nobody_to_decide(act: str) -> None:
    world = a_world(records=[record for record in default_records() if type(record).__name__ == "Client"])
    assert refused(world, act=act) == humans.NOBODY.description


def test_without_a_device_that_may_there_is_nothing_to_approve(world: World) -> None:
    for server_id in (HEAD_OFFICE, STORE_12, "peak"):
        administer.disable_device(world.at(NOW), server_id)
    assert refused(world) == humans.NOBODY.description
    assert refused(world, administrator="dana") == humans.NOBODY.description


@pytest.mark.parametrize("act", ["approve", "deny"])
def test_a_code_that_somebody_else_has_decided_on_is_refused(world: World, act: str) -> None:
    authorization = world.authorize()
    human = script(world, act, at=NOW + MINUTE)
    approvals.deny(world.at(NOW), authorization.user_code, administrator="dana")
    move(world, NOW + MINUTE)
    assert as_it_is(world, human).refusal
    assert grant_of(world, authorization).state is State.DENIED


def test_a_code_that_expires_at_the_very_instant_is_refused(world: World) -> None:
    world.authorize()
    human = script(world, at=NOW + 15 * MINUTE)
    types = [event.type for event in move(world, NOW + DAY)]
    assert types == [EventType.USER_CODE_EXPIRED, EventType.HUMAN_ACTED]
    assert as_it_is(world, human).refusal


def test_nobody_enters_a_code_so_no_guess_is_counted(world: World) -> None:
    for _ in range(9):
        script(world, server_id="nowhere", administrator="dana")
        world.authorize()
    answer = approvals.enter_user_code(world.at(NOW), "BCDF-GHJK", administrator="dana")
    assert not isinstance(answer, TooManyGuesses)
