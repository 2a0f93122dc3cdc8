"""Scripted humans: what will be done with the next user code, and when."""

from __future__ import annotations

from typing import Any, Final

from mock_authz.domain import user_code
from mock_authz.domain.device_grant import DeviceGrant
from mock_authz.domain.human_script import Act, HumanScript
from mock_authz.domain.organization import Administrator, Client, Device
from mock_authz.domain.refusals import Conflict, NotFound
from mock_authz.oauth.reply import Reply
from mock_authz.store import codec
from mock_authz.usecases import humans
from mock_authz.web.desk import Desk, Place, within
from mock_authz.web.problems import refused
from mock_authz.web.rest import Call, Operation, bare, created, listing, taking

MOST_POLLS: Final = 1_000_000


def add_human(call: Call, place: Place) -> Reply:
    """Script a human: approve, deny or ignore; at once, before the answer to a poll, or at an instant."""
    body = call.body
    script = HumanScript(
        human_id="",
        act=body.choice("act", Act),
        client_id=body.nullable("client_id", body.identifier),
        server_id=body.nullable("server_id", body.identifier),
        administrator=body.nullable("administrator", body.username),
        after_polls=body.nullable("after_polls", lambda name: body.integer(name, least=1, most=MOST_POLLS)),
        at=body.nullable("at", body.instant),
    )
    if script.after_polls is not None and script.at is not None:
        body.fault("Give after_polls or at, not both.")
    body.finish()
    if (refusal := _unknown(place, script)) is not None:
        return refused(refusal)
    made = humans.add_human(place.context, script)
    return created(call, _shown(place, made), made.human_id)


def _unknown(place: Place, script: HumanScript) -> Conflict | None:
    """Refuse a script that names what is not there: it could never act, and nobody would notice."""
    store, name = place.context.store, place.sandbox.name
    named: tuple[tuple[type, str | None, str], ...] = (
        (Device, script.server_id, "device_unknown"),
        (Administrator, script.administrator, "administrator_unknown"),
        (Client, script.client_id, "client_unknown"),
    )
    for kind, record_id, reason in named:
        if record_id is not None and store.get(name, kind, record_id) is None:
            return Conflict(f"There is no {kind.__name__.lower()} {record_id}.", reason=reason)
    return None


def list_humans(_: Call, place: Place) -> Reply:
    """List all scripted humans, those who have acted too."""
    return listing([_shown(place, script) for script in humans.list_humans(place.context)])


def show_human(call: Call, place: Place) -> Reply:
    """Show one scripted human."""
    found = humans.find_human(place.context, call.params["human_id"])
    return refused(found) if isinstance(found, NotFound) else Reply(200, _shown(place, found))


def _shown(place: Place, script: HumanScript) -> dict[str, Any]:
    """Show a scripted human, with the user code that it took on."""
    encoded: dict[str, Any] = codec.encode(script)
    grant_id = encoded.pop("grant_id")
    stored = None if grant_id is None else place.context.store.get(place.sandbox.name, DeviceGrant, grant_id)
    return {**encoded, "user_code": None if stored is None else user_code.display(stored.record.user_code)}


def remove_human(call: Call, place: Place) -> Reply:
    """Remove a scripted human."""
    refusal = humans.remove_human(place.context, call.params["human_id"])
    return Reply(204) if refusal is None else refused(refusal)


PATH: Final = "/_control/sandboxes/{sandbox}/humans"
ROUTES: Final[dict[str, dict[str, Operation[Desk]]]] = {
    PATH: {"GET": bare(within(list_humans)), "POST": taking(within(add_human))},
    PATH + "/{human_id}": {"GET": bare(within(show_human)), "DELETE": bare(within(remove_human))},
}
