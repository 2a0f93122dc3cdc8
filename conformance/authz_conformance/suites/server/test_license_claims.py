"""The claim `license`: what a license token says of its device, by protocol.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from authz_conformance.catalogue import Capability
from authz_conformance.expectations import expect, given
from authz_conformance.flow import Tokens
from authz_conformance.rules import rule
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.targets.ports import Device

EDITIONS = ("cloud", "corporate", "store", "register")
POS_SERVERS = EDITIONS[:3]
FEATURES = ("xms", "analytics", "loyalty")
HUB_URL = "https://head-office.example/pos"
NEW_URL = "https://moved.example/pos"


def said_of(server: ServerUnderTest, device: Device) -> tuple[Mapping[str, Any], Tokens]:
    """Acquire a license for a device, and read the claim."""
    tokens = server.acquire(device)
    return server.decode(tokens).license, tokens


def member_is(server: ServerUnderTest, device: Device, name: str, wanted: object) -> None:
    """Check a member of the claim, for a license acquired now."""
    claim, tokens = said_of(server, device)
    expect.equal(claim.get(name), wanted, what=f"license.{name}", exchange=tokens.exchange)


def hub_is(server: ServerUnderTest, tokens: Tokens, **wanted: str) -> None:
    """Check some members of the hub; whether they are all there is a rule of its own."""
    found = server.decode(tokens).license.get("hub")
    given.that(isinstance(found, dict), wanted="license.hub", found=found, exchange=tokens.exchange)
    for name, value in wanted.items():
        if name in dict(found or {}):
            expect.equal(dict(found or {})[name], value, what=f"license.hub.{name}", exchange=tokens.exchange)


@rule("claims.organization")
def test_organization(server: ServerUnderTest) -> None:
    claim, tokens = said_of(server, server.device)
    found = claim.get("organization")
    expect.that(
        isinstance(found, dict)
        and found.get("id") == server.device.organization
        and isinstance(found.get("name"), str)
        and found["name"],
        wanted=f"license.organization with the id {server.device.organization} and a name",
        found=found,
        exchange=tokens.exchange,
    )
    if Capability.SECOND_ORGANIZATION in server.provision.offers:
        organization = server.provision.create_organization(name="Quay Traders")
        device = server.provision.create_device(organization=organization)
        member_is(server, device, "organization", {"id": organization, "name": "Quay Traders"})


@rule("claims.server-name")
def test_server_name(server: ServerUnderTest) -> None:
    device = server.provision.create_device(name="Harbor Gate 7")
    member_is(server, device, "server_name", "Harbor Gate 7")


@rule("claims.edition")
def test_edition(server: ServerUnderTest) -> None:
    for edition in EDITIONS:
        member_is(server, server.provision.create_device(edition=edition), "edition", edition)


@rule("claims.features-sorted")
def test_features_sorted(server: ServerUnderTest) -> None:
    device = server.provision.create_device(features=FEATURES)
    member_is(server, device, "features", sorted(FEATURES))


@rule("claims.features-may-be-empty")
def test_features_may_be_empty(server: ServerUnderTest) -> None:
    member_is(server, server.provision.create_device(features=[]), "features", [])


@rule("claims.features-default")
def test_features_default(server: ServerUnderTest) -> None:
    for edition in POS_SERVERS:
        member_is(server, server.provision.create_device(edition=edition), "features", ["xms"])


@rule("claims.hub")
def test_hub(server: ServerUnderTest) -> None:
    hub = server.provision.create_device(name="Head Office", edition="corporate", url=HUB_URL)
    device = server.provision.create_device(hub=hub)
    member_is(server, device, "hub", {"server_id": hub.id, "name": "Head Office", "url": HUB_URL})


@rule("claims.no-hub-is-absent")
def test_no_hub_is_absent(server: ServerUnderTest) -> None:
    claim, tokens = said_of(server, server.provision.create_device())
    expect.that(
        "hub" not in claim, wanted="no member license.hub", found=claim.get("hub"), exchange=tokens.exchange
    )


@rule("claims.disabled-hub-is-absent")
def test_disabled_hub_is_absent(server: ServerUnderTest) -> None:
    hub = server.provision.create_device(name="Head Office", url=HUB_URL)
    tokens = server.acquire(server.provision.create_device(hub=hub))
    hub_is(server, tokens, server_id=hub.id)
    server.provision.disable(hub)
    tokens = server.refreshed(tokens)
    found = server.decode(tokens).license.get("hub")
    expect.that(not found, wanted="no hub while it is disabled", found=found, exchange=tokens.exchange)


@rule("claims.hub-read-at-each-minting")
def test_hub_read_at_each_minting(server: ServerUnderTest) -> None:
    hub = server.provision.create_device(name="Head Office", url=HUB_URL)
    device = server.provision.create_device(hub=hub)
    tokens = server.acquire(device)
    server.provision.change_device(hub, name="Main Office")
    tokens = server.refreshed(tokens)
    hub_is(server, tokens, server_id=hub.id, name="Main Office", url=HUB_URL)
    server.provision.change_device(hub, url=NEW_URL)
    tokens = server.refreshed(tokens)
    hub_is(server, tokens, server_id=hub.id, name="Main Office", url=NEW_URL)
    other = server.provision.create_device(name="Branch Office", url=HUB_URL)
    server.provision.change_device(device, hub=other)
    hub_is(server, server.refreshed(tokens), server_id=other.id, name="Branch Office", url=HUB_URL)


# ------------------------------------------------------------------------------------------------------ renewal date
@rule("claims.renewal-date")
def test_renewal_date(server: ServerUnderTest) -> None:
    renewal_at = int(server.clock.now()) + 2 * server.terms.renewal_window_seconds + 1
    member_is(server, server.provision.create_device(renewal_at=renewal_at), "renewal_at", renewal_at)


@rule("claims.renewal-due-from")
def test_renewal_due_from(server: ServerUnderTest) -> None:
    window = server.terms.renewal_window_seconds
    for seconds in (2 * window, window // 2):
        renewal_at = int(server.clock.now()) + seconds
        device = server.provision.create_device(renewal_at=renewal_at)
        member_is(server, device, "renewal_due_from", renewal_at - window)


@rule("claims.no-renewal-is-absent")
def test_no_renewal_is_absent(server: ServerUnderTest) -> None:
    claim, tokens = said_of(server, server.device)
    found = sorted({"renewal_at", "renewal_due_from"} & set(claim))
    expect.that(
        not found,
        wanted="neither license.renewal_at nor license.renewal_due_from",
        found=", ".join(found),
        exchange=tokens.exchange,
    )
