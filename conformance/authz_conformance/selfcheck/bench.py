"""One server in this process, and a sandbox with a quirk for each rule: where rules are tried. Alone knows `mock_authz`.

Rules talk to the server by calls, unless asked to do so over HTTP: that finds the same, and takes half as long again.
"""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from authz_conformance.catalogue import Catalogue, Profile, Role, Rule, load_catalogue
from authz_conformance.examination import examine
from authz_conformance.readiness import Readiness
from authz_conformance.recital import Repertoire
from authz_conformance.rules import Binding, server_bindings
from authz_conformance.runner import Plan, Runner
from authz_conformance.scenarios import SCENARIOS
from authz_conformance.selfcheck.in_process import CallingConnection
from authz_conformance.selfcheck.matrix import HELD_TO, Finding
from authz_conformance.targets.config import Config, ControlSection, TargetSection
from authz_conformance.targets.control import ControlTarget
from authz_conformance.telling import StoryOutcome, StoryVerdict
from authz_conformance.verdicts import Verdict
from authz_conformance.wire import Connection
from mock_authz.app import Server
from mock_authz.quirks import ALL
from mock_authz.testing.server import shared_server

# Server and rules share one interpreter: more threads only wait for each other. One may wait for real time.
THREADS = 2
THREADS_OVER_HTTP = 4
# Begun first, so that it waits while others are tried. There are no others that wait.
WAITS = "clock.frozen-stands-still"
# Nothing listens there: a request that went past the server in this process would show.
URL_IN_PROCESS = "http://127.0.0.1:1"
# A trial leaves thousands of objects to be collected; Python's usual 700 make it look for garbage all the time.
COLLECT_AFTER = 50_000


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a process does in one go.

    Attributes:
        quirk: None for the plain server.
        rules: ids of the rules to try.
        stories: ids of the stories to tell.
        seed: of the run, as the command `server` takes it.
        over_http: requests go over real connections.
    """

    quirk: str | None
    rules: tuple[str, ...]
    seed: str
    stories: tuple[str, ...] = ()
    over_http: bool = False


@dataclass(frozen=True, kw_only=True)
class Done:
    """What came of a task. A rule without a finding was not tried."""

    task: Task
    findings: Sequence[Finding]


@dataclass(frozen=True, kw_only=True)
class _Bench:
    url: str
    connect: Callable[[], Connection]
    threads: int
    catalogue: Catalogue
    bindings: Mapping[str, Binding]
    readiness: Readiness


def declared() -> dict[str, tuple[str, ...]]:
    """Give the rules that each quirk of our server says it breaks."""
    return {name: quirk.rules for name, quirk in ALL.items()}


def rules_to_try(catalogue: Catalogue) -> list[Rule]:
    """Give the rules for servers that have a test, without the profile `contract`."""
    bound = server_bindings()
    return [
        rule
        for rule in catalogue.rules
        if rule.role is Role.SERVER and rule.profile is not Profile.CONTRACT and rule.id in bound
    ]


def stories_to_tell() -> dict[str, tuple[str, ...]]:
    """Give the stories, each with the rules that it is about."""
    return {scenario.id: scenario.rules for scenario in SCENARIOS}


def begin(*, over_http: bool) -> None:
    """Make this process a worker: Ctrl-C is for the one that started it, which then ends this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _bench(over_http=over_http)
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)


def carry_out(task: Task) -> Done:
    """Try the rules of a task on the server of this process.

    A connection for each task: a quirk with which the server seems lost loses it for no other.
    """
    bench = _bench(over_http=task.over_http)
    connection = bench.connect()
    try:
        runner = Runner(
            _target(bench.url, connection, task.quirk, threads=bench.threads),
            connection,
            readiness=bench.readiness,
            bindings=bench.bindings,
        )
        rules = [bench.catalogue.by_id[rule] for rule in sorted(task.rules, key=lambda rule: rule != WAITS)]
        scenarios = [scenario for scenario in SCENARIOS if scenario.id in task.stories]
        plan = Plan(
            rules=rules,
            profiles=HELD_TO,
            seed=task.seed,
            strict=task.quirk is None,
            repertoire=Repertoire(catalogue=bench.catalogue, scenarios=scenarios),
        )
        trial = runner.run(plan)
    finally:
        connection.close()
    found = [Finding(rule=one.rule.id, verdict=one.verdict, why=one.why) for one in trial.outcomes]
    return Done(task=task, findings=[*found, *_of_stories(trial.stories)])


def _of_stories(stories: Sequence[StoryOutcome]) -> Iterator[Finding]:
    """Give what went wrong with stories and is no rule's failure, as findings of the first rule that each is about."""
    errors = {StoryVerdict.FAILED: Verdict.FAILED, StoryVerdict.SUITE_ERROR: Verdict.SUITE_ERROR}
    for story in stories:
        if story.broken is None and story.verdict in errors:
            why = f"the story {story.scenario.id}: {story.why}"
            yield Finding(rule=story.scenario.rules[0], verdict=errors[story.verdict], why=why)


@cache
def _bench(*, over_http: bool) -> _Bench:
    url, connect = _over_http() if over_http else _in_process()
    threads, connection = THREADS_OVER_HTTP if over_http else THREADS, connect()
    settings = Config(
        target=TargetSection(
            issuer=url, profiles=HELD_TO, clients=("pos-server", "register"), scope="license"
        ),
        control=ControlSection(url=f"{url}/_control"),
    )
    try:
        readiness = examine(_target(url, connection, None, threads=threads), connection, settings)
    finally:
        connection.close()
    return _Bench(
        url=url,
        connect=connect,
        threads=threads,
        catalogue=load_catalogue(),
        bindings=server_bindings(),
        readiness=readiness,
    )


def _over_http() -> tuple[str, Callable[[], Connection]]:
    return shared_server().url, Connection


def _in_process() -> tuple[str, Callable[[], Connection]]:
    server = Server(URL_IN_PROCESS)
    return URL_IN_PROCESS, lambda: CallingConnection(server)


def _target(url: str, connection: Connection, quirk: str | None, *, threads: int) -> ControlTarget:
    return ControlTarget(
        connection=connection,
        url=f"{url}/_control",
        quirks=() if quirk is None else (quirk,),
        jobs=threads,
    )
