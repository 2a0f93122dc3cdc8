from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from authz_client.effective_time import Now
from authz_client.polling import Answer, answered, start
from authz_client.state import Awaiting
from tests.client.fakes import START

AWAITING = Awaiting("secret", "BCDF-GHJK", "https://x.example", expires_at=START + 900, interval_seconds=5)
NOW = Now(START, 100.0)


def after(answer: Answer, retry_after: float = 0.0) -> tuple[float, int]:
    polling, awaiting = answered(
        start(AWAITING, now=NOW), AWAITING, answer=answer, now=NOW, retry_after_seconds=retry_after
    )
    return polling.wait_seconds(NOW), awaiting.interval_seconds


def test_the_first_poll_is_made_at_once() -> None:
    assert start(AWAITING, now=NOW).wait_seconds(NOW) == 0


def test_pending_keeps_the_interval() -> None:
    assert after(Answer.PENDING) == (5, 5)


def test_slow_down_adds_five_seconds_for_good() -> None:
    assert after(Answer.SLOW_DOWN) == (10, 10)


def test_a_failure_doubles_the_interval() -> None:
    assert after(Answer.FAILED) == (10, 10)


def test_after_a_failure_even_a_server_that_asks_for_no_interval_is_polled_less_often() -> None:
    awaiting = replace(AWAITING, interval_seconds=0)
    for expected in (1, 2, 4):
        _, awaiting = answered(
            start(awaiting, now=NOW), awaiting, answer=Answer.FAILED, now=NOW, retry_after_seconds=0
        )
        assert awaiting.interval_seconds == expected


def test_retry_after_is_obeyed_where_it_is_longer() -> None:
    assert after(Answer.FAILED, 9.0) == (10, 10)
    assert after(Answer.FAILED, 10.0) == (10, 10)
    assert after(Answer.FAILED, 11.0) == (11, 10)


def test_after_a_restart_the_interval_since_the_last_poll_is_kept() -> None:
    awaiting = replace(AWAITING, polled_at=START)
    assert start(awaiting, now=Now(START + 4, 0.0)).wait_seconds(Now(START + 4, 0.0)) == 1
    assert start(awaiting, now=Now(START + 5, 0.0)).wait_seconds(Now(START + 5, 0.0)) == 0
    assert start(awaiting, now=Now(START + 6, 0.0)).wait_seconds(Now(START + 6, 0.0)) == 0


def test_after_a_restart_with_the_clock_set_back_a_whole_interval_is_waited() -> None:
    now = Now(START - 1000, 0.0)
    assert start(replace(AWAITING, polled_at=START), now=now).wait_seconds(now) == 5


def test_polling_is_over_when_the_code_expires_but_not_before_the_first_answer() -> None:
    polling = start(AWAITING, now=NOW)
    assert not polling.is_over(Now(START, 1000.0))
    polled, _ = answered(polling, AWAITING, answer=Answer.PENDING, now=NOW, retry_after_seconds=0)
    assert not polled.is_over(Now(START, 999.0))
    assert polled.is_over(Now(START, 1000.0))
    assert polled.is_over(Now(START, 1001.0))


def test_the_last_wait_ends_when_the_code_expires() -> None:
    polled, _ = answered(
        start(AWAITING, now=NOW), AWAITING, answer=Answer.PENDING, now=NOW, retry_after_seconds=5000
    )
    assert polled.wait_seconds(NOW) == 900


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.tuples(st.sampled_from(Answer), st.floats(0, 60), st.floats(0, 100))))
def test_whatever_the_answers_the_next_poll_is_never_before_the_current_interval(
    answers: list[tuple[Answer, float, float]],
) -> None:
    """The server's rule: every reply's interval counts from the previous poll; slow_downs add up."""
    awaiting = replace(AWAITING, expires_at=START + 10**12)
    polling, monotonic, expected = start(awaiting, now=NOW), NOW.monotonic, 5
    for answer, delay, retry_after in answers:
        monotonic += polling.wait_seconds(Now(START, monotonic)) + delay
        now = Now(START, monotonic)
        polling, awaiting = answered(
            polling, awaiting, answer=answer, now=now, retry_after_seconds=retry_after
        )
        expected = {Answer.PENDING: expected, Answer.SLOW_DOWN: expected + 5, Answer.FAILED: expected * 2}[
            answer
        ]
        assert awaiting.interval_seconds == expected
        assert polling.next_at >= monotonic + max(expected, retry_after)
