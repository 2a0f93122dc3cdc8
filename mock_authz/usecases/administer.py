"""What an administrator or a test does to the records: organizations, administrators, devices, clients, settings.

Knows nothing of the device grant. Renewal, disabling and revocation end or change licenses here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from mock_authz.domain.events import EventType
from mock_authz.domain.license import Ending, License, check_renewal_date
from mock_authz.domain.organization import (
    Administrator,
    Client,
    Device,
    Edition,
    Organization,
    default_features,
)
from mock_authz.domain.refusals import Conflict, NotFound, Refusal
from mock_authz.sandbox import Sandbox
from mock_authz.settings import change
from mock_authz.store.port import R
from mock_authz.usecases.acquire import end_live_licenses
from mock_authz.usecases.context import Context, Transaction
from mock_authz.usecases.keep import end_license

T = TypeVar("T")

NO_ORGANIZATION = NotFound("There is no such organization.")
NO_ADMINISTRATOR = NotFound("There is no such administrator.")
NO_DEVICE = NotFound("There is no such device.")
NO_CLIENT = NotFound("There is no such client.")
NONE_OF: Final[dict[type, NotFound]] = {
    Organization: NO_ORGANIZATION,
    Administrator: NO_ADMINISTRATOR,
    Device: NO_DEVICE,
    Client: NO_CLIENT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDevice:
    """A device to be created. What is None gets its default: a derived server_id, the edition's features."""

    organization_id: str
    name: str
    edition: Edition
    server_id: str | None = None
    url: str | None = None
    hub: str | None = None
    features: tuple[str, ...] | None = None
    enabled: bool = True
    renewal_at: int | None = None


def _upon(
    context: Context, kind: type[R], record_id: str, work: Callable[[Transaction, R], T]
) -> T | NotFound:
    """Load a record and work upon it, in one transaction; or say that there is none."""

    def loaded(transaction: Transaction) -> T | NotFound:
        record = transaction.get(kind, record_id)
        return NONE_OF[kind] if record is None else work(transaction, record)

    return context.transact(loaded)


# --- organizations ---


def create_organization(
    context: Context, *, name: str, organization_id: str | None = None
) -> Organization | Conflict:
    """Create an organization."""

    def work(transaction: Transaction) -> Organization | Conflict:
        chosen = organization_id or transaction.new_id("organization")
        if transaction.get(Organization, chosen) is not None:
            return Conflict(f"The organization_id {chosen} is taken.", reason="id_taken")
        organization = Organization(organization_id=chosen, name=name)
        transaction.put(organization)
        transaction.emit(EventType.ORGANIZATION_CHANGED, organization_id=chosen, change="created")
        return organization

    return context.transact(work)


def rename_organization(context: Context, organization_id: str, *, name: str) -> Organization | NotFound:
    """Rename an organization. License tokens carry the new name from the next minting on."""

    def work(transaction: Transaction, organization: Organization) -> Organization:
        renamed = replace(organization, name=name)
        transaction.put(renamed)
        transaction.emit(EventType.ORGANIZATION_CHANGED, organization_id=organization_id, change="renamed")
        return renamed

    return _upon(context, Organization, organization_id, work)


def delete_organization(context: Context, organization_id: str) -> NotFound | None:
    """Delete an organization with its devices, whose licenses end; administrators lose it."""

    def work(transaction: Transaction, _: Organization) -> None:
        for device in transaction.find(Device, "organization", organization_id):
            end_live_licenses(context, transaction, device.server_id, ending=Ending.DEVICE_DISABLED)
            transaction.delete(Device, device.server_id)
        for listed in transaction.every(Administrator):
            # Through the transaction, so that its version counts.
            administrator = transaction.get(Administrator, listed.username)
            if administrator is not None and organization_id in administrator.organizations:
                left = tuple(other for other in administrator.organizations if other != organization_id)
                transaction.put(replace(administrator, organizations=left))
        transaction.delete(Organization, organization_id)
        transaction.emit(EventType.ORGANIZATION_CHANGED, organization_id=organization_id, change="deleted")

    return _upon(context, Organization, organization_id, work)


# --- administrators ---


def create_administrator(context: Context, administrator: Administrator) -> Administrator | Refusal:
    """Create an administrator of organizations that exist."""

    def work(transaction: Transaction) -> Administrator | Refusal:
        if transaction.get(Administrator, administrator.username) is not None:
            return Conflict(f"The username {administrator.username} is taken.", reason="id_taken")
        return _put_administrator(transaction, administrator, change="created")

    return context.transact(work)


