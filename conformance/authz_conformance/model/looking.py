"""What a license token opens: the caller's license, and introspection. Looking changes nothing.

Spec: RFC 6750 3.1, RFC 7662 2.2; protocol.md, Endpoints
"""

from __future__ import annotations

from collections.abc import Iterator

from authz_conformance.model.answers import DONE, Answer, Check, Decision, Outcome, due, refused
from authz_conformance.model.calendar import MINUTE, lapsed, license_status, token_state
from authz_conformance.model.issuing import license_checks, renewal_checks
from authz_conformance.model.law import Law
from authz_conformance.model.readings import Reading
from authz_conformance.model.refreshing import asks_refresh, granted_exp
from authz_conformance.model.steps import Introspect, Refresh, ViewLicense
from authz_conformance.model.wanted import MISSING, Absent, Alone, Among, Is, Wanted
from authz_conformance.model.world import License, LicenseToken, World


def asks_look(world: World, step: Introspect | ViewLicense, *, now: int) -> tuple[Reading, ...]:
    """Name the readings on which a look depends: nbf that lies ahead, or what a refresh would depend on."""
    asked: tuple[Reading, ...] = ()
    caller = world.license_tokens.get(step.access_token)
    if caller is not None and now < caller.nbf:
        asked = (Reading.BEARER_CHECKS_NBF,)
    if isinstance(step, ViewLicense):
        return asked
    return asked + asks_refresh(world, Refresh(client_id="", refresh_token=step.token), now=now)


def _refusal(world: World, access_token: str, *, now: int) -> Decision | None:
    """Refuse a caller whose license token is not live, or None where it opens what it asks for.

    The contract fixes the order: how the license ended, then license_token_expired.
    """
    caller = world.license_tokens.get(access_token)
    if caller is None:
        return _unauthorized(Absent(), "bearer.tampered-is-invalid-token")
    held = world.licenses[caller.license]
    if held.end is not None:
        return _unauthorized(Is(held.end), "bearer.ended-is-invalid-token", "bearer.ended-says-why")
    if lapsed(held.renewal_at, now=now):
        return _unauthorized(
            Is("license_expired"), "bearer.expired-is-invalid-token", "bearer.ended-says-why"
        )
    if now >= caller.exp:
        expired = Is("license_token_expired")
        rule = _expiry_rule(held, caller, now=now)
        return _unauthorized(expired, rule, "bearer.expired-says-why")
    if now < caller.nbf and world.reads(Reading.BEARER_CHECKS_NBF):
        return _unauthorized(Among((MISSING, "license_token_expired")), "bearer.header-accepted")
    return None


def _expiry_rule(held: License, caller: LicenseToken, *, now: int) -> str:
    """Name the rule that a token breaks which opens something after its exp: no leeway explains so much."""
    outlived = held.renewed_from == caller.exp and now > caller.exp + MINUTE
    return "renew.issued-tokens-keep-exp" if outlived else "bearer.expired-is-invalid-token"


def _unauthorized(reason: Wanted, rule: str, reason_rule: str = "bearer.expired-says-why") -> Decision:
    status = Check("status", Is(401), (rule,))
    return due(refused("invalid_token", status, Check("body.reason", reason, (reason_rule,))), rules=(rule,))


def decide_view(world: World, step: ViewLicense, *, now: int, law: Law) -> Decision:
    """Say what /license may be answered: status and names of now, the token's own state beside them."""
    del law
    refusal = _refusal(world, step.access_token, now=now)
    if refusal is not None:
        return refusal
    caller = world.license_tokens[step.access_token]
    checks = tuple(_view_checks(world, caller, now=now))
    return due(Outcome(kind=DONE, checks=checks), rules=("bearer.header-accepted",))


