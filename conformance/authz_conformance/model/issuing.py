"""What a token response has to hold, and what the world is after one was seen.

Spec: RFC 6749 5.1, RFC 9068 2.2; protocol.md, License token
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from authz_conformance.catalogue import Capability
from authz_conformance.model.answers import TOKENS, Answer, Check, Outcome
from authz_conformance.model.calendar import YEAR
from authz_conformance.model.keys import kid_check, signed
from authz_conformance.model.law import Law
from authz_conformance.model.wanted import (
    MISSING,
    Absent,
    Among,
    Fresh,
    IfThere,
    IfWhole,
    Is,
    Near,
    Number,
    Wanted,
    WholeNumber,
)
from authz_conformance.model.world import (
    Device,
    Grant,
    License,
    LicenseToken,
    RefreshToken,
    World,
    with_grant,
    with_license,
)

SCOPE = "license"
DEFAULT_FEATURES = ("xms",)
AUDIENCE = "urn:kensium:organization:"


def due_scope(law: Law, *, granted: str | None, rule: str) -> tuple[Check, ...]:
    """Demand the scope `license` of a licensing server, of another what its redemption granted, if it said so."""
    due_one = SCOPE if law.binds("request.unknown-scope-refused") else granted
    return () if due_one is None else (Check("body.scope", IfThere(due_one), (rule,)),)


def exp_of(world: World, *, renewal_at: int | None, now: int) -> int:
    """Compute exp = min(iat + token lifetime, renewal_at)."""
    lifetime_end = now + world.settings.license_token_seconds
    return lifetime_end if renewal_at is None else min(lifetime_end, renewal_at)


def token_response(
    world: World,
    *,
    device: Device | None,
    client_id: str,
    renewal_at: int | None,
    now: int,
    law: Law,
    refresh_token: Check,
    scope: tuple[Check, ...],
    narrower: Mapping[str, str] | None = None,
) -> Outcome:
    """Admit the 200 of a redemption or a refresh.

    Args:
        world: The world in which it is given.
        device: Whose license it is; None where a server gave tokens that belong to no device.
        client_id: The client that asks.
        renewal_at: The renewal date of the license.
        now: Unix seconds.
        law: What the target is held to.
        refresh_token: What is demanded of the refresh token.
        scope: What is demanded of the scope.
        narrower: By the rule of a claim, the narrower one that breaks here in its place.
    """
    instead = narrower or {}
    exp = exp_of(world, renewal_at=renewal_at, now=now)
    checks = [
        refresh_token,
        *scope,
        Check("body.scope", Fresh(), ("tokens.scope-always-returned",)),
    ]
    if Capability.JWT_ACCESS_TOKENS in law.capabilities and device is not None:
        checks += _claim_checks(world, device=device, client_id=client_id, now=now)
        checks += _date_checks(world, renewal_at=renewal_at, exp=exp)
        checks += kid_check(world, now=now)
    checks += [
        Check("body.expires_in", Near(exp - now, within=YEAR), ("clock.moves-everything",)),
        Check("body.expires_in", IfWhole(exp - now, strictly=True), ("tokens.expires-in-agrees-with-exp",)),
        Check("body.expires_in", Number(), ("tokens.expires-in-is-a-number",)),
    ]
    narrowed = [
        replace(check, rules=tuple(instead.get(rule, rule) for rule in check.rules)) for check in checks
    ]
    return Outcome(kind=TOKENS, checks=tuple(narrowed))


def _claim_checks(world: World, *, device: Device, client_id: str, now: int) -> Iterator[Check]:
    organization = world.organizations[device.organization]
    jtis = frozenset(str(token.claims.get("jti")) for token in world.license_tokens.values())
    if world.issuer is not None:
        yield Check("claims.iss", Is(world.issuer), ("claims.iss-is-issuer",))
    for name, wanted, rule in (
        ("sub", Is(device.server_id), "claims.sub-is-server-id"),
        ("aud", _known(AUDIENCE, organization.id), "claims.aud-is-organization"),
        ("client_id", Is(client_id), "claims.client-id-is-owner"),
        ("scope", Is(SCOPE), "claims.scope-is-granted-scope"),
        ("iat", IfWhole(now), "claims.iat-is-now"),
        ("iat", WholeNumber(0), "claims.times-are-whole-seconds"),
        ("nbf", IfWhole(now), "claims.nbf-is-iat"),
        ("nbf", WholeNumber(0), "claims.times-are-whole-seconds"),
        ("jti", Fresh(jtis), "claims.jti-is-unique"),
    ):
        yield Check(f"claims.{name}", wanted, (rule,))
    yield from license_checks(world, device=device, place="claims.license")


def license_checks(world: World, *, device: Device, place: str) -> Iterator[Check]:
    """Demand what the claim `license` says of a device, its dates left out.

    Args:
        world: The world in which it is read: names and hub are those of now.
        device: Whose license it is.
        place: Where the claim stands in the answer.
    """
    organization = world.organizations[device.organization]
    demands: tuple[tuple[str, Wanted, str], ...] = (
        ("organization.id", _known("", organization.id), "claims.organization"),
        ("organization.name", _known("", organization.name), "claims.organization"),
        ("server_name", _known("", device.name), "claims.server-name"),
        ("edition", _known("", device.edition), "claims.edition"),
        _hub_demand(world, device=device),
    )
    if device.features is not None:
        rule = "claims.features-default" if device.features == DEFAULT_FEATURES else "claims.features-sorted"
        demands = (*demands, ("features", Is(sorted(device.features)), rule))
    for name, wanted, rule in demands:
        yield Check(f"{place}.{name}", wanted, (rule,))


def _known(before: str, value: str) -> Wanted:
    """Demand a name or id of the target's own, or any where the kit was not told it."""
    return Is(before + value) if value else Fresh()