def change_administrator(
    context: Context, username: str, changes: Mapping[str, Any]
) -> Administrator | Refusal:
    """Change name, password_hash or organizations of an administrator. A new password ends open logins."""

    def work(transaction: Transaction, administrator: Administrator) -> Administrator | Refusal:
        return _put_administrator(transaction, replace(administrator, **changes), change="changed")

    return _upon(context, Administrator, username, work)


def _put_administrator(
    transaction: Transaction, administrator: Administrator, *, change: str
) -> Administrator | Conflict:
    organizations = {name: transaction.get(Organization, name) for name in administrator.organizations}
    for organization_id, organization in organizations.items():
        if organization is None:
            return Conflict(f"There is no organization {organization_id}.", reason="organization_unknown")
    for organization in organizations.values():
        # Who deletes the organization at the same time must see this administrator.
        transaction.claim(organization)
    transaction.put(administrator)
    transaction.emit(EventType.ADMINISTRATOR_CHANGED, administrator=administrator.username, change=change)
    return administrator


def delete_administrator(context: Context, username: str) -> NotFound | None:
    """Delete an administrator. What they approved and nobody redeemed yet is refused at redemption."""

    def work(transaction: Transaction, _: Administrator) -> None:
        transaction.delete(Administrator, username)
        transaction.emit(EventType.ADMINISTRATOR_CHANGED, administrator=username, change="deleted")

    return _upon(context, Administrator, username, work)


# --- devices ---


def create_device(context: Context, new: NewDevice) -> Device | Refusal:
    """Create a device."""

    def work(transaction: Transaction) -> Device | Refusal:
        server_id = new.server_id or transaction.new_id("device")
        if transaction.get(Device, server_id) is not None:
            return Conflict(f"The server_id {server_id} is taken.", reason="id_taken")
        device = Device(
            server_id=server_id,
            organization_id=new.organization_id,
            name=new.name,
            edition=new.edition,
            url=new.url,
            hub=new.hub,
            features=default_features(new.edition) if new.features is None else new.features,
            enabled=new.enabled,
            renewal_at=new.renewal_at,
        )
        return _put_device(context, transaction, device, before=None)

    return context.transact(work)


def change_device(context: Context, server_id: str, changes: Mapping[str, Any]) -> Device | Refusal:
    """Change name, url, hub or features of a device; its license tokens carry them from the next minting on."""

    def work(transaction: Transaction, device: Device) -> Device | Refusal:
        return _put_device(context, transaction, replace(device, **changes), before=device)

    return _upon(context, Device, server_id, work)


def _put_device(
    context: Context, transaction: Transaction, device: Device, *, before: Device | None
) -> Device | Refusal:
    organization = transaction.get(Organization, device.organization_id)
    if organization is None:
        return Conflict(f"There is no organization {device.organization_id}.", reason="organization_unknown")
    # A hub that was disabled later does not bar other changes.
    if before is None or device.hub != before.hub:
        siblings = transaction.find(Device, "organization", device.organization_id)
        refusal = context.decisions.check_hub(device, {sibling.server_id: sibling for sibling in siblings})
        if refusal is not None:
            return refusal
    # Who deletes the organization, or the hub, at the same time must see this device.
    transaction.claim(organization)
    transaction.put(device)
    transaction.emit(
        EventType.DEVICE_CHANGED,
        server_id=device.server_id,
        organization_id=device.organization_id,
        change="created" if before is None else "changed",
    )
    return device


def disable_device(context: Context, server_id: str) -> Device | NotFound:
    """Disable a device: its license ends for good."""

    def work(transaction: Transaction, device: Device) -> Device:
        end_live_licenses(context, transaction, server_id, ending=Ending.DEVICE_DISABLED)
        disabled = replace(device, enabled=False)
        transaction.put(disabled)
        transaction.emit(EventType.DEVICE_CHANGED, server_id=server_id, change="disabled")
        return disabled

    return _upon(context, Device, server_id, work)


def enable_device(context: Context, server_id: str) -> Device | NotFound:
    """Enable a device again. It permits a new acquisition only: its license stays ended."""

    def work(transaction: Transaction, device: Device) -> Device:
        enabled = replace(device, enabled=True)
        transaction.put(enabled)
        transaction.emit(EventType.DEVICE_CHANGED, server_id=server_id, change="enabled")
        return enabled

    return _upon(context, Device, server_id, work)


