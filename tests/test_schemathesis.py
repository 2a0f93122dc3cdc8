"""Thousands of generated requests against the whole contract: every answer is one that openapi.yaml documents.

schemathesis makes them of openapi.yaml alone, good ones and bad ones, the same in every run. It sends them to a server
in this process, which starts anew for each, so that nothing hangs on the order. What it cannot invent it is told: tokens,
and the codes that the server has given out.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pytest
import schemathesis
from schemathesis.checks import CheckFunction, load_all_checks
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.types import Message, Receive, Scope, Send

from mock_authz.app import Server
from mock_authz.domain.faults import Fault, FaultKind
from mock_authz.domain.human_script import Act, HumanScript
from mock_authz.sandbox import DEFAULT, Sandbox
from mock_authz.usecases import acquire, approvals, control, exporting, faults, humans, snapshots
from mock_authz.usecases.context import Context
from mock_authz.usecases.tokens import IssuedTokens
from mock_authz.web.bench.journal import LONGEST_WAIT_SECONDS
from tests.factories import NOW, QA, STORE_12, expect
from tests.web import contract
from tests.web.site import BASE_URL, HERE, a_site

pytestmark = [pytest.mark.schemathesis, pytest.mark.xdist_group("schemathesis")]

# Drawn for each operation, beside the examples of the document and the bounds of its schemas.
EXAMPLES: Final = 10
CONTROL_TOKEN: Final = "a control token"
# One request in so many keeps the credentials that schemathesis made up, or none.
OWN_CREDENTIALS_EVERY: Final = 10
SNAPSHOT: Final = "before"
IMPORT: Final = "POST /_control/import"

# Every built-in check runs on every operation, but for these.
LEFT_OUT: Final[dict[str, tuple[CheckFunction, str]]] = {
    "POST /device_authorization": (
        positive_data_acceptance, "a client_id or scope of the right form is refused unless it is registered or granted",
    ),
    "POST /token": (
        positive_data_acceptance, "a device_code or refresh token of the right form is refused unless it was given out",
    ),
    "POST /revoke": (
        positive_data_acceptance, "a client_id of the right form is refused unless it is registered",
    ),
    "POST /_control/sandboxes": (
        positive_data_acceptance, "a seed of the right form may not hold together: a hub that it does not have, a cycle",
    ),
    "PUT /_control/sandboxes/{sandbox}/clock": (
        positive_data_acceptance, "a duration of the right form may lead out of the years 1970 to 8999",
    ),
    "POST /_control/sandboxes/{sandbox}/clock/advance": (
        positive_data_acceptance, "a duration of the right form may lead beyond the year 8999",
    ),
    "POST /_control/sandboxes/{sandbox}/faults": (
        positive_data_acceptance, "an outage of the right form may end before it begins",
    ),
    "PUT /_control/sandboxes/{sandbox}/quirks": (
        positive_data_acceptance, "a name of the right form is refused unless there is such a quirk",
    ),
    "POST /_control/sandboxes/{sandbox}/fork": (
        positive_data_acceptance, "an issuer of the right form may have a host that is none, such as [0]",
    ),
    "POST /_control/import": (
        positive_data_acceptance, "what is within a file is described nowhere but in the server that wrote it",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class World:
    """A server that has just started: the contract's examples find what they name, at the root."""

    server: Server
    management_token: str
    license_token: str
    refresh_token: str
    device_code: str
    user_code: str
    human_id: str
    fault_id: str


def a_world() -> World:
    server = a_site(server=Server(BASE_URL, control_token=CONTROL_TOKEN)).server
    sandbox = expect(Sandbox, control.find_sandbox(server.store, DEFAULT))
    context = Context(sandbox=sandbox, now=NOW, store=server.store)
    first, second = (
        acquire.authorize_device(context, client_id="pos-server", scope="license") for _ in range(2)
    )
    acquired = expect(acquire.DeviceAuthorization, first)
    pending = expect(acquire.DeviceAuthorization, second)
    approvals.approve(context, acquired.user_code, server_id=STORE_12, administrator="dana")
    tokens = acquire.poll(context, client_id="pos-server", device_code=acquired.device_code)
    issued = expect(IssuedTokens, tokens)
    bench = Context(
        sandbox=expect(Sandbox, control.find_sandbox(server.store, QA)), now=NOW, store=server.store
    )
    human = humans.add_human(bench, HumanScript(human_id="", act=Act.APPROVE))
    fault = faults.add_fault(bench, Fault(fault_id="", kind=FaultKind.OFFLINE, steps=("jwks",)))
    snapshots.take(server.store, bench.sandbox, name=SNAPSHOT, real_at=float(NOW))
    return World(
        server=server,
        management_token=sandbox.management_token,
        license_token=issued.access_token,
        refresh_token=issued.refresh_token,
        device_code=pending.device_code,
        user_code=pending.user_code,
        human_id=human.human_id,
        fault_id=fault.fault_id,
    )


class Stage:
    """The application that schemathesis calls: the present world's server, reached from loopback."""

    def __init__(self) -> None:
        self.world = a_world()
        self.cases: Counter[str] = Counter()
        self.statuses: Counter[tuple[str, int]] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hears = leaving_at_once(receive) if scope["path"].endswith("/journal/stream") else receive
        await self.world.server({**scope, "client": HERE}, hears, send)


def leaving_at_once(receive: Receive) -> Receive:
    """Make a client that follows a stream, which never ends by itself, until the first look at whether it is still there."""
    has_sent = False

    async def hears() -> Message:
        nonlocal has_sent
        if has_sent:
            return {"type": "http.disconnect"}
        has_sent = True
        return await receive()

    return hears


