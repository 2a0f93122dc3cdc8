"""What can be asked of a server, by a device, an administrator, or whoever looks: data, with wire values.

Time is no step: each step is asked at an instant, which may lie before that of the step before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceAuthorization:
    """A device asks for codes (RFC 8628 3.1)."""

    client_id: str
    scope: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """A device polls with its device_code (RFC 8628 3.4)."""

    client_id: str
    device_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """A device refreshes (RFC 6749 6)."""

    client_id: str
    refresh_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeToken:
    """A client revokes a refresh token or license token (RFC 7009 2.1)."""

    client_id: str
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Introspect:
    """Whoever holds a license token asks whether a token is active (RFC 7662 2.1)."""

    access_token: str
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewLicense:
    """A device asks for its license as the server sees it now."""

    access_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchKeys:
    """Anyone fetches the key set (RFC 7517 5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve:
    """An administrator enters a user code for a device, and confirms."""

    user_code: str
    server_id: str
    administrator: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deny:
    """An administrator enters a user code, and denies it."""

    user_code: str
    administrator: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Renew:
    """An administrator sets a device's renewal date, or removes it."""

    server_id: str
    renewal_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Disable:
    """An administrator disables a device."""

    server_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Enable:
    """An administrator enables a device."""

    server_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """An administrator deletes a device."""

    server_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeLicense:
    """An administrator revokes a device's license."""

    server_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateKeys:
    """An administrator asks for a new key; its answer may name `kid`."""

    immediately: bool = False


Step: TypeAlias = (
    DeviceAuthorization
    | Poll
    | Refresh
    | RevokeToken
    | Introspect
    | ViewLicense
    | FetchKeys
    | Approve
    | Deny
    | Renew
    | Disable
    | Enable
    | Delete
    | RevokeLicense
    | RotateKeys
)
