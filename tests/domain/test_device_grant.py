from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_authz.domain.device_grant import (
    SLOW_DOWN_SECONDS,
    TRANSITIONS,
    DeviceGrant,
    Redeem,
    State,
    Step,
    approve,
    closed,
    deny,
    is_open,
    poll,
    step,
)
from mock_authz.domain.refusals import (
    AccessDenied,
    AuthorizationPending,
    ExpiredToken,
    InvalidGrant,
    Refusal,
    SlowDown,
)
from tests.factories import MINUTE, NOW, a_grant

EXPIRY = NOW + 15 * MINUTE
LONG = 10**9


def polled(grant: DeviceGrant, now: int) -> tuple[DeviceGrant, Redeem | Refusal]:
    return poll(grant, client_id="pos-server", now=now)


# --- the transition table ---


def test_the_transition_table_names_every_state() -> None:
    assert set(TRANSITIONS) == set(State)


@pytest.mark.parametrize("state", [State.DENIED, State.REDEEMED])
@pytest.mark.parametrize("taken", list(Step))
def test_denied_and_redeemed_are_terminal(state: State, taken: Step) -> None:
    assert step(a_grant(state=state), taken) is None


@pytest.mark.parametrize(
    ("state", "taken", "reached"),
    [
        (State.PENDING, Step.APPROVE, State.APPROVED),
        (State.PENDING, Step.DENY, State.DENIED),
        (State.PENDING, Step.REDEEM, None),
        (State.PENDING, Step.WITHDRAW, None),
        (State.APPROVED, Step.REDEEM, State.REDEEMED),
        (State.APPROVED, Step.WITHDRAW, State.DENIED),
        (State.APPROVED, Step.APPROVE, None),
        (State.APPROVED, Step.DENY, None),
    ],
)
def test_only_the_table_s_steps_can_be_taken(state: State, taken: Step, reached: State | None) -> None:
    after = step(a_grant(state=state), taken)
    assert (None if after is None else after.state) == reached


@given(st.lists(st.sampled_from(Step), max_size=6))
def test_no_sequence_of_steps_leaves_a_terminal_state(taken: list[Step]) -> None:
    grant, ended = a_grant(), False
    for each in taken:
        after = step(grant, each)
        assert not (ended and after is not None)
        grant = after or grant
        ended = not TRANSITIONS[grant.state]
        assert grant == a_grant(state=grant.state)


# --- the order of answers ---


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("now", [NOW, EXPIRY - 1, EXPIRY])
def test_a_foreign_poll_is_invalid_grant_and_changes_nothing(state: State, now: int) -> None:
    grant = a_grant(state=state, polled_at=NOW)
    after, answer = poll(grant, client_id="register", now=now)
    assert isinstance(answer, InvalidGrant)
    assert after is grant


@pytest.mark.parametrize("now", [NOW, EXPIRY - 1, EXPIRY, EXPIRY + 1])
def test_a_redeemed_code_is_invalid_grant_even_when_expired(now: int) -> None:
    grant = a_grant(state=State.REDEEMED)
    after, answer = polled(grant, now)
    assert isinstance(answer, InvalidGrant)
    assert after is grant


@pytest.mark.parametrize("state", [State.PENDING, State.APPROVED, State.DENIED])
@pytest.mark.parametrize("now", [EXPIRY, EXPIRY + 1])
def test_at_and_after_its_expiry_a_code_is_expired_token_even_if_approved_or_denied(
    state: State, now: int
) -> None:
    _, answer = polled(a_grant(state=state), now)
    assert isinstance(answer, ExpiredToken)


@pytest.mark.parametrize(
    ("state", "expected"),
    [(State.PENDING, AuthorizationPending), (State.APPROVED, Redeem), (State.DENIED, AccessDenied)],
)
def test_a_second_before_its_expiry_a_code_is_answered_by_its_state(
    state: State, expected: type[object]
) -> None:
    _, answer = polled(a_grant(state=state), EXPIRY - 1)
    assert isinstance(answer, expected)


def test_every_state_and_instant_has_exactly_one_answer_for_the_owner() -> None:
    order: list[type[object]] = [
        InvalidGrant, ExpiredToken, AccessDenied, Redeem, SlowDown, AuthorizationPending,
    ]  # fmt: skip
    for state, now, previous in product(State, (NOW + 4, NOW + 5, EXPIRY), (None, NOW)):
        holds = {
            InvalidGrant: state is State.REDEEMED,
            ExpiredToken: now >= EXPIRY,
            AccessDenied: state is State.DENIED,
            Redeem: state is State.APPROVED,
            SlowDown: previous is not None and now - previous < 5,
            AuthorizationPending: True,
        }
        _, answer = polled(a_grant(state=state, polled_at=previous), now)
        assert type(answer) is next(kind for kind in order if holds[kind])


# --- polling ---


def test_the_first_poll_is_never_early() -> None:
    after, answer = polled(a_grant(), NOW)
    assert isinstance(answer, AuthorizationPending)
    assert after.polled_at == NOW
    assert after.interval == 5


@pytest.mark.parametrize("elapsed", [0, 1, 4])
def test_polling_before_the_interval_has_passed_is_slow_down(elapsed: int) -> None:
    after, answer = polled(a_grant(polled_at=NOW), NOW + elapsed)
    assert isinstance(answer, SlowDown)
    assert after.interval == 5 + SLOW_DOWN_SECONDS
    assert after.polled_at == NOW + elapsed


