"""The control API: sandboxes and their clocks."""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

import httpx2
import pytest

from mock_authz.app import Server
from tests.factories import DAY, NOW, QA, STORE_12
from tests.web.site import BASE_URL, Site, a_site, bearer, items, members, pointers, problem

SANDBOXES = "/_control/sandboxes"
CLOCK = f"{SANDBOXES}/{QA}/clock"


def create(site: Site, **body: Any) -> httpx2.Response:
    return site.send("POST", SANDBOXES, json=body)


# --- sandboxes ---


def test_a_sandbox_needs_nothing_said(site: Site) -> None:
    response = site.send("POST", SANDBOXES)
    made = members(response, 201)
    assert response.headers["location"] == f"{SANDBOXES}/{made['name']}"
    assert response.headers["cache-control"] == "no-store"
    assert made["issuer"] == f"{BASE_URL}/s/{made['name']}"
    assert made["clock"]["mode"] == "real"
    assert members(site.send("GET", response.headers["location"]), 200)["name"] == made["name"]
    token = bearer(made["management_token"])
    clients = items(site.send("GET", f"/s/{made['name']}/management/clients", headers=token))
    assert [client["client_id"] for client in clients] == ["pos-server", "register"]


def test_sandboxes_are_listed_in_order_of_creation(site: Site) -> None:
    members(create(site, name="alpha"), 201)
    assert [one["name"] for one in items(site.send("GET", SANDBOXES))] == ["default", QA, "alpha"]


def test_a_sandbox_has_the_data_settings_and_clock_that_were_said(site: Site) -> None:
    seed = {
        "organizations": [{"id": "harbor", "name": "Harbor"}],
        "devices": [
            {"organization": "harbor", "name": "Office", "edition": "corporate", "server_id": "office"},
            {"organization": "harbor", "name": "Store", "edition": "store", "hub": "Office"},
        ],
        "settings": {"code_seconds": 60, "interval_seconds": 9},
    }
    made = members(
        create(site, name="own", seed=seed, settings="fast", clock={"mode": "frozen", "now": "2030-01-01"}),
        201,
    )
    assert (made["settings"]["code_seconds"], made["settings"]["interval_seconds"]) == (60, 0)
    assert made["clock"] == {"mode": "frozen", "now": 1_893_456_000, "now_utc": "2030-01-01T00:00:00Z"}
    devices = items(site.send("GET", "/s/own/management/devices", headers=bearer(made["management_token"])))
    assert [device["hub"] for device in devices] == [None, "office"]


def test_a_built_in_seed_goes_by_its_name(site: Site) -> None:
    made = members(create(site, seed="demo"), 201)
    token = bearer(made["management_token"])
    assert items(site.send("GET", f"/s/{made['name']}/management/organizations", headers=token))


def test_what_does_not_hold_together_in_a_seed_is_pointed_at(site: Site) -> None:
    devices = [
        {"organization": "harbor", "name": "A", "edition": "store", "server_id": "a", "hub": "b"},
        {"organization": "harbor", "name": "B", "edition": "store", "server_id": "b", "hub": "a"},
        {"organization": "harbor", "name": "C", "edition": "store", "server_id": "c", "hub": "z"},
    ]
    seed = {"organizations": [{"id": "harbor", "name": "Harbor"}], "devices": devices}
    found = pointers(create(site, name="own", seed=seed))
    assert "#/seed/devices/2/hub" in found
    assert any(pointer in found for pointer in ("#/seed/devices/0/hub", "#/seed/devices/1/hub"))
    problem(site.send("GET", f"{SANDBOXES}/own"), 404, "sandbox_unknown")


def test_a_seeded_sandbox_repeats_itself(site: Site) -> None:
    made = [members(create(site, name=name, random_seed="story 12"), 201) for name in ("one", "two")]
    assert made[0]["management_token"] == made[1]["management_token"]


