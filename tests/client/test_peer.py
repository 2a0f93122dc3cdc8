"""Who is admitted by a peer: each rule at its bounds, and each refusal one fault away from a call that passes."""

import asyncio
import json
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest

from authz_client.driver import Client
from authz_client.peer import DEFAULT_LEEWAY_SECONDS, PeerGuard
from tests.client.fakes import (
    DAY,
    ISSUER,
    KEY,
    OTHER_KEY,
    WEEK,
    FakeServer,
    SigningKey,
    Times,
    claims,
    signed,
)
from tests.client.peers import ED25519, ELSEWHERE, HERE, RSA, Peer, hub, new_peer, spoke, tampered

# Who is admitted


def test_a_server_whose_hub_is_this_one_is_admitted_and_named_to_the_application(peer: Peer) -> None:
    assert peer.call(signed(spoke())).status_code == 204
    (caller,) = peer.callers
    assert (caller.server_id, caller.edition) == ("reg-1", "register")


def test_this_server_s_own_hub_is_admitted(peer: Peer) -> None:
    assert peer.call(signed(hub())).status_code == 204


def test_the_scheme_has_no_case_and_more_than_one_space_is_let_through(peer: Peer) -> None:
    assert peer.call(headers=[("Authorization", f"bEARER   {signed(spoke())}")]).status_code == 204


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(spoke(license={"hub": ELSEWHERE}), id="a spoke of another hub"),
        pytest.param(spoke(license={"hub": None}), id="a server without a hub"),
        pytest.param(hub(sub="srv-hub-2"), id="a server that is not the hub"),
        pytest.param(claims(), id="this server itself"),
        pytest.param(
            spoke(license={"hub": {**HERE, "server_id": "SRV-1"}}), id="another spelling of this one"
        ),
    ],
)
def test_who_is_neither_hub_nor_spoke_has_insufficient_scope(peer: Peer, payload: dict[str, Any]) -> None:
    answer = peer.call(signed(payload))
    assert answer.status_code == 403
    assert answer.json()["reason"] == "not_connected"
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]
    assert peer.callers == []


def test_the_own_hub_is_the_one_of_the_last_verified_token_expired_or_not(peer: Peer, times: Times) -> None:
    times.pass_(2 * WEEK)
    now = int(times.server)
    assert peer.call(signed(hub(iat=now, nbf=now, exp=now + WEEK))).status_code == 204
    assert peer.call(signed(spoke(iat=now, nbf=now, exp=now + WEEK))).status_code == 204


@pytest.mark.parametrize("header", [{"typ": "application/at+jwt"}, {"typ": "AT+JWT"}])
def test_the_other_spellings_of_typ_are_accepted(peer: Peer, header: dict[str, str]) -> None:
    assert peer.call(signed(spoke(), header=header)).status_code == 204


@pytest.mark.parametrize(("key", "alg"), [(RSA, "RS256"), (ED25519, "Ed25519")])
def test_every_allow_listed_algorithm_is_accepted(
    server: FakeServer, peer: Peer, key: SigningKey, alg: str
) -> None:
    server.keys = [KEY, key]
    assert peer.call(signed(spoke(), key=key, header={"alg": alg})).status_code == 204


# Token faults: 401 invalid_token, each for its own reason


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        pytest.param("not.a.jwt", "malformed", id="no JWT"),
        pytest.param(signed(spoke()) + ".x", "malformed", id="four parts"),
        pytest.param(tampered(), "bad_signature", id="another payload under the signature"),
        pytest.param(signed(spoke(), key=OTHER_KEY, header={"kid": "k1"}), "bad_signature", id="another key"),
        pytest.param(signed(spoke(), header={"typ": "JWT"}), "wrong_type", id="another typ"),
        pytest.param(signed(spoke(iss=ISSUER + "/")), "wrong_issuer", id="a trailing slash"),
        pytest.param(signed(spoke(iss=ISSUER.upper())), "wrong_issuer", id="another case"),
        pytest.param(
            signed(spoke(aud="urn:kensium:organization:org2")), "wrong_audience", id="another organization"
        ),
        pytest.param(signed(spoke(jti=...)), "malformed_claims", id="a claim is missing"),
        pytest.param(signed(spoke(), key=OTHER_KEY), "unknown_key", id="an unpublished key"),
    ],
)
def test_a_token_fault_is_invalid_token_with_its_reason(peer: Peer, token: str, reason: str) -> None:
    answer = peer.call(token)
    assert answer.status_code == 401
    assert answer.json()["reason"] == reason
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert token not in answer.text
    assert peer.callers == []


def test_a_token_fault_comes_before_hub_and_spoke(peer: Peer) -> None:
    assert peer.reason(signed(spoke(license={"hub": None}, iss="https://evil.example"))) == "wrong_issuer"


@pytest.mark.parametrize("leeway", [0, 1, 60])
def test_nbf_and_exp_bound_a_token_half_open_with_the_leeway_outside(
    server: FakeServer, times: Times, state_file: Path, licensed: Client, *, leeway: int
) -> None:
    peer = new_peer(server, times, state_file, leeway_seconds=leeway)
    now = int(times.server)
    bounds = {
        (now + leeway, now + DAY): None,
        (now + leeway + 1, now + DAY): "not_yet_valid",
        (now - DAY, now - leeway + 1): None,
        (now - DAY, now - leeway): "expired",
        (now - DAY, now - leeway - 1): "expired",
    }
    for (nbf, exp), reason in bounds.items():
        answer = peer.call(signed(spoke(iat=nbf, nbf=nbf, exp=exp)))
        assert answer.json()["reason"] == reason if reason else answer.status_code == 204, (nbf, exp)


