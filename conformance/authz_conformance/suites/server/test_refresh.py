"""Refresh: rotation, retry, reuse."""

from __future__ import annotations

from authz_conformance.expectations import expect
from authz_conformance.rules import rule
from authz_conformance.server_under_test import ServerUnderTest


@rule("refresh.retry-gets-same-successor")
def test_retry_gets_same_successor(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    first = server.refreshed(tokens)
    answer = server.refresh(tokens)
    again = expect.tokens(answer)
    expect.that(
        again.refresh_token == first.refresh_token,
        wanted="the same successor, byte for byte",
        found="another one",
        exchange=answer,
    )


@rule("refresh.retry-window-is-half-open")
def test_retry_window_is_half_open(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    server.refreshed(tokens)
    ends_at = int(server.clock.now()) + server.terms.refresh_retry_window_seconds
    with server.clock.at(ends_at - 1):
        last_retry = server.refresh(tokens)
    expect.tokens(last_retry)
    server.clock.move_to(ends_at)
    expect.error(server.refresh(tokens), "invalid_grant", reason="refresh_token_reused")


@rule("reason.unknown")
def test_reason_of_unknown(server: ServerUnderTest) -> None:
    expect.error(server.refresh("never-issued-by-anybody"), "invalid_grant", reason="refresh_token_unknown")


@rule("end.administrator-revokes")
def test_administrator_revokes(server: ServerUnderTest) -> None:
    tokens = server.refreshed(server.acquire())
    server.provision.revoke(server.device)
    expect.error(server.refresh(tokens), "invalid_grant")