def test_a_name_that_is_taken_is_a_conflict(site: Site) -> None:
    problem(create(site, name=QA), 409, "id_taken")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": "QA"}, "#/name"),
        ({"name": "x" * 64}, "#/name"),
        ({"name": ""}, "#/name"),
        ({"name": "a\n"}, "#/name"),
        ({"name": None}, "#/name"),
        ({"issuer": "http://127.0.0.1:8628/"}, "#/issuer"),
        ({"issuer": "http://127.0.0.1:8628/?a=b"}, "#/issuer"),
        ({"issuer": "http://127.0.0.1:99999"}, "#/issuer"),
        ({"issuer": "https://[::::]"}, "#/issuer"),
        ({"issuer": "127.0.0.1"}, "#/issuer"),
        ({"settings": "slow"}, "#/settings"),
        ({"settings": 5}, "#/settings"),
        ({"settings": {"alg": "none"}}, "#/settings/alg"),
        ({"settings": {"preset": "slow"}}, "#/settings/preset"),
        ({"seed": "nothing"}, "#/seed"),
        ({"seed": None}, "#/seed"),
        ({"seed": []}, "#/seed"),
        ({"clock": {"mode": "frozen", "now": "soon"}}, "#/clock/now"),
        ({"clock": {"mode": "real", "now": 0}}, "#/clock/now"),
        ({"clock": {"mode": "frozen", "offset": "P1D"}}, "#/clock/offset"),
        ({"clock": {"now": 0}}, "#/clock"),
        ({"clock": "frozen"}, "#/clock"),
        ({"random_seed": ""}, "#/random_seed"),
        ({"colour": "red"}, "#/colour"),
    ],
)  # fmt: skip
def test_a_sandbox_that_could_never_be_is_refused(site: Site, body: dict[str, Any], pointer: str) -> None:
    assert pointer in pointers(create(site, **body))


def test_an_http_issuer_needs_a_host_on_loopback_or_declared_for_development() -> None:
    site = a_site(server=Server(BASE_URL, hosts=frozenset({"authz.test"})))
    problem(create(site, issuer="http://authz.example/x"), 409, "issuer_not_allowed")
    for issuer in ("https://authz.example/x", "http://authz.test:80", "http://[::1]/x", "http://localhost:1"):
        assert members(create(site, issuer=issuer), 201)["issuer"] == issuer


def test_a_sandbox_answers_to_the_host_of_its_issuer(site: Site) -> None:
    members(create(site, name="own", issuer="https://authz.example/own"), 201)
    metadata = site.send("GET", "/s/own/jwks", headers={"host": "authz.example"})
    assert metadata.status_code == 200
    problem(site.at_issuer("GET", "/jwks", headers={"host": "authz.example"}), 421, "host_not_allowed")


def test_a_deleted_sandbox_is_gone_at_once(site: Site) -> None:
    assert members(site.send("DELETE", f"{SANDBOXES}/{QA}"), 200) == {"name": QA, "faults_never_struck": []}
    problem(site.at_issuer("GET", "/jwks"), 404, "sandbox_unknown")
    for method in ("GET", "DELETE"):
        problem(site.send(method, f"{SANDBOXES}/{QA}"), 404, "sandbox_unknown")


def test_the_default_sandbox_stays(site: Site) -> None:
    problem(site.send("DELETE", f"{SANDBOXES}/default"), 409, "default_sandbox")


# --- clocks ---


def test_a_clock_is_read_frozen_and_moved_both_ways(site: Site) -> None:
    assert members(site.send("GET", CLOCK), 200) == {
        "mode": "frozen",
        "now": NOW,
        "now_utc": "2027-01-15T08:00:00Z",
    }
    for now in (NOW + 10 * DAY, NOW - 10 * DAY):
        assert members(site.send("PUT", CLOCK, json={"mode": "frozen", "now": now}), 200)["now"] == now
        assert site.send("GET", f"/s/{QA}/jwks").headers["date"] == formatdate(now, usegmt=True)
    assert members(site.send("PUT", CLOCK, json={"mode": "frozen"}), 200)["now"] == NOW - 10 * DAY


def test_a_clock_with_an_offset_runs_ahead_of_the_real_one(site: Site) -> None:
    real = members(site.send("PUT", CLOCK, json={"mode": "real"}), 200)["now"]
    ahead = members(site.send("PUT", CLOCK, json={"mode": "offset", "offset": "P30D"}), 200)
    assert ahead["mode"] == "offset"
    assert 30 * DAY <= ahead["now"] - real <= 30 * DAY + 60
    behind = members(site.send("PUT", CLOCK, json={"mode": "offset", "offset": "-PT12H"}), 200)["now"]
    assert 30 * DAY + 43_200 - 60 <= ahead["now"] - behind <= 30 * DAY + 43_200


