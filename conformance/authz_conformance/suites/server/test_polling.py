"""What a poll is answered: RFC 8628 3.4 and 3.5, and the order that protocol.md fixes beyond it."""

from __future__ import annotations

from authz_conformance.clocks.port import DAY
from authz_conformance.expectations import ANY_REFUSAL, expect, given
from authz_conformance.flow import DEVICE_GRANT
from authz_conformance.rules import rule
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.verdicts import NotTestable

UNKNOWN_CLIENT = "nobody-registered-this-client"


@rule("poll.unknown-client-is-invalid-client")
def test_unknown_client_is_invalid_client(server: ServerUnderTest) -> None:
    grant = server.approved_grant()
    server.refuses(
        lambda: server.poll(grant, client_id=UNKNOWN_CLIENT),
        "invalid_client",
        mended=lambda: server.poll(grant),
    )


@rule("poll.unknown-code-is-invalid-grant")
def test_unknown_code_is_invalid_grant(server: ServerUnderTest) -> None:
    real = server.new_grant().device_code
    middle = len(real) // 2
    other = real[:middle] + ("A" if real[middle] != "A" else "B") + real[middle + 1 :]
    for device_code in ("never-issued-by-anybody", other):
        form = {"grant_type": DEVICE_GRANT, "device_code": device_code, "client_id": server.client_id}
        answer = server.token_request(form, step="poll")
        expect.error(answer, "invalid_grant", status=set(ANY_REFUSAL) - {404})


@rule("poll.foreign-code-is-invalid-grant")
def test_foreign_code_is_invalid_grant(server: ServerUnderTest) -> None:
    undecided, approved = server.new_grant(), server.approved_grant()
    for grant in (undecided, approved):
        expect.error(server.poll(grant, client_id=server.second_client_id), "invalid_grant")
    given.tokens(server.poll(approved))


@rule("poll.grant-type-is-the-urn")
def test_grant_type_is_the_urn(server: ServerUnderTest) -> None:
    grant = server.approved_grant()
    server.refuses(
        lambda: server.poll(grant, grant_type="device_code"),
        "unsupported_grant_type",
        mended=lambda: server.poll(grant),
    )


@rule("poll.device-code-required")
def test_device_code_required(server: ServerUnderTest) -> None:
    form = {"grant_type": DEVICE_GRANT, "client_id": server.client_id}
    expect.error(server.token_request(form, step="poll"), "invalid_request")
    given.codes(server.authorize_device())


@rule("poll.client-id-required")
def test_client_id_required(server: ServerUnderTest) -> None:
    grant = server.approved_grant()
    anonymous = {"grant_type": DEVICE_GRANT, "device_code": grant.device_code}
    server.refuses(
        lambda: server.token_request(anonymous, step="poll"),
        "invalid_request",
        "invalid_client",
        mended=lambda: server.poll(grant),
    )


@rule("poll.undecided-is-pending")
def test_undecided_is_pending(server: ServerUnderTest) -> None:
    answer = server.poll(server.new_grant())
    if answer.error == "slow_down":
        raise NotTestable("even a first poll is early (poll.first-is-never-early)")
    expect.error(answer, "authorization_pending")


@rule("poll.denied-is-access-denied")
def test_denied_is_access_denied(server: ServerUnderTest) -> None:
    grant = server.new_grant()
    server.deny(grant)
    expect.error(server.poll(grant), "access_denied")


@rule("poll.expired-is-expired-token")
def test_expired_is_expired_token(server: ServerUnderTest) -> None:
    sampled_before, sampled_at = server.new_grant(), server.new_grant()
    with server.clock.at(sampled_before.expires_at - 1):
        before = server.poll(sampled_before)
    expect.never(before, "expired_token")
    server.clock.move_to(sampled_at.expired_at)
    expect.error(server.poll(sampled_at), "expired_token")


@rule("poll.expiry-before-denial")
def test_expiry_before_denial(server: ServerUnderTest) -> None:
    sampled_before, sampled_at = server.new_grant(), server.new_grant()
    for grant in (sampled_before, sampled_at):
        server.deny(grant)
    with server.clock.at(sampled_before.expires_at - 1):
        before = server.poll(sampled_before)
    expect.never(before, "expired_token")
    server.clock.move_to(sampled_at.expired_at)
    expect.error(server.poll(sampled_at), "expired_token")


@rule("poll.expiry-before-approval")
def test_expiry_before_approval(server: ServerUnderTest) -> None:
    in_time = server.approved_grant()
    with server.clock.at(in_time.expires_at - 1):
        before = server.poll(in_time)
    expect.never(before, "expired_token")
    late = server.approved_grant()
    server.clock.move_to(late.expired_at)
    expect.error(server.poll(late), "expired_token")


@rule("poll.expired-is-remembered")
def test_expired_is_remembered(server: ServerUnderTest) -> None:
    grant = server.new_grant()
    server.clock.move_to(grant.expires_at + 365 * DAY)
    expect.error(server.poll(grant), "expired_token")


@rule("poll.redeemed-is-remembered")
def test_redeemed_is_remembered(server: ServerUnderTest) -> None:
    grant = server.approved_grant()
    given.tokens(server.poll(grant))
    server.clock.move_to(grant.expires_at)
    expect.error(server.poll(grant), "invalid_grant")


@rule("poll.foreign-poll-changes-nothing")
def test_foreign_poll_changes_nothing(server: ServerUnderTest) -> None:
    grant, untouched = server.new_grant(), server.new_grant()
    server.poll(grant, client_id=server.second_client_id)
    answer, usual = server.poll(grant), server.poll(untouched)
    if usual.error != "slow_down":
        expect.never(answer, "slow_down", "invalid_grant", "access_denied")
    approved = server.approved_grant()
    server.poll(approved, client_id=server.second_client_id)
    expect.member(server.poll(approved), "access_token")
