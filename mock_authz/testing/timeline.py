"""What happened in a sandbox, as text for people: instants in order, one line each, and licenses as bars.

Draws from the journal alone, so whatever the server keeps of it can be drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

from mock_authz.domain.events import EventType
from mock_authz.domain.user_code import display
from mock_authz.testing.bars import bars
from mock_authz.testing.entries import Entry, Event, Exchange
from mock_authz.testing.times import stamp

MOST_LINES: Final = 80
NOTHING: Final = "(nothing has happened here)"
# Told by the exchange that they come with.
UNTOLD: Final = (EventType.DEVICE_AUTHORIZATION_ISSUED, EventType.FAULT_STRUCK)
# Said by other words, or of use to programs only.
UNSHOWN: Final = ("server_id", "license_id", "human_id", "fault_id", "kid", "mode", "to")
UNHEARD: Final = {
    "offline": "never reached the server",
    "connection_reset": "never reached the server",
    "lost_reply": "the client never heard",
}


@dataclass(frozen=True, slots=True)
class _Line:
    at: int
    mark: str
    what: str
    detail: str


def draw(entries: Sequence[Entry], *, now: int) -> str:
    """Draw a journal.

    Args:
        entries: as the journal holds them.
        now: Unix seconds on the sandbox's clock.
    """
    ordered = in_order(entries)
    lines = list(_printed(_told(ordered)))
    if len(lines) > MOST_LINES:
        lines = [f"  ... {len(lines) - MOST_LINES} earlier lines", *lines[-MOST_LINES:]]
    return "\n".join([*(lines or [NOTHING]), *bars(ordered, now=now)])


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """Put entries in order of instant; a clock that was set back begins anew.

    The journal notes what fell due on the way of a move after the move itself.
    """
    runs: list[list[Entry]] = [[]]
    for entry in entries:
        if _is_move(entry) and entry.at < entry.subject["from"]:
            runs.append([])
        runs[-1].append(entry)
    return [entry for run in runs for entry in sorted(run, key=lambda entry: entry.at)]


def _is_move(entry: Entry) -> TypeGuard[Event]:
    return isinstance(entry, Event) and entry.type == EventType.CLOCK_MOVED


def _told(entries: Iterable[Entry]) -> Iterator[_Line]:
    for entry in entries:
        if isinstance(entry, Exchange):
            yield _exchange(entry)
        elif _is_worth_telling(entry):
            yield _event(entry)


def _exchange(exchange: Exchange) -> _Line:
    parts = [str(exchange.status) if exchange.status else "no answer"]
    response = exchange.response
    if "error" in response:
        parts += [response["error"], *([f"({response['reason']})"] if "reason" in response else [])]
    if "user_code" in response:
        parts.append(f"{response['user_code']} for {exchange.request.get('client_id')}")
    for fault in exchange.faults:
        parts.append(f"<- {fault}" + (f", {UNHEARD[fault]}" if fault in UNHEARD else ""))
    return _Line(exchange.at, "!" if exchange.faults else ">", exchange.step, " ".join(parts))


def _is_worth_telling(event: Event) -> bool:
    if event.type == EventType.HUMAN_ACTED:
        # What was decided is an event of its own, unless nothing came of it.
        return event.subject.get("refusal") is not None or event.subject.get("act") == "ignore"
    return event.type not in UNTOLD


def _event(event: Event) -> _Line:
    subject = event.subject
    details = [f"{name} {_said(name, value)}" for name, value in subject.items() if _is_shown(name, value)]
    about = [subject["server_id"]] if "server_id" in subject else []
    return _Line(event.at, "-", event.type.replace("_", " "), ", ".join([*about, *details]))


def _is_shown(name: str, value: object) -> bool:
    return name not in UNSHOWN and value is not None and value is not False


def _said(name: str, value: Any) -> str:
    if name == "user_code":
        return display(str(value).replace("-", ""))
    if isinstance(value, int) and (name.endswith("_at") or name == "from"):
        return stamp(value)
    return str(value)


def _printed(lines: Iterable[_Line]) -> Iterator[str]:
    """Print lines, each instant once, and repeated ones as one."""
    shown: str | None = None
    for line, count, last in _counted(lines):
        instant = stamp(line.at)
        times = "" if count == 1 else f"  (x{count}" + (f", until {stamp(last)})" if last != line.at else ")")
        blank = " " * len(instant)
        text = f"{blank if instant == shown else instant} {line.mark} {line.what:24} {line.detail}{times}"
        yield text.rstrip()
        shown = instant


def _counted(lines: Iterable[_Line]) -> Iterator[tuple[_Line, int, int]]:
    """Give each line with how often it came in a row, and when it came last."""
    first: _Line | None = None
    count, last = 0, 0
    for line in lines:
        if first is not None and (first.mark, first.what, first.detail) == (
            line.mark,
            line.what,
            line.detail,
        ):
            count, last = count + 1, line.at
            continue
        if first is not None:
            yield first, count, last
        first, count, last = line, 1, line.at
    if first is not None:
        yield first, count, last


def pending(humans: Iterable[Mapping[str, Any]], faults: Iterable[str]) -> list[str]:
    """Tell what was scripted and has not come to pass: often why a test fails."""
    waiting = [
        f"a scripted human has not acted: {human['act']}"
        + (f" {human['server_id']}" if human["server_id"] else "")
        + (f" at poll {human['after_polls']}" if human["after_polls"] else "")
        + (f" at {stamp(human['at'])}" if human["at"] is not None else "")
        + ("" if human["user_code"] else " (no user code has come)")
        for human in humans
        if human["acted_at"] is None
    ]
    return [*waiting, *(f"a fault has not struck: {fault}" for fault in faults)]
