"""The oracle on codes: what polls and entries may be answered, a second before each bound, at it, and after."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz_conformance.model import Deny, DeviceAuthorization, Disable, Enable, Poll, Reading
from tests.conformance.oracle_world import (
    DANA,
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
    without,
)

PENDING, SLOW, EXPIRED, DENIED = "authorization_pending", "slow_down", "expired_token", "access_denied"


def test_an_unknown_client_gets_no_codes() -> None:
    assert Bench().kinds(DeviceAuthorization(client_id=NOBODY), at=0) == ("invalid_client",)


def test_an_unknown_scope_is_refused_and_those_of_openid_are_not() -> None:
    bench = Bench()
    assert bench.kinds(DeviceAuthorization(client_id=POS, scope="license admin"), at=0) == ("invalid_scope",)
    assert bench.kinds(DeviceAuthorization(client_id=POS, scope="openid license"), at=0) == ("codes",)


@pytest.mark.parametrize(
    ("member", "value", "rule"),
    [
        ("expires_in", 901, "codes.lifetime-as-declared"),
        ("expires_in", 899, "codes.lifetime-as-declared"),
        ("interval", 6, "codes.interval-as-declared"),
        ("interval", 5.0, "codes.interval-is-whole-seconds"),
        ("user_code", "", "codes.user-code-is-unique"),
    ],
)
def test_codes_with_another_lifetime_or_interval_break_the_rule_of_that_member(
    member: str, value: object, rule: str
) -> None:
    bench = Bench()
    step = DeviceAuthorization(client_id=POS)
    answer = altered(bench.example(step, at=0), "body", **{member: value})
    assert rule in bench.breaks(step, answer, at=0)


def test_codes_that_somebody_holds_are_given_to_nobody_else() -> None:
    bench = Bench()
    step = DeviceAuthorization(client_id=POS)
    first = bench.ask(step, at=0)
    assert bench.breaks(step, first, at=1) == ("codes.device-code-is-unique", "codes.user-code-is-unique")
    assert bench.breaks(step, first, at=900) == ("codes.device-code-is-unique",)


def test_any_server_may_choose_its_lifetimes_and_leave_out_the_interval() -> None:
    bench = Bench(RFC8628)
    step = DeviceAuthorization(client_id=POS)
    answer = without(altered(bench.example(step, at=0), "body", expires_in=600), "body", "interval")
    assert bench.see(step, answer, at=0).admissible
    poll = Poll(client_id=POS, device_code=str(answer.body["device_code"]))
    bench.ask(poll, at=595)
    assert [bench.kinds(poll, at=at) for at in (599, 600, 601)] == [(SLOW,), (EXPIRED,), (EXPIRED,)]


def test_codes_without_a_whole_lifetime_are_taken_to_live_as_declared() -> None:
    bench = Bench()
    step = DeviceAuthorization(client_id=POS)
    answer = altered(bench.example(step, at=0), "body", expires_in="900")
    assert not bench.see(step, answer, at=0).admissible
    assert next(iter(bench.state.worlds[0].grants.values())).expires_at == 900


def test_a_refused_request_for_codes_leaves_nothing_behind() -> None:
    bench = Bench()
    bench.ask(DeviceAuthorization(client_id=NOBODY), at=0)
    assert not bench.state.worlds[0].grants


# ------------------------------------------------------------------------------------------------ order of answers


def test_an_unknown_client_comes_before_everything_about_the_code() -> None:
    bench = Bench()
    poll = bench.codes()
    assert bench.kinds(Poll(client_id=NOBODY, device_code=poll.device_code), at=900) == ("invalid_client",)
    bench.ask(Poll(client_id=NOBODY, device_code=poll.device_code), at=0)
    assert bench.state.worlds[0].grants[poll.device_code].polled_at is None


def test_an_unknown_code_is_invalid_grant_and_where_codes_may_be_forgotten_expired_too() -> None:
    step = Poll(client_id=POS, device_code="nobody's")
    assert Bench().kinds(step, at=0) == ("invalid_grant",)
    assert Bench(RFC8628).kinds(step, at=0) == ("invalid_grant", EXPIRED)
    assert Bench().breaks(step, error(EXPIRED), at=0) == ("poll.unknown-code-is-invalid-grant",)


def test_a_foreign_poll_is_invalid_grant_and_costs_the_owner_nothing() -> None:
    bench = Bench()
    poll = bench.codes()
    bench.ask(poll, at=0)
    foreign = Poll(client_id=OTHER, device_code=poll.device_code)
    assert bench.ask(foreign, at=4).kind == "invalid_grant"
    assert bench.kinds(poll, at=5) == (PENDING,)
    assert bench.breaks(poll, error(SLOW), at=5) == ("poll.foreign-poll-changes-nothing",)


def test_an_undecided_code_is_pending_until_a_second_before_its_expiry_and_expired_from_then_on() -> None:
    bench = Bench()
    poll = bench.codes()
    assert [bench.kinds(poll, at=at) for at in (899, 900, 901)] == [(PENDING,), (EXPIRED,), (EXPIRED,)]
    assert bench.breaks(poll, error(PENDING), at=900) == ("poll.expired-is-expired-token",)
    assert bench.breaks(poll, error(EXPIRED), at=899) == ("poll.expired-is-expired-token",)


def test_an_expired_code_is_remembered_by_a_licensing_server_for_good() -> None:
    bench = Bench()
    poll = bench.codes()
    assert bench.kinds(poll, at=DAY * 365) == (EXPIRED,)
    assert bench.breaks(poll, error("invalid_grant"), at=DAY * 365) == ("poll.expired-is-remembered",)


@pytest.mark.parametrize(("at", "kinds"), [(1799, (EXPIRED,)), (1800, (EXPIRED, "invalid_grant"))])
def test_any_other_server_may_forget_an_expired_code_when_it_has_been_dead_for_as_long_as_it_lived(
    at: int, kinds: tuple[str, ...]
) -> None:
    bench = Bench(RFC8628)
    assert bench.kinds(bench.codes(), at=at) == kinds


def test_any_other_server_may_forget_a_code_once_it_has_told_how_it_ended() -> None:
    bench = Bench(HYGIENE)
    poll = bench.codes()
    bench.ask(Deny(user_code=bench.approval(poll).user_code, administrator=DANA), at=0)
    bench.ask(poll, at=1)
    assert bench.kinds(poll, at=20) == (DENIED, "invalid_grant", EXPIRED)
    bench.ask(poll, at=900)
    assert bench.kinds(poll, at=901) == (EXPIRED, "invalid_grant")


def test_denied_is_told_until_the_expiry_and_comes_before_the_throttle() -> None:
    bench = Bench()
    poll = bench.codes()
    bench.ask(poll, at=897)
    bench.ask(Deny(user_code=bench.approval(poll).user_code, administrator=DANA), at=898)
    assert [bench.kinds(poll, at=at) for at in (899, 900, 901)] == [(DENIED,), (EXPIRED,), (EXPIRED,)]
    assert bench.breaks(poll, error(SLOW), at=899) == ("poll.final-answers-before-throttle",)
    assert bench.breaks(poll, error(PENDING), at=899) == ("poll.denied-is-access-denied",)
    assert bench.breaks(poll, error(DENIED), at=900) == ("poll.expiry-before-denial",)


def test_an_approved_code_redeems_until_a_second_before_its_expiry() -> None:
    bench = Bench()
    poll = bench.codes()
    bench.ask(bench.approval(poll), at=0)
    assert [bench.kinds(poll, at=at) for at in (899, 900, 901)] == [("tokens",), (EXPIRED,), (EXPIRED,)]
    tokens = bench.example(poll, at=899)
    assert bench.breaks(poll, tokens, at=900) == ("poll.expiry-before-approval",)


def test_an_approved_code_is_never_throttled() -> None:
    bench = Bench()
    poll = bench.codes()
    bench.ask(poll, at=0)
    bench.ask(bench.approval(poll), at=0)
    assert bench.kinds(poll, at=0) == ("tokens",)
    assert bench.breaks(poll, error(SLOW), at=0) == ("poll.approved-is-never-throttled",)
    assert bench.breaks(poll, error(PENDING), at=0) == ("redeem.approved-gives-tokens",)


def test_a_redeemed_code_is_invalid_grant_at_once_and_after_its_expiry() -> None:
    bench = Bench()
    poll = bench.codes()
    bench.ask(bench.approval(poll), at=0)
    tokens = bench.ask(poll, at=0)
    assert [bench.kinds(poll, at=at) for at in (0, 899, 900, 901)] == [("invalid_grant",)] * 4
    assert bench.breaks(poll, tokens, at=1) == ("redeem.once",)
    assert bench.breaks(poll, error(EXPIRED), at=900) == ("poll.redeemed-is-remembered",)
    bench.ask(poll, at=1)
    assert bench.kinds(refresh_of(tokens), at=2) == ("tokens",)


# ------------------------------------------------------------------------------------------------ the interval


def test_a_poll_is_early_until_a_second_before_the_interval_has_passed() -> None:
    bench = Bench()
    poll = bench.codes()
    assert bench.kinds(poll, at=0) == (PENDING,)
    assert bench.breaks(poll, error(SLOW), at=0) == ("poll.first-is-never-early",)
    bench.ask(poll, at=0)
    assert [bench.kinds(poll, at=at) for at in (4, 5, 6)] == [(SLOW,), (PENDING,), (PENDING,)]
    assert bench.breaks(poll, error(PENDING), at=4) == ("poll.early-is-slow-down",)
    assert bench.breaks(poll, error(SLOW), at=5) == ("poll.interval-kept-is-not-early",)


def test_a_slow_down_adds_5_s_for_good_and_counts_as_the_previous_poll() -> None:
    bench = Bench()
    poll = bench.codes()
    bench.ask(poll, at=0)
    bench.ask(poll, at=4)
    assert [bench.kinds(poll, at=at) for at in (13, 14, 15)] == [(SLOW,), (PENDING,), (PENDING,)]
    assert bench.breaks(poll, error(PENDING), at=8) == ("poll.early-is-slow-down",)
    assert bench.breaks(poll, error(PENDING), at=9) == ("poll.slow-down-adds-5",)
    assert bench.breaks(poll, error(SLOW), at=14) == ("poll.slow-down-adds-5",)
    bench.ask(poll, at=14)
    assert [bench.kinds(poll, at=at) for at in (23, 24)] == [(SLOW,), (PENDING,)]
    assert bench.breaks(poll, error(PENDING), at=23) == ("poll.slow-down-is-for-good",)


def test_a_throttled_poll_is_the_one_from_which_the_next_is_measured() -> None:
    bench = Bench()
    poll = bench.codes()
    bench.ask(poll, at=0)
    bench.ask(poll, at=4)
    bench.ask(poll, at=8)
    bench.ask(poll, at=20)
    assert bench.kinds(poll, at=22) == (SLOW,)
    assert bench.breaks(poll, error(PENDING), at=22) == ("poll.throttled-poll-is-the-previous",)


def test_the_second_slow_down_adds_5_s_more() -> None:
    bench = Bench()
    poll = bench.codes()
    for at in (0, 1, 2):
        bench.ask(poll, at=at)
    assert [bench.kinds(poll, at=at) for at in (16, 17, 18)] == [(SLOW,), (PENDING,), (PENDING,)]
    assert bench.breaks(poll, error(PENDING), at=16) == ("poll.each-slow-down-adds",)


def test_who_pauses_ten_intervals_gets_through() -> None:
    bench = Bench()
    poll = bench.codes()
    bench.ask(poll, at=0)
    bench.ask(poll, at=1)
    assert bench.breaks(poll, error(SLOW), at=101) == ("poll.never-locked-out",)


def test_a_poll_before_the_previous_one_is_not_early() -> None:
    bench = Bench()
    poll = bench.codes(at=100)
    bench.ask(poll, at=105)
    assert [bench.kinds(poll, at=at) for at in (104, 105, 109, 110)] == [
        (PENDING,),
        (SLOW,),
        (SLOW,),
        (PENDING,),
    ]
    assert bench.breaks(poll, error(SLOW), at=104) == ("clock.back-poll-is-not-early",)


def test_any_other_server_need_not_slow_down_and_is_not_blamed_for_it() -> None:
    bench = Bench(RFC8628)
    poll = bench.codes()
    bench.ask(poll, at=0)
    judged = bench.see(poll, error(PENDING), at=1)
    assert judged.admissible
    assert judged.disregarded == ()
    late = bench.predict(poll, at=7).judge(error(SLOW))
    assert [breach.rule for breach in late.disregarded] == ["poll.interval-kept-is-not-early"]
    assert late.admissible
    assert not bench.predict(poll, at=7).judge(error(EXPIRED)).admissible


def test_an_expired_poll_may_or_may_not_be_the_previous_one_and_an_answer_settles_it() -> None:
    bench = Bench()
    poll = bench.codes()
    bench.ask(poll, at=890)
    bench.ask(poll, at=900)
    assert set(bench.kinds(poll, at=892)) == {PENDING, SLOW}
    bench.see(poll, error(SLOW), at=892)
    (world,) = bench.state.worlds
    assert not world.reads(Reading.EXPIRED_POLL_IS_VALID)


@given(st.lists(st.integers(0, 40), max_size=12))
def test_who_waits_the_current_interval_from_each_reply_always_gets_through(hasty: list[int]) -> None:
    bench = Bench()
    poll = bench.codes()
    at = 0
    for pause in hasty:
        at += pause
        bench.ask(poll, at=at)
    grant = bench.state.worlds[0].grants[poll.device_code]
    at = at + grant.interval
    if at < grant.expires_at:
        assert bench.kinds(poll, at=at) == (PENDING,)


# ------------------------------------------------------------------------------------------------ redemption


def test_only_the_latest_of_several_approvals_redeems() -> None:
    bench = Bench()
    first, second = bench.codes(), bench.codes()
    bench.ask(bench.approval(first), at=0)
    bench.ask(bench.approval(second), at=0)
    assert bench.kinds(first, at=0) == (DENIED,)
    assert bench.breaks(first, bench.example(second, at=0), at=0) == ("redeem.latest-approval-only",)
    assert bench.kinds(second, at=0) == ("tokens",)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"enabled": False}, "redeem.disabled-device-refused"),
        ({"deleted": True}, "redeem.deleted-device-refused"),
        ({"organization": "quay"}, "redeem.administrator-checked-again"),
        ({"organization": "gone"}, "redeem.administrator-checked-again"),
    ],
)
def test_device_organization_and_administrator_are_checked_again_at_redemption(
    change: dict[str, object], rule: str
) -> None:
    bench = Bench()
    poll = bench.codes()
    bench.ask(bench.approval(poll, administrator=DANA), at=0)
    tokens = bench.example(poll, at=0)
    bench.change("store", **change)
    assert bench.kinds(poll, at=0) == (DENIED,)
    assert bench.breaks(poll, tokens, at=0) == (rule,)


def test_a_code_denied_by_a_failed_check_stays_denied() -> None:
    bench = Bench()
    poll = bench.codes()
    bench.ask(bench.approval(poll), at=0)
    tokens = bench.example(poll, at=0)
    bench.ask(Disable(server_id="store"), at=0)
    bench.ask(poll, at=0)
    bench.ask(Enable(server_id="store"), at=0)
    assert bench.breaks(poll, tokens, at=0) == ("redeem.failed-check-is-final",)


def test_a_device_that_lapsed_between_approval_and_redemption_is_a_question_of_reading() -> None:
    bench = Bench()
    poll = bench.codes(at=LAPSE - 1)
    bench.ask(bench.approval(poll), at=LAPSE - 1)
    kinds = [bench.kinds(poll, at=at) for at in (LAPSE - 1, LAPSE, LAPSE + 1)]
    assert kinds == [("tokens",), (DENIED, "tokens"), (DENIED, "tokens")]
