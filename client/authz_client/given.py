"""What a command was given: the options that all of them share, and the client that they make.

Owns the options' names, their environment variables and their defaults; no command's own work.
"""

import functools
import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from authz_client.flows import Clocks, Flows
from authz_client.home import default_state_file, make_home, owner
from authz_client.real_clocks import REAL_CLOCKS, real_sleep
from authz_client.state_store import StoreError
from authz_client.terminal import Console, is_plain

if TYPE_CHECKING:
    import ssl

    import httpx2

    from authz_client.driver import Client

DEFAULT_CLIENT_ID: Final = "pos-server"
MOCK_ISSUER: Final = "http://127.0.0.1:8628"
#: Under this name the group finds out how the command that failed was to report.
CONSOLE: Final = "authz_client.console"


@dataclass(frozen=True)
class Outside:
    """The clocks, the sleep and the wire; tests give others, as click's `obj`."""

    clocks: Clocks = REAL_CLOCKS
    sleep: Callable[[float], None] = real_sleep
    transport: "httpx2.BaseTransport | None" = None


@dataclass(frozen=True)
class Given:
    """What the shared options say."""

    issuer: str
    client_id: str
    state: Path
    insecure_hosts: tuple[str, ...]
    console: Console
    ca_file: Path | None = None
    outside: Outside = field(default_factory=Outside)

    def reader(self) -> Flows:
        """Make what reads the state file and sends nothing: it needs no HTTP library."""
        return Flows(**self.whose(), clocks=self.outside.clocks)

    def client(self, *, sleep: Callable[[float], None] | None = None) -> "Client":
        """Make the client."""
        from authz_client.driver import Client  # noqa: PLC0415 - `status` does without HTTP

        outside = self.outside
        return Client(
            **self.whose(),
            clocks=outside.clocks,
            sleep=sleep or outside.sleep,
            transport=outside.transport,
            trust=self.trust(),
        )

    def trust(self) -> "ssl.SSLContext | None":
        """Read what https is held against; None for the authorities that this machine trusts.

        Raises:
            click.UsageError: The file cannot be read, or holds no certificate.
        """
        if self.ca_file is None:
            return None
        import ssl  # noqa: PLC0415 - `status` does without HTTP

        try:
            return ssl.create_default_context(cafile=str(self.ca_file))
        except ssl.SSLError:
            raise click.UsageError(f"--ca: {self.ca_file}: this is no PEM file of certificates") from None
        except OSError as error:
            raise click.UsageError(f"--ca: {self.ca_file}: {error.strerror}") from None

    def whose(self) -> dict[str, Any]:
        """Give the arguments that say whose client it is, with the default state file's directory in place.

        Raises:
            StoreError: It cannot be made.
        """
        try:
            make_home(self.state)
        except OSError as error:
            raise StoreError(f"cannot create {self.state.parent}: {error.strerror}") from None
        return {
            "issuer": self.issuer,
            "client_id": self.client_id,
            "state": self.state,
            "insecure_hosts": self.insecure_hosts,
        }


_OPTIONS: Final = (
    click.option(
        "--issuer",
        envvar="AUTHZ_ISSUER",
        metavar="URL",
        help=f"The Authorization server, to the letter ({MOCK_ISSUER} for a local mock). Default: the state file's.",
    ),
    click.option(
        "--client-id",
        envvar="AUTHZ_CLIENT_ID",
        metavar="ID",
        help=f"Default: the state file's, or {DEFAULT_CLIENT_ID}.",
    ),
    click.option(
        "--state",
        envvar="AUTHZ_STATE",
        metavar="FILE",
        type=click.Path(path_type=Path, dir_okay=False),
        help="The state file. Default: license.json in the user's state directory, under authz-client.",
    ),
    click.option(
        "--insecure-host",
        "insecure_hosts",
        envvar="AUTHZ_INSECURE_HOST",
        metavar="HOST",
        multiple=True,
        help="For development: allow http to this host. May be repeated.",
    ),
    click.option(
        "--ca",
        "ca_file",
        envvar="AUTHZ_CA",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Trust these certificates (PEM) for https, in place of the authorities that this machine trusts.",
    ),
    click.option(
        "--json", "as_json", envvar="AUTHZ_JSON", is_flag=True, help="Print one JSON object a line."
    ),
)

_SHARED: Final = ("issuer", "client_id", "state", "insecure_hosts", "ca_file")


def is_json_wanted(words: Sequence[str]) -> bool:
    """Say whether a command line asks for JSON, or the environment does: for one that could not be read."""
    if "--json" in words:
        return True
    try:
        return bool(click.BOOL.convert(os.environ.get("AUTHZ_JSON") or "false", None, None))
    except click.BadParameter:
        return False


def shared_options(command: Callable[..., None], *, needs_issuer: bool = True) -> Callable[..., None]:
    """Give a command the shared options, as one `Given`, its first argument.

    Args:
        command: What takes it.
        needs_issuer: Whether it can do nothing where nobody has said which Authorization server is meant.
    """

    @functools.wraps(command)
    def wrapped(**options: Any) -> None:
        context = click.get_current_context()
        console = Console(as_json=options.pop("as_json"), repeated=_repeated(context))
        context.meta[CONSOLE] = console
        if is_plain():
            context.find_root().color = context.color = False
        shared = {name: options.pop(name) for name in _SHARED}
        if shared["issuer"] is None and owner(shared["state"] or default_state_file()) is None:
            shared["issuer"] = _no_issuer(is_needed=needs_issuer)
            console = replace(console, repeated=f" --issuer URL{console.repeated}")
        command(_given(**shared, console=console, outside=context.obj or Outside()), **options)

    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


def _repeated(context: click.Context) -> str:
    """Say what another command must repeat to reach the same license: what is neither stored nor in the environment."""
    words = ""
    for parameter in context.command.params:
        name = parameter.name or ""
        if name in _SHARED and context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            value = context.params[name]
            values = value if isinstance(value, tuple) else (value,)
            words += "".join(f" {parameter.opts[0]} {shlex.quote(str(one))}" for one in values)
    return words


def _no_issuer(*, is_needed: bool) -> str:
    """Give an issuer to read with where there is none and nothing is stored either."""
    if is_needed:
        raise click.UsageError(
            f"No issuer: give --issuer URL or set AUTHZ_ISSUER. For a local mock it is {MOCK_ISSUER}."
        )
    return MOCK_ISSUER


def _given(
    *,
    issuer: str | None,
    client_id: str | None,
    state: Path | None,
    insecure_hosts: tuple[str, ...],
    ca_file: Path | None,
    console: Console,
    outside: Outside,
) -> Given:
    state = state or default_state_file()
    stored = owner(state)
    stored_issuer, stored_client_id = stored or ("", DEFAULT_CLIENT_ID)
    return Given(
        issuer=issuer if issuer is not None else stored_issuer,
        client_id=client_id if client_id is not None else stored_client_id,
        state=state,
        insecure_hosts=insecure_hosts,
        console=console,
        ca_file=ca_file,
        outside=outside,
    )
