"""The commands that judge a server: `server`, `smoke`, `init`, `compare`. They read the command line, call, print."""

from __future__ import annotations

import json
import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from authz_conformance.catalogue import Profile, Role
from authz_conformance.command_line import PROGRAM, RuleId, StoryId, catalogue, wrong
from authz_conformance.exit_codes import EXIT_CODES_HELP, ExitCode
from authz_conformance.wording import counted

if TYPE_CHECKING:
    from authz_conformance.baseline import Baseline
    from authz_conformance.report.run import Run
    from authz_conformance.running import Order, Progress
    from authz_conformance.targets.config import Config

A_FILE = click.Path(path_type=Path, dir_okay=False)
PROFILES = click.Choice([profile.value for profile in Profile if profile.role is Role.SERVER])
OUR_OWN = {
    "profiles": ["rfc8628", "oauth-hygiene", "license"],
    "scope": "license",
    "clients": ["pos-server", "register"],
}
TARGET_OPTIONS = (
    click.argument("issuer", required=False),
    click.option("--config", type=A_FILE, help="The configuration; conformance.toml if it is here."),
    click.option(
        "--control",
        metavar="URL",
        help="Reach everything through this control API of mock-authz; each rule gets a fresh sandbox like ISSUER.",
    ),
    click.option("--control-token", envvar="AUTHZ_CONFORMANCE_CONTROL_TOKEN", help="Its token."),
    click.option(
        "--client-id", "client_ids", multiple=True, help="A registered client; a second one opens more rules."
    ),
    click.option("--profile", "profiles", multiple=True, type=PROFILES, help="Hold it to these rules."),
)


def of_target(command: Any) -> Any:
    """Add the options that say which server is meant."""
    for option in reversed(TARGET_OPTIONS):
        command = option(command)
    return command


@click.command(epilog=EXIT_CODES_HELP)
@of_target
@click.option(
    "--rule", "rule_ids", multiple=True, type=RuleId(), help="Try these rules, and the stories about them."
)
@click.option(
    "--story", "story_ids", multiple=True, type=StoryId(), help="Tell these stories; no other unless named."
)
@click.option(
    "--schedules",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Tell N random stories as well, drawn from the seed.",
)
@click.option(
    "--only-failed", type=A_FILE, metavar="REPORT", help="Try what did not pass in this report.json."
)
@click.option("--baseline", type=A_FILE, help="Known failures.")
@click.option("--write-baseline", type=A_FILE, help="Write all that fails now into this file.")
@click.option(
    "--report-dir", type=click.Path(path_type=Path, file_okay=False), help="Write the reports there."
)
@click.option("--seed", default="1", show_default=True, help="Repeat what is drawn.")
@click.option(
    "--cases",
    type=click.IntRange(min=1),
    metavar="N",
    help="Requests to generate for the profile contract; 500 by default.",
)
@click.option("--strict", is_flag=True, help="A broken precondition is a failure, too.")
@click.option(
    "-j", "--jobs", type=click.IntRange(1, 256), help="Rules at a time; by default what fits the target."
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print the JSON report; progress goes to standard error."
)
def server(**given: Any) -> None:
    """Judge a server, rule by rule.

    ISSUER is enough where the metadata says the rest; conformance.toml says who approves and how time is moved.
    """
    settings, source = _settings(given)
    loaded = catalogue()
    known = _baseline(given["baseline"], list(loaded.by_id))
    if given["only_failed"] is not None and not _only_failed(given):
        click.echo("Nothing did not pass in that report.")
        return
    order = _order(given, settings, loaded=loaded, known=known, source=source)
    if not order.chosen and not order.story_ids:
        wrong("no rule for servers is chosen")
    _prepare(given)
    run = _carry_out(order, given)
    _leave(run, given, known)
    sys.exit(int(run.exit_code))


def _settings(given: dict[str, Any]) -> tuple[Config, list[str]]:
    """Read the configuration, with the options over it; and say which options mean the same target again."""
    from authz_conformance.targets import config  # noqa: PLC0415 - help is quick

    path: Path | None = given["config"]
    if path is None and Path(config.CONFIG_FILE).is_file() and given["control"] is None:
        path = Path(config.CONFIG_FILE)
    if path is None and given["issuer"] is None:
        wrong(f"give an ISSUER, or a configuration: {PROGRAM} init ISSUER writes one")
    try:
        content = config.read_tables(path) if path else {}
        options, again = _over(content, given, path)
        return config.convert_config(options, where=str(path or "the command line")), again
    except config.ConfigError as error:
        wrong(error)


