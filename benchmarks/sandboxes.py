"""What a sandbox costs: so many are created, live at once, are used for one grant each, and are deleted.

Times are of one request within the process: from the call of the ASGI application to the end of its answer, the body read
and parsed, the answer spelled; no socket and no HTTP client are in them. Memory is what Python has allocated (tracemalloc),
in a second round of as many sandboxes, once the caches of bounded size have been filled by a first.

python -m benchmarks.sandboxes [--sandboxes 1000] [--json]
"""

from __future__ import annotations

import asyncio
import gc
import json
import statistics
import tracemalloc
from typing import Any

from benchmarks.asgi import Caller
from benchmarks.figures import options
from mock_authz.app import Server
from mock_authz.clock import real_now
from mock_authz.sandbox import DEFAULT
from mock_authz.usecases import control

CONTROL = "/_control/sandboxes"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
OWN_SEED: dict[str, Any] = {
    "organizations": [{"id": "harbor", "name": "Harbor Outfitters"}],
    "administrators": [
        {"username": "admin", "password_hash": "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g", "organizations": ["harbor"]},
    ],
    "devices": [{"server_id": "store-12", "organization": "harbor", "name": "Store 12", "edition": "store"}],
}  # fmt: skip
SEEDS: dict[str, Any] = {"small": OWN_SEED, "demo": "demo"}
KIB = 1024


def a_server() -> Caller:
    """Make a server as the command makes it, with the default sandbox."""
    server = Server("http://127.0.0.1:8628")
    control.create_sandbox(server.store, name=DEFAULT, issuer=server.base_url, real_at=real_now())
    return Caller(server)


async def round_of(caller: Caller, count: int, body: dict[str, Any]) -> dict[str, list[float]]:
    """Create so many sandboxes, let one license be acquired in each, delete them; give how long each step took."""
    took: dict[str, list[float]] = {"create": [], "grant": [], "delete": []}
    made: list[dict[str, Any]] = []
    for _ in range(count):
        made.append(await caller.send("POST", CONTROL, body=body))
        took["create"].append(caller.seconds)
    for sandbox in made:
        took["grant"].append(await grant(caller, sandbox))
    for sandbox in made:
        await caller.send("DELETE", f"{CONTROL}/{sandbox['name']}")
        took["delete"].append(caller.seconds)
    return took


async def grant(caller: Caller, sandbox: dict[str, Any]) -> float:
    """Acquire a license: both codes, the approval, the token."""
    issuer = f"/s/{sandbox['name']}"
    codes = await caller.send("POST", f"{issuer}/device_authorization", form={"client_id": "pos-server"})
    seconds = caller.seconds
    approve = f"{issuer}/management/authorizations/{codes['user_code']}/approve"
    decision = {"server_id": "store-12", "administrator": "admin"}
    await caller.send("POST", approve, body=decision, token=sandbox["management_token"])
    seconds += caller.seconds
    form = {"grant_type": DEVICE_CODE, "client_id": "pos-server", "device_code": codes["device_code"]}
    await caller.send("POST", f"{issuer}/token", form=form)
    return seconds + caller.seconds


def timed(count: int, seed: Any) -> dict[str, float]:
    """Measure one round."""
    caller = a_server()
    asyncio.run(round_of(caller, 3, {"seed": seed}))
    took = asyncio.run(round_of(caller, count, {"seed": seed}))
    figures = {
        f"{step}_median_ms": round(statistics.median(all_of) * 1000, 2) for step, all_of in took.items()
    }
    slowest = statistics.quantiles(took["create"], n=100)[98]
    return {**figures, "create_p99_ms": round(slowest * 1000, 2)}


def left_behind(count: int, seed: Any) -> dict[str, Any]:
    """Measure what a second round leaves in memory and in the store."""
    caller = a_server()
    tracemalloc.start()
    try:
        asyncio.run(round_of(caller, count, {"seed": seed}))
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        asyncio.run(round_of(caller, count, {"seed": seed}))
        gc.collect()
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    held = caller.server.store.sandboxes()
    if held != [DEFAULT]:
        raise SystemExit(f"the store still holds {len(held)} sandboxes")
    return {
        "kib_for_each_while_alive": round((peak - before) / count / KIB, 1),
        "kib_left_behind": round((after - before) / KIB, 1),
    }


def run(count: int) -> dict[str, dict[str, Any]]:
    """Measure each seed."""
    return {name: {**timed(count, seed), **left_behind(count, seed)} for name, seed in SEEDS.items()}


if __name__ == "__main__":
    parser = options(__doc__)
    parser.add_argument("--sandboxes", type=int, default=1000)
    given = parser.parse_args()
    measured = run(given.sandboxes)
    if given.json:
        print(json.dumps({"sandboxes": given.sandboxes, "seeds": measured}))
    else:
        print(f"{given.sandboxes} sandboxes alive at once, in one process")
        for seed_name, figures in measured.items():
            for figure, value in figures.items():
                print(f"seed {seed_name:6} {figure:26} {value}")
