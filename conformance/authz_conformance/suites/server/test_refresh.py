"""Refresh: what is granted and refused, rotation and reuse, lifetimes. RFC 6749 6, RFC 9700 4.14, protocol.md."""

from __future__ import annotations

from authz_conformance.clocks.port import DAY
from authz_conformance.expectations import ANY_SUCCESS, expect
from authz_conformance.flow import Tokens, take_apart
from authz_conformance.rules import rule
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.suites.server.licenses import NEVER_ISSUED, UNKNOWN_CLIENT, generations, granted
from authz_conformance.suites.server.test_codes import bits_that_vary
from authz_conformance.verdicts import NotTestable

SOME = 4
ENOUGH_BITS = 128
ENOUGH_BITS_FOR_KENSIUM = 160
NEVER_GRANTED = "scope-that-nobody-was-granted"


# ------------------------------------------------------------------------------------------------ granted and refused
@rule("refresh.gives-access-token")
def test_gives_access_token(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    answer = server.refresh(tokens)
    expect.success(answer)
    granted(answer)


@rule("refresh.token-required")
def test_token_required(server: ServerUnderTest) -> None:
    form = {"grant_type": "refresh_token", "client_id": server.client_id}
    expect.error(server.token_request(form, step="refresh"), "invalid_request")


@rule("refresh.unknown-client-refused")
def test_unknown_client_refused(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    expect.error(server.refresh(tokens, client_id=UNKNOWN_CLIENT), "invalid_client")
    granted(server.refresh(tokens))


@rule("refresh.unknown-token-refused")
def test_unknown_token_refused(server: ServerUnderTest) -> None:
    expect.error(server.refresh(NEVER_ISSUED), "invalid_grant")


@rule("refresh.bound-to-client")
def test_bound_to_client(server: ServerUnderTest) -> None:
    tokens, control = server.acquire(), server.acquire(server.another_device())
    server.refuses(
        lambda: server.refresh(tokens, client_id=server.second_client_id),
        "invalid_grant",
        mended=lambda: server.refresh(control),
    )


@rule("refresh.foreign-changes-nothing")
def test_foreign_changes_nothing(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    if server.refresh(tokens, client_id=server.second_client_id).status in ANY_SUCCESS:
        raise NotTestable("another client's refresh was granted (refresh.bound-to-client)")
    answer = server.refresh(tokens)
    granted(answer)
    newer = answer.members.get("refresh_token")
    if isinstance(newer, str):
        granted(server.refresh(newer))


# -------------------------------------------------------------------------------------------------------------- scope
@rule("refresh.never-widens-scope")
def test_never_widens_scope(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    asked = " ".join(filter(None, [server.scope, NEVER_GRANTED]))
    answer = server.refresh(tokens, scope=asked)
    if answer.error is not None:
        expect.error(answer, "invalid_scope")
        return
    scope = expect.member(answer, "scope")
    expect.that(
        NEVER_GRANTED not in scope.split(),
        wanted="the scope granted first, or less",
        found=scope,
        exchange=answer,
    )


@rule("refresh.keeps-scope")
def test_keeps_scope(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    first = tokens.scope if tokens.scope is not None else server.scope
    first_refresh = server.refreshed(tokens)
    for refreshed in (first_refresh, server.refreshed(first_refresh)):
        if first is None or refreshed.scope is None:
            continue  # left out, it is the same by RFC 6749 5.1
        expect.equal(
            sorted(refreshed.scope.split()),
            sorted(first.split()),
            what="the scope",
            exchange=refreshed.exchange,
        )


# ----------------------------------------------------------------------------------------------------------- rotation
@rule("refresh.token-unguessable")
def test_token_unguessable(server: ServerUnderTest) -> None:
    line = [server.acquire()]
    for _ in range(SOME):
        line.append(server.refreshed(line[-1]))
    line.append(server.acquire())
    token = take_apart(line[0].access_token)
    enough = ENOUGH_BITS_FOR_KENSIUM if token and token.license else ENOUGH_BITS
    values = list(dict.fromkeys(server.refresh_token_of(tokens) for tokens in line))
    bits = bits_that_vary(values)
    expect.that(
        bits >= enough,
        wanted=f"at least {enough} bits that differ from token to token",
        found=f"{bits:.0f} bits",
        exchange=line[-1].exchange,
    )


@rule("refresh.rotates")
def test_rotates(server: ServerUnderTest) -> None:
    presented = server.refresh_token_of(server.acquire())
    seen = [presented]
    for _ in range(SOME):
        answer = server.refresh(presented)
        presented = expect.member(answer, "refresh_token")
        expect.that(
            presented not in seen, wanted="another refresh token", found="an earlier one", exchange=answer
        )
        seen.append(presented)


@rule("refresh.rotated-token-refused")
def test_rotated_token_refused(server: ServerUnderTest) -> None:
    first, *_ = generations(server, server.acquire(), count=2)
    expect.error(server.refresh(first), "invalid_grant")


@rule("refresh.reuse-ends-the-family")
def test_reuse_ends_the_family(server: ServerUnderTest) -> None:
    first, *_, newest = generations(server, server.acquire())
    if server.refresh(first).status in ANY_SUCCESS:
        raise NotTestable("a rotated token was accepted (refresh.rotated-token-refused)")
    expect.error(server.refresh(newest), "invalid_grant")


# ---------------------------------------------------------------------------------------------------------- lifetimes
def two_licenses(server: ServerUnderTest) -> tuple[Tokens, Tokens]:
    """Acquire two licenses at about the same time: to sample a bound before and after it."""
    return server.acquire(), server.acquire(server.another_device())


@rule("refresh.expires-when-idle")
def test_expires_when_idle(server: ServerUnderTest) -> None:
    sampled_before, sampled_at = two_licenses(server)
    lifetime = server.terms.refresh_token_seconds
    with server.clock.at(sampled_before.issued_at + lifetime - 1):
        before = server.refresh(sampled_before)
    granted(before)
    server.clock.move_to(sampled_at.issued_by + lifetime)
    expect.error(server.refresh(sampled_at), "invalid_grant")


@rule("refresh.expiry-counts-from-its-issue")
def test_expiry_counts_from_its_issue(server: ServerUnderTest) -> None:
    lifetime = server.terms.refresh_token_seconds
    sampled_before, sampled_at = two_licenses(server)
    server.clock.advance(lifetime * 2 // 3)
    sampled_before, sampled_at = (
        generations(server, tokens, count=1)[-1] for tokens in (sampled_before, sampled_at)
    )
    with server.clock.at(sampled_before.issued_at + lifetime - 1):
        before = server.refresh(sampled_before)
    granted(before)
    server.clock.move_to(sampled_at.issued_by + lifetime)
    expect.error(server.refresh(sampled_at), "invalid_grant")


@rule("refresh.lifetime-fixed-at-issue")
def test_lifetime_fixed_at_issue(server: ServerUnderTest) -> None:
    lifetime = server.terms.refresh_token_seconds
    shortened, lengthened = two_licenses(server)
    server.provision.change_settings(refresh_token_seconds=lifetime // 2)
    with server.clock.at(shortened.issued_at + lifetime - 1):
        before = server.refresh(shortened)
    granted(before)
    server.provision.change_settings(refresh_token_seconds=lifetime * 2)
    server.clock.move_to(lengthened.issued_at + lifetime + DAY)
    expect.error(server.refresh(lengthened), "invalid_grant")
