"""The command `stories`: which time-travel stories there are, and how one goes. It asks no server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from authz_conformance.catalogue import Profile, Role
from authz_conformance.command_line import StoryId, catalogue, wrong
from authz_conformance.exit_codes import EXIT_CODES_HELP

if TYPE_CHECKING:
    from authz_conformance.model import Law, Settings
    from authz_conformance.scenarios import Scenario

PROFILES = tuple(
    profile for profile in Profile if profile.role is Role.SERVER and profile is not Profile.CONTRACT
)


@click.command(epilog=EXIT_CODES_HELP)
@click.argument("story_ids", metavar="[ID]...", nargs=-1, type=StoryId())
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Tell them for the lifetimes that this conformance.toml declares.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def stories(*, story_ids: tuple[str, ...], config: Path | None, as_json: bool) -> None:
    """List the time-travel stories; with an ID, tell how that story goes, step by step, with virtual times."""
    from authz_conformance.model import law_of  # noqa: PLC0415 - help is quick
    from authz_conformance.scenarios import SCENARIOS  # noqa: PLC0415 - likewise

    settings = _settings(config)
    law = law_of(catalogue(), profiles=PROFILES)
    chosen = [one for one in SCENARIOS if one.id in story_ids or not story_ids]
    if len(chosen) < len(set(story_ids)):
        wrong("a random story is drawn for a server: authz-conformance server --story schedule-1 tells it")
    if as_json:
        click.echo(json.dumps([_as_json(one, law, settings) for one in chosen], indent=1))
    elif story_ids:
        click.echo("\n\n".join(_told(one, law, settings) for one in chosen))
    else:
        width = max(len(one.id) for one in chosen)
        for one in chosen:
            click.echo(f"{one.id:{width}}  {one.title}")


def _settings(config: Path | None) -> Settings:
    from authz_conformance.model import Settings  # noqa: PLC0415 - likewise
    from authz_conformance.scenarios.live import settings_of  # noqa: PLC0415 - likewise
    from authz_conformance.targets.assembling import terms_of  # noqa: PLC0415 - likewise
    from authz_conformance.targets.config import ConfigError, read_config  # noqa: PLC0415 - likewise

    if config is None:
        return Settings()
    try:
        return settings_of(terms_of(read_config(config)))
    except ConfigError as error:
        wrong(error)


def _told(scenario: Scenario, law: Law, settings: Settings) -> str:
    from authz_conformance.scenarios import TimelineError, compile_scenario, tell_timeline  # noqa: PLC0415 - likewise

    about = f"about {', '.join(scenario.rules)}\nneeds {', '.join(scenario.needs)}"
    try:
        timeline = compile_scenario(scenario, law=law, settings=settings)
    except TimelineError as error:
        return f"{scenario.id}: {scenario.title}\n{about}\n\nIt does not fit these lifetimes: {error}"
    unfit = "".join(f"\nThese lifetimes are not those that it is about: {one}" for one in timeline.unfit)
    return f"{tell_timeline(timeline)}\n\n{about}{unfit}"


def _as_json(scenario: Scenario, law: Law, settings: Settings) -> dict[str, Any]:
    from authz_conformance.scenarios import TimelineError, compile_scenario  # noqa: PLC0415 - likewise
    from authz_conformance.scenarios.story import say  # noqa: PLC0415 - likewise

    row: dict[str, Any] = {
        "id": scenario.id,
        "title": scenario.title,
        "rules": list(scenario.rules),
        "needs": [need.value for need in scenario.needs],
        "steps": [],
        "unfit": [],
    }
    try:
        timeline = compile_scenario(scenario, law=law, settings=settings)
    except TimelineError as error:
        return {**row, "unfit": [str(error)]}
    steps = [{"at": entry.at, "says": say(entry.step)} for entry in timeline.entries]
    return {**row, "steps": steps, "unfit": list(timeline.unfit)}
