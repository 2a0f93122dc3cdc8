"""Registered clients in the management API. All are public and have the same grants."""

from __future__ import annotations

from typing import Any

from mock_authz.domain.organization import Client
from mock_authz.domain.refusals import Refusal
from mock_authz.oauth.metadata import GRANT_TYPES
from mock_authz.oauth.reply import Reply
from mock_authz.usecases import administer
from mock_authz.usecases.context import Context
from mock_authz.usecases.listing import find_record, list_records
from mock_authz.web.problems import refused
from mock_authz.web.rest import Call, created, listing


def list_all(_: Call, context: Context) -> Reply:
    """List all clients."""
    return listing([_shown(client) for client in list_records(context, Client)])


def create(call: Call, context: Context) -> Reply:
    """Register a client; its name is the client_id unless given."""
    client_id = call.body.identifier("client_id")
    name = call.body.optional("name", call.body.name)
    call.body.finish()
    made = administer.create_client(context, Client(client_id=client_id, name=name or client_id))
    return refused(made) if isinstance(made, Refusal) else created(call, _shown(made), client_id)


def show(call: Call, context: Context) -> Reply:
    """Show one client."""
    found = find_record(context, Client, call.params["client_id"])
    return refused(administer.NO_CLIENT) if found is None else Reply(200, _shown(found))


def delete(call: Call, context: Context) -> Reply:
    """Remove a client."""
    refusal = administer.delete_client(context, call.params["client_id"])
    return Reply(204) if refusal is None else refused(refusal)


def _shown(client: Client) -> dict[str, Any]:
    return {"client_id": client.client_id, "name": client.name, "grant_types": list(GRANT_TYPES)}
