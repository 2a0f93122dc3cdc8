"""The device authorization response: RFC 8628 3.2 and 5.2, and what protocol.md fixes beyond it."""

from __future__ import annotations

import math
import re
import string

from authz_conformance.exchange import Exchange
from authz_conformance.expectations import expect, given
from authz_conformance.rules import rule
from authz_conformance.server_under_test import ServerUnderTest

CONSONANTS = frozenset("BCDFGHJKLMNPQRSTVWXZ")
CLASSES = ("0123456789", "abcdef", string.ascii_lowercase[6:], "ABCDEF", string.ascii_uppercase[6:])
ENOUGH_BITS = 128
MANY = 20
SOME = 4


@rule("codes.required-members")
def test_required_members(server: ServerUnderTest) -> None:
    answer = server.authorize_device()
    expect.success(answer)
    for name in ("device_code", "user_code", "verification_uri"):
        expect.member(answer, name)
    expect.that("expires_in" in answer.members, wanted="the member expires_in", found="none", exchange=answer)


@rule("codes.expires-in-is-whole-seconds")
def test_expires_in_is_whole_seconds(server: ServerUnderTest) -> None:
    answer = server.authorize_device()
    given.success(answer)
    seconds = expect_whole(answer, "expires_in")
    expect.that(seconds > 0, wanted="expires_in greater than 0", found=seconds, exchange=answer)


@rule("codes.interval-is-whole-seconds")
def test_interval_is_whole_seconds(server: ServerUnderTest) -> None:
    answer = server.authorize_device()
    given.success(answer)
    if "interval" in answer.members:
        seconds = expect_whole(answer, "interval")
        expect.that(seconds >= 0, wanted="interval not negative", found=seconds, exchange=answer)


@rule("codes.device-code-is-unique")
def test_device_code_is_unique(server: ServerUnderTest) -> None:
    expect_distinct(server, "device_code")


@rule("codes.user-code-is-unique")
def test_user_code_is_unique(server: ServerUnderTest) -> None:
    expect_distinct(server, "user_code")


@rule("codes.no-store")
def test_no_store(server: ServerUnderTest) -> None:
    answer = server.authorize_device()
    given.codes(answer)
    expect.header(answer, "cache-control", "no-store")


@rule("codes.verification-uri-without-user-code")
def test_verification_uri_without_user_code(server: ServerUnderTest) -> None:
    grant = server.new_grant()
    expect.that(
        plain(grant.user_code) not in plain(grant.verification_uri),
        wanted="a verification_uri without the user code",
        found=grant.verification_uri,
        exchange=grant.exchange,
    )


@rule("codes.device-code-unguessable")
def test_device_code_unguessable(server: ServerUnderTest) -> None:
    grants = [server.new_grant() for _ in range(SOME)]
    bits = bits_that_vary([grant.device_code for grant in grants])
    expect.that(
        bits >= ENOUGH_BITS,
        wanted=f"at least {ENOUGH_BITS} bits that differ from code to code",
        found=f"{bits:.0f} bits",
        exchange=grants[-1].exchange,
    )


@rule("codes.user-code-is-two-groups-of-four")
def test_user_code_is_two_groups_of_four(server: ServerUnderTest) -> None:
    for _ in range(SOME):
        grant = server.new_grant()
        expect.that(
            re.fullmatch(r"[^\W_]{4}-[^\W_]{4}", grant.user_code),
            wanted="a user_code like XXXX-XXXX",
            found=grant.user_code,
            exchange=grant.exchange,
        )


@rule("codes.user-code-alphabet")
def test_user_code_alphabet(server: ServerUnderTest) -> None:
    for _ in range(MANY):
        grant = server.new_grant()
        expect.that(
            CONSONANTS.issuperset(re.sub(r"[\W_]", "", grant.user_code)),
            wanted=f"a user_code of {''.join(sorted(CONSONANTS))}",
            found=grant.user_code,
            exchange=grant.exchange,
        )


@rule("codes.lifetime-as-declared")
def test_lifetime_as_declared(server: ServerUnderTest) -> None:
    grant = server.new_grant()
    expect.equal(grant.expires_in, server.terms.code_seconds, what="expires_in", exchange=grant.exchange)


@rule("codes.interval-as-declared")
def test_interval_as_declared(server: ServerUnderTest) -> None:
    grant = server.new_grant()
    expect.that(
        "interval" in grant.exchange.members, wanted="an interval", found="none", exchange=grant.exchange
    )
    expect.equal(grant.interval, server.terms.interval_seconds, what="interval", exchange=grant.exchange)


@rule("codes.lifetime-fixed-at-issue")
def test_lifetime_fixed_at_issue(server: ServerUnderTest) -> None:
    grant, lifetime = server.new_grant(), server.terms.code_seconds
    server.provision.change_settings(code_seconds=max(lifetime // 3, 60))
    with server.clock.at(grant.expires_at - 1):
        before = server.poll(grant)
    expect.never(before, "expired_token")
    server.provision.change_settings(code_seconds=lifetime * 3)
    server.clock.move_to(grant.expires_at)
    expect.error(server.poll(grant), "expired_token")


def expect_whole(answer: Exchange, name: str) -> float:
    """Check that a member is a JSON number without a fraction."""
    number: float = expect.member(answer, name, (int, float))
    expect.that(number % 1 == 0, wanted=f"{name} in whole seconds", found=number, exchange=answer)
    return number


def expect_distinct(server: ServerUnderTest, name: str) -> None:
    """Check that of many responses no two hold the same code."""
    seen = set()
    for _ in range(MANY):
        answer = server.authorize_device()
        given.codes(answer)
        code = answer.members[name]
        expect.that(code not in seen, wanted=f"another {name} each time", found="one again", exchange=answer)
        seen.add(code)


def plain(text: str) -> str:
    """Leave letters and digits, in capitals."""
    return re.sub(r"[\W_]", "", text).upper()


def bits_that_vary(codes: list[str]) -> float:
    """Estimate the entropy of codes: the positions at which they differ, times the bits of their alphabet."""
    varying = [place for place in zip(*codes, strict=False) if len(set(place)) > 1]
    used = set("".join(map("".join, varying)))
    classes = [set(one) for one in CLASSES]
    size = sum(len(one) for one in classes if one & used) + len(used.difference(*classes))
    return len(varying) * math.log2(max(size, 1))
