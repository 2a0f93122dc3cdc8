"""The pytest plugin: a server for each session, a sandbox for each test that asks, and its timeline when the test fails.

Installed with the package. Imports nothing but pytest until a fixture is used: whoever has mock-authz installed pays
nothing for it in other test suites.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from mock_authz.testing import Sandbox, Server

MARKER: Final = "authz"
OPTIONS: Final = ("seed", "alg", "clock", "settings", "random_seed", "quirks")
SYNOPSIS: Final = (
    "authz(seed='demo', alg='ES256', clock='real', settings={...}, random_seed='...', quirks=['...']): "
    "how the test's authz_sandbox is made; the nearest marker decides on each option"
)
LONGEST_RANDOM_SEED: Final = 200
LONGEST_NAME: Final = 40
# The one that `mock-authz serve` takes it from too.
TOKEN_VARIABLE: Final = "MOCK_AUTHZ_SERVE_CONTROL_TOKEN"  # noqa: S105 - a name
SEED_FILES: Final = (".yaml", ".yml", ".json")
SANDBOX: Final = pytest.StashKey["Sandbox"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the plugin's options; each can stand in the configuration file too, but for the token, which is a secret."""
    group = parser.getgroup("mock-authz")
    server = "use the mock-authz server that runs at this URL; by default each session starts its own"
    save = "write what a failing test's sandbox holds to a file in this directory, for `Sandbox.load`"
    group.addoption("--authz-server", metavar="URL", help=server)
    group.addoption(
        "--authz-control-token",
        metavar="TOKEN",
        default=os.environ.get(TOKEN_VARIABLE),
        help=f"what that server's control API asks for; by default {TOKEN_VARIABLE} of the environment",
    )
    group.addoption("--authz-save", metavar="DIR", help=save)
    parser.addini("authz_server", server)
    parser.addini("authz_save", save)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", SYNOPSIS)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse a marker that says what nobody would heed."""
    for marker in item.iter_markers(MARKER):
        if marker.args:
            raise _failure(f"@pytest.mark.authz takes options by name only: {SYNOPSIS}")
        for name in marker.kwargs:
            if name not in OPTIONS:
                raise _failure(f"@pytest.mark.authz has no option {name!r}: {_instead_of(name)}")


def _failure(message: str) -> BaseException:
    """Make what `pytest.fail` raises: with `from None` it shows its message alone."""
    return pytest.fail.Exception(message, pytrace=False)


def _instead_of(name: str) -> str:
    import difflib  # noqa: PLC0415 - only who misspelt something pays for it

    close = difflib.get_close_matches(name, OPTIONS, n=1)
    return f"did you mean {close[0]!r}?" if close else f"choose one of {', '.join(OPTIONS)}"


@pytest.fixture(scope="session")
def authz_server(pytestconfig: pytest.Config) -> Iterator[Server]:
    """A mock Authorization server: in a thread of this process, or the one of `--authz-server`."""
    from mock_authz.testing import ControlError, Server, ServerUnreachableError  # noqa: PLC0415 - see above

    url = _option(pytestconfig, "authz_server")
    if url is None:
        with Server() as server:
            yield server
        return
    with Server.at(url, control_token=pytestconfig.getoption("authz_control_token")) as server:
        try:
            server.check()
        except (ControlError, ServerUnreachableError) as error:
            raise _failure(f"--authz-server {url}: {error}") from None
        yield server


@pytest.fixture
def authz_sandbox(request: pytest.FixtureRequest, authz_server: Server) -> Iterator[Sandbox]:
    """A fresh sandbox: the seed `demo`, polling without waiting, and a random seed of the test's own name."""
    from mock_authz.testing import ControlError, Sandbox  # noqa: PLC0415 - see the module's docstring

    options = _marked(request.node)
    name = sandbox_name(request.node.nodeid)
    try:
        try:
            sandbox = Sandbox(authz_server, name=name, **options)
        except ControlError as error:
            # Another run on the same server has a test of that name under way.
            if error.problem != "id_taken":
                raise
            sandbox = Sandbox(authz_server, **options)
    except (ControlError, ValueError) as error:
        raise _failure(f"the sandbox of this test cannot be made: {error}") from None
    request.node.stash[SANDBOX] = sandbox
    yield sandbox
    # Faults that never struck were told at the end of the test itself.
    sandbox.discard()


def _marked(item: pytest.Item) -> dict[str, Any]:
    """Gather the options of all the item's markers; the nearest goes first."""
    options: dict[str, Any] = {"random_seed": _random_seed(item.nodeid)}
    for marker in reversed(list(item.iter_markers(MARKER))):
        options.update(marker.kwargs)
    seed = options.get("seed")
    if isinstance(seed, str) and seed.endswith(SEED_FILES):
        # From where the test stands: pytest may be called from anywhere.
        options["seed"] = item.path.parent / Path(seed)
    return options


def _random_seed(nodeid: str) -> str:
    """Name the test; one whose name is too long by its end and a digest of the whole."""
    if len(nodeid) <= LONGEST_RANDOM_SEED:
        return nodeid
    return f"{nodeid[-100:]} {_digest(nodeid)}"


def sandbox_name(nodeid: str) -> str:
    """Give the sandbox a name that people know the test by: its issuer, which tokens depend on, is the same every time."""
    test = re.sub(r"[^a-z0-9]+", "-", nodeid.rpartition("::")[2].lower()).strip("-")
    return f"{test[:LONGEST_NAME]}-{_digest(nodeid)}".lstrip("-")


def _digest(nodeid: str) -> str:
    return hashlib.sha256(nodeid.encode()).hexdigest()[:8]


def _option(config: pytest.Config, name: str) -> str | None:
    given: str = config.getoption(name) or config.getini(name)
    return given or None


# --- at the end of a test ---


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that has passed, although a fault that it declared never struck."""
    outcome = yield
    sandbox = item.stash.get(SANDBOX, None)
    if sandbox is not None and not sandbox.is_closed:
        from mock_authz.testing import UnstruckFaultError  # noqa: PLC0415 - see the module's docstring

        try:
            sandbox.check_faults()
        except UnstruckFaultError as error:
            raise _failure(str(error)) from None
    return outcome


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what happened in the sandbox of a test that failed, and how to see it again."""
    report = yield
    sandbox = item.stash.get(SANDBOX, None)
    if report.failed and sandbox is not None and not sandbox.is_closed:
        report.sections.append(("authz_sandbox", _told(item, sandbox)))
    return report


def _told(item: pytest.Item, sandbox: Sandbox) -> str:
    try:
        return "\n".join([sandbox.timeline(), "", *_again(item, sandbox)])
    except Exception as error:  # noqa: BLE001 - whatever is wrong here must not hide what is wrong there
        return f"(its timeline cannot be read: {error})"


def _again(item: pytest.Item, sandbox: Sandbox) -> Iterator[str]:
    """Say how to repeat the test, whose name is its random seed."""
    own = "" if sandbox.random_seed == item.nodeid else f"   (random seed {sandbox.random_seed!r})"
    yield f"repeat: pytest '{item.nodeid}'{own}"
    directory = _option(item.config, "authz_save")
    if directory is not None:
        Path(directory).mkdir(parents=True, exist_ok=True)
        yield f"saved:  {sandbox.save(Path(directory) / f'{sandbox.name}.json')}"
