"""Polling: RFC 8628 3.5, and what protocol.md fixes beyond it."""

from __future__ import annotations

from authz_conformance.expectations import expect, given
from authz_conformance.rules import rule
from authz_conformance.server_under_test import ServerUnderTest


@rule("poll.undecided-is-pending")
def test_undecided_is_pending(server: ServerUnderTest) -> None:
    grant = server.new_grant()
    expect.error(server.poll(grant), "authorization_pending")


@rule("poll.denied-is-access-denied")
def test_denied_is_access_denied(server: ServerUnderTest) -> None:
    grant = server.new_grant()
    server.deny(grant)
    expect.error(server.poll(grant), "access_denied")


@rule("poll.expired-is-expired-token")
def test_expired_is_expired_token(server: ServerUnderTest) -> None:
    grant = server.new_grant()
    with server.clock.at(grant.expires_at - 1):
        before = server.poll(grant)
    expect.error(before, "authorization_pending")
    server.clock.move_to(grant.expires_at)
    expect.error(server.poll(grant), "expired_token")


@rule("poll.slow-down-adds-5")
def test_slow_down_adds_5(server: ServerUnderTest) -> None:
    patient, hasty = server.new_grant(), server.new_grant()
    for grant in (patient, hasty):
        given.error(server.poll(grant), "authorization_pending")
    for grant in (patient, hasty):
        given.error(server.poll(grant), "slow_down")
    throttled_at = int(server.clock.now())
    with server.clock.at(throttled_at + hasty.interval + 4):
        early = server.poll(hasty)
    expect.error(early, "slow_down")
    server.clock.move_to(throttled_at + patient.interval + 5)
    expect.error(server.poll(patient), "authorization_pending")


@rule("redeem.approved-gives-tokens")
def test_approved_gives_tokens(server: ServerUnderTest) -> None:
    grant = server.approved_grant()
    expect.tokens(server.poll(grant))
