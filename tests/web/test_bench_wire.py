"""Each kind of fault on the real wire: a socket, uvicorn, and nothing in between."""

from __future__ import annotations

import errno
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from mock_authz.app import garbled
from mock_authz.clock import Clock, ClockMode
from mock_authz.domain.device_grant import DeviceGrant
from mock_authz.settings import Settings
from tests.factories import NOW, QA, default_records
from tests.serving import RunningSandbox, serving_sandbox
from tests.web.wire import Heard, say

BEFORE_ACTING = ("offline", "connection_reset", "status")
AFTER_ACTING = ("lost_reply", "empty_body", "truncated_body", "garbled_body", "wrong_content_type")
RESETS = ("offline", "connection_reset", "lost_reply")
MORE: dict[str, dict[str, Any]] = {"latency": {"latency_milliseconds": 1}}


@pytest.fixture(scope="module")
def server() -> Iterator[RunningSandbox]:
    frozen = Clock(ClockMode.FROZEN, float(NOW), float(NOW))
    with serving_sandbox(default_records(), clock=frozen, settings=Settings(alg="Ed25519")) as running:
        yield running


@pytest.fixture
def sandbox(server: RunningSandbox) -> Iterator[RunningSandbox]:
    fresh = server.beside(QA, default_records())
    control(fresh, "PUT", "/clock", json={"mode": "frozen", "now": NOW})
    yield fresh
    control(fresh, "DELETE")


def control(sandbox: RunningSandbox, method: str, path: str = "", **given: Any) -> Any:
    url = f"{sandbox.server.base_url}/_control/sandboxes/{sandbox.name}{path}"
    response = httpx2.request(method, url, **given)
    assert response.is_success, response.text
    return response.json()


def declare(sandbox: RunningSandbox, kind: str, **body: Any) -> None:
    control(sandbox, "POST", "/faults", json={"kind": kind, **MORE.get(kind, {}), **body})


def authorize(sandbox: RunningSandbox) -> Heard:
    return say(f"{sandbox.issuer}/device_authorization", {"client_id": "pos-server"})


def acted(sandbox: RunningSandbox) -> bool:
    """Say whether the server has issued a code."""
    return bool(sandbox.server.store.every(sandbox.name, DeviceGrant))


def exchange(sandbox: RunningSandbox) -> dict[str, Any]:
    """Give the last exchange of the journal."""
    entries: list[dict[str, Any]] = control(sandbox, "GET", "/journal?kind=exchange&limit=1")
    return entries[0]


# --- a reset ---


@pytest.mark.parametrize("kind", RESETS)
def test_the_connection_is_reset_on_the_wire(sandbox: RunningSandbox, kind: str) -> None:
    declare(sandbox, kind)
    with pytest.raises(ConnectionResetError) as caught:
        authorize(sandbox)
    assert caught.value.errno == errno.ECONNRESET
    assert exchange(sandbox)["faults"] == [kind]


def test_a_kept_connection_is_reset_too_and_the_next_one_is_served(sandbox: RunningSandbox) -> None:
    with httpx2.Client(base_url=sandbox.issuer) as client:
        assert client.get("/jwks").status_code == 200
        declare(sandbox, "offline", times=1)
        with pytest.raises((httpx2.ReadError, httpx2.RemoteProtocolError)):
            client.get("/jwks")
        assert client.get("/jwks").status_code == 200


# --- before and after acting ---


@pytest.mark.parametrize("kind", BEFORE_ACTING)
def test_a_request_that_is_struck_on_its_way_does_nothing(sandbox: RunningSandbox, kind: str) -> None:
    declare(sandbox, kind)
    try:
        assert authorize(sandbox).status == 503
    except ConnectionResetError:
        assert exchange(sandbox)["status"] == 0
    assert not acted(sandbox)


@pytest.mark.parametrize("kind", AFTER_ACTING)
def test_a_request_whose_answer_is_spoilt_was_acted_on(sandbox: RunningSandbox, kind: str) -> None:
    declare(sandbox, kind)
    try:
        assert authorize(sandbox).status == 200
    except ConnectionResetError:
        assert kind == "lost_reply"
    assert acted(sandbox)
    said = exchange(sandbox)
    assert (said["status"], said["faults"]) == (200, [kind])
    assert said["response"]["device_code"].startswith("fingerprint:")


# --- what comes ---


