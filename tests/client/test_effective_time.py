from hypothesis import given, settings
from hypothesis import strategies as st

from authz_client.effective_time import Anchor, Now, anchored, effective_time, is_suspect
from tests.client.fakes import START

SECONDS = st.integers(min_value=0, max_value=10**9)


def test_without_a_mark_the_effective_time_is_the_clock_in_whole_seconds() -> None:
    assert effective_time(Now(START + 0.9, 5.0), None) == START


def test_the_effective_time_is_the_mark_and_the_monotonic_time_since_when_the_clock_is_behind() -> None:
    assert effective_time(Now(START - 1000, 30.0), Anchor(START, 10.0)) == START + 20


def test_the_effective_time_is_the_clock_when_that_is_ahead() -> None:
    assert effective_time(Now(START + 21, 30.0), Anchor(START, 10.0)) == START + 21


def test_a_clock_is_suspect_when_more_than_five_minutes_behind() -> None:
    anchor = Anchor(START, 0.0)
    assert not is_suspect(Now(START - 299, 0.0), anchor)
    assert not is_suspect(Now(START - 300, 0.0), anchor)
    assert is_suspect(Now(START - 301, 0.0), anchor)


def test_a_mark_is_anchored_when_first_seen() -> None:
    assert anchored(None, mark=START, now=Now(0, 7.0)) == Anchor(START, 7.0)


def test_a_reset_mark_is_forgotten() -> None:
    assert anchored(Anchor(START, 7.0), mark=None, now=Now(0, 8.0)) is None


def test_a_lower_mark_is_that_of_a_re_acquisition() -> None:
    assert anchored(Anchor(START, 7.0), mark=START - 1, now=Now(0, 8.0)) == Anchor(START - 1, 8.0)


def test_a_mark_already_outlived_leaves_the_anchor() -> None:
    anchor = Anchor(START, 0.0)
    assert anchored(anchor, mark=START + 9, now=Now(0, 10.0)) == anchor
    assert anchored(anchor, mark=START + 10, now=Now(0, 10.0)) == anchor
    assert anchored(anchor, mark=START + 11, now=Now(0, 10.0)) == Anchor(START + 11, 10.0)


@settings(deadline=None)  # the machine may be busy
@given(clock=SECONDS, steps=st.lists(st.tuples(st.integers(-(10**6), 10**6), st.integers(0, 10**5), SECONDS)))
def test_effective_time_never_goes_back_below_what_tokens_and_the_monotonic_clock_have_proven(
    clock: int, steps: list[tuple[int, int, int]]
) -> None:
    anchor, mark, monotonic, proven = None, 0, 0.0, 0
    for jump, gone, iat in steps:
        clock, monotonic, proven = clock + jump, monotonic + gone, proven + gone
        now = Now(clock, monotonic)
        mark = max(mark, iat)
        anchor = anchored(anchor, mark=mark, now=now)
        proven = max(proven, mark) if anchor is not None and anchor.monotonic == monotonic else proven
        assert effective_time(now, anchor) >= max(clock, mark)
        if anchor is not None:
            assert effective_time(now, anchor) >= anchor.reached(now)
            assert anchor.reached(Now(clock, monotonic + 1)) == anchor.reached(now) + 1
