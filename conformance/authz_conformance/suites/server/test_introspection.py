"""Introspection: RFC 7662, and what protocol.md adds to it."""

from __future__ import annotations

from authz_conformance.catalogue import Capability
from authz_conformance.exchange import Exchange
from authz_conformance.expectations import expect
from authz_conformance.flow import Tokens, take_apart
from authz_conformance.rules import rule
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.suites.server.forging import tampered
from authz_conformance.suites.server.licenses import (
    NEVER_ISSUED,
    generations,
    granted,
    instant,
    lifetime,
    revoked,
    whole,
)
from authz_conformance.targets.ports import Device
from authz_conformance.verdicts import NotTestable

REPEATED = ("iss", "sub", "aud", "client_id", "iat", "nbf", "exp", "jti", "scope", "license")
HOUR = 3600
FOR_KENSIUM = (401,)
FOR_ANYBODY = (400, 401, 403)


def is_inactive(answer: Exchange) -> None:
    """Check active false; that nothing else is said has a rule of its own."""
    expect.success(answer)
    expect.equal(answer.members.get("active"), False, what="active", exchange=answer)


def is_active(answer: Exchange) -> None:
    """Check active true."""
    expect.active(answer)


def a_caller(server: ServerUnderTest) -> Tokens:
    """Acquire another device's license, to ask with."""
    return server.acquire(server.another_device())


def told(server: ServerUnderTest, tokens: Tokens, claim: str) -> int:
    """Read an instant from an access token, or for an opaque one from what the server says of it."""
    if take_apart(tokens.access_token) is not None:
        return instant(tokens, claim)
    found = whole(server.introspect(tokens.access_token, caller=tokens).members.get(claim))
    if found is None:
        raise NotTestable(f"the access token is opaque, and its introspection says no {claim}")
    return found


