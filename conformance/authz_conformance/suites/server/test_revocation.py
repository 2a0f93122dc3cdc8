"""Revocation: RFC 7009, and what it ends by protocol.md."""

from __future__ import annotations

from urllib.parse import urlencode

from authz_conformance.expectations import expect, given
from authz_conformance.flow import Tokens
from authz_conformance.rules import rule
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.suites.server.licenses import NEVER_ISSUED, UNKNOWN_CLIENT, generations, granted
from authz_conformance.verdicts import NotTestable


def given_that_revocation_works(server: ServerUnderTest) -> None:
    """Find out with another license that a plain revocation is heard, which is a rule of its own."""
    probe = server.acquire(server.another_device())
    server.revoke(server.refresh_token_of(probe))
    if server.refresh(probe).error is None:
        raise NotTestable("a revoked refresh token is not refused (revoke.refresh-token)")


def opens_nothing(server: ServerUnderTest, tokens: Tokens) -> None:
    """Check that a license token is refused where it was good for something."""
    if "introspection_endpoint" in server.metadata:
        expect.refused(server.introspect(tokens.access_token, caller=tokens))
    else:
        expect.refused(server.license_view(tokens))


@rule("revoke.refresh-token")
def test_refresh_token(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    expect.status(server.revoke(server.refresh_token_of(tokens)), 200)
    expect.refused(server.refresh(tokens))


@rule("revoke.license-token")
def test_license_token(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    server.revoke(tokens.access_token)
    expect.refused(server.refresh(tokens))


@rule("revoke.rotated-refresh-token")
def test_rotated_refresh_token(server: ServerUnderTest) -> None:
    rotated, in_force = generations(server, server.acquire(), count=1)
    server.revoke(server.refresh_token_of(rotated))
    expect.refused(server.refresh(in_force))


@rule("revoke.expired-refresh-token")
def test_expired_refresh_token(server: ServerUnderTest) -> None:
    seconds = server.terms.license_token_seconds // 4
    server.provision.change_settings(refresh_token_seconds=seconds)
    first = server.acquire()
    server.clock.advance(seconds // 2)
    tokens = server.refreshed(first)
    server.clock.advance(seconds)
    given.success(server.license_view(tokens))
    server.revoke(server.refresh_token_of(tokens))
    opens_nothing(server, tokens)


@rule("revoke.unknown-is-200")
def test_unknown_is_200(server: ServerUnderTest) -> None:
    expect.status(server.revoke(NEVER_ISSUED), 200)
    server.still_alive()


@rule("revoke.again-is-200")
def test_again_is_200(server: ServerUnderTest) -> None:
    refresh_token = server.refresh_token_of(server.acquire())
    server.revoke(refresh_token)
    expect.status(server.revoke(refresh_token), 200)


@rule("revoke.wrong-hint-hides-nothing")
def test_wrong_hint_hides_nothing(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    given_that_revocation_works(server)
    server.revoke(server.refresh_token_of(tokens), token_type_hint="access_token")  # noqa: S106 - a hint
    expect.refused(server.refresh(tokens))


@rule("revoke.token-required")
def test_token_required(server: ServerUnderTest) -> None:
    form = {"client_id": server.client_id}
    expect.error(server.wire.post(server.endpoint("revocation"), form, step="revoke"), "invalid_request")
    server.still_alive()


@rule("revoke.unknown-client-refused")
def test_unknown_client_refused(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    answer = server.revoke(server.refresh_token_of(tokens), client_id=UNKNOWN_CLIENT)
    expect.error(answer, "invalid_client")
    granted(server.refresh(tokens))


@rule("revoke.foreign-is-invalid-grant")
def test_foreign_is_invalid_grant(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    for token in (server.refresh_token_of(tokens), tokens.access_token):
        expect.error(server.revoke(token, client_id=server.second_client_id), "invalid_grant")


@rule("revoke.foreign-changes-nothing")
def test_foreign_changes_nothing(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    server.revoke(server.refresh_token_of(tokens), client_id=server.second_client_id)
    granted(server.refresh(tokens))


@rule("revoke.get-refused")
def test_get_refused(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    query = urlencode({"token": server.refresh_token_of(tokens), "client_id": server.client_id})
    answer = server.wire.get(f"{server.endpoint('revocation')}?{query}", step="revoke")
    expect.that(
        answer.status is not None and answer.status >= 400,
        wanted="a status of 400 or more",
        found=answer.said,
        exchange=answer,
    )
    granted(server.refresh(tokens))
