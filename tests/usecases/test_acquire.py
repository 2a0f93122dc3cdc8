"""Acquiring a license: both codes, polling, redemption, approvals and the guess budget.

Over 400 lines: the order of answers is one list, and reads best in one place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mock_authz.domain.decisions import Decisions
from mock_authz.domain.device_grant import DeviceGrant, Redeem, State
from mock_authz.domain.events import EventType
from mock_authz.domain.guess_budget import GuessBudget
from mock_authz.domain.license import Ending, License
from mock_authz.domain.refusals import (
    AccessDenied,
    AuthorizationPending,
    Conflict,
    ExpiredToken,
    InvalidGrant,
    InvalidScope,
    NotFound,
    Refusal,
    SlowDown,
    TooManyGuesses,
)
from mock_authz.domain.user_code import normalize
from mock_authz.usecases import acquire, administer, approvals
from mock_authz.usecases.acquire import DeviceAuthorization
from mock_authz.usecases.context import Context, registered_client
from mock_authz.usecases.tokens import IssuedTokens
from tests.factories import DAY, MINUTE, NOW, QA, STORE_12, World, a_device, a_world, expect

EXPIRY = NOW + 15 * MINUTE


def approved(world: World, now: int = NOW, *, server_id: str = STORE_12) -> DeviceAuthorization:
    authorization = world.authorize(now)
    world.approve(authorization, now, server_id=server_id)
    return authorization


def grant_of(world: World, authorization: DeviceAuthorization) -> DeviceGrant:
    return expect(DeviceGrant, approvals.find_user_code(world.at(NOW), authorization.user_code))


def reason_of(answer: object) -> str | None:
    assert isinstance(answer, Refusal)
    return answer.reason


# --- the two codes ---


def test_a_device_authorization_carries_both_codes_their_lifetime_and_the_interval(world: World) -> None:
    authorization = world.authorize()
    assert (authorization.expires_in, authorization.interval) == (15 * MINUTE, 5)
    assert len(normalize(authorization.user_code)) == 8
    assert authorization.user_code[4] == "-"
    assert authorization.device_code not in repr(authorization)


def test_codes_are_issued_under_the_settings_of_that_moment(world: World) -> None:
    before = world.authorize()
    administer.change_settings(world.at(NOW), {"code_seconds": 60, "interval_seconds": 9})
    after = world.authorize()
    assert (after.expires_in, after.interval) == (60, 9)
    assert grant_of(world, before).expires_at == EXPIRY
    assert grant_of(world, before).interval == 5


def test_no_two_authorizations_share_a_code(world: World) -> None:
    issued = [world.authorize() for _ in range(50)]
    assert len({each.user_code for each in issued}) == len({each.device_code for each in issued}) == 50


def test_a_user_code_that_is_taken_is_not_given_out_again_even_when_dead(world: World) -> None:
    other = a_world()
    first = other.authorize()
    grant = grant_of(other, first)
    # The same seed would spell the same code for the first authorization of this sandbox.
    taken = replace(grant, grant_id="earlier", state=State.DENIED, expires_at=NOW - DAY)
    world.store.commit(QA, expected={}, puts=[taken])
    assert world.authorize().user_code != first.user_code


def test_a_seeded_sandbox_repeats_itself() -> None:
    one, other = a_world(), a_world()
    assert one.authorize() == other.authorize()
    assert one.acquire() == other.acquire()


@pytest.mark.parametrize(
    "scope", [None, "", "license", "openid license", "openid profile offline_access", " "]
)
def test_license_is_granted_and_openid_scopes_are_ignored(world: World, scope: str | None) -> None:
    answer = acquire.authorize_device(world.at(NOW), client_id="pos-server", scope=scope)
    assert grant_of(world, expect(DeviceAuthorization, answer)).scope == "license"


@pytest.mark.parametrize("scope", ["admin", "license admin", "License", "license,openid"])
def test_any_other_scope_is_invalid_scope(world: World, scope: str) -> None:
    answer = acquire.authorize_device(world.at(NOW), client_id="pos-server", scope=scope)
    assert isinstance(answer, InvalidScope)
    assert approvals.list_authorizations(world.at(NOW)) == []


def test_only_registered_clients_are_found(world: World) -> None:
    assert registered_client(world.at(NOW), "pos-server") is not None
    assert registered_client(world.at(NOW), "stranger") is None


# --- polling ---


def test_an_undecided_code_is_pending_then_slow_down_then_pending_again(world: World) -> None:
    authorization = world.authorize()
    answers = [world.poll(authorization, NOW + elapsed) for elapsed in (0, 4, 14)]
    assert [type(answer) for answer in answers] == [AuthorizationPending, SlowDown, AuthorizationPending]
    assert grant_of(world, authorization).interval == 10


@pytest.mark.parametrize("text", ["", ".", "..", "x", "x.0.y", "x.-1.y", "x.1e3.y", "é.0.é", "\ud800.0.x"])
def test_an_unknown_device_code_is_invalid_grant(world: World, text: str) -> None:
    answer = acquire.poll(world.at(NOW), client_id="pos-server", device_code=text)
    assert isinstance(answer, InvalidGrant)


def test_a_device_code_of_another_sandbox_is_invalid_grant(world: World) -> None:
    spelled = world.sandbox.entropy.credential("device_code", "no such grant")
    answer = acquire.poll(world.at(NOW), client_id="pos-server", device_code=spelled)
    assert isinstance(answer, InvalidGrant)


def test_a_refresh_token_is_no_device_code(world: World) -> None:
    tokens = world.acquire()
    answer = acquire.poll(world.at(NOW), client_id="pos-server", device_code=tokens.refresh_token)
    assert isinstance(answer, InvalidGrant)


def test_a_foreign_poll_is_invalid_grant_and_the_owner_can_still_redeem(world: World) -> None:
    authorization = approved(world)
    before = grant_of(world, authorization)
    assert isinstance(world.poll(authorization, client_id="register"), InvalidGrant)
    assert grant_of(world, authorization) == before
    assert isinstance(world.poll(authorization), IssuedTokens)


def test_a_foreign_poll_does_not_make_the_owner_s_early(world: World) -> None:
    authorization = world.authorize()
    world.poll(authorization, NOW, client_id="register")
    assert isinstance(world.poll(authorization, NOW + 1), AuthorizationPending)


def test_an_approved_code_is_redeemed_however_early_the_poll(world: World) -> None:
    authorization = world.authorize()
    world.poll(authorization)
    world.approve(authorization)
    assert isinstance(world.poll(authorization), IssuedTokens)


@pytest.mark.parametrize(("now", "expected"), [(EXPIRY - 1, IssuedTokens), (EXPIRY, ExpiredToken)])
def test_an_approved_code_is_redeemable_until_its_expiry(
    world: World, now: int, expected: type[object]
) -> None:
    assert isinstance(world.poll(approved(world), now), expected)


def test_moving_the_clock_back_un_expires_an_approved_code(world: World) -> None:
    authorization = approved(world)
    assert isinstance(world.poll(authorization, EXPIRY), ExpiredToken)
    assert isinstance(world.poll(authorization, EXPIRY - 1), IssuedTokens)


@pytest.mark.parametrize(("now", "expected"), [(EXPIRY - 1, AccessDenied), (EXPIRY, ExpiredToken)])
def test_a_denied_code_is_access_denied_until_it_is_expired(
    world: World, now: int, expected: type[object]
) -> None:
    authorization = world.authorize()
    approvals.deny(world.at(NOW), authorization.user_code, administrator="dana")
    assert isinstance(world.poll(authorization, now), expected)


def test_dead_codes_are_remembered_for_the_sandbox_s_life(world: World) -> None:
    authorization = world.authorize()
    assert isinstance(world.poll(authorization, NOW + 3650 * DAY), ExpiredToken)


# --- redemption ---


def test_a_redemption_issues_a_license_with_its_first_tokens(world: World) -> None:
    tokens = world.acquire(NOW + 7)
    license_ = world.license_of()
    assert (license_.server_id, license_.client_id, license_.issued_at) == (STORE_12, "pos-server", NOW + 7)
    assert tokens.expires_in == 7 * DAY
    assert tokens.scope == "license"
    assert tokens.refresh_token not in repr(tokens)
    assert tokens.access_token not in repr(tokens)


def test_a_redeemed_code_presented_again_is_invalid_grant_and_revokes_nothing(world: World) -> None:
    authorization = approved(world)
    world.poll(authorization)
    for now in (NOW, NOW + DAY):
        assert isinstance(world.poll(authorization, now), InvalidGrant)
    assert world.license_of().ending is None


def test_a_redemption_supersedes_the_device_s_license(world: World) -> None:
    world.acquire(NOW)
    first = world.license_of()
    world.acquire(NOW + 1)
    ended = world.store.get(QA, License, first.license_id)
    assert ended is not None
    assert (ended.record.ending, ended.record.ended_at) == (Ending.SUPERSEDED, NOW + 1)
    assert [stored.record for stored in world.store.find(QA, License, "live", STORE_12)] == [
        world.license_of()
    ]
    assert world.license_of().license_id != first.license_id


def test_an_approval_touches_no_license(world: World) -> None:
    world.acquire()
    before = world.license_of()
    approved(world, NOW + 1)
    assert world.license_of() == before


def test_a_redemption_leaves_an_earlier_ending_as_it_was(world: World) -> None:
    world.acquire()
    administer.revoke_device_license(world.at(NOW), STORE_12)
    first = world.license_of()
    world.acquire(NOW + 1)
    stored = world.store.get(QA, License, first.license_id)
    assert stored is not None
    assert stored.record == first


def test_the_license_copies_the_device_s_renewal_date_at_its_redemption(world: World) -> None:
    authorization = approved(world)
    administer.renew_device(world.at(NOW), STORE_12, renewal_at=NOW + DAY)
    tokens = expect(IssuedTokens, world.poll(authorization, NOW + 10))
    assert world.license_of().renewal_at == NOW + DAY
    assert tokens.expires_in == DAY - 10


def test_the_server_id_survives_re_acquisition(world: World) -> None:
    first, second = world.acquire(NOW), world.acquire(NOW + 1)
    assert world.caller(second, NOW + 1).claims["sub"] == STORE_12
    assert first.access_token != second.access_token


# --- what changed between approval and redemption ---

CHANGES: dict[str, Callable[[World], object]] = {
    "device disabled": lambda world: administer.disable_device(world.at(NOW), STORE_12),
    "device deleted": lambda world: administer.delete_device(world.at(NOW), STORE_12),
    "organization deleted": lambda world: administer.delete_organization(world.at(NOW), "harbor"),
    "administrator removed from the organization": lambda world: administer.change_administrator(
        world.at(NOW), "dana", {"organizations": ()}
    ),
    "administrator deleted": lambda world: administer.delete_administrator(world.at(NOW), "dana"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_redemption_that_fails_its_checks_denies_the_code_for_good(world: World, change: str) -> None:
    authorization = approved(world)
    CHANGES[change](world)
    assert isinstance(world.poll(authorization), AccessDenied)
    assert grant_of(world, authorization).state is State.DENIED
    assert isinstance(world.poll(authorization, EXPIRY), ExpiredToken)
    assert world.store.every(QA, License) == []


@pytest.mark.parametrize(("now", "expected"), [(NOW + 59, IssuedTokens), (NOW + 60, AccessDenied)])
def test_a_renewal_date_that_comes_between_approval_and_redemption_denies_the_code(
    world: World, now: int, expected: type[object]
) -> None:
    administer.renew_device(world.at(NOW), STORE_12, renewal_at=NOW + 60)
    assert isinstance(world.poll(approved(world), now), expected)


def test_a_failed_redemption_stays_denied_when_the_reason_is_gone(world: World) -> None:
    authorization = approved(world)
    administer.disable_device(world.at(NOW), STORE_12)
    world.poll(authorization)
    administer.enable_device(world.at(NOW), STORE_12)
    assert isinstance(world.poll(authorization), AccessDenied)


def test_a_failed_redemption_leaves_the_license_that_is_there(world: World) -> None:
    world.acquire(administrator="sam")
    authorization = approved(world)
    administer.delete_administrator(world.at(NOW), "dana")
    assert isinstance(world.poll(authorization), AccessDenied)
    assert world.license_of().ending is None


def test_a_code_of_a_device_disabled_and_enabled_again_before_the_poll_is_redeemable(world: World) -> None:
    authorization = approved(world)
    administer.disable_device(world.at(NOW), STORE_12)
    administer.enable_device(world.at(NOW), STORE_12)
    assert isinstance(world.poll(authorization), IssuedTokens)


# --- approval ---


def test_the_latest_approval_of_a_device_wins(world: World) -> None:
    codes = [world.authorize() for _ in range(3)]
    for authorization in (codes[1], codes[0], codes[2]):
        world.approve(authorization)
    assert [type(world.poll(code)) for code in codes] == [AccessDenied, AccessDenied, IssuedTokens]


def test_approvals_of_other_devices_stand_beside_each_other(world: World) -> None:
    store, till = world.authorize(), world.authorize()
    world.approve(store)
    world.approve(till, server_id="till-1")
    assert isinstance(world.poll(store), IssuedTokens)
    assert isinstance(world.poll(till), IssuedTokens)


def test_an_expired_earlier_approval_stays_expired_token(world: World) -> None:
    earlier = approved(world)
    approved(world, EXPIRY)
    assert isinstance(world.poll(earlier, EXPIRY), ExpiredToken)


@pytest.mark.parametrize(
    ("server_id", "administrator", "expected"),
    [
        ("nowhere", "dana", "device_unknown"),
        (STORE_12, "nobody", "administrator_not_entitled"),
        ("peak", "dana", "administrator_not_entitled"),
        ("disabled", "dana", "device_disabled"),
        ("lapsed", "dana", "renewal_date_passed"),
    ],
)
def test_an_approval_is_refused_for_what_could_not_be_redeemed(
    world: World, server_id: str, administrator: str, expected: str
) -> None:
    world.store.commit(
        QA, expected={}, puts=[a_device("disabled", enabled=False), a_device("lapsed", renewal_at=NOW)]
    )
    authorization = world.authorize()
    answer = approvals.approve(
        world.at(NOW), authorization.user_code, server_id=server_id, administrator=administrator
    )
    assert isinstance(answer, Conflict)
    assert answer.reason == expected
    assert grant_of(world, authorization).state is State.PENDING


@pytest.mark.parametrize(("left", "refused"), [(1, False), (0, True), (-1, True)])
def test_an_approval_is_refused_once_the_renewal_date_has_come(
    world: World,
    left: int,
    refused: bool,  # noqa: FBT001 - a case's outcome
) -> None:
    world.store.commit(QA, expected={}, puts=[a_device(renewal_at=NOW + left)])
    answer = approvals.approve(
        world.at(NOW), world.authorize().user_code, server_id=STORE_12, administrator="dana"
    )
    assert isinstance(answer, Conflict) is refused


def test_a_code_is_approved_as_people_type_it(world: World) -> None:
    authorization = world.authorize()
    typed = f" {authorization.user_code.lower().replace('-', ' ')}."
    answer = approvals.approve(world.at(NOW), typed, server_id=STORE_12, administrator="dana")
    assert isinstance(answer, DeviceGrant)


def approve_again(world: World, authorization: DeviceAuthorization, now: int) -> object:
    return approvals.approve(world.at(now), authorization.user_code, server_id=STORE_12, administrator="sam")


def deny_again(world: World, authorization: DeviceAuthorization, now: int) -> object:
    return approvals.deny(world.at(now), authorization.user_code, administrator="sam")


@pytest.mark.parametrize("decide", [approve_again, deny_again])
def test_only_a_pending_unexpired_code_can_be_approved_or_denied(
    world: World, decide: Callable[[World, DeviceAuthorization, int], object]
) -> None:
    authorization = world.authorize()
    assert reason_of(decide(world, authorization, EXPIRY)) == "user_code_expired"
    assert isinstance(decide(world, authorization, EXPIRY - 1), DeviceGrant)
    for again in (approve_again, deny_again):
        assert reason_of(again(world, authorization, EXPIRY - 1)) == "user_code_not_pending"
        assert reason_of(again(world, authorization, EXPIRY)) == "user_code_expired"


@pytest.mark.parametrize("administrator", ["dana", "sam"])
def test_any_administrator_can_deny_a_code(world: World, administrator: str) -> None:
    authorization = world.authorize()
    answer = approvals.deny(world.at(NOW), authorization.user_code, administrator=administrator)
    assert expect(DeviceGrant, answer).state is State.DENIED


def test_somebody_unknown_can_not_deny_a_code(world: World) -> None:
    authorization = world.authorize()
    answer = approvals.deny(world.at(NOW), authorization.user_code, administrator="nobody")
    assert reason_of(answer) == "administrator_not_entitled"
    assert grant_of(world, authorization).state is State.PENDING


def test_authorizations_are_listed_oldest_first(world: World) -> None:
    codes = [normalize(world.authorize(NOW + number).user_code) for number in range(3)]
    assert [grant.user_code for grant in approvals.list_authorizations(world.at(NOW))] == codes


# --- the budget of wrong entries ---

ENTRIES: dict[str, Callable[[World, str, int], object]] = {
    "entering": lambda world, code, now: approvals.enter_user_code(world.at(now), code, administrator="dana"),
    "approving": lambda world, code, now: approvals.approve(
        world.at(now), code, server_id=STORE_12, administrator="dana"
    ),
    "denying": lambda world, code, now: approvals.deny(world.at(now), code, administrator="dana"),
}


@pytest.mark.parametrize("entry", ENTRIES)
def test_after_five_wrong_entries_even_the_right_code_must_wait(world: World, entry: str) -> None:
    enter = ENTRIES[entry]
    for elapsed in range(5):
        assert isinstance(enter(world, "BBBB-BBBB", NOW + elapsed), NotFound)
    fresh = world.authorize(NOW + 15 * MINUTE - 1)
    refusal = enter(world, fresh.user_code, NOW + 15 * MINUTE - 1)
    assert isinstance(refusal, TooManyGuesses)
    assert refusal.reason == "1"
    assert isinstance(enter(world, fresh.user_code, NOW + 15 * MINUTE), DeviceGrant)


def test_a_refused_entry_does_not_lengthen_the_wait(world: World) -> None:
    for _ in range(5):
        ENTRIES["entering"](world, "wrong", NOW)
    for elapsed in (1, 2, 3):
        assert reason_of(ENTRIES["entering"](world, "wrong", NOW + elapsed)) == str(15 * MINUTE - elapsed)


def test_a_success_resets_nothing(world: World) -> None:
    for _ in range(4):
        ENTRIES["entering"](world, "wrong", NOW)
    authorization = world.authorize()
    assert isinstance(ENTRIES["approving"](world, authorization.user_code, NOW), DeviceGrant)
    assert isinstance(ENTRIES["entering"](world, "wrong", NOW), NotFound)
    assert isinstance(ENTRIES["entering"](world, "wrong", NOW), TooManyGuesses)


def test_one_administrator_s_wrong_entries_do_not_count_against_another(world: World) -> None:
    for _ in range(5):
        ENTRIES["entering"](world, "wrong", NOW)
    answer = approvals.enter_user_code(world.at(NOW), world.authorize().user_code, administrator="sam")
    assert isinstance(answer, DeviceGrant)


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_code_that_could_not_be_approved_is_a_wrong_entry(world: World, entry: str) -> None:
    used = world.authorize()
    approvals.deny(world.at(NOW), used.user_code, administrator="sam")
    expired = world.authorize(NOW - 15 * MINUTE)
    for code in (used.user_code, expired.user_code, "wrong", used.user_code, expired.user_code):
        assert not isinstance(ENTRIES[entry](world, code, NOW), TooManyGuesses)
    assert isinstance(ENTRIES[entry](world, "wrong", NOW), TooManyGuesses)
    assert len(world.events(EventType.USER_CODE_GUESSED_WRONG)) == 5


@pytest.mark.parametrize(
    "decide",
    [
        lambda context, code: approvals.enter_user_code(context, code, administrator="nobody"),
        lambda context, code: approvals.approve(context, code, server_id=STORE_12, administrator="nobody"),
        lambda context, code: approvals.deny(context, code, administrator="nobody"),
    ],
    ids=["entering", "approving", "denying"],
)
def test_an_invented_name_has_no_budget_and_learns_of_no_code(
    world: World, decide: Callable[[Context, str], object]
) -> None:
    right = world.authorize().user_code
    answers = [decide(world.at(NOW), code) for code in ("wrong", right)]
    assert answers[0] == answers[1]
    assert world.store.every(QA, GuessBudget) == []


def test_entering_a_right_code_changes_nothing(world: World) -> None:
    authorization = world.authorize()
    before = world.events()
    grant = approvals.enter_user_code(world.at(NOW), authorization.user_code, administrator="dana")
    assert grant == grant_of(world, authorization)
    assert world.events() == before


# --- the journal and the seams ---


def test_an_acquisition_is_journalled_step_by_step(world: World) -> None:
    world.acquire()
    world.acquire()
    assert [event.type for event in world.events()] == [
        EventType.DEVICE_AUTHORIZATION_ISSUED,
        EventType.USER_CODE_APPROVED,
        EventType.LICENSE_ISSUED,
        EventType.KEY_PUBLISHED,
        EventType.DEVICE_AUTHORIZATION_ISSUED,
        EventType.USER_CODE_APPROVED,
        EventType.LICENSE_ENDED,
        EventType.LICENSE_ISSUED,
    ]


def test_the_journal_holds_no_device_code_and_no_token(world: World) -> None:
    authorization = world.authorize()
    world.approve(authorization)
    tokens = expect(IssuedTokens, world.poll(authorization))
    journal = repr(world.store.journal(QA))
    for secret in (authorization.device_code, tokens.access_token, tokens.refresh_token):
        assert secret not in journal
        assert secret.rpartition(".")[2] not in journal


def test_a_wrapped_decision_is_the_one_that_is_asked() -> None:
    plain = Decisions()

    def lying(grant: DeviceGrant, **given: Any) -> tuple[DeviceGrant, Redeem | Refusal]:
        after, answer = plain.poll(grant, **given)
        return replace(after, interval=grant.interval), answer

    world = a_world(decisions=replace(plain, poll=lying))
    authorization = world.authorize()
    world.poll(authorization)
    assert isinstance(world.poll(authorization), SlowDown)
    assert grant_of(world, authorization).interval == 5
