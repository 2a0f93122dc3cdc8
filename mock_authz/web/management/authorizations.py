"""Device authorizations in the management API: look up, approve, deny, in the name of an administrator."""

from __future__ import annotations

from typing import Any

from mock_authz.domain import user_code
from mock_authz.domain.device_grant import DeviceGrant
from mock_authz.domain.refusals import Refusal
from mock_authz.oauth.reply import Reply
from mock_authz.usecases import approvals
from mock_authz.usecases.context import Context
from mock_authz.web.problems import refused
from mock_authz.web.rest import Call, listing


def list_all(call: Call, context: Context) -> Reply:
    """List all device authorizations, or those of one state, oldest first."""
    state = call.query.get("state")
    return listing([
        _shown(context, grant)
        for grant in approvals.list_authorizations(context)
        if state in (None, grant.state.value)
    ])  # fmt: skip


def show(call: Call, context: Context) -> Reply:
    """Show one device authorization. Whoever holds the management token guesses nothing, so nothing is counted."""
    return _answer(context, approvals.find_user_code(context, call.params["user_code"]))


def approve(call: Call, context: Context) -> Reply:
    """Approve a user code for one device."""
    server_id = call.body.identifier("server_id")
    administrator = call.body.username("administrator")
    call.body.finish()
    entered = call.params["user_code"]
    approved = approvals.approve(context, entered, server_id=server_id, administrator=administrator)
    return _answer(context, approved)


def deny(call: Call, context: Context) -> Reply:
    """Deny a user code for good."""
    administrator = call.body.username("administrator")
    call.body.finish()
    return _answer(context, approvals.deny(context, call.params["user_code"], administrator=administrator))


def _answer(context: Context, outcome: DeviceGrant | Refusal) -> Reply:
    return refused(outcome) if isinstance(outcome, Refusal) else Reply(200, _shown(context, outcome))


def _shown(context: Context, grant: DeviceGrant) -> dict[str, Any]:
    return {
        "user_code": user_code.display(grant.user_code),
        "client_id": grant.client_id,
        "scope": grant.scope,
        "state": grant.state.value,
        "issued_at": grant.issued_at,
        "expires_at": grant.expires_at,
        "expired": context.now >= grant.expires_at,
        "interval": grant.interval,
        "server_id": grant.server_id,
        "administrator": grant.administrator,
    }