@pytest.mark.parametrize("elapsed", [5, 6])
def test_polling_at_or_after_the_interval_is_authorization_pending(elapsed: int) -> None:
    after, answer = polled(a_grant(polled_at=NOW), NOW + elapsed)
    assert isinstance(answer, AuthorizationPending)
    assert after.interval == 5
    assert after.polled_at == NOW + elapsed


@pytest.mark.parametrize("elapsed", [-1, -5, -86_400])
def test_with_negative_elapsed_time_a_poll_is_not_early(elapsed: int) -> None:
    after, answer = polled(a_grant(polled_at=NOW), NOW + elapsed)
    assert isinstance(answer, AuthorizationPending)
    assert after.polled_at == NOW + elapsed


@pytest.mark.parametrize("elapsed", [0, 1, 4, 5])
def test_an_approved_code_is_never_throttled(elapsed: int) -> None:
    grant = a_grant(state=State.APPROVED, polled_at=NOW)
    after, answer = polled(grant, NOW + elapsed)
    assert isinstance(answer, Redeem)
    assert after.interval == 5


def test_an_interval_of_zero_is_never_early() -> None:
    _, answer = polled(a_grant(interval=0, polled_at=NOW), NOW)
    assert isinstance(answer, AuthorizationPending)


def test_a_throttled_poll_becomes_the_previous_poll() -> None:
    grant, _ = polled(a_grant(polled_at=NOW), NOW + 4)
    _, early = polled(grant, NOW + 4 + 9)
    _, in_time = polled(grant, NOW + 4 + 10)
    assert isinstance(early, SlowDown)
    assert isinstance(in_time, AuthorizationPending)


@given(st.lists(st.integers(min_value=-20, max_value=40), max_size=40))
def test_each_slow_down_adds_five_seconds_for_good_and_nothing_else_does(gaps: list[int]) -> None:
    grant, now, slow_downs = a_grant(expires_at=NOW + LONG), NOW, 0
    for gap in gaps:
        now += gap
        previous = grant
        grant, answer = polled(grant, now)
        early = previous.polled_at is not None and 0 <= now - previous.polled_at < previous.interval
        assert isinstance(answer, SlowDown) is early
        slow_downs += early
        assert grant.interval == 5 + SLOW_DOWN_SECONDS * slow_downs
        assert grant.polled_at == now


@given(
    st.lists(st.floats(min_value=0, max_value=30), max_size=10),
    st.lists(st.floats(min_value=0, max_value=5), min_size=1, max_size=10),
    st.floats(min_value=0, max_value=1),
)
def test_who_waits_the_current_interval_from_each_reply_always_gets_through(
    hasty: list[float], patient: list[float], fraction: float
) -> None:
    # Real instants, floored as the server floors them; the hasty polls come first.
    grant, real_at = a_grant(expires_at=NOW + LONG), NOW + fraction
    grant, _ = polled(grant, int(real_at // 1))
    for gap in hasty:
        real_at += gap
        grant, _ = polled(grant, int(real_at // 1))
    for beyond in patient:
        real_at += grant.interval + beyond
        interval = grant.interval
        grant, answer = polled(grant, int(real_at // 1))
        assert isinstance(answer, AuthorizationPending)
        assert grant.interval == interval


# --- approving and denying ---


@pytest.mark.parametrize(("now", "expected"), [(EXPIRY - 1, True), (EXPIRY, False), (EXPIRY + 1, False)])
def test_a_pending_code_is_open_until_its_expiry(now: int, expected: bool) -> None:  # noqa: FBT001 - a case's outcome
    assert is_open(a_grant(), now=now) is expected
    assert (closed(a_grant(), now=now) is None) is expected


@pytest.mark.parametrize("state", [State.APPROVED, State.DENIED, State.REDEEMED])
def test_a_code_that_is_not_pending_is_not_open(state: State) -> None:
    assert not is_open(a_grant(state=state), now=NOW)


def test_approving_notes_the_device_the_administrator_and_the_instant() -> None:
    approved = approve(a_grant(), server_id="store-12", administrator="dana", now=NOW + 7)
    assert approved == a_grant(
        state=State.APPROVED, server_id="store-12", administrator="dana", approved_at=NOW + 7
    )


def test_denying_notes_the_administrator() -> None:
    assert deny(a_grant(), administrator="dana", now=NOW) == a_grant(state=State.DENIED, administrator="dana")


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("now", [EXPIRY, EXPIRY + 1])
def test_an_expired_code_can_be_neither_approved_nor_denied(state: State, now: int) -> None:
    grant = a_grant(state=state)
    for answer in (
        approve(grant, server_id="store-12", administrator="dana", now=now),
        deny(grant, administrator="dana", now=now),
    ):
        assert isinstance(answer, ExpiredToken)
        assert answer.reason == "user_code_expired"


@pytest.mark.parametrize("state", [State.APPROVED, State.DENIED, State.REDEEMED])
def test_a_code_that_is_not_pending_can_be_neither_approved_nor_denied(state: State) -> None:
    grant = a_grant(state=state)
    for answer in (
        approve(grant, server_id="store-12", administrator="dana", now=EXPIRY - 1),
        deny(grant, administrator="dana", now=EXPIRY - 1),
    ):
        assert isinstance(answer, AccessDenied)
        assert answer.reason == "user_code_not_pending"


def test_approving_leaves_the_polling_as_it_was() -> None:
    grant = a_grant(polled_at=NOW + 3, interval=10)
    approved = approve(grant, server_id="store-12", administrator="dana", now=NOW + 4)
    assert isinstance(approved, DeviceGrant)
    assert (
        replace(approved, state=State.PENDING, server_id=None, administrator=None, approved_at=None) == grant
    )
