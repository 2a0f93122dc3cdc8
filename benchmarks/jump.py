"""How long a jump of ten years takes in a sandbox with licensed devices, over HTTP, with all that falls due.

python -m benchmarks.jump [--devices 1000] [--rounds 5] [--json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from typing import Any

import httpx2

from benchmarks.serving import free_port, refresh_tokens, started

SANDBOX = "/_control/sandboxes/default/clock"


def run(devices: int, rounds: int) -> dict[str, Any]:
    """License the devices, then jump ten years ahead and back again, some times."""
    port = free_port()
    command = [sys.executable, "-m", "mock_authz.cli", "serve", "--port", str(port), "--json"]
    with (
        started(command, port, stdout=subprocess.DEVNULL),
        httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http,
    ):
        refresh_tokens(port, devices)
        now = http.get(SANDBOX).json()["now"]
        took, events = [], 0
        for _ in range(rounds):
            began = time.perf_counter()
            answer = http.post(f"{SANDBOX}/advance", json={"by": "P10Y"}).json()
            took.append((time.perf_counter() - began) * 1000)
            instants = [event["at"] for event in answer["events"]]
            if instants != sorted(instants):
                raise SystemExit("the events are out of order")
            events = len(instants)
            http.put(SANDBOX, json={"mode": "offset", "now": now}).raise_for_status()
    return {
        "devices": devices,
        "events": events,
        "median_ms": round(statistics.median(took), 1),
        "max_ms": round(max(took), 1),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    figures = run(given.devices, given.rounds)
    print(
        json.dumps(figures)
        if given.json
        else "\n".join(f"{name:18} {value}" for name, value in figures.items())
    )
