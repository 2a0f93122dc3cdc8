"""Devices in the management API, with the license that each has: create, change, disable, renew, revoke."""

from __future__ import annotations

from typing import Any

from mock_authz.domain import license as licenses
from mock_authz.domain import spelling
from mock_authz.domain.license import License
from mock_authz.domain.organization import Device, Edition
from mock_authz.domain.refusals import Conflict, Refusal
from mock_authz.oauth.reply import Reply
from mock_authz.seed.dumping import device_members
from mock_authz.usecases import administer
from mock_authz.usecases.administer import NewDevice
from mock_authz.usecases.context import Context
from mock_authz.usecases.listing import find_record, list_records
from mock_authz.web.body import Body
from mock_authz.web.problems import refused
from mock_authz.web.rest import Call, created, listing


def list_all(call: Call, context: Context) -> Reply:
    """List all devices, or those of one organization."""
    organization = call.query.get("organization")
    return listing([
        _shown(context, device)
        for device in list_records(context, Device)
        if organization in (None, device.organization_id)
    ])  # fmt: skip


def create(call: Call, context: Context) -> Reply:
    """Create a device; what is left out has its default, the identity too."""
    body = call.body
    new = NewDevice(
        server_id=body.optional("server_id", body.identifier),
        organization_id=body.identifier("organization"),
        name=body.name("name"),
        edition=body.choice("edition", Edition),
        url=_url(body),
        hub=body.nullable("hub", body.identifier),
        features=_features(body) if body.has("features") else None,
        renewal_at=body.nullable("renewal_at", body.instant),
    )
    body.finish()
    made = administer.create_device(context, new)
    if isinstance(made, Refusal):
        return refused(made)
    return created(call, _shown(context, made), made.server_id)


def show(call: Call, context: Context) -> Reply:
    """Show one device."""
    found = find_record(context, Device, call.params["server_id"])
    return refused(administer.NO_DEVICE) if found is None else Reply(200, _shown(context, found))


def change(call: Call, context: Context) -> Reply:
    """Change name, URL, hub or features; what is left out stays."""
    body, changes = call.body, dict[str, Any]()
    if body.has("name"):
        changes["name"] = body.name("name")
    if body.has("url"):
        changes["url"] = _url(body)
    if body.has("hub"):
        changes["hub"] = body.nullable("hub", body.identifier)
    if body.has("features"):
        changes["features"] = _features(body)
    body.finish()
    if not changes:
        return show(call, context)
    return _answer(context, administer.change_device(context, call.params["server_id"], changes))


def delete(call: Call, context: Context) -> Reply:
    """Delete a device; its license ends."""
    refusal = administer.delete_device(context, call.params["server_id"])
    return Reply(204) if refusal is None else refused(refusal)


def disable(call: Call, context: Context) -> Reply:
    """Disable a device; its license ends."""
    return _answer(context, administer.disable_device(context, call.params["server_id"]))


def enable(call: Call, context: Context) -> Reply:
    """Enable a device again."""
    return _answer(context, administer.enable_device(context, call.params["server_id"]))


def renew(call: Call, context: Context) -> Reply:
    """Set the renewal date, or remove it with null, which must be said."""
    body = call.body
    if not body.has("renewal_at"):
        body.fault("renewal_at is missing: an instant, or null for none.")
    renewal_at = body.nullable("renewal_at", body.instant)
    body.finish()
    server_id = call.params["server_id"]
    return _answer(context, administer.renew_device(context, server_id, renewal_at=renewal_at))


def revoke(call: Call, context: Context) -> Reply:
    """End the device's license."""
    revoked = administer.revoke_device_license(context, call.params["server_id"])
    # Where no license is live, there is none already, which is what was asked for. The answer shows it.
    return show(call, context) if isinstance(revoked, Conflict) else _answer(context, revoked)


def _answer(context: Context, outcome: Device | Refusal) -> Reply:
    return refused(outcome) if isinstance(outcome, Refusal) else Reply(200, _shown(context, outcome))


def _url(body: Body) -> str | None:
    def read(name: str) -> str:
        says = "an absolute http or https URL"
        return body.text(name, longest=spelling.LONGEST_URL, says=says, pattern=spelling.SERVER_URL)

    return body.nullable("url", read)


def _features(body: Body) -> tuple[str, ...]:
    says = "names of features in lower case"
    given = body.texts("features", pattern=spelling.FEATURE, says=says, most=spelling.MOST_FEATURES)
    return tuple(sorted(given))


def _shown(context: Context, device: Device) -> dict[str, Any]:
    license_ = administer.latest_license(context, device.server_id)
    return {
        **device_members(device),
        "enabled": device.enabled,
        "renewal_at": device.renewal_at,
        "license": None if license_ is None else _shown_license(context, license_),
    }


def _shown_license(context: Context, license_: License) -> dict[str, Any]:
    reason = licenses.reason(license_, now=context.now)
    warning_seconds = context.settings.token_warning_seconds
    return {
        "license_status": context.decisions.status(license_, now=context.now),
        **({} if reason is None else {"reason": reason}),
        "issued_at": license_.issued_at,
        **({} if license_.ended_at is None else {"ended_at": license_.ended_at}),
        "renewal_at": license_.renewal_at,
        "client_id": license_.client_id,
        "token_expires_at": license_.token_expires_at,
        "token_state": context.decisions.token_state(
            license_.token_expires_at, warning_seconds=warning_seconds, now=context.now
        ),
    }
