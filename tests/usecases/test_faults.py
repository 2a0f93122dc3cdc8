from __future__ import annotations

from typing import Any, NoReturn

import pytest

from mock_authz.clock import Clock, ClockMode
from mock_authz.domain.events import Event, EventType
from mock_authz.domain.faults import Fault, FaultKind
from mock_authz.domain.refusals import NotFound
from mock_authz.usecases import control, faults
from mock_authz.usecases.faults import Exchanged
from tests.factories import HOUR, NOW, QA, World, a_world, expect


def declare(world: World, kind: str = "offline", **members: Any) -> Fault:
    return faults.add_fault(world.at(NOW), Fault(fault_id="", kind=FaultKind(kind), **members))


def unasked() -> NoReturn:
    raise AssertionError("nobody needs to know")


def struck(
    world: World,
    now: int = NOW,
    *,
    step: str = "token:refresh",
    client_id: str | None = "pos-server",
    server_id: str | None = "store-12",
) -> list[str]:
    """Ask which faults strike one request."""
    exchanged = Exchanged(step, lambda: client_id, lambda: server_id)
    return [fault.fault_id for fault in faults.strike(world.at(now), exchanged)]


def move(world: World, to: int) -> list[Event]:
    clock = Clock(ClockMode.FROZEN, float(NOW), float(to))
    return control.set_clock(world.store, QA, clock, real_at=float(NOW))


# --- declared, listed, removed ---


def test_faults_are_listed_in_order_of_creation_with_what_they_did(world: World) -> None:
    first, second = declare(world, times=1), declare(world, "latency", latency_milliseconds=1)
    struck(world)
    listed = faults.list_faults(world.at(NOW))
    assert [fault.fault_id for fault in listed] == [first.fault_id, second.fault_id]
    assert [(fault.offered, fault.struck) for fault in listed] == [(1, 1), (1, 1)]
    assert faults.find_fault(world.at(NOW), first.fault_id) == listed[0]


def test_a_removed_fault_strikes_no_more_and_tells_what_it_did(world: World) -> None:
    fault = declare(world)
    struck(world)
    removed = expect(Fault, faults.remove_fault(world.at(NOW), fault.fault_id))
    assert removed.struck == 1
    assert struck(world) == []


def test_all_faults_are_removed_at_once(world: World) -> None:
    made = [declare(world), declare(world)]
    removed = faults.clear_faults(world.at(NOW))
    assert [fault.fault_id for fault in removed] == [fault.fault_id for fault in made]
    assert faults.list_faults(world.at(NOW)) == []


def test_an_unknown_fault_is_not_found(world: World) -> None:
    assert isinstance(faults.find_fault(world.at(NOW), "none"), NotFound)
    assert isinstance(faults.remove_fault(world.at(NOW), "none"), NotFound)


def test_a_fault_that_never_struck_is_reported(world: World) -> None:
    declare(world, steps=("token",))
    idle = declare(world, steps=("jwks",))
    struck(world)
    assert [fault.fault_id for fault in faults.never_struck(world.at(NOW))] == [idle.fault_id]


# --- striking ---


def test_without_faults_nothing_strikes_and_nothing_is_written(world: World) -> None:
    assert struck(world) == []
    assert world.events() == []


def test_a_strike_is_journalled(world: World) -> None:
    fault = declare(world)
    struck(world, NOW + 5, step="jwks")
    (event,) = world.events(EventType.FAULT_STRUCK)
    assert event.at == NOW + 5
    assert event.subject["fault_id"] == fault.fault_id
    assert (event.subject["kind"], event.subject["step"]) == ("offline", "jwks")


def test_every_latency_strikes_and_of_the_others_the_first(world: World) -> None:
    kinds = ["latency", "offline", "status", "latency", "lost_reply"]
    made = [declare(world, kind, latency_milliseconds=1).fault_id for kind in kinds]
    assert struck(world) == [made[0], made[1], made[3]]
    offered = [fault.offered for fault in faults.list_faults(world.at(NOW))]
    assert offered == [1, 1, 0, 1, 0]


def test_the_next_fault_has_its_turn_once_the_first_is_used_up(world: World) -> None:
    first, second = declare(world, times=1), declare(world, "status", times=2)
    turns = [struck(world) for _ in range(4)]
    assert turns == [[first.fault_id], [second.fault_id], [second.fault_id], []]


