"""What the commands of `authz-conformance` share: the catalogue, how a rule is named, how each of them ends."""

from __future__ import annotations

import difflib
import re
import sys
from typing import NoReturn

import click
from click.shell_completion import CompletionItem

from authz_conformance import catalogue as rules
from authz_conformance.exit_codes import ExitCode

PROGRAM = "authz-conformance"
_SCHEDULE = re.compile(r"schedule-[1-9][0-9]*")


def catalogue() -> rules.Catalogue:
    """Load the catalogue, or end with the suite's own error: a broken catalogue is no target's fault."""
    try:
        return rules.load_catalogue()
    except rules.CatalogueError as error:
        click.echo(f"The catalogue does not hold together:\n{error}", err=True)
        sys.exit(ExitCode.SUITE_ERROR)


def wrong(message: object) -> NoReturn:
    """Say in one line what is wrong with what was given, and end."""
    click.echo(f"{PROGRAM}: {message}", err=True)
    sys.exit(ExitCode.USAGE)


class StoryId(click.ParamType[str]):
    """The id of a story, or of a random one: schedule-1 and so on."""

    name = "id"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse an unknown id with a suggestion."""
        known = _story_ids()
        if value in known or _SCHEDULE.fullmatch(value):
            return value
        near = difflib.get_close_matches(value.lower(), known, n=3, cutoff=0.5)
        hint = f" Did you mean {' or '.join(near)}?" if near else f" See {PROGRAM} stories."
        raise click.BadParameter(f"there is no story {value}.{hint}", ctx=ctx, param=param)

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        param: click.Parameter,  # noqa: ARG002 - likewise
        incomplete: str,
    ) -> list[CompletionItem]:
        """Offer the ids that begin with what is there."""
        return [CompletionItem(one) for one in _story_ids() if one.startswith(incomplete)]


def _story_ids() -> list[str]:
    from authz_conformance.scenarios import SCENARIOS  # noqa: PLC0415 - help is quick

    return [scenario.id for scenario in SCENARIOS]


class RuleId(click.ParamType[str]):
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