def test_a_clock_without_an_instant_runs_on_from_where_it_stood(site: Site) -> None:
    assert 0 <= members(site.send("PUT", CLOCK, json={"mode": "offset"}), 200)["now"] - NOW <= 60


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#"),
        ({"mode": "stopped"}, "#/mode"),
        ({"mode": None}, "#/mode"),
        ({"mode": "real", "now": 0}, "#/now"),
        ({"mode": "frozen", "offset": "P1D"}, "#/offset"),
        ({"mode": "offset", "now": 0, "offset": "P1D"}, "#/offset"),
        ({"mode": "offset", "offset": "30 days"}, "#/offset"),
        ({"mode": "offset", "offset": "P0.5D"}, "#/offset"),
        ({"mode": "offset", "offset": "P9999Y"}, "#/offset"),
        ({"mode": "offset", "offset": ""}, "#/offset"),
        ({"mode": "frozen", "now": "9000-01-01"}, "#/now"),
        ({"mode": "frozen", "now": "1969-12-31"}, "#/now"),
    ],
)  # fmt: skip
def test_a_clock_that_could_never_be_is_refused(site: Site, body: dict[str, Any], pointer: str) -> None:
    assert pointers(site.send("PUT", CLOCK, json=body)) == [pointer]
    assert members(site.send("GET", CLOCK), 200)["now"] == NOW


def test_advancing_says_what_fell_due_in_order(site: Site) -> None:
    body = {"renewal_at": NOW + 60 * DAY}
    members(site.manage("POST", f"/devices/{STORE_12}/renew", json=body), 200)
    codes = site.authorize()
    site.acquire()
    moved = members(site.send("POST", f"{CLOCK}/advance", json={"by": "P60D"}), 200)
    assert (moved["now"], moved["now_utc"]) == (NOW + 60 * DAY, "2027-03-16T08:00:00Z")
    assert [(event["type"], event["at"] - NOW) for event in moved["events"]] == [
        ("user_code_expired", 900),
        ("license_token_expired", 7 * DAY),
        ("license_renewal_due", 30 * DAY),
        ("license_lapsed", 60 * DAY),
    ]
    assert moved["events"][0]["user_code"] == codes["user_code"]


def test_advancing_to_an_instant_keeps_the_mode(site: Site) -> None:
    members(site.send("POST", f"{CLOCK}/advance", json={"to": "2027-03-01"}), 200)
    assert members(site.send("GET", CLOCK), 200)["mode"] == "frozen"
    members(site.send("PUT", CLOCK, json={"mode": "real"}), 200)
    members(site.send("POST", f"{CLOCK}/advance", json={"by": "PT1H"}), 200)
    assert members(site.send("GET", CLOCK), 200)["mode"] == "offset"


def test_advance_does_not_go_back(site: Site) -> None:
    problem(site.send("POST", f"{CLOCK}/advance", json={"to": NOW - 1}), 409, "instant_passed")
    assert members(site.send("POST", f"{CLOCK}/advance", json={"to": NOW}), 200)["events"] == []
    assert pointers(site.send("POST", f"{CLOCK}/advance", json={"by": "-P1D"})) == ["#/by"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#"),
        ({"by": "P1D", "to": NOW}, "#"),
        ({"by": "a day"}, "#/by"),
        ({"by": 86400}, "#/by"),
        ({"by": "P8000Y"}, "#/by"),
        ({"to": "soon"}, "#/to"),
        ({"to": None}, "#/to"),
        ({"by": "P1D", "mode": "real"}, "#/mode"),
    ],
)
def test_an_advance_that_could_never_be_is_refused(site: Site, body: dict[str, Any], pointer: str) -> None:
    assert pointers(site.send("POST", f"{CLOCK}/advance", json=body)) == [pointer]


@pytest.mark.parametrize(("method", "below"), [("GET", ""), ("PUT", ""), ("POST", "/advance")])
def test_an_unknown_sandbox_has_no_clock(site: Site, method: str, below: str) -> None:
    body = {"mode": "real"} if method == "PUT" else {"by": "P1D"} if method == "POST" else None
    response = site.send(method, f"{SANDBOXES}/nowhere/clock{below}", json=body)
    problem(response, 404, "sandbox_unknown")


# --- the edge ---


def test_a_control_token_is_asked_for_if_there_is_one() -> None:
    site = a_site(server=Server(BASE_URL, control_token="let me in"))
    for headers in ({}, bearer("wrong"), bearer(site.sandbox.management_token)):
        response = site.send("GET", SANDBOXES, headers=headers)
        problem(response, 401, "unauthorized")
        assert ("error=" in response.headers["www-authenticate"]) is bool(headers)
    items(site.send("GET", SANDBOXES, headers=bearer("let me in")))


