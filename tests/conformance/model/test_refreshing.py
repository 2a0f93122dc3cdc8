"""The oracle on refreshes: rotation, retry, reuse, lapse, endings, and the order in which they are said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz_conformance.model import (
    Reading,
    Refresh,
    Settings,
)
from authz_conformance.model.wanted import UNSEEN
from tests.conformance.oracle_world import (
    DAY,
    HYGIENE,
    LAPSE,
    NOBODY,
    OTHER,
    POS,
    RFC8628,
    Bench,
    altered,
    error,
    refresh_of,
    small_world,
    without,
)

TOKENS = ("tokens",)


# ------------------------------------------------------------------------------------------------ rotation


def test_an_unknown_client_an_unknown_token_and_a_foreign_one_are_refused_in_this_order() -> None:
    bench = Bench()
    first = bench.acquire()
    assert bench.kinds(refresh_of(first, client_id=NOBODY), at=1) == ("invalid_client",)
    unknown = Refresh(client_id=POS, refresh_token="nobody's")
    assert bench.reason(unknown, at=1) == "refresh_token_unknown"
    foreign = refresh_of(first, client_id=OTHER)
    assert bench.reason(foreign, at=1) == "refresh_token_unknown"
    assert bench.breaks(foreign, error("invalid_grant", reason="license_revoked"), at=1) == (
        "reason.foreign-is-unknown",
    )
    for step in (refresh_of(first, client_id=NOBODY), unknown, foreign):
        bench.ask(step, at=1)
    assert bench.refreshed(first, at=2).body["refresh_token"] != first.body["refresh_token"]


def test_each_refresh_rotates() -> None:
    bench = Bench()
    first = bench.acquire()
    same = altered(bench.example(refresh_of(first), at=1), "body", refresh_token=first.body["refresh_token"])
    assert bench.breaks(refresh_of(first), same, at=1) == ("refresh.rotates",)
    second = bench.refreshed(first, at=1)
    assert bench.kinds(refresh_of(second), at=2) == TOKENS


def test_a_redemption_without_a_refresh_token_breaks_its_own_rule() -> None:
    bench = Bench()
    poll = bench.codes()
    bench.ask(bench.approval(poll), at=0)
    answer = without(bench.example(poll, at=0), "body", "refresh_token")
    assert bench.breaks(poll, answer, at=0) == ("tokens.refresh-token-included",)
    bench.see(poll, answer, at=0)
    assert not bench.state.worlds[0].refresh_tokens


# ------------------------------------------------------------------------------------------------ retry and reuse


def test_the_predecessor_gets_the_same_successor_until_a_second_before_the_window_closes() -> None:
    bench = Bench()
    first = bench.acquire()
    second = bench.refreshed(first, at=100)
    retry = refresh_of(first)
    kinds = [bench.kinds(retry, at=100 + at) for at in (0, DAY - 1, DAY, DAY + 1)]
    assert kinds == [TOKENS, TOKENS, ("invalid_grant",), ("invalid_grant",)]
    again = bench.example(retry, at=100 + DAY - 1)
    assert again.body["refresh_token"] == second.body["refresh_token"]
    assert bench.breaks(retry, altered(again, "body", refresh_token="new"), at=100 + DAY - 1) == (
        "refresh.retry-gets-same-successor",
    )
    assert bench.breaks(retry, again, at=100 + DAY) == ("refresh.retry-window-is-half-open",)
    refusal = error("invalid_grant", reason="refresh_token_reused")
    assert bench.breaks(retry, refusal, at=100 + DAY - 2) == ("refresh.retry-gets-same-successor",)
    assert bench.breaks(retry, refusal, at=100 + DAY - 1) == ("refresh.retry-window-is-half-open",)


def test_a_retry_does_not_extend_the_window() -> None:
    bench = Bench()
    first = bench.acquire()
    bench.refreshed(first, at=0)
    again = bench.refreshed(first, at=DAY - 1)
    assert bench.kinds(refresh_of(first), at=DAY) == ("invalid_grant",)
    assert bench.breaks(refresh_of(first), again, at=DAY) == ("refresh.retry-window-never-extended",)


def test_the_window_is_open_before_the_first_use_where_the_clock_went_back() -> None:
    bench = Bench()
    first = bench.acquire()
    bench.refreshed(first, at=1000)
    assert [bench.kinds(refresh_of(first), at=at) for at in (999, 1000, 1001)] == [TOKENS] * 3
    assert bench.breaks(refresh_of(first), error("invalid_grant"), at=999) == (
        "clock.back-retry-window-is-open",
    )


def test_once_the_successor_was_used_the_predecessor_is_reuse_and_ends_the_license() -> None:
    bench = Bench()
    first = bench.acquire()
    second = bench.refreshed(first, at=1)
    third = bench.refreshed(second, at=2)
    assert bench.reason(refresh_of(first), at=3) == "refresh_token_reused"
    assert bench.breaks(refresh_of(first), third, at=3) == ("refresh.rotated-token-refused",)
    bench.ask(refresh_of(first), at=3)
    assert bench.reason(refresh_of(third), at=4) == "refresh_token_reused"
    assert bench.breaks(refresh_of(third), third, at=4) == ("refresh.reuse-ends-the-family",)


def test_whether_a_predecessor_that_expired_in_its_window_is_a_retry_is_a_question_of_reading() -> None:
    settings = Settings(refresh_token_seconds=100, refresh_retry_window_seconds=1000)
    bench = Bench(world=small_world(settings=settings))
    first = bench.acquire()
    bench.refreshed(first, at=99)
    assert [bench.kinds(refresh_of(first), at=at) for at in (99, 100, 101)] == [
        TOKENS,
        ("tokens", "invalid_grant"),
        ("tokens", "invalid_grant"),
    ]
    bench.ask(refresh_of(first), at=100, outcome=1)
    (world,) = bench.state.worlds
    assert not world.reads(Reading.RETRY_BEFORE_TOKEN_EXPIRY)


def test_a_lost_reply_is_followed_by_a_successor_that_nobody_has_seen() -> None:
    bench = Bench()
    first = bench.acquire()
    bench.see(refresh_of(first), None, at=1)
    assert any(value.startswith(UNSEEN) for value in bench.state.worlds[0].refresh_tokens)
    again = bench.refreshed(first, at=DAY)
    assert bench.example(refresh_of(first), at=DAY).body["refresh_token"] == again.body["refresh_token"]
    assert not any(value.startswith(UNSEEN) for value in bench.state.worlds[0].refresh_tokens)
    assert bench.reason(refresh_of(first), at=DAY + 1) == "refresh_token_reused"


# ------------------------------------------------------------------------------------------------ expiry, lapse, order


def test_a_refresh_token_is_good_until_a_second_before_its_own_expiry() -> None:
    bench = Bench()
    first = bench.acquire(server_id="plain")
    ends = 90 * DAY
    kinds = [bench.kinds(refresh_of(first), at=at) for at in (ends - 1, ends, ends + 1)]
    assert kinds == [TOKENS, ("invalid_grant",), ("invalid_grant",)]
    assert bench.reason(refresh_of(first), at=ends) == "refresh_token_expired"
    second = bench.refreshed(first, at=ends - 1)
    refusal = error("invalid_grant", reason="refresh_token_expired")
    assert bench.breaks(refresh_of(second), refusal, at=ends) == ("refresh.expiry-counts-from-its-issue",)


def test_a_license_is_refreshed_until_a_second_before_its_renewal_date() -> None:
    bench = Bench()
    now = bench.acquire(at=LAPSE - 10)
    kinds = [bench.kinds(refresh_of(now), at=at) for at in (LAPSE - 1, LAPSE, LAPSE + 1)]
    assert kinds == [TOKENS, ("invalid_grant",), ("invalid_grant",)]
    assert bench.reason(refresh_of(now), at=LAPSE) == "license_expired"
    tokens = bench.example(refresh_of(now), at=LAPSE - 1)
    assert bench.breaks(refresh_of(now), tokens, at=LAPSE) == ("renew.lapsed-is-refused",)


def test_a_lapse_is_said_before_reuse_and_before_the_expiry_of_the_refresh_token() -> None:
    bench = Bench()
    first = bench.acquire(at=LAPSE - 10)
    second = bench.refreshed(first, at=LAPSE - 9)
    third = bench.refreshed(second, at=LAPSE - 8)
    wrong = error("invalid_grant", reason="refresh_token_reused")
    assert bench.breaks(refresh_of(first), wrong, at=LAPSE) == ("reason.lapse-before-reuse",)
    late = LAPSE + 90 * DAY
    wrong = error("invalid_grant", reason="refresh_token_expired")
    assert bench.breaks(refresh_of(third), wrong, at=late) == ("reason.lapse-before-token-expiry",)
    assert bench.breaks(refresh_of(third), wrong, at=LAPSE) == ("reason.license-expired",)
    bench.ask(refresh_of(first), at=LAPSE)
    assert bench.kinds(refresh_of(third), at=LAPSE - 1) == TOKENS
    assert bench.breaks(refresh_of(third), error("invalid_grant"), at=LAPSE - 2) == ("clock.back-unlapses",)


def test_reuse_is_said_before_the_expiry_of_the_refresh_token() -> None:
    bench = Bench()
    first = bench.acquire(server_id="plain")
    second = bench.refreshed(first, at=DAY)
    bench.refreshed(second, at=2 * DAY)
    wrong = error("invalid_grant", reason="refresh_token_expired")
    assert bench.breaks(refresh_of(first), wrong, at=90 * DAY) == ("reason.reuse-before-token-expiry",)
    assert bench.breaks(refresh_of(first), wrong, at=90 * DAY - 1) == ("reason.reused",)


def test_a_refusal_has_words_for_people() -> None:
    bench = Bench()
    step = Refresh(client_id=POS, refresh_token="nobody's")
    answer = without(bench.example(step, at=0), "body", "error_description")
    assert bench.breaks(step, answer, at=0) == ("reason.for-people",)


# ------------------------------------------------------------------------------------------------ any other server


def test_any_server_may_keep_its_refresh_token_or_rotate_it() -> None:
    bench = Bench(RFC8628)
    first = bench.acquire()
    kept = without(bench.example(refresh_of(first), at=1), "body", "refresh_token")
    assert bench.see(refresh_of(first), kept, at=1).admissible
    same = altered(bench.example(refresh_of(first), at=2), "body", refresh_token=first.body["refresh_token"])
    assert bench.see(refresh_of(first), same, at=2).admissible
    bench.refreshed(first, at=3)
    assert bench.see(refresh_of(first), error("invalid_grant"), at=4).admissible
    assert not Bench(HYGIENE).predict(refresh_of(first), at=4).judge(kept).admissible


@pytest.mark.parametrize("law", [RFC8628, HYGIENE])
def test_a_server_that_takes_a_retry_for_reuse_may_have_ended_the_family_or_not(law: object) -> None:
    bench = Bench(RFC8628 if law is RFC8628 else HYGIENE)
    first = bench.acquire()
    second = bench.refreshed(first, at=1)
    bench.see(refresh_of(first), error("invalid_grant"), at=2)
    assert bench.kinds(refresh_of(second), at=3) == ("tokens", "invalid_grant")


def test_a_server_that_gives_a_retry_another_successor_may_have_dropped_the_first() -> None:
    bench = Bench(HYGIENE)
    first = bench.acquire()
    second = bench.refreshed(first, at=1)
    another = altered(bench.example(refresh_of(first), at=2), "body", refresh_token="another")
    assert bench.see(refresh_of(first), another, at=2).admissible
    assert bench.kinds(refresh_of(second), at=3) == ("tokens", "invalid_grant")
    assert bench.kinds(Refresh(client_id=POS, refresh_token="another"), at=3) == ("tokens", "invalid_grant")


def test_a_token_used_again_that_had_no_successor_to_speak_of_is_reuse() -> None:
    bench = Bench()
    first = bench.acquire()
    second = bench.refreshed(first, at=1)
    bench.refreshed(second, at=2)
    assert not bench.see(refresh_of(first), altered(second, "body", refresh_token="branch"), at=3).admissible
    assert bench.see(refresh_of(second), error("server_error", status=500), at=3 + DAY).broken


# ------------------------------------------------------------------------------------------------ in general


@given(st.integers(0, 3 * DAY), st.integers(0, 3 * DAY))
def test_a_predecessor_is_a_retry_exactly_if_less_than_the_window_has_passed(
    first_use: int, later: int
) -> None:
    bench = Bench()
    first = bench.acquire(server_id="plain")
    bench.refreshed(first, at=first_use)
    assert (bench.kinds(refresh_of(first), at=later) == TOKENS) == (later - first_use < DAY)


@given(st.lists(st.integers(1, 89 * DAY), max_size=8))
def test_a_license_that_is_refreshed_in_time_lives_for_ever(pauses: list[int]) -> None:
    bench = Bench()
    now, at = bench.acquire(server_id="plain"), 0
    for pause in pauses:
        at += pause
        now = bench.refreshed(now, at=at)
    assert bench.kinds(refresh_of(now), at=at + 90 * DAY - 1) == TOKENS
