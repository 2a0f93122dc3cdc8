"""Lets pytest run the rule tests, for whoever writes or debugs one: `-k`, `--pdb`, a traceback. The verdicts are the command's.

    pytest -p authz_conformance.pytest_plugin --conformance-config conformance.toml .../suites/server -k slow_down

There is no entry point: nobody's pytest is touched by the installation of the kit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from authz_conformance import real_time
from authz_conformance.catalogue import Catalogue, load_catalogue
from authz_conformance.contract.survey import Survey, take_survey
from authz_conformance.examination import examine
from authz_conformance.likeness import open_alike
from authz_conformance.readiness import Readiness
from authz_conformance.rules import rule_id_of
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.session import CASES, Session
from authz_conformance.targets.assembling import connection_for
from authz_conformance.targets.config import ConfigError, read_config
from authz_conformance.targets.ports import Target
from authz_conformance.verdicts import NotTestable
from authz_conformance.wire import Connection

SECONDS = 1800.0


@dataclass(frozen=True)
class _Opened:
    target: Target
    connection: Connection
    readiness: Readiness
    catalogue: Catalogue


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that names the target."""
    group = parser.getgroup("authz-conformance")
    group.addoption("--conformance-config", default="conformance.toml", help="What is judged.")
    group.addoption("--conformance-seed", default="1", help="As --seed of the command.")
    group.addoption("--conformance-cases", default=CASES, type=int, help="As --cases of the command.")


@pytest.fixture(scope="session")
def conformance_target(pytestconfig: pytest.Config) -> Iterator[_Opened]:
    """The target, examined."""
    real_time.begin()
    try:
        settings = read_config(Path(pytestconfig.getoption("--conformance-config")))
        with closing(connection_for(settings)) as connection, open_alike(settings, connection) as target:
            readiness = examine(target, connection, settings)
            yield _Opened(target, connection, readiness, load_catalogue())
    except ConfigError as error:
        pytest.exit(str(error), returncode=2)


@pytest.fixture
def server(request: pytest.FixtureRequest, conformance_target: _Opened) -> Iterator[ServerUnderTest]:
    """A fresh stage, as the runner makes it; skips what the target cannot be tried with."""
    rule_id = rule_id_of(request.function) or request.node.name
    rule = conformance_target.catalogue.by_id.get(rule_id)
    readiness = conformance_target.readiness
    why = rule and (readiness.unsupported(rule) or readiness.untestable(rule))
    if why:
        pytest.skip(why)
    seed = f"{request.config.getoption('--conformance-seed')} {rule_id}"
    with conformance_target.target.stage(seed=seed) as stage:
        under_test = ServerUnderTest(stage, conformance_target.connection, seed=seed)
        yield under_test
        under_test.give_back()


@pytest.fixture(scope="session")
def conformance_session(pytestconfig: pytest.Config, conformance_target: _Opened) -> Session:
    """What the rules of the run share."""
    return Session(
        target=conformance_target.target,
        connection=conformance_target.connection,
        seed=pytestconfig.getoption("--conformance-seed"),
        cases=pytestconfig.getoption("--conformance-cases"),
        deadline=real_time.monotonic() + SECONDS,
    )


@pytest.fixture
def survey(conformance_session: Session) -> Survey:
    """What the rules of the profile `contract` are settled by."""
    return conformance_session.once(take_survey)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """Show a rule that cannot be tried as skipped."""
    try:
        yield
    except NotTestable as reason:
        pytest.skip(str(reason))
