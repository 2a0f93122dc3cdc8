"""What a license token opens: the caller's license and the directory. protocol.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from authz_conformance.expectations import ANY_SUCCESS, expect, given
from authz_conformance.flow import Tokens
from authz_conformance.rules import rule
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.suites.server.licenses import YEAR
from authz_conformance.targets.ports import Device
from authz_conformance.verdicts import NotTestable

HUB_URL = "https://head-office.example/pos"


# ------------------------------------------------------------------------------------------------------- the license
def shown(view: Mapping[str, Any], *names: str) -> Any:
    """Look into what /license shows."""
    found: Any = view
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found


@rule("bearer.license-is-the-callers")
def test_license_is_the_callers(server: ServerUnderTest) -> None:
    hub = server.provision.create_device(name="Head Office", url=HUB_URL)
    device = server.provision.create_device(edition="corporate", hub=hub)
    server.acquire()
    answer = server.license_view(server.acquire(device))
    view = expect.success(answer)
    expect.equal(view.get("server_id"), device.id, what="server_id", exchange=answer)
    for names, wanted in (
        (("license", "edition"), "corporate"),
        (("license", "organization", "id"), device.organization),
        (("license", "hub", "server_id"), hub.id),
    ):
        found = str(shown(view, *names))
        expect.that(
            found.lower() == wanted.lower(),
            wanted=f"{'.'.join(names)} {wanted}",
            found=found,
            exchange=answer,
        )


@rule("bearer.license-is-read-now")
def test_license_is_read_now(server: ServerUnderTest) -> None:
    renewal_at = int(server.clock.now()) + 2 * server.terms.license_token_seconds
    hub = server.provision.create_device(name="Head Office", url=HUB_URL)
    device = server.provision.create_device(renewal_at=renewal_at, hub=hub)
    tokens = server.acquire(device)
    server.provision.renew(device, renewal_at + YEAR)
    server.provision.change_device(hub, name="Main Office")
    answer = server.license_view(tokens)
    view = expect.success(answer)
    found = (str(shown(view, "license", "renewal_at")), shown(view, "license", "hub", "name"))
    expect.that(
        found == (str(renewal_at + YEAR), "Main Office"),
        wanted=f"the renewal date {renewal_at + YEAR} and the hub Main Office",
        found=found,
        exchange=answer,
    )


# --------------------------------------------------------------------------------------------------------- directory
def directory(server: ServerUnderTest, tokens: Tokens) -> dict[str, dict[str, Any]]:
    """Read the directory, by server_id."""
    answer = server.resource("servers", tokens)
    if answer.status not in ANY_SUCCESS:
        raise NotTestable("the directory is not shown (bearer.header-accepted)")
    entries = given.member(answer, "servers", list)
    return {
        entry["server_id"]: entry for entry in entries if isinstance(entry, dict) and "server_id" in entry
    }


def listed(server: ServerUnderTest, hidden: Device, *, why: str) -> None:
    """Check that the directory has the caller, and not another."""
    caller = server.provision.create_device()
    found = directory(server, server.acquire(caller))
    given.that(
        caller.id in found, wanted="the caller in the directory", found=", ".join(found), exchange=None
    )
    expect.that(
        hidden.id not in found,
        wanted=f"no entry for {hidden.id}, {why}",
        found=", ".join(found),
        exchange=server.story.exchanges[-1],
    )


@rule("bearer.directory-of-own-organization")
def test_directory_of_own_organization(server: ServerUnderTest) -> None:
    organization = server.provision.create_organization(name="Quay Traders")
    foreign = server.provision.create_device(organization=organization)
    listed(server, foreign, why="of another organization")


@rule("bearer.directory-hides-registers")
def test_directory_hides_registers(server: ServerUnderTest) -> None:
    listed(server, server.provision.create_device(edition="register"), why="a register")


@rule("bearer.directory-hides-disabled")
def test_directory_hides_disabled(server: ServerUnderTest) -> None:
    disabled = server.provision.create_device()
    server.provision.disable(disabled)
    listed(server, disabled, why="disabled")


@rule("bearer.directory-entry")
def test_directory_entry(server: ServerUnderTest) -> None:
    device = server.provision.create_device(name="Head Office", edition="corporate", url=HUB_URL)
    tokens = server.acquire()
    wanted = {"server_id": device.id, "name": "Head Office", "url": HUB_URL, "edition": "corporate"}
    answer = server.resource(f"servers/{device.id}", tokens)
    for found in (directory(server, tokens).get(device.id), dict(answer.members)):
        expect.that(
            found is not None and all(found.get(name) == value for name, value in wanted.items()),
            wanted=f"an entry with {wanted}",
            found=found,
            exchange=server.story.exchanges[-1],
        )


@rule("bearer.foreign-server-is-404")
def test_foreign_server_is_404(server: ServerUnderTest) -> None:
    organization = server.provision.create_organization(name="Quay Traders")
    foreign = server.provision.create_device(organization=organization)
    tokens = server.acquire()
    given.success(server.resource(f"servers/{server.device.id}", tokens))
    for server_id in (foreign.id, "nobody-has-this-id"):
        expect.status(server.resource(f"servers/{server_id}", tokens), 404)