def test_a_status_comes_with_its_retry_after(sandbox: RunningSandbox) -> None:
    declare(sandbox, "status", status=429, retry_after_seconds=30)
    heard = say(f"{sandbox.issuer}/jwks")
    assert (heard.status, heard.headers["retry-after"]) == (429, "30")
    assert heard.headers["content-type"] == "application/problem+json"
    assert json.loads(heard.body)["type"] == "urn:mock-authz:problem:fault"


def test_a_status_without_a_retry_after_has_none(sandbox: RunningSandbox) -> None:
    declare(sandbox, "status")
    heard = say(f"{sandbox.issuer}/jwks")
    assert heard.status == 503
    assert "retry-after" not in heard.headers


def test_an_empty_body_says_so(sandbox: RunningSandbox) -> None:
    declare(sandbox, "empty_body")
    heard = say(f"{sandbox.issuer}/jwks")
    assert (heard.status, heard.headers["content-length"], heard.body) == (200, "0", b"")
    assert "content-type" not in heard.headers


def test_a_truncated_body_is_shorter_than_its_length_says(sandbox: RunningSandbox) -> None:
    whole = say(f"{sandbox.issuer}/jwks").body
    declare(sandbox, "truncated_body")
    heard = say(f"{sandbox.issuer}/jwks")
    assert (heard.status, int(heard.headers["content-length"])) == (200, len(whole))
    assert heard.body == whole[: len(whole) // 2]


def test_a_client_that_counts_notices_a_truncated_body(sandbox: RunningSandbox) -> None:
    declare(sandbox, "truncated_body")
    with pytest.raises(httpx2.RemoteProtocolError):
        httpx2.get(f"{sandbox.issuer}/jwks")


def test_a_garbled_body_has_its_right_length_and_wrong_bytes(sandbox: RunningSandbox) -> None:
    whole = say(f"{sandbox.issuer}/jwks").body
    declare(sandbox, "garbled_body")
    heard = say(f"{sandbox.issuer}/jwks")
    assert heard.headers["content-type"] == "application/json"
    assert len(heard.body) == int(heard.headers["content-length"]) == len(whole)
    with pytest.raises(ValueError, match=r"Expecting|codec"):
        json.loads(heard.body)
    assert garbled(heard.body) == whole


def test_a_wrong_content_type_is_that_of_a_page(sandbox: RunningSandbox) -> None:
    whole = say(f"{sandbox.issuer}/jwks").body
    declare(sandbox, "wrong_content_type")
    heard = say(f"{sandbox.issuer}/jwks")
    assert (heard.headers["content-type"], heard.body) == ("text/html; charset=utf-8", whole)


# --- how long ---


def test_a_latency_takes_as_long_as_was_asked_and_changes_nothing_else(sandbox: RunningSandbox) -> None:
    plain = say(f"{sandbox.issuer}/jwks")
    declare(sandbox, "latency", latency_milliseconds=150)
    began = time.perf_counter()
    heard = say(f"{sandbox.issuer}/jwks")
    assert time.perf_counter() - began >= 0.15
    assert heard == plain


def test_latencies_add_up_and_another_fault_strikes_after_them(sandbox: RunningSandbox) -> None:
    for milliseconds in (80, 70):
        declare(sandbox, "latency", latency_milliseconds=milliseconds)
    declare(sandbox, "connection_reset")
    began = time.perf_counter()
    with pytest.raises(ConnectionResetError):
        say(f"{sandbox.issuer}/jwks")
    assert time.perf_counter() - began >= 0.15
    assert exchange(sandbox)["faults"] == ["latency", "latency", "connection_reset"]


def test_who_waits_keeps_nobody_else_waiting(sandbox: RunningSandbox) -> None:
    declare(sandbox, "latency", latency_milliseconds=1500, steps=["jwks"])
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(say, f"{sandbox.issuer}/jwks")
        for _ in range(5):
            assert authorize(sandbox).status == 200
        assert not slow.done()
        assert slow.result().status == 200


# --- whom not ---


def test_management_pages_and_control_are_never_struck(sandbox: RunningSandbox) -> None:
    declare(sandbox, "offline")
    bearer = {"authorization": f"Bearer {sandbox.sandbox.management_token}"}
    assert httpx2.get(f"{sandbox.issuer}/management/devices", headers=bearer).status_code == 200
    assert httpx2.get(f"{sandbox.issuer}/device", follow_redirects=True).status_code == 200
    assert control(sandbox, "GET", "/faults")[0]["offered"] == 0


def test_other_sandboxes_are_never_struck(sandbox: RunningSandbox, server: RunningSandbox) -> None:
    declare(sandbox, "offline")
    assert say(f"{server.issuer}/jwks").status == 200
