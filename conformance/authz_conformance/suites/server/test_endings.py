"""How a license ends for good, by protocol.md."""

from __future__ import annotations

from authz_conformance.catalogue import Capability
from authz_conformance.expectations import expect
from authz_conformance.rules import rule
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.suites.server.licenses import granted, refused

DISABLED = "device_disabled"


@rule("end.redemption-supersedes")
def test_redemption_supersedes(server: ServerUnderTest) -> None:
    earlier, later = server.acquire(), server.acquire()
    expect.error(server.refresh(earlier), "invalid_grant")
    granted(server.refresh(later))


@rule("end.administrator-revokes")
def test_administrator_revokes(server: ServerUnderTest) -> None:
    tokens = server.refreshed(server.acquire())
    server.provision.revoke(server.device)
    expect.error(server.refresh(tokens), "invalid_grant")


@rule("end.disabling")
def test_disabling(server: ServerUnderTest) -> None:
    tokens = server.refreshed(server.acquire())
    server.provision.disable(server.device)
    expect.error(server.refresh(tokens), "invalid_grant")


@rule("end.deleting")
def test_deleting(server: ServerUnderTest) -> None:
    device = server.provision.create_device()
    tokens = server.refreshed(server.acquire(device))
    server.provision.delete(device)
    answer = server.refresh(tokens)
    expect.error(answer, "invalid_grant", reason=said_of_disabled(server))


def said_of_disabled(server: ServerUnderTest) -> str:
    """Tell the reason that this server gives for a disabled device: which word it is has a rule of its own."""
    if Capability.DISABLE not in server.provision.offers:
        return DISABLED
    tokens = server.acquire()
    server.provision.disable(server.device)
    answer = server.refresh(tokens)
    return DISABLED if answer.error is None else refused(answer, "end.disabling") or DISABLED


@rule("end.enabling-revives-nothing")
def test_enabling_revives_nothing(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    server.provision.disable(server.device)
    refused(server.refresh(tokens), "end.disabling")
    server.provision.enable(server.device)
    expect.error(server.refresh(tokens), "invalid_grant")


@rule("end.enabled-device-acquires-anew")
def test_enabled_device_acquires_anew(server: ServerUnderTest) -> None:
    server.acquire()
    server.provision.disable(server.device)
    server.provision.enable(server.device)
    grant = server.new_grant()
    entry = server.human.approve(grant.user_code, server.device)
    expect.entry(entry, accepted=True, wanted="the approval to be accepted", exchange=grant.exchange)
    granted(server.poll(grant))