def _hub_demand(world: World, *, device: Device) -> tuple[str, Wanted, str]:
    """Demand the hub as it is now; a disabled one is named by nobody, and one that is gone is none.

    A hub without a URL is not described by the protocol: `url` is null there, or left out.
    """
    hub = world.devices.get(device.hub or "")
    if hub is None or hub.deleted:
        return ("hub", Absent(), "claims.no-hub-is-absent")
    if not hub.enabled:
        return ("hub", Absent(), "claims.disabled-hub-is-absent")
    named: dict[str, Any] = {"server_id": hub.server_id, "name": hub.name}
    with_url = {**named, "url": hub.url}
    return ("hub", Among((with_url, named)) if hub.url is None else Is(with_url), "claims.hub")


def _date_checks(world: World, *, renewal_at: int | None, exp: int) -> tuple[Check, ...]:
    capped = renewal_at == exp
    rule = "claims.exp-capped-by-renewal" if capped else "claims.exp-is-lifetime"
    return (
        *renewal_checks(world, renewal_at=renewal_at, place="claims.license"),
        Check("claims.exp", IfWhole(exp), (rule,)),
        Check("claims.exp", WholeNumber(0), ("claims.times-are-whole-seconds",)),
    )


def renewal_checks(world: World, *, renewal_at: int | None, place: str) -> tuple[Check, ...]:
    """Demand renewal_at and renewal_due_from, both or neither."""
    if renewal_at is None:
        absent = [
            Check(f"{place}.{name}", Absent(), ("claims.no-renewal-is-absent",))
            for name in ("renewal_at", "renewal_due_from")
        ]
        return tuple(absent)
    due_from = renewal_at - world.settings.renewal_window_seconds
    return (
        Check(f"{place}.renewal_at", Is(renewal_at), ("claims.renewal-date",)),
        Check(f"{place}.renewal_due_from", Is(due_from), ("claims.renewal-due-from",)),
    )


def redeemed(world: World, grant: Grant, answer: Answer, *, now: int) -> World:
    """Make a license of a redeemed grant; the device's previous license ends as superseded.

    Spec: protocol.md, The device grant: redemption
    """
    number = len(world.licenses) + 1
    world = with_grant(world, replace(grant, state="redeemed", told=True, license=number))
    device = world.devices.get(grant.server_id or "")
    previous = world.license_of(device.server_id) if device is not None else None
    if previous is not None:
        world = _superseded(world, previous, now=now)
    scope = answer.body.get("scope")
    held = License(
        number=number,
        scope=scope if isinstance(scope, str) else None,
        server_id=device.server_id if device is not None else f"code of {number}",
        client_id=grant.client_id,
        acquired_at=now,
        renewal_at=device.renewal_at if device is not None else None,
    )
    return issued(with_license(world, held), held, answer, now=now)


def _superseded(world: World, previous: License, *, now: int) -> World:
    """End the previous license, a lapsed one too: a device has at most one that could live."""
    if previous.end is not None:
        return with_license(world, replace(previous, end_again=True))
    rule = "end.redemption-supersedes"
    return with_license(world, replace(previous, end="license_superseded", ended_at=now, end_rule=rule))


def issued(world: World, held: License, answer: Answer, *, now: int) -> World:
    """Remember the tokens of a response: a refresh token unless it is known already, and the license token."""
    refresh_token = answer.body.get("refresh_token")
    if isinstance(refresh_token, str) and refresh_token not in world.refresh_tokens:
        fresh = RefreshToken(license=held.number, expires_at=now + world.settings.refresh_token_seconds)
        world = replace(world, refresh_tokens={**world.refresh_tokens, refresh_token: fresh})
    minted = minted_token(world, held, answer, now=now)
    tokens = {**world.license_tokens, str(answer.body["access_token"]): minted}
    return signed(
        replace(world, license_tokens=tokens), kid=answer.header.get("kid"), exp=minted.exp, now=now
    )


def minted_token(world: World, held: License, answer: Answer, *, now: int) -> LicenseToken:
    """Read a license token's times from its claims, or from expires_in, or else from the law."""
    claims: Mapping[str, Any] = answer.claims
    expires_in = answer.body.get("expires_in")
    by_law = exp_of(world, renewal_at=held.renewal_at, now=now)
    stated = now + expires_in if isinstance(expires_in, int) else by_law
    exp, nbf = claims.get("exp", MISSING), claims.get("nbf", MISSING)
    return LicenseToken(
        license=held.number,
        nbf=nbf if isinstance(nbf, int) else now,
        exp=exp if isinstance(exp, int) else stated,
        claims=claims,
    )
