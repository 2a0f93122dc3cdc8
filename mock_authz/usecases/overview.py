"""What an administrator sees: organizations, devices and the state of their licenses. Changes nothing.

Knows nothing of pages: it gives records and what is computed from them, not words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mock_authz.domain import license as licenses
from mock_authz.domain.license import License, LicenseStatus, TokenState
from mock_authz.domain.organization import Administrator, Device, Organization
from mock_authz.usecases.administer import latest_license
from mock_authz.usecases.context import Context
from mock_authz.usecases.listing import find_record


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceOverview:
    """A device and its license as of now.

    Attributes:
        license: the live one, or the last that it had.
        reason: why that is no longer good, as on the wire; None while it is.
        token_state: of the license token minted last; None without a license.
        hub: the device that it connects to.
    """

    device: Device
    license: License | None
    status: LicenseStatus
    reason: str | None
    token_state: TokenState | None
    hub: Device | None


def managed_organizations(context: Context, administrator: Administrator) -> list[Organization]:
    """List the organizations that an administrator may manage, by name."""
    found = (find_record(context, Organization, name) for name in administrator.organizations)
    return sorted((one for one in found if one is not None), key=lambda one: (one.name, one.organization_id))


def list_devices(context: Context, organization_id: str) -> list[DeviceOverview]:
    """List the devices of an organization with their licenses, by name."""
    devices = _devices(context, organization_id)
    found = [_overview(context, device, devices) for device in devices.values()]
    return sorted(found, key=lambda one: (one.device.name, one.device.server_id))


def overviews(context: Context, devices: Sequence[Device]) -> list[DeviceOverview]:
    """Look at some devices, of whatever organizations, with their licenses, in the order in which they come."""
    found = (find_record(context, Device, device.hub) for device in devices if device.hub is not None)
    hubs = {hub.server_id: hub for hub in found if hub is not None}
    return [_overview(context, device, hubs) for device in devices]


def find_device(context: Context, organization_id: str, server_id: str) -> DeviceOverview | None:
    """Find one device of an organization; None if there is none, or it is another organization's."""
    devices = _devices(context, organization_id)
    return _overview(context, devices[server_id], devices) if server_id in devices else None


def possible_hubs(context: Context, device: Device) -> list[Device]:
    """List the devices that could be this device's hub now, by name."""
    devices = _devices(context, device.organization_id)
    fitting = [
        hub
        for hub in devices.values()
        if context.decisions.check_hub(replace(device, hub=hub.server_id), devices) is None
    ]
    return sorted(fitting, key=lambda hub: (hub.name, hub.server_id))


def _devices(context: Context, organization_id: str) -> dict[str, Device]:
    found = context.store.find(context.sandbox.name, Device, "organization", organization_id)
    return {stored.record.server_id: stored.record for stored in found}


def _overview(context: Context, device: Device, devices: dict[str, Device]) -> DeviceOverview:
    license_ = latest_license(context, device.server_id)
    warning_seconds = context.settings.token_warning_seconds
    return DeviceOverview(
        device=device,
        license=license_,
        status=context.decisions.status(license_, now=context.now),
        reason=None if license_ is None else licenses.reason(license_, now=context.now),
        token_state=None
        if license_ is None
        else context.decisions.token_state(
            license_.token_expires_at, warning_seconds=warning_seconds, now=context.now
        ),
        hub=None if device.hub is None else devices.get(device.hub),
    )
