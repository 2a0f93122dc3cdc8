"""How many refresh grants a second the server reaches, as a share of what a bare handler reaches in the same run.

Both sign the same ES256 token, parse the same form, run on the same loop and HTTP parser. The two servers run in turn
(A B B A), so that the ratio holds when the machine's speed drifts.

    python -m benchmarks.throughput [--rounds 5] [--seconds 2] [--json]
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
from pathlib import Path
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


async def _measure(port: int, tokens: list[str], seconds: float) -> float:
    until = time.perf_counter() + seconds
    counted = await asyncio.gather(*(_refresh_forever(port, token, until) for token in tokens))
    return sum(counted) / seconds


@contextlib.contextmanager
def _bare() -> Iterator[int]:
    port = free_port()
    with started([sys.executable, str(BARE), str(port)], port):
        yield port


@contextlib.contextmanager
def _ours() -> Iterator[int]:
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
    with started(command, port, stdout=subprocess.DEVNULL):
        yield port


def run(rounds: int, seconds: float) -> dict[str, float]:
    """Measure both servers in turn, and give the median of the ratios."""
    with _bare() as bare_port, _ours() as our_port:
        pairs = in_turn(
            lambda: asyncio.run(_measure(bare_port, ["any"] * CONNECTIONS, seconds)),
            lambda: asyncio.run(_measure(our_port, refresh_tokens(our_port, CONNECTIONS), seconds)),
            rounds=rounds,
        )
    return {
        "bare_per_second": round(statistics.median(bare for bare, _ in pairs)),
        "ours_per_second": round(statistics.median(ours for _, ours in pairs)),
        **spread([ours / bare for bare, ours in pairs]),
    }


if __name__ == "__main__":
    parser = options(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    given = parser.parse_args()
    show(run(given.rounds, given.seconds), as_json=given.json)
