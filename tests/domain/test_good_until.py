"""Until when a refresh token is good, as introspection says it."""

from __future__ import annotations

from mock_authz.domain.refresh_token import RefreshTokens, Use, good_until, rotate, use

FIRST = RefreshTokens(generation=0, expires_at=1_000)


def test_the_newest_refresh_token_is_good_until_it_expires() -> None:
    assert good_until(FIRST, generation=0) == 1_000
    assert use(FIRST, generation=0, now=999) is Use.ROTATE
    assert use(FIRST, generation=0, now=1_000) is not Use.ROTATE


def test_its_predecessor_is_good_until_its_retry_window_ends_or_it_expires() -> None:
    for now, until in ((100, 150), (980, 1_000)):
        rotated = rotate(FIRST, now=now, lifetime_seconds=2_000, retry_window_seconds=50)
        assert good_until(rotated, generation=1) == now + 2_000
        assert good_until(rotated, generation=0) == until
        assert use(rotated, generation=0, now=until - 1) is Use.RETRY
        assert use(rotated, generation=0, now=until) is not Use.RETRY
