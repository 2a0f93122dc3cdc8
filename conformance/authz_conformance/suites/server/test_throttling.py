"""Who polls too early: RFC 8628 3.5, and what protocol.md counts as early."""

from __future__ import annotations

from authz_conformance.expectations import expect, given
from authz_conformance.flow import Grant
from authz_conformance.rules import rule
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.suites.server.throttling import (
    given_that_it_adds_5,
    polled_grants,
    slow_down,
    throttled_grants,
)
from authz_conformance.verdicts import NotTestable

EARLY_POLLS = 6


@rule("poll.early-is-slow-down")
def test_early_is_slow_down(server: ServerUnderTest) -> None:
    at_once, a_second_early = polled_grants(server, 2)
    expect.error(server.poll(at_once), "slow_down")
    polled_at = int(server.clock.now())
    with server.clock.at(polled_at + a_second_early.interval - 1):
        answer = server.poll(a_second_early)
    expect.error(answer, "slow_down")


@rule("poll.slow-down-adds-5")
def test_slow_down_adds_5(server: ServerUnderTest) -> None:
    throttled = throttled_grants(server, 2)
    patient, hasty = throttled.grants
    with server.clock.at(throttled.at + hasty.interval + 4):
        early = server.poll(hasty)
    expect.error(early, "slow_down")
    server.clock.move_to(throttled.at + patient.interval + 5)
    expect.never(server.poll(patient), "slow_down")


@rule("poll.each-slow-down-adds")
def test_each_slow_down_adds(server: ServerUnderTest) -> None:
    throttled = throttled_grants(server, 3)
    probe, patient, hasty = throttled.grants
    for grant in (patient, hasty, patient, hasty):
        slow_down(server, grant)
    given_that_it_adds_5(server, throttled, probe)
    given_codes_that_live_until(throttled.at + hasty.interval + 15, hasty)
    with server.clock.at(throttled.at + hasty.interval + 14):
        early = server.poll(hasty)
    expect.error(early, "slow_down")
    server.clock.move_to(throttled.at + patient.interval + 15)
    expect.never(server.poll(patient), "slow_down")


@rule("poll.slow-down-is-for-good")
def test_slow_down_is_for_good(server: ServerUnderTest) -> None:
    throttled = throttled_grants(server, 2)
    probe, grant = throttled.grants
    given_that_it_adds_5(server, throttled, probe)
    in_time_at = throttled.at + grant.interval + 5
    given_codes_that_live_until(in_time_at + grant.interval + 4, grant)
    with server.clock.at(in_time_at):
        in_time = server.poll(grant)
    given.never(in_time, "slow_down")
    with server.clock.at(in_time_at + grant.interval + 4):
        early = server.poll(grant)
    expect.error(early, "slow_down")


@rule("poll.throttled-poll-is-the-previous")
def test_throttled_poll_is_the_previous(server: ServerUnderTest) -> None:
    throttled = throttled_grants(server, 1)
    (grant,) = polled_grants(server, 1)
    server.clock.advance(max(grant.interval // 2, 1))
    slow_down(server, grant)
    throttled_at = int(server.clock.now())
    given_that_it_adds_5(server, throttled, throttled.grants[0])
    with server.clock.at(throttled_at + grant.interval + 4):
        early = server.poll(grant)
    expect.error(early, "slow_down")


@rule("poll.final-answers-before-throttle")
def test_final_answers_before_throttle(server: ServerUnderTest) -> None:
    denied, expired = server.new_grant(), server.new_grant()
    server.poll(denied)
    server.deny(denied)
    expect.error(server.poll(denied), "access_denied")
    with server.clock.at(expired.expires_at - 1):
        server.poll(expired)
    server.clock.move_to(expired.expired_at)
    expect.error(server.poll(expired), "expired_token")


@rule("poll.first-is-never-early")
def test_first_is_never_early(server: ServerUnderTest) -> None:
    expect.never(server.poll(server.new_grant()), "slow_down")


@rule("poll.interval-kept-is-not-early")
def test_interval_kept_is_not_early(server: ServerUnderTest) -> None:
    (grant,) = polled_grants(server, 1)
    for _ in range(3):
        server.wait_interval(grant)
        expect.never(server.poll(grant), "slow_down")


@rule("poll.never-locked-out")
def test_never_locked_out(server: ServerUnderTest) -> None:
    (grant,) = polled_grants(server, 1)
    answers = [server.poll(grant) for _ in range(EARLY_POLLS)]
    interval = grant.interval + 5 * sum(answer.error == "slow_down" for answer in answers)
    if 10 * interval >= grant.expires_in - 1:
        raise NotTestable(f"a code lives no longer than ten times its interval of {interval} s")
    server.clock.advance(10 * interval)
    expect.never(server.poll(grant), "slow_down")


@rule("poll.codes-are-throttled-apart")
def test_codes_are_throttled_apart(server: ServerUnderTest) -> None:
    polled, other = server.new_grant(), server.new_grant()
    usual, answer = server.poll(polled), server.poll(other)
    if usual.error != "slow_down":
        expect.never(answer, "slow_down")


@rule("poll.approved-is-never-throttled")
def test_approved_is_never_throttled(server: ServerUnderTest) -> None:
    grant = server.new_grant()
    server.poll(grant)
    server.approve(grant)
    expect.member(server.poll(grant), "access_token")


def given_codes_that_live_until(instant: int, grant: Grant) -> None:
    """Leave out what short-lived codes cannot show: where they expire first, that is what a poll is told."""
    if instant >= grant.expires_at:
        longer = instant - grant.expires_at + 1
        raise NotTestable(f"codes live {grant.expires_in} s, and it would take {longer} s more to show")
