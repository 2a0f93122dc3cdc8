"""Programs as processes, for tests that need the real thing: ours as people start them, and others' that must be there."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Any, Final

import httpx2
import pytest

ROOT: Final = Path(__file__).parents[1]
MOCK_AUTHZ: Final = (sys.executable, "-m", "mock_authz.cli")
SECONDS: Final = 60.0
# A server may serve a module's tests.
SERVER_SECONDS: Final = 600.0


def needed(*names: str, why: str) -> str:
    """Find a program by any of its names. Without it a test is skipped here, and fails in CI."""
    for name in names:
        if (found := shutil.which(name)) is not None:
            return found
    message = f"{' or '.join(names)} is not installed: {why}"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def environment(**changes: str) -> dict[str, str]:
    """Give this environment less what would choose our commands' options, or colour what they print."""
    ours = ("MOCK_AUTHZ_", "AUTHZ_", "NO_COLOR", "FORCE_COLOR", "PYTHONPATH")
    plain = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**plain, **changes}


def heed_ctrl_c() -> None:
    """Undo that a shell lets what it starts in the background ignore Ctrl-C: CI may run the tests so."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def process(
    command: Sequence[str],
    *,
    cwd: Path = ROOT,
    env: Mapping[str, str] | None = None,
    stderr: int | None = None,
    seconds: float = SECONDS,
) -> Iterator[subprocess.Popen[str]]:
    """Run a program while the block runs; one that takes too long is killed, which ends its output."""
    started = subprocess.Popen(  # noqa: S603 - commands of the tests
        command,
        cwd=cwd,
        env=env or environment(),
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        preexec_fn=heed_ctrl_c,  # noqa: PLW1509 - nothing else runs in the child
    )
    timer = Timer(seconds, started.kill)
    timer.daemon = True
    timer.start()
    try:
        yield started
    finally:
        timer.cancel()
        if started.poll() is None:
            started.terminate()
        started.communicate()


def run(
    command: Sequence[str],
    *,
    cwd: Path = ROOT,
    env: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    return subprocess.run(  # noqa: S603 - likewise
        command,
        cwd=cwd,
        env=env or environment(),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


@dataclass(frozen=True)
class Served:
    """A `mock-authz serve --json` that is up.

    Attributes:
        said: the line that it printed.
    """

    process: subprocess.Popen[str]
    said: dict[str, Any]

    @property
    def issuer(self) -> str:
        return str(self.said["issuer"])

    @property
    def base_url(self) -> str:
        return str(self.said["base_url"])

    def manage(self, method: str, path: str, **given: Any) -> httpx2.Response:
        """Send one request to the management API of the default sandbox."""
        bearer = f"Bearer {self.said['management_token']}"
        return httpx2.request(
            method, f"{self.issuer}/management{path}", headers={"authorization": bearer}, **given
        )


@contextmanager
def serve(
    *options: str,
    command: Sequence[str] = MOCK_AUTHZ,
    cwd: Path = ROOT,
    env: Mapping[str, str] | None = None,
    stderr: int | None = None,
    seconds: float = SERVER_SECONDS,
) -> Iterator[Served]:
    """Run `mock-authz serve` on a free port while the block runs, for so many seconds at most."""
    whole = [*command, "serve", "--port", "0", "--json", *options]
    with process(whole, cwd=cwd, env=env, stderr=stderr, seconds=seconds) as started:
        assert started.stdout is not None
        line = started.stdout.readline()
        assert line, f"it ended with {started.wait()}"
        yield Served(started, json.loads(line))
