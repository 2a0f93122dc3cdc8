"""Administrators in the management API. No password leaves it, nor a hash of one."""

from __future__ import annotations

import asyncio
from typing import Any

from mock_authz.domain import spelling
from mock_authz.domain.organization import Administrator
from mock_authz.domain.refusals import Refusal
from mock_authz.oauth.reply import Reply
from mock_authz.passwords import hash_password
from mock_authz.usecases import administer
from mock_authz.usecases.context import Context
from mock_authz.usecases.listing import find_record, list_records
from mock_authz.web.body import Body
from mock_authz.web.problems import refused
from mock_authz.web.rest import Call, created, listing


def list_all(_: Call, context: Context) -> Reply:
    """List all administrators."""
    return listing([_shown(administrator) for administrator in list_records(context, Administrator)])


async def create(call: Call, context: Context) -> Reply:
    """Create an administrator; the name is the username unless given."""
    body = call.body
    username = body.username("username")
    password = _password(body)
    name = body.optional("name", body.name)
    organizations = _organizations(body)
    body.finish()
    administrator = Administrator(
        username=username,
        name=name or username,
        organizations=organizations,
        password_hash=await _hashed(password),
    )
    made = administer.create_administrator(context, administrator)
    return refused(made) if isinstance(made, Refusal) else created(call, _shown(made), username)


def show(call: Call, context: Context) -> Reply:
    """Show one administrator."""
    found = find_record(context, Administrator, call.params["username"])
    return refused(administer.NO_ADMINISTRATOR) if found is None else Reply(200, _shown(found))


async def change(call: Call, context: Context) -> Reply:
    """Change name, password or organizations."""
    body, changes = call.body, dict[str, Any]()
    if body.has("name"):
        changes["name"] = body.name("name")
    if body.has("organizations"):
        changes["organizations"] = _organizations(body)
    password = body.optional("password", lambda _: _password(body))
    body.finish()
    # Whoever is not there costs no hash.
    if (found := show(call, context)).status != Reply(200).status or not (changes or password):
        return found
    if password is not None:
        changes["password_hash"] = await _hashed(password)
    changed = administer.change_administrator(context, call.params["username"], changes)
    return refused(changed) if isinstance(changed, Refusal) else Reply(200, _shown(changed))


def delete(call: Call, context: Context) -> Reply:
    """Delete an administrator."""
    refusal = administer.delete_administrator(context, call.params["username"])
    return Reply(204) if refusal is None else refused(refusal)


def _password(body: Body) -> str:
    return body.text("password", longest=spelling.LONGEST_PASSWORD, says="a password")


def _organizations(body: Body) -> tuple[str, ...]:
    says = "identities of organizations"
    return tuple(sorted(body.texts("organizations", pattern=spelling.IDENTIFIER, says=says)))


async def _hashed(password: str) -> str:
    # In a thread: it takes a tenth of a second, in which others are served.
    return await asyncio.to_thread(hash_password, password)


def _shown(administrator: Administrator) -> dict[str, Any]:
    return {
        "username": administrator.username,
        "name": administrator.name,
        "organizations": sorted(administrator.organizations),
    }
