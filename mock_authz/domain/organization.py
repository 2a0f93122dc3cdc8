"""Organizations, administrators, devices, hubs and registered clients. Knows nothing of grants, licenses or time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from mock_authz.domain.refusals import Conflict

POS_SERVER_FEATURES: Final = ("xms",)


class Edition(StrEnum):
    """What a device is: a POS server of one of three editions, or a register."""

    CLOUD = "cloud"
    CORPORATE = "corporate"
    STORE = "store"
    REGISTER = "register"


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """A customer, whose devices trust each other's license tokens."""

    organization_id: str
    name: str


@dataclass(frozen=True, slots=True)
class PlainPassword:
    """A password as a seed gave it. It stands where its hash would, until the hash is first needed."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Administrator:
    """A person who logs in at the Authorization server and may manage several organizations.

    Attributes:
        password_hash: an argon2 hash, or a password not hashed yet; None for an administrator who acts through the
            management API only.
    """

    username: str
    name: str
    organizations: tuple[str, ...]
    password_hash: str | PlainPassword | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A server or register of one organization.

    Attributes:
        server_id: its stable identity; survives re-acquisition.
        hub: the server_id of the device that it connects to.
        renewal_at: Unix seconds; what its next license will be given as renewal date.
    """

    server_id: str
    organization_id: str
    name: str
    edition: Edition
    url: str | None = None
    hub: str | None = None
    features: tuple[str, ...] = ()
    enabled: bool = True
    renewal_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A registered OAuth client; all are public (RFC 8628 5.6)."""

    client_id: str
    name: str


def default_features(edition: Edition) -> tuple[str, ...]:
    """Say what a device is licensed for when nobody said: xms for POS servers, nothing for registers."""
    return () if edition is Edition.REGISTER else POS_SERVER_FEATURES


def check_hub(device: Device, devices: Mapping[str, Device]) -> Conflict | None:
    """Hold a device's hub to the rules: another enabled device of the same organization, and no cycle.

    Args:
        device: the device as it is about to be.
        devices: the organization's devices by server_id; what it says of `device` itself is not looked at.

    Returns:
        None if the hub may stand; else a `Conflict` with reason `hub_unknown`, `hub_disabled` or `hub_cycle`.
    """
    if device.hub is None:
        return None
    hub = devices.get(device.hub)
    if device.hub == device.server_id:
        return Conflict(f"{device.name} cannot be its own hub.", reason="hub_cycle")
    if hub is None or hub.organization_id != device.organization_id:
        return Conflict(f"{device.hub} is not a device of this organization.", reason="hub_unknown")
    if not hub.enabled:
        return Conflict(f"{hub.name} is disabled and cannot be a hub.", reason="hub_disabled")
    seen = {device.server_id}
    onward: str | None = device.hub
    while onward is not None:
        if onward in seen:
            return Conflict(f"{device.name} and {hub.name} would be each other's hub.", reason="hub_cycle")
        seen.add(onward)
        onward = devices[onward].hub if onward in devices else None
    return None
