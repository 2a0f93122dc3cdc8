"""Why a refresh was refused: the member `reason`, and the order that protocol.md fixes for it.

Which word a reason is has a rule of its own for each: rules about the order compare with what a plain case is answered.
"""

from __future__ import annotations

from authz_conformance.catalogue import Capability
from authz_conformance.clocks.port import DAY
from authz_conformance.exchange import Exchange
from authz_conformance.expectations import expect
from authz_conformance.flow import Tokens
from authz_conformance.rules import rule
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.suites.server.licenses import (
    NEVER_ISSUED,
    generations,
    lapsing,
    reason_is,
    refused,
    revoked,
)
from authz_conformance.verdicts import NotTestable

UNKNOWN = "refresh_token_unknown"
LAPSED = "renew.lapsed-is-refused"
REUSED = "refresh.rotated-token-refused"
FAMILY = "refresh.reuse-ends-the-family"
REVOKED = "revoke.refresh-token"


@rule("reason.for-people")
def test_for_people(server: ServerUnderTest) -> None:
    ended, line = server.acquire(), generations(server, server.acquire(server.another_device()))
    revoked(server, ended)
    for presented in (NEVER_ISSUED, ended, line[0], line[-1]):
        answer = server.refresh(presented)
        if answer.error is None:
            continue  # granted, against a rule of its own
        said = expect.member(answer, "error_description")
        expect.that(said.strip(), wanted="words in error_description", found="none", exchange=answer)


@rule("reason.unknown")
def test_unknown(server: ServerUnderTest) -> None:
    reason_is(server.refresh(NEVER_ISSUED), UNKNOWN, settled_by="refresh.unknown-token-refused")