def test_the_leeway_is_declared_and_at_most_a_minute(
    server: FakeServer, times: Times, state_file: Path
) -> None:
    assert new_peer(server, times, state_file).guard.leeway_seconds == DEFAULT_LEEWAY_SECONDS == 60
    for outside in (-1, 61):
        with pytest.raises(ValueError, match="leeway"):
            new_peer(server, times, state_file, leeway_seconds=outside)


def test_a_clock_that_is_put_back_does_not_revive_an_expired_caller(peer: Peer, times: Times) -> None:
    now = int(times.server)
    token = signed(spoke(iat=now - WEEK, nbf=now - WEEK, exp=now))
    assert peer.reason(token) == "expired"
    times.wall -= DAY
    assert peer.reason(token) == "expired"


# What is no request with a license token


def test_where_nothing_was_sent_there_is_no_error_code(peer: Peer) -> None:
    for headers in ([], [("Authorization", "Basic dXNlcjpwYXNz")], [("X-Authorization", "Bearer x")]):
        answer = peer.call(headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="pos-server"'
        assert "error" not in answer.json()


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(["Bearer"], id="no token"),
        pytest.param(["Bearer "], id="an empty token"),
        pytest.param(["Bearer a b"], id="two tokens"),
        pytest.param(["Bearer a,b"], id="no token characters"),
        pytest.param(["Bearer =a"], id="padding in front"),
        pytest.param(["Bearer a", "Bearer a"], id="two headers"),
        pytest.param(["Basic eA==", "Bearer a"], id="two schemes"),
    ],
)
def test_a_malformed_request_is_invalid_request(peer: Peer, values: list[str]) -> None:
    answer = peer.call(headers=[("Authorization", value) for value in values])
    assert answer.status_code == 400
    assert 'error="invalid_request"' in answer.headers["WWW-Authenticate"]


def test_two_headers_are_refused_even_if_each_would_pass(peer: Peer) -> None:
    header = ("Authorization", f"Bearer {signed(spoke())}")
    assert peer.call(headers=[header]).status_code == 204
    assert peer.call(headers=[header, header]).status_code == 400


# A server that has no license, and one that cannot read it


def test_a_server_without_a_license_admits_nobody(
    server: FakeServer, times: Times, state_file: Path, client: Client
) -> None:
    peer = new_peer(server, times, state_file)
    answer = peer.call(signed(spoke()))
    assert (answer.status_code, answer.json()["reason"]) == (401, "not_licensed")


def test_after_removal_nobody_is_admitted(peer: Peer, licensed: Client) -> None:
    assert peer.call(signed(spoke())).status_code == 204
    licensed.remove()
    assert peer.reason(signed(spoke())) == "not_licensed"


def test_an_unreadable_state_file_is_no_fault_of_the_caller(peer: Peer, state_file: Path) -> None:
    state_file.write_text(json.dumps({"version": 99}))
    answer = peer.call(signed(spoke()))
    assert answer.status_code == 503
    assert "WWW-Authenticate" not in answer.headers


# Other connections


def exchange(guard: PeerGuard, scope: dict[str, Any]) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(dict(message))

    asyncio.run(guard(scope, receive, send))
    return sent


def test_a_websocket_is_refused_before_it_is_accepted(peer: Peer) -> None:
    (closed,) = exchange(peer.guard, {"type": "websocket", "headers": []})
    assert (closed["type"], closed["code"]) == ("websocket.close", 1008)


def test_a_websocket_is_refused_in_full_where_the_server_can_say_so(peer: Peer) -> None:
    scope = {"type": "websocket", "headers": [], "extensions": {"websocket.http.response": {}}}
    start, body = exchange(peer.guard, scope)
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 401)
    assert (b"www-authenticate", b'Bearer realm="pos-server"') in start["headers"]
    assert body["type"] == "websocket.http.response.body"


def test_a_websocket_with_a_good_license_token_is_admitted(peer: Peer) -> None:
    header = (b"authorization", f"Bearer {signed(spoke())}".encode())
    exchange(peer.guard, {"type": "websocket", "headers": [header]})
    assert [caller.server_id for caller in peer.callers] == ["reg-1"]


def test_head_is_refused_without_a_body(peer: Peer) -> None:
    _, body = exchange(peer.guard, {"type": "http", "method": "HEAD", "headers": []})
    assert body["body"] == b""


def test_lifespan_passes_and_what_is_unknown_does_not(
    server: FakeServer, times: Times, state_file: Path
) -> None:
    seen = []

    async def app(scope: MutableMapping[str, Any], _receive: Any, _send: Any) -> None:
        seen.append(scope["type"])

    guard = PeerGuard(app, new_peer(server, times, state_file).guard._client)  # noqa: SLF001 - any client
    exchange(guard, {"type": "lifespan"})
    assert seen == ["lifespan"]
    with pytest.raises(ValueError, match="telepathy"):
        exchange(guard, {"type": "telepathy"})


@pytest.mark.parametrize("realm", ['"', "\\", "é", "\n"])
def test_a_realm_that_cannot_be_quoted_is_refused(
    server: FakeServer, times: Times, state_file: Path, realm: str
) -> None:
    with pytest.raises(ValueError, match="realm"):
        new_peer(server, times, state_file, realm=realm)