def delete_device(context: Context, server_id: str) -> NotFound | None:
    """Delete a device: its license ends for good, and devices whose hub it was have none."""

    def work(transaction: Transaction, device: Device) -> None:
        end_live_licenses(context, transaction, server_id, ending=Ending.DEVICE_DISABLED)
        # Loaded for its version: who creates a spoke at the same time claims it.
        transaction.get(Organization, device.organization_id)
        for spoke in transaction.find(Device, "organization", device.organization_id):
            if spoke.hub == server_id:
                transaction.put(replace(spoke, hub=None))
        transaction.delete(Device, server_id)
        transaction.emit(EventType.DEVICE_CHANGED, server_id=server_id, change="deleted")

    return _upon(context, Device, server_id, work)


def renew_device(context: Context, server_id: str, *, renewal_at: int | None) -> Device | Refusal:
    """Set a device's renewal date, and its license's if that is live.

    Once the license has lapsed or ended, the date is for the next license only.
    """
    if (refusal := check_renewal_date(renewal_at, now=context.now)) is not None:
        return refusal

    def work(transaction: Transaction, device: Device) -> Device | Refusal:
        for license_ in transaction.find(License, "live", server_id):
            renewed = context.decisions.renew(
                license_, renewal_at=renewal_at, lifetimes=context.settings.lifetimes, now=context.now
            )
            if isinstance(renewed, Conflict):
                return renewed
            if renewed is not license_:
                transaction.put(renewed)
                transaction.emit(
                    EventType.LICENSE_RENEWED,
                    license_id=license_.license_id,
                    server_id=server_id,
                    renewal_at=renewal_at,
                )
        with_date = replace(device, renewal_at=renewal_at)
        transaction.put(with_date)
        transaction.emit(
            EventType.DEVICE_CHANGED,
            server_id=server_id,
            organization_id=device.organization_id,
            change="renewed",
        )
        return with_date

    return _upon(context, Device, server_id, work)


def revoke_device_license(context: Context, server_id: str) -> Device | Refusal:
    """End the live license of a device as revoked."""

    def work(transaction: Transaction, device: Device) -> Device | Refusal:
        live = transaction.find(License, "live", server_id)
        if not live:
            return Conflict(f"{device.name} has no license that could be revoked.", reason="not_licensed")
        for license_ in live:
            end_license(context, transaction, license_, ending=Ending.REVOKED)
        return device

    return _upon(context, Device, server_id, work)


def latest_license(context: Context, server_id: str) -> License | None:
    """Find the license that a device's page shows: the live one, or the last that it had."""
    found = context.store.find(context.sandbox.name, License, "server", server_id)
    return found[-1].record if found else None


# --- clients and settings ---


def create_client(context: Context, client: Client) -> Client | Conflict:
    """Register a public client."""

    def work(transaction: Transaction) -> Client | Conflict:
        if transaction.get(Client, client.client_id) is not None:
            return Conflict(f"The client_id {client.client_id} is taken.", reason="id_taken")
        transaction.put(client)
        transaction.emit(EventType.CLIENT_CHANGED, client_id=client.client_id, change="created")
        return client

    return context.transact(work)


def delete_client(context: Context, client_id: str) -> NotFound | None:
    """Remove a registered client; its licenses stay, but it can no longer refresh them."""

    def work(transaction: Transaction, _: Client) -> None:
        transaction.delete(Client, client_id)
        transaction.emit(EventType.CLIENT_CHANGED, client_id=client_id, change="deleted")

    return _upon(context, Client, client_id, work)


def change_settings(context: Context, changes: Mapping[str, Any]) -> Sandbox:
    """Change settings of the sandbox, for what is issued later.

    Raises:
        SettingsError: a name is unknown, or a value out of bounds.
    """

    def work(transaction: Transaction) -> Sandbox:
        stored = transaction.get(Sandbox, "only")
        sandbox = context.sandbox if stored is None else stored
        changed = replace(sandbox, settings=change(sandbox.settings, changes))
        transaction.put(changed)
        transaction.emit(EventType.SETTINGS_CHANGED, names=", ".join(sorted(changes)))
        return changed

    return context.transact(work)
