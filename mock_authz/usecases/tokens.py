"""Minting a license token for a license that a decision has just returned: claims in the transaction, signature after."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mock_authz.domain.license import License
from mock_authz.domain.license_token import Subject
from mock_authz.domain.organization import Device, Organization
from mock_authz.domain.signing_key import SigningKey
from mock_authz.usecases.context import Context, Transaction
from mock_authz.usecases.keys import note_signed


@dataclass(frozen=True, slots=True)
class Minted:
    """What is to be signed once the transaction has committed."""

    license: License
    claims: dict[str, Any]
    key: SigningKey


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedTokens:
    """A successful token response (RFC 6749 5.1)."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int
    scope: str


def subject_of(transaction: Transaction, license_: License) -> Subject:
    """Load whom the license is about, as the records have it now.

    A deleted device or organization leaves its ids: its license has ended, and only `/introspect` may still ask.
    """
    device = transaction.get(Device, license_.server_id)
    organization = transaction.get(Organization, license_.organization_id)
    if device is None or organization is None:
        raise LookupError("a live license outlived its device: deleting a device ends its license")
    hub = transaction.get(Device, device.hub) if device.hub is not None else None
    return Subject(device=device, organization=organization, hub=hub)


def mint(context: Context, transaction: Transaction, license_: License) -> Minted:
    """Build the claims of the license token that is due, and choose its key."""
    jti = context.entropy.identifier("license_token", license_.license_id, license_.tokens_minted)
    claims = context.decisions.claims(
        license_,
        subject_of(transaction, license_),
        issuer=context.sandbox.issuer,
        jti=f"{license_.license_id}.{jti}",
        now=context.now,
    )
    key = note_signed(context, transaction, expires_at=license_.token_expires_at)
    return Minted(license_, claims, key)


def sign(context: Context, minted: Minted) -> IssuedTokens:
    """Sign the license token, and spell the refresh token that goes with it."""
    license_ = minted.license
    return IssuedTokens(
        access_token=context.minting.sign(context.minting.header(minted.key), minted.claims, minted.key),
        refresh_token=context.entropy.credential(
            "refresh_token", license_.license_id, license_.refresh_tokens.generation
        ),
        expires_in=license_.token_expires_at - context.now,
        scope=license_.scope,
    )
