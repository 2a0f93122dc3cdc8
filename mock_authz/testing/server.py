"""The server that tests use: a real one in a thread of this process, or one that runs anywhere else."""

from __future__ import annotations

import atexit
import os
import socket
from contextlib import ExitStack
from os import PathLike
from types import TracebackType
from typing import Final, Self

from mock_authz import app, clock, serving
from mock_authz.sandbox import DEFAULT
from mock_authz.testing.wire import Wire
from mock_authz.usecases import control

LOOPBACK: Final = "127.0.0.1"
BACKLOG: Final = 2048
# Sandboxes on somebody else's server go by themselves, if the tests that made them were killed.
LIVES_SECONDS: Final = 24 * 3600
_shared: Final[dict[int, Server]] = {}


class Server:
    """A mock Authorization server. `Server()` starts a real one, over HTTP, in a thread and on a free port of loopback.

        with Server() as server, Sandbox(server) as sandbox:
            ...

    Attributes:
        url: where issuers lie, without a trailing slash.
        control_token: what its control API asks for; None for nothing.
        lives_seconds: after how much real time its sandboxes go by themselves; None for never.

    Args:
        port: of loopback; 0 takes a free one.
        control_token: what its control API shall ask for.

    Raises:
        OSError: the port is taken.
        TimeoutError: it did not start within 30 seconds.
    """

    url: str
    control_token: str | None
    lives_seconds: int | None

    def __init__(self, *, port: int = 0, control_token: str | None = None) -> None:
        with ExitStack() as stack:
            listening = stack.enter_context(socket.create_server((LOOPBACK, port), backlog=BACKLOG))
            url = f"http://{LOOPBACK}:{listening.getsockname()[1]}"
            application = app.Server(url, control_token=control_token)
            control.create_sandbox(application.store, name=DEFAULT, issuer=url, real_at=clock.real_now())
            stack.enter_context(serving.in_a_thread(application, listening))
            self._take(url, control_token=control_token, lives_seconds=None, running=stack.pop_all())

    @classmethod
    def at(
        cls,
        url: str,
        *,
        control_token: str | None = None,
        control_url: str | None = None,
        ca_file: str | PathLike[str] | None = None,
    ) -> Self:
        """Use a server that runs already, started by `mock-authz serve`, on any machine.

        Args:
            url: where it was started to listen, such as `http://127.0.0.1:8628`.
            control_token: what it printed; None if it asks for none.
            control_url: where its control API lies, if on a port of its own.
            ca_file: the CA certificate that it printed, if it was started with `--tls`.
        """
        server = cls.__new__(cls)
        cls._take(
            server,
            url.rstrip("/"),
            control_token=control_token,
            lives_seconds=LIVES_SECONDS,
            control_url=control_url,
            ca_file=ca_file,
        )
        return server

    def _take(
        self,
        url: str,
        *,
        control_token: str | None,
        lives_seconds: int | None,
        control_url: str | None = None,
        ca_file: str | PathLike[str] | None = None,
        running: ExitStack | None = None,
    ) -> None:
        self._running = running or ExitStack()
        self.url = url
        self.control_token = control_token
        self.lives_seconds = lives_seconds
        control_at = url if control_url is None else control_url.rstrip("/")
        self.wire = Wire(url, control_url=control_at, control_token=control_token, ca_file=ca_file)

    def check(self) -> None:
        """Make sure that it answers, and takes the control token.

        Raises:
            ServerUnreachableError: it does not answer.
            ControlError: it refuses, or is something else.
        """
        self.wire.control("GET", "/quirks")

    def close(self) -> None:
        """Stop the server, if it was started here. Its sandboxes are gone with it."""
        self.wire.close()
        self._running.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<mock_authz.testing.Server {self.url}>"


def shared_server() -> Server:
    """Give the server of this process, started when first asked for; it stops with the process."""
    # By process: a forked one has the memory of its parent, but not the thread that serves.
    own = os.getpid()
    if own not in _shared:
        _shared[own] = Server()
        atexit.register(_stop, own)
    return _shared[own]


def _stop(own: int) -> None:
    if own == os.getpid():
        _shared.pop(own).close()
