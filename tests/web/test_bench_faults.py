"""Faults over HTTP: which requests they strike, when, and how often. What they do to the wire is in test_bench_wire.py."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from mock_authz.app import Server, WireCutError
from mock_authz.domain.faults import Fault
from mock_authz.usecases import control
from tests.factories import DAY, HOUR, NOW, QA, STORE_12
from tests.web.asking import advance, ask, declare, fault, journal
from tests.web.site import (
    BASE_URL,
    DEVICE_CODE,
    HERE,
    Site,
    a_site,
    bearer,
    items,
    members,
    pointers,
    problem,
)

FORM = {"grant_type": "other", "client_id": "pos-server"}


@pytest.fixture
def lenient() -> Site:
    """A site whose answers may be anything: a fault's are in no contract."""
    site = a_site()
    site.checks = False
    return site


def is_struck(site: Site, method: str = "GET", path: str = "/jwks", **given: Any) -> bool:
    """Send a request of the protocol, and say whether a status fault struck it."""
    site.checks = False
    status = site.at_issuer(method, path, **given).status_code
    site.checks = True
    return status == 503


def refreshes(site: Site, refresh_token: str) -> bool:
    """Refresh, and say whether a status fault struck it."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": "pos-server"}
    return is_struck(site, "POST", "/token", data=form)


# --- by step ---

REQUESTS: dict[str, tuple[str, str, dict[str, str]]] = {
    "metadata": ("GET", "/.well-known/openid-configuration", {}),
    "jwks": ("GET", "/jwks", {}),
    "device_authorization": ("POST", "/device_authorization", {"client_id": "pos-server"}),
    "token": ("POST", "/token", FORM),
    "token:device_code": ("POST", "/token", {**FORM, "grant_type": DEVICE_CODE}),
    "token:refresh": ("POST", "/token", {**FORM, "grant_type": "refresh_token"}),
    "revoke": ("POST", "/revoke", {"client_id": "pos-server", "token": "x"}),
    "introspect": ("POST", "/introspect", {"token": "x"}),
    "license": ("GET", "/license", {}),
    "servers": ("GET", "/servers", {}),
}


def struck_steps(site: Site) -> set[str]:
    struck = set()
    for step, (method, path, form) in REQUESTS.items():
        given = {"data": form} if form else {}
        if is_struck(site, method, path, **given):
            struck.add(step)
    return struck


@pytest.mark.parametrize("step", [step for step in REQUESTS if step != "token"])
def test_a_fault_of_a_step_strikes_that_step_only(site: Site, step: str) -> None:
    declare(site, "status", steps=[step])
    assert struck_steps(site) == {step}


def test_a_fault_of_token_strikes_both_grants_and_what_is_neither(site: Site) -> None:
    declare(site, "status", steps=["token"])
    assert struck_steps(site) == {"token", "token:device_code", "token:refresh"}


def test_a_fault_without_steps_strikes_every_step(site: Site) -> None:
    declare(site, "status")
    assert struck_steps(site) == set(REQUESTS)


def test_one_server_of_the_directory_is_of_its_step(site: Site) -> None:
    declare(site, "status", steps=["servers"])
    assert is_struck(site, path=f"/servers/{STORE_12}")


# --- by device and client ---


def test_a_fault_of_a_device_strikes_it_from_its_approval_on(site: Site) -> None:
    declare(site, "status", server_id=STORE_12, steps=["token"])
    mine, other = site.authorize(), site.authorize()
    polls = [
        {"grant_type": DEVICE_CODE, "client_id": "pos-server", "device_code": codes["device_code"]}
        for codes in (mine, other)
    ]
    assert [is_struck(site, "POST", "/token", data=form) for form in polls] == [False, False]
    members(site.approve(mine["user_code"]), 200)
    members(site.approve(other["user_code"], server_id="head-office"), 200)
    assert [is_struck(site, "POST", "/token", data=form) for form in polls] == [True, False]


def test_a_fault_of_a_device_knows_it_by_refresh_token_and_license_token(site: Site) -> None:
    mine, other = site.acquire(), site.acquire(server_id="head-office")
    declare(site, "status", server_id=STORE_12)
    for tokens, struck in ((mine, True), (other, False)):
        assert refreshes(site, tokens["refresh_token"]) is struck
        assert is_struck(site, path="/license", headers=bearer(tokens["access_token"])) is struck
        for name in ("refresh_token", "access_token"):
            form = {"client_id": "pos-server", "token": tokens[name]}
            assert is_struck(site, "POST", "/revoke", data=form) is struck


def test_a_fault_of_a_device_still_knows_an_expired_license_token(site: Site) -> None:
    tokens = site.acquire()
    declare(site, "status", server_id=STORE_12)
    advance(site, by="P8D")
    assert is_struck(site, path="/license", headers=bearer(tokens["access_token"]))


def test_a_fault_of_a_device_strikes_nobody_unknown(site: Site) -> None:
    declare(site, "status", server_id=STORE_12)
    assert struck_steps(site) == set()


def test_a_fault_of_a_client_strikes_what_it_asks(site: Site) -> None:
    tokens = site.acquire()
    declare(site, "status", client_id="register")
    for client_id, struck in (("register", True), ("pos-server", False)):
        assert is_struck(site, "POST", "/device_authorization", data={"client_id": client_id}) is struck
    declare(site, "status", client_id="pos-server")
    assert is_struck(site, path="/license", headers=bearer(tokens["access_token"]))
    assert not is_struck(site, path="/license")


# --- when and how often ---


def test_a_fault_strikes_so_many_times_and_then_no_more(site: Site) -> None:
    made = declare(site, "status", times=2)
    assert [is_struck(site) for _ in range(4)] == [True, True, False, False]
    shown = fault(site, made)
    assert (shown["offered"], shown["struck"], shown["in_a_row"]) == (2, 2, 2)


@pytest.mark.parametrize(
    ("seconds", "struck"),
    [(-1, False), (0, True), (1, True), (HOUR - 1, True), (HOUR, False), (HOUR + 1, False)],
)
def test_an_outage_strikes_within_its_window_in_virtual_time(
    site: Site, seconds: int, *, struck: bool
) -> None:
    declare(site, "status", from_at=NOW + DAY, until_at=NOW + DAY + HOUR)
    site.move_to(NOW + DAY + seconds)
    assert is_struck(site) is struck


def test_an_outage_that_lies_ahead_is_told_by_the_advance_that_passes_it(site: Site) -> None:
    declare(site, "offline", from_at="2027-01-16T08:00:00Z", until_at=NOW + DAY + HOUR)
    assert advance(site, to="next_event") == [(NOW + DAY, "outage_began")]
    assert advance(site, by="PT2H") == [(NOW + DAY + HOUR, "outage_ended")]


def pattern(*, seed: str) -> list[bool]:
    site = a_site(server=Server(BASE_URL))
    members(site.send("POST", "/_control/sandboxes", json={"name": "dice", "random_seed": seed}), 201)
    body = {"kind": "status", "probability": 0.5}
    members(site.send("POST", "/_control/sandboxes/dice/faults", json=body), 201)
    site.checks = False
    return [site.send("GET", "/s/dice/jwks").status_code == 503 for _ in range(40)]


def test_a_probability_falls_the_same_way_under_the_same_seed_and_another_under_another() -> None:
    assert pattern(seed="one") == pattern(seed="one") != pattern(seed="two")


def test_never_more_than_so_many_in_a_row(site: Site) -> None:
    declare(site, "status", most_in_a_row=2)
    assert [is_struck(site) for _ in range(6)] == [True, True, False, True, True, False]


def test_a_request_that_is_held_up_acts_in_no_sandbox_that_has_gone(site: Site) -> None:
    made = declare(site, "latency", latency_milliseconds=200, times=1)
    store = site.server.store

    async def story() -> httpx2.Response:
        transport = httpx2.ASGITransport(app=site.server, client=HERE)
        async with httpx2.AsyncClient(transport=transport, base_url=BASE_URL) as client:
            form = {"client_id": "pos-server"}
            held = asyncio.create_task(client.post(f"/s/{QA}/device_authorization", data=form))
            while (found := store.get(QA, Fault, made["fault_id"])) and not found.record.struck:
                await asyncio.wait({held}, timeout=0.001)
            control.drop_sandbox(store, QA)
            return await held

    problem(asyncio.run(story()), 404, "sandbox_unknown")
    assert store.sandboxes() == ["default"]


# --- told ---


def test_each_strike_is_journalled_and_marked_at_its_exchange(site: Site) -> None:
    made = declare(site, "status", steps=["jwks"])
    is_struck(site)
    struck, exchanged = journal(site)[-2:]
    assert struck["type"] == "fault_struck"
    assert struck["subject"]["fault_id"] == made["fault_id"]
    assert (exchanged["step"], exchanged["status"], exchanged["faults"]) == ("jwks", 503, ["status"])


def test_a_fault_that_never_struck_is_reported_when_its_sandbox_is_deleted(site: Site) -> None:
    declare(site, "status", steps=["jwks"])
    idle = declare(site, "lost_reply", steps=["token:refresh"])
    is_struck(site)
    assert members(ask(site, "DELETE"), 200) == {"name": "qa", "faults_never_struck": [idle]}


def test_without_a_server_that_can_hang_up_a_reset_fails_as_a_broken_wire_does(lenient: Site) -> None:
    declare(lenient, "lost_reply")
    with pytest.raises(WireCutError):
        lenient.at_issuer("GET", "/jwks")


# --- the API ---


def test_a_fault_shows_what_was_declared_and_what_it_did(site: Site) -> None:
    made = declare(site, "status", steps=["jwks"], from_at="2027-01-15", times=3, status=429)
    assert made == {
        "fault_id": made["fault_id"],
        "kind": "status",
        "steps": ["jwks"],
        "server_id": None,
        "client_id": None,
        "times": 3,
        "from_at": NOW - 8 * HOUR,
        "until_at": None,
        "probability": None,
        "most_in_a_row": None,
        "status": 429,
        "retry_after_seconds": None,
        "offered": 0,
        "struck": 0,
        "in_a_row": 0,
    }


def test_a_fault_lies_where_its_creation_says_until_it_is_removed(site: Site) -> None:
    response = ask(site, "POST", "/faults", json={"kind": "status"})
    made = members(response, 201)
    location = response.headers["location"]
    assert members(site.send("GET", location), 200) == made
    assert members(site.send("DELETE", location), 200) == made
    for method in ("GET", "DELETE"):
        problem(site.send(method, location), 404, "not_found")
    assert not is_struck(site)


def test_all_faults_are_removed_and_shown_at_once(site: Site) -> None:
    made = [declare(site, "status"), declare(site, "offline")]
    assert items(ask(site, "GET", "/faults")) == made
    assert items(ask(site, "DELETE", "/faults")) == made
    assert items(ask(site, "GET", "/faults")) == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#"),
        ({"kind": "earthquake"}, "#/kind"),
        ({"kind": "offline", "steps": ["tokens"]}, "#/steps/0"),
        ({"kind": "offline", "steps": ["jwks", "jwks"]}, "#/steps/1"),
        ({"kind": "offline", "steps": "jwks"}, "#/steps"),
        ({"kind": "offline", "times": 0}, "#/times"),
        ({"kind": "offline", "times": 1_000_001}, "#/times"),
        ({"kind": "offline", "probability": -0.1}, "#/probability"),
        ({"kind": "offline", "probability": 1.1}, "#/probability"),
        ({"kind": "offline", "most_in_a_row": 0}, "#/most_in_a_row"),
        ({"kind": "offline", "from_at": "soon"}, "#/from_at"),
        ({"kind": "offline", "from_at": NOW, "until_at": NOW}, "#/until_at"),
        ({"kind": "offline", "from_at": NOW, "until_at": NOW - 1}, "#/until_at"),
        ({"kind": "offline", "status": 503}, "#/status"),
        ({"kind": "offline", "retry_after_seconds": 1}, "#/retry_after_seconds"),
        ({"kind": "offline", "latency_milliseconds": 1}, "#/latency_milliseconds"),
        ({"kind": "status", "status": 399}, "#/status"),
        ({"kind": "status", "status": 600}, "#/status"),
        ({"kind": "status", "retry_after_seconds": -1}, "#/retry_after_seconds"),
        ({"kind": "latency"}, "#"),
        ({"kind": "latency", "latency_milliseconds": 0}, "#/latency_milliseconds"),
        ({"kind": "latency", "latency_milliseconds": 60_001}, "#/latency_milliseconds"),
        ({"kind": "offline", "step": "jwks"}, "#/step"),
    ],
)
def test_a_fault_that_could_never_be_is_refused(site: Site, body: dict[str, Any], pointer: str) -> None:
    assert pointers(ask(site, "POST", "/faults", json=body)) == [pointer]
    assert items(ask(site, "GET", "/faults")) == []


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "status", "status": 400, "retry_after_seconds": 0},
        {"kind": "status", "status": 599, "retry_after_seconds": 31_536_000},
        {"kind": "latency", "latency_milliseconds": 1},
        {"kind": "latency", "latency_milliseconds": 60_000},
        {"kind": "offline", "times": 1, "probability": 0, "most_in_a_row": 1},
        {"kind": "offline", "times": 1_000_000, "probability": 1.0, "most_in_a_row": 1_000_000},
        {"kind": "offline", "times": None, "probability": None, "from_at": None, "server_id": None},
    ],
)
def test_a_fault_at_its_bounds_is_taken(site: Site, body: dict[str, Any]) -> None:
    members(ask(site, "POST", "/faults", json=body), 201)


def test_a_device_need_not_be_there_yet(site: Site) -> None:
    declare(site, "offline", server_id="to-come")
