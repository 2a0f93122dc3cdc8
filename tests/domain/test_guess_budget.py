from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mock_authz.domain.guess_budget import (
    PER_SECONDS,
    WRONG_ENTRIES,
    GuessBudget,
    seconds_to_wait,
    wrong_entry,
)
from tests.factories import MINUTE, NOW


def after_wrong_entries(*instants: int) -> GuessBudget:
    budget = GuessBudget("dana")
    for at in instants:
        budget = wrong_entry(budget, now=at)
    return budget


def test_the_budget_is_five_wrong_entries_in_fifteen_minutes() -> None:
    assert (WRONG_ENTRIES, PER_SECONDS) == (5, 15 * MINUTE)


def test_a_fresh_administrator_need_not_wait() -> None:
    assert seconds_to_wait(GuessBudget("dana"), now=NOW) == 0


def test_after_four_wrong_entries_a_fifth_is_allowed() -> None:
    assert seconds_to_wait(after_wrong_entries(*[NOW] * 4), now=NOW) == 0


def test_after_five_wrong_entries_the_wait_lasts_until_the_first_is_fifteen_minutes_old() -> None:
    budget = after_wrong_entries(NOW, NOW + 10, NOW + 20, NOW + 30, NOW + 40)
    assert seconds_to_wait(budget, now=NOW + 40) == 15 * MINUTE - 40
    assert seconds_to_wait(budget, now=NOW + 15 * MINUTE - 1) == 1
    assert seconds_to_wait(budget, now=NOW + 15 * MINUTE) == 0
    assert seconds_to_wait(budget, now=NOW + 15 * MINUTE + 1) == 0


def test_the_window_slides_with_each_entry() -> None:
    budget = after_wrong_entries(NOW, NOW + 10, NOW + 20, NOW + 30, NOW + 40, NOW + 15 * MINUTE)
    assert seconds_to_wait(budget, now=NOW + 15 * MINUTE) == 10


def test_entries_from_the_future_do_not_count_once_the_clock_was_moved_back() -> None:
    budget = after_wrong_entries(*[NOW] * 5)
    assert seconds_to_wait(budget, now=NOW - 1) == 0


def test_each_administrator_has_a_budget_of_their_own() -> None:
    assert after_wrong_entries(NOW).username == "dana"
    assert seconds_to_wait(GuessBudget("sam"), now=NOW) == 0


@given(st.lists(st.integers(min_value=0, max_value=400), max_size=40))
def test_no_fifteen_minutes_ever_hold_more_than_five_admitted_wrong_entries(gaps: list[int]) -> None:
    budget, now = GuessBudget("dana"), NOW
    admitted: list[int] = []
    for gap in gaps:
        now += gap
        wait = seconds_to_wait(budget, now=now)
        recent = [at for at in admitted if now - at < PER_SECONDS]
        assert (wait > 0) is (len(recent) >= WRONG_ENTRIES)
        if wait == 0:
            budget = wrong_entry(budget, now=now)
            admitted.append(now)
        else:
            assert seconds_to_wait(budget, now=now + wait) == 0
            assert seconds_to_wait(budget, now=now + wait - 1) == 1
