"""The command `mock-authz`. Owns its options and its exit codes; decides nothing of the protocol.

Exit codes: 0 done; 2 something given is wrong (an option, a seed, a busy port); 130 stopped with Ctrl-C; 143 terminated;
74 what it prints cannot be written, as on a full disk.
"""

from __future__ import annotations

import errno
import gc
import os
import sys
from contextlib import suppress
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from mock_authz import __version__
from mock_authz.seed import BUILT_IN
from mock_authz.settings import ALGORITHMS

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
CANNOT_WRITE: Final = 74
CLOCKS: Final = ("real", "offset:", "frozen:")
A_FILE: Final = click.Path(path_type=Path, dir_okay=False)


def _seeds(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Complete a seed: what is built in by its name, all else as a file."""
    from click.shell_completion import CompletionItem  # noqa: PLC0415 - only completion needs it

    named = [name for name in BUILT_IN if name.startswith(incomplete)]
    # bash takes names or its own search for files, not both: beside names, the files are named too.
    beside = sorted(str(file) for file in Path().glob(f"{escape(incomplete)}*")) if named else []
    return [CompletionItem(name) for name in named + beside] or [CompletionItem(incomplete, type="file")]


def _clocks(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """Complete how a clock begins."""
    return [clock for clock in CLOCKS if clock.startswith(incomplete)]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "MOCK_AUTHZ"})
@click.version_option(__version__, prog_name="mock-authz")
def cli() -> None:
    """A simulated Kensium Authorization server, for tests: device grant, license tokens, virtual time.

    Every option can be given as an environment variable too, such as MOCK_AUTHZ_SERVE_PORT.
    """


@cli.command(
    epilog="Exit codes: 2 for an option, seed or port that cannot be used; 74 if its output cannot be written; 130 after Ctrl-C."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8628, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one."
)
@click.option("--issuer", help="Issuer of the default sandbox. By default where the server listens.")
@click.option(
    "--seed",
    default="demo",
    show_default=True,
    shell_complete=_seeds,
    help=f"YAML file, or one of: {', '.join(BUILT_IN)}.",
)
@click.option(
    "--clock",
    default="real",
    show_default=True,
    shell_complete=_clocks,
    help="real, offset:P30D or frozen:2027-01-31T08:00:00Z.",
)
@click.option(
    "--alg", type=click.Choice(ALGORITHMS), help="Signs license tokens. By default as the seed says: ES256."
)
@click.option(
    "--preset", type=click.Choice(["fast"]), help="fast: polling interval 0, so that tests don't wait."
)
@click.option(
    "--random-seed", help="Repeat all codes and tokens (with --clock frozen:… and --alg Ed25519 to the byte)."
)
@click.option("--allowed-host", multiple=True, help="Answer to this Host too. May be repeated.")
@click.option("--control-token", help="Ask for this bearer token at /_control.")
@click.option(
    "--control-port",
    type=click.IntRange(0, 65535),
    help="Serve /_control at this port only; 0 takes a free one.",
)
@click.option("--tls", is_flag=True, help="Serve https, with a CA and a certificate made at the start.")
@click.option("--tls-cert", type=A_FILE, help="Serve https with this certificate (PEM); needs --tls-key.")
@click.option("--tls-key", type=A_FILE, help="The private key of --tls-cert (PEM).")
@click.option("--allow-remote", is_flag=True, help="Listen off loopback; needs --admin-password-file.")
@click.option(
    "--admin-password-file", type=A_FILE, help="A file with a password for all administrators of the seed."
)
@click.option("--json", is_flag=True, help="Print one line of JSON, for scripts.")
def serve(**given: Any) -> None:
    """Start the server; print where it is, how to log in, and that it is a mock. Stop it with Ctrl-C."""
    # Nearly all that is loaded now stays: the collector would only walk it again and again, for a tenth of the start.
    gc.disable()
    try:
        from mock_authz.starting import start  # noqa: PLC0415 - help and completion do without the server

        start(given)
    finally:
        gc.enable()


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    For bash: eval "$(mock-authz completion bash)"
    """
    from click.shell_completion import get_completion_class  # noqa: PLC0415 - only this command needs it

    completer = get_completion_class(shell)
    if completer is not None:
        click.echo(completer(cli, {}, "mock-authz", "_MOCK_AUTHZ_COMPLETE").source())


def _fail(message: str) -> NoReturn:
    """Say in one line what is wrong, and end with exit code 2."""
    click.echo(f"mock-authz: {message}", err=True)
    sys.exit(2)


def _unwritable(error: OSError) -> int:
    """Say in one line that what was to be printed cannot be written, as on a full disk; give the exit code."""
    if error.errno not in FULL or error.filename is not None:
        raise error
    # What is still buffered would be tried once more at the end of the process.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    with suppress(OSError):
        click.echo(f"mock-authz: cannot write: {error.strerror}", err=True)
    return CANNOT_WRITE


def main() -> None:
    """Run the command. What is wrong with the options is one line, too."""
    try:
        sys.exit(cli.main(prog_name="mock-authz", standalone_mode=False))
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(2)
    except click.UsageError as error:
        where = "mock-authz" if error.ctx is None else error.ctx.command_path
        _fail(f"{error.format_message()} All options: {where} --help")
    except click.ClickException as error:
        _fail(error.format_message())
    except click.Abort:
        sys.exit(130)
    except OSError as error:
        sys.exit(_unwritable(error))


if __name__ == "__main__":
    main()