def _view_checks(world: World, caller: LicenseToken, *, now: int) -> Iterator[Check]:
    held, settings = world.licenses[caller.license], world.settings
    status = license_status(
        renewal_at=held.renewal_at,
        renewal_window_seconds=settings.renewal_window_seconds,
        ended=False,
        now=now,
    )
    state = token_state(exp=caller.exp, token_warning_seconds=settings.token_warning_seconds, now=now)
    rule = "status.licensed" if status == "licensed" else "status.requires-renewal"
    yield Check("body.license_status", Is(status), (rule,))
    yield Check("body.token_state", Is(state), ("status.token-state",))
    yield Check("body.token_expires_at", Is(caller.exp), ("status.token-state",))
    yield Check("body.server_id", Is(held.server_id), ("bearer.license-is-the-callers",))
    device = world.devices.get(held.server_id)
    if device is None:
        return
    named = [*license_checks(world, device=device, place="body.license")]
    named += renewal_checks(world, renewal_at=held.renewal_at, place="body.license")
    for check in named:
        yield Check(check.path, check.wanted, ("bearer.license-is-read-now",))


def decide_introspection(world: World, step: Introspect, *, now: int, law: Law) -> Decision:
    """Say what introspection may answer. How others than a licensing server know their callers, nobody says here."""
    if law.binds("bearer.header-accepted"):
        refusal = _refusal(world, step.access_token, now=now)
        if refusal is not None:
            return refusal
    minted = world.license_tokens.get(step.token)
    if minted is not None:
        return _license_token(world, step, minted, now=now)
    if step.token in world.refresh_tokens:
        return _refresh_token(world, step, now=now)
    return _inactive("introspect.unknown-is-inactive")


def _inactive(rule: str) -> Decision:
    checks = (
        Check("body.active", Is(value=False), (rule,)),
        Check("body", Alone("active", value=False), ("introspect.inactive-says-nothing-else",)),
    )
    return due(Outcome(kind=DONE, checks=checks), rules=(rule,))


def _foreign(world: World, step: Introspect, *, subject: int) -> bool:
    """Say whether a token is of another organization than its caller's."""
    caller = world.license_tokens.get(step.access_token)
    if caller is None:
        return False
    devices = [world.devices.get(world.licenses[number].server_id) for number in (caller.license, subject)]
    own, other = [device.organization if device is not None else None for device in devices]
    return own != other


def _license_token(world: World, step: Introspect, minted: LicenseToken, *, now: int) -> Decision:
    held = world.licenses[minted.license]
    if _foreign(world, step, subject=minted.license):
        return _inactive("introspect.foreign-organization-is-inactive")
    if held.end is not None:
        return _inactive("introspect.revoked-is-inactive")
    if now >= minted.exp or lapsed(held.renewal_at, now=now):
        return _inactive("introspect.expired-is-inactive")
    if now < minted.nbf:
        return _inactive("introspect.not-yet-valid-is-inactive")
    repeated = tuple(
        Check(f"body.{name}", Is(value), ("introspect.says-what-the-token-says",))
        for name, value in minted.claims.items()
    )
    active = Check("body.active", Is(value=True), ("introspect.live-is-active",))
    return due(Outcome(kind=DONE, checks=(active, *repeated)), rules=("introspect.live-is-active",))


def _refresh_token(world: World, step: Introspect, *, now: int) -> Decision:
    """A refresh token is active as long as a refresh with it would be granted."""
    found = world.refresh_tokens[step.token]
    if _foreign(world, step, subject=found.license):
        return _inactive("introspect.foreign-organization-is-inactive")
    told = granted_exp(world, found, world.licenses[found.license], now=now)
    if told is None:
        return _inactive("introspect.refresh-token")
    active = Check("body.active", Is(value=True), ("introspect.refresh-token",))
    exp = Check("body.exp", Among(told), ("introspect.refresh-token",))
    return due(Outcome(kind=DONE, checks=(active, exp)), rules=("introspect.refresh-token",))


def follow_look(world: World, step: Introspect | ViewLicense, answer: Answer, *, now: int) -> World:
    """Looking neither rotates a refresh token nor counts as its use."""
    del step, answer, now
    return world
