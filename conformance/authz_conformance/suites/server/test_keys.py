"""The key set: what is in it, and when."""

from __future__ import annotations

from authz_conformance.catalogue import Capability
from authz_conformance.exchange import Exchange
from authz_conformance.expectations import expect, given
from authz_conformance.flow import Tokens
from authz_conformance.rules import rule
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.suites.server.licenses import instant
from authz_conformance.suites.server.signatures import is_signed_by
from authz_conformance.verdicts import NotTestable

PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
KEPT_AFTER_LAST_EXP_SECONDS = 60


def kid_of(server: ServerUnderTest, tokens: Tokens) -> str:
    """Tell which key signed a license token."""
    kid = server.decode(tokens).header.get("kid")
    if not isinstance(kid, str):
        raise NotTestable("the access token names no key (keys.signing-key-published)")
    return kid


def kids_in(answer: Exchange) -> list[str]:
    """Name the keys of a set."""
    given.success(answer)
    keys = given.member(answer, "keys", list)
    return [str(key["kid"]) for key in keys if isinstance(key, dict) and "kid" in key]


def signed_and_rotated(server: ServerUnderTest) -> tuple[str, int]:
    """Have a key sign for the last time shortly before the next takes over; give its kid and that token's exp."""
    shortly = server.terms.license_token_seconds // 8
    server.provision.rotate_keys()
    server.clock.advance(server.terms.license_token_seconds - shortly)
    last = server.acquire()
    server.clock.advance(shortly)
    old, new = kid_of(server, last), kid_of(server, server.acquire())
    if old == new:
        raise NotTestable("the new key does not sign yet (keys.published-before-signing)")
    return old, instant(last, "exp")


@rule("keys.signing-key-published")
def test_signing_key_published(server: ServerUnderTest) -> None:
    token = server.decode(server.acquire())
    answer = server.fetch_jwks()
    kid, kids = token.header.get("kid"), kids_in(answer)
    expect.that(kid in kids, wanted=f"the key {kid} in the set", found=kids, exchange=answer)
    named = [key for key in answer.members["keys"] if isinstance(key, dict) and key.get("kid") == kid]
    expect.that(
        any(is_signed_by(token, key) for key in named),
        wanted=f"a signature that verifies with the key {kid}",
        found="one that does not",
        exchange=answer,
    )


@rule("keys.kid-is-distinct")
def test_kid_is_distinct(server: ServerUnderTest) -> None:
    sampled = [server.fetch_jwks()]
    for _ in range(2):
        server.provision.rotate_keys()
        sampled.append(server.fetch_jwks())
    if Capability.ADVANCE_CLOCK in server.clock.offers:
        server.clock.advance(server.terms.license_token_seconds)
        sampled.append(server.fetch_jwks())
    for answer in sampled:
        kids = kids_in(answer)
        expect.that(len(set(kids)) == len(kids), wanted="distinct kids", found=kids, exchange=answer)


@rule("keys.nothing-private")
def test_nothing_private(server: ServerUnderTest) -> None:
    answer = server.fetch_jwks()
    given.success(answer)
    for key in given.member(answer, "keys", list):
        if not isinstance(key, dict):
            continue
        found = [name for name in PRIVATE if name in key]
        expect.that(not found, wanted="no private member", found=", ".join(found), exchange=answer)
        expect.that(key.get("kty") != "oct", wanted="no symmetric key", found=key.get("kty"), exchange=answer)


@rule("keys.published-before-signing")
def test_published_before_signing(server: ServerUnderTest) -> None:
    old = kid_of(server, server.acquire())
    earliest = int(server.clock.now())
    server.provision.rotate_keys()
    latest = int(server.clock.now())
    announced = kids_in(server.fetch_jwks())
    server.clock.move_to(earliest + server.terms.license_token_seconds - 1)
    before = server.acquire()
    expect.equal(kid_of(server, before), old, what="signed by", exchange=before.exchange)
    server.clock.move_to(latest + server.terms.license_token_seconds)
    after = server.acquire()
    kid = kid_of(server, after)
    expect.that(
        kid in announced and kid != old,
        wanted=f"signed by a new key that was in the set one lifetime before: {', '.join(announced)}",
        found=kid,
        exchange=after.exchange,
    )


@rule("keys.retired-key-kept")
def test_retired_key_kept(server: ServerUnderTest) -> None:
    retired, last_exp = signed_and_rotated(server)
    sampled = [server.fetch_jwks()]
    server.clock.move_to(last_exp)
    sampled.append(server.fetch_jwks())
    for answer in sampled:
        kids = kids_in(answer)
        expect.that(retired in kids, wanted=f"{retired} in the set", found=kids, exchange=answer)


@rule("keys.retired-key-dropped")
def test_retired_key_dropped(server: ServerUnderTest) -> None:
    retired, last_exp = signed_and_rotated(server)
    dropped_at = last_exp + KEPT_AFTER_LAST_EXP_SECONDS
    server.clock.move_to(last_exp)
    is_kept = retired in kids_in(server.fetch_jwks())  # else keys.retired-key-kept is broken, not this rule
    with server.clock.at(dropped_at - 1):
        before = server.fetch_jwks()
    if is_kept:
        kids = kids_in(before)
        expect.that(retired in kids, wanted=f"{retired} in the set", found=kids, exchange=before)
    server.clock.move_to(dropped_at)
    after = server.fetch_jwks()
    kids = kids_in(after)
    expect.that(retired not in kids, wanted=f"{retired} in the set no longer", found=kids, exchange=after)
