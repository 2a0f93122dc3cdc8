"""How many refresh grants a second the server reaches, as a share of what a bare handler reaches in the same run.

Both sign the same ES256 token, parse the same form, run on the same loop and HTTP parser. The two servers run in turn
(A B B A), for a short time each and often, so that the ratio holds when the machine's speed drifts. What counts is the
median of the pairs' ratios of requests per second; on a busy machine, the one of requests per second of processor time
says more.

    python -m benchmarks.throughput [--rounds 25] [--seconds 0.4] [--json]
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from benchmarks.figures import in_turn, options, show, spread
from benchmarks.serving import free_port, refresh_tokens, started

CONNECTIONS = 8
BARE = Path(__file__).with_name("bare.py")


async def _refresh_forever(port: int, refresh_token: str, until: float) -> int:
    """Refresh on one connection, each time with the newest refresh token; count the grants."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    grants = 0
    while time.perf_counter() < until:
        form = urlencode(
            {"grant_type": "refresh_token", "client_id": "pos-server", "refresh_token": refresh_token}
        )
        writer.write(
            f"POST /token HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n"
            f"content-type: application/x-www-form-urlencoded\r\ncontent-length: {len(form)}\r\n\r\n{form}".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        answer = json.loads(await reader.readexactly(length))
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"refused: {answer}")
        refresh_token = answer["refresh_token"]
        grants += 1
    writer.close()
    return grants


@dataclass(frozen=True)
class Served:
    """A server, and how many grants a second it reaches: of wall time, and of its own processor time."""

    port: int
    pid: int

    def measure(self, tokens: list[str], seconds: float) -> Rate:
        """Refresh on as many connections as there are refresh tokens."""
        spent, began = self._processor_seconds(), time.perf_counter()
        grants = asyncio.run(_refresh_all(self.port, tokens, began + seconds))
        elapsed = time.perf_counter() - began
        return Rate(grants / elapsed, grants / (self._processor_seconds() - spent))

    def _processor_seconds(self) -> float:
        # proc_pid_schedstat(5), nanoseconds, of the thread that the event loop runs in.
        return int(Path(f"/proc/{self.pid}/schedstat").read_text("ascii").split()[0]) / 1e9


class Rate(NamedTuple):
    """Grants a second."""

    of_wall_time: float
    of_processor_time: float


async def _refresh_all(port: int, tokens: list[str], until: float) -> int:
    return sum(await asyncio.gather(*(_refresh_forever(port, token, until) for token in tokens)))


@contextlib.contextmanager
def _bare() -> Iterator[Served]:
    port = free_port()
    with started([sys.executable, str(BARE), str(port)], port) as pid:
        yield Served(port, pid)


@contextlib.contextmanager
def _ours() -> Iterator[Served]:
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "mock_authz.cli",
        "serve",
        "--port",
        str(port),
        "--seed",
        "demo",
        "--json",
    ]
    with started(command, port, stdout=subprocess.DEVNULL) as pid:
        yield Served(port, pid)


def run(rounds: int, seconds: float) -> dict[str, float]:
    """Measure both servers in turn, and give the median of the ratios."""
    with _bare() as bare, _ours() as ours:
        pairs = in_turn(
            lambda: bare.measure(["any"] * CONNECTIONS, seconds),
            lambda: ours.measure(refresh_tokens(ours.port, CONNECTIONS), seconds),
            rounds=rounds,
        )
    by_processor_time = [ours.of_processor_time / bare.of_processor_time for bare, ours in pairs]
    return {
        "bare_per_second": round(statistics.median(bare.of_wall_time for bare, _ in pairs)),
        "ours_per_second": round(statistics.median(ours.of_wall_time for _, ours in pairs)),
        **spread([ours.of_wall_time / bare.of_wall_time for bare, ours in pairs]),
        "ratio_median_processor_time": round(statistics.median(by_processor_time), 3),
    }


if __name__ == "__main__":
    parser = options(__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--seconds", type=float, default=0.4)
    given = parser.parse_args()
    show(run(given.rounds, given.seconds), as_json=given.json)
