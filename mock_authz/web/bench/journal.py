"""The journal of a sandbox: read, followed as it grows, awaited, exported. Waits in real time, as its readers do."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final

from mock_authz.domain.events import Event, EventType
from mock_authz.domain.faults import STEPS
from mock_authz.oauth.reply import Reply
from mock_authz.store import codec
from mock_authz.store.port import Entry, Exchange
from mock_authz.web.bench.har import har
from mock_authz.web.bench.matching import matches, nearest
from mock_authz.web.bench.reading_on import ReadingOn
from mock_authz.web.desk import NO_SANDBOX, Desk, Place, within
from mock_authz.web.rest import Call, Handler, Operation, bare, listing, taking
from mock_authz.web.shown import NO_STORE, shown_subject

POLL_SECONDS: Final = 0.05
# A comment now and then, so that both sides notice a dead connection.
HEARTBEAT_POLLS: Final = 300
LONGEST_WAIT_SECONDS: Final = 60
MOST_ENTRIES: Final = 20_000
LARGEST_NUMBER: Final = 10**12 - 1
NUMBER: Final = "[0-9]{1,12}"
TYPES: Final = "|".join(sorted(set(EventType) - {EventType.HUMAN_DUE}))
CONDITIONS: Final = {"kind": "event|exchange", "type": TYPES, "step": "|".join(STEPS)}
EVENT_STREAM: Final = "text/event-stream"
Gone = Callable[[], Awaitable[bool]]


def read(call: Call, place: Place) -> Reply:
    """List entries, oldest first: later than a sequence number, of a kind, type or step; at most the latest `limit` of them."""
    entries = place.desk.store.journal(place.sandbox.name, after=int(call.query.get("after", 0)))
    condition = _condition(call.query)
    found = [shown for shown in map(_shown, entries) if matches(shown, condition)]
    latest = int(call.query.get("limit", MOST_ENTRIES))
    return listing(found[max(len(found) - latest, 0) :])


def _condition(query: Mapping[str, str]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if name in CONDITIONS}


def _shown(entry: Entry) -> dict[str, Any]:
    shown = codec.encode_entry(entry)
    return {**shown, "subject": shown_subject(shown["subject"])} if isinstance(entry.of, Event) else shown


def export_har(_: Call, place: Place) -> Reply:
    """Export the exchanges as HAR."""
    entries = place.desk.store.journal(place.sandbox.name)
    exchanges = [entry.of for entry in entries if isinstance(entry.of, Exchange)]
    return Reply(200, har(place.sandbox.issuer, exchanges))


def wait(call: Call, place: Place) -> Awaitable[Reply]:
    """Wait until enough entries match, or until the time is up; then name the nearest misses."""
    body = call.body
    condition = body.value("match", dict, "an object of members that an entry must have, by dotted path")
    count = body.optional("count", lambda name: body.integer(name, least=1, most=MOST_ENTRIES)) or 1
    seconds = body.optional(
        "timeout_seconds", lambda name: body.number(name, least=0, most=LONGEST_WAIT_SECONDS)
    )
    after = body.optional("after", lambda name: body.integer(name, least=0, most=LARGEST_NUMBER)) or 0
    body.finish()
    reading = ReadingOn(place.desk, place.sandbox.name, after=after)
    return _await(reading, condition, count, polls=int((seconds or 0) / POLL_SECONDS), call=call)


async def _await(
    reading: ReadingOn, condition: Mapping[str, Any], count: int, *, polls: int, call: Call
) -> Reply:
    seen: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    for left in range(polls, -1, -1):
        news = reading.news()
        if news is None:
            return NO_SANDBOX
        shown = [_shown(entry) for entry in news]
        seen += shown
        found += [entry for entry in shown if matches(entry, condition)]
        if len(found) >= count:
            return Reply(200, {"matched": True, "entries": found, "nearest": []})
        if left == 0 or await call.request.is_disconnected():
            break
        await asyncio.sleep(POLL_SECONDS)
    return Reply(200, {"matched": False, "entries": found, "nearest": nearest(seen, condition)})


def follow(call: Call, place: Place) -> Reply:
    """Follow the journal as server-sent events: each entry is one, its id the sequence number."""
    sent = call.request.headers.get("last-event-id", "")
    after = int(sent if re.fullmatch(NUMBER, sent) else call.query.get("after", 0))
    reading = ReadingOn(place.desk, place.sandbox.name, after=after)
    stream = _stream(reading, _condition(call.query), call.request.is_disconnected)
    return Reply(200, headers=NO_STORE, media_type=EVENT_STREAM, stream=stream)


async def _stream(reading: ReadingOn, condition: Mapping[str, Any], is_gone: Gone) -> AsyncIterator[bytes]:
    polls = 0
    yield b": follows the journal of a sandbox\n\n"
    while (news := reading.news()) is not None:
        for entry in news:
            shown = _shown(entry)
            if matches(shown, condition):
                yield f"id: {entry.sequence}\nevent: {shown['kind']}\ndata: {json.dumps(shown)}\n\n".encode()
        if await is_gone():
            return
        polls += 1
        if polls % HEARTBEAT_POLLS == 0:
            yield b": still here\n\n"
        await asyncio.sleep(POLL_SECONDS)


PATH: Final = "/_control/sandboxes/{sandbox}/journal"
FOLLOW: Final[Handler[Desk]] = within(follow)
ROUTES: Final[dict[str, dict[str, Operation[Desk]]]] = {
    PATH: {"GET": bare(within(read), after=NUMBER, limit=NUMBER, **CONDITIONS)},
    PATH + "/stream": {"GET": bare(FOLLOW, after=NUMBER, **CONDITIONS)},
    PATH + "/wait": {"POST": taking(within(wait))},
    PATH + "/har": {"GET": bare(within(export_har))},
}
