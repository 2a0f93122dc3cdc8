"""What the test bench page says in words: events, exchanges, faults, endings, quirks. Knows nothing of HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mock_authz.domain import user_code
from mock_authz.domain.events import Event, EventType
from mock_authz.domain.faults import FaultKind
from mock_authz.domain.license import LAPSED, Ending
from mock_authz.instants import shown
from mock_authz.store.port import Entry, Exchange

# Each kind of event in words, and of which family it is: families look alike.
EVENTS: Final[dict[EventType, tuple[str, str]]] = {
    EventType.DEVICE_AUTHORIZATION_ISSUED: ("User code issued", "code"),
    EventType.USER_CODE_APPROVED: ("User code approved", "code"),
    EventType.USER_CODE_DENIED: ("User code denied", "code"),
    EventType.USER_CODE_WITHDRAWN: ("User code withdrawn", "code"),
    EventType.USER_CODE_GUESSED_WRONG: ("Wrong user code entered", "code"),
    EventType.LICENSE_ISSUED: ("License issued", "license"),
    EventType.LICENSE_REFRESHED: ("License refreshed", "license"),
    EventType.LICENSE_RENEWED: ("License renewed", "license"),
    EventType.LICENSE_ENDED: ("License ended", "bad"),
    EventType.ORGANIZATION_CHANGED: ("Organization changed", "change"),
    EventType.ADMINISTRATOR_CHANGED: ("Administrator changed", "change"),
    EventType.DEVICE_CHANGED: ("Device changed", "change"),
    EventType.CLIENT_CHANGED: ("Client changed", "change"),
    EventType.SETTINGS_CHANGED: ("Settings changed", "change"),
    EventType.KEY_PUBLISHED: ("Signing key published", "change"),
    EventType.CLOCK_MOVED: ("Clock moved", "clock"),
    EventType.HUMAN_ACTED: ("Scripted human acted", "code"),
    EventType.FAULT_STRUCK: ("Fault struck", "fault"),
    EventType.SANDBOX_CHANGED: ("Sandbox changed", "change"),
    EventType.LICENSE_RENEWAL_DUE: ("Renewal due", "warning"),
    EventType.LICENSE_LAPSED: ("License lapsed", "bad"),
    EventType.LICENSE_TOKEN_EXPIRED: ("License token expired", "warning"),
    EventType.REFRESH_TOKEN_EXPIRED: ("Refresh token expired", "bad"),
    EventType.USER_CODE_EXPIRED: ("User code expired", "code"),
    EventType.KEY_SIGNING_STARTED: ("New key signs", "change"),
    EventType.KEY_REMOVED: ("Old key removed", "change"),
    EventType.OUTAGE_BEGAN: ("Outage began", "fault"),
    EventType.OUTAGE_ENDED: ("Outage ended", "fault"),
    EventType.HUMAN_DUE: ("Scripted human due", "code"),
}
FAULTS: Final[dict[FaultKind, str]] = {
    FaultKind.OFFLINE: "Offline",
    FaultKind.CONNECTION_RESET: "Connection reset",
    FaultKind.STATUS: "Error status",
    FaultKind.LATENCY: "Latency",
    FaultKind.EMPTY_BODY: "Empty body",
    FaultKind.TRUNCATED_BODY: "Truncated body",
    FaultKind.GARBLED_BODY: "Garbled body",
    FaultKind.WRONG_CONTENT_TYPE: "Wrong content type",
    FaultKind.LOST_REPLY: "Lost reply",
}
REASONS: Final[dict[str, str]] = {
    Ending.REVOKED: "Revoked",
    Ending.SUPERSEDED: "Superseded",
    Ending.DEVICE_DISABLED: "Ended as its device was disabled",
    Ending.REFRESH_TOKEN_REUSED: "Ended as its refresh token was reused",
    LAPSED: "Lapsed",
}
# Ids that say nothing to people.
UNSAID: Final = frozenset({"license_id", "fault_id", "human_id", "organization_id", "retried", "count"})
BAD_STATUS: Final = 400
INSTANTS: Final = frozenset({"expires_at", "renewal_at", "from", "to"})


@dataclass(frozen=True, slots=True)
class EventWords:
    """An event in words; `kind` is its family."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the journal, in words.

    Attributes:
        details: pairs of a name and what it says.
    """

    sequence: int
    at: int
    kind: str
    title: str
    details: str


def event_words(event: Event, names: Mapping[str, str] | None = None) -> EventWords:
    """Put an event into words.

    Args:
        names: of devices, by server_id.
    """
    title, kind = EVENTS[event.type]
    details = _details(event.subject, names or {})
    return EventWords(f"{title}: {details}" if details else title, kind)


def journal_line(entry: Entry, names: Mapping[str, str]) -> Line:
    """Put an entry of the journal into words."""
    of = entry.of
    if isinstance(of, Event):
        title, kind = EVENTS[of.type]
        return Line(
            sequence=entry.sequence, at=of.at, kind=kind, title=title, details=_details(of.subject, names)
        )
    kind = "refused" if of.status >= BAD_STATUS else "exchange"
    return Line(
        sequence=entry.sequence, at=of.at, kind=kind, title=f"{of.method} {of.path}", details=_answer_of(of)
    )


def fault_words(kind: str) -> str:
    """Name a kind of fault."""
    return FAULTS[FaultKind(kind)]


def reason_words(reason: str | None) -> str:
    """Say why a license is over."""
    return REASONS.get(reason or "", "Ended")


def _answer_of(exchange: Exchange) -> str:
    grant = str(exchange.request.get("grant_type", "")).rpartition(":")[2]
    error = exchange.response.get("reason") or exchange.response.get("error")
    parts = [grant, f"{exchange.status}" + (f" {error}" if error else "")]
    if exchange.faults:
        parts.append("struck by " + ", ".join(fault_words(kind).lower() for kind in exchange.faults))
    return " → ".join(part for part in parts if part)


def _details(subject: Mapping[str, str | int | bool | None], names: Mapping[str, str]) -> str:
    return ", ".join(
        _detail(name, value, names)
        for name, value in subject.items()
        if name not in UNSAID and value is not None
    )


def _detail(name: str, value: str | int, names: Mapping[str, str]) -> str:
    if name == "server_id":
        return names.get(str(value), str(value))
    if name == "user_code":
        return user_code.display(str(value))
    if name == "reason":
        return reason_words(str(value)).lower()
    if name == "kind":
        return fault_words(str(value)).lower()
    if name in INSTANTS and isinstance(value, int):
        words = {"expires_at": "good until", "renewal_at": "to be renewed by"}.get(name, name)
        return f"{words} {shown(value)}"
    if name in ("change", "act", "mode", "client_id", "step", "administrator", "quirks", "names"):
        return str(value).replace("_", " ") if name == "change" else str(value)
    return f"{name.replace('_', ' ')} {value}"
