"""The server's clock stands still, goes back or leaps: what follows it, and what stays."""

from __future__ import annotations

from authz_conformance import real_time
from authz_conformance.catalogue import Capability
from authz_conformance.clocks.port import DAY
from authz_conformance.exchange import Exchange
from authz_conformance.expectations import expect, given
from authz_conformance.flow import Tokens
from authz_conformance.rules import rule
from authz_conformance.server_under_test import ServerUnderTest

A_REAL_SECOND = 1.1
FAR = 5 * 365 * DAY


@rule("clock.frozen-stands-still")
def test_frozen_stands_still(server: ServerUnderTest) -> None:
    if Capability.CHANGE_SETTINGS in server.provision.offers:
        server.provision.change_settings(interval_seconds=1)
    server.clock.freeze()
    first = server.refreshed(server.acquire())
    probe, grant = server.new_grant(), server.new_grant()
    server.poll(probe)
    is_throttled = server.poll(probe).error == "slow_down"  # a rule of its own
    server.poll(grant)
    real_time.sleep(min(grant.interval, A_REAL_SECOND) + 0.1)
    second = server.refreshed(first)
    before, after = (server.decode(tokens).claims.get("iat") for tokens in (first, second))
    expect.that(before == after, wanted=f"iat {before}", found=after, exchange=second.exchange)
    if is_throttled:
        expect.error(server.poll(grant), "slow_down")


@rule("clock.back-unlapses")
def test_back_unlapses(server: ServerUnderTest) -> None:
    acquired_at = int(server.clock.now())
    renewal_at = acquired_at + 40 * DAY
    tokens = server.acquire(server.provision.create_device(renewal_at=renewal_at))
    server.clock.move_to(renewal_at + DAY)
    given.refused(server.refresh(tokens))
    server.clock.move_to(acquired_at + DAY)
    expect.member(server.refresh(tokens), "access_token")


@rule("clock.back-unexpires")
def test_back_unexpires(server: ServerUnderTest) -> None:
    grant = server.new_grant()
    server.clock.move_to(grant.expires_at)
    server.poll(grant)
    server.clock.move_to(grant.issued_at + 1)
    expect.never(server.poll(grant), "expired_token")
    entry = server.human.approve(grant.user_code, server.device)
    expect.entry(entry, accepted=True, wanted="the approval to be accepted", exchange=grant.exchange)
    server.wait_interval(grant, slow_downs=1)
    expect.member(server.poll(grant), "access_token")


@rule("clock.back-keeps-endings")
def test_back_keeps_endings(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    acquired_at = int(server.clock.now())
    server.clock.advance(3600)
    for token in (server.refresh_token_of(tokens), tokens.access_token):
        server.revoke(token)
    ended = server.refresh(tokens)
    given.refused(ended)
    server.clock.move_to(acquired_at + 60)
    expect.error(server.refresh(tokens), "invalid_grant", reason=ended.members.get("reason"))


@rule("clock.back-keeps-data")
def test_back_keeps_data(server: ServerUnderTest) -> None:
    grant = server.new_grant()
    server.clock.advance(60)
    server.approve(grant)
    first = server.redeemed(grant, server.poll(grant))
    server.clock.advance(60)
    in_force = server.refreshed(first)
    server.clock.move_to(grant.issued_at + 1)
    expect.member(server.refresh(in_force), "access_token")
    expect.refused(server.poll(grant))


@rule("clock.back-poll-is-not-early")
def test_back_poll_is_not_early(server: ServerUnderTest) -> None:
    grant = server.new_grant()
    server.clock.move_to(grant.issued_at + 10)
    server.poll(grant)
    server.clock.move_to(grant.issued_at + 9)
    expect.never(server.poll(grant), "slow_down")


@rule("clock.back-retry-window-is-open")
def test_back_retry_window_is_open(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    acquired_at = int(server.clock.now())
    server.clock.move_to(acquired_at + DAY)
    successor = server.refreshed(tokens).refresh_token
    server.clock.move_to(acquired_at + 60)
    answer = server.refresh(tokens)
    expect.that(
        expect.member(answer, "refresh_token") == successor,
        wanted="the same successor",
        found="another one",
        exchange=answer,
    )


@rule("clock.moves-everything")
def test_moves_everything(server: ServerUnderTest) -> None:
    before, tokens_before = server.new_grant(), server.acquire()
    server.clock.move_to(before.issued_at + FAR)
    grant, tokens = server.new_grant(), server.acquire()
    expect.equal(grant.expires_in, before.expires_in, what="expires_in", exchange=grant.exchange)
    expect_same_life(tokens_before, tokens)
    issued, minted = dated(server, tokens_before), dated(server, tokens)
    expect_near(minted - issued, tokens.issued_at - tokens_before.issued_at, exchange=tokens.exchange)


def expect_same_life(before: Tokens, after: Tokens) -> None:
    """Check that a license token's expires_in is what it was before the clock moved."""
    found, wanted = (tokens.exchange.members.get("expires_in") for tokens in (after, before))
    expect.that(found == wanted, wanted=f"expires_in {wanted}", found=found, exchange=after.exchange)


def dated(server: ServerUnderTest, tokens: Tokens) -> float:
    """Give a license token's iat."""
    issued = server.decode(tokens).claims.get("iat")
    if not isinstance(issued, int | float):
        given.fail(wanted="a claim iat", found=repr(issued), exchange=tokens.exchange)
    return issued


def expect_near(found: float, wanted: float, *, exchange: Exchange) -> None:
    """Check that the date of a license token moved with the clock."""
    expect.that(
        abs(found - wanted) <= 2,
        wanted=f"an iat {wanted:g} s after the one before the clock moved",
        found=f"{found:g} s",
        exchange=exchange,
    )
