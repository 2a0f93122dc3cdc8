"""Snapshots: taken, restored, forked; and a whole sandbox as one file."""

from __future__ import annotations

from typing import Final

from mock_authz import __version__
from mock_authz import clock as clocks
from mock_authz.domain.refusals import Conflict, NotFound
from mock_authz.entropy import fresh_seed
from mock_authz.oauth.reply import Reply
from mock_authz.sandbox import NAME_PATTERN
from mock_authz.store.codec import UnreadableRecordError
from mock_authz.usecases import snapshots
from mock_authz.web.body import Body
from mock_authz.web.control_body import read_issuer, read_name
from mock_authz.web.desk import Desk, Place, within
from mock_authz.web.problems import refused
from mock_authz.web.rest import Call, Operation, bare, created, listing, taking, taking_perhaps
from mock_authz.web.shown import NO_STORE, shown_sandbox

SNAPSHOT_NAME: Final = NAME_PATTERN


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
    name, issuer = _named(call.body)
    call.body.finish()
    name = name or f"sandbox-{fresh_seed()[:5].hex()}"
    answer = snapshots.fork(
        place.desk.store,
        place.sandbox,
        name=name,
        issuer=issuer or place.desk.issuer_of(name),
        real_at=place.real_at,
    )
    if isinstance(answer, Conflict):
        return refused(answer)
    return Reply(201, shown_sandbox(answer), {"location": f"/_control/sandboxes/{name}", **NO_STORE})


def export(_: Call, place: Place) -> Reply:
    """Give everything of the sandbox, for a bug report."""
    store, sandbox = place.desk.store, place.sandbox
    return Reply(200, snapshots.export(store, sandbox, version=__version__, real_at=place.real_at), NO_STORE)


def load(call: Call, desk: Desk) -> Reply:
    """Load what another server exported, as a new sandbox."""
    body = call.body
    exported = body.value("export", dict, "what GET /_control/sandboxes/{sandbox}/export gave")
    name, issuer = _named(body)
    body.finish()
    try:
        answer = snapshots.load(desk.store, exported, name=name, issuer=issuer, real_at=clocks.real_now())
    except UnreadableRecordError as error:
        body.fault(f"It cannot be loaded: {error}.", "export")
        body.finish()
        raise
    if isinstance(answer, Conflict):
        return refused(answer)
    return Reply(201, shown_sandbox(answer), {"location": f"/_control/sandboxes/{answer.name}", **NO_STORE})


def _named(body: Body) -> tuple[str | None, str | None]:
    name = body.optional("name", lambda member: read_name(body, member))
    return name, body.optional("issuer", lambda member: read_issuer(body, member))


PATH: Final = "/_control/sandboxes/{sandbox}"
ROUTES: Final[dict[str, dict[str, Operation[Desk]]]] = {
    PATH + "/snapshots": {"GET": bare(within(list_snapshots)), "POST": taking_perhaps(within(take))},
    PATH + "/snapshots/{snapshot}": {"DELETE": bare(within(drop))},
    PATH + "/snapshots/{snapshot}/restore": {"POST": bare(within(restore))},
    PATH + "/fork": {"POST": taking_perhaps(within(fork))},
    PATH + "/export": {"GET": bare(within(export))},
    "/_control/import": {"POST": taking(load)},
}
