"""A server that the kit starts and stops itself."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from authz_conformance import real_time
from authz_conformance.verdicts import AdapterError

STOP_SECONDS = 5
BETWEEN_LOOKS_SECONDS = 0.1
SHOWN = 800


@contextmanager
def started(
    command: str, *, environment: Mapping[str, str], answers: Callable[[], bool], seconds: float, log: Path
) -> Iterator[None]:
    """Run a server while the block runs.

    Args:
        command: Its command line; no shell reads it.
        environment: On top of this process's.
        answers: Whether it is up.
        seconds: How long it may take until it is.
        log: Where its output goes.

    Raises:
        AdapterError: it cannot be started, ends at once, or does not answer in time.
    """
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(  # noqa: S603 - the configuration's own command
                shlex.split(command),
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise AdapterError(f"target.start: {error}") from error
    try:
        _await(process, answers, seconds=seconds, log=log)
        yield
    finally:
        _stop(process)


def _await(
    process: subprocess.Popen[bytes], answers: Callable[[], bool], *, seconds: float, log: Path
) -> None:
    deadline = real_time.monotonic() + seconds
    while not answers():
        if process.poll() is not None:
            raise AdapterError(f"target.start: ended with {process.returncode}: {_tail(log)}")
        if real_time.monotonic() > deadline:
            raise AdapterError(f"target.start: no answer from the issuer within {seconds:g} s: {_tail(log)}")
        real_time.sleep(BETWEEN_LOOKS_SECONDS)


def _stop(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return


def _tail(log: Path) -> str:
    return log.read_text("utf-8", errors="replace").strip()[-SHOWN:] or "it printed nothing"
