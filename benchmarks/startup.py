"""From the start of the process to the first metadata answer: `mock-authz serve` against a bare app, in one run.

Both are measured alike: their port takes connections before they are loaded, one request waits there, and the clock stops
when its answer has been read, whole. (Ours takes its port itself, and early; the bare app is handed one that listens
already, so that a client that tries again and again costs neither of them anything.) They start in turn, with the same
interpreter and all bytecode compiled, so that the ratio of each pair holds when the machine's speed drifts. `ratio_median`
is the median of the pairs' ratios; on a busy machine, where waiting for a processor counts as much as work, the ratio of
processor time says more.

    python -m benchmarks.startup [--rounds 20] [--json]
"""

from __future__ import annotations

import contextlib
import http.client
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.figures import in_turn, options, show, spread
from benchmarks.serving import DEADLINE_SECONDS, free_port, with_bytecode

PATH: Final = "/.well-known/oauth-authorization-server"
BARE: Final = (sys.executable, "-m", "benchmarks.bare", "--fd")
OURS: Final = (sys.executable, "-m", "mock_authz.cli", "serve", "--port")


@dataclass(frozen=True)
class Start:
    """One start: milliseconds from the start of the process to its first answer, and of processor time until its end."""

    wall: float
    processor: float


def _start_bare(env: dict[str, str]) -> Start:
    """Start the bare app at a port that listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port, fd = listening.getsockname()[1], listening.fileno()
        return _start([*BARE, str(fd)], port, env, fds=[fd])


def _start_ours(env: dict[str, str]) -> Start:
    """Start our server at a free port."""
    port = free_port()
    return _start([*OURS, str(port)], port, env)


def _start(command: Sequence[str], port: int, env: dict[str, str], *, fds: Sequence[int] = ()) -> Start:
    """Start a server, wait for its answer, and stop it."""
    spent, began = _processor_seconds(), time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=env, pass_fds=fds) as process:  # noqa: S603 - our own commands
        try:
            _wait_for_the_answer(port)
            elapsed = time.perf_counter() - began
        finally:
            process.terminate()
    return Start(wall=elapsed * 1000, processor=(_processor_seconds() - spent) * 1000)


def _processor_seconds() -> float:
    """Say what all children have used that have ended: one at a time runs here."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _wait_for_the_answer(port: int) -> None:
    """Send one request as soon as the port takes connections, and read its answer to the end."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_SECONDS)
    with contextlib.closing(connection):
        until = time.perf_counter() + DEADLINE_SECONDS
        while not _connected(connection):
            if time.perf_counter() > until:
                raise SystemExit(f"nothing listens on port {port}")
            time.sleep(0.002)  # noqa: TID251 - waiting for another process
        connection.request("GET", PATH)
        answer = connection.getresponse()
        if answer.status != 200 or not answer.read():
            raise SystemExit(f"port {port} answered {answer.status}")


def _connected(connection: http.client.HTTPConnection) -> bool:
    with contextlib.suppress(ConnectionRefusedError):
        connection.connect()
        return True
    return False


def run(rounds: int) -> dict[str, float]:
    """Start both in turn, and give medians and the ratio."""
    with tempfile.TemporaryDirectory() as folder:
        env = with_bytecode(folder)
        pairs = in_turn(lambda: _start_bare(env), lambda: _start_ours(env), rounds=rounds)
    return {
        "bare_ms": round(statistics.median(bare.wall for bare, _ in pairs)),
        "ours_ms": round(statistics.median(ours.wall for _, ours in pairs)),
        **spread([ours.wall / bare.wall for bare, ours in pairs]),
        "ratio_median_processor_time": round(
            statistics.median(ours.processor / bare.processor for bare, ours in pairs), 3
        ),
    }


if __name__ == "__main__":
    parser = options(__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    given = parser.parse_args()
    show(run(given.rounds), as_json=given.json)
