"""The command `authz-conformance`: reads the command line, calls, prints. Nothing is decided here."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Sequence
from importlib.util import find_spec

import click
from click.shell_completion import CompletionItem, get_completion_class

from authz_conformance.catalogue import (
    Catalogue,
    CatalogueError,
    Document,
    Level,
    Profile,
    Role,
    Rule,
    load_catalogue,
)
from authz_conformance.exit_codes import EXIT_CODES_HELP, ExitCode

PROGRAM = "authz-conformance"
_SOURCES = {document.lower().replace(" ", "-" if " d" in document else ""): document for document in Document}
_SHELLS = ("bash", "zsh", "fish")


class _RuleId(click.ParamType[str]):
    """The id of a rule. Completes, and names the nearest ids for one that does not exist."""

    name = "id"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse an unknown id with a suggestion."""
        known = catalogue().by_id
        if value in known:
            return value
        near = difflib.get_close_matches(value.lower(), known, n=3, cutoff=0.5)
        near = near or [rule_id for rule_id in known if value.lower() in rule_id][:3]
        hint = f" Did you mean {' or '.join(near)}?" if near else f" See {PROGRAM} requirements."
        raise click.BadParameter(f"there is no rule {value}.{hint}", ctx=ctx, param=param)

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        param: click.Parameter,  # noqa: ARG002 - likewise
        incomplete: str,
    ) -> list[CompletionItem]:
        """Offer the ids that begin with what is there."""
        return [CompletionItem(rule_id) for rule_id in catalogue().by_id if rule_id.startswith(incomplete)]


def catalogue() -> Catalogue:
    """Load the catalogue, or end with the suite's own error: a broken catalogue is no target's fault."""
    try:
        return load_catalogue()
    except CatalogueError as error:
        click.echo(f"The catalogue does not hold together:\n{error}", err=True)
        sys.exit(ExitCode.SUITE_ERROR)


@click.group(epilog=EXIT_CODES_HELP, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Judge an Authorization server or a client, rule by rule, in virtual time.

    Set NO_COLOR for output without colours.
    """
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

    if form == "json":
        click.echo(shown.as_json(chosen, catalogue=loaded, tested=None))
    elif form == "markdown":
        click.echo(page(chosen, catalogue=loaded, tested=None), nl=False)
    else:
        shown.print_table(chosen, console=Console(), tested=None)


@main.command(epilog=EXIT_CODES_HELP)
@click.argument("rule_id", metavar="ID", type=_RuleId())
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