STAGE: Final = Stage()
CONFIG: Final = SchemathesisConfig.from_dict({
    "seed": 8628,
    "generation": {"max-examples": EXAMPLES, "deterministic": True, "database": "none"},
})  # fmt: skip
SCHEMA: Final = schemathesis.openapi.from_dict(contract.document(), config=CONFIG)
SCHEMA.app = STAGE


def credentials(case: schemathesis.Case[Any]) -> dict[str, str] | None:
    """Give the token that an operation asks for, if it asks for one and this case is not to try others."""
    asked = [name for one in case.operation.definition.raw.get("security", []) for name in one]
    tokens = {
        "licenseToken": STAGE.world.license_token,
        "managementToken": STAGE.world.management_token,
        "controlToken": CONTROL_TOKEN,
    }
    if not asked or STAGE.cases[case.operation.label] % OWN_CREDENTIALS_EVERY == 0:
        return None
    return {"Authorization": f"Bearer {tokens[asked[0]]}"}


def exported() -> dict[str, Any]:
    """Give the file of a sandbox that there is."""
    store = STAGE.world.server.store
    sandbox = expect(Sandbox, control.find_sandbox(store, QA))
    return exporting.export(store, sandbox, version="0.1.0", real_at=float(NOW))


def give_what_was_given_out(case: schemathesis.Case[Any]) -> None:
    """Put codes and tokens that the server knows in place of every other one that was made up.

    A case that is bad on purpose stays as it is: what makes it bad may be what would be replaced.
    """
    is_bad = case.meta is not None and case.meta.generation.mode is GenerationMode.NEGATIVE
    if is_bad or STAGE.cases[case.operation.label] % 2 == 0:
        return
    given_out = {
        "user_code": STAGE.world.user_code,
        "human_id": STAGE.world.human_id,
        "fault_id": STAGE.world.fault_id,
        "snapshot": SNAPSHOT,
        "sandbox": QA,
    }
    for name in (case.path_parameters or {}).keys() & given_out.keys():
        case.path_parameters[name] = given_out[name]
    if case.operation.label == IMPORT:
        case.body, case.query = exported(), {"name": "loaded"}
    if case.media_type == "application/x-www-form-urlencoded" and isinstance(case.body, dict):
        known = {
            "device_code": STAGE.world.device_code,
            "refresh_token": STAGE.world.refresh_token,
            "token": STAGE.world.refresh_token,
            "client_id": "pos-server",
        }
        case.body = {name: known.get(name, value) for name, value in case.body.items()}


def wait_not_for_long(case: schemathesis.Case[Any]) -> None:
    """Shorten what would be waited for in real time: nothing comes in the meantime."""
    if case.operation.path.endswith("/journal/wait") and isinstance(case.body, dict):
        seconds = case.body.get("timeout_seconds")
        if isinstance(seconds, int | float) and 0 < seconds <= LONGEST_WAIT_SECONDS:
            case.body = {**case.body, "timeout_seconds": 0.01}


def hold(case: schemathesis.Case[Any]) -> None:
    """Send one generated request: its answer must be documented."""
    label = case.operation.label
    STAGE.world = a_world()
    STAGE.cases[label] += 1
    give_what_was_given_out(case)
    wait_not_for_long(case)
    left_out = [LEFT_OUT[label][0]] if label in LEFT_OUT else []
    response = case.call_and_validate(base_url=BASE_URL, headers=credentials(case), excluded_checks=left_out)
    STAGE.statuses[label, response.status_code] += 1


def a_test_of(operation: str) -> Callable[..., None]:
    """Make the test of one operation. In one test of them all pytest 9.2 gives each the same id, and workers run the last."""

    def test(case: schemathesis.Case[Any]) -> None:
        hold(case)

    parametrized: Callable[..., None] = SCHEMA.include(operation_id=operation).parametrize()(test)
    return parametrized


globals().update({
    f"test_every_answer_of_{operation}_is_documented": a_test_of(operation)
    for operation in (one.value["operationId"] for one in contract.operations())
})  # fmt: skip


@pytest.mark.parametrize(("part", "fewest"), [("everything", 3_500), ("control", 2_000)])
def test_enough_requests_were_generated_and_every_operation_succeeded_sometimes(
    part: str, fewest: int, record_testsuite_property: Callable[[str, object], None]
) -> None:
    within = " /_control/" if part == "control" else " /"
    labels = {f"{one.method} {one.template}" for one in contract.operations()}
    wanted = {label for label in labels if within in label}
    cases = {label: count for label, count in STAGE.cases.items() if within in label}
    if cases.keys() != wanted and "CI" not in os.environ:
        pytest.skip("only some operations were asked for in this process")
    assert cases.keys() == wanted
    record_testsuite_property(f"generated_requests_to_{part}", sum(cases.values()))
    assert sum(cases.values()) >= fewest
    succeeded = {label for label, status in STAGE.statuses if status < 400}
    assert wanted - succeeded == set()


def test_whatever_is_left_out_is_a_built_in_check_of_a_documented_operation() -> None:
    labels = {f"{one.method} {one.template}" for one in contract.operations()}
    assert LEFT_OUT.keys() <= labels
    load_all_checks()
    registered: list[Callable[..., Any]] = list(schemathesis.checks.CHECKS.get_all())
    assert all(check in registered for check, _ in LEFT_OUT.values())
