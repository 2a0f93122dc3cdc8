from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_authz.clock import Clock, ClockMode, parse_clock, real_now
from mock_authz.instants import EARLIEST_AT, LATEST_AT, UnreadableTimeError
from tests.factories import DAY, NOW

REAL = st.floats(min_value=0, max_value=4e9)
VIRTUAL = st.floats(min_value=0, max_value=2e11)


@given(REAL)
def test_a_real_clock_shows_the_wall_clock_in_whole_seconds_floored(real_at: float) -> None:
    assert Clock().now(real_at) == math.floor(real_at)


@given(REAL, REAL, VIRTUAL)
def test_a_frozen_clock_stands_still(anchored_at: float, real_at: float, virtual_at: float) -> None:
    assert Clock(ClockMode.FROZEN, anchored_at, virtual_at).now(real_at) == math.floor(virtual_at)


@pytest.mark.parametrize(
    ("real_at", "shown"),
    [(NOW + 0.25, 1000), (NOW + 0.74, 1000), (NOW + 0.75, 1001), (NOW + 60.0, 1060), (NOW - 1.0, 999)],
)
def test_a_clock_with_an_offset_ticks_with_the_wall_clock(real_at: float, shown: int) -> None:
    assert Clock(ClockMode.OFFSET, float(NOW), 1000.25).now(real_at) == shown


@given(st.integers(0, 4 * 10**9), st.integers(0, 10**11), st.integers(0, 10**9))
def test_whole_seconds_pass_on_an_offset_clock_as_on_the_wall(real: int, virtual: int, elapsed: int) -> None:
    clock = Clock(ClockMode.OFFSET, float(real), float(virtual))
    assert clock.now(float(real + elapsed)) - clock.now(float(real)) == elapsed


@given(REAL, VIRTUAL, st.lists(REAL, min_size=2, max_size=6))
def test_no_clock_runs_backwards_while_the_wall_clock_does_not(
    anchored_at: float, virtual_at: float, instants: list[float]
) -> None:
    for mode in ClockMode:
        shown = [Clock(mode, anchored_at, virtual_at).now(real_at) for real_at in sorted(instants)]
        assert shown == sorted(shown)


@pytest.mark.parametrize("virtual_at", [LATEST_AT - 1, EARLIEST_AT])
@pytest.mark.parametrize("elapsed", [10.0 * DAY, -10.0 * DAY])
def test_a_ticking_clock_stays_within_what_can_be_spelled(virtual_at: int, elapsed: float) -> None:
    clock = Clock(ClockMode.OFFSET, float(NOW), float(virtual_at))
    assert EARLIEST_AT <= clock.now(NOW + elapsed) <= LATEST_AT


@pytest.mark.parametrize("to", [NOW - DAY, NOW, NOW + DAY])
def test_a_moved_real_clock_goes_on_ticking_from_there(to: int) -> None:
    moved = Clock().moved(to=to, real_at=NOW + 0.5)
    assert moved.mode is ClockMode.OFFSET
    assert moved.now(NOW + 0.5) == to
    assert moved.now(NOW + 10.5) == to + 10


def test_a_moved_offset_clock_goes_on_ticking_and_a_frozen_one_stands_there() -> None:
    assert Clock(ClockMode.OFFSET, 5.0, 7.0).moved(to=100, real_at=50.0).now(53.0) == 103
    assert Clock(ClockMode.FROZEN, 5.0, 7.0).moved(to=100, real_at=50.0).now(53.0) == 100


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("real", Clock()),
        ("offset:P30D", Clock(ClockMode.OFFSET, NOW + 0.5, NOW + 30 * DAY + 0.5)),
        ("offset:-P7D", Clock(ClockMode.OFFSET, NOW + 0.5, NOW - 7 * DAY + 0.5)),
        ("frozen:2027-01-31", Clock(ClockMode.FROZEN, NOW + 0.5, 1_801_353_600.0)),
        ("frozen:2027-01-31T08:00:00Z", Clock(ClockMode.FROZEN, NOW + 0.5, 1_801_382_400.0)),
        ("frozen:1801353600", Clock(ClockMode.FROZEN, NOW + 0.5, 1_801_353_600.0)),
    ],
)
def test_a_clock_is_read_as_the_command_line_gives_it(text: str, expected: Clock) -> None:
    assert parse_clock(text, real_at=NOW + 0.5) == expected


@pytest.mark.parametrize(
    "text",
    ["", "fast", "real:P1D", "offset", "offset:", "offset:tomorrow", "frozen", "frozen:", "frozen:noon",
     "frozen:-5", "frozen:²", "frozen:99999999999999", "offset:P9999Y", "FROZEN:2027-01-31"],
)  # fmt: skip
def test_what_is_no_clock_is_refused_with_what_would_be_right(text: str) -> None:
    with pytest.raises(UnreadableTimeError, match=r"give|lies outside|too far"):
        parse_clock(text, real_at=float(NOW))


def test_the_wall_clock_is_of_this_century() -> None:
    assert real_now() > 1_700_000_000
