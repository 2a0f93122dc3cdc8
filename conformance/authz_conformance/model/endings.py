"""What ends a license, and what renews it: revocation, renewal, and what an administrator does to a device.

Spec: RFC 7009 2; protocol.md, Refresh, renewal, endings
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

from authz_conformance.model.answers import DONE, REFUSED, Answer, Decision, Outcome, due, refused
from authz_conformance.model.law import Law
from authz_conformance.model.readings import Reading
from authz_conformance.model.steps import Delete, Disable, Enable, Renew, RevokeLicense, RevokeToken
from authz_conformance.model.world import License, World, ended, with_device, with_license

DeviceStep: TypeAlias = Disable | Enable | Delete | RevokeLicense
_DONE = Outcome(kind=DONE)
_REFUSED = Outcome(kind=REFUSED)
_REASONS = {Disable: "device_disabled", Delete: "device_disabled", RevokeLicense: "license_revoked"}
_RULES = {Disable: "end.disabling", Delete: "end.deleting", RevokeLicense: "end.administrator-revokes"}


def _license_of_token(world: World, token: str) -> License | None:
    found = world.refresh_tokens.get(token) or world.license_tokens.get(token)
    return world.licenses[found.license] if found is not None else None


def _lapsed_unended(held: License | None, *, now: int) -> bool:
    return held is not None and held.end is None and not held.live(now=now)


def asks_revocation(world: World, step: RevokeToken, *, now: int) -> tuple[Reading, ...]:
    """Name the readings on which it depends whether a revocation ends anything."""
    asked = []
    minted = world.license_tokens.get(step.token)
    if minted is not None and now >= minted.exp:
        asked.append(Reading.EXPIRED_LICENSE_TOKEN_REVOKES)
    if _lapsed_unended(_license_of_token(world, step.token), now=now):
        asked.append(Reading.LAPSED_CAN_END)
    return tuple(asked)


def decide_revocation(world: World, step: RevokeToken, *, now: int, law: Law) -> Decision:
    """Say what a revocation by a client may be answered.

    An expired license token may be as good as unknown, another client's too. RFC 7009 leaves it open whether a
    foreign token is refused.
    """
    if step.client_id not in world.clients:
        return due(refused("invalid_client"), rules=("revoke.unknown-client-refused",))
    held = _license_of_token(world, step.token)
    if held is None:
        return due(_DONE, rules=("revoke.unknown-is-200",))
    if held.client_id == step.client_id:
        return due(
            _DONE, rules=("revoke.again-is-200" if held.end is not None else _revocation_rule(world, step),)
        )
    foreign = refused("invalid_grant")
    if not law.binds("revoke.foreign-is-invalid-grant"):
        return due(foreign, _DONE, rules=())
    if _as_good_as_unknown(world, step, now=now):
        return due(_DONE, rules=("revoke.unknown-is-200",))
    return due(foreign, rules=("revoke.foreign-is-invalid-grant",))


def _as_good_as_unknown(world: World, step: RevokeToken, *, now: int) -> bool:
    minted = world.license_tokens.get(step.token)
    return minted is not None and now >= minted.exp and not world.reads(Reading.EXPIRED_LICENSE_TOKEN_REVOKES)


def _revocation_rule(world: World, step: RevokeToken) -> str:
    """Name the rule by which a token ends its license; the one of plain refresh tokens is any server's."""
    if step.token in world.license_tokens:
        return "revoke.license-token"
    rotated = world.refresh_tokens[step.token].first_used_at is not None
    return "revoke.rotated-refresh-token" if rotated else "revoke.refresh-token"


def follow_revocation(world: World, step: RevokeToken, answer: Answer, *, now: int) -> World:
    """End the license of the token, for its own client."""
    held = _license_of_token(world, step.token)
    if held is None or answer.kind != DONE or held.client_id != step.client_id:
        return world
    if _as_good_as_unknown(world, step, now=now):
        return world
    rule = _revocation_rule(world, step)
    found = world.refresh_tokens.get(step.token)
    if rule == "revoke.refresh-token" and found is not None and now >= found.expires_at:
        rule = "revoke.expired-refresh-token"
    return ended(world, held, reason="license_revoked", rule=rule, now=now)


def asks_device(world: World, step: DeviceStep, *, now: int) -> tuple[Reading, ...]:
    """Name the reading on which it depends whether a lapsed license ends."""
    if isinstance(step, Enable) or not _lapsed_unended(world.license_of(step.server_id), now=now):
        return ()
    return (Reading.LAPSED_CAN_END,)


def decide_device(world: World, step: DeviceStep, *, now: int, law: Law) -> Decision:
    """Say what an administrator's step may be answered: done, for a device that there is."""
    del now, law
    device = world.devices.get(step.server_id)
    gone = device is None or device.deleted
    return due(_REFUSED if gone else _DONE, rules=())


def follow_device(world: World, step: DeviceStep, answer: Answer, *, now: int) -> World:
    """Change the device; all but enabling ends its license for good."""
    device = world.devices.get(step.server_id)
    if device is None or answer.kind != DONE:
        return world
    if isinstance(step, Enable):
        return with_device(world, replace(device, enabled=True))
    if isinstance(step, Disable):
        world = with_device(world, replace(device, enabled=False, was_disabled=True))
    elif isinstance(step, Delete):
        world = with_device(world, replace(device, deleted=True))
    held = world.license_of(step.server_id)
    if held is None:
        return world
    return ended(world, held, reason=_REASONS[type(step)], rule=_RULES[type(step)], now=now)


def asks_renewal(world: World, step: Renew, *, now: int) -> tuple[Reading, ...]:
    """Name the readings on which the effect of a renewal depends: a date where none was, or an earlier one."""
    held = world.license_of(step.server_id)
    if held is None or not held.live(now=now) or step.renewal_at is None:
        return ()
    if held.renewal_at is None:
        return (Reading.UNDATED_CAN_BE_DATED,)
    return (Reading.EARLIER_RENEWAL_IS_REFUSED,) if step.renewal_at <= held.renewal_at else ()


def decide_renewal(world: World, step: Renew, *, now: int, law: Law) -> Decision:
    """Say whether a renewal is taken.

    That it is taken is management's affair; no rule of the catalogue breaks where it is refused.
    """
    del law
    device = world.devices.get(step.server_id)
    if device is None or device.deleted:
        return due(_REFUSED, rules=())
    if step.renewal_at is not None and step.renewal_at <= now:
        return due(_REFUSED, _DONE, rules=())
    asked = asks_renewal(world, step, now=now)
    if Reading.EARLIER_RENEWAL_IS_REFUSED in asked and world.reads(Reading.EARLIER_RENEWAL_IS_REFUSED):
        return due(_REFUSED, rules=())
    if Reading.UNDATED_CAN_BE_DATED in asked and not world.reads(Reading.UNDATED_CAN_BE_DATED):
        return due(_DONE, _REFUSED, rules=())
    return due(_DONE, rules=())


def follow_renewal(world: World, step: Renew, answer: Answer, *, now: int) -> World:
    """Move the device's date, and that of its license while it is live; what is issued keeps its exp."""
    device = world.devices.get(step.server_id)
    if device is None or answer.kind != DONE:
        return world
    world = with_device(world, replace(device, renewal_at=step.renewal_at))
    held = world.license_of(step.server_id)
    if held is None or not held.live(now=now):
        return world
    undated = held.renewal_at is None and step.renewal_at is not None
    if undated and not world.reads(Reading.UNDATED_CAN_BE_DATED):
        return world
    renewed = replace(held, renewal_at=step.renewal_at, renewed_from=held.renewal_at)
    return with_license(world, renewed)
