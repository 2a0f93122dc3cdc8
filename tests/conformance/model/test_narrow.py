"""The oracle names the rule that a deviation is about, where several would be broken by it."""

from __future__ import annotations

from typing import Any

import pytest

from authz_conformance.model import (
    Answer,
    Delete,
    Disable,
    Enable,
    Poll,
    Renew,
    RevokeToken,
    ViewLicense,
)
from tests.conformance.oracle_world import (
    DAY,
    LAPSE,
    POS,
    Bench,
    altered,
    error,
    refresh_of,
)

REFUSED = Answer(status=409)


def view_of(answer: Answer) -> ViewLicense:
    return ViewLicense(access_token=str(answer.body["access_token"]))


def polls(bench: Bench, *answers: tuple[int, str]) -> Poll:
    """Poll a fresh code at some seconds, with the answers that came."""
    poll = bench.codes()
    for at, code in answers:
        bench.see(poll, error(code), at=at)
    return poll


@pytest.mark.parametrize(
    ("place", "member", "value", "rule"),
    [
        ("body", "expires_in", "604800", "tokens.expires-in-is-a-number"),
        ("body", "expires_in", 604800.0, "tokens.expires-in-agrees-with-exp"),
        ("body", "expires_in", 40_000_000, "clock.moves-everything"),
        ("claims", "iat", 100.5, "claims.times-are-whole-seconds"),
        ("claims", "nbf", "100", "claims.times-are-whole-seconds"),
        ("claims", "exp", 604900.0, "claims.times-are-whole-seconds"),
    ],
)
def test_a_value_of_the_wrong_sort_breaks_the_rule_of_its_sort(
    place: str, member: str, value: Any, rule: str
) -> None:
    bench = Bench()
    step = refresh_of(bench.acquire())
    wrong = altered(bench.example(step, at=100), place, **{member: value})
    breach = bench.predict(step, at=100).judge(wrong).broken[0]
    assert breach.rule == rule
    assert breach.due.startswith(f"{place}.{member}: ")


def test_a_second_license_of_another_server_id_is_no_wrong_sub_but_an_identity_that_did_not_survive() -> None:
    bench = Bench()
    bench.acquire()
    poll = bench.codes(at=10)
    bench.ask(bench.approval(poll), at=10)
    wrong = altered(bench.example(poll, at=10), "claims", sub="store-again")
    assert bench.breaks(poll, wrong, at=10) == ("redeem.server-id-survives",)


def test_a_retry_answered_with_the_first_answer_was_not_minted_anew() -> None:
    bench = Bench()
    first = bench.acquire()
    bench.ask(refresh_of(first), at=100)
    stale = altered(bench.example(refresh_of(first), at=200), "claims", iat=100)
    assert bench.breaks(refresh_of(first), stale, at=200) == ("refresh.retry-mints-anew",)


def test_a_retry_before_the_first_use_that_moves_the_window_is_told_apart_from_a_short_window() -> None:
    bench = Bench()
    first = bench.acquire(server_id="plain")
    bench.ask(refresh_of(first), at=2 * DAY)
    bench.ask(refresh_of(first), at=DAY)
    reused = error("invalid_grant", reason="refresh_token_reused")
    late = 3 * DAY - 1
    assert bench.breaks(refresh_of(first), reused, at=late) == ("refresh.retry-window-never-extended",)


def test_a_token_that_a_renewal_keeps_alive_is_told_apart_from_leeway() -> None:
    bench = Bench()
    old = bench.acquire(at=LAPSE - DAY)
    bench.ask(Renew(server_id="store", renewal_at=LAPSE + 300 * DAY), at=LAPSE - 1)
    opened = Answer(status=200)
    for at, rule in (
        (LAPSE, "bearer.expired-is-invalid-token"),
        (LAPSE + 60, "bearer.expired-is-invalid-token"),
        (LAPSE + 61, "renew.issued-tokens-keep-exp"),
    ):
        assert bench.breaks(view_of(old), opened, at=at) == (rule,)


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ("refresh_token_unknown", "end.deleting"),
        ("license_revoked", "reason.device-disabled"),
        ("device_disabled", None),
    ],
)
def test_a_reason_of_what_has_not_ended_breaks_what_ended_it(said: str, rule: str | None) -> None:
    bench = Bench()
    tokens = bench.acquire()
    bench.ask(Delete(server_id="store"), at=1)
    answer = error("invalid_grant", reason=said)
    judged = bench.predict(refresh_of(tokens), at=1).judge(answer)
    assert judged.rules == (() if rule is None else (rule,))
    assert all(breach.due == "body.reason: 'device_disabled'" for breach in judged.broken)


def test_a_lapse_that_is_said_of_a_revoked_license_comes_out_of_turn() -> None:
    bench = Bench()
    tokens = bench.acquire()
    token = str(tokens.body["refresh_token"])
    bench.ask(RevokeToken(client_id=POS, token=token), at=1)
    bench.ask(Disable(server_id="store"), at=2)
    lapsed = error("invalid_grant", reason="license_expired")
    assert bench.breaks(refresh_of(tokens), lapsed, at=LAPSE) == ("reason.ending-before-lapse",)
    disabled = error("invalid_grant", reason="device_disabled")
    assert bench.breaks(refresh_of(tokens), disabled, at=LAPSE) == ("reason.first-ending-is-final",)


def test_a_reason_that_is_no_question_of_order_breaks_the_rule_of_the_reason() -> None:
    bench = Bench()
    first = bench.acquire()
    second = bench.ask(refresh_of(first), at=1)
    bench.ask(refresh_of(second), at=2)
    revoked = error("invalid_grant", reason="license_revoked")
    assert bench.breaks(refresh_of(first), revoked, at=90 * DAY) == ("reason.reused",)
    assert bench.breaks(refresh_of(first), revoked, at=LAPSE) == ("reason.license-expired",)


def test_a_device_that_was_enabled_again_and_is_refused_breaks_the_rule_of_enabling() -> None:
    bench = Bench()
    bench.ask(Disable(server_id="store"), at=1)
    bench.ask(Enable(server_id="store"), at=2)
    step = bench.approval(bench.codes(at=3))
    assert bench.breaks(step, REFUSED, at=3) == ("end.enabled-device-acquires-anew",)


PENDING, SLOW = "authorization_pending", "slow_down"


@pytest.mark.parametrize(
    ("before", "at", "came", "rule"),
    [
        (((0, PENDING), (0, SLOW)), 9, PENDING, "poll.slow-down-adds-5"),
        (((0, PENDING), (4, SLOW), (9, SLOW)), 18, PENDING, "poll.throttled-poll-is-the-previous"),
        (((0, PENDING), (4, SLOW), (9, SLOW), (18, SLOW)), 28, PENDING, "poll.each-slow-down-adds"),
        (((0, PENDING), (0, SLOW), (10, PENDING)), 16, PENDING, "poll.slow-down-is-for-good"),
        (((0, PENDING), (0, SLOW)), 10, SLOW, "poll.slow-down-adds-5"),
        (((0, PENDING), (0, SLOW), (0, SLOW), (0, SLOW)), 20, SLOW, "poll.never-locked-out"),
    ],
)
def test_a_poll_that_is_let_through_or_throttled_breaks_the_rule_that_alone_explains_it(
    before: tuple[tuple[int, str], ...], at: int, came: str, rule: str
) -> None:
    bench = Bench()
    assert bench.breaks(polls(bench, *before), error(came), at=at) == (rule,)
