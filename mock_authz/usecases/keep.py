"""Keeping a license: refresh, revocation, introspection, the caller's own view, and the directory of servers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mock_authz.domain import license as licenses
from mock_authz.domain.events import EventType
from mock_authz.domain.license import Ending, License
from mock_authz.domain.license_token import license_member
from mock_authz.domain.organization import Device, Edition
from mock_authz.domain.refresh_token import good_until
from mock_authz.domain.refusals import InvalidGrant, InvalidScope, InvalidToken, NotFound, Refusal
from mock_authz.usecases.acquire import granted_scope
from mock_authz.usecases.context import Context, Transaction
from mock_authz.usecases.keys import list_keys
from mock_authz.usecases.tokens import IssuedTokens, Minted, mint, sign, subject_of


@dataclass(frozen=True, slots=True)
class Caller:
    """Who presented a live license token as Bearer."""

    license: License
    claims: dict[str, Any]


def refresh(
    context: Context, *, client_id: str, refresh_token: str, scope: str | None
) -> IssuedTokens | Refusal:
    """Answer one refresh (RFC 6749 6; protocol.md, "Refresh, renewal, endings")."""
    # RFC 6749 6: a refresh never widens the scope; there is one scope only.
    granted = granted_scope(scope)
    if isinstance(granted, InvalidScope):
        return granted
    named = context.entropy.read_credential("refresh_token", refresh_token)
    if named is None:
        return licenses.refused(licenses.UNKNOWN)
    license_id, generation = named

    def work(transaction: Transaction) -> Minted | Refusal:
        license_ = transaction.get(License, license_id)
        # RFC 6749 10.4: bound to its client. Another client's changes nothing and is as good as unknown.
        if license_ is None or license_.client_id != client_id:
            return licenses.refused(licenses.UNKNOWN)
        after, answer = context.decisions.refresh(
            license_, generation=generation, lifetimes=context.settings.lifetimes, now=context.now
        )
        if after is not license_:
            transaction.put(after)
        if isinstance(answer, InvalidGrant):
            if after.ending is not None and license_.ending is None:
                _journal_ending(transaction, after)
            return answer
        transaction.emit(
            EventType.LICENSE_REFRESHED,
            license_id=license_id,
            server_id=after.server_id,
            retried=answer.retried,
            expires_at=after.token_expires_at,
        )
        return mint(context, transaction, after)

    answer = context.transact(work)
    return sign(context, answer) if isinstance(answer, Minted) else answer


def revoke(context: Context, *, client_id: str, presented: str) -> InvalidGrant | None:
    """End the license of a refresh token or license token (RFC 7009).

    Any refresh token of the license ends it, a predecessor or an expired one too. An unknown token is no error.

    Returns:
        None, or `InvalidGrant` for another client's, which changes nothing.
    """
    license_id = _license_named_by(context, presented)
    if license_id is None:
        return None

    def work(transaction: Transaction) -> InvalidGrant | None:
        license_ = transaction.get(License, license_id)
        if license_ is None:
            return None
        if license_.client_id != client_id:
            return InvalidGrant("This token was not issued to this client.")
        end_license(context, transaction, license_, ending=Ending.REVOKED)
        return None

    return context.transact(work)


def end_license(context: Context, transaction: Transaction, license_: License, *, ending: Ending) -> License:
    """End a license, if it has not ended yet."""
    ended = context.decisions.end(license_, ending=ending, now=context.now)
    if ended is not license_:
        transaction.put(ended)
        _journal_ending(transaction, ended)
    return ended


def _journal_ending(transaction: Transaction, ended: License) -> None:
    transaction.emit(
        EventType.LICENSE_ENDED,
        license_id=ended.license_id,
        server_id=ended.server_id,
        reason=None if ended.ending is None else ended.ending.value,
    )


def _license_named_by(context: Context, presented: str) -> str | None:
    named = context.entropy.read_credential("refresh_token", presented)
    if named is not None:
        return named[0]
    claims = _verified(context, presented)
    return None if claims is None else _license_id(claims)


def _verified(context: Context, presented: str) -> dict[str, Any] | None:
    # All keys that ever signed: a token is ours although its key has left the JWKS.
    return context.minting.verify(presented, list_keys(context), issuer=context.sandbox.issuer)


def _license_id(claims: dict[str, Any]) -> str:
    return str(claims.get("jti", "")).partition(".")[0]


def authenticate(context: Context, presented: str) -> Caller | InvalidToken:
    """Admit the bearer of a live license token (RFC 6750; the organization's audience includes this server).

    Returns:
        The caller, or `InvalidToken` with the reason as for a refresh if it has expired or its license has ended.
    """
    found = _introspected(context, presented)
    if found is None:
        return InvalidToken("This is not a license token of this Authorization server.")
    license_, claims = found
    refusal = context.decisions.check_bearer(license_, expires_at=claims["exp"], now=context.now)
    return refusal if refusal is not None else Caller(license_, claims)


def _introspected(context: Context, presented: str) -> tuple[License, dict[str, Any]] | None:
    if (claims := _verified(context, presented)) is None:
        return None
    stored = context.store.get(context.sandbox.name, License, _license_id(claims))
    return None if stored is None else (stored.record, claims)


def introspect(context: Context, caller: Caller, *, presented: str) -> dict[str, Any]:
    """Say what a token is (RFC 7662).

    Only `{"active": false}` of anything but a live license token, or a refresh token that would be granted a refresh, of
    the caller's own organization.
    """
    named = context.entropy.read_credential("refresh_token", presented)
    if named is not None:
        return _introspect_refresh_token(context, caller, license_id=named[0], generation=named[1])
    subject = authenticate(context, presented)
    if not isinstance(subject, Caller) or subject.license.organization_id != caller.license.organization_id:
        return {"active": False}
    # RFC 7662 4: `nbf` is checked too, without leeway. The clock may have been moved back.
    if context.now < subject.claims["nbf"]:
        return {"active": False}
    return {"active": True, "token_type": "Bearer", **subject.claims}


def _introspect_refresh_token(
    context: Context, caller: Caller, *, license_id: str, generation: int
) -> dict[str, Any]:
    stored = context.store.get(context.sandbox.name, License, license_id)
    if stored is None or stored.record.organization_id != caller.license.organization_id:
        return {"active": False}
    license_ = stored.record
    # What a refresh would be answered; nothing comes of it.
    _, answer = context.decisions.refresh(
        license_, generation=generation, lifetimes=context.settings.lifetimes, now=context.now
    )
    if isinstance(answer, InvalidGrant):
        return {"active": False}
    return {
        "active": True,
        "iss": context.sandbox.issuer,
        "sub": license_.server_id,
        "client_id": license_.client_id,
        "exp": good_until(license_.refresh_tokens, generation=generation),
        "scope": license_.scope,
    }


def show_license(context: Context, caller: Caller) -> dict[str, Any]:
    """Show the caller's license as the server sees it now."""
    license_ = caller.license
    subject = context.transact(lambda transaction: subject_of(transaction, license_))
    state = context.decisions.token_state(
        caller.claims["exp"], warning_seconds=context.settings.token_warning_seconds, now=context.now
    )
    return {
        "license_status": context.decisions.status(license_, now=context.now),
        "server_id": license_.server_id,
        "token_state": state,
        "token_expires_at": caller.claims["exp"],
        "license": license_member(license_, subject),
    }


def list_servers(context: Context, caller: Caller) -> list[Device]:
    """List the servers of the caller's own organization, by name: enabled devices that are no registers."""
    found = context.store.find(context.sandbox.name, Device, "organization", caller.license.organization_id)
    devices = [stored.record for stored in found]
    servers = [device for device in devices if device.enabled and device.edition is not Edition.REGISTER]
    return sorted(servers, key=lambda server: (server.name, server.server_id))


def find_server(context: Context, caller: Caller, server_id: str) -> Device | NotFound:
    """Find one server of the caller's own organization."""
    for device in list_servers(context, caller):
        if device.server_id == server_id:
            return device
    return NotFound("There is no such server in this organization.")
