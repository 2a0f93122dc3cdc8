from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authz_client.effective_time import Now
from authz_client.license_claims import LicenseToken, read_claims
from authz_client.refreshing import NO_FAILURE, Attempt, Retry, due_seconds, failed, hold, on_demand_seconds
from authz_client.state import HeldToken, License, PendingToken
from tests.client.fakes import DAY, START, WEEK, claims

HALF = WEEK // 2
NOW = Now(START, 0.0)


def token(*, exp: int = START + WEEK, renewal_at: int | None = None) -> LicenseToken:
    renewal = (
        {} if renewal_at is None else {"renewal_at": renewal_at, "renewal_due_from": renewal_at - 30 * DAY}
    )
    read = read_claims(claims(exp=exp, license=renewal))
    assert read is not None
    return read


def held(
    claims_: LicenseToken,
    *,
    received_at: int = START,
    now: int = START,
    is_refresh: bool = True,
    jitter: float = 0.0,
) -> HeldToken:
    return hold("secret", claims_, received_at=received_at, now=now, is_refresh=is_refresh, jitter=jitter)


def due(current: HeldToken, effective: int, retry: Retry = NO_FAILURE) -> float:
    licence = License("secret", START, current=current)
    return due_seconds(licence, retry, effective=effective, now=NOW)


def test_a_token_is_refreshed_when_half_of_its_life_is_gone() -> None:
    current = held(token())
    assert due(current, START + HALF - 1) == 1
    assert due(current, START + HALF) == 0
    assert due(current, START + HALF + 1) == 0


@settings(deadline=None)  # the machine may be busy
@given(st.floats(0, 1, exclude_max=True))
def test_jitter_spreads_refreshes_over_a_twentieth_of_the_life_after_its_half(jitter: float) -> None:
    refresh_at = held(token(), jitter=jitter).refresh_at
    assert START + HALF <= refresh_at < START + HALF + WEEK * 0.05


def test_while_only_a_renewal_helps_refreshes_are_an_hour_apart() -> None:
    close = START + 1800
    assert held(token(exp=close, renewal_at=close)).refresh_at == START + 3600
    assert held(token(exp=close, renewal_at=close), is_refresh=False).refresh_at == START + 900


def test_with_two_hours_to_the_renewal_date_half_of_the_life_is_an_hour_too() -> None:
    for life, expected in [(7198, 3600), (7200, 3600), (7202, 3601)]:
        assert held(token(exp=START + life, renewal_at=START + life)).refresh_at == START + expected


def test_a_token_half_gone_on_arrival_is_not_asked_for_again_at_once() -> None:
    late = START + 4 * DAY
    assert held(token(), received_at=late, now=late).refresh_at == late + 3600
    assert held(token(exp=START + 10), received_at=START + 8, now=START + 8).refresh_at == START + 8 + 5


def test_a_clock_put_back_after_the_arrival_does_not_delay_the_refresh() -> None:
    late = START + 6 * DAY
    current = held(token(), received_at=late, now=late)
    assert due(current, START + HALF - 1) == 1
    assert due(current, START + HALF) == 0


def test_after_the_token_has_expired_it_goes_on() -> None:
    assert due(held(token()), START + WEEK + 1) == 0


def test_a_pending_or_missing_license_token_is_due_now() -> None:
    pending = PendingToken("secret", "unknown_key", START)
    assert due_seconds(License("s", START, pending=pending), NO_FAILURE, effective=START, now=NOW) == 0
    assert due_seconds(License("s", START), NO_FAILURE, effective=START, now=NOW) == 0
    both = License("s", START, current=held(token()), pending=pending)
    assert due_seconds(both, NO_FAILURE, effective=START, now=NOW) == 0


def test_after_failures_it_waits_within_five_seconds_then_a_minute_doubling_to_an_hour() -> None:
    retry, waits = NO_FAILURE, []
    for _ in range(10):
        retry = failed(retry, now=NOW, jitter=0.999, retry_after_seconds=0)
        waits.append(retry.wait_seconds(NOW))
    assert waits[0] < 5
    assert waits[1:] == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


@settings(deadline=None)  # the machine may be busy
@given(st.integers(0, 10**6))
def test_the_backoff_never_exceeds_an_hour(failures: int) -> None:
    assert failed(Retry(failures), now=NOW, jitter=0.0, retry_after_seconds=0).wait_seconds(NOW) <= 3600


@pytest.mark.parametrize(("asked", "waited"), [(0.5, 1.0), (1.0, 1.0), (7200.0, 7200.0)])
def test_retry_after_is_obeyed_where_it_is_longer(asked: float, waited: float) -> None:
    assert failed(NO_FAILURE, now=NOW, jitter=0.0, retry_after_seconds=asked).wait_seconds(NOW) == waited


def test_backoff_decides_over_the_half_life() -> None:
    retry = failed(NO_FAILURE, now=NOW, jitter=0.0, retry_after_seconds=0)
    assert due(held(token()), START + WEEK, retry) == 1
    assert retry.wait_seconds(Now(START, 2.0)) == 0


def on_demand(
    attempt: Attempt | None, now: Now, *, refreshed_at: int | None = None, retry: Retry = NO_FAILURE
) -> float:
    licence = License("s", START, current=held(token()), refreshed_at=refreshed_at)
    return on_demand_seconds(licence, retry, attempt, effective=int(now.clock), now=now)


def test_on_demand_is_at_once_the_first_time() -> None:
    assert on_demand(None, NOW) == 0


def test_on_demand_is_at_most_once_a_minute() -> None:
    attempt = Attempt(monotonic=0.0, at=START)
    assert on_demand(attempt, Now(START + 59, 59.0)) == 1
    assert on_demand(attempt, Now(START + 60, 60.0)) == 0
    assert on_demand(attempt, Now(START + 61, 61.0)) == 0


def test_a_jump_of_the_clock_counts_as_time_gone_by() -> None:
    assert on_demand(Attempt(monotonic=0.0, at=START), Now(START + DAY, 1.0)) == 0


def test_on_demand_counts_the_refresh_of_another_process_too() -> None:
    assert on_demand(None, Now(START + 59, 0.0), refreshed_at=START) == 1
    assert on_demand(None, Now(START + 60, 0.0), refreshed_at=START) == 0
    assert on_demand(None, Now(START - 1, 0.0), refreshed_at=START) == 0


def test_on_demand_obeys_retry_after() -> None:
    retry = failed(NO_FAILURE, now=NOW, jitter=0.0, retry_after_seconds=100)
    assert on_demand(None, Now(START, 99.0), retry=retry) == 1
    assert on_demand(None, Now(START, 100.0), retry=retry) == 0


def test_records_hide_their_secrets() -> None:
    whole = License("secret", START, current=held(token()), pending=replace(PendingToken("secret", "x", 0)))
    assert "secret" not in repr(whole)


def test_on_demand_counts_the_refresh_of_another_process_after_ours() -> None:
    ours = Attempt(monotonic=0.0, at=START)
    theirs = START + 61
    assert on_demand(ours, Now(theirs + 59, 120.0), refreshed_at=theirs) == 1
    assert on_demand(ours, Now(theirs + 60, 121.0), refreshed_at=theirs) == 0


def test_a_clock_that_stands_still_does_not_forbid_refreshing_for_ever() -> None:
    assert on_demand(Attempt(monotonic=0.0, at=START), Now(START, 60.0), refreshed_at=START) == 0