def _over(
    content: dict[str, Any], given: dict[str, Any], path: Path | None
) -> tuple[dict[str, Any], list[str]]:
    """Put the options over the tables of a file."""
    again = [] if path is None else ["--config", str(path)]
    target: dict[str, Any] = {}
    if given["control"] is not None:
        content["control"] = {"url": given["control"], "token": given["control_token"]}
        again += ["--control", given["control"]]
        target = {} if path else {**OUR_OWN}
    if given["issuer"] is not None:
        target["issuer"] = given["issuer"]
        again.append(given["issuer"])
    if given["client_ids"]:
        target["clients"] = list(given["client_ids"])
        again += _repeated("--client-id", given["client_ids"])
    if target and isinstance(content.setdefault("target", {}), dict):
        content["target"].update(target)
    return content, [*again, *_repeated("--profile", given["profiles"])]


def _repeated(option: str, values: Sequence[str]) -> list[str]:
    return [word for value in values for word in (option, value)]


def _only_failed(given: dict[str, Any]) -> Sequence[str]:
    from authz_conformance.report.compare import (  # noqa: PLC0415 - likewise
        ReportError,
        failed_ids,
        failed_stories,
        read_report,
    )

    try:
        report = read_report(given["only_failed"])
    except ReportError as error:
        wrong(error)
    failed, stories = failed_ids(report), failed_stories(report)
    given["rule_ids"] = tuple(dict.fromkeys([*given["rule_ids"], *failed]))
    given["story_ids"] = tuple(dict.fromkeys([*given["story_ids"], *stories]))
    return [*failed, *stories]


def _baseline(path: Path | None, rule_ids: Sequence[str]) -> Baseline:
    from authz_conformance.baseline import (  # noqa: PLC0415 - likewise
        BaselineError,
        UnknownRuleError,
        read_baseline,
    )

    try:
        return {} if path is None else read_baseline(path, rule_ids=rule_ids)
    except UnknownRuleError as error:
        click.echo(f"{PROGRAM}: {error}", err=True)
        sys.exit(ExitCode.FAILED)
    except BaselineError as error:
        wrong(error)


def _order(
    given: dict[str, Any], settings: Config, *, loaded: Any, known: Baseline, source: list[str]
) -> Order:
    from authz_conformance.rules import SuiteError, server_bindings  # noqa: PLC0415 - likewise
    from authz_conformance.running import Order  # noqa: PLC0415 - likewise
    from authz_conformance.session import CASES  # noqa: PLC0415 - likewise

    try:
        bindings = server_bindings()
    except SuiteError as error:
        click.echo(f"The suite does not hold together: {error}", err=True)
        sys.exit(ExitCode.SUITE_ERROR)
    return Order(
        settings=settings,
        catalogue=loaded,
        bindings=bindings,
        profiles=[Profile.named(name) for name in given["profiles"]],
        rule_ids=given["rule_ids"],
        story_ids=given["story_ids"],
        schedules=given["schedules"],
        seed=given["seed"],
        jobs=given["jobs"],
        strict=given["strict"],
        cases=given["cases"] or CASES,
        baseline=known,
        replay=shlex.join([PROGRAM, "server", *source, "--seed", given["seed"], *_severity(given)]),
    )


def _severity(given: dict[str, Any]) -> list[str]:
    """Repeat the options without which a rule that failed may pass."""
    cases = [] if given["cases"] is None else ["--cases", str(given["cases"])]
    return [*cases, *(["--strict"] if given["strict"] else [])]


def _carry_out(order: Order, given: dict[str, Any]) -> Run:
    from rich.console import Console  # noqa: PLC0415 - likewise

    from authz_conformance.report import terminal  # noqa: PLC0415 - likewise
    from authz_conformance.running import carry_out  # noqa: PLC0415 - likewise
    from authz_conformance.targets.config import ConfigError  # noqa: PLC0415 - likewise

    console = Console(stderr=given["as_json"], highlight=False)
    terminated = signal.signal(
        signal.SIGTERM, signal.default_int_handler
    )  # a server that was started is stopped
    try:
        run = carry_out(order, _progress(order, console))
    except ConfigError as error:
        wrong(error)
    finally:
        signal.signal(signal.SIGTERM, terminated)
    terminal.print_end(console, run)
    return run


def _progress(order: Order, console: Any) -> Progress:
    from authz_conformance.report import terminal  # noqa: PLC0415 - likewise
    from authz_conformance.targets.config import PersonHuman  # noqa: PLC0415 - likewise

    @contextmanager
    def progress(readiness: Any, rules: Sequence[Any], stories: int) -> Iterator[Any]:
        issuer, asks = order.settings.target.issuer, isinstance(order.settings.human, PersonHuman)
        terminal.print_start(console, issuer, clock=readiness.clock_proof, rules=len(rules), stories=stories)
        with terminal.Live(console, total=len(rules), stories=stories, is_quiet=asks) as live:
            yield live

    return progress


def _prepare(given: dict[str, Any]) -> None:
    """See before the run, which may take an hour in real time, that its results can be written."""
    from tempfile import TemporaryFile  # noqa: PLC0415 - help is quick

    folders = [given["report_dir"]] if given["report_dir"] is not None else []
    if given["write_baseline"] is not None:
        folders.append(given["write_baseline"].parent)
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=folder):
                pass
        except OSError as error:
            wrong(f"{folder}: {error.strerror}")


