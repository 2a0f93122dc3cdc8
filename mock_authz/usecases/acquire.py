"""Acquiring a license: the device grant, from the two codes to the first license token (RFC 8628)."""

from __future__ import annotations

from dataclasses import dataclass, field

from mock_authz.domain import device_grant, user_code
from mock_authz.domain.device_grant import DeviceGrant, Redeem, Step
from mock_authz.domain.events import EventType
from mock_authz.domain.guess_budget import GuessBudget
from mock_authz.domain.license import Ending, License
from mock_authz.domain.organization import Administrator, Client, Device
from mock_authz.domain.refusals import (
    AccessDenied,
    Conflict,
    InvalidGrant,
    InvalidScope,
    NotFound,
    Refusal,
    TooManyGuesses,
)
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


def registered_client(context: Context, client_id: str) -> Client | None:
    """Look a client up among the sandbox's own."""
    stored = context.store.get(context.sandbox.name, Client, client_id)
    return None if stored is None else stored.record


def granted_scope(asked: str | None) -> str | InvalidScope:
    """Reduce the scope that was asked for to the one that is granted, or refuse it (RFC 6749 3.3)."""
    for name in (asked or "").split():
        if name != GRANTED_SCOPE and name not in IGNORED_SCOPES:
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
        candidate = user_code.from_number(context.entropy.number("user_code", grant_id, attempt))
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
    return _may_authorize(administrator, device, now=context.now)


def _may_authorize(
    administrator: Administrator | None, device: Device | None, *, now: int
) -> Conflict | None:
    if device is None:
        return Conflict("There is no such device.", reason="device_unknown")
    if administrator is None or device.organization_id not in administrator.organizations:
        return Conflict(
            "The administrator does not manage this device's organization.",
            reason="administrator_not_entitled",
        )
    if not device.enabled:
        return Conflict(f"{device.name} is disabled.", reason="device_disabled")
    if device.renewal_at is not None and now >= device.renewal_at:
        return Conflict(
            f"The renewal date of {device.name} has passed. Renew it first.", reason="renewal_date_passed"
        )
    return None


def check_device(context: Context, server_id: str, *, administrator: str) -> Device | Refusal:
    """Say whether an administrator could authorize a device now, as `approve` decides. Changes nothing."""

    def work(transaction: Transaction) -> Device | Refusal:
        person, device = transaction.get(Administrator, administrator), transaction.get(Device, server_id)
        refusal = _may_authorize(person, device, now=context.now)
        if device is None or refusal is not None:
            return refusal or NotFound("There is no such device.")
        return device

    return context.transact(work)


def find_user_code(context: Context, entered: str) -> DeviceGrant | NotFound:
    """Look a user code up as a person entered it; case and punctuation don't count. Changes nothing."""
    normalized = context.decisions.normalize_user_code(entered)
    found = context.store.find(context.sandbox.name, DeviceGrant, "user_code", normalized)
    return found[-1].record if found else NotFound("There is no such user code.")


def enter_user_code(context: Context, entered: str, *, administrator: str) -> DeviceGrant | Refusal:
    """Look up the code that an administrator entered on the page, on the budget of wrong entries (RFC 8628 5.1).

    Returns:
        The pending grant; `TooManyGuesses` with the seconds to wait; or `NotFound`, and one wrong entry more, for a
        code that is unknown, expired or no longer pending: it could not be approved.
    """
    found = context.transact(lambda transaction: _enter(context, transaction, entered, administrator))
    if isinstance(found, DeviceGrant | TooManyGuesses):
        return found
    return NotFound("This user code is not known, has expired or was used already.")


def _enter(
    context: Context, transaction: Transaction, entered: str, administrator: str
) -> DeviceGrant | Refusal:
    """Load an open code, on the administrator's budget of wrong entries: whoever approves or denies guesses too."""
    # Nobody but an administrator has a budget, so that no invented name buys five more guesses.
    if transaction.get(Administrator, administrator) is None:
        return Conflict("There is no such administrator.", reason="administrator_not_entitled")
    budget = transaction.get(GuessBudget, administrator) or GuessBudget(administrator)
    wait_seconds = context.decisions.seconds_to_wait(budget, now=context.now)
    if wait_seconds > 0:
        return TooManyGuesses("Too many wrong user codes. Try again later.", reason=str(wait_seconds))
    grant = find_user_code(context, entered)
    if isinstance(grant, DeviceGrant):
        # Through the transaction, so that its version counts.
        grant = transaction.get(DeviceGrant, grant.grant_id) or grant
        if context.decisions.is_open(grant, now=context.now):
            return grant
    transaction.put(context.decisions.wrong_entry(budget, now=context.now))
    transaction.emit(EventType.USER_CODE_GUESSED_WRONG, administrator=administrator)
    if isinstance(grant, NotFound):
        return grant
    return device_grant.closed(grant, now=context.now) or NotFound("There is no such user code.")


def approve(context: Context, entered: str, *, server_id: str, administrator: str) -> DeviceGrant | Refusal:
    """Approve a user code for one device (RFC 8628 3.3). Touches no license.

    Only the latest approval of a device is redeemable: the others are withdrawn.

    Returns:
        The approved grant; or a refusal of the code, as `enter_user_code` counts it, with the reason
        `user_code_expired` or `user_code_not_pending`; or of the device or the administrator.
    """

    def work(transaction: Transaction) -> DeviceGrant | Refusal:
        grant = _enter(context, transaction, entered, administrator)
        if not isinstance(grant, DeviceGrant):
            return grant
        person, device = transaction.get(Administrator, administrator), transaction.get(Device, server_id)
        refusal = _may_authorize(person, device, now=context.now)
        if device is None or refusal is not None:
            return refusal or NotFound("There is no such device.")
        approved = context.decisions.approve(
            grant, server_id=server_id, administrator=administrator, now=context.now
        )
        if isinstance(approved, Refusal):
            return approved
        # Of two approvals at once, the later must see the earlier.
        transaction.claim(device)
        for earlier in transaction.find(DeviceGrant, "approved_for", server_id):
            transaction.put(device_grant.step(earlier, Step.WITHDRAW) or earlier)
            transaction.emit(EventType.USER_CODE_WITHDRAWN, user_code=earlier.user_code, server_id=server_id)
        transaction.put(approved)
        transaction.emit(
            EventType.USER_CODE_APPROVED,
            user_code=grant.user_code,
            server_id=server_id,
            administrator=administrator,
        )
        return approved

    return context.transact(work)


def deny(context: Context, entered: str, *, administrator: str) -> DeviceGrant | Refusal:
    """Deny a user code for good, in the name of any administrator (RFC 8628 3.3). Refuses as `approve` does."""

    def work(transaction: Transaction) -> DeviceGrant | Refusal:
        grant = _enter(context, transaction, entered, administrator)
        if not isinstance(grant, DeviceGrant):
            return grant
        denied = context.decisions.deny(grant, administrator=administrator, now=context.now)
        if isinstance(denied, Refusal):
            return denied
        transaction.put(denied)
        transaction.emit(EventType.USER_CODE_DENIED, user_code=grant.user_code, administrator=administrator)
        return denied

    return context.transact(work)


def list_authorizations(context: Context) -> list[DeviceGrant]:
    """List every device authorization of the sandbox, oldest first."""
    return [stored.record for stored in context.store.every(context.sandbox.name, DeviceGrant)]
