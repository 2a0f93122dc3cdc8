"""The journal of a sandbox: read, followed as it grows, awaited, exported. Waits in real time, as its readers do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final

from mock_authz.oauth.reply import Reply
from mock_authz.store import codec
from mock_authz.store.port import Entry, Exchange
from mock_authz.usecases import control
from mock_authz.web.bench.har import har
from mock_authz.web.bench.matching import matches, nearest
from mock_authz.web.desk import Desk, Place, within
from mock_authz.web.rest import Call, Handler, Operation, bare, listing, taking

POLL_SECONDS: Final = 0.05
# A comment now and then, so that both sides notice a dead connection.
HEARTBEAT_POLLS: Final = 300
LONGEST_WAIT_SECONDS: Final = 60
MOST_ENTRIES: Final = 20_000
NUMBER: Final = "[0-9]{1,12}"
WORD: Final = "[a-z_:]{1,60}"
QUERY: Final = {"after": NUMBER, "limit": NUMBER, "kind": "event|exchange", "type": WORD, "step": WORD}
EVENT_STREAM: Final = "text/event-stream"


def read(call: Call, place: Place) -> Reply:
    """List entries, oldest first: later than a sequence number, of a kind, type or step; the last `limit` of them."""
    found = _entries(place, after=int(call.query.get("after", 0)), condition=_condition(call.query))
    limit = int(call.query.get("limit", MOST_ENTRIES))
    return listing(found[max(len(found) - limit, 0) :])


def _condition(query: Mapping[str, str]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if name in ("kind", "type", "step")}


def _entries(place: Place, *, after: int, condition: Mapping[str, Any]) -> list[dict[str, Any]]:
    entries = place.desk.store.journal(place.sandbox.name, after=after)
    return [shown for shown in map(_shown, entries) if matches(shown, condition)]


def _shown(entry: Entry) -> dict[str, Any]:
    return codec.encode_entry(entry)


def export_har(_: Call, place: Place) -> Reply:
    """Export the exchanges as HAR."""
    entries = place.desk.store.journal(place.sandbox.name)
    return Reply(
        200, har(place.sandbox.issuer, [entry.of for entry in entries if isinstance(entry.of, Exchange)])
    )


def wait(call: Call, place: Place) -> Awaitable[Reply]:
    """Wait until enough entries match, or until the time is up; then name the nearest misses."""
    body = call.body
    condition = body.value("match", dict, "an object of members that an entry must have, by dotted path")
    count = body.optional("count", lambda name: body.integer(name, least=1, most=MOST_ENTRIES)) or 1
    seconds = body.optional(
        "timeout_seconds", lambda name: body.number(name, least=0, most=LONGEST_WAIT_SECONDS)
    )
    after = body.optional("after", lambda name: body.integer(name, least=0, most=10**12)) or 0
    body.finish()
    return _await(place, condition, after=after, count=count, seconds=seconds or 0.0)


async def _await(
    place: Place, condition: Mapping[str, Any], *, after: int, count: int, seconds: float
) -> Reply:
    for _ in range(int(seconds / POLL_SECONDS)):
        if len(_entries(place, after=after, condition=condition)) >= count:
            break
        await asyncio.sleep(POLL_SECONDS)
    found = _entries(place, after=after, condition=condition)
    if len(found) >= count:
        return Reply(200, {"matched": True, "entries": found, "nearest": []})
    misses = nearest(_entries(place, after=after, condition={}), condition)
    return Reply(200, {"matched": False, "entries": found, "nearest": misses})


def follow(call: Call, place: Place) -> Reply:
    """Follow the journal as server-sent events: each entry is one, its id the sequence number."""
    sent = call.request.headers.get("last-event-id", "")
    after = (
        int(sent)
        if sent.isdecimal() and len(sent) <= len("999999999999")
        else int(call.query.get("after", 0))
    )
    stream = _stream(place, after, _condition(call.query), call.request.is_disconnected)
    return Reply(200, headers={"cache-control": "no-store"}, media_type=EVENT_STREAM, stream=stream)


async def _stream(
    place: Place, after: int, condition: Mapping[str, Any], is_gone: Callable[[], Awaitable[bool]]
) -> AsyncIterator[bytes]:
    polls = 0
    yield b": follows the journal of a sandbox\n\n"
    while not await is_gone() and control.find_sandbox(place.desk.store, place.sandbox.name) is not None:
        entries = place.desk.store.journal(place.sandbox.name, after=after)
        for entry in entries:
            after = entry.sequence
            shown = _shown(entry)
            if matches(shown, condition):
                yield f"id: {entry.sequence}\nevent: {shown['kind']}\ndata: {json.dumps(shown)}\n\n".encode()
        polls += 1
        if polls % HEARTBEAT_POLLS == 0:
            yield b": still here\n\n"
        await asyncio.sleep(POLL_SECONDS)


PATH: Final = "/_control/sandboxes/{sandbox}/journal"
FOLLOW: Final[Handler[Desk]] = within(follow)
ROUTES: Final[dict[str, dict[str, Operation[Desk]]]] = {
    PATH: {"GET": bare(within(read), **QUERY)},
    PATH + "/stream": {
        "GET": bare(FOLLOW, **{name: QUERY[name] for name in ("after", "kind", "type", "step")})
    },
    PATH + "/wait": {"POST": taking(within(wait))},
    PATH + "/har": {"GET": bare(within(export_har))},
}