def test_from_another_machine_control_needs_a_token() -> None:
    site = a_site()
    site.address = ("192.0.2.7", 40000)
    problem(site.send("GET", SANDBOXES), 403, "control_not_allowed")
    guarded = a_site(server=Server(BASE_URL, control_token="let me in"))
    guarded.address = ("192.0.2.7", 40000)
    items(guarded.send("GET", SANDBOXES, headers=bearer("let me in")))


@pytest.mark.parametrize("foreign", ["cross-site", "same-site"])
def test_a_page_of_another_site_changes_nothing(site: Site, foreign: str) -> None:
    answer = site.send("POST", SANDBOXES, headers={"sec-fetch-site": foreign})
    problem(answer, 403, "control_not_allowed")
    assert site.send("POST", SANDBOXES, headers={"sec-fetch-site": "same-origin"}).status_code == 201
    assert site.send("POST", SANDBOXES).status_code == 201


@pytest.mark.parametrize("foreign", ["https://evil.example", "http://127.0.0.1:9999", "null"])
@pytest.mark.parametrize("body", [{}, {"json": {"name": "own"}}], ids=["without a body", "with a body"])
def test_a_page_of_a_foreign_origin_changes_nothing_in_a_browser_that_says_no_more(
    site: Site, foreign: str, body: dict[str, Any]
) -> None:
    before = items(site.send("GET", SANDBOXES, headers={"origin": foreign}))
    problem(site.send("POST", SANDBOXES, headers={"origin": foreign}, **body), 403, "control_not_allowed")
    problem(site.send("DELETE", f"{SANDBOXES}/{QA}", headers={"origin": foreign}), 403, "control_not_allowed")
    assert items(site.send("GET", SANDBOXES)) == before
    assert site.send("POST", SANDBOXES, headers={"origin": BASE_URL}, **body).status_code == 201


def test_our_own_origin_is_the_name_by_which_the_server_was_reached(site: Site) -> None:
    by_name = {"host": "localhost:8628", "origin": "http://localhost:8628"}
    assert site.send("POST", SANDBOXES, headers=by_name).status_code == 201


def test_who_proves_the_control_token_may_come_from_any_origin() -> None:
    site = a_site(server=Server(BASE_URL, control_token="let me in"))
    headers = {**bearer("let me in"), "origin": "https://dashboard.example"}
    assert site.send("POST", SANDBOXES, headers=headers).status_code == 201


def test_a_foreign_host_is_refused(site: Site) -> None:
    problem(site.send("GET", SANDBOXES, headers={"host": "evil.example"}), 421, "host_not_allowed")
    problem(site.send("GET", SANDBOXES, headers={"host": "["}), 421, "host_not_allowed")


def test_a_form_is_refused(site: Site) -> None:
    problem(site.send("POST", SANDBOXES, data={"name": "own"}), 415, "unsupported_media_type")
    problem(
        site.send("PUT", CLOCK, content=b"", headers={"content-type": "text/plain"}),
        415,
        "unsupported_media_type",
    )


def test_broken_json_and_unknown_queries_are_refused(site: Site) -> None:
    headers = {"content-type": "application/json"}
    problem(site.send("POST", SANDBOXES, content=b"{", headers=headers), 400, "bad_request")
    problem(site.send("PUT", CLOCK), 400, "bad_request")
    problem(site.send("GET", f"{SANDBOXES}?name=qa"), 400, "bad_request")
    problem(site.send("DELETE", f"{SANDBOXES}/{QA}", content=b"{}", headers=headers), 400, "bad_request")


def test_other_methods_and_paths_are_refused(site: Site) -> None:
    response = site.send("PATCH", CLOCK, json={})
    problem(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "GET, PUT, HEAD"
    problem(site.send("GET", "/_control/nothing"), 404, "not_found")


def test_a_body_may_have_sixteen_mebibytes(site: Site) -> None:
    headers = {"content-type": "application/json"}
    largest = b'{"name": "own"}'.ljust(16 * 1024 * 1024)
    members(site.send("POST", SANDBOXES, content=largest, headers=headers), 201)
    problem(site.send("POST", SANDBOXES, content=largest + b" ", headers=headers), 413, "content_too_large")
