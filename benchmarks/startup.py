"""From the start of the process to the first metadata answer: `mock-authz serve` against a bare app, in one run.

The two start in turn (A B A B), so that the ratio holds when the machine's speed drifts.

    python -m benchmarks.startup [--rounds 10] [--json]
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import time

from benchmarks.serving import DEADLINE_SECONDS, free_port, with_bytecode

PATH = "/.well-known/oauth-authorization-server"


def _first_answer(command: list[str], port: int, env: dict[str, str]) -> float:
    """Start a server; give the milliseconds until it answered."""
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=env) as process:  # noqa: S603 - our own commands
        while not _answers(port):
            if time.perf_counter() - began > DEADLINE_SECONDS:
                process.kill()
                raise SystemExit(f"no answer from {command}")
        elapsed = time.perf_counter() - began
        process.terminate()
    return elapsed * 1000


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_SECONDS)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", PATH)
        return connection.getresponse().status == 200
    time.sleep(0.002)  # noqa: TID251 - waiting for another process
    return False


def run(rounds: int) -> dict[str, float]:
    """Start both in turn, and give medians and the ratio."""
    bare, ours = [], []
    with tempfile.TemporaryDirectory() as folder:
        env = with_bytecode(folder)
        for _ in range(rounds + 1):
            port = free_port()
            bare.append(_first_answer([sys.executable, "-m", "benchmarks.bare", str(port)], port, env))
            port = free_port()
            command = [sys.executable, "-m", "mock_authz.cli", "serve", "--port", str(port)]
            ours.append(_first_answer(command, port, env))
    bare, ours = bare[1:], ours[1:]  # the first start warms the disk and compiles
    ratios = [our / yardstick for our, yardstick in zip(ours, bare, strict=True)]
    return {
        "bare_ms": round(statistics.median(bare)),
        "ours_ms": round(statistics.median(ours)),
        "ratio_min": round(min(ratios), 3),
        "ratio_median": round(statistics.median(ratios), 3),
        "ratio_max": round(max(ratios), 3),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    figures = run(given.rounds)
    print(
        json.dumps(figures)
        if given.json
        else "\n".join(f"{name:18} {value}" for name, value in figures.items())
    )
