"""A license token as Bearer: who is admitted, and how a refusal is said. RFC 6750, RFC 9068, protocol.md."""

from __future__ import annotations

from authz_conformance.exchange import Exchange
from authz_conformance.expectations import ANY_SUCCESS, expect
from authz_conformance.flow import Tokens
from authz_conformance.rules import rule
from authz_conformance.server_under_test import ServerUnderTest, bearer
from authz_conformance.suites.server.forging import confused, tampered, unsigned
from authz_conformance.suites.server.licenses import NEVER_ISSUED, instant, revoked
from authz_conformance.verdicts import NotTestable

MINUTE = 60
RESOURCES = ("license", "servers")


def presented(server: ServerUnderTest, token: str) -> list[Exchange]:
    """Present any text as Bearer at /license and /servers."""
    return [server.wire.get(server.endpoint(path), step=path, headers=bearer(token)) for path in RESOURCES]


def is_invalid_token(answer: Exchange) -> None:
    """Check for 401 and invalid_token."""
    expect.error(answer, "invalid_token", status=401)


@rule("bearer.header-accepted")
def test_header_accepted(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    for answer in presented(server, tokens.access_token):
        expect.success(answer)
    expect.success(server.introspect(tokens.access_token, caller=tokens))


@rule("bearer.query-refused")
def test_query_refused(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    for path in RESOURCES:
        url = f"{server.endpoint(path)}?access_token={tokens.access_token}"
        expect.refused(server.wire.get(url, step=path))


@rule("bearer.challenge")
def test_challenge(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    answers = [server.resource(path, None) for path in RESOURCES]
    answers += presented(server, NEVER_ISSUED)
    answers += [server.introspect(tokens.access_token, caller=None)]
    for answer in answers:
        if answer.status == 401:
            expect.header(answer, "www-authenticate", "Bearer")


@rule("bearer.no-error-code-without-token")
def test_no_error_code_without_token(server: ServerUnderTest) -> None:
    for path in RESOURCES:
        answer = server.resource(path, None)
        expect.status(answer, 401)
        challenge = answer.header("www-authenticate") or ""
        expect.that(
            "error" not in answer.members and "error=" not in challenge,
            wanted="no error code",
            found=f"{answer.members.get('error')}, challenge {challenge}",
            exchange=answer,
        )


@rule("bearer.malformed-is-invalid-request")
def test_malformed_is_invalid_request(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    twice = [*bearer(tokens).items(), *bearer(tokens).items()]
    for path in RESOURCES:
        answer = server.wire.send("GET", server.endpoint(path), step=path, headers=twice)
        expect.error(answer, "invalid_request", status=400)


@rule("bearer.expired-is-invalid-token")
def test_expired_is_invalid_token(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    expires_at = instant(tokens, "exp")
    with server.clock.at(expires_at - 1):
        before = server.license_view(tokens)
    expect.success(before)
    server.clock.move_to(expires_at)
    for answer in presented(server, tokens.access_token):
        is_invalid_token(answer)


@rule("bearer.expired-says-why")
def test_expired_says_why(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    server.clock.move_to(instant(tokens, "exp") + 5 * MINUTE)
    for answer in presented(server, tokens.access_token):
        reason = answer.members.get("reason")
        expect.equal(reason, "license_token_expired", what="the reason", exchange=answer)


@rule("bearer.tampered-is-invalid-token")
def test_tampered_is_invalid_token(server: ServerUnderTest) -> None:
    forged = tampered(server.decode(server.acquire()))
    for answer in presented(server, forged):
        is_invalid_token(answer)


@rule("bearer.refresh-token-is-invalid-token")
def test_refresh_token_is_invalid_token(server: ServerUnderTest) -> None:
    for answer in presented(server, server.refresh_token_of(server.acquire())):
        is_invalid_token(answer)


@rule("bearer.alg-none-refused")
def test_alg_none_refused(server: ServerUnderTest) -> None:
    for answer in presented(server, unsigned(server.decode(server.acquire()))):
        expect.status(answer, 401)


@rule("bearer.key-confusion-refused")
def test_key_confusion_refused(server: ServerUnderTest) -> None:
    token = server.decode(server.acquire())
    for jwk in server.jwks():
        for forged in confused(token, jwk):
            for answer in presented(server, forged):
                expect.status(answer, 401)


# -------------------------------------------------------------------------------------------------- ended licenses
@rule("bearer.ended-is-invalid-token")
def test_ended_is_invalid_token(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    if server.license_view(tokens).status not in ANY_SUCCESS:
        raise NotTestable("a live license token is refused as well (bearer.header-accepted)")
    revoked(server, tokens)
    for answer in presented(server, tokens.access_token):
        is_invalid_token(answer)
    is_invalid_token(server.introspect(tokens.access_token, caller=tokens))


@rule("bearer.ended-says-why")
def test_ended_says_why(server: ServerUnderTest) -> None:
    superseded = server.acquire()
    by_client = server.acquire()
    revoked(server, by_client)
    as_a_refresh_says(server, by_client, "license_revoked")
    as_a_refresh_says(server, superseded, "license_superseded")
    last = server.provision.create_device()
    disabled = server.acquire(last)
    server.provision.disable(last)
    as_a_refresh_says(server, disabled, "device_disabled")


def as_a_refresh_says(server: ServerUnderTest, tokens: Tokens, reason: str) -> None:
    """Check the reason of a 401: the one of protocol.md, or what this server answers a refresh."""
    refresh = server.refresh(tokens)
    for answer in presented(server, tokens.access_token):
        if answer.status in ANY_SUCCESS:
            continue  # against a rule of its own
        found = answer.members.get("reason")
        expect.that(
            found in (reason, refresh.members.get("reason") or reason),
            wanted=f"the reason {reason}",
            found=found,
            exchange=answer,
        )
