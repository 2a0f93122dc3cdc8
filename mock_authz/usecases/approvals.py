"""Deciding on a user code: found, entered on a budget of wrong ones, approved or denied (RFC 8628 3.3, 5.1).

Knows nothing of polls and licenses: an approval touches none.
"""

from __future__ import annotations

from mock_authz.domain import device_grant
from mock_authz.domain.device_grant import DeviceGrant, Step
from mock_authz.domain.events import EventType
from mock_authz.domain.guess_budget import GuessBudget
from mock_authz.domain.organization import Administrator, Device
from mock_authz.domain.refusals import Conflict, NotFound, Refusal, TooManyGuesses
from mock_authz.usecases.context import Context, Transaction


def check_device(context: Context, server_id: str, *, administrator: str) -> Device | Refusal:
    """Say whether an administrator could authorize a device now, as `approve` decides. Changes nothing."""

    def work(transaction: Transaction) -> Device | Refusal:
        person, device = transaction.get(Administrator, administrator), transaction.get(Device, server_id)
        refusal = context.decisions.may_authorize(person, device, now=context.now)
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
        return approve_grant(context, transaction, grant, server_id=server_id, administrator=administrator)

    return context.transact(work)


def approve_grant(
    context: Context, transaction: Transaction, grant: DeviceGrant, *, server_id: str, administrator: str
) -> DeviceGrant | Refusal:
    """Approve a loaded grant within a transaction, as `approve` does once the code has been found."""
    person, device = transaction.get(Administrator, administrator), transaction.get(Device, server_id)
    refusal = context.decisions.may_authorize(person, device, now=context.now)
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


def deny(context: Context, entered: str, *, administrator: str) -> DeviceGrant | Refusal:
    """Deny a user code for good, in the name of any administrator (RFC 8628 3.3). Refuses as `approve` does."""

    def work(transaction: Transaction) -> DeviceGrant | Refusal:
        grant = _enter(context, transaction, entered, administrator)
        if not isinstance(grant, DeviceGrant):
            return grant
        return deny_grant(context, transaction, grant, administrator=administrator)

    return context.transact(work)


def deny_grant(
    context: Context, transaction: Transaction, grant: DeviceGrant, *, administrator: str
) -> DeviceGrant | Refusal:
    """Deny a loaded grant within a transaction, as `deny` does once the code has been found."""
    denied = context.decisions.deny(grant, administrator=administrator, now=context.now)
    if isinstance(denied, Refusal):
        return denied
    transaction.put(denied)
    transaction.emit(EventType.USER_CODE_DENIED, user_code=grant.user_code, administrator=administrator)
    return denied


def list_authorizations(context: Context) -> list[DeviceGrant]:
    """List every device authorization of the sandbox, oldest first."""
    return [stored.record for stored in context.store.every(context.sandbox.name, DeviceGrant)]
