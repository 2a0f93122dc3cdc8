"""The license token as a JWT: header and registered claims, by RFC 9068 and protocol.md."""

from __future__ import annotations

from authz_conformance.catalogue import Capability
from authz_conformance.expectations import expect, given
from authz_conformance.flow import Tokens
from authz_conformance.rules import rule
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.suites.server.licenses import granted, instant, lifetime, whole
from authz_conformance.verdicts import NotTestable

REQUIRED = ("iss", "sub", "aud", "client_id", "iat", "exp", "jti")
HOUR = 3600
MINUTE = 60


def claim_is(server: ServerUnderTest, tokens: Tokens, name: str, wanted: object) -> None:
    """Check a claim."""
    found = server.decode(tokens).claims.get(name)
    expect.equal(found, wanted, what=f"the claim {name}", exchange=tokens.exchange)


# ---------------------------------------------------------------------------------------------------------- header
@rule("claims.typ-is-at-jwt")
def test_typ_is_at_jwt(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    found = server.decode(tokens).header.get("typ")
    expect.equal(found, "at+jwt", what="typ", exchange=tokens.exchange)


@rule("claims.alg-as-declared")
def test_alg_as_declared(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    found = server.decode(tokens).header.get("alg")
    expect.equal(found, server.terms.alg, what="alg", exchange=tokens.exchange)


@rule("claims.alg-can-be-chosen")
def test_alg_can_be_chosen(server: ServerUnderTest) -> None:
    if server.decode(server.acquire()).header.get("alg") != server.terms.alg:
        raise NotTestable("the server signs otherwise than is chosen already (claims.alg-as-declared)")
    for alg in ("RS256", "Ed25519"):
        server.provision.change_settings(alg=alg)
        server.provision.rotate_keys()
        server.clock.advance(server.terms.license_token_seconds + HOUR)
        tokens = server.acquire()
        found = server.decode(tokens).header.get("alg")
        expect.equal(found, alg, what="alg", exchange=tokens.exchange)


# ------------------------------------------------------------------------------------------------- registered claims
@rule("claims.required-present")
def test_required_present(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    missing = [name for name in REQUIRED if server.decode(tokens).claims.get(name) in (None, "", [])]
    expect.that(
        not missing,
        wanted=f"the claims {', '.join(REQUIRED)}",
        found=f"no {', '.join(missing)}",
        exchange=tokens.exchange,
    )


@rule("claims.iss-is-issuer")
def test_iss_is_issuer(server: ServerUnderTest) -> None:
    claim_is(server, server.acquire(), "iss", server.issuer)


@rule("claims.sub-is-server-id")
def test_sub_is_server_id(server: ServerUnderTest) -> None:
    for device in (server.device, server.provision.create_device(name="Named Otherwise")):
        claim_is(server, server.acquire(device), "sub", device.id)


@rule("claims.aud-is-organization")
def test_aud_is_organization(server: ServerUnderTest) -> None:
    devices = [server.device]
    if Capability.SECOND_ORGANIZATION in server.provision.offers:
        organization = server.provision.create_organization(name="Quay Traders")
        devices.append(server.provision.create_device(organization=organization))
    for device in devices:
        tokens = server.acquire(device)
        audience = server.decode(tokens).claims.get("aud")
        found = audience[0] if isinstance(audience, list) and len(audience) == 1 else audience
        wanted = f"urn:kensium:organization:{device.organization}"
        expect.equal(found, wanted, what="aud", exchange=tokens.exchange)


@rule("claims.client-id-is-owner")
def test_client_id_is_owner(server: ServerUnderTest) -> None:
    for client_id in (server.client_id, server.second_client_id):
        claim_is(server, server.acquire(client_id=client_id), "client_id", client_id)


@rule("claims.jti-is-unique")
def test_jti_is_unique(server: ServerUnderTest) -> None:
    first = server.acquire()
    minted = [first, server.refreshed(first), server.refreshed(first), server.acquire()]
    ids = [server.decode(tokens).claims.get("jti") for tokens in minted]
    expect.that(
        all(isinstance(one, str) for one in ids) and len(set(ids)) == len(ids),
        wanted="license tokens with a jti each of their own",
        found=", ".join(map(str, ids)),
        exchange=minted[-1].exchange,
    )


@rule("claims.scope-is-granted-scope")
def test_scope_is_granted_scope(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    said = tokens.scope if tokens.scope is not None else server.scope
    if said is None:
        raise NotTestable("no scope was asked for, and none is named (tokens.scope-always-returned)")
    found = server.decode(tokens).claims.get("scope")
    expect.that(
        isinstance(found, str) and set(found.split()) == set(said.split()),
        wanted=f"the claim scope to be {said}",
        found=found,
        exchange=tokens.exchange,
    )


# ------------------------------------------------------------------------------------------------------------- times
@rule("claims.times-are-whole-seconds")
def test_times_are_whole_seconds(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    claims = server.decode(tokens).claims
    for name in ("iat", "exp", *(["nbf"] if "nbf" in claims else [])):
        found = claims.get(name)
        expect.that(
            type(found) is int and whole(found) == found,
            wanted=f"{name} in whole seconds since 1970",
            found=repr(found),
            exchange=tokens.exchange,
        )


@rule("claims.iat-is-now")
def test_iat_is_now(server: ServerUnderTest) -> None:
    redeemed = server.acquire()
    server.clock.advance(HOUR)
    for tokens in (redeemed, server.refreshed(redeemed)):
        answer = tokens.exchange
        at, until = answer.at or 0, answer.until or 0
        iat = whole(server.decode(tokens).claims.get("iat"))
        expect.that(
            iat is not None and at <= iat <= until,
            wanted=f"iat between {at} and {until}",
            found=iat,
            exchange=answer,
        )


@rule("claims.nbf-is-iat")
def test_nbf_is_iat(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    iat, nbf = (whole(server.decode(tokens).claims.get(name)) for name in ("iat", "nbf"))
    expect.that(
        nbf is not None and nbf == iat, wanted=f"nbf to be iat, {iat}", found=nbf, exchange=tokens.exchange
    )


@rule("claims.exp-is-lifetime")
def test_exp_is_lifetime(server: ServerUnderTest) -> None:
    beyond = int(server.clock.now()) + server.terms.license_token_seconds + HOUR
    for device in (server.device, server.provision.create_device(renewal_at=beyond)):
        tokens = server.acquire(device)
        wanted = instant(tokens, "iat") + server.terms.license_token_seconds
        claim_is(server, tokens, "exp", wanted)


@rule("claims.exp-capped-by-renewal")
def test_exp_capped_by_renewal(server: ServerUnderTest) -> None:
    uncapped = lifetime(server.acquire())
    for seconds in (min(HOUR, uncapped // 2), uncapped - 1):
        renewal_at = int(server.clock.now()) + seconds
        tokens = server.acquire(server.provision.create_device(renewal_at=renewal_at))
        claim_is(server, tokens, "exp", renewal_at)
    renewal_at = int(server.clock.now()) + uncapped
    device = server.provision.create_device(renewal_at=renewal_at)
    tokens = server.acquire(device)
    server.clock.move_to(renewal_at - min(MINUTE, uncapped // 4))
    claim_is(server, server.refreshed(tokens), "exp", renewal_at)


@rule("claims.lifetime-fixed-at-issue")
def test_lifetime_fixed_at_issue(server: ServerUnderTest) -> None:
    earlier, refreshed = server.acquire(), server.acquire(server.another_device())
    server.provision.change_settings(license_token_seconds=server.terms.license_token_seconds // 7)
    answer = server.refresh(refreshed)
    granted(answer)
    seconds = lifetime(given.tokens(answer))
    expect.that(
        seconds < lifetime(refreshed),
        wanted=f"the next token to live less than {lifetime(refreshed)} s",
        found=f"{seconds} s",
        exchange=answer,
    )
    with server.clock.at(instant(earlier, "exp") - 1):
        view = server.license_view(earlier)
    expect.success(view)
