from __future__ import annotations

from dataclasses import replace

import pytest
from joserfc import jws

from mock_authz.usecases import administer, keep, keys
from mock_authz.usecases.context import Behaviour, Minting
from mock_authz.usecases.tokens import IssuedTokens
from tests.factories import DAY, NOW, World, a_world, expect


def published(world: World, now: int) -> list[str]:
    return [key["kid"] for key in keys.jwks(world.at(now))["keys"]]


def kid_of(tokens: IssuedTokens) -> str:
    return str(jws.extract_compact(tokens.access_token.encode()).headers()["kid"])


def refreshed(world: World, tokens: IssuedTokens, now: int) -> IssuedTokens:
    answer = keep.refresh(
        world.at(now), client_id="pos-server", refresh_token=tokens.refresh_token, scope=None
    )
    return expect(IssuedTokens, answer)


def test_the_first_key_is_made_when_somebody_first_asks_and_stays(world: World) -> None:
    assert published(world, NOW) == published(world, NOW + 3650 * DAY)


def test_the_jwks_holds_no_private_member(world: World) -> None:
    keys.list_keys(world.at(NOW))
    for alg in ("ES256", "RS256"):
        administer.change_settings(world.at(NOW), {"alg": alg})
        keys.rotate_keys(world.at(NOW))
    listed = keys.jwks(world.at(NOW))["keys"]
    assert [key["alg"] for key in listed] == ["Ed25519", "ES256", "RS256"]
    for key in listed:
        assert not {"d", "p", "q", "dp", "dq", "qi", "oth", "k"} & set(key)
        assert key["use"] == "sig"


@pytest.mark.parametrize("elapsed", [7 * DAY - 1, 7 * DAY, 7 * DAY + 1])
def test_a_new_key_is_published_at_once_and_signs_one_token_lifetime_later(
    world: World, elapsed: int
) -> None:
    tokens = world.acquire()
    old, new = kid_of(tokens), keys.rotate_keys(world.at(NOW)).kid
    assert published(world, NOW) == [old, new]
    signed_by = kid_of(refreshed(world, tokens, NOW + elapsed))
    assert signed_by == (old if elapsed < 7 * DAY else new)


def test_the_wait_is_the_token_lifetime_that_holds_when_the_key_is_made(world: World) -> None:
    administer.change_settings(world.at(NOW), {"license_token_seconds": DAY})
    assert keys.rotate_keys(world.at(NOW)).signs_from_at == NOW + DAY


def test_at_once_on_request_a_new_key_signs_before_anybody_has_met_it(world: World) -> None:
    tokens = world.acquire()
    new = keys.rotate_keys(world.at(NOW), immediately=True)
    assert kid_of(refreshed(world, tokens, NOW)) == new.kid


@pytest.mark.parametrize(
    ("now", "stays"),
    [(NOW + 14 * DAY - 1 + 59, True), (NOW + 14 * DAY - 1 + 60, False), (NOW + 14 * DAY - 1 + 61, False)],
)
def test_a_retired_key_stays_until_the_last_exp_that_it_signed_and_sixty_seconds(
    world: World,
    now: int,
    stays: bool,  # noqa: FBT001 - a case's outcome
) -> None:
    tokens = world.acquire()
    keys.rotate_keys(world.at(NOW))
    # The last token that the old key signs, one second before it retires.
    last = refreshed(world, tokens, NOW + 7 * DAY - 1)
    refreshed(world, last, NOW + 7 * DAY)
    assert (kid_of(tokens) in published(world, now)) is stays


def test_every_live_license_token_verifies_with_the_published_keys_over_many_rotations(world: World) -> None:
    tokens, issued = world.acquire(), []
    for now in range(NOW, NOW + 60 * DAY, 3 * DAY):
        if (now - NOW) % (9 * DAY) == 0:
            keys.rotate_keys(world.at(now))
        tokens = refreshed(world, tokens, now)
        issued.append((kid_of(tokens), now + 7 * DAY))
        assert {kid for kid, expires_at in issued if now < expires_at + 60} <= set(published(world, now))
    assert len({kid for kid, _ in issued}) > 3


def test_with_the_clock_moved_back_the_retired_key_signs_again(world: World) -> None:
    tokens = world.acquire()
    keys.rotate_keys(world.at(NOW))
    later = refreshed(world, tokens, NOW + 7 * DAY)
    earlier = refreshed(world, later, NOW + DAY)
    assert kid_of(later) != kid_of(earlier) == kid_of(tokens)
    assert set(published(world, NOW + DAY)) == {kid_of(later), kid_of(earlier)}


def test_a_key_has_the_algorithm_that_the_settings_name_when_it_is_made(world: World) -> None:
    tokens = world.acquire()
    administer.change_settings(world.at(NOW), {"alg": "ES256"})
    assert (
        jws.extract_compact(refreshed(world, tokens, NOW).access_token.encode()).headers()["alg"] == "Ed25519"
    )
    assert keys.rotate_keys(world.at(NOW)).alg == "ES256"


@pytest.mark.parametrize("alg", ["ES256", "Ed25519"])
def test_a_seeded_sandbox_has_the_same_keys_each_time(alg: str) -> None:
    one, other = a_world(alg=alg), a_world(alg=alg)
    for world in (one, other):
        keys.rotate_keys(world.at(NOW))
    assert keys.jwks(one.at(NOW)) == keys.jwks(other.at(NOW))


def test_the_header_names_the_type_the_algorithm_and_the_key(world: World) -> None:
    tokens = world.acquire()
    headers = jws.extract_compact(tokens.access_token.encode()).headers()
    assert headers == {"typ": "at+jwt", "alg": "Ed25519", "kid": published(world, NOW)[0]}


def test_a_wrapped_minting_is_the_one_that_signs(world: World) -> None:
    plain = world.at(NOW)
    lying = replace(
        plain, behaviour=Behaviour(minting=Minting(public_jwk=lambda key: {"kid": key.kid + "?"}))
    )
    kid = keys.list_keys(plain)[0].kid
    assert keys.jwks(lying) == {"keys": [{"kid": kid + "?"}]}
