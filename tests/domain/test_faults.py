from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_authz.domain.faults import STEPS, Fault, FaultKind, concerns, is_open, is_outage, named, strike
from tests.factories import NOW


def a_fault(**changes: Any) -> Fault:
    return Fault(fault_id="fault-1", **{"kind": FaultKind.OFFLINE, **changes})


def struck(fault: Fault, rolls: list[float]) -> list[bool]:
    """Offer a fault one request after the other."""
    outcomes = []
    for roll in rolls:
        fault, strikes = strike(fault, roll=roll)
        outcomes.append(strikes)
    return outcomes


# --- when ---


def test_a_fault_without_a_window_is_always_open() -> None:
    assert is_open(a_fault(), now=NOW)


@pytest.mark.parametrize(("seconds", "opened"), [(-1, False), (0, True), (1, True)])
def test_a_fault_opens_at_its_first_instant(seconds: int, *, opened: bool) -> None:
    assert is_open(a_fault(from_at=NOW), now=NOW + seconds) is opened


@pytest.mark.parametrize(("seconds", "opened"), [(-1, True), (0, False), (1, False)])
def test_a_fault_is_over_at_its_last_instant(seconds: int, *, opened: bool) -> None:
    assert is_open(a_fault(until_at=NOW), now=NOW + seconds) is opened


@pytest.mark.parametrize(("times", "opened"), [(2, False), (3, False), (4, True), (None, True)])
def test_a_fault_is_used_up_once_it_has_struck_its_times(times: int | None, *, opened: bool) -> None:
    assert is_open(a_fault(times=times, struck=3), now=NOW) is opened


# --- whom ---


def test_a_fault_that_names_nothing_concerns_every_request() -> None:
    for step in STEPS:
        assert concerns(a_fault(), step=step, client_id=None, server_id=None)


@pytest.mark.parametrize(
    ("named", "step", "concerned"),
    [
        ("token", "token", True),
        ("token", "token:refresh", True),
        ("token", "token:device_code", True),
        ("token:refresh", "token:refresh", True),
        ("token:refresh", "token:device_code", False),
        ("token:refresh", "token", False),
        ("jwks", "metadata", False),
    ],
)
def test_a_step_covers_those_below_it(named: str, step: str, *, concerned: bool) -> None:
    assert concerns(a_fault(steps=(named,)), step=step, client_id=None, server_id=None) is concerned


def test_a_fault_of_several_steps_concerns_each() -> None:
    fault = a_fault(steps=("jwks", "metadata"))
    assert concerns(fault, step="metadata", client_id=None, server_id=None)
    assert not concerns(fault, step="revoke", client_id=None, server_id=None)


@pytest.mark.parametrize(("asks", "concerned"), [("register", True), ("pos-server", False), (None, False)])
def test_a_fault_of_a_client_concerns_what_it_asks(asks: str | None, *, concerned: bool) -> None:
    assert concerns(a_fault(client_id="register"), step="jwks", client_id=asks, server_id=None) is concerned


@pytest.mark.parametrize(("asks", "concerned"), [("till-1", True), ("store-12", False), (None, False)])
def test_a_fault_of_a_device_concerns_what_it_asks(asks: str | None, *, concerned: bool) -> None:
    assert concerns(a_fault(server_id="till-1"), step="jwks", client_id=None, server_id=asks) is concerned


# --- how often ---


def test_a_fault_without_a_probability_always_strikes() -> None:
    assert struck(a_fault(), [0.0, 0.5, 0.999]) == [True, True, True]


@pytest.mark.parametrize(("roll", "strikes"), [(0.24, True), (0.25, False), (0.26, False)])
def test_a_fault_strikes_with_its_probability(roll: float, *, strikes: bool) -> None:
    assert struck(a_fault(probability=0.25), [roll]) == [strikes]


def test_a_probability_of_nothing_never_strikes_and_of_one_always() -> None:
    assert struck(a_fault(probability=0), [0.0]) == [False]
    assert struck(a_fault(probability=1), [0.999999]) == [True]


def test_after_so_many_in_a_row_one_request_gets_through() -> None:
    assert struck(a_fault(most_in_a_row=2), [0.0] * 7) == [True, True, False, True, True, False, True]


@given(st.lists(st.floats(0, 1, exclude_max=True)), st.floats(0, 1), st.integers(1, 4))
def test_a_fault_never_strikes_more_often_in_a_row_than_it_may(
    rolls: list[float], probability: float, most: int
) -> None:
    outcomes = struck(a_fault(probability=probability, most_in_a_row=most), rolls)
    runs = "".join("x" if strikes else " " for strikes in outcomes).split(" ")
    assert max(map(len, runs)) <= most


def test_a_fault_counts_what_it_was_offered_struck_and_struck_in_a_row() -> None:
    fault = a_fault(probability=0.5)
    for roll in (0.1, 0.9, 0.2, 0.3):
        fault, _ = strike(fault, roll=roll)
    assert (fault.offered, fault.struck, fault.in_a_row) == (4, 3, 2)


# --- told ---


def test_a_fault_is_named_by_what_it_is_and_by_the_only_device_that_it_strikes() -> None:
    assert named(a_fault()) == {"fault_id": "fault-1", "kind": "offline"}
    assert named(a_fault(server_id="till-1"))["server_id"] == "till-1"


def test_a_fault_without_a_beginning_is_no_outage() -> None:
    assert not is_outage(a_fault(), now=NOW)
    assert not is_outage(a_fault(until_at=NOW + 1), now=NOW)


@pytest.mark.parametrize(("seconds", "goes_on"), [(-1, False), (0, True), (1, True)])
def test_an_outage_begins_with_its_window(seconds: int, *, goes_on: bool) -> None:
    assert is_outage(a_fault(from_at=NOW), now=NOW + seconds) is goes_on


@pytest.mark.parametrize(("seconds", "goes_on"), [(-1, True), (0, False), (1, False)])
def test_an_outage_ends_with_its_window(seconds: int, *, goes_on: bool) -> None:
    assert is_outage(a_fault(from_at=NOW - 9, until_at=NOW), now=NOW + seconds) is goes_on
