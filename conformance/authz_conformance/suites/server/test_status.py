"""The status that /license shows: protocol.md, License status."""

from __future__ import annotations

from authz_conformance.exchange import Exchange
from authz_conformance.expectations import expect, given
from authz_conformance.rules import rule
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.suites.server.licenses import instant
from authz_conformance.verdicts import NotTestable


def shows(view: Exchange, name: str, wanted: str) -> None:
    """Check a member of what /license shows."""
    given.success(view)
    expect.equal(view.members.get(name), wanted, what=name, exchange=view)


@rule("status.licensed")
def test_licensed(server: ServerUnderTest) -> None:
    shows(server.license_view(server.acquire()), "license_status", "licensed")
    due_from = int(server.clock.now()) + server.terms.license_token_seconds // 4
    renewal_at = due_from + server.terms.renewal_window_seconds
    tokens = server.acquire(server.provision.create_device(renewal_at=renewal_at))
    shows(server.license_view(tokens), "license_status", "licensed")
    with server.clock.at(due_from - 1):
        view = server.license_view(tokens)
    shows(view, "license_status", "licensed")


@rule("status.requires-renewal")
def test_requires_renewal(server: ServerUnderTest) -> None:
    soon = int(server.clock.now()) + server.terms.license_token_seconds // 4
    due_soon = server.acquire(
        server.provision.create_device(renewal_at=soon + server.terms.renewal_window_seconds)
    )
    lapsing_soon = server.acquire(server.provision.create_device(renewal_at=soon))
    with server.clock.at(soon - 1):
        at_the_end = server.license_view(lapsing_soon)
    server.clock.move_to(soon)
    at_the_beginning = server.license_view(due_soon)
    shows(at_the_end, "license_status", "requires_renewal")
    shows(at_the_beginning, "license_status", "requires_renewal")


@rule("status.token-state")
def test_token_state(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    warned_after = instant(tokens, "exp") - server.terms.token_warning_seconds
    if warned_after <= server.clock.now():
        raise NotTestable("license tokens live no longer than the warning lasts")
    for at, state in ((warned_after - 1, "valid"), (warned_after, "valid"), (warned_after + 1, "expiring")):
        with server.clock.at(at):
            view = server.license_view(tokens)
        shows(view, "token_state", state)
