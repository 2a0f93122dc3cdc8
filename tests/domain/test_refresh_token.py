from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_authz.domain.refresh_token import RefreshTokens, Use, rotate, use
from tests.factories import DAY, NOW

LIFETIME = 90 * DAY
FIRST = RefreshTokens(generation=0, expires_at=NOW + LIFETIME)


def rotated(tokens: RefreshTokens, now: int, *, window: int = DAY, lifetime: int = LIFETIME) -> RefreshTokens:
    return rotate(tokens, now=now, lifetime_seconds=lifetime, retry_window_seconds=window)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (NOW + LIFETIME - 1, Use.ROTATE),
        (NOW + LIFETIME, Use.EXPIRED),
        (NOW + LIFETIME + 1, Use.EXPIRED),
    ],
)
def test_the_newest_rotates_until_its_expiry(now: int, expected: Use) -> None:
    assert use(FIRST, generation=0, now=now) is expected


def test_the_successor_expires_one_lifetime_after_its_own_issue() -> None:
    assert rotated(FIRST, NOW + 5) == RefreshTokens(
        generation=1,
        expires_at=NOW + 5 + LIFETIME,
        predecessor_expires_at=NOW + LIFETIME,
        retry_until=NOW + 5 + DAY,
    )


@pytest.mark.parametrize(
    ("elapsed", "expected"),
    [(0, Use.RETRY), (DAY - 1, Use.RETRY), (DAY, Use.REUSE), (DAY + 1, Use.REUSE), (-DAY, Use.RETRY)],
)
def test_the_predecessor_is_a_retry_within_the_half_open_window_and_reuse_after_it(
    elapsed: int, expected: Use
) -> None:
    # With negative elapsed time the retry window is open.
    assert use(rotated(FIRST, NOW), generation=0, now=NOW + elapsed) is expected


@pytest.mark.parametrize("now", [NOW, NOW + 1, NOW + DAY - 1])
def test_once_the_successor_has_been_used_the_predecessor_is_reuse_inside_the_window_too(now: int) -> None:
    assert use(rotated(rotated(FIRST, NOW), NOW), generation=0, now=now) is Use.REUSE


@pytest.mark.parametrize(
    ("before_expiry", "now", "expected"),
    [
        (10, NOW + LIFETIME - 1, Use.RETRY),
        (10, NOW + LIFETIME, Use.EXPIRED),
        (10, NOW + LIFETIME - 10 + DAY - 1, Use.EXPIRED),
        (10, NOW + LIFETIME - 10 + DAY, Use.REUSE),
    ],
)
def test_an_expired_predecessor_is_expired_inside_its_window_and_reuse_after_it(
    before_expiry: int, now: int, expected: Use
) -> None:
    tokens = rotated(FIRST, NOW + LIFETIME - before_expiry)
    assert use(tokens, generation=0, now=now) is expected


def test_with_no_retry_window_the_predecessor_is_reuse_at_once() -> None:
    assert use(rotated(FIRST, NOW, window=0), generation=0, now=NOW) is Use.REUSE


@given(
    st.lists(
        st.tuples(st.integers(min_value=0, max_value=30), st.integers(min_value=0, max_value=3)), max_size=40
    ),
    st.integers(min_value=0, max_value=40),
    st.integers(min_value=1, max_value=60),
)
def test_rotation_keeps_to_the_model(steps: list[tuple[int, int]], window: int, lifetime: int) -> None:
    """The model remembers what people can see: when each refresh token was issued and when it was first used."""
    tokens, now = RefreshTokens(generation=0, expires_at=NOW + lifetime), NOW
    issued_at, first_used_at = [NOW], dict[int, int]()
    for gap, back in steps:
        now += gap
        newest = len(issued_at) - 1
        presented = max(0, newest - back)
        expired = now >= issued_at[presented] + lifetime
        if presented == newest:
            expected = Use.EXPIRED if expired else Use.ROTATE
        elif presented == newest - 1 and now - first_used_at[presented] < window:
            expected = Use.EXPIRED if expired else Use.RETRY
        else:
            expected = Use.REUSE
        assert use(tokens, generation=presented, now=now) is expected
        rotating = [
            generation
            for generation in range(newest + 1)
            if use(tokens, generation=generation, now=issued_at[newest]) is Use.ROTATE
        ]
        assert rotating == [newest]
        if expected is Use.ROTATE:
            tokens = rotated(tokens, now, window=window, lifetime=lifetime)
            issued_at.append(now)
            first_used_at[presented] = now
        assert tokens.generation == len(issued_at) - 1
