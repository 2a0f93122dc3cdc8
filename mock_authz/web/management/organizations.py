"""Organizations in the management API."""

from __future__ import annotations

from typing import Any

from mock_authz.domain.organization import Organization
from mock_authz.domain.refusals import Refusal
from mock_authz.oauth.reply import Reply
from mock_authz.usecases import administer
from mock_authz.usecases.context import Context
from mock_authz.usecases.listing import find_record, list_records
from mock_authz.web.problems import refused
from mock_authz.web.rest import Call, created, listing


def list_all(_: Call, context: Context) -> Reply:
    """List all organizations."""
    return listing([_shown(organization) for organization in list_records(context, Organization)])


def create(call: Call, context: Context) -> Reply:
    """Create an organization; without an identity of its own it is given one."""
    organization_id = call.body.optional("organization_id", call.body.identifier)
    name = call.body.name("name")
    call.body.finish()
    made = administer.create_organization(context, name=name, organization_id=organization_id)
    if isinstance(made, Refusal):
        return refused(made)
    return created(call, _shown(made), made.organization_id)


def show(call: Call, context: Context) -> Reply:
    """Show one organization."""
    found = find_record(context, Organization, call.params["organization_id"])
    return refused(administer.NO_ORGANIZATION) if found is None else Reply(200, _shown(found))


def change(call: Call, context: Context) -> Reply:
    """Rename an organization."""
    name = call.body.optional("name", call.body.name)
    call.body.finish()
    if name is None:
        return show(call, context)
    renamed = administer.rename_organization(context, call.params["organization_id"], name=name)
    return refused(renamed) if isinstance(renamed, Refusal) else Reply(200, _shown(renamed))


def delete(call: Call, context: Context) -> Reply:
    """Delete an organization and its devices."""
    refusal = administer.delete_organization(context, call.params["organization_id"])
    return Reply(204) if refusal is None else refused(refusal)


def _shown(organization: Organization) -> dict[str, Any]:
    return {"organization_id": organization.organization_id, "name": organization.name}
