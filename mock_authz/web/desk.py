"""What the control API acts upon: the server's sandboxes, seen from above."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from mock_authz import clock as clocks
from mock_authz.domain.refusals import Conflict
from mock_authz.oauth.reply import Reply
from mock_authz.sandbox import Sandbox
from mock_authz.store.port import Store
from mock_authz.usecases import control
from mock_authz.usecases.context import Context
from mock_authz.usecases.control import Enter
from mock_authz.web.problems import problem
from mock_authz.web.rest import Call, Handler

NO_SANDBOX: Final = problem(404, "sandbox_unknown", "There is no such sandbox.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The server's sandboxes.

    Attributes:
        issuer_of: the issuer that a new sandbox has unless told otherwise, by its name.
        http_hosts: the hosts that may have issuers of plain http: loopback, and those declared for development.
        enter: makes the context of a request to a sandbox, with the sandbox's own behaviour.
        quirks: all there are, by name, as they are shown.
        make_room: frees the name of a new sandbox, and memory, of sandboxes whose life in real time is over.
    """

    store: Store
    issuer_of: Callable[[str], str]
    http_hosts: frozenset[str]
    enter: Enter
    quirks: Callable[[], Mapping[str, Mapping[str, Any]]]
    make_room: Callable[[str, float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One sandbox of the desk, with one reading of both clocks."""

    desk: Desk
    sandbox: Sandbox
    context: Context
    real_at: float


def look(desk: Desk, name: str) -> Place | None:
    """Look at a sandbox: read both clocks, and apply what fell due; None if there is no such sandbox."""
    real_at = clocks.real_now()
    found = control.find_sandbox(desk.store, name, real_at=real_at)
    if found is None:
        return None
    now = found.clock.now(real_at)
    control.settle(desk.store, found, now=now, enter=desk.enter)
    # Settling changes the record.
    sandbox = control.find_sandbox(desk.store, name) or found
    return Place(desk=desk, sandbox=sandbox, context=desk.enter(desk.store, sandbox, now), real_at=real_at)


def within(handler: Callable[[Call, Place], Reply | Awaitable[Reply]]) -> Handler[Desk]:
    """Make a handler that acts on the sandbox which the path names; what fell due is applied first."""

    def handle(call: Call, desk: Desk) -> Reply | Awaitable[Reply]:
        place = look(desk, call.params["sandbox"])
        return NO_SANDBOX if place is None else handler(call, place)

    return handle


def check_issuer(issuer: str, desk: Desk) -> Conflict | None:
    """Refuse an issuer that clients could not use.

    Deviation: http issuers on loopback or on hosts declared for development (protocol.md, "Endpoints").
    """
    parts = urlsplit(issuer)
    if parts.scheme == "http" and parts.hostname not in desk.http_hosts:
        detail = "An http issuer needs a loopback host, or one that the server was told to answer to."
        return Conflict(detail, reason="issuer_not_allowed")
    return None
