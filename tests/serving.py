"""A real server for tests that need one: as it is served, in a thread, on a free port of the loopback interface."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from starlette.types import ASGIApp

from mock_authz.app import Server
from mock_authz.clock import Clock, real_now
from mock_authz.sandbox import DEFAULT, Sandbox
from mock_authz.serving import in_a_thread
from mock_authz.settings import Settings
from mock_authz.usecases import control
from mock_authz.usecases.context import Context

HOST: Final = "127.0.0.1"


@contextmanager
def serving(make_app: Callable[[str], ASGIApp]) -> Iterator[str]:
    """Serve an ASGI application while the block runs, as the command does.

    Args:
        make_app: builds the application for its base URL, which is known before anything listens.

    Yields:
        The base URL, without a trailing slash.
    """
    with socket.create_server((HOST, 0)) as listening:
        base_url = f"http://{HOST}:{listening.getsockname()[1]}"
        with in_a_thread(make_app(base_url), listening):
            yield base_url


class RunningSandbox:
    """A server's sandbox, for tests to look into and to act upon beside the browser."""

    def __init__(self, server: Server, name: str = DEFAULT) -> None:
        self.server = server
        self.name = name

    @property
    def sandbox(self) -> Sandbox:
        found = control.find_sandbox(self.server.store, self.name)
        assert found is not None
        return found

    @property
    def issuer(self) -> str:
        return self.sandbox.issuer

    @property
    def context(self) -> Context:
        """The sandbox as of now, for calling use cases."""
        sandbox = self.sandbox
        return Context(sandbox=sandbox, now=sandbox.clock.now(real_now()), store=self.server.store)

    def beside(self, name: str, records: Sequence[object]) -> RunningSandbox:
        """Create another sandbox on the same server."""
        return _create(self.server, records, name=name)

    def set_clock(self, to: int) -> None:
        """Move the sandbox's clock to an instant, from which it goes on ticking."""
        real_at = real_now()
        moved = self.sandbox.clock.moved(to=to, real_at=real_at)
        control.set_clock(self.server.store, self.name, moved, real_at=real_at)

    def advance(self, seconds: int) -> None:
        """Move the sandbox's clock forward, or back."""
        self.set_clock(self.context.now + seconds)


@contextmanager
def serving_sandbox(
    records: Sequence[object],
    *,
    name: str = DEFAULT,
    clock: Clock | None = None,
    settings: Settings | None = None,
) -> Iterator[RunningSandbox]:
    """Serve the Authorization server with one sandbox while the block runs."""
    made: list[RunningSandbox] = []

    def make_app(base_url: str) -> ASGIApp:
        server = Server(base_url)
        made.append(_create(server, records, name=name, clock=clock, settings=settings))
        return server

    with serving(make_app):
        yield made[0]


def _create(
    server: Server,
    records: Sequence[object],
    *,
    name: str,
    clock: Clock | None = None,
    settings: Settings | None = None,
) -> RunningSandbox:
    created = control.create_sandbox(
        server.store,
        name=name,
        issuer=server.issuer_of(name),
        real_at=real_now(),
        clock=clock,
        settings=settings,
        records=records,
    )
    assert isinstance(created, Sandbox)
    return RunningSandbox(server, name)