def _leave(run: Run, given: dict[str, Any], known: Baseline) -> None:
    """Write and print what was asked for."""
    from authz_conformance import real_time  # noqa: PLC0415 - likewise
    from authz_conformance.baseline import due, write_baseline  # noqa: PLC0415 - likewise
    from authz_conformance.report.document import document  # noqa: PLC0415 - likewise
    from authz_conformance.report.files import as_text, write_reports  # noqa: PLC0415 - likewise

    report = document(run)
    today = real_time.today()
    for line in due(known, today=today):
        click.echo(line, err=True)
    try:
        if given["report_dir"] is not None:
            for path in write_reports(report, given["report_dir"]):
                click.echo(f"Wrote {path}", err=True)
        if given["write_baseline"] is not None:
            number = write_baseline(given["write_baseline"], run.outcomes, known=known, today=today)
            click.echo(f"Wrote {given['write_baseline']}: {number} known failures", err=True)
    except OSError as error:
        click.echo(f"{PROGRAM}: cannot write {error.filename or 'the reports'}: {error.strerror}", err=True)
        sys.exit(ExitCode.CANNOT_WRITE)
    if given["as_json"]:
        click.echo(as_text(report))


@click.command(epilog=EXIT_CODES_HELP)
@of_target
def smoke(**given: Any) -> None:
    """Tell a broken adapter from a broken server: try each driver and each step once, and say whose fault it is."""
    from authz_conformance.smoke import Blame, try_out  # noqa: PLC0415 - help is quick
    from authz_conformance.targets.config import ConfigError  # noqa: PLC0415 - likewise

    settings, _ = _settings(given)
    blamed = set()
    try:
        for check in try_out(settings):
            mark = {Blame.NOBODY: "ok", Blame.LEFT_OUT: "--"}.get(check.blame, check.blame.value)
            click.echo(f"{mark:8} {check.name}: {check.says}")
            blamed.add(check.blame)
    except ConfigError as error:
        wrong(error)
    code = ExitCode.FAILED if Blame.SERVER in blamed else ExitCode.OK
    sys.exit(int(code | ExitCode.ADAPTER_ERROR if Blame.ADAPTER in blamed else code))


@click.command(epilog=EXIT_CODES_HELP)
@click.argument("issuer")
@click.option(
    "--config", type=A_FILE, default=Path("conformance.toml"), show_default=True, help="What to write."
)
@click.option("--ca-file", type=A_FILE, help="Trust this private authority, now and in what is written.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def init(*, issuer: str, config: Path, ca_file: Path | None, force: bool) -> None:
    """Write a conformance.toml from the metadata of ISSUER; what nobody can guess stands in it as a comment."""
    from authz_conformance.initial_config import initial_config  # noqa: PLC0415 - help is quick
    from authz_conformance.targets.config import ConfigError  # noqa: PLC0415 - likewise

    if config.exists() and not force:
        wrong(f"{config} is there already; --force writes over it")
    try:
        text = initial_config(issuer, ca_file=ca_file)
        config.write_text(text, "utf-8")
    except ConfigError as error:
        wrong(error)
    except OSError as error:
        wrong(f"{config}: {error.strerror}")
    click.echo(f"Wrote {config}. Say in it who approves and how time is moved, then: {PROGRAM} smoke")


@click.command(epilog=EXIT_CODES_HELP)
@click.argument("before", type=A_FILE)
@click.argument("after", type=A_FILE)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def compare(*, before: Path, after: Path, as_json: bool) -> None:
    """Say which rules got another verdict from one report.json to another. Ends with 1 if any got worse."""
    from authz_conformance.report import compare as comparing  # noqa: PLC0415 - help is quick

    try:
        old, new = comparing.read_report(before), comparing.read_report(after)
    except comparing.ReportError as error:
        wrong(error)
    changes, other = list(comparing.changes(old, new)), list(comparing.differences(old, new))
    worse = any(change.is_worse for change in changes)
    if as_json:
        rows = [
            {
                "rule": one.rule,
                "before": one.before,
                "after": one.after,
                "worse": one.is_worse,
                "why": one.why,
            }
            for one in changes
        ]
        click.echo(json.dumps({"differences": other, "changes": rows}, indent=1))
    else:
        for line in other:
            click.echo(f"not the same {line}")
        for one in changes:
            click.echo(
                f"{'worse' if one.is_worse else 'other':6} {one.rule}: {one.before} → {one.after}  {one.why}"
            )
        click.echo(f"{counted(len(changes), 'rule')} changed" if changes else "No rule changed.")
    sys.exit(int(ExitCode.FAILED if worse else ExitCode.OK))


COMMANDS = (server, smoke, init, compare)
