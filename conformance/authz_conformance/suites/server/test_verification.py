"""What becomes of an entered user code: which spellings count, and when it can be approved or denied."""

from __future__ import annotations

from authz_conformance.expectations import ANY_SUCCESS, expect, given
from authz_conformance.flow import Grant, spelled_plainly
from authz_conformance.rules import rule
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.suites.server.user_codes import made_up, spread
from authz_conformance.targets.ports import Entry


@rule("verify.case-is-ignored")
def test_case_is_ignored(server: ServerUnderTest) -> None:
    grant = server.new_grant()
    expect_accepted(server.human.approve(grant.user_code.lower(), server.device), grant)


@rule("verify.punctuation-is-ignored")
def test_punctuation_is_ignored(server: ServerUnderTest) -> None:
    for spell in (spelled_plainly, spread):
        grant = server.new_grant()
        expect_accepted(server.human.approve(spell(grant.user_code), server.device), grant)


@rule("verify.expired-user-code-refused")
def test_expired_user_code_refused(server: ServerUnderTest) -> None:
    to_approve = server.new_grant()
    with server.clock.at(to_approve.expires_at - 1):
        approval = server.human.approve(to_approve.user_code, server.device)
    expect_accepted(approval, to_approve)
    to_deny, late_to_approve, late_to_deny = (server.new_grant() for _ in range(3))
    with server.clock.at(to_deny.expires_at - 1):
        denial = server.human.deny(to_deny.user_code)
    expect_accepted(denial, to_deny)
    server.clock.move_to(late_to_deny.expired_at)
    approval = server.human.approve(
        late_to_approve.user_code, server.device, administrator=server.spare_administrator
    )
    expect_refused(approval, late_to_approve)
    expect_refused(
        server.human.deny(late_to_deny.user_code, administrator=server.spare_administrator), late_to_deny
    )


@rule("verify.only-own-organization")
def test_only_own_organization(server: ServerUnderTest) -> None:
    elsewhere = server.provision.create_organization(name="Another one")
    stranger = server.provision.second_administrator(organization=elsewhere)
    grant = server.new_grant()
    expect_refused(server.human.approve(grant.user_code, server.device, administrator=stranger), grant)
    server.approve(grant)


@rule("verify.unknown-user-code-refused")
def test_unknown_user_code_refused(server: ServerUnderTest) -> None:
    grant = server.new_grant()
    for user_code in (almost(grant.user_code), made_up(server, grant)):
        entry = server.human.approve(user_code, server.device, administrator=server.spare_administrator)
        expect_refused(entry, grant)
    expect_undecided(server, grant)


@rule("verify.approved-is-not-decided-again")
def test_approved_is_not_decided_again(server: ServerUnderTest) -> None:
    redeemed = server.approved_grant()
    given.tokens(server.poll(redeemed))
    approved = server.approved_grant()
    for grant in (redeemed, approved):
        expect_decided(server, grant)
    given.tokens(server.poll(approved))


@rule("verify.denied-is-not-decided-again")
def test_denied_is_not_decided_again(server: ServerUnderTest) -> None:
    grant = server.new_grant()
    server.deny(grant)
    expect_decided(server, grant)
    given.refused(server.poll(grant))


@rule("verify.approval-touches-no-license")
def test_approval_touches_no_license(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    server.approved_grant()
    expect.member(server.refresh(tokens), "access_token")


@rule("verify.disabled-device-refused")
def test_disabled_device_refused(server: ServerUnderTest) -> None:
    device, grant = server.provision.create_device(), server.new_grant()
    server.provision.disable(device)
    expect_refused(server.human.approve(grant.user_code, device), grant)
    server.approve(grant)


@rule("verify.lapsed-device-refused")
def test_lapsed_device_refused(server: ServerUnderTest) -> None:
    in_time, late = server.new_grant(), server.new_grant()
    renewal_at = late.issued_at + late.expires_in // 2
    device = server.provision.create_device(renewal_at=renewal_at)
    with server.clock.at(renewal_at - 1):
        before = server.human.approve(in_time.user_code, device)
    expect_accepted(before, in_time)
    server.clock.move_to(renewal_at)
    expect_refused(server.human.approve(late.user_code, device), late)
    server.approve(late)


def almost(user_code: str) -> str:
    """Give a user code that differs in its last letter."""
    return user_code[:-1] + ("B" if user_code[-1] != "B" else "C")


def expect_accepted(entry: Entry, grant: Grant) -> None:
    """Check that an entered user code was accepted."""
    expect.entry(entry, accepted=True, wanted="the user code to be accepted", exchange=grant.exchange)


def expect_refused(entry: Entry, grant: Grant) -> None:
    """Check that an entered user code was refused."""
    expect.entry(entry, accepted=False, wanted="the user code to be refused", exchange=grant.exchange)


def expect_decided(server: ServerUnderTest, grant: Grant) -> None:
    """Check that a user code can be neither approved nor denied any more."""
    approval = server.human.approve(grant.user_code, server.device, administrator=server.spare_administrator)
    expect_refused(approval, grant)
    expect_refused(server.human.deny(grant.user_code, administrator=server.spare_administrator), grant)


def expect_undecided(server: ServerUnderTest, grant: Grant) -> None:
    """Check that nobody has decided about a code."""
    answer = server.poll(grant)
    decided = answer.status in ANY_SUCCESS or answer.error == "access_denied"
    expect.that(not decided, wanted="an undecided code", found=answer.said, exchange=answer)
