"""Scripted humans over HTTP: approve, deny and ignore, at once, at a poll, at an instant."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import MINUTE, NOW, STORE_12
from tests.web.asking import PATH, advance, ask, human, journal, script
from tests.web.site import Site, items, members, pointers, problem


def error(site: Site, codes: dict[str, Any]) -> str:
    return str(members(site.poll(codes["device_code"]), 400)["error"])


# --- approve, deny, ignore: at once, at a poll, at an instant ---


def test_who_approves_at_once_lets_the_first_poll_through(site: Site) -> None:
    made = script(site, act="approve", server_id=STORE_12)
    codes = site.authorize()
    assert members(site.poll(codes["device_code"]), 200)["token_type"] == "Bearer"
    assert human(site, made) == {**made, "user_code": codes["user_code"], "acted_at": NOW}


def test_who_denies_at_once_lets_the_first_poll_be_denied(site: Site) -> None:
    script(site, act="deny")
    assert error(site, site.authorize()) == "access_denied"


def test_who_ignores_lets_the_code_run_out(site: Site) -> None:
    script(site, act="ignore")
    codes = site.authorize()
    assert error(site, codes) == "authorization_pending"
    advance(site, by="PT15M")
    assert error(site, codes) == "expired_token"


@pytest.mark.parametrize(("act", "status"), [("approve", 200), ("deny", 400), ("ignore", 400)])
def test_who_decides_at_a_poll_does_so_before_its_answer(site: Site, act: str, status: int) -> None:
    made = script(site, act=act, after_polls=2)
    codes = site.authorize()
    assert error(site, codes) == "authorization_pending"
    assert human(site, made)["acted_at"] is None
    advance(site, by="PT5S")
    assert site.poll(codes["device_code"]).status_code == status
    assert human(site, made)["acted_at"] == NOW + 5


@pytest.mark.parametrize(("act", "after"), [("approve", None), ("deny", "access_denied"), ("ignore", "authorization_pending")])  # fmt: skip
@pytest.mark.parametrize("seconds", [-1, 0, 1])
def test_who_decides_at_an_instant_does_so_from_then_on(
    site: Site, act: str, after: str | None, seconds: int
) -> None:
    script(site, act=act, at=NOW + MINUTE)
    codes = site.authorize()
    advance(site, to=NOW + MINUTE + seconds)
    answer = members(site.poll(codes["device_code"]), 400 if seconds < 0 or after else 200)
    assert answer.get("error") == ("authorization_pending" if seconds < 0 else after)


# --- which code ---


def test_a_code_that_is_pending_is_taken_on(site: Site) -> None:
    codes = site.authorize()
    made = script(site, act="approve")
    assert (made["user_code"], made["acted_at"]) == (codes["user_code"], NOW)
    assert site.poll(codes["device_code"]).status_code == 200


def test_the_next_code_is_taken_on_and_the_one_after_is_not(site: Site) -> None:
    made = script(site, act="deny")
    assert made["user_code"] is None
    first, second = site.authorize(), site.authorize()
    assert human(site, made)["user_code"] == first["user_code"]
    assert [error(site, codes) for codes in (first, second)] == ["access_denied", "authorization_pending"]


def test_a_human_waits_for_the_code_of_its_client(site: Site) -> None:
    made = script(site, act="deny", client_id="register")
    site.authorize()
    codes = site.authorize(client_id="register")
    assert human(site, made)["user_code"] == codes["user_code"]


# --- told ---


def test_advancing_tells_what_humans_did_among_what_fell_due(site: Site) -> None:
    codes = site.authorize()
    script(site, act="approve", server_id=STORE_12, at=NOW + MINUTE)
    response = ask(site, "POST", "/clock/advance", json={"to": "next_event"})
    approved, acted = members(response, 200)["events"]
    assert approved == {
        "at": NOW + MINUTE,
        "type": "user_code_approved",
        "user_code": codes["user_code"],
        "server_id": STORE_12,
        "administrator": "dana",
    }
    assert (acted["at"], acted["type"], acted["user_code"]) == (
        NOW + MINUTE,
        "human_acted",
        codes["user_code"],
    )
    assert advance(site, to="next_event") == [(NOW + 15 * MINUTE, "user_code_expired")]


def test_a_refused_decision_is_journalled_with_its_reason(site: Site) -> None:
    members(site.manage("POST", f"/devices/{STORE_12}/disable"), 200)
    made = script(site, act="approve", server_id=STORE_12)
    codes = site.authorize()
    assert human(site, made)["refusal"] == "Store 12 is disabled."
    (entry,) = journal(site, "?type=human_acted")
    assert entry["subject"] == {
        "human_id": made["human_id"],
        "act": "approve",
        "user_code": codes["user_code"],
        "refusal": "Store 12 is disabled.",
    }


def test_who_has_decided_does_not_do_so_again_when_the_clock_goes_back(site: Site) -> None:
    site.authorize()
    script(site, act="deny", at=NOW + MINUTE)
    advance(site, by="PT2M")
    back = members(ask(site, "PUT", "/clock", json={"mode": "frozen", "now": NOW}), 200)
    assert back["events"] == []
    assert advance(site, by="PT2M") == []
    assert len(journal(site, "?type=human_acted")) == 1


# --- the API ---


def test_humans_are_listed_in_order_of_creation_those_who_have_acted_too(site: Site) -> None:
    made = [script(site, act=act) for act in ("deny", "approve")]
    site.authorize()
    listed = items(ask(site, "GET", "/humans"))
    assert [one["human_id"] for one in listed] == [one["human_id"] for one in made]
    assert [one["acted_at"] for one in listed] == [NOW, None]


def test_a_human_lies_where_its_creation_says_until_it_is_taken_back(site: Site) -> None:
    response = ask(site, "POST", "/humans", json={"act": "approve"})
    made = members(response, 201)
    location = response.headers["location"]
    assert members(site.send("GET", location), 200) == made
    assert site.send("DELETE", location).status_code == 204
    for method in ("GET", "DELETE"):
        problem(site.send(method, location), 404, "not_found")
    assert error(site, site.authorize()) == "authorization_pending"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#"),
        ({"act": "shrug"}, "#/act"),
        ({"act": "approve", "after_polls": 0}, "#/after_polls"),
        ({"act": "approve", "after_polls": 1_000_001}, "#/after_polls"),
        ({"act": "approve", "at": "soon"}, "#/at"),
        ({"act": "approve", "after_polls": 1, "at": 0}, "#"),
        ({"act": "approve", "client_id": ""}, "#/client_id"),
        ({"act": "approve", "administrator": "a b"}, "#/administrator"),
        ({"act": "approve", "device": STORE_12}, "#/device"),
    ],
)
def test_a_script_that_could_never_be_is_refused(site: Site, body: dict[str, Any], pointer: str) -> None:
    assert pointers(ask(site, "POST", "/humans", json=body)) == [pointer]
    assert items(ask(site, "GET", "/humans")) == []


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ({"server_id": "nowhere"}, "device_unknown"),
        ({"client_id": "nobody"}, "client_unknown"),
        ({"administrator": "nobody"}, "administrator_unknown"),
    ],
)
def test_a_script_that_names_what_is_not_there_is_refused(
    site: Site, named: dict[str, str], reason: str
) -> None:
    problem(ask(site, "POST", "/humans", json={"act": "approve", **named}), 409, reason)


def test_an_unknown_sandbox_has_no_humans(site: Site) -> None:
    problem(site.send("GET", PATH.replace("qa", "nowhere") + "/humans"), 404, "sandbox_unknown")
