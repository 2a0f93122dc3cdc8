"""What a token response holds, to a poll and to a refresh: RFC 6749 5.1, RFC 6750, protocol.md."""

from __future__ import annotations

from authz_conformance.exchange import Exchange
from authz_conformance.expectations import ANY_SUCCESS, expect, given
from authz_conformance.flow import take_apart
from authz_conformance.rules import rule
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.suites.server.licenses import each, token_responses, whole
from authz_conformance.verdicts import NotTestable


@rule("tokens.scope-always-returned")
def test_scope_always_returned(server: ServerUnderTest) -> None:
    each(token_responses(server), lambda answer: expect.member(answer, "scope"))


@rule("tokens.refresh-token-included")
def test_refresh_token_included(server: ServerUnderTest) -> None:
    for _ in ("first", "anew"):
        answer = server.acquire().exchange
        expect.that(
            expect.member(answer, "refresh_token"),
            wanted="a refresh token",
            found="an empty one",
            exchange=answer,
        )


@rule("tokens.expires-in-agrees-with-exp")
def test_expires_in_agrees_with_exp(server: ServerUnderTest) -> None:
    renewal_at = int(server.clock.now()) + server.terms.license_token_seconds // 2
    cut_short = server.provision.create_device(renewal_at=renewal_at)
    for tokens in (server.acquire(), server.acquire(cut_short)):
        claims = server.decode(tokens).claims
        exp, iat = claims.get("exp"), whole(claims.get("iat"))
        given.that(iat is not None, wanted="a claim iat", found=claims.get("iat"), exchange=tokens.exchange)
        expires_in = whole(tokens.exchange.members.get("expires_in"))
        expect.that(
            isinstance(exp, int) and iat is not None and expires_in == exp - iat,
            wanted="expires_in to be exp - iat",
            found=f"expires_in {expires_in}, exp {exp}, iat {iat}",
            exchange=tokens.exchange,
        )


@rule("tokens.expires-in-is-a-number")
def test_expires_in_is_a_number(server: ServerUnderTest) -> None:
    answers = token_responses(server)
    if all("expires_in" not in answer.members for answer in answers):
        raise NotTestable("no token response has an expires_in, which RFC 6749 only recommends")
    each([answer for answer in answers if "expires_in" in answer.members], whole_and_positive)


def whole_and_positive(answer: Exchange) -> None:
    """Check expires_in."""
    seconds = expect.member(answer, "expires_in", (int, float))
    expect.that(
        seconds > 0 and seconds == int(seconds),
        wanted="expires_in whole and greater than 0",
        found=seconds,
        exchange=answer,
    )


@rule("tokens.no-store")
def test_no_store(server: ServerUnderTest) -> None:
    each(token_responses(server), lambda answer: expect.header(answer, "cache-control", "no-store"))


@rule("tokens.pragma-no-cache")
def test_pragma_no_cache(server: ServerUnderTest) -> None:
    each(token_responses(server), lambda answer: expect.header(answer, "pragma", "no-cache"))


@rule("tokens.type-is-bearer")
def test_type_is_bearer(server: ServerUnderTest) -> None:
    for answer in token_responses(server):
        kind = expect.member(answer, "token_type")
        expect.equal(kind.lower(), "bearer", what="token_type", exchange=answer)


@rule("tokens.scope-where-it-differs")
def test_scope_where_it_differs(server: ServerUnderTest) -> None:
    asked = " ".join(filter(None, [server.scope, "openid", "profile"]))
    if server.authorize_device(scope=asked).status not in ANY_SUCCESS:
        raise NotTestable("every scope that is not granted is refused, so none differs")
    grant = server.new_grant(scope=asked)
    server.approve(grant)
    tokens = server.redeemed(grant, server.poll(grant))
    if tokens.scope is not None:
        return
    token = take_apart(tokens.access_token)
    if token is None or not isinstance(token.claims.get("scope"), str):
        raise NotTestable("neither the response nor the token says what was granted")
    expect.that(
        set(token.claims["scope"].split()) == set(asked.split()),
        wanted="the scope granted, which differs from the one asked for, to be named",
        found="none",
        exchange=tokens.exchange,
    )