@rule("introspect.live-is-active")
def test_live_is_active(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    is_active(server.introspect(tokens.access_token, caller=tokens))
    is_active(server.introspect(tokens.access_token, caller=a_caller(server)))


@rule("introspect.caller-is-authorized")
def test_caller_is_authorized(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    answer = server.introspect(tokens.access_token, caller=None)
    token = take_apart(tokens.access_token)
    # 7662 2.3 fixes 401 for credentials that are wrong; that there are none, 6749 5.2 lets a server say with 400
    expect.status(answer, *(FOR_KENSIUM if token and token.license else FOR_ANYBODY))
    expect.that("active" not in answer.members, wanted="no word of the token", found=answer.json)


@rule("introspect.expired-is-inactive")
def test_expired_is_inactive(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    expires_at = told(server, tokens, "exp")
    server.clock.move_to(expires_at - (expires_at - tokens.issued_at) // 2)
    caller = a_caller(server)
    if server.introspect(tokens.access_token, caller=caller).members.get("active") is False:
        raise NotTestable("a live access token is inactive (introspect.live-is-active)")
    with server.clock.at(expires_at - 1):
        before = server.introspect(tokens.access_token, caller=caller)
    is_active(before)
    # what counts fractions may say a whole second of it
    server.clock.move_to(expires_at + tokens.issued_by - tokens.issued_at)
    is_inactive(server.introspect(tokens.access_token, caller=caller))


@rule("introspect.not-yet-valid-is-inactive")
def test_not_yet_valid_is_inactive(server: ServerUnderTest) -> None:
    caller = a_caller(server)
    server.clock.move_to(int(server.clock.now()) + HOUR)
    tokens = server.acquire()
    server.clock.move_to(told(server, tokens, "nbf") - 1 - HOUR // 2)
    is_inactive(server.introspect(tokens.access_token, caller=caller))


@rule("introspect.revoked-is-inactive")
def test_revoked_is_inactive(server: ServerUnderTest) -> None:
    tokens, caller = server.acquire(), a_caller(server)
    revoked(server, tokens)
    is_inactive(server.introspect(tokens.access_token, caller=caller))


@rule("introspect.tampered-is-inactive")
def test_tampered_is_inactive(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    is_inactive(server.introspect(tampered(server.decode(tokens)), caller=tokens))


@rule("introspect.unknown-is-inactive")
def test_unknown_is_inactive(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    for unknown in (NEVER_ISSUED, "a.b.c"):
        is_inactive(server.introspect(unknown, caller=tokens))


@rule("introspect.inactive-says-nothing-else")
def test_inactive_says_nothing_else(server: ServerUnderTest) -> None:
    tokens, caller = server.acquire(), a_caller(server)
    revoked(server, tokens)
    found = False
    for inactive in (NEVER_ISSUED, tokens.access_token, server.refresh_token_of(tokens)):
        answer = server.introspect(inactive, caller=caller)
        if answer.members.get("active") is False:
            found = True
            expect.inactive(answer)
    if not found:
        raise NotTestable("nothing is inactive (introspect.unknown-is-inactive)")


@rule("introspect.token-required")
def test_token_required(server: ServerUnderTest) -> None:
    expect.status(server.introspect(None, caller=server.acquire()), 400)


@rule("introspect.foreign-organization-is-inactive")
def test_foreign_organization_is_inactive(server: ServerUnderTest) -> None:
    organization = server.provision.create_organization(name="Quay Traders")
    foreign = server.acquire(server.provision.create_device(organization=organization))
    caller = server.acquire()
    for token in (foreign.access_token, server.refresh_token_of(foreign)):
        answer = server.introspect(token, caller=caller)
        expect.inactive(answer)


@rule("introspect.says-what-the-token-says")
def test_says_what_the_token_says(server: ServerUnderTest) -> None:
    tokens = server.acquire(telling_device(server))
    claims = server.decode(tokens).claims
    answer = server.introspect(tokens.access_token, caller=tokens)
    if answer.members.get("active") is not True:
        raise NotTestable("a live license token is not active (introspect.live-is-active)")
    for name in REPEATED:
        expect.that(
            answer.members.get(name) == claims.get(name),
            wanted=f"{name} as in the token: {claims.get(name)}",
            found=answer.members.get(name),
            exchange=answer,
        )


def telling_device(server: ServerUnderTest) -> Device:
    """Give a device whose license token says as much as there is to say, as far as devices can be created."""
    if Capability.PROVISION not in server.provision.offers:
        return server.device
    renewal_at = int(server.clock.now()) + lifetime(server.acquire()) * 2
    hub = server.provision.create_device(name="Head Office")
    return server.provision.create_device(renewal_at=renewal_at, hub=hub)


@rule("introspect.refresh-token")
def test_refresh_token(server: ServerUnderTest) -> None:
    first, newer, *_, newest = generations(server, server.acquire())
    caller = a_caller(server)
    answer = server.introspect(server.refresh_token_of(newest), caller=caller)
    is_active(answer)
    exp = whole(expect.member(answer, "exp", int))
    expect.that(
        exp == newest.issued_at + server.terms.refresh_token_seconds,
        wanted="exp at its issue + the declared lifetime",
        found=exp,
        exchange=answer,
    )
    for rotated in (first, newer):
        answer = server.introspect(server.refresh_token_of(rotated), caller=caller)
        if answer.members.get("active") is True and "access_token" in server.refresh(rotated).members:
            raise NotTestable("a rotated refresh token is still good (refresh.rotated-token-refused)")
        is_inactive(answer)


@rule("introspect.is-no-use")
def test_is_no_use(server: ServerUnderTest) -> None:
    tokens, caller = server.acquire(), a_caller(server)
    for _ in range(2):
        server.introspect(server.refresh_token_of(tokens), caller=caller)
    answer = server.refresh(tokens)
    granted(answer)
    newer = str(answer.members.get("refresh_token"))
    server.introspect(newer, caller=caller)
    granted(server.refresh(tokens))  # a retry, as long as its successor is unused
    granted(server.refresh(newer))
