"""Redeeming an approved code: once, by its owner, and only while everything still holds."""

from __future__ import annotations

from authz_conformance.catalogue import Capability
from authz_conformance.clocks.port import DAY
from authz_conformance.expectations import ANY_SUCCESS, expect, given
from authz_conformance.rules import rule
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.verdicts import NotTestable

AT_A_TIME = 8


@rule("redeem.approved-gives-tokens")
def test_approved_gives_tokens(server: ServerUnderTest) -> None:
    grant = server.approved_grant()
    expect.tokens(server.poll(grant))


@rule("redeem.latest-approval-only")
def test_latest_approval_only(server: ServerUnderTest) -> None:
    *earlier, latest = [server.approved_grant() for _ in range(3)]
    for grant in earlier:
        expect.error(server.poll(grant), "access_denied")
    expect.member(server.poll(latest), "access_token")


@rule("redeem.disabled-device-refused")
def test_disabled_device_refused(server: ServerUnderTest) -> None:
    grant = server.approved_grant()
    server.provision.disable(server.device)
    expect.error(server.poll(grant), "access_denied")


@rule("redeem.deleted-device-refused")
def test_deleted_device_refused(server: ServerUnderTest) -> None:
    device = server.provision.create_device()
    grant = server.approved_grant(device)
    server.provision.delete(device)
    expect.error(server.poll(grant), "access_denied")
    if Capability.SECOND_ORGANIZATION in server.provision.offers:
        organization = server.provision.create_organization(name="Short-lived")
        grant = server.approved_grant(server.provision.create_device(organization=organization))
        server.provision.delete_organization(organization)
        expect.error(server.poll(grant), "access_denied")


@rule("redeem.administrator-checked-again")
def test_administrator_checked_again(server: ServerUnderTest) -> None:
    administrator, grant = server.spare_administrator, server.new_grant()
    if administrator is None and not server.stage.isolates:
        raise NotTestable(
            "it would leave nobody who approves for the organization: no second administrator is offered"
        )
    server.approve(grant, administrator=administrator)
    server.provision.withdraw_administrator(administrator)
    expect.error(server.poll(grant), "access_denied")


@rule("redeem.failed-check-is-final")
def test_failed_check_is_final(server: ServerUnderTest) -> None:
    grant = server.approved_grant()
    server.provision.disable(server.device)
    if server.poll(grant).status in ANY_SUCCESS:
        raise NotTestable("no check failed at the redemption (redeem.disabled-device-refused)")
    server.provision.enable(server.device)
    expect.error(server.poll(grant), "access_denied", "slow_down")  # not throttled: a rule of its own


@rule("redeem.replay-revokes-nothing")
def test_replay_revokes_nothing(server: ServerUnderTest) -> None:
    grant = server.approved_grant()
    tokens = server.redeemed(grant, server.poll(grant))
    server.poll(grant)
    expect.member(server.refresh(tokens), "access_token")


@rule("redeem.copies-renewal-date")
def test_copies_renewal_date(server: ServerUnderTest) -> None:
    approved_with = int(server.clock.now()) + 40 * DAY
    device = server.provision.create_device(renewal_at=approved_with)
    grant = server.approved_grant(device)
    server.provision.renew(device, approved_with + 365 * DAY)
    token = server.decode(server.redeemed(grant, server.poll(grant)))
    found = token.license.get("renewal_at")
    expect.that(
        str(found) == str(approved_with + 365 * DAY),
        wanted=f"license.renewal_at {approved_with + 365 * DAY}",
        found=found,
        exchange=server.story.exchanges[-1],
    )


@rule("redeem.server-id-survives")
def test_server_id_survives(server: ServerUnderTest) -> None:
    first, second = server.acquire(), server.acquire()
    before, after = server.decode(first).claims.get("sub"), server.decode(second).claims.get("sub")
    given.that(isinstance(before, str), wanted="a claim sub", found=before, exchange=first.exchange)
    expect.equal(after, before, what="the sub of the first acquisition,", exchange=second.exchange)


@rule("redeem.once")
def test_once(server: ServerUnderTest) -> None:
    grant = server.approved_grant()
    given.tokens(server.poll(grant))
    for _ in range(2):
        expect.error(server.poll(grant), "invalid_grant")


@rule("redeem.once-under-concurrency")
def test_once_under_concurrency(server: ServerUnderTest) -> None:
    grant = server.approved_grant()
    answers = server.together(*[lambda: server.poll(grant)] * AT_A_TIME)
    winners = [answer for answer in answers if answer.status in ANY_SUCCESS]
    expect.that(
        len(winners) == 1,
        wanted="exactly one of the polls to get tokens",
        found=len(winners),
        exchange=winners[-1] if winners else answers[0],
    )
    for answer in answers:
        if answer not in winners:
            expect.error(answer, "invalid_grant")
