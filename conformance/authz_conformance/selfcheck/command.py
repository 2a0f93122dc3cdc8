"""The command `self-check`: reads the command line, calls, prints."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import NoReturn

import click
from rich.console import Console

from authz_conformance.catalogue import Catalogue
from authz_conformance.command_line import PROGRAM, catalogue, wrong
from authz_conformance.exit_codes import ExitCode
from authz_conformance.rules import SuiteError
from authz_conformance.selfcheck.bench import declared, rules_to_try, stories_to_tell
from authz_conformance.selfcheck.campaign import Campaign, Ended, wage
from authz_conformance.selfcheck.document import as_text, document, write_documents
from authz_conformance.selfcheck.judgement import Scope, exit_code, problems
from authz_conformance.selfcheck.known import Known, KnownError, read_known
from authz_conformance.selfcheck.terminal import Live, print_matrix
from authz_conformance.verdicts import AdapterError


def check(
    *,
    quirks: Sequence[str],
    sample: int | None,
    seed: str,
    processes: int,
    over_http: bool,
    as_json: bool,
    report_dir: Path | None,
) -> NoReturn:
    """Carry out the command. What its options mean stands with the command."""
    loaded, known = catalogue(), _known()
    every = declared()
    unknown = [name for name in quirks if name not in every]
    if unknown:
        wrong(f"there is no quirk {', '.join(unknown)}")
    chosen = {name: rules for name, rules in every.items() if not quirks or name in quirks}
    campaign = _campaign(
        loaded, chosen, known, sample=sample, seed=seed, processes=processes, over_http=over_http
    )
    console = Console(stderr=as_json, highlight=False)
    ended = _wage(campaign, console)
    scope = Scope(every_quirk=ended.is_whole and not quirks, every_rule=sample is None)
    found = [*known.problems(rules=loaded.by_id, quirks=every), *problems(ended.matrix, known, scope)]
    code = exit_code(ended.matrix, found) if ended.is_whole else ExitCode.INTERRUPTED
    print_matrix(console, ended, problems=found)
    content = document(campaign, ended, problems=found, code=code, catalogue=loaded.digest)
    if as_json:
        click.echo(as_text(content))
    if report_dir is not None:
        _write(content, report_dir)
    sys.exit(int(code))


def _known() -> Known:
    try:
        return read_known()
    except KnownError as error:
        click.echo(f"{PROGRAM}: {error}", err=True)
        sys.exit(ExitCode.FAILED)


def _campaign(
    loaded: Catalogue,
    chosen: Mapping[str, Sequence[str]],
    known: Known,
    *,
    sample: int | None,
    seed: str,
    processes: int,
    over_http: bool,
) -> Campaign:
    try:
        rules = rules_to_try(loaded)
    except SuiteError as error:
        click.echo(f"The suite does not hold together: {error}", err=True)
        sys.exit(ExitCode.SUITE_ERROR)
    return Campaign(
        rules=rules,
        quirks=chosen,
        stories=stories_to_tell(),
        sample=sample,
        seed=seed,
        always={one.quirk: one.rules for one in known.disagreements},
        processes=processes,
        over_http=over_http,
    )


def _wage(campaign: Campaign, console: Console) -> Ended:
    terminated = signal.signal(signal.SIGTERM, signal.default_int_handler)  # no worker outlives the command
    try:
        with Live(console, total=sum(len(task.rules) for task in campaign.tasks())) as live:
            return wage(campaign, live.show)
    except (AdapterError, BrokenProcessPool) as error:
        click.echo(f"The rules could not be tried: {error}", err=True)
        sys.exit(ExitCode.ADAPTER_ERROR)
    finally:
        signal.signal(signal.SIGTERM, terminated)


def _write(content: Mapping[str, object], directory: Path) -> None:
    try:
        for path in write_documents(content, directory):
            click.echo(f"Wrote {path}", err=True)
    except OSError as error:
        wrong(f"{error.filename}: {error.strerror}")
