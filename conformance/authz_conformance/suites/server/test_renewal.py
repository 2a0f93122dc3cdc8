"""Renewal and lapse, by protocol.md."""

from __future__ import annotations

from authz_conformance.clocks.port import DAY
from authz_conformance.exchange import Exchange
from authz_conformance.expectations import expect, given
from authz_conformance.rules import rule
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.suites.server.licenses import YEAR, granted, instant, lapsing
from authz_conformance.verdicts import NotTestable

MINUTE = 60


def carries(answer: Exchange, renewal_at: int) -> None:
    """Check the renewal date in the license token of an answer, whatever its spelling."""
    found = given.jwt(granted(answer), exchange=answer).license.get("renewal_at")
    expect.that(
        str(found) == str(renewal_at),
        wanted=f"license.renewal_at {renewal_at}",
        found=found,
        exchange=answer,
    )


@rule("renew.lapsed-is-refused")
def test_lapsed_is_refused(server: ServerUnderTest) -> None:
    device, renewal_at = lapsing(server)
    tokens = server.acquire(device)
    with server.clock.at(renewal_at - 1):
        in_time = server.refresh(tokens)
    granted(in_time)
    server.clock.move_to(renewal_at)
    expect.error(server.refresh(given.tokens(in_time)), "invalid_grant")


@rule("renew.next-refresh-carries-it")
def test_next_refresh_carries_it(server: ServerUnderTest) -> None:
    device, renewal_at = lapsing(server)
    tokens = server.acquire(device)
    with server.clock.at(renewal_at - 1):
        server.provision.renew(device, renewal_at + YEAR)
    server.clock.move_to(renewal_at + DAY)
    carries(server.refresh(tokens), renewal_at + YEAR)


@rule("renew.to-no-date")
def test_to_no_date(server: ServerUnderTest) -> None:
    device, _ = lapsing(server)
    tokens = server.acquire(device)
    server.provision.renew(device, None)
    until = int(server.clock.now()) + 2 * YEAR
    while server.clock.now() < until:
        server.clock.advance(server.terms.refresh_token_seconds * 9 // 10)
        answer = server.refresh(tokens)
        if answer.members.get("reason") == "refresh_token_expired":
            raise NotTestable("refresh tokens expire too soon (refresh.expiry-counts-from-its-issue)")
        granted(answer)
        tokens = given.tokens(answer, client_id=tokens.client_id)


@rule("renew.issued-tokens-keep-exp")
def test_issued_tokens_keep_exp(server: ServerUnderTest) -> None:
    renewal_at = int(server.clock.now()) + server.terms.license_token_seconds // 2
    device = server.provision.create_device(renewal_at=renewal_at)
    tokens = server.refreshed(server.acquire(device))
    if instant(tokens, "exp") != renewal_at:
        raise NotTestable("the renewal date cuts no token short (claims.exp-capped-by-renewal)")
    server.provision.renew(device, renewal_at + YEAR)
    with server.clock.at(renewal_at - 1):
        before = server.license_view(tokens)
    given.success(before)
    server.clock.move_to(renewal_at + 5 * MINUTE)  # to the second, it is bearer.expired-is-invalid-token
    expect.refused(server.license_view(tokens))
    granted(server.refresh(tokens))


@rule("renew.after-lapse-revives-nothing")
def test_after_lapse_revives_nothing(server: ServerUnderTest) -> None:
    device, renewal_at = lapsing(server)
    later = server.provision.create_device(renewal_at=renewal_at)
    at_once, waiting = server.acquire(device), server.acquire(later)
    server.clock.move_to(renewal_at)
    server.provision.renew(device, renewal_at + YEAR)
    expect.error(server.refresh(at_once), "invalid_grant")
    server.clock.move_to(renewal_at + DAY)
    server.provision.renew(later, renewal_at + YEAR)
    expect.error(server.refresh(waiting), "invalid_grant")


@rule("renew.after-lapse-is-for-the-next")
def test_after_lapse_is_for_the_next(server: ServerUnderTest) -> None:
    device, renewal_at = lapsing(server)
    server.acquire(device)
    server.clock.move_to(renewal_at + DAY)
    server.provision.renew(device, renewal_at + YEAR)
    grant = server.new_grant()
    entry = server.human.approve(grant.user_code, device)
    expect.entry(entry, accepted=True, wanted="the approval to be accepted", exchange=grant.exchange)
    carries(server.poll(grant), renewal_at + YEAR)
