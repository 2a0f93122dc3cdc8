"""The license: issue, status, renewal, endings and the order of refusals.

Over 400 lines: the bounds of one record, in threes.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_authz.domain.license import (
    DESCRIPTIONS,
    LAPSED,
    LICENSE_TOKEN_EXPIRED,
    REFRESH_TOKEN_EXPIRED,
    UNKNOWN,
    Ending,
    License,
    LicenseStatus,
    Refreshed,
    TokenState,
    check_bearer,
    check_renewal_date,
    end,
    has_lapsed,
    is_live,
    issue,
    reason,
    refresh,
    renew,
    status,
    token_state,
)
from mock_authz.domain.refusals import Conflict, InvalidGrant
from tests.factories import DAY, HOUR, LIFETIMES, NOW, a_device, a_license, expect

RENEWAL = NOW + 100 * DAY
DUE_FROM = RENEWAL - 30 * DAY
AROUND_THE_LAPSE = [(RENEWAL - 1, False), (RENEWAL, True), (RENEWAL + 1, True)]


def refreshed(
    license_: License, now: int, *, generation: int | None = None
) -> tuple[License, Refreshed | InvalidGrant]:
    newest = license_.refresh_tokens.generation
    return refresh(
        license_, generation=newest if generation is None else generation, lifetimes=LIFETIMES, now=now
    )


def why(answer: Refreshed | InvalidGrant) -> str | None:
    return expect(InvalidGrant, answer).reason


# --- issue ---


def test_a_license_copies_the_device_s_renewal_date() -> None:
    assert a_license(renewal_at=RENEWAL).renewal_at == RENEWAL
    assert a_license().renewal_at is None


def test_renewal_is_due_one_renewal_window_before_the_date_and_never_without_one() -> None:
    assert a_license(renewal_at=RENEWAL).renewal_due_from == DUE_FROM
    assert a_license().renewal_due_from is None


def test_the_first_refresh_token_lives_ninety_days_from_its_issue() -> None:
    assert a_license().refresh_tokens.expires_at == NOW + 90 * DAY


def test_a_license_names_its_device_organization_and_client() -> None:
    device = a_device("till-1", organization_id="summit")
    license_ = issue(
        device, license_id="l", client_id="register", scope="license", lifetimes=LIFETIMES, now=NOW
    )
    assert (license_.server_id, license_.organization_id, license_.client_id) == (
        "till-1", "summit", "register",
    )  # fmt: skip
    assert license_.tokens_minted == 1
    assert license_.ending is None


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (7 * DAY - 1, 7 * DAY - 1),
        (7 * DAY, 7 * DAY),
        (7 * DAY + 1, 7 * DAY),
        (1, 1),
    ],
)
def test_a_license_token_expires_after_its_lifetime_but_not_after_the_renewal_date(
    left: int, expected: int
) -> None:
    assert a_license(renewal_at=NOW + left).token_expires_at == NOW + expected


def test_without_a_renewal_date_a_license_token_lives_its_lifetime() -> None:
    assert a_license().token_expires_at == NOW + 7 * DAY


# --- lapse and status ---


@pytest.mark.parametrize(("now", "lapsed"), AROUND_THE_LAPSE)
def test_a_license_lapses_at_its_renewal_date(now: int, lapsed: bool) -> None:  # noqa: FBT001 - a case's outcome
    license_ = a_license(renewal_at=RENEWAL)
    assert has_lapsed(license_, now=now) is lapsed
    assert is_live(license_, now=now) is not lapsed
    assert reason(license_, now=now) == (LAPSED if lapsed else None)


def test_a_license_without_a_renewal_date_never_lapses() -> None:
    assert not has_lapsed(a_license(), now=NOW + 10**9)


def test_no_license_is_unlicensed() -> None:
    assert status(None, now=NOW) is LicenseStatus.UNLICENSED


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (DUE_FROM - 1, LicenseStatus.LICENSED),
        (DUE_FROM, LicenseStatus.REQUIRES_RENEWAL),
        (DUE_FROM + 1, LicenseStatus.REQUIRES_RENEWAL),
        (RENEWAL - 1, LicenseStatus.REQUIRES_RENEWAL),
        (RENEWAL, LicenseStatus.EXPIRED_REQUIRES_RENEWAL),
        (RENEWAL + 1, LicenseStatus.EXPIRED_REQUIRES_RENEWAL),
    ],
)
def test_the_status_changes_at_the_start_of_the_renewal_window_and_at_the_renewal_date(
    now: int, expected: LicenseStatus
) -> None:
    assert status(a_license(renewal_at=RENEWAL), now=now) is expected


def test_without_a_renewal_date_a_license_stays_licensed() -> None:
    assert status(a_license(), now=NOW + 10**9) is LicenseStatus.LICENSED


@pytest.mark.parametrize("ending", list(Ending))
def test_an_ended_license_is_expired_requires_renewal_with_its_ending_as_the_reason(ending: Ending) -> None:
    ended = end(a_license(renewal_at=RENEWAL), ending=ending, now=NOW)
    assert status(ended, now=NOW) is LicenseStatus.EXPIRED_REQUIRES_RENEWAL
    assert reason(ended, now=NOW) == ending


@pytest.mark.parametrize("ending", list(Ending))
def test_a_stored_ending_goes_before_the_lapse(ending: Ending) -> None:
    ended = end(a_license(renewal_at=RENEWAL), ending=ending, now=NOW)
    assert reason(ended, now=RENEWAL + 1) == ending


def test_moving_the_clock_back_un_lapses_and_leaves_a_stored_ending() -> None:
    license_ = a_license(renewal_at=RENEWAL)
    assert has_lapsed(license_, now=RENEWAL)
    assert is_live(license_, now=RENEWAL - 1)
    ended = end(license_, ending=Ending.REVOKED, now=RENEWAL)
    assert reason(ended, now=NOW - DAY) == Ending.REVOKED


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (2 * DAY + 1, TokenState.VALID),
        (2 * DAY, TokenState.VALID),
        (2 * DAY - 1, TokenState.EXPIRING),
        (1, TokenState.EXPIRING),
        (0, TokenState.EXPIRED),
        (-1, TokenState.EXPIRED),
    ],
)
def test_a_token_is_expiring_with_less_than_the_warning_left_and_expired_at_its_exp(
    left: int, expected: TokenState
) -> None:
    assert token_state(NOW + left, warning_seconds=2 * DAY, now=NOW) is expected


# --- endings ---


@pytest.mark.parametrize(("first", "second"), list(product(Ending, Ending)))
def test_the_first_ending_is_final(first: Ending, second: Ending) -> None:
    ended = end(a_license(), ending=first, now=NOW)
    assert (ended.ending, ended.ended_at) == (first, NOW)
    assert end(ended, ending=second, now=NOW + 1) is ended


def test_every_reason_is_told_to_people_too() -> None:
    assert set(DESCRIPTIONS) == {*Ending, LAPSED, UNKNOWN, REFRESH_TOKEN_EXPIRED, LICENSE_TOKEN_EXPIRED}


# --- renewal ---


@pytest.mark.parametrize("renewal_at", [RENEWAL + 1, RENEWAL + 365 * DAY, None])
@pytest.mark.parametrize("now", [NOW, RENEWAL - 1])
def test_a_live_license_is_renewed_to_any_later_instant_or_to_none(renewal_at: int | None, now: int) -> None:
    renewed = expect(
        License, renew(a_license(renewal_at=RENEWAL), renewal_at=renewal_at, lifetimes=LIFETIMES, now=now)
    )
    assert renewed.renewal_at == renewal_at
    assert renewed.renewal_due_from == (None if renewal_at is None else renewal_at - 30 * DAY)
    assert renewed.renewal_set_at == now


@pytest.mark.parametrize("renewal_at", [RENEWAL, RENEWAL - 1])
def test_a_live_license_is_not_renewed_to_the_same_or_an_earlier_instant(renewal_at: int) -> None:
    answer = renew(a_license(renewal_at=RENEWAL), renewal_at=renewal_at, lifetimes=LIFETIMES, now=NOW)
    assert expect(Conflict, answer).reason == "renewal_not_later"


def test_a_license_without_a_renewal_date_can_be_given_one() -> None:
    renewed = expect(License, renew(a_license(), renewal_at=RENEWAL, lifetimes=LIFETIMES, now=NOW))
    assert renewed.renewal_at == RENEWAL


@pytest.mark.parametrize("now", [RENEWAL, RENEWAL + 1])
@pytest.mark.parametrize("renewal_at", [RENEWAL + DAY, RENEWAL - DAY, None])
def test_a_lapsed_license_is_not_renewed(now: int, renewal_at: int | None) -> None:
    license_ = a_license(renewal_at=RENEWAL)
    assert renew(license_, renewal_at=renewal_at, lifetimes=LIFETIMES, now=now) is license_


def test_an_ended_license_is_not_renewed() -> None:
    ended = end(a_license(renewal_at=RENEWAL), ending=Ending.REVOKED, now=NOW)
    assert renew(ended, renewal_at=RENEWAL + 1, lifetimes=LIFETIMES, now=NOW) is ended


def test_tokens_already_issued_keep_their_exp_and_the_next_refresh_carries_the_new_date() -> None:
    license_ = a_license(renewal_at=NOW + DAY)
    renewed = expect(License, renew(license_, renewal_at=RENEWAL, lifetimes=LIFETIMES, now=NOW + HOUR))
    assert renewed.token_expires_at == NOW + DAY
    after, answer = refreshed(renewed, NOW + HOUR)
    assert isinstance(answer, Refreshed)
    assert after.token_expires_at == NOW + HOUR + 7 * DAY


@pytest.mark.parametrize(
    ("renewal_at", "refusal"), [(NOW - 1, True), (NOW, True), (NOW + 1, False), (None, False)]
)
def test_a_renewal_date_that_has_come_already_is_refused(renewal_at: int | None, refusal: bool) -> None:  # noqa: FBT001 - a case's outcome
    answer = check_renewal_date(renewal_at, now=NOW)
    assert (answer is not None) is refusal
    assert answer is None or answer.reason == "renewal_date_passed"


# --- refresh ---


def test_each_refresh_rotates_and_mints() -> None:
    after, answer = refreshed(a_license(), NOW + DAY)
    assert answer == Refreshed(retried=False)
    assert after.refresh_tokens.generation == 1
    assert after.refresh_tokens.expires_at == NOW + 91 * DAY
    assert after.tokens_minted == 2
    assert after.token_expires_at == NOW + 8 * DAY


def test_a_retry_keeps_the_successor_and_mints_a_fresh_license_token() -> None:
    once, _ = refreshed(a_license(), NOW)
    again, answer = refreshed(once, NOW + HOUR, generation=0)
    assert answer == Refreshed(retried=True)
    assert again.refresh_tokens == once.refresh_tokens
    assert again.tokens_minted == once.tokens_minted + 1
    assert again.token_expires_at == NOW + HOUR + 7 * DAY


def test_retries_never_extend_the_retry_window() -> None:
    license_, _ = refreshed(a_license(), NOW)
    for elapsed in (1, HOUR, DAY - 1):
        license_, answer = refreshed(license_, NOW + elapsed, generation=0)
        assert answer == Refreshed(retried=True)
    _, answer = refreshed(license_, NOW + DAY, generation=0)
    assert why(answer) == Ending.REFRESH_TOKEN_REUSED


def test_reuse_ends_the_license_for_good() -> None:
    license_, _ = refreshed(a_license(), NOW)
    license_, _ = refreshed(license_, NOW + 1)
    ended, answer = refreshed(license_, NOW + 2, generation=0)
    assert why(answer) == Ending.REFRESH_TOKEN_REUSED
    assert (ended.ending, ended.ended_at) == (Ending.REFRESH_TOKEN_REUSED, NOW + 2)
    after, answer = refreshed(ended, NOW + 3)
    assert why(answer) == Ending.REFRESH_TOKEN_REUSED
    assert after is ended


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (NOW + 90 * DAY - 1, None),
        (NOW + 90 * DAY, REFRESH_TOKEN_EXPIRED),
        (NOW + 90 * DAY + 1, REFRESH_TOKEN_EXPIRED),
    ],
)
def test_an_expired_refresh_token_is_refused_and_ends_nothing(now: int, expected: str | None) -> None:
    license_ = a_license()
    after, answer = refreshed(license_, now)
    assert getattr(answer, "reason", None) == expected
    assert (after is license_) is (expected is not None)


@pytest.mark.parametrize(("now", "lapsed"), AROUND_THE_LAPSE)
def test_a_lapsed_license_is_not_refreshed(now: int, lapsed: bool) -> None:  # noqa: FBT001 - a case's outcome
    license_ = a_license(renewal_at=RENEWAL, now=RENEWAL - DAY)
    after, answer = refreshed(license_, now)
    assert isinstance(answer, InvalidGrant) is lapsed
    if lapsed:
        assert why(answer) == LAPSED
        assert after is license_
    else:
        assert after.token_expires_at == RENEWAL


def test_a_refresh_token_that_the_license_has_not_come_to_is_unknown_and_changes_nothing() -> None:
    ended = end(a_license(), ending=Ending.REVOKED, now=NOW)
    for license_ in (a_license(), ended):
        after, answer = refreshed(license_, NOW, generation=1)
        assert why(answer) == UNKNOWN
        assert after is license_


REFUSALS = [*Ending, LAPSED, Ending.REFRESH_TOKEN_REUSED, REFRESH_TOKEN_EXPIRED]


@pytest.mark.parametrize("ending", [None, *Ending])
@pytest.mark.parametrize("lapsed", [True, False])
@pytest.mark.parametrize("reused", [True, False])
@pytest.mark.parametrize("expired", [True, False])
def test_a_refused_refresh_names_the_stored_ending_then_the_lapse_then_reuse_then_expiry(
    ending: Ending | None,
    lapsed: bool,  # noqa: FBT001 - a case
    reused: bool,  # noqa: FBT001 - a case
    expired: bool,  # noqa: FBT001 - a case
) -> None:
    now = NOW + 10 * DAY
    license_ = a_license(renewal_at=now if lapsed else now + 1)
    tokens = replace(
        license_.refresh_tokens,
        generation=2,
        expires_at=now if expired else now + 1,
        predecessor_expires_at=now if expired else now + 1,
        retry_until=now,
    )
    license_ = replace(license_, refresh_tokens=tokens, ending=ending)
    _, answer = refreshed(license_, now, generation=1 if reused else 2)
    holds = [
        ending,
        lapsed and LAPSED,
        reused and Ending.REFRESH_TOKEN_REUSED,
        expired and REFRESH_TOKEN_EXPIRED,
    ]
    expected = next((held for held in holds if held), None)
    assert getattr(answer, "reason", None) == expected


@given(
    st.lists(
        st.tuples(st.integers(min_value=0, max_value=2 * DAY), st.integers(min_value=0, max_value=3)),
        max_size=30,
    )
)
def test_at_any_time_a_live_license_has_exactly_one_rotating_refresh_token(
    steps: list[tuple[int, int]],
) -> None:
    license_, now = a_license(), NOW
    for gap, back in steps:
        now += gap
        before = license_
        newest = before.refresh_tokens.generation
        license_, answer = refreshed(before, now, generation=max(0, newest - back))
        if before.ending is not None:
            assert why(answer) == before.ending
            assert license_ is before
        elif isinstance(answer, InvalidGrant):
            assert answer.reason in {Ending.REFRESH_TOKEN_REUSED, REFRESH_TOKEN_EXPIRED}
            assert (license_.ending is not None) is (answer.reason == Ending.REFRESH_TOKEN_REUSED)
            assert license_.refresh_tokens == before.refresh_tokens
        else:
            assert license_.tokens_minted == before.tokens_minted + 1
            assert license_.refresh_tokens.generation == newest + (not answer.retried)
        if license_.ending is None:
            issued_now = replace(
                license_, refresh_tokens=replace(license_.refresh_tokens, expires_at=now + 1)
            )
            answers = [
                refreshed(issued_now, now, generation=generation)[1]
                for generation in range(license_.refresh_tokens.generation + 1)
            ]
            assert answers.count(Refreshed(retried=False)) == 1
            assert answers[-1] == Refreshed(retried=False)


# --- bearer ---


@pytest.mark.parametrize(
    ("left", "expected"), [(1, None), (0, LICENSE_TOKEN_EXPIRED), (-1, LICENSE_TOKEN_EXPIRED)]
)
def test_a_license_token_is_live_at_the_server_until_its_exp_without_leeway(
    left: int, expected: str | None
) -> None:
    refusal = check_bearer(a_license(), expires_at=NOW + left, now=NOW)
    assert (refusal.reason if refusal is not None else None) == expected


@pytest.mark.parametrize("expires_at", [NOW + 1, NOW])
@pytest.mark.parametrize("ending", list(Ending))
def test_the_ending_goes_before_the_token_s_own_expiry(expires_at: int, ending: Ending) -> None:
    ended = end(a_license(), ending=ending, now=NOW)
    refusal = check_bearer(ended, expires_at=expires_at, now=NOW)
    assert refusal is not None
    assert refusal.reason == ending


@pytest.mark.parametrize(("now", "lapsed"), AROUND_THE_LAPSE)
def test_a_license_token_of_a_lapsed_license_is_refused_as_lapsed(now: int, lapsed: bool) -> None:  # noqa: FBT001 - a case's outcome
    refusal = check_bearer(a_license(renewal_at=RENEWAL), expires_at=RENEWAL, now=now)
    assert (refusal.reason if refusal is not None else None) == (LAPSED if lapsed else None)
