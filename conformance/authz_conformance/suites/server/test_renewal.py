"""Renewal and lapse."""

from __future__ import annotations

from authz_conformance.clocks.port import DAY
from authz_conformance.expectations import expect
from authz_conformance.rules import rule
from authz_conformance.server_under_test import ServerUnderTest


@rule("renew.lapsed-is-refused")
def test_lapsed_is_refused(server: ServerUnderTest) -> None:
    renewal_at = int(server.clock.now()) + 40 * DAY
    tokens = server.acquire(server.provision.create_device(renewal_at=renewal_at))
    with server.clock.at(renewal_at - 1):
        in_time = server.refresh(tokens)
    tokens = expect.tokens(in_time)
    server.clock.move_to(renewal_at)
    expect.error(server.refresh(tokens), "invalid_grant")


@rule("renew.next-refresh-carries-it")
def test_next_refresh_carries_it(server: ServerUnderTest) -> None:
    renewal_at = int(server.clock.now()) + 40 * DAY
    device = server.provision.create_device(renewal_at=renewal_at)
    tokens = server.acquire(device)
    with server.clock.at(renewal_at - 1):
        server.provision.renew(device, renewal_at + 365 * DAY)
    server.clock.move_to(renewal_at + DAY)
    answer = server.refresh(tokens)
    carried = expect.jwt(expect.tokens(answer).access_token, exchange=answer).license.get("renewal_at")
    expect.equal(carried, renewal_at + 365 * DAY, what="license.renewal_at", exchange=answer)


@rule("renew.to-no-date")
def test_to_no_date(server: ServerUnderTest) -> None:
    renewal_at = int(server.clock.now()) + 40 * DAY
    device = server.provision.create_device(renewal_at=renewal_at)
    tokens = server.acquire(device)
    server.provision.renew(device, None)
    server.clock.move_to(renewal_at + DAY)
    expect.tokens(server.refresh(tokens))
