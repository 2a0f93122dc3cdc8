"""Serving the page: the port, the web server, and what is printed at start.

Owns which addresses are listened on. It knows nothing of what the page shows.
"""

import os
import socket
from ipaddress import ip_address
from typing import Final

import click

from authz_client.given import Given
from authz_client.page.app import Desk, build
from authz_client.page.keeper import PageClient, Waker
from authz_client.page.protection import LOOPBACK_NAMES, AllowedHosts
from authz_client.real_clocks import fresh_secret

_BACKLOG: Final = 128
_DRAIN_SECONDS: Final = 3


def listen(host: str, port: int, *, allow_remote: bool) -> socket.socket:
    """Take the port.

    Raises:
        click.UsageError: The address is off loopback without leave, or cannot be listened on.
    """
    if not allow_remote and not _is_loopback(host):
        raise click.UsageError(
            f"--host {host} is not on loopback, and the page has no login: whoever reaches it can remove the license."
            " Add --allow-remote if something in front of it keeps others out."
        )
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise click.UsageError(
            f"Cannot listen on {host} port {port}: {error.strerror or error}. Choose another --port; 0 takes a free one."
        ) from None
    return listening


def serve(given: Given, listening: socket.socket, *, host: str, allowed_hosts: tuple[str, ...]) -> None:
    """Serve the page and keep the license until told to stop."""
    import uvicorn  # noqa: PLC0415 - a wrong option is told before the server is loaded

    waker = Waker()
    client = PageClient(**given.whose(), clocks=given.outside.clocks, sleep=waker.sleep, trust=given.trust())
    desk = Desk(client, waker, fresh_secret())
    names = frozenset({host, *allowed_hosts})
    hosts = AllowedHosts(names, is_any_address=not _is_loopback(host))
    _announce(given, listening, host)
    config = uvicorn.Config(
        build(desk, hosts=hosts),
        loop="asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[listening])


def _announce(given: Given, listening: socket.socket, host: str) -> None:
    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{listening.getsockname()[1]}/"
    given.console.tell(
        event="serving",
        url=url,
        issuer=given.issuer,
        client_id=given.client_id,
        state=str(given.state),
        pid=os.getpid(),
    )
    given.console.say("License Management, a POS server's page", bold=True)
    given.console.say()
    given.console.rows(
        (("Page", url), ("Authorization server", given.issuer), ("State file", str(given.state)))
    )
    given.console.say()
    given.console.say("It keeps the license in the background. Ctrl-C stops it.")


def _is_loopback(host: str) -> bool:
    try:
        return host in LOOPBACK_NAMES or ip_address(host).is_loopback
    except ValueError:
        return False
