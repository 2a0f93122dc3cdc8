"""The command `authz-conformance`: reads the command line, calls, prints. Nothing is decided here."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from io import TextIOWrapper
from typing import Any, Final, NoReturn

import click
from click.shell_completion import get_completion_class

from authz_conformance.catalogue import Catalogue, Document, Level, Profile, Role, Rule
from authz_conformance.command_line import PROGRAM, RuleId, catalogue, wrong
from authz_conformance.exit_codes import EXIT_CODES_HELP, ExitCode
from authz_conformance.self_check_command import self_check
from authz_conformance.server_commands import COMMANDS
from authz_conformance.stories_command import stories

_SOURCES = {document.lower().replace(" ", "-" if " d" in document else ""): document for document in Document}
_SHELLS = ("bash", "zsh", "fish")
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


class _Commands(click.Group):
    """Ends in one line where the command line is wrong, and what it prints cannot be written, and at an early Ctrl-C."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except OSError as error:
            sys.exit(_unwritable(error))

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Read the options that come before a command."""
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.UsageError as error:
            _misused(error)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command. Click would end with 1 at Ctrl-C, which says here that a rule failed."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            _misused(error)
        except KeyboardInterrupt:
            click.echo(f"{PROGRAM}: broken off", err=True)
            sys.exit(ExitCode.INTERRUPTED)


def _misused(error: click.UsageError) -> NoReturn:
    """Say in one line what is wrong with the command line, rather than with the whole usage."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        raise error
    command = error.ctx.command_path if error.ctx is not None else PROGRAM
    wrong(f"{error.format_message()}\nAll options: {command} --help")


def _unwritable(error: OSError) -> int:
    """Say in one line that what was to be printed cannot be written, as on a full disk; give the exit code."""
    if error.errno not in _FULL or error.filename is not None:
        raise error
    # What is still buffered would be tried once more at the end of the process.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    with suppress(OSError):
        click.echo(f"{PROGRAM}: cannot write: {error.strerror}", err=True)
    return ExitCode.CANNOT_WRITE


@click.group(cls=_Commands, epilog=EXIT_CODES_HELP, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Judge an Authorization server or a client, rule by rule, in virtual time.

    Set NO_COLOR for output without colours.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, TextIOWrapper
        ):  # a server may send what the encoding of this terminal or log lacks
            stream.reconfigure(errors="backslashreplace")
    missing = [name for name in ("jsonschema", "rich") if find_spec(name) is None]
    if missing:
        raise click.UsageError(
            f"{' and '.join(missing)} not installed: pip install 'mock-authz[conformance]'"
        )


@main.command(epilog=EXIT_CODES_HELP)
@click.option("--role", "roles", multiple=True, type=click.Choice([role.value for role in Role]))
@click.option(
    "--profile", "profiles", multiple=True, type=click.Choice([profile.value for profile in Profile])
)
@click.option("--level", "levels", multiple=True, type=click.Choice([level.value for level in Level]))
@click.option("--source", "sources", multiple=True, type=click.Choice(list(_SOURCES), case_sensitive=False))
@click.option(
    "--time-dependent/--not-time-dependent",
    "time_dependent",
    default=None,
    help="Only rules that speak of time, or only others.",
)
@click.option("--json", "form", flag_value="json", help="As JSON.")
@click.option("--markdown", "form", flag_value="markdown", help="As the page docs/requirements.md.")
def requirements(
    *,
    roles: Sequence[str],
    profiles: Sequence[str],
    levels: Sequence[str],
    sources: Sequence[str],
    time_dependent: bool | None,
    form: str | None,
) -> None:
    """Print the rules, all or those of the options; an option given twice keeps both."""
    loaded = catalogue()
    documents = [_SOURCES[name].value for name in sources]
    chosen = loaded.select(
        only={"role": roles, "profile": profiles, "level": levels, "source": documents},
        time_dependent=time_dependent,
    )
    _print_rules(chosen, loaded=loaded, form=form)


def _print_rules(chosen: Sequence[Rule], *, loaded: Catalogue, form: str | None) -> None:
    from rich.console import Console  # noqa: PLC0415 - imported where it is used: --help and completion are quick

    from authz_conformance import requirements as shown  # noqa: PLC0415 - likewise
    from authz_conformance.requirements_page import page  # noqa: PLC0415 - likewise
    from authz_conformance.rules import server_bindings  # noqa: PLC0415 - likewise

    tested = set(server_bindings())
    if form == "json":
        click.echo(shown.as_json(chosen, catalogue=loaded, tested=tested))
    elif form == "markdown":
        click.echo(page(chosen, catalogue=loaded, tested=tested), nl=False)
    else:
        shown.print_table(chosen, console=Console(), tested=tested)


@main.command(epilog=EXIT_CODES_HELP)
@click.argument("rule_id", metavar="ID", type=RuleId())
def explain(*, rule_id: str) -> None:
    """Print one rule in full: what it asks, of whom, where it comes from, what a target needs for it."""
    from rich.console import Console  # noqa: PLC0415 - imported where it is used: --help and completion are quick

    from authz_conformance.requirements import print_rule  # noqa: PLC0415 - likewise

    loaded = catalogue()
    print_rule(loaded.by_id[rule_id], catalogue=loaded, console=Console(soft_wrap=False))


@main.command(epilog=EXIT_CODES_HELP)
@click.argument("shell", type=click.Choice(_SHELLS))
def completion(*, shell: str) -> None:
    r"""Print the completion script of a shell.

    \b
    bash  eval "$(authz-conformance completion bash)"
    zsh   eval "$(authz-conformance completion zsh)"
    fish  authz-conformance completion fish | source
    """
    completer = get_completion_class(shell)
    if completer is None:  # pragma: no cover - the choices above are those that click has
        raise click.UsageError(f"no completion for {shell}")
    click.echo(completer(main, {}, PROGRAM, "_AUTHZ_CONFORMANCE_COMPLETE").source())


for command in (*COMMANDS, stories, self_check):
    main.add_command(command)

if __name__ == "__main__":
    main()
