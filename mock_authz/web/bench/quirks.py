"""Quirks: which there are, and which of them a sandbox has."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from mock_authz.domain.events import EventType
from mock_authz.oauth.reply import Reply
from mock_authz.sandbox import Sandbox
from mock_authz.store.records import ONLY
from mock_authz.usecases.context import Transaction
from mock_authz.web.desk import Desk, Place, within
from mock_authz.web.rest import Call, Operation, bare, listing, taking

NAME: Final = "[a-z0-9_]+"


def list_quirks(_: Call, desk: Desk) -> Reply:
    """List all quirks, each with the rules that it breaks."""
    return listing(list(desk.quirks().values()))


def show_quirks(_: Call, place: Place) -> Reply:
    """List the quirks of the sandbox."""
    return Reply(200, {"quirks": list(place.sandbox.quirks)})


def set_quirks(call: Call, place: Place) -> Reply:
    """Give the sandbox these quirks, and no others."""
    names = call.body.texts("quirks", pattern=NAME, says="the name of a quirk")
    known = place.desk.quirks()
    for index, name in enumerate(names):
        if name not in known:
            call.body.fault("There is no such quirk: see GET /_control/quirks.", "quirks", index)
    call.body.finish()

    def work(transaction: Transaction) -> Sandbox:
        sandbox = transaction.get(Sandbox, ONLY) or place.sandbox
        changed = replace(sandbox, quirks=names)
        transaction.put(changed)
        transaction.emit(EventType.SANDBOX_CHANGED, change="quirks", quirks=", ".join(names))
        return changed

    return Reply(200, {"quirks": list(place.context.transact(work).quirks)})


PATH: Final = "/_control/sandboxes/{sandbox}/quirks"
ROUTES: Final[dict[str, dict[str, Operation[Desk]]]] = {
    "/_control/quirks": {"GET": bare(list_quirks)},
    PATH: {"GET": bare(within(show_quirks)), "PUT": taking(within(set_quirks))},
}
