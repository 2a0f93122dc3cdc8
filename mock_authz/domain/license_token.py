"""The content of a license token: its claims, in the RFC 9068 profile. Knows nothing of signatures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mock_authz.domain.license import License
    from mock_authz.domain.organization import Device, Organization

TYPE: Final = "at+jwt"
AUDIENCE_PREFIX: Final = "urn:kensium:organization:"


def audience(organization_id: str) -> str:
    """Name the audience of an organization's license tokens: its devices, and the Authorization server."""
    return AUDIENCE_PREFIX + organization_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whom a license token is about, as the records have it at its minting."""

    device: Device
    organization: Organization
    hub: Device | None


def license_member(license_: License, subject: Subject) -> dict[str, Any]:
    """Build the `license` claim, which `/license` shows too. Members that do not apply are absent."""
    device, organization, hub = subject.device, subject.organization, subject.hub
    member: dict[str, Any] = {
        "organization": {"id": organization.organization_id, "name": organization.name},
        "server_name": device.name,
        "edition": device.edition.value,
        "features": sorted(device.features),
    }
    # A hub is another enabled device: while it is disabled or gone, there is none.
    if hub is not None and hub.enabled:
        member["hub"] = {"server_id": hub.server_id, "name": hub.name, "url": hub.url}
    if license_.renewal_at is not None:
        member["renewal_at"] = license_.renewal_at
        member["renewal_due_from"] = license_.renewal_due_from
    return member


def claims(license_: License, subject: Subject, *, issuer: str, jti: str, now: int) -> dict[str, Any]:
    """Build all claims of a license token minted now for a license that `issue` or `refresh` has just returned.

    Spec: RFC 9068 2.2; protocol.md, "License token".
    Deviation: lives days, not an hour (RFC 6750 5.3), because a permanent connection is not required.
    """
    return {
        "iss": issuer,
        "sub": license_.server_id,
        "aud": audience(license_.organization_id),
        "client_id": license_.client_id,
        "iat": now,
        "nbf": now,
        "exp": license_.token_expires_at,
        "jti": jti,
        "scope": license_.scope,
        "license": license_member(license_, subject),
    }
