"""Scripted humans: they take on a user code and decide on it, as an administrator would, at the time that was scripted.

Nobody enters a code here, so the budget of wrong ones is not touched.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from mock_authz.domain import device_grant, human_script
from mock_authz.domain.device_grant import DeviceGrant
from mock_authz.domain.events import EventType
from mock_authz.domain.human_script import Act, HumanScript
from mock_authz.domain.license import License
from mock_authz.domain.organization import Administrator, Device, Edition
from mock_authz.domain.refusals import NotFound, Refusal
from mock_authz.store.records import WAITING
from mock_authz.usecases.approvals import approve_grant, deny_grant
from mock_authz.usecases.context import Context, Transaction

NO_HUMAN = NotFound("There is no such scripted human.")
NOBODY = NotFound("No administrator of the sandbox may authorize a device now.")


def add_human(context: Context, script: HumanScript) -> HumanScript:
    """Add a scripted human; its id is derived here.

    It takes on the newest open code that nobody has taken on, or else the next one that is issued.
    """

    def work(transaction: Transaction) -> HumanScript:
        named = replace(script, human_id=transaction.new_id("human_script"))
        transaction.put(named)
        for grant in reversed(transaction.every(DeviceGrant)):
            is_open = device_grant.is_open(grant, now=context.now)
            if is_open and not transaction.find(HumanScript, "grant", grant.grant_id):
                loaded = transaction.get(DeviceGrant, grant.grant_id) or grant
                if human_script.takes_on(named, client_id=loaded.client_id):
                    return _bind(context, transaction, named, loaded)
        return named

    return context.transact(work)


def list_humans(context: Context) -> list[HumanScript]:
    """List all scripted humans of the sandbox, those who have acted too, in order of creation."""
    return [stored.record for stored in context.store.every(context.sandbox.name, HumanScript)]


def find_human(context: Context, human_id: str) -> HumanScript | NotFound:
    """Load one scripted human."""
    stored = context.store.get(context.sandbox.name, HumanScript, human_id)
    return NO_HUMAN if stored is None else stored.record


def remove_human(context: Context, human_id: str) -> NotFound | None:
    """Remove a scripted human; what it has decided stands."""

    def work(transaction: Transaction) -> NotFound | None:
        if transaction.get(HumanScript, human_id) is None:
            return NO_HUMAN
        transaction.delete(HumanScript, human_id)
        return None

    return context.transact(work)


def take_on(context: Context, transaction: Transaction, grant: DeviceGrant) -> None:
    """Let the first scripted human that waits take on a code that has just been issued."""
    for script in transaction.find(HumanScript, "waiting", WAITING):
        if human_script.takes_on(script, client_id=grant.client_id):
            _bind(context, transaction, script, grant)
            return


def _bind(context: Context, transaction: Transaction, script: HumanScript, grant: DeviceGrant) -> HumanScript:
    bound = replace(script, grant_id=grant.grant_id)
    transaction.put(bound)
    if human_script.is_due(bound, polls=grant.polls, now=context.now):
        bound, _ = _act(context, transaction, bound, grant)
    return bound


def before_poll(context: Context, transaction: Transaction, grant: DeviceGrant) -> DeviceGrant:
    """Let the scripted human of this code decide, if it is to do so before the answer to this poll."""
    for script in transaction.find(HumanScript, "grant", grant.grant_id):
        if human_script.is_due(script, polls=grant.polls + 1, now=context.now):
            _, grant = _act(context, transaction, script, grant)
    return grant


def due_instants(context: Context, *, until: int) -> list[int]:
    """List the instants up to `until` at which a scripted human is to decide, in order."""
    waiting = (script for script in list_humans(context) if _is_waiting(script))
    return sorted({_at(script) for script in waiting if _at(script) <= until})


def act_due(context: Context) -> None:
    """Let every scripted human decide whose instant has come, in order of creation."""
    for script in list_humans(context):
        if _is_waiting(script) and _at(script) <= context.now:
            human_id = script.human_id
            context.transact(partial(_act_loaded, context, human_id=human_id))


def _act_loaded(context: Context, transaction: Transaction, *, human_id: str) -> None:
    script = transaction.get(HumanScript, human_id)
    grant = None if script is None else transaction.get(DeviceGrant, script.grant_id or "")
    if script is not None and grant is not None and script.acted_at is None:
        _act(context, transaction, script, grant)


def _act(
    context: Context, transaction: Transaction, script: HumanScript, grant: DeviceGrant
) -> tuple[HumanScript, DeviceGrant]:
    answer = _decide(context, transaction, script, grant)
    refusal = answer.description if isinstance(answer, Refusal) else None
    acted = human_script.acted(script, now=context.now, refusal=refusal)
    transaction.put(acted)
    transaction.emit(
        EventType.HUMAN_ACTED,
        human_id=script.human_id,
        act=script.act.value,
        user_code=grant.user_code,
        refusal=refusal,
    )
    return acted, grant if isinstance(answer, Refusal) else answer


def _decide(
    context: Context, transaction: Transaction, script: HumanScript, grant: DeviceGrant
) -> DeviceGrant | Refusal:
    if script.act is Act.IGNORE:
        return grant
    device = _device(context, transaction, script, grant)
    administrator = script.administrator or _administrator(transaction, device)
    if administrator is None:
        return NOBODY
    if script.act is Act.DENY:
        return deny_grant(context, transaction, grant, administrator=administrator)
    if device is None:
        return NOBODY
    return approve_grant(context, transaction, grant, server_id=device.server_id, administrator=administrator)


def _device(
    context: Context, transaction: Transaction, script: HumanScript, grant: DeviceGrant
) -> Device | None:
    """Choose the device: the scripted one, or the first without a license that could be authorized now.

    A register's client gets a register, a POS server's client a POS server.
    """
    if script.server_id is not None:
        return transaction.get(Device, script.server_id)
    administrators = transaction.every(Administrator)
    for device in transaction.every(Device):
        is_register = device.edition is Edition.REGISTER
        may = any(
            context.decisions.may_authorize(person, device, now=context.now) is None
            for person in administrators
        )
        is_licensed = transaction.find(License, "live", device.server_id)
        if may and not is_licensed and is_register == (grant.client_id == Edition.REGISTER):
            return device
    return None


def _administrator(transaction: Transaction, device: Device | None) -> str | None:
    for administrator in transaction.every(Administrator):
        if device is None or device.organization_id in administrator.organizations:
            return administrator.username
    return None


def _is_waiting(script: HumanScript) -> bool:
    return script.grant_id is not None and script.acted_at is None and script.at is not None


def _at(script: HumanScript) -> int:
    return script.at or 0
