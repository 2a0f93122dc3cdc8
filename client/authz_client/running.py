"""`authz-client run`: keeps a license and says what happens, an event at a time.

Owns which of it is worth a line. It decides nothing about the license; the client's `tick` does.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import floor
from typing import Any

from authz_client.driver import Client
from authz_client.flows import IDLE_SECONDS
from authz_client.machine import Task
from authz_client.outcome import Kind, Outcome
from authz_client.state import Phase
from authz_client.state_store import StoreError
from authz_client.status import PageStatus, Warn, shown_instant
from authz_client.wording import TITLES, sentence

#: These go with an attempt, which has its own line.
_TOLD_BY_ATTEMPTS = frozenset(
    {Warn.OFFLINE, Warn.REFRESH_FAILING, Warn.TOKEN_PENDING, Warn.REVOCATION_PENDING}
)


@dataclass(frozen=True)
class Happening:
    """One line: when it happened (Unix seconds, the clock's), what kind of event, a text, and members for programs."""

    at: int
    event: str
    text: str
    members: dict[str, Any] = field(default_factory=dict)

    def line(self) -> str:
        """Give the line for people."""
        return f"{shown_instant(self.at)}  {self.text}"

    def to_json(self) -> dict[str, Any]:
        """Give the line for programs."""
        return {"at": self.at, "event": self.event, "message": self.text, **self.members}


def keep(
    client: Client,
    *,
    report: Callable[[Happening], None],
    sleep: Callable[[float], None],
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Tick and sleep until `stop` says so, and report each attempt and each change, another process's too."""

    def happened(event: str, text: str, **members: Any) -> None:
        report(Happening(floor(client.clocks.clock()), event, text, members))

    def kept(task: Task, outcome: Outcome) -> None:
        if outcome.kind is not Kind.IN_FLIGHT:
            happened(task.value, sentence(outcome) + _after(client, outcome), **outcome.to_json())

    client.on_kept = kept
    before: object = None
    while not stop():
        try:
            status = client.status()
            if _worth_a_line(status) != before:
                before = _worth_a_line(status)
                happened("status", _described(client, status), **_facts(status))
            seconds = client.tick()
        except StoreError as error:
            happened("state_file", str(error))
            seconds = IDLE_SECONDS
        if seconds > 0:
            sleep(seconds)


def _worth_a_line(status: PageStatus) -> object:
    warned = frozenset(warning.kind for warning in status.warnings) - _TOLD_BY_ATTEMPTS
    return status.phase, status.label, status.reason, status.token_state, warned


def _facts(status: PageStatus) -> dict[str, Any]:
    """Give the facts of a status line, what is absent left out."""
    facts = {
        "phase": status.phase.value,
        "license_status": status.license_status.value,
        "reason": status.reason,
        "token_expires_at": status.token_expires_at,
        "warnings": [warning.kind.value for warning in status.warnings],
    }
    return {name: value for name, value in facts.items() if value is not None}


def _described(client: Client, status: PageStatus) -> str:
    if status.phase is Phase.AWAITING:
        return "The user code waits to be authorized and completed: `authz-client complete`."
    if status.phase in {Phase.UNLICENSED, Phase.REMOVED}:
        return "There is no license to keep yet: `authz-client acquire` gets one. Waiting."
    text = dict(status.rows())["License Status"] + "."
    warned = [TITLES[warning.kind] for warning in status.warnings if warning.kind not in _TOLD_BY_ATTEMPTS]
    return text + "".join(f" {title}." for title in warned) + _schedule(client)


def _after(client: Client, outcome: Outcome) -> str:
    return _schedule(client) if outcome.kind is Kind.REFRESHED else ""


def _schedule(client: Client) -> str:
    held = client.state().license
    if held is None or held.current is None:
        return ""
    expiry, due = shown_instant(held.current.claims.exp), shown_instant(held.current.refresh_at)
    return f" Token Expiry {expiry}, next refresh {due}."