@rule("reason.foreign-is-unknown")
def test_foreign_is_unknown(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    for _ in ("live", "ended"):
        answer = server.refresh(tokens, client_id=server.second_client_id)
        expect.equal(answer.members.get("reason"), UNKNOWN, what="the reason", exchange=answer)
        revoked(server, tokens)


@rule("reason.revoked")
def test_revoked(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    revoked(server, tokens)
    reason_is(server.refresh(tokens), "license_revoked", settled_by=REVOKED)
    if Capability.REVOKE in server.provision.offers:
        tokens = server.acquire()
        server.provision.revoke(server.device)
        answer = server.refresh(tokens)
        if answer.error is not None:
            reason_is(answer, "license_revoked", settled_by="end.administrator-revokes")


@rule("reason.superseded")
def test_superseded(server: ServerUnderTest) -> None:
    earlier, _ = server.acquire(), server.acquire()
    reason_is(server.refresh(earlier), "license_superseded", settled_by="end.redemption-supersedes")


@rule("reason.device-disabled")
def test_device_disabled(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    server.provision.disable(server.device)
    reason_is(server.refresh(tokens), "device_disabled", settled_by="end.disabling")


@rule("reason.reused")
def test_reused(server: ServerUnderTest) -> None:
    first, *_, newest = generations(server, server.acquire())
    reason_is(server.refresh(first), "refresh_token_reused", settled_by=REUSED)
    for presented in (newest, first):
        reason_is(server.refresh(presented), "refresh_token_reused", settled_by=FAMILY)


@rule("reason.license-expired")
def test_license_expired(server: ServerUnderTest) -> None:
    device, renewal_at = lapsing(server)
    tokens = server.acquire(device)
    server.clock.move_to(renewal_at + DAY)
    reason_is(server.refresh(tokens), "license_expired", settled_by=LAPSED)


@rule("reason.refresh-token-expired")
def test_refresh_token_expired(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    server.clock.advance(server.terms.refresh_token_seconds + DAY)
    reason_is(server.refresh(tokens), "refresh_token_expired", settled_by="refresh.expires-when-idle")


# ---------------------------------------------------------------------------------------------------------- the order
def is_for_the_lapse(answer: Exchange, plain: str | None) -> None:
    """Check that a refusal is for a lapse: in the word that it has, or in the server's own for a plain one."""
    reason = refused(answer, LAPSED)
    if reason != "license_expired":
        expect.equal(reason, plain, what="the reason", exchange=answer)


@rule("reason.ending-before-lapse")
def test_ending_before_lapse(server: ServerUnderTest) -> None:
    device, renewal_at = lapsing(server)
    tokens = server.acquire(device)
    revoked(server, tokens)
    ending = refused(server.refresh(tokens), REVOKED)
    server.clock.move_to(renewal_at + DAY)
    reason_is(server.refresh(tokens), ending, settled_by=REVOKED)


@rule("reason.lapse-before-reuse")
def test_lapse_before_reuse(server: ServerUnderTest) -> None:
    device, renewal_at = lapsing(server)
    control = server.acquire(server.provision.create_device(renewal_at=renewal_at))
    first, *_, newest = generations(server, server.acquire(device))
    used_at = newest.issued_at
    server.clock.move_to(renewal_at + DAY)
    lapse = refused(server.refresh(control), LAPSED)
    is_for_the_lapse(server.refresh(first), lapse)
    server.clock.move_to(used_at + DAY)
    if "access_token" not in server.refresh(control).members:
        raise NotTestable("the clock moved back un-lapses nothing (clock.back-unlapses)")
    answer = server.refresh(newest)
    expect.that(
        "access_token" in answer.members,
        wanted="the license to live on, once it has not lapsed",
        found=answer.said,
        exchange=answer,
    )


@rule("reason.lapse-before-token-expiry")
def test_lapse_before_token_expiry(server: ServerUnderTest) -> None:
    device, renewal_at = lapsing(server)
    tokens = server.acquire(device)
    server.clock.move_to(renewal_at + DAY)
    lapse = refused(server.refresh(tokens), LAPSED)
    server.clock.move_to(tokens.issued_at + server.terms.refresh_token_seconds + DAY)
    is_for_the_lapse(server.refresh(tokens), lapse)


@rule("reason.reuse-before-token-expiry")
def test_reuse_before_token_expiry(server: ServerUnderTest) -> None:
    lifetime = server.terms.refresh_token_seconds
    control = generations(server, server.acquire())
    reuse = refused(server.refresh(control[0]), REUSED)
    refused(server.refresh(control[-1]), FAMILY)
    begun = [server.acquire(), server.acquire(server.another_device())]
    server.clock.advance(lifetime * 2 // 3)
    lines = [generations(server, tokens, count=count) for tokens, count in zip(begun, (1, 3), strict=True)]
    server.clock.move_to(begun[-1].issued_at + lifetime + DAY)
    for first, *_, newest in lines:  # the immediate predecessor, beyond its retry window, and an older one
        reason_is(server.refresh(first), reuse, settled_by=REUSED)
        expect.error(server.refresh(newest), "invalid_grant")


@rule("reason.first-ending-is-final")
def test_first_ending_is_final(server: ServerUnderTest) -> None:
    by_client = server.acquire()
    revoked(server, by_client)
    superseded = server.acquire()
    endings = {"revoked": refused(server.refresh(by_client), REVOKED)}
    live = server.acquire()
    endings["superseded"] = refused(server.refresh(superseded), "end.redemption-supersedes")
    revoked(server, superseded)
    still(server, by_client, endings["revoked"])
    still(server, superseded, endings["superseded"])
    server.provision.disable(server.device)
    refused(server.refresh(live), "end.disabling")
    still(server, by_client, endings["revoked"])
    still(server, superseded, endings["superseded"])


def still(server: ServerUnderTest, tokens: Tokens, reason: str | None) -> None:
    """Check that an ended license has kept its reason."""
    answer = server.refresh(tokens)
    expect.equal(answer.members.get("reason"), reason, what="the reason", exchange=answer)
