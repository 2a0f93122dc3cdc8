"""Snapshots, forks, whole files and short lives, over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mock_authz.app import Server
from mock_authz.clock import real_now
from mock_authz.usecases import control
from tests.factories import DAY, NOW, QA, STORE_12
from tests.web.asking import PATH, advance, ask, declare, journal, script
from tests.web.site import BASE_URL, Site, a_site, items, members, pointers, problem

SANDBOXES = "/_control/sandboxes"
IMPORT = "/_control/import"


def story(site: Site) -> list[str]:
    """Go on from here, and give every secret that comes of it."""
    script(site, act="approve", server_id=STORE_12)
    codes = site.authorize()
    tokens = members(site.poll(codes["device_code"]), 200)
    refreshed = members(site.refresh(tokens["refresh_token"]), 200)
    secrets = (codes["device_code"], codes["user_code"], *(t["access_token"] for t in (tokens, refreshed)))
    return [*secrets, refreshed["refresh_token"]]


def take(site: Site, name: str = "before") -> None:
    assert members(ask(site, "POST", "/snapshots", json={"name": name}), 201) == {"name": name}


def restore(site: Site, name: str = "before") -> dict[str, Any]:
    response = ask(site, "POST", f"/snapshots/{name}/restore")
    assert response.headers["cache-control"] == "no-store"
    return members(response, 200)


def exported(site: Site) -> dict[str, Any]:
    response = ask(site, "GET", "/export")
    assert response.headers["cache-control"] == "no-store"
    return members(response, 200)


# --- snapshots ---


def test_a_restored_sandbox_repeats_itself_byte_for_byte(site: Site) -> None:
    site.acquire(server_id="head-office")
    declare(site, "latency", latency_milliseconds=1, probability=0.5)
    take(site)
    first, said = story(site), journal(site)
    restore(site)
    assert story(site) == first
    told = [{**entry, "sequence": 0} for entry in journal(site)]
    restored = told.pop(next(i for i, entry in enumerate(told) if entry.get("type") == "sandbox_changed"))
    assert told == [{**entry, "sequence": 0} for entry in said]
    assert restored["subject"] == {"change": "restored", "snapshot": "before"}


def test_clock_settings_humans_faults_and_quirks_are_put_back(site: Site) -> None:
    take(site)
    before = members(ask(site, "GET"), 200)
    advance(site, by="P1D")
    members(site.manage("PATCH", "/settings", json={"code_seconds": 1}), 200)
    script(site, act="deny")
    declare(site, "status")
    members(ask(site, "PUT", "/quirks", json={"quirks": ["slow_down_does_not_grow"]}), 200)
    assert restore(site) == before
    assert items(ask(site, "GET", "/humans")) == items(ask(site, "GET", "/faults")) == []
    assert members(ask(site, "GET", "/quirks"), 200) == {"quirks": []}


def test_snapshots_are_listed_oldest_first_and_forgotten_one_by_one(site: Site) -> None:
    for name in ("b", "a"):
        take(site, name)
    assert items(ask(site, "GET", "/snapshots")) == [{"name": "b"}, {"name": "a"}]
    assert members(ask(site, "GET", "/snapshots/b"), 200) == {"name": "b"}
    assert ask(site, "DELETE", "/snapshots/b").status_code == 204
    for method, below in (("GET", ""), ("DELETE", ""), ("POST", "/restore")):
        problem(ask(site, method, f"/snapshots/b{below}"), 404, "not_found")
    assert [one["name"] for one in items(site.send("GET", SANDBOXES))] == ["default", QA]


def test_a_snapshot_without_a_name_is_given_one(site: Site) -> None:
    response = ask(site, "POST", "/snapshots")
    made = members(response, 201)
    assert members(site.send("GET", response.headers["location"]), 200) == made


def test_a_snapshot_s_name_is_taken_once(site: Site) -> None:
    take(site)
    problem(ask(site, "POST", "/snapshots", json={"name": "before"}), 409, "id_taken")
    assert pointers(ask(site, "POST", "/snapshots", json={"name": "B"})) == ["#/name"]


def test_a_snapshot_is_no_sandbox(site: Site) -> None:
    take(site)
    for path in (f"{SANDBOXES}/{QA}@before", f"{SANDBOXES}/{QA}%40before", f"/s/{QA}@before/jwks"):
        problem(site.send("GET", path), 404, "sandbox_unknown")


# --- forks ---


def test_a_fork_goes_on_from_where_its_original_stands(site: Site) -> None:
    tokens = site.acquire()
    response = ask(site, "POST", "/fork", json={"name": "other"})
    made = members(response, 201)
    original = members(ask(site, "GET"), 200)
    assert made == {
        **original,
        "name": "other",
        "issuer": f"{BASE_URL}/s/other",
        "created_at_real": made["created_at_real"],
    }
    assert response.headers["location"] == f"{SANDBOXES}/other"
    form = {
        "grant_type": "refresh_token",
        "client_id": "pos-server",
        "refresh_token": tokens["refresh_token"],
    }
    answers = [members(site.send("POST", f"/s/{name}/token", data=form), 200) for name in ("other", QA)]
    assert answers[0]["refresh_token"] == answers[1]["refresh_token"]
    assert answers[0]["access_token"] != answers[1]["access_token"]


def test_a_fork_of_the_same_issuer_gives_the_same_tokens(site: Site) -> None:
    issuer = f"{BASE_URL}/s/{QA}"
    members(ask(site, "POST", "/fork", json={"name": "other", "issuer": issuer}), 201)
    own = story(site)
    script_body = {"act": "approve", "server_id": STORE_12}
    members(site.send("POST", f"{SANDBOXES}/other/humans", json=script_body), 201)
    codes = members(site.send("POST", "/s/other/device_authorization", data={"client_id": "pos-server"}), 200)
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "client_id": "pos-server",
        "device_code": codes["device_code"],
    }
    tokens = members(site.send("POST", "/s/other/token", data=form), 200)
    assert [codes["device_code"], codes["user_code"], tokens["access_token"]] == own[:3]


def test_a_fork_needs_nothing_said_and_lives_as_long_as_is_said(site: Site) -> None:
    unnamed = members(ask(site, "POST", "/fork"), 201)
    assert unnamed["expires_at_real"] is None
    brief = members(ask(site, "POST", "/fork", json={"lives_seconds": 60}), 201)
    assert brief["expires_at_real"] == brief["created_at_real"] + 60


def test_a_fork_is_refused_as_a_creation_is(site: Site) -> None:
    problem(ask(site, "POST", "/fork", json={"name": QA}), 409, "id_taken")
    problem(ask(site, "POST", "/fork", json={"issuer": "http://authz.example/x"}), 409, "issuer_not_allowed")
    assert pointers(ask(site, "POST", "/fork", json={"name": "", "lives_seconds": 0})) == [
        "#/name",
        "#/lives_seconds",
    ]


# --- one file ---


def test_another_server_loads_the_file_and_goes_on_byte_for_byte(site: Site) -> None:
    site.acquire(server_id="head-office")
    file = json.loads(ask(site, "GET", "/export").content)
    own, said = story(site), journal(site)
    other = a_site(server=Server(BASE_URL))
    members(other.send("DELETE", PATH), 200)
    response = other.send("POST", IMPORT, json=file)
    assert members(response, 201)["issuer"] == f"{BASE_URL}/s/{QA}"
    assert response.headers["location"] == PATH
    assert story(other) == own
    assert journal(other) == said


def test_a_file_is_loaded_under_another_name_and_issuer(site: Site) -> None:
    query = f"?name=bug-12&issuer={BASE_URL}/s/bug-12"
    made = members(site.send("POST", IMPORT + query, json=exported(site)), 201)
    assert (made["name"], made["issuer"]) == ("bug-12", f"{BASE_URL}/s/bug-12")
    assert site.send("GET", "/s/bug-12/jwks").status_code == 200


def test_a_file_is_refused_as_a_creation_is(site: Site) -> None:
    file = exported(site)
    problem(site.send("POST", IMPORT, json=file), 409, "id_taken")
    issuer = "http://authz.example/x"
    problem(site.send("POST", f"{IMPORT}?name=b&issuer={issuer}", json=file), 409, "issuer_not_allowed")
    for query in ("?name=B", f"?issuer={BASE_URL}/", "?colour=red"):
        problem(site.send("POST", IMPORT + query, json=file), 400, "bad_request")


@pytest.mark.parametrize(
    ("damage", "pointer"),
    [
        ({"name": "QA"}, "#/sandbox/name"),
        ({"name": "qa@x"}, "#/sandbox/name"),
        ({"issuer": "nowhere"}, "#/sandbox/issuer"),
        ({"issuer": "http://127.0.0.1:99999"}, "#/sandbox/issuer"),
        ({"quirks": ["slow_down_does_not_grow", "none"]}, "#/sandbox/quirks/1"),
        ({"colour": "red"}, "#"),
    ],
)
def test_a_file_that_could_never_be_loaded_is_refused(
    site: Site, damage: dict[str, Any], pointer: str
) -> None:
    file = exported(site)
    file["sandbox"].update(damage)
    assert pointers(site.send("POST", IMPORT, json=file)) == [pointer]


def test_what_is_no_file_is_refused(site: Site) -> None:
    assert pointers(site.send("POST", IMPORT, json={})) == ["#"]
    problem(site.send("POST", IMPORT), 400, "bad_request")


def test_a_file_may_have_sixty_four_mebibytes(site: Site) -> None:
    headers = {"content-type": "application/json"}
    largest = json.dumps(exported(site)).encode().ljust(64 * 1024 * 1024)
    members(site.send("POST", f"{IMPORT}?name=b", content=largest, headers=headers), 201)
    response = site.send("POST", f"{IMPORT}?name=c", content=largest + b" ", headers=headers)
    problem(response, 413, "content_too_large")


def test_a_name_or_an_issuer_that_is_said_goes_before_a_wrong_one(site: Site) -> None:
    file = exported(site)
    file["sandbox"].update(name="QA", issuer="nowhere")
    query = f"?name=good&issuer={BASE_URL}/s/good"
    assert members(site.send("POST", IMPORT + query, json=file), 201)["name"] == "good"


# --- lives ---


@pytest.mark.parametrize(("seconds", "status"), [(61, 404), (60, 404), (30, 200)])
def test_a_sandbox_is_gone_when_its_life_is_over(site: Site, seconds: int, status: int) -> None:
    control.create_sandbox(
        site.server.store,
        name="brief",
        issuer=f"{BASE_URL}/s/brief",
        real_at=real_now() - seconds,
        lives_seconds=60,
    )
    assert site.send("GET", f"{SANDBOXES}/brief").status_code == status
    assert site.send("GET", "/s/brief/jwks").status_code == status
    listed = [one["name"] for one in items(site.send("GET", SANDBOXES))]
    assert ("brief" in listed) is (status == 200)
    members(site.send("POST", SANDBOXES), 201)
    assert ("brief" in site.server.store.sandboxes()) is (status == 200)


@pytest.mark.parametrize("way", ["created", "forked", "imported"])
def test_the_name_of_a_sandbox_whose_life_is_over_is_free(site: Site, way: str) -> None:
    file = exported(site)
    control.create_sandbox(
        site.server.store, name="brief", issuer=BASE_URL, real_at=real_now() - 1, lives_seconds=1
    )
    response = {
        "created": lambda: site.send("POST", SANDBOXES, json={"name": "brief"}),
        "forked": lambda: ask(site, "POST", "/fork", json={"name": "brief"}),
        "imported": lambda: site.send("POST", f"{IMPORT}?name=brief", json=file),
    }[way]()
    assert members(response, 201)["name"] == "brief"


def test_a_sandbox_says_how_long_it_lives(site: Site) -> None:
    made = members(site.send("POST", SANDBOXES, json={"lives_seconds": 3600}), 201)
    assert made["expires_at_real"] == made["created_at_real"] + 3600
    assert members(site.send("POST", SANDBOXES, json={"lives_seconds": None}), 201)["expires_at_real"] is None
    for wrong in (0, 31_622_401, 1.5, "1h"):
        assert pointers(site.send("POST", SANDBOXES, json={"lives_seconds": wrong})) == ["#/lives_seconds"]
    members(site.send("POST", SANDBOXES, json={"lives_seconds": 31_622_400}), 201)


# --- quirks ---


def test_quirks_are_listed_given_and_taken_back(site: Site) -> None:
    listed = items(site.send("GET", "/_control/quirks"))
    assert "slow_down_does_not_grow" in [quirk["name"] for quirk in listed]
    given = {"quirks": ["slow_down_does_not_grow"]}
    assert members(ask(site, "PUT", "/quirks", json=given), 200) == given
    assert members(ask(site, "GET", "/quirks"), 200) == given
    codes = site.authorize()
    for _ in range(3):
        site.poll(codes["device_code"])
    shown = members(site.manage("GET", f"/authorizations/{codes['user_code']}"), 200)
    assert shown["interval"] == 5
    assert members(ask(site, "PUT", "/quirks", json={"quirks": []}), 200) == {"quirks": []}
    site.poll(codes["device_code"])
    assert members(site.manage("GET", f"/authorizations/{codes['user_code']}"), 200)["interval"] == 10


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#"),
        ({"quirks": ["none"]}, "#/quirks/0"),
        ({"quirks": ["slow_down_does_not_grow"] * 2}, "#/quirks/1"),
        ({"quirks": [1]}, "#/quirks/0"),
    ],
)
def test_quirks_that_there_are_not_are_refused(site: Site, body: dict[str, Any], pointer: str) -> None:
    assert pointers(ask(site, "PUT", "/quirks", json=body)) == [pointer]


# --- advance to the next event ---


def test_the_clock_advances_from_event_to_event_until_there_is_none(site: Site) -> None:
    site.authorize()
    assert advance(site, to="next_event") == [(NOW + 900, "user_code_expired")]
    problem(ask(site, "POST", "/clock/advance", json={"to": "next_event"}), 409, "no_next_event")


def test_setting_the_clock_tells_what_fell_due_as_an_advance_does(site: Site) -> None:
    site.authorize()
    moved = members(ask(site, "PUT", "/clock", json={"mode": "frozen", "now": NOW + DAY}), 200)
    assert [event["type"] for event in moved["events"]] == ["user_code_expired"]
    assert members(site.send("GET", "/_control/sandboxes/qa"), 200)["clock"]["now"] == NOW + DAY
