from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_authz.domain.signing_key import (
    KeySet,
    KeyState,
    SigningKey,
    published,
    removed_at,
    rotate,
    signed,
    signing_key,
    state,
)
from tests.factories import DAY, HOUR, NOW, a_key

TAKEOVER = NOW + 7 * DAY
TWO = rotate(KeySet((a_key("first"),)), a_key("second", signs_from_at=TAKEOVER, published_at=NOW))


def kids(keys: tuple[SigningKey, ...]) -> list[str]:
    return [key.kid for key in keys]


def test_a_retired_key_stays_sixty_seconds_after_the_last_exp_that_it_signed() -> None:
    key = a_key(retires_at=NOW + DAY, last_expires_at=NOW + 8 * DAY)
    assert removed_at(key) == NOW + 8 * DAY + 60


def test_a_key_that_does_not_retire_is_never_removed() -> None:
    assert removed_at(a_key(last_expires_at=NOW)) is None


def test_a_retired_key_that_signed_nothing_goes_when_it_retires() -> None:
    assert removed_at(a_key(retires_at=NOW + DAY)) == NOW + DAY


def test_a_key_is_not_removed_before_it_retires() -> None:
    assert removed_at(a_key(retires_at=NOW + DAY, last_expires_at=NOW + HOUR)) == NOW + DAY


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (NOW - 1, KeyState.PUBLISHED),
        (NOW, KeyState.SIGNING),
        (NOW + DAY - 1, KeyState.SIGNING),
        (NOW + DAY, KeyState.RETIRED),
        (NOW + 2 * DAY + 59, KeyState.RETIRED),
        (NOW + 2 * DAY + 60, KeyState.REMOVED),
        (NOW + 2 * DAY + 61, KeyState.REMOVED),
    ],
)
def test_a_key_is_published_then_signs_then_retires_then_goes(now: int, expected: KeyState) -> None:
    assert state(a_key(retires_at=NOW + DAY, last_expires_at=NOW + 2 * DAY), now=now) is expected


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (NOW - 1, "first"),
        (NOW, "first"),
        (TAKEOVER - 1, "first"),
        (TAKEOVER, "second"),
        (TAKEOVER + 1, "second"),
    ],
)
def test_the_last_key_whose_time_has_come_signs(now: int, expected: str) -> None:
    assert signing_key(TWO, now=now).kid == expected


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (NOW, ["first", "second"]),
        (TAKEOVER + 7 * DAY - 1 + 59, ["first", "second"]),
        (TAKEOVER + 7 * DAY - 1 + 60, ["second"]),
    ],
)
def test_the_jwks_holds_the_next_key_ahead_and_the_retired_one_until_its_last_token_has_gone(
    now: int, expected: list[str]
) -> None:
    noted = signed(TWO, kid="first", expires_at=TAKEOVER - 1 + 7 * DAY)
    assert kids(published(noted, now=now)) == expected


def test_the_key_that_signs_is_published_whatever_its_record_says() -> None:
    broken = KeySet((a_key(retires_at=NOW),))
    assert kids(published(broken, now=NOW + DAY)) == ["first"]


def test_with_the_clock_moved_back_a_retired_key_signs_again_and_its_successor_stays() -> None:
    assert signing_key(TWO, now=TAKEOVER - 1).kid == "first"
    assert kids(published(TWO, now=TAKEOVER - 1)) == ["first", "second"]


def test_each_key_retires_when_its_successor_begins_to_sign() -> None:
    three = rotate(TWO, a_key("third", signs_from_at=TAKEOVER + DAY))
    assert [(key.kid, key.retires_at) for key in three.keys] == [
        ("first", TAKEOVER),
        ("second", TAKEOVER + DAY),
        ("third", None),
    ]


def test_a_key_that_signs_at_once_drops_the_one_that_was_only_announced() -> None:
    at_once = rotate(TWO, a_key("third", signs_from_at=NOW + DAY))
    assert [(key.kid, key.retires_at) for key in at_once.keys] == [("first", NOW + DAY), ("third", None)]


def test_a_later_key_that_has_signed_stays_in_its_place() -> None:
    has_signed = signed(TWO, kid="second", expires_at=TAKEOVER + DAY)
    back_in_time = rotate(has_signed, a_key("third", signs_from_at=NOW + DAY))
    assert [(key.kid, key.retires_at) for key in back_in_time.keys] == [
        ("first", NOW + DAY),
        ("third", TAKEOVER),
        ("second", None),
    ]


def test_of_two_keys_for_the_same_instant_the_later_made_signs() -> None:
    two = rotate(KeySet((a_key("first"),)), a_key("second"))
    assert signing_key(two, now=NOW).kid == "second"


def test_the_greatest_exp_that_a_key_signed_is_noted() -> None:
    noted = signed(TWO, kid="first", expires_at=NOW + DAY)
    assert [key.last_expires_at for key in noted.keys] == [NOW + DAY, None]
    assert signed(noted, kid="first", expires_at=NOW + DAY - 1) is noted
    assert signed(noted, kid="first", expires_at=NOW + DAY) is noted
    assert [key.last_expires_at for key in signed(noted, kid="first", expires_at=NOW + DAY + 1).keys] == [
        NOW + DAY + 1, None,
    ]  # fmt: skip


def test_an_unknown_kid_changes_nothing() -> None:
    assert signed(TWO, kid="other", expires_at=NOW) is TWO


STEPS = st.lists(
    st.tuples(
        st.integers(min_value=-10 * DAY, max_value=10 * DAY),
        st.sampled_from(["sign", "announce", "take over", "look"]),
    ),
    max_size=30,
)


@given(STEPS)
def test_whoever_signs_is_published_and_every_key_that_signed_stays_until_its_last_exp_and_sixty_seconds(
    steps: list[tuple[int, str]],
) -> None:
    key_set, now = KeySet((a_key("0"),)), NOW
    last_exp: dict[str, int] = {}
    for number, (gap, action) in enumerate(steps, start=1):
        now += gap
        if action == "sign":
            kid, expires_at = signing_key(key_set, now=now).kid, now + 7 * DAY
            key_set = signed(key_set, kid=kid, expires_at=expires_at)
            last_exp[kid] = max(expires_at, last_exp.get(kid, 0))
        elif action != "look":
            wait = 7 * DAY if action == "announce" else 0
            key_set = rotate(key_set, a_key(str(number), signs_from_at=now + wait, published_at=now))
        listed = kids(published(key_set, now=now))
        assert signing_key(key_set, now=now).kid in listed
        assert {kid for kid, expires_at in last_exp.items() if now < expires_at + 60} <= set(listed)
        assert [key.retires_at for key in key_set.keys] == [
            *(successor.signs_from_at for successor in key_set.keys[1:]), None,
        ]  # fmt: skip


@given(st.lists(st.integers(min_value=0, max_value=10 * DAY), max_size=20))
def test_an_announced_key_is_published_one_token_lifetime_before_it_signs(gaps: list[int]) -> None:
    key_set, now, first_seen = KeySet((a_key("0"),)), NOW, {"0": NOW}
    for number, gap in enumerate(gaps, start=1):
        now += gap
        key_set = rotate(key_set, a_key(str(number), signs_from_at=now + 7 * DAY, published_at=now))
        for kid in kids(published(key_set, now=now)):
            first_seen.setdefault(kid, now)
        signing = signing_key(key_set, now=now)
        assert signing.kid == "0" or now - first_seen[signing.kid] >= 7 * DAY
