"""From the start of the process to the first metadata answer: `mock-authz serve` against a bare app, in one run.

The two start in turn (A B B A), with the same interpreter and all bytecode compiled, so that the ratio of each pair holds
when the machine's speed drifts. `ratio_median` is the median of the pairs' ratios; on a busy machine, where waiting for a
processor counts as much as work, the ratio of processor time says more.

    python -m benchmarks.startup [--rounds 20] [--json]
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.serving import DEADLINE_SECONDS, free_port, with_bytecode

PATH: Final = "/.well-known/oauth-authorization-server"
BARE: Final = (sys.executable, "-m", "benchmarks.bare")
OURS: Final = (sys.executable, "-m", "mock_authz.cli", "serve", "--port")


@dataclass(frozen=True)
class Start:
    """One start: milliseconds from the start of the process to its first answer, and of processor time until its end."""

    wall: float
    processor: float


def _start(command: Sequence[str], env: dict[str, str]) -> Start:
    """Start a server at a free port, wait for its answer, and stop it."""
    port = free_port()
    spent, began = _processor_seconds(), time.perf_counter()
    with subprocess.Popen([*command, str(port)], stdout=subprocess.DEVNULL, env=env) as process:  # noqa: S603 - our own commands
        while not _answers(port):
            if time.perf_counter() - began > DEADLINE_SECONDS:
                process.kill()
                raise SystemExit(f"no answer from {command}")
        elapsed = time.perf_counter() - began
        process.terminate()
    return Start(wall=elapsed * 1000, processor=(_processor_seconds() - spent) * 1000)


def _processor_seconds() -> float:
    """Say what all children have used that have ended: one at a time runs here."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_SECONDS)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", PATH)
        return connection.getresponse().status == 200
    time.sleep(0.002)  # noqa: TID251 - waiting for another process
    return False


def run(rounds: int) -> dict[str, float]:
    """Start both in turn, and give medians and the ratio."""
    pairs: list[tuple[Start, Start]] = []
    with tempfile.TemporaryDirectory() as folder:
        env = with_bytecode(folder)
        for turn in range(rounds + 1):
            if turn % 2:
                ours = _start(OURS, env)
                bare = _start(BARE, env)
            else:
                bare = _start(BARE, env)
                ours = _start(OURS, env)
            pairs.append((bare, ours))
    del pairs[0]  # the first start warms the disk and compiles
    ratios = [ours.wall / bare.wall for bare, ours in pairs]
    lower, median, upper = statistics.quantiles(ratios, n=4)
    return {
        "bare_ms": round(statistics.median(bare.wall for bare, _ in pairs)),
        "ours_ms": round(statistics.median(ours.wall for _, ours in pairs)),
        "ratio_min": round(min(ratios), 3),
        "ratio_lower_quartile": round(lower, 3),
        "ratio_median": round(median, 3),
        "ratio_upper_quartile": round(upper, 3),
        "ratio_max": round(max(ratios), 3),
        "ratio_median_processor_time": round(
            statistics.median(ours.processor / bare.processor for bare, ours in pairs), 3
        ),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    figures = run(given.rounds)
    print(
        json.dumps(figures)
        if given.json
        else "\n".join(f"{name:28} {value}" for name, value in figures.items())
    )