def test_the_first_that_does_not_strike_leaves_the_turn_to_the_next(world: World) -> None:
    declare(world, probability=0)
    second = declare(world, "status")
    assert struck(world) == [second.fault_id]


@pytest.mark.parametrize(
    ("seconds", "times"), [(-1, 0), (0, 1), (1, 1), (HOUR - 1, 1), (HOUR, 0), (HOUR + 1, 0)]
)
def test_a_fault_strikes_within_its_window_only(world: World, seconds: int, times: int) -> None:
    declare(world, from_at=NOW, until_at=NOW + HOUR)
    assert len(struck(world, NOW + seconds)) == times


def test_a_fault_of_a_step_client_or_device_strikes_what_it_names(world: World) -> None:
    for named in ({"steps": ("token",)}, {"client_id": "register"}, {"server_id": "till-1"}):
        declare(world, **named)
    about: dict[str, Any] = {"step": "jwks", "client_id": "pos-server", "server_id": "store-12"}
    assert struck(world, **about) == []
    for other in ({"step": "token:device_code"}, {"client_id": "register"}, {"server_id": "till-1"}):
        assert len(struck(world, **{**about, **other})) == 1


def test_nobody_looks_for_client_or_device_unless_a_fault_names_one(world: World) -> None:
    declare(world)
    assert len(faults.strike(world.at(NOW), Exchanged("jwks", unasked, unasked))) == 1


def outcomes(world: World) -> list[bool]:
    declare(world, probability=0.5)
    return [bool(struck(world)) for _ in range(64)]


def test_a_probability_falls_the_same_way_under_the_same_seed() -> None:
    one, same, other = outcomes(a_world()), outcomes(a_world()), outcomes(a_world(random_seed="another"))
    assert one == same != other
    assert 20 < sum(one) < 44


def test_two_faults_of_one_probability_fall_their_own_ways(world: World) -> None:
    assert outcomes(world) != outcomes(world)


def test_at_most_so_many_in_a_row(world: World) -> None:
    declare(world, most_in_a_row=2)
    assert [len(struck(world)) for _ in range(6)] == [1, 1, 0, 1, 1, 0]


# --- outages ---


def test_an_outage_that_has_begun_is_told_at_once_and_its_end_when_it_is_removed(world: World) -> None:
    fault = declare(world, from_at=NOW)
    faults.remove_fault(world.at(NOW + HOUR), fault.fault_id)
    told = world.events(EventType.OUTAGE_BEGAN, EventType.OUTAGE_ENDED)
    assert [(event.at - NOW, event.type.value) for event in told] == [
        (0, "outage_began"),
        (HOUR, "outage_ended"),
    ]


@pytest.mark.parametrize(
    ("seconds", "told"), [(-1, 0), (0, 1), (1, 1), (HOUR - 1, 1), (HOUR, 0), (HOUR + 1, 0)]
)
def test_an_outage_is_told_at_its_declaration_within_its_window_only(
    world: World, seconds: int, told: int
) -> None:
    faults.add_fault(
        world.at(NOW + seconds),
        Fault(fault_id="", kind=FaultKind.OFFLINE, from_at=NOW, until_at=NOW + HOUR),
    )
    assert len(world.events(EventType.OUTAGE_BEGAN)) == told


def test_an_outage_that_lies_ahead_is_told_by_the_clock_that_passes_it(world: World) -> None:
    fault = declare(world, from_at=NOW + HOUR, until_at=NOW + 2 * HOUR)
    told = move(world, NOW + 3 * HOUR)
    assert [(event.at - NOW, event.type.value) for event in told] == [
        (HOUR, "outage_began"),
        (2 * HOUR, "outage_ended"),
    ]
    assert {event.subject["fault_id"] for event in told} == {fault.fault_id}


@pytest.mark.parametrize(("seconds", "told"), [(-1, []), (0, ["outage_began"]), (1, ["outage_began"])])
def test_an_outage_begins_at_its_instant(world: World, seconds: int, told: list[str]) -> None:
    declare(world, from_at=NOW + HOUR)
    assert [event.type.value for event in move(world, NOW + HOUR + seconds)] == told


def test_an_outage_that_was_removed_in_time_neither_begins_nor_ends(world: World) -> None:
    fault = declare(world, from_at=NOW + HOUR, until_at=NOW + 2 * HOUR)
    faults.remove_fault(world.at(NOW), fault.fault_id)
    assert move(world, NOW + 3 * HOUR) == []
