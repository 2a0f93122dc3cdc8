"""Acquiring a license: the device grant, from the two codes to the first license token (RFC 8628)."""

from __future__ import annotations

from dataclasses import dataclass, field

from mock_authz.domain import device_grant, user_code
from mock_authz.domain.device_grant import DeviceGrant, Redeem, Step
from mock_authz.domain.events import EventType
from mock_authz.domain.license import Ending, License
from mock_authz.domain.organization import Administrator, Device
from mock_authz.domain.refusals import (
    AccessDenied,
    Conflict,
    InvalidGrant,
    InvalidScope,
    Refusal,
)
from mock_authz.usecases import humans
from mock_authz.usecases.context import Context, Transaction
from mock_authz.usecases.tokens import IssuedTokens, Minted, mint, sign

GRANTED_SCOPE = "license"
# Asked for out of habit by OpenID clients; ignored, as this server makes no OpenID claim.
IGNORED_SCOPES = frozenset({"openid", "profile", "offline_access"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceAuthorization:
    """The answer of the device authorization endpoint (RFC 8628 3.2), less the URIs."""

    device_code: str = field(repr=False)
    user_code: str
    expires_in: int
    interval: int


def granted_scope(asked: str | None) -> str | InvalidScope:
    """Reduce the scope that was asked for to the one that is granted, or refuse it (RFC 6749 3.3)."""
    # A space alone parts two names: what tabs or other blanks part is one name, and an unknown one.
    for name in (asked or "").split(" "):
        if name and name != GRANTED_SCOPE and name not in IGNORED_SCOPES:
            return InvalidScope("The only scope here is license.")
    return GRANTED_SCOPE


def authorize_device(
    context: Context, *, client_id: str, scope: str | None
) -> DeviceAuthorization | InvalidScope:
    """Issue a device_code and a user_code to a registered client (RFC 8628 3.1, 3.2)."""
    granted = granted_scope(scope)
    if isinstance(granted, InvalidScope):
        return granted

    def work(transaction: Transaction) -> DeviceGrant:
        grant_id = transaction.new_id("device_grant")
        grant = DeviceGrant(
            grant_id=grant_id,
            client_id=client_id,
            scope=granted,
            user_code=_unused_user_code(context, transaction, grant_id),
            issued_at=context.now,
            expires_at=context.now + context.settings.code_seconds,
            interval=context.settings.interval_seconds,
        )
        transaction.put(grant)
        transaction.emit(
            EventType.DEVICE_AUTHORIZATION_ISSUED, user_code=grant.user_code, client_id=client_id
        )
        humans.take_on(context, transaction, grant)
        return grant

    grant = context.transact(work)
    return DeviceAuthorization(
        device_code=context.entropy.credential("device_code", grant.grant_id),
        user_code=user_code.display(grant.user_code),
        expires_in=grant.expires_at - context.now,
        interval=grant.interval,
    )


def _unused_user_code(context: Context, transaction: Transaction, grant_id: str) -> str:
    # RFC 8628 3.2: unique. Dead codes are remembered for the sandbox's life, so never given out again either.
    attempt = 0
    while True:
        candidate = context.decisions.new_user_code(context.entropy.number("user_code", grant_id, attempt))
        if not transaction.find(DeviceGrant, "user_code", candidate):
            return candidate
        attempt += 1


def poll(context: Context, *, client_id: str, device_code: str) -> IssuedTokens | Refusal:
    """Answer one token request with a device_code; redeem it if it was approved (RFC 8628 3.4, 3.5).

    Once, however many polls race: the redemption commits with the grant's version. There is no retry window: a lost
    reply costs a new acquisition, which supersedes the orphan.
    """
    named = context.entropy.read_credential("device_code", device_code)
    unknown = InvalidGrant("This device_code is not known.")
    if named is None:
        return unknown

    def work(transaction: Transaction) -> Minted | Refusal:
        grant = transaction.get(DeviceGrant, named[0])
        if grant is None:
            return unknown
        if client_id == grant.client_id:
            grant = humans.before_poll(context, transaction, grant)
        polled, answer = context.decisions.poll(grant, client_id=client_id, now=context.now)
        if isinstance(answer, Redeem):
            return _redeem(context, transaction, polled)
        if polled is not grant:
            transaction.put(polled)
        return answer

    answer = context.transact(work)
    return sign(context, answer) if isinstance(answer, Minted) else answer


def _redeem(context: Context, transaction: Transaction, grant: DeviceGrant) -> Minted | AccessDenied:
    device = transaction.get(Device, grant.server_id or "")
    refusal = _still_authorized(context, transaction, grant, device)
    if device is None or refusal is not None:
        # A failure denies the code for good.
        transaction.put(device_grant.step(grant, Step.WITHDRAW) or grant)
        transaction.emit(EventType.USER_CODE_WITHDRAWN, user_code=grant.user_code, server_id=grant.server_id)
        return AccessDenied(
            "The authorization no longer stands: the device, organization or administrator changed."
        )
    transaction.put(device_grant.step(grant, Step.REDEEM) or grant)
    # Who disables, renews or deletes the device at the same time must see this license.
    transaction.claim(device)
    end_live_licenses(context, transaction, device.server_id, ending=Ending.SUPERSEDED)
    license_ = context.decisions.issue(
        device,
        license_id=transaction.new_id("license"),
        client_id=grant.client_id,
        scope=grant.scope,
        lifetimes=context.settings.lifetimes,
        now=context.now,
    )
    transaction.put(license_)
    transaction.emit(
        EventType.LICENSE_ISSUED,
        license_id=license_.license_id,
        server_id=license_.server_id,
        client_id=license_.client_id,
        expires_at=license_.token_expires_at,
        renewal_at=license_.renewal_at,
    )
    return mint(context, transaction, license_)


def end_live_licenses(context: Context, transaction: Transaction, server_id: str, *, ending: Ending) -> None:
    """End every license of a device that has not ended; there is at most one."""
    for license_ in transaction.find(License, "live", server_id):
        ended = context.decisions.end(license_, ending=ending, now=context.now)
        transaction.put(ended)
        transaction.emit(
            EventType.LICENSE_ENDED, license_id=license_.license_id, server_id=server_id, reason=ending.value
        )


def _still_authorized(
    context: Context, transaction: Transaction, grant: DeviceGrant, device: Device | None
) -> Conflict | None:
    """Check device, organization and administrator again: much can change between approval and redemption."""
    administrator = transaction.get(Administrator, grant.administrator or "")
    return context.decisions.still_authorized(administrator, device, now=context.now)
