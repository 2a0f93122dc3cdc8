"""What a survey of the contract is made of: the document, the places, the cases, what is shared, what is shown."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest
import schemathesis
from rich.console import Console
from schemathesis.checks import load_all_checks

from authz_conformance.clocks.real import NoClock
from authz_conformance.contract.cases import Generator, Request, serialized
from authz_conformance.contract.document import operations, protocol_part
from authz_conformance.contract.judging import CHECKS, LEFT_OUT
from authz_conformance.contract.material import Material
from authz_conformance.contract.places import find_places, is_mapped
from authz_conformance.contract.survey import Rules
from authz_conformance.report.terminal import Live
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.session import Session
from authz_conformance.targets.assembling import NoHuman
from authz_conformance.targets.lending import DeclaredDevices
from authz_conformance.targets.ports import Stage, Terms
from authz_conformance.wire import Connection

LABELS = ("POST /token", "GET /device", "GET /jwks", "GET /servers/{server_id}")
A_STAGE = Stage(
    issuer="https://authz.example/tenant",
    client_id="pos",
    second_client_id=None,
    scope=None,
    terms=Terms(),
    human=NoHuman(),
    provision=DeclaredDevices(),
    clock=NoClock(),
)


def drawn(number: int, *, seed: str = "1") -> list[Request | None]:
    made = Generator(protocol_part()).cases(LABELS, seed=seed, number=number)
    return [serialized(case, f"https://x.example{case.operation.path}", credentials={}) for case in made]


def a_session() -> Session:
    target: Any = None
    return Session(target=target, connection=Connection(), seed="1", cases=1, deadline=0.0)


# ---------------------------------------------------------------------------------------- document and places
def test_only_what_any_implementation_offers_is_tried() -> None:
    labels = set(operations())
    assert {"POST /token", "POST /introspect", "GET /servers/{server_id}", "GET /device"} <= labels
    assert not [label for label in labels if "/_control" in label or "/management" in label]
    assert operations()["POST /token"].required == ("grant_type", "client_id")
    assert operations()["POST /revoke"].required == ("token", "client_id")


def test_every_path_of_the_contract_has_a_place() -> None:
    assert [one.path for one in operations().values() if not is_mapped(one.path)] == []


def test_operations_are_where_the_target_says_they_are() -> None:
    named = {"token_endpoint": "https://authz.example/oauth/t", "jwks_uri": "https://keys.example/all.json"}
    nobody = Connection()
    nobody.patience.lost = "nobody is there"
    server = ServerUnderTest(replace(A_STAGE, endpoints=named), nobody, seed="1")
    places = find_places(server, Material(client_id="pos", scope=None, missing="no codes"))
    assert places.known["POST /token"] == named["token_endpoint"]
    assert places.known["GET /jwks"] == named["jwks_uri"]
    assert places.known["GET /license"] == "https://authz.example/tenant/license"
    assert places.unknown["POST /introspect"] == "introspection_endpoint in the metadata: None"
    assert places.unknown["GET /device"] == "verification_uri: no codes"
    inserted = "/.well-known/oauth-authorization-server"
    assert places.known[f"GET {inserted}"] == f"https://authz.example/tenant{inserted}"
    assert places.known[f"GET {inserted}/s/{{sandbox}}"] == f"https://authz.example{inserted}/tenant"


def test_an_issuer_without_a_path_has_no_inserted_metadata_of_its_own() -> None:
    nobody = Connection()
    nobody.patience.lost = "nobody is there"
    server = ServerUnderTest(replace(A_STAGE, issuer="https://authz.example"), nobody, seed="1")
    places = find_places(server, Material(client_id="pos", scope=None))
    assert not [label for label in (*places.known, *places.unknown) if "{sandbox}" in label]
    assert "POST /token" in places.unknown


# ------------------------------------------------------------------------------------------------------- cases
def test_the_same_seed_makes_the_same_requests_and_another_one_others() -> None:
    requests = drawn(24)
    assert requests == drawn(24)
    assert requests != drawn(24, seed="2")


def test_as_many_requests_are_made_as_asked_for_and_each_operation_has_its_turn() -> None:
    made = [
        str(case.operation.label) for case in Generator(protocol_part()).cases(LABELS, seed="1", number=40)
    ]
    assert len(made) == 40
    assert set(made) == set(LABELS)
    assert made.count("GET /jwks") == 1, "it takes no input"


def test_nothing_is_left_behind_where_the_kit_runs(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    drawn(8)
    assert list(tmp_path.iterdir()) == []


def test_every_check_of_schemathesis_settles_a_rule_or_is_left_out_with_a_reason() -> None:
    load_all_checks()
    names = {check.__name__ for check in CHECKS} | set(LEFT_OUT)
    assert names == set(schemathesis.checks.CHECKS.get_all_names())
    assert all(LEFT_OUT.values())
    assert set(CHECKS.values()) <= set(Rules)


# ------------------------------------------------------------------------------------------- shared, and shown
def test_what_is_shared_is_made_once_however_many_ask_at_a_time() -> None:
    session, made, start = a_session(), [], Barrier(4)

    def make(_: Session) -> str:
        made.append(1)
        return "a survey"

    def ask(_: int) -> str:
        start.wait()
        return session.once(make)

    with ThreadPoolExecutor(max_workers=4) as pool:
        assert list(pool.map(ask, range(4))) == ["a survey"] * 4
    assert made == [1]


def test_what_could_not_be_made_is_not_tried_again() -> None:
    session, tries = a_session(), []

    def make(_: Session) -> str:
        tries.append(1)
        raise LookupError("nothing there")

    for _ in range(2):
        with pytest.raises(LookupError, match="nothing there"):
            session.once(make)
    assert tries == [1]


def test_a_terminal_shows_how_far_the_requests_are() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with Live(console, total=9) as live:
        live.requests(123, 500)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "requests" in shown
    assert "123/500" in shown
