"""From the options of `mock-authz serve` to a server that runs, and what it prints about itself.

Owns what starting takes: the port, the certificate, the default sandbox, who may come in. What is wrong with an option is a
`click.ClickException`, on one line. Imported when a server is asked for: `--help` does without.
"""

from __future__ import annotations

import errno
import gc
import json
import logging
import os
import re
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from mock_authz import __version__
from mock_authz import clock as clocks
from mock_authz.app import LOOPBACK_HOSTS, Server, host_of
from mock_authz.clock import Clock, ClockMode
from mock_authz.domain.organization import Administrator
from mock_authz.entropy import fresh_secret
from mock_authz.instants import UnreadableTimeError, shown
from mock_authz.sandbox import AN_ISSUER, DEFAULT, Sandbox, is_issuer
from mock_authz.seed import BUILT_IN, Seed, read_seed
from mock_authz.usecases import control

if TYPE_CHECKING:
    from mock_authz.tls import Certificate

DEMO_PASSWORD: Final = "demo"  # noqa: S105 - printed at start: it is the demo's
BACKLOG: Final = 2048
# Where in a terminal what belongs to a name stands.
BESIDE: Final = 20
WILDCARD_HOSTS: Final = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - recognized, not bound
A_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]+)?")
BANNER: Final = (
    "a MOCK of the Kensium Authorization server, for tests only: never license a real POS server with it."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What keeps strangers out.

    Attributes:
        password: one's own, for all administrators; None leaves them the seed's.
        password_file: where it stands.
        control_token: what the control API asks for; None leaves it to loopback.
    """

    password: str | None
    password_file: Path | None
    control_token: str | None


def start(given: dict[str, Any]) -> None:
    """Start the server that the options ask for, print where it is, and serve until it is stopped.

    Raises:
        ClickException: an option cannot be used.
    """
    logging.basicConfig(level=logging.INFO, format="mock-authz: %(message)s", stream=sys.stderr)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    guard = _guard(given)
    hosts = frozenset(_host(name) for name in given["allowed_host"])
    with ExitStack() as open_until_the_end:
        listening = [open_until_the_end.enter_context(_listen(given, "port"))]
        if given["control_port"] is not None:
            listening.append(open_until_the_end.enter_context(_listen(given, "control_port")))
        certificate = _certificate(given, open_until_the_end)
        scheme = "http" if certificate is None else "https"
        server = Server(
            base_url=_base_url(scheme, given["host"], listening[0]),
            hosts=hosts | ({given["host"]} - WILDCARD_HOSTS),
            control_token=guard.control_token,
            control_port=None if given["control_port"] is None else listening[1].getsockname()[1],
        )
        sandbox, seed = _default_sandbox(server, given, guard)
        start = _describe(server, sandbox, seed, demo=given["seed"] == "demo" and guard.password is None)
        if certificate is not None and certificate.ca_file is not None:
            start["ca_file"] = str(certificate.ca_file)
        click.echo(
            json.dumps(start) if given["json"] else _print_start(start, password_file=guard.password_file),
            color=False if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else None,
        )
        _run(server, listening, {} if certificate is None else certificate.options())


def _guard(given: dict[str, Any]) -> Guard:
    """Refuse an address off loopback without `--allow-remote` and a password of one's own."""
    is_remote = given["host"] not in LOOPBACK_HOSTS
    if is_remote and not given["allow_remote"]:
        _refuse(
            f"{given['host']!r} is not on loopback. This is a mock: add --allow-remote if others must reach it."
        )
    file = given["admin_password_file"]
    if is_remote and file is None:
        _refuse("--allow-remote needs --admin-password-file: the demo's password is known to everybody.")
    return Guard(
        password=None if file is None else _password(file),
        password_file=file,
        control_token=given["control_token"] or (fresh_secret() if is_remote else None),
    )


def _password(file: Path) -> str:
    try:
        password = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        _refuse(f"{file}: {getattr(error, 'strerror', None) or 'is not UTF-8 text'}")
    if not password or password == DEMO_PASSWORD:
        _refuse(f"{file}: holds no password of your own.")
    return password


def _host(given: str) -> str:
    """Read a host as a Host header would name it: case and port don't count."""
    return (
        host_of(given) if A_HOST.fullmatch(given) else _refuse(f"--allowed-host: {given!r} is no host name")
    )


def _listen(given: dict[str, Any], which: str) -> socket.socket:
    """Take the port now, so that a busy one is one clear line, and requests wait while the server starts."""
    host, port = given["host"], given[which]
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((host, port))
            listening.listen(BACKLOG)
        except OSError:
            listening.close()
            raise
    except OSError as error:
        is_the_port = error.errno in {errno.EADDRINUSE, errno.EACCES}
        hint = f" Choose another --{which.replace('_', '-')}; 0 takes a free one." if is_the_port else ""
        _refuse(f"cannot listen on {host} port {port}: {error.strerror}.{hint}")
    return listening


def _certificate(given: dict[str, Any], open_until_the_end: ExitStack) -> Certificate | None:
    """Make or take a certificate, if https is asked for."""
    cert_file, key_file = given["tls_cert"], given["tls_key"]
    if cert_file is None and key_file is None and not given["tls"]:
        return None
    from mock_authz import tls  # noqa: PLC0415 - only who serves https pays for it

    if (cert_file is None) != (key_file is None):
        _refuse("--tls-cert and --tls-key go together.")
    if cert_file is not None:
        try:
            return tls.own_certificate(cert_file, key_file)
        except tls.CertificateError as error:
            _refuse(f"--tls-cert: {error}")
    folder = open_until_the_end.enter_context(TemporaryDirectory(prefix="mock-authz-"))
    names = [name for name in (given["host"], *given["allowed_host"]) if name not in WILDCARD_HOSTS]
    return tls.make_certificate([*names, socket.gethostname()], Path(folder))


def _base_url(scheme: str, host: str, listening: socket.socket) -> str:
    shown_host = socket.gethostname() if host in WILDCARD_HOSTS else host
    if ":" in shown_host:
        shown_host = f"[{shown_host}]"
    return f"{scheme}://{shown_host}:{listening.getsockname()[1]}"


def _default_sandbox(server: Server, given: dict[str, Any], guard: Guard) -> tuple[Sandbox, Seed]:
    real_at = clocks.real_now()
    try:
        clock = clocks.parse_clock(given["clock"], real_at=real_at)
    except UnreadableTimeError as error:
        _refuse(f"--clock: {error}")
    issuer = server.base_url if given["issuer"] is None else given["issuer"]
    if not is_issuer(issuer):
        _refuse(f"--issuer: {issuer!r} is not {AN_ISSUER}")
    seed = _read_seed(given["seed"], clock, real_at)
    settings = seed.settings
    if given["alg"]:
        settings = replace(settings, alg=given["alg"])
    if given["preset"] == "fast":
        settings = replace(settings, interval_seconds=0)
    sandbox = control.create_sandbox(
        server.store,
        name=DEFAULT,
        issuer=issuer,
        real_at=real_at,
        clock=clock,
        settings=settings,
        random_seed=given["random_seed"],
        records=seed.records if guard.password is None else _with_password(seed, guard.password),
    )
    if not isinstance(sandbox, Sandbox):
        raise TypeError(sandbox)
    return sandbox, seed


def _read_seed(name_or_path: str, clock: Clock, real_at: float) -> Seed:
    now = clock.now(real_at)
    if name_or_path in BUILT_IN:
        return read_seed(name_or_path, now=now)
    from mock_authz.seed.problems import SeedError  # noqa: PLC0415 - nothing is wrong with what is built in

    try:
        return read_seed(name_or_path, now=now)
    except SeedError as error:
        click.echo(str(error), err=True)
        sys.exit(2)


def _with_password(seed: Seed, password: str) -> list[object]:
    from mock_authz.passwords import hash_password  # noqa: PLC0415 - argon2 is for who needs it

    hashed = hash_password(password)
    return [
        replace(record, password_hash=hashed) if isinstance(record, Administrator) else record
        for record in seed.records
    ]


def _describe(server: Server, sandbox: Sandbox, seed: Seed, *, demo: bool) -> dict[str, Any]:
    usernames = [record.username for record in seed.records if isinstance(record, Administrator)]
    return {
        "mock": True,
        "version": __version__,
        "pid": os.getpid(),
        "issuer": sandbox.issuer,
        "base_url": server.base_url,
        "verification_uri": f"{sandbox.issuer}/device",
        "management_url": f"{sandbox.issuer}/management",
        "management_token": sandbox.management_token,
        "control_url": f"{server.control_base_url}/_control",
        "control_token": server.control_token,
        "login": {"username": usernames[0], "password": DEMO_PASSWORD if demo else None}
        if usernames
        else None,
        "clock": {"mode": sandbox.clock.mode, "now": sandbox.settled_at},
    }


def _print_start(start: dict[str, Any], *, password_file: Path | None) -> str:
    rows = [
        ("Issuer", [start["issuer"]]),
        ("Log in", [f"{start['issuer']}/login", _login(start["login"], password_file)]),
        ("Authorize Device", [start["verification_uri"]]),
        ("Management API", [start["management_url"], f"Bearer {start['management_token']}"]),
        (
            "Control API",
            [start["control_url"], *([f"Bearer {start['control_token']}"] if start["control_token"] else [])],
        ),
        ("Test bench", [f"{start['control_url']}/ui"]),
        ("Clock", [_clock_line(start["clock"])]),
        *([("CA certificate", [start["ca_file"]])] if "ca_file" in start else []),
    ]
    title = f"mock-authz {start['version']}, {BANNER}"
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    titles = [title] if width is None else _wrapped(title, width, indent=0)
    return "\n".join([*(click.style(line, bold=True) for line in titles), "", *_laid_out(rows, width), ""])


def _laid_out(rows: list[tuple[str, list[str]]], width: int | None) -> Iterator[str]:
    """Lay out names and what belongs to each.

    It stands beside its name, on one line or on several; in a terminal that is too narrow for that, below it.
    """
    is_beside = width is None or BESIDE + max(len(part) for _, parts in rows for part in parts) <= width
    for name, parts in rows:
        line = f"  {name:18}{'    '.join(parts)}"
        if width is None or (is_beside and len(line) <= width):
            yield line
        elif is_beside:
            yield f"  {name:18}{parts[0]}"
            yield from (" " * BESIDE + part for part in parts[1:])
        else:
            yield f"  {name}"
            for part in parts:
                yield from _wrapped(part, width, indent=4)


def _wrapped(text: str, width: int, *, indent: int) -> list[str]:
    """Break a text at words; one that is too long, such as a token, stays whole, so that it can be copied."""
    import textwrap  # noqa: PLC0415 - only for who sits at a terminal

    return textwrap.wrap(
        text,
        width,
        initial_indent=" " * indent,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _login(login: dict[str, str | None] | None, password_file: Path | None) -> str:
    if login is None:
        return "(the seed has no administrator)"
    password = f"the password in {password_file}" if password_file else "the password of your seed"
    return f"{login['username']} / {login['password'] or password}"


def _clock_line(clock: dict[str, Any]) -> str:
    how = "" if clock["mode"] == ClockMode.REAL else f", {clock['mode']}"
    return shown(clock["now"]) + how


def _run(server: Server, listening: list[socket.socket], options: dict[str, Any]) -> None:
    import uvicorn  # noqa: PLC0415 - it is told where the server is before it is loaded

    from mock_authz.serving import configure  # noqa: PLC0415 - likewise

    # uvicorn drains and then raises the signal again: let it unwind the stack, so that nothing is left behind.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    serving = uvicorn.Server(configure(server, **options))
    # What has been loaded stays for the life of the server: the collector need never look at it.
    gc.freeze()
    gc.enable()
    try:
        serving.run(sockets=listening)
    except KeyboardInterrupt:
        sys.exit(130)


def _refuse(message: str) -> NoReturn:
    raise click.ClickException(message)
