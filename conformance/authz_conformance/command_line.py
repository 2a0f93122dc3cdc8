"""What the commands of `authz-conformance` share: the catalogue, how a rule is named, how each of them ends."""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Sequence
from typing import ClassVar, NoReturn

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


class _Id(click.ParamType[str]):
    """An id of a list that is known. Completes, and names the nearest ids for one that does not exist."""

    name = "id"
    what: ClassVar[str]
    listed_by: ClassVar[str]

    def known(self) -> Sequence[str]:
        """Give all ids."""
        raise NotImplementedError

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse an unknown id with a suggestion."""
        known = self.known()
        if value in known:
            return value
        near = difflib.get_close_matches(value.lower(), known, n=3, cutoff=0.5)
        near = near or [one for one in known if value.lower() in one][:3]
        hint = f"Did you mean {' or '.join(near)}?" if near else f"See {PROGRAM} {self.listed_by}."
        raise click.BadParameter(f"there is no {self.what} {value}. {hint}", ctx=ctx, param=param)

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        param: click.Parameter,  # noqa: ARG002 - likewise
        incomplete: str,
    ) -> list[CompletionItem]:
        """Offer the ids that begin with what is there."""
        return [CompletionItem(one) for one in self.known() if one.startswith(incomplete)]


class RuleId(_Id):
    """The id of a rule."""

    what = "rule"
    listed_by = "requirements"

    def known(self) -> Sequence[str]:
        """Give the ids of the catalogue."""
        return tuple(catalogue().by_id)


class StoryId(_Id):
    """The id of a story, or of a random one: schedule-1 and so on."""

    what = "story"
    listed_by = "stories"

    def known(self) -> Sequence[str]:
        """Give the ids of the stories that were written."""
        from authz_conformance.scenarios import SCENARIOS  # noqa: PLC0415 - help is quick

        return tuple(scenario.id for scenario in SCENARIOS)

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse an unknown id; a random story is drawn by its own."""
        return value if _SCHEDULE.fullmatch(value) else super().convert(value, param, ctx)
