"""What the control API acts upon: the server's sandboxes, seen from above."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mock_authz import clock as clocks
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
    """

    store: Store
    issuer_of: Callable[[str], str]
    http_hosts: frozenset[str]
    enter: Enter
    quirks: Callable[[], Mapping[str, Mapping[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One sandbox of the desk, with one reading of both clocks."""

    desk: Desk
    sandbox: Sandbox
    context: Context
    real_at: float


def within(handler: Callable[[Call, Place], Reply | Awaitable[Reply]]) -> Handler[Desk]:
    """Make a handler that acts on the sandbox which the path names; what fell due is applied first."""

    def handle(call: Call, desk: Desk) -> Reply | Awaitable[Reply]:
        real_at = clocks.real_now()
        sandbox = control.find_sandbox(desk.store, call.params["sandbox"], real_at=real_at)
        if sandbox is None:
            return NO_SANDBOX
        now = sandbox.clock.now(real_at)
        control.settle(desk.store, sandbox, now=now, enter=desk.enter)
        context = desk.enter(desk.store, sandbox, now)
        return handler(call, Place(desk=desk, sandbox=sandbox, context=context, real_at=real_at))

    return handle
