"""The journal over HTTP: read, awaited, exported. How it is followed is in test_bench_stream.py."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from mock_authz import __version__
from mock_authz.clock import real_now
from mock_authz.usecases import control
from tests.factories import DAY, NOW, QA, STORE_12
from tests.web.asking import PATH, advance, ask, journal, script, wait
from tests.web.site import BASE_URL, Site, bearer, members, pointers, problem

NAME_VALUES: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["name", "value"],
        "properties": {"name": {"type": "string"}, "value": {"type": "string"}},
    },
}
# HAR 1.2 (softwareishard.com/blog/har-12-spec): the members that it asks for, by our own reading.
MESSAGE: dict[str, Any] = {
    "httpVersion": {"type": "string", "minLength": 1},
    "cookies": NAME_VALUES,
    "headers": NAME_VALUES,
    "headersSize": {"type": "integer", "minimum": -1},
    "bodySize": {"type": "integer", "minimum": -1},
}
REQUEST: dict[str, Any] = {
    "type": "object",
    "required": ["method", "url", "queryString", *MESSAGE],
    "properties": {
        **MESSAGE,
        "method": {"type": "string"},
        "url": {"type": "string", "pattern": "^https?://"},
        "queryString": NAME_VALUES,
        "postData": {
            "type": "object",
            "required": ["mimeType"],
            "oneOf": [{"required": ["params"]}, {"required": ["text"]}],
            "properties": {"params": NAME_VALUES},
        },
    },
}
RESPONSE: dict[str, Any] = {
    "type": "object",
    "required": ["status", "statusText", "content", "redirectURL", *MESSAGE],
    "properties": {
        **MESSAGE,
        "status": {"type": "integer"},
        "content": {
            "type": "object",
            "required": ["size", "mimeType"],
            "properties": {"size": {"type": "integer"}, "mimeType": {"type": "string"}},
        },
    },
}
HAR_ENTRY: dict[str, Any] = {
    "type": "object",
    "required": ["startedDateTime", "time", "request", "response", "cache", "timings"],
    "properties": {
        "request": REQUEST,
        "response": RESPONSE,
        "timings": {"required": ["send", "wait", "receive"]},
    },
}


def sequences(entries: list[dict[str, Any]]) -> list[int]:
    return [entry["sequence"] for entry in entries]


# --- read ---


def test_events_and_exchanges_stand_in_one_order_that_counts_from_one(site: Site) -> None:
    codes = site.authorize()
    issued, exchange = journal(site)
    assert issued == {
        "sequence": 1,
        "kind": "event",
        "type": "device_authorization_issued",
        "at": NOW,
        "subject": {"user_code": codes["user_code"], "client_id": "pos-server"},
    }
    assert (exchange["sequence"], exchange["kind"], exchange["step"]) == (
        2,
        "exchange",
        "device_authorization",
    )
    assert (exchange["method"], exchange["path"], exchange["status"]) == (
        "POST",
        "/device_authorization",
        200,
    )
    assert exchange["response"]["user_code"] == codes["user_code"]


def test_the_journal_is_filtered_by_sequence_kind_type_and_step(site: Site) -> None:
    site.acquire()
    whole = journal(site)
    assert sequences(whole) == list(range(1, len(whole) + 1))
    assert journal(site, "?after=2") == whole[2:]
    assert journal(site, f"?after={len(whole)}") == []
    assert journal(site, "?after=0") == whole
    assert journal(site, "?kind=event") == [entry for entry in whole if entry["kind"] == "event"]
    assert [entry["type"] for entry in journal(site, "?type=license_issued")] == ["license_issued"]
    assert [entry["status"] for entry in journal(site, "?step=token:device_code")] == [200]
    assert journal(site, "?kind=event&step=token:device_code") == []


def test_at_most_so_many_entries_are_the_latest(site: Site) -> None:
    site.acquire()
    whole = journal(site)
    assert journal(site, "?limit=0") == []
    assert journal(site, "?limit=1") == whole[-1:]
    assert journal(site, f"?limit={len(whole)}") == journal(site, f"?limit={len(whole) + 1}") == whole
    assert journal(site, "?after=1&limit=2") == whole[-2:]


@pytest.mark.parametrize(
    "query",
    ["after=-1", "after=x", "after=1000000000000", "limit=", "kind=events", "type=license_isued", "type=human_due",
     "step=tokens", "colour=red", "after=1&after=2"],
)  # fmt: skip
def test_a_query_that_could_never_match_is_refused(site: Site, query: str) -> None:
    problem(ask(site, "GET", f"/journal?{query}"), 400, "bad_request")


def test_what_fell_due_is_in_the_journal_that_is_read(site: Site) -> None:
    site.authorize()
    advance(site, by="P1D")
    moved, expired = journal(site)[-2:]
    assert (moved["type"], expired["type"]) == ("clock_moved", "user_code_expired")
    assert moved["subject"] == {"from": NOW, "to": NOW + DAY, "mode": "frozen"}


# --- no secrets ---


def secrets(site: Site) -> list[str]:
    """Walk through everything that carries a credential, and give them all."""
    codes = site.authorize()
    members(site.approve(codes["user_code"]), 200)
    first = members(site.poll(codes["device_code"]), 200)
    second = members(site.refresh(first["refresh_token"]), 200)
    held = bearer(second["access_token"])
    form = {
        "token": first["refresh_token"],
        "client_secret": "swordfish",
        "refesh_token": second["refresh_token"],
    }
    site.at_issuer("POST", "/introspect", headers=held, data=form)
    site.at_issuer("GET", "/license", headers=held)
    site.at_issuer("POST", "/revoke", data={"client_id": "pos-server", **form})
    own = [site.sandbox.management_token, codes["device_code"], "swordfish"]
    return own + [tokens[name] for tokens in (first, second) for name in ("access_token", "refresh_token")]


def test_no_secret_is_in_the_journal_nor_in_what_is_made_of_it(site: Site) -> None:
    hidden = secrets(site)
    shown = [
        ask(site, "GET", "/journal").text,
        ask(site, "GET", "/journal/har").text,
        ask(site, "POST", "/journal/wait", json={"match": {}}).text,
        ask(site, "POST", "/journal/wait", json={"match": {"kind": "none"}}).text,
    ]
    assert [secret for secret in hidden for text in shown if secret in text] == []
    assert all("fingerprint:" in text for text in shown[:3])


def test_a_fingerprint_tells_two_secrets_apart_and_one_by_the_same(site: Site) -> None:
    codes, other = site.authorize(), site.authorize()
    for one in (codes, codes, other):
        site.poll(one["device_code"])
    issued, *_ = (entry["response"]["device_code"] for entry in journal(site, "?step=device_authorization"))
    polled = [entry["request"]["device_code"] for entry in journal(site, "?step=token:device_code")]
    assert polled[0] == polled[1] == issued
    assert polled[2] != issued


# --- awaited ---


def test_what_has_happened_is_found_at_once(site: Site) -> None:
    site.acquire()
    found = wait(site, {"type": "license_issued", "subject.server_id": STORE_12})
    assert found["matched"] is True
    assert found["nearest"] == []
    assert [entry["type"] for entry in found["entries"]] == ["license_issued"]


def test_all_that_match_are_given_also_more_than_were_wanted(site: Site) -> None:
    for _ in range(3):
        site.authorize()
    assert len(wait(site, {"step": "device_authorization"}, count=2)["entries"]) == 3
    short = wait(site, {"step": "device_authorization"}, count=4)
    assert (short["matched"], len(short["entries"])) == (False, 3)


def test_only_what_is_later_counts(site: Site) -> None:
    site.authorize()
    assert wait(site, {"step": "device_authorization"}, after=1)["matched"]
    assert not wait(site, {"step": "device_authorization"}, after=2)["matched"]


def test_the_nearest_misses_say_where_they_differ_latest_first(site: Site) -> None:
    site.acquire()
    site.acquire(server_id="head-office")
    missed = wait(
        site, {"type": "license_issued", "subject.server_id": "till-1", "subject.client_id": "pos-server"}
    )
    assert (missed["matched"], missed["entries"]) == (False, [])
    assert [miss["differs"] for miss in missed["nearest"]] == [
        {"subject.server_id": {"wanted": "till-1", "found": "head-office"}},
        {"subject.server_id": {"wanted": "till-1", "found": STORE_12}},
        {
            "type": {"wanted": "license_issued", "found": "device_authorization_issued"},
            "subject.server_id": {"wanted": "till-1", "found": None},
        },
    ]


def test_a_wait_takes_its_time_and_no_longer(site: Site) -> None:
    began = time.perf_counter()
    assert not wait(site, {"type": "license_issued"}, timeout_seconds=0.2)["matched"]
    assert 0.2 <= time.perf_counter() - began < 5


def test_a_wait_ends_when_what_is_awaited_comes(site: Site) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait, site, {"step": "device_authorization"}, timeout_seconds=60)
        site.authorize()
        assert waiting.result(30)["matched"]


def test_a_scripted_human_acts_while_the_journal_is_awaited(site: Site) -> None:
    now = members(ask(site, "PUT", "/clock", json={"mode": "real"}), 200)["now"]
    site.authorize()
    script(site, act="deny", at=now + 2)
    assert wait(site, {"type": "human_acted"}, timeout_seconds=60)["matched"]


def test_a_wait_for_a_sandbox_that_goes_is_told_so(site: Site) -> None:
    control.create_sandbox(
        site.server.store, name="brief", issuer=BASE_URL, real_at=real_now(), lives_seconds=1
    )
    body = {"match": {"type": "license_issued"}, "timeout_seconds": 60}
    problem(site.send("POST", PATH.replace(QA, "brief") + "/journal/wait", json=body), 404, "sandbox_unknown")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#"),
        ({"match": []}, "#/match"),
        ({"match": {}, "count": 0}, "#/count"),
        ({"match": {}, "count": 20_001}, "#/count"),
        ({"match": {}, "timeout_seconds": -1}, "#/timeout_seconds"),
        ({"match": {}, "timeout_seconds": 60.1}, "#/timeout_seconds"),
        ({"match": {}, "after": -1}, "#/after"),
        ({"match": {}, "type": "license_issued"}, "#/type"),
    ],
)
def test_a_wait_that_could_never_end_is_refused(site: Site, body: dict[str, Any], pointer: str) -> None:
    assert pointers(ask(site, "POST", "/journal/wait", json=body)) == [pointer]


# --- HAR ---


def test_the_exchanges_are_a_har_that_readers_of_har_take(site: Site) -> None:
    site.at_issuer("GET", "/jwks")
    site.at_issuer("DELETE", "/jwks")
    site.acquire()
    archive = members(ask(site, "GET", "/journal/har"), 200)
    assert archive["log"]["version"] == "1.2"
    assert archive["log"]["creator"] == {"name": "mock-authz", "version": __version__}
    validator = Draft202012Validator(HAR_ENTRY)
    entries = archive["log"]["entries"]
    assert [error.message for entry in entries for error in validator.iter_errors(entry)] == []
    assert len(entries) == 4


def test_a_har_entry_says_what_was_asked_and_answered_when(site: Site) -> None:
    site.authorize()
    entry = members(ask(site, "GET", "/journal/har"), 200)["log"]["entries"][0]
    assert entry["startedDateTime"] == "2027-01-15T08:00:00Z"
    assert entry["request"]["url"] == f"{BASE_URL}/s/{QA}/device_authorization"
    assert entry["request"]["postData"]["params"] == [{"name": "client_id", "value": "pos-server"}]
    content = entry["response"]["content"]
    assert json.loads(content["text"])["expires_in"] == 900
    assert content["size"] == len(content["text"])
    assert entry["comment"] == "device_authorization"
