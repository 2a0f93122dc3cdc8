"""Licenses as bars on a line of time, in text: how long each license token was good, and when the server was away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from mock_authz.domain.events import EventType
from mock_authz.testing.entries import Entry, Event
from mock_authz.testing.times import stamp

COLUMNS: Final = 60
# Shorter stories are told by their lines.
SHORTEST_SECONDS: Final = 3600
AWAY: Final = "outages"
LEGEND: Final = "# license token good, . licensed but token expired"

# From this instant on, before that one; Unix seconds.
Span: TypeAlias = tuple[int, int]


def bars(entries: Sequence[Entry], *, now: int) -> list[str]:
    """Draw one bar for each device that had a license, and one for outages; nothing where there is little to see.

    Args:
        entries: in order of instant.
        now: Unix seconds on the sandbox's clock.
    """
    events = [entry for entry in entries if isinstance(entry, Event)]
    issued = [event for event in events if event.type == EventType.LICENSE_ISSUED]
    if not issued:
        return []
    begin, end = entries[0].at, max(now, entries[-1].at)
    if end - begin < SHORTEST_SECONDS:
        return []
    rows = {name: _row(events, name, (begin, end)) for name in sorted({str(one.server_id) for one in issued})}
    if any(outages := _cells(_outages(events, now=end), (begin, end))):
        rows[AWAY] = "".join("x" if cell else " " for cell in outages)
    width = max(map(len, rows))
    drawn = [f"{name:{width}} |{row}|" for name, row in rows.items()]
    return ["", f"{stamp(begin)[:10]} to {stamp(end)[:10]}   {LEGEND}", *drawn]


def _row(events: Iterable[Event], server_id: str, whole: Span) -> str:
    own = [event for event in events if event.server_id == server_id]
    good = _cells(_good(own), whole)
    licensed = _cells(_licensed(own, now=whole[1]), whole)
    return "".join(
        "#" if is_good else "." if is_licensed else " "
        for is_good, is_licensed in zip(good, licensed, strict=True)
    )


def _good(events: Iterable[Event]) -> list[Span]:
    """Say when a license token was good. Held offline it stays so until its `exp`, also when the license has ended."""
    minting = (EventType.LICENSE_ISSUED, EventType.LICENSE_REFRESHED)
    return [(event.at, int(event.subject["expires_at"])) for event in events if event.type in minting]


def _licensed(events: Iterable[Event], *, now: int) -> list[Span]:
    spans: list[Span] = []
    for event in events:
        if event.type == EventType.LICENSE_ISSUED:
            spans.append((event.at, now))
        elif spans and event.type in (EventType.LICENSE_ENDED, EventType.LICENSE_LAPSED):
            spans[-1] = (spans[-1][0], min(spans[-1][1], event.at))
    return spans


def _outages(events: Iterable[Event], *, now: int) -> list[Span]:
    spans: dict[str, Span] = {}
    for event in events:
        fault_id = str(event.subject.get("fault_id"))
        if event.type == EventType.OUTAGE_BEGAN:
            spans[fault_id] = (event.at, now)
        elif event.type == EventType.OUTAGE_ENDED:
            spans[fault_id] = (spans.get(fault_id, (event.at, now))[0], event.at)
    return list(spans.values())


def _cells(spans: Iterable[Span], whole: Span) -> list[bool]:
    """Say of each column whether its middle lies within one of the spans."""
    found, (begin, end) = list(spans), whole
    middles = (begin + (end - begin) * (column + 0.5) / COLUMNS for column in range(COLUMNS))
    return [any(start <= middle < stop for start, stop in found) for middle in middles]
