"""How long a jump of ten years takes, with all that falls due, in sandboxes of more and more licensed devices.

Times are of one request within the process, as in benchmarks.sandboxes: no socket and no HTTP client are in them. Of time on
a processor, other programs take nothing, but for what they push out of its caches: see by it how times grow. The jump is made
forward, told, and taken back, some times; half of the devices have a renewal date.

python -m benchmarks.jump [--devices 1000 10000] [--rounds 5] [--json]
"""

from __future__ import annotations

import asyncio
import gc
import json
import statistics
from typing import Any

from benchmarks.asgi import Caller
from benchmarks.figures import options
from mock_authz.app import Server
from mock_authz.clock import Clock, ClockMode
from mock_authz.domain.organization import Administrator, Client, Device, Edition, Organization
from mock_authz.sandbox import Sandbox
from mock_authz.settings import Settings
from mock_authz.usecases import acquire, approvals, control
from mock_authz.usecases.context import Context
from mock_authz.usecases.tokens import IssuedTokens

NAME = "jump"
CLOCK = f"/_control/sandboxes/{NAME}/clock"
NOW = 1_800_000_000
YEAR = 365 * 24 * 3600
CLIENT = "pos-server"


def devices(count: int) -> list[Device]:
    """Make devices; every second one with a renewal date, each on a day of its own."""
    return [
        Device(
            server_id=f"store-{number}",
            organization_id="harbor",
            name=f"Store {number}",
            edition=Edition.STORE,
            features=("xms",),
            renewal_at=NOW + YEAR + 3600 * number if number % 2 else None,
        )
        for number in range(count)
    ]


def a_server(count: int) -> Caller:
    """Make a server with a sandbox of licensed devices, and a frozen clock."""
    server = Server("http://127.0.0.1:8628")
    made = devices(count)
    records: list[object] = [
        Organization(organization_id="harbor", name="Harbor Outfitters"),
        Administrator(username="dana", name="Dana", organizations=("harbor",)),
        Client(client_id=CLIENT, name="POS server"),
        *made,
    ]
    sandbox = control.create_sandbox(
        server.store,
        name=NAME,
        issuer=server.issuer_of(NAME),
        real_at=float(NOW),
        clock=Clock(ClockMode.FROZEN, float(NOW), float(NOW)),
        settings=Settings(alg="Ed25519"),
        records=records,
    )
    if not isinstance(sandbox, Sandbox):
        raise SystemExit(sandbox.description)
    context = Context(sandbox=sandbox, now=NOW, store=server.store)
    for device in made:
        _license(context, device.server_id)
    return Caller(server)


def _license(context: Context, server_id: str) -> None:
    codes = acquire.authorize_device(context, client_id=CLIENT, scope=None)
    if not isinstance(codes, acquire.DeviceAuthorization):
        raise SystemExit(codes.description)
    approvals.approve(context, codes.user_code, server_id=server_id, administrator="dana")
    tokens = acquire.poll(context, client_id=CLIENT, device_code=codes.device_code)
    if not isinstance(tokens, IssuedTokens):
        raise SystemExit(tokens.description)


async def jump(caller: Caller, rounds: int) -> dict[str, Any]:
    """Jump with the garbage collector, as served; and without, as it walks through the whole heap now and then."""
    figures = await jumps(caller, rounds)
    gc.collect()
    gc.disable()
    try:
        uncollected = await jumps(caller, rounds)
    finally:
        gc.enable()
    return {**figures, "uncollected_cpu_us_for_each_event": uncollected["cpu_us_for_each_event"]}


async def jumps(caller: Caller, rounds: int) -> dict[str, Any]:
    """Jump ten years ahead and back again, some times."""
    took, cpu, events = [], [], 0
    for _ in range(rounds):
        told = (await caller.send("POST", f"{CLOCK}/advance", body={"by": "P10Y"}))["events"]
        took.append(caller.seconds * 1000)
        cpu.append(caller.cpu_seconds * 1000)
        instants = [event["at"] for event in told]
        if instants != sorted(instants):
            raise SystemExit("the events are out of order")
        events = len(told)
        await caller.send("PUT", CLOCK, body={"mode": "frozen", "now": NOW})
    return {
        "events": events,
        "median_ms": round(statistics.median(took), 1),
        "min_ms": round(min(took), 1),
        "max_ms": round(max(took), 1),
        "cpu_min_ms": round(min(cpu), 1),
        "cpu_us_for_each_event": round(min(cpu) * 1000 / events, 1),
    }


def run(counts: list[int], rounds: int) -> list[dict[str, Any]]:
    """Measure sandboxes of these sizes."""
    return [{"devices": count, **asyncio.run(jump(a_server(count), rounds))} for count in counts]


if __name__ == "__main__":
    parser = options(__doc__)
    parser.add_argument("--devices", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    measured = run(given.devices, given.rounds)
    if given.json:
        print(json.dumps(measured))
    else:
        for figures in measured:
            print("   ".join(f"{name} {value}" for name, value in figures.items()))
