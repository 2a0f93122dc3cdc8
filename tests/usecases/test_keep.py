"""Keeping a license: refresh, endings, revocation, introspection, the directory.

Over 400 lines: one module of use cases, each of its refusals beside the success that it spoils.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mock_authz.domain.events import EventType
from mock_authz.domain.refusals import InvalidGrant, InvalidScope, InvalidToken, NotFound, Refusal
from mock_authz.usecases import administer, keep, keys
from mock_authz.usecases.tokens import IssuedTokens
from tests.factories import (
    DAY,
    HEAD_OFFICE,
    HOUR,
    ISSUER,
    NOW,
    QA,
    STORE_12,
    World,
    a_device,
    a_world,
    expect,
)

RENEWAL = NOW + 5 * DAY


def refresh(
    world: World, tokens: IssuedTokens, now: int, *, client_id: str = "pos-server", scope: str | None = None
) -> IssuedTokens | Refusal:
    return keep.refresh(world.at(now), client_id=client_id, refresh_token=tokens.refresh_token, scope=scope)


def refreshed(world: World, tokens: IssuedTokens, now: int) -> IssuedTokens:
    return expect(IssuedTokens, refresh(world, tokens, now))


def revoke(
    world: World, presented: str, now: int = NOW, *, client_id: str = "pos-server"
) -> InvalidGrant | None:
    return keep.revoke(world.at(now), client_id=client_id, presented=presented)


def refusal_of_a_refresh(world: World, tokens: IssuedTokens, now: int) -> str | None:
    return expect(InvalidGrant, refresh(world, tokens, now)).reason


def refusal_of_the_bearer(world: World, tokens: IssuedTokens, now: int) -> str | None:
    return expect(InvalidToken, keep.authenticate(world.at(now), tokens.access_token)).reason


# --- refresh ---


def test_each_refresh_rotates_and_mints(world: World) -> None:
    first = world.acquire()
    second = refreshed(world, first, NOW + DAY)
    third = refreshed(world, second, NOW + 2 * DAY)
    assert len({first.refresh_token, second.refresh_token, third.refresh_token}) == 3
    claims = world.caller(third, NOW + 2 * DAY).claims
    assert (claims["iat"], claims["nbf"], claims["exp"]) == (NOW + 2 * DAY, NOW + 2 * DAY, NOW + 9 * DAY)
    assert third.expires_in == 7 * DAY


@pytest.mark.parametrize("elapsed", [0, 1, DAY - 1])
def test_a_retry_gets_the_same_successor_byte_for_byte_and_a_fresh_license_token(
    world: World, elapsed: int
) -> None:
    first = world.acquire()
    second = refreshed(world, first, NOW)
    again = refreshed(world, first, NOW + elapsed)
    assert again.refresh_token == second.refresh_token
    assert world.caller(again, NOW + elapsed).claims["jti"] != world.caller(second, NOW).claims["jti"]
    assert world.caller(again, NOW + elapsed).claims["iat"] == NOW + elapsed


@pytest.mark.parametrize("elapsed", [DAY, DAY + 1])
def test_the_predecessor_after_its_retry_window_is_reuse_and_ends_the_license(
    world: World, elapsed: int
) -> None:
    first = world.acquire()
    second = refreshed(world, first, NOW)
    assert refusal_of_a_refresh(world, first, NOW + elapsed) == "refresh_token_reused"
    assert refusal_of_a_refresh(world, second, NOW + elapsed) == "refresh_token_reused"
    assert refusal_of_the_bearer(world, second, NOW + elapsed) == "refresh_token_reused"


def test_once_the_successor_was_used_the_predecessor_is_reuse_inside_the_window(world: World) -> None:
    first = world.acquire()
    refreshed(world, refreshed(world, first, NOW), NOW + 1)
    assert refusal_of_a_refresh(world, first, NOW + 2) == "refresh_token_reused"
    assert [event.subject["reason"] for event in world.events(EventType.LICENSE_ENDED)] == [
        "refresh_token_reused"
    ]


def test_the_retry_window_is_the_one_that_held_at_the_first_use(world: World) -> None:
    first = world.acquire()
    refreshed(world, first, NOW)
    administer.change_settings(world.at(NOW), {"refresh_retry_window_seconds": 0})
    assert isinstance(refresh(world, first, NOW + DAY - 1), IssuedTokens)


@pytest.mark.parametrize("given", ["", "x", "license.0.x", "é", "\ud800.0.x", "a.0.b" * 1000])
def test_an_unknown_refresh_token_is_refused_and_changes_nothing(world: World, given: str) -> None:
    world.acquire()
    before = world.license_of()
    answer = keep.refresh(world.at(NOW), client_id="pos-server", refresh_token=given, scope=None)
    assert expect(InvalidGrant, answer).reason == "refresh_token_unknown"
    assert world.license_of() == before


def test_another_client_s_refresh_token_is_unknown_and_changes_nothing(world: World) -> None:
    tokens = world.acquire()
    before = world.license_of()
    answer = refresh(world, tokens, NOW, client_id="register")
    assert expect(InvalidGrant, answer).reason == "refresh_token_unknown"
    assert world.license_of() == before
    assert isinstance(refresh(world, tokens, NOW), IssuedTokens)


def test_a_refresh_token_from_after_a_restored_snapshot_is_unknown_and_ends_nothing(world: World) -> None:
    first = world.acquire()
    world.store.copy(QA, "snapshot")
    second = refreshed(world, first, NOW)
    world.store.copy("snapshot", QA)
    assert refusal_of_a_refresh(world, second, NOW) == "refresh_token_unknown"
    assert world.license_of().ending is None
    assert refreshed(world, first, NOW).refresh_token == second.refresh_token


@pytest.mark.parametrize("scope", ["admin", "license admin"])
def test_a_refresh_never_widens_the_scope(world: World, scope: str) -> None:
    tokens = world.acquire()
    assert isinstance(refresh(world, tokens, NOW, scope=scope), InvalidScope)
    assert world.license_of().refresh_tokens.generation == 0


def test_the_scope_is_always_returned(world: World) -> None:
    tokens = world.acquire()
    answer = expect(IssuedTokens, refresh(world, tokens, NOW, scope="openid license"))
    assert answer.scope == "license"


@pytest.mark.parametrize(
    ("now", "refused"), [(NOW + 90 * DAY - 1, False), (NOW + 90 * DAY, True), (NOW + 90 * DAY + 1, True)]
)
def test_a_refresh_token_lives_ninety_days(world: World, now: int, refused: bool) -> None:  # noqa: FBT001 - a case's outcome
    tokens = world.acquire()
    if refused:
        assert refusal_of_a_refresh(world, tokens, now) == "refresh_token_expired"
        assert world.license_of().ending is None
    else:
        assert isinstance(refresh(world, tokens, now), IssuedTokens)


def test_a_change_of_lifetimes_applies_to_what_is_issued_later(world: World) -> None:
    tokens = world.acquire()
    administer.change_settings(world.at(NOW), {"license_token_seconds": HOUR, "refresh_token_seconds": DAY})
    assert world.caller(tokens, NOW + DAY).claims["exp"] == NOW + 7 * DAY
    assert world.license_of().refresh_tokens.expires_at == NOW + 90 * DAY
    later = refreshed(world, tokens, NOW + DAY)
    assert later.expires_in == HOUR
    assert world.license_of().refresh_tokens.expires_at == NOW + 2 * DAY


# --- what a refresh carries ---


def test_the_hub_is_read_at_each_minting(world: World) -> None:
    first = world.acquire()
    assert world.caller(first).claims["license"]["hub"] == {
        "server_id": HEAD_OFFICE, "name": "Head Office", "url": "https://pos.harbor.example",
    }  # fmt: skip
    administer.change_device(world.at(NOW), HEAD_OFFICE, {"name": "HQ", "url": None})
    second = refreshed(world, first, NOW)
    hub = world.caller(second).claims["license"]["hub"]
    assert hub["name"] == "HQ"
    assert hub.get("url") is None


@pytest.mark.parametrize(
    "change",
    [
        lambda world: administer.disable_device(world.at(NOW), HEAD_OFFICE),
        lambda world: administer.delete_device(world.at(NOW), HEAD_OFFICE),
        lambda world: administer.change_device(world.at(NOW), STORE_12, {"hub": None}),
    ],
    ids=["disabled", "deleted", "taken away"],
)
def test_without_a_hub_the_member_is_absent(world: World, change: Callable[[World], object]) -> None:
    first = world.acquire()
    change(world)
    assert "hub" not in world.caller(refreshed(world, first, NOW)).claims["license"]


def test_names_and_features_follow_the_records_at_the_next_refresh(world: World) -> None:
    first = world.acquire()
    administer.rename_organization(world.at(NOW), "harbor", name="Harbour")
    administer.change_device(world.at(NOW), STORE_12, {"name": "Twelve", "features": ("xms", "a")})
    license_ = world.caller(refreshed(world, first, NOW)).claims["license"]
    assert license_["organization"] == {"id": "harbor", "name": "Harbour"}
    assert (license_["server_name"], license_["features"]) == ("Twelve", ["a", "xms"])


# --- renewal ---


@pytest.mark.parametrize(("now", "in_time"), [(RENEWAL - 1, True), (RENEWAL, False), (RENEWAL + 1, False)])
def test_a_renewal_takes_effect_before_the_lapse_only(world: World, now: int, in_time: bool) -> None:  # noqa: FBT001 - a case's outcome
    administer.renew_device(world.at(NOW), STORE_12, renewal_at=RENEWAL)
    tokens = world.acquire()
    assert tokens.expires_in == 5 * DAY
    later = now + 365 * DAY
    administer.renew_device(world.at(now), STORE_12, renewal_at=later)
    device = world.device()
    assert device is not None
    assert device.renewal_at == later
    if in_time:
        # The token that was issued keeps its exp; the next refresh carries the new date.
        assert world.caller(tokens, now).claims["exp"] == RENEWAL
        claims = world.caller(refreshed(world, tokens, now), now).claims
        assert (claims["exp"], claims["license"]["renewal_at"]) == (now + 7 * DAY, later)
        assert claims["license"]["renewal_due_from"] == later - 30 * DAY
    else:
        assert refusal_of_a_refresh(world, tokens, now) == "license_expired"
        assert world.license_of().renewal_at == RENEWAL
        world.acquire(now)
        assert world.license_of().renewal_at == later


def test_a_renewal_in_time_saves_a_client_that_comes_after_the_old_date(world: World) -> None:
    administer.renew_device(world.at(NOW), STORE_12, renewal_at=RENEWAL)
    tokens = world.acquire()
    administer.renew_device(world.at(RENEWAL - 1), STORE_12, renewal_at=None)
    claims = world.caller(refreshed(world, tokens, RENEWAL + DAY), RENEWAL + DAY).claims
    assert "renewal_at" not in claims["license"]


def test_moving_the_clock_back_un_lapses(world: World) -> None:
    administer.renew_device(world.at(NOW), STORE_12, renewal_at=RENEWAL)
    tokens = world.acquire()
    assert refusal_of_a_refresh(world, tokens, RENEWAL) == "license_expired"
    assert isinstance(refresh(world, tokens, RENEWAL - 1), IssuedTokens)


# --- endings and their precedence ---

ENDINGS: dict[str, Callable[[World, IssuedTokens], object]] = {
    "license_revoked": lambda world, tokens: revoke(world, tokens.refresh_token),
    "license_superseded": lambda world, _: world.acquire(),
    "device_disabled": lambda world, _: administer.disable_device(world.at(NOW), STORE_12),
    "refresh_token_reused": lambda world, tokens: (
        refresh(world, refreshed(world, tokens, NOW), NOW),
        refresh(world, tokens, NOW),
    ),
}


@pytest.mark.parametrize("reason", ENDINGS)
def test_an_ended_license_is_refused_with_its_ending_everywhere_and_after_its_lapse_too(
    world: World, reason: str
) -> None:
    administer.renew_device(world.at(NOW), STORE_12, renewal_at=RENEWAL)
    tokens = world.acquire()
    ENDINGS[reason](world, tokens)
    for now in (NOW, RENEWAL, NOW + 91 * DAY):
        assert refusal_of_a_refresh(world, tokens, now) == reason
        assert refusal_of_the_bearer(world, tokens, now) == reason


@pytest.mark.parametrize("first", ["license_revoked", "license_superseded", "refresh_token_reused"])
@pytest.mark.parametrize("then", ["license_revoked", "license_superseded", "device_disabled"])
def test_the_first_ending_stays(world: World, first: str, then: str) -> None:
    tokens = world.acquire()
    ENDINGS[first](world, tokens)
    ENDINGS[then](world, tokens)
    assert refusal_of_a_refresh(world, tokens, NOW) == first


def test_enabling_a_device_permits_only_a_new_acquisition(world: World) -> None:
    tokens = world.acquire()
    administer.disable_device(world.at(NOW), STORE_12)
    administer.enable_device(world.at(NOW), STORE_12)
    assert refusal_of_a_refresh(world, tokens, NOW) == "device_disabled"
    world.acquire()
    assert refusal_of_a_refresh(world, tokens, NOW) == "device_disabled"


@pytest.mark.parametrize(
    "delete",
    [
        lambda world: administer.delete_device(world.at(NOW), STORE_12),
        lambda world: administer.delete_organization(world.at(NOW), "harbor"),
    ],
    ids=["device", "organization"],
)
def test_a_license_of_a_deleted_device_is_ended_as_disabled(
    world: World, delete: Callable[[World], object]
) -> None:
    tokens = world.acquire()
    delete(world)
    assert refusal_of_a_refresh(world, tokens, NOW) == "device_disabled"
    assert refusal_of_the_bearer(world, tokens, NOW) == "device_disabled"


# --- revocation ---


def test_the_newest_refresh_token_ends_its_license(world: World) -> None:
    tokens = world.acquire()
    assert revoke(world, tokens.refresh_token) is None
    assert refusal_of_a_refresh(world, tokens, NOW) == "license_revoked"


def test_a_predecessor_ends_the_license_however_old(world: World) -> None:
    first = world.acquire()
    third = refreshed(world, refreshed(world, first, NOW), NOW)
    assert revoke(world, first.refresh_token) is None
    assert refusal_of_a_refresh(world, third, NOW) == "license_revoked"


def test_an_expired_refresh_token_ends_its_license(world: World) -> None:
    tokens = world.acquire()
    assert revoke(world, tokens.refresh_token, NOW + 91 * DAY) is None
    assert world.license_of().ending == "license_revoked"


@pytest.mark.parametrize("now", [NOW, NOW + 8 * DAY])
def test_a_license_token_ends_its_license_expired_or_not(world: World, now: int) -> None:
    tokens = world.acquire()
    assert revoke(world, tokens.access_token, now) is None
    assert world.license_of().ending == "license_revoked"


def test_a_license_token_whose_key_has_left_the_jwks_ends_its_license(world: World) -> None:
    tokens = world.acquire()
    keys.rotate_keys(world.at(NOW), immediately=True)
    now = NOW + 8 * DAY
    assert len(keys.jwks(world.at(now))["keys"]) == 1
    assert revoke(world, tokens.access_token, now) is None
    assert world.license_of().ending == "license_revoked"


@pytest.mark.parametrize("presented", ["", "x", "a.b.c", "license.0.x", "\ud800"])
def test_revoking_an_unknown_token_is_no_error(world: World, presented: str) -> None:
    world.acquire()
    assert revoke(world, presented) is None
    assert world.license_of().ending is None


def test_another_client_s_tokens_are_refused_and_nothing_changes(world: World) -> None:
    tokens = world.acquire()
    for presented in (tokens.refresh_token, tokens.access_token):
        assert isinstance(revoke(world, presented, client_id="register"), InvalidGrant)
    assert world.license_of().ending is None


def test_revoking_twice_is_revoking_once(world: World) -> None:
    tokens = world.acquire()
    assert revoke(world, tokens.refresh_token, NOW) is None
    assert revoke(world, tokens.refresh_token, NOW + 1) is None
    assert world.license_of().ended_at == NOW
    assert len(world.events(EventType.LICENSE_ENDED)) == 1


# --- bearer ---


@pytest.mark.parametrize(
    ("elapsed", "reason"),
    [(7 * DAY - 1, None), (7 * DAY, "license_token_expired"), (7 * DAY + 1, "license_token_expired")],
)
def test_a_license_token_is_admitted_until_its_exp(world: World, elapsed: int, reason: str | None) -> None:
    tokens = world.acquire()
    if reason is None:
        assert world.caller(tokens, NOW + elapsed).license.server_id == STORE_12
    else:
        assert refusal_of_the_bearer(world, tokens, NOW + elapsed) == reason


def test_an_older_license_token_of_a_live_license_is_admitted(world: World) -> None:
    tokens = world.acquire()
    refreshed(world, tokens, NOW + DAY)
    assert world.caller(tokens, NOW + DAY).claims["iat"] == NOW


@pytest.mark.parametrize("presented", ["", "x", "a.b.c", "\ud800"])
def test_what_is_no_license_token_of_ours_is_refused_without_a_reason(world: World, presented: str) -> None:
    answer = keep.authenticate(world.at(NOW), presented)
    assert expect(InvalidToken, answer).reason is None


def test_a_refresh_token_is_not_admitted_as_bearer(world: World) -> None:
    tokens = world.acquire()
    assert isinstance(keep.authenticate(world.at(NOW), tokens.refresh_token), InvalidToken)


def test_a_license_token_of_another_sandbox_is_refused(world: World) -> None:
    stranger = a_world()
    other = world.acquire()
    administer.change_settings(stranger.at(NOW), {"alg": "ES256"})
    stranger.acquire()
    assert expect(InvalidToken, keep.authenticate(stranger.at(NOW), other.access_token)).reason is None


# --- introspection ---


def test_a_live_license_token_of_the_own_organization_is_active_with_its_claims(world: World) -> None:
    caller = world.caller(world.acquire(server_id=HEAD_OFFICE))
    tokens = world.acquire()
    answer = keep.introspect(world.at(NOW), caller, presented=tokens.access_token)
    assert answer == {"active": True, "token_type": "Bearer", **world.caller(tokens).claims}


INACTIVE: dict[str, Callable[[World, IssuedTokens], int]] = {
    "expired": lambda _world, _tokens: NOW + 7 * DAY,
    "ended": lambda world, tokens: (revoke(world, tokens.access_token), NOW)[1],
    "not yet valid": lambda _world, _tokens: NOW - 1,
}


@pytest.mark.parametrize("case", INACTIVE)
def test_a_token_that_is_not_live_is_only_inactive(world: World, case: str) -> None:
    tokens = world.acquire()
    caller = world.caller(world.acquire(server_id=HEAD_OFFICE))
    now = INACTIVE[case](world, tokens)
    assert keep.introspect(world.at(now), caller, presented=tokens.access_token) == {"active": False}


def test_another_organization_s_token_is_only_inactive(world: World) -> None:
    peak = world.caller(world.acquire(server_id="peak", administrator="sam"))
    tokens = world.acquire()
    assert keep.introspect(world.at(NOW), peak, presented=tokens.access_token) == {"active": False}


def test_a_refresh_token_that_would_be_granted_a_refresh_is_active_and_introspecting_uses_it_not(
    world: World,
) -> None:
    first = world.acquire()
    second = refreshed(world, first, NOW)
    caller, before = world.caller(second), world.license_of()

    def told(tokens: IssuedTokens, now: int) -> dict[str, object]:
        return keep.introspect(world.at(now), caller, presented=tokens.refresh_token)

    active = {
        "active": True, "iss": ISSUER, "sub": STORE_12, "client_id": "pos-server", "scope": "license",
    }  # fmt: skip
    assert told(second, NOW) == {**active, "exp": NOW + 90 * DAY}
    assert told(first, NOW) == {**active, "exp": NOW + DAY}
    assert told(first, NOW + DAY) == {"active": False}
    assert told(second, NOW + 90 * DAY) == {"active": False}
    assert world.license_of() == before


def test_a_refresh_token_of_another_organization_or_an_ended_license_is_only_inactive(world: World) -> None:
    tokens, caller = world.acquire(), world.caller(world.acquire(server_id=HEAD_OFFICE))
    peak = world.caller(world.acquire(server_id="peak", administrator="sam"))
    assert keep.introspect(world.at(NOW), peak, presented=tokens.refresh_token) == {"active": False}
    revoke(world, tokens.refresh_token)
    assert keep.introspect(world.at(NOW), caller, presented=tokens.refresh_token) == {"active": False}


@pytest.mark.parametrize("presented", ["", "x", "a.b.c", "\ud800"])
def test_a_random_string_is_only_inactive(world: World, presented: str) -> None:
    caller = world.caller(world.acquire())
    assert keep.introspect(world.at(NOW), caller, presented=presented) == {"active": False}


# --- the caller's license, the directory ---


def test_the_caller_s_license_is_shown_as_the_records_have_it_now(world: World) -> None:
    tokens = world.acquire()
    administer.change_device(world.at(NOW), HEAD_OFFICE, {"name": "HQ"})
    administer.renew_device(world.at(NOW), STORE_12, renewal_at=NOW + 10 * DAY)
    shown = keep.show_license(world.at(NOW), world.caller(tokens))
    assert shown["license_status"] == "requires_renewal"
    assert (shown["server_id"], shown["token_state"]) == (STORE_12, "valid")
    assert shown["token_expires_at"] == NOW + 7 * DAY
    assert "HQ" in repr(shown)
    assert str(NOW + 10 * DAY) in repr(shown)


@pytest.mark.parametrize(
    ("left", "expected"), [(2 * DAY + 1, "valid"), (2 * DAY, "valid"), (2 * DAY - 1, "expiring")]
)
def test_the_presented_token_is_expiring_with_less_than_the_warning_left(
    world: World, left: int, expected: str
) -> None:
    tokens = world.acquire()
    now = NOW + 7 * DAY - left
    assert keep.show_license(world.at(now), world.caller(tokens, now))["token_state"] == expected


def test_the_directory_lists_the_enabled_servers_of_the_own_organization_by_name(world: World) -> None:
    world.store.commit(QA, expected={}, puts=[a_device("a", name="Annex"), a_device("z", enabled=False)])
    till = world.caller(world.acquire(server_id="till-1", client_id="register"))
    listed = [device.server_id for device in keep.list_servers(world.at(NOW), till)]
    assert listed == ["a", HEAD_OFFICE, STORE_12]


def test_a_server_of_the_own_organization_is_found(world: World) -> None:
    caller = world.caller(world.acquire())
    found = keep.find_server(world.at(NOW), caller, HEAD_OFFICE)
    assert getattr(found, "name", None) == "Head Office"


@pytest.mark.parametrize("server_id", ["peak", "till-1", "nowhere"])
def test_other_organizations_servers_and_registers_are_not_found(world: World, server_id: str) -> None:
    caller = world.caller(world.acquire())
    assert isinstance(keep.find_server(world.at(NOW), caller, server_id), NotFound)
