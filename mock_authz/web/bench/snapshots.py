"""Snapshots: taken, restored, forked; and a whole sandbox as one file."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from mock_authz import __version__
from mock_authz import clock as clocks
from mock_authz.domain.refusals import Conflict, NotFound
from mock_authz.entropy import fresh_seed
from mock_authz.oauth.reply import Reply
from mock_authz.sandbox import NAME_PATTERN, Sandbox, is_issuer
from mock_authz.store.codec import UnreadableRecordError
from mock_authz.usecases import exporting, snapshots
from mock_authz.web.control_body import ISSUER_PATTERN, fresh_name, read_issuer, read_life, read_name
from mock_authz.web.desk import Desk, Place, check_issuer, within
from mock_authz.web.problems import refused, unprocessable
from mock_authz.web.rest import Call, Operation, bare, created, listing, taking, taking_perhaps
from mock_authz.web.shown import NO_STORE, shown_sandbox

# Room for a full journal and 10,000 licensed devices, twice.
LARGEST_EXPORT: Final = 64 * 1024 * 1024


def list_snapshots(_: Call, place: Place) -> Reply:
    """List the sandbox's snapshots, oldest first."""
    return listing([{"name": name} for name in snapshots.list_snapshots(place.desk.store, place.sandbox)])


def take(call: Call, place: Place) -> Reply:
    """Take a snapshot."""
    name = (
        call.body.optional("name", lambda member: read_name(call.body, member))
        or f"snapshot-{fresh_seed()[:5].hex()}"
    )
    call.body.finish()
    refusal = snapshots.take(place.desk.store, place.sandbox, name=name, real_at=place.real_at)
    return created(call, {"name": name}, name) if refusal is None else refused(refusal)


def show(call: Call, place: Place) -> Reply:
    """Show one snapshot."""
    name = call.params["snapshot"]
    is_there = snapshots.has_snapshot(place.desk.store, place.sandbox, name=name)
    return Reply(200, {"name": name}) if is_there else refused(snapshots.NO_SNAPSHOT)


def restore(call: Call, place: Place) -> Reply:
    """Put the sandbox back to a snapshot."""
    name = call.params["snapshot"]
    answer = snapshots.restore(place.desk.store, place.sandbox, name=name, real_at=place.real_at)
    return refused(answer) if isinstance(answer, NotFound) else Reply(200, shown_sandbox(answer), NO_STORE)


def drop(call: Call, place: Place) -> Reply:
    """Forget a snapshot."""
    refusal = snapshots.drop_snapshot(place.desk.store, place.sandbox, name=call.params["snapshot"])
    return Reply(204) if refusal is None else refused(refusal)


def fork(call: Call, place: Place) -> Reply:
    """Copy the sandbox to another one, which goes its own way."""
    body, desk = call.body, place.desk
    name = body.optional("name", lambda member: read_name(body, member)) or fresh_name()
    issuer = body.optional("issuer", lambda member: read_issuer(body, member)) or desk.issuer_of(name)
    lives_seconds = read_life(body)
    body.finish()
    if (refusal := check_issuer(issuer, desk)) is not None:
        return refused(refusal)
    desk.make_room(name, place.real_at)
    answer = snapshots.fork(
        desk.store,
        place.sandbox,
        name=name,
        issuer=issuer,
        real_at=place.real_at,
        lives_seconds=lives_seconds,
    )
    return _made(answer)


def export(_: Call, place: Place) -> Reply:
    """Give everything of the sandbox, for a bug report."""
    store, sandbox = place.desk.store, place.sandbox
    exported = exporting.export(store, sandbox, version=__version__, real_at=place.real_at)
    return Reply(200, exported, NO_STORE)


def load(call: Call, desk: Desk) -> Reply:
    """Load what this server or another one exported, as a new sandbox."""
    body, real_at = call.body, clocks.real_now()
    try:
        exported = exporting.read(body.members())
    except UnreadableRecordError as error:
        return unprocessable([{"pointer": "#", "detail": f"It cannot be loaded: {error}."}])
    sandbox = exported.sandbox
    name = call.query.get("name", sandbox.name)
    issuer = call.query.get("issuer", sandbox.issuer)
    if not re.fullmatch(NAME_PATTERN, name):
        body.fault("Its name is none that a sandbox can have: give one as ?name=.", "sandbox", "name")
    if not re.fullmatch(ISSUER_PATTERN, issuer) or not is_issuer(issuer):
        body.fault("Its issuer is none: give one as ?issuer=.", "sandbox", "issuer")
    for index, quirk in enumerate(sandbox.quirks):
        if quirk not in desk.quirks():
            body.fault(f"This server has no quirk {quirk}.", "sandbox", "quirks", index)
    body.finish()
    if (refusal := check_issuer(issuer, desk)) is not None:
        return refused(refusal)
    desk.make_room(name, real_at)
    return _made(exporting.load(desk.store, exported, name=name, issuer=issuer, real_at=real_at))


def _made(answer: Sandbox | Conflict) -> Reply:
    if isinstance(answer, Conflict):
        return refused(answer)
    headers = {"location": f"/_control/sandboxes/{answer.name}", **NO_STORE}
    return Reply(201, shown_sandbox(answer), headers)


PATH: Final = "/_control/sandboxes/{sandbox}"
ROUTES: Final[dict[str, dict[str, Operation[Desk]]]] = {
    PATH + "/snapshots": {"GET": bare(within(list_snapshots)), "POST": taking_perhaps(within(take))},
    PATH + "/snapshots/{snapshot}": {"GET": bare(within(show)), "DELETE": bare(within(drop))},
    PATH + "/snapshots/{snapshot}/restore": {"POST": bare(within(restore))},
    PATH + "/fork": {"POST": taking_perhaps(within(fork))},
    PATH + "/export": {"GET": bare(within(export))},
    "/_control/import": {
        "POST": replace(taking(load, name=NAME_PATTERN, issuer=ISSUER_PATTERN), largest_body=LARGEST_EXPORT)
    },
}
