"""What a sandbox's journal holds, typed: what was exchanged, and what happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, or fell due as time passed.

    Attributes:
        at: Unix seconds on the sandbox's clock.
        type: one of `EventType`, such as `license_lapsed`.
        subject: ids of what it happened to, and details, by wire name. Never a secret.
        sequence: its place in the journal; None if it was not read from there.
    """

    at: int
    type: str
    subject: Mapping[str, Any]
    sequence: int | None = None

    @property
    def server_id(self) -> str | None:
        """The device that it is about, if it is about one."""
        return self.subject.get("server_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request of the protocol and its answer. Credentials are fingerprints, which tell two apart.

    Attributes:
        at: Unix seconds on the sandbox's clock.
        step: the protocol step, such as `token:refresh`.
        status: 0 for a request that a fault left without an answer.
        request: parameters by name.
        response: members by name.
        faults: the kinds of the faults that struck it.
        sequence: its place in the journal.
    """

    at: int
    step: str
    method: str
    path: str
    status: int
    request: Mapping[str, Any]
    response: Mapping[str, Any]
    faults: tuple[str, ...]
    sequence: int


Entry: TypeAlias = Event | Exchange


def entry_of(members: Mapping[str, Any]) -> Entry:
    """Read an entry of the journal."""
    if members["kind"] == "event":
        return Event(
            at=members["at"],
            type=members["type"],
            subject=members["subject"],
            sequence=members["sequence"],
        )
    return Exchange(
        at=members["at"],
        step=members["step"],
        method=members["method"],
        path=members["path"],
        status=members["status"],
        request=members["request"],
        response=members["response"],
        faults=tuple(members["faults"]),
        sequence=members["sequence"],
    )


def events_of(answer: Mapping[str, Any]) -> list[Event]:
    """Read what fell due, as a move of the clock reports it."""
    return [
        Event(
            at=members["at"],
            type=members["type"],
            subject={name: value for name, value in members.items() if name not in ("at", "type")},
        )
        for members in answer["events"]
    ]
