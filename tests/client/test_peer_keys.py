"""With which keys a peer verifies, and when it fetches them again."""

import asyncio
import errno
import json
import os
from pathlib import Path

import httpx2
import pytest
from joserfc import jwt

from authz_client.driver import Client
from authz_client.license_claims import LicenseToken
from authz_client.license_token import Jwk
from tests.client.fakes import (
    ISSUER,
    KEY,
    OTHER_KEY,
    FakeServer,
    Times,
    public,
    signed,
)
from tests.client.peers import RSA, Peer, new_peer, spoke, tampered


def test_an_unknown_kid_has_the_keys_fetched_and_stored(
    server: FakeServer, peer: Peer, licensed: Client
) -> None:
    server.keys = [KEY, OTHER_KEY]
    assert peer.call(signed(spoke(), key=OTHER_KEY)).status_code == 204
    assert server.paths() == ["/jwks"]
    assert [jwk["kid"] for jwk in licensed.published_keys()] == ["k1", "k2"]


@pytest.mark.parametrize(("seconds", "fetches"), [(59, 1), (60, 2), (61, 2)])
def test_there_is_one_refetch_a_minute_at_most(
    server: FakeServer, times: Times, peer: Peer, *, seconds: int, fetches: int
) -> None:
    assert peer.reason(signed(spoke(), key=OTHER_KEY)) == "unknown_key"
    times.pass_(seconds)
    assert peer.reason(signed(spoke(), header={"kid": "k3"})) == "unknown_key"
    assert server.count("/jwks") == fetches


def test_a_failed_refetch_counts_too(server: FakeServer, times: Times, peer: Peer) -> None:
    server.will("/jwks", httpx2.ConnectError("away"))
    server.keys = [KEY, OTHER_KEY]
    assert peer.reason(signed(spoke(), key=OTHER_KEY)) == "unknown_key"
    times.pass_(59)
    assert peer.reason(signed(spoke(), key=OTHER_KEY)) == "unknown_key"
    times.pass_(1)
    assert peer.call(signed(spoke(), key=OTHER_KEY)).status_code == 204


def test_who_asks_at_the_same_time_shares_one_refetch(
    server: FakeServer, times: Times, state_file: Path, licensed: Client
) -> None:
    fetches = []

    async def fetch() -> tuple[Jwk, ...] | None:
        fetches.append(times.server)
        await asyncio.to_thread(lambda: None)  # the others come meanwhile
        return tuple(public(OTHER_KEY))

    peer = new_peer(server, times, state_file, fetch_keys=fetch)

    async def story() -> list[object]:
        token = signed(spoke(), key=OTHER_KEY)
        return list(await asyncio.gather(*(peer.guard.judge(token) for _ in range(5))))

    assert all(isinstance(verdict, LicenseToken) for verdict in asyncio.run(story()))
    assert len(fetches) == 1


def test_keys_are_not_fetched_from_where_the_client_may_not_speak_to(
    server: FakeServer, peer: Peer, state_file: Path
) -> None:
    state_file.write_text(state_file.read_text().replace(f"{ISSUER}/jwks", "http://evil.example/jwks"))
    assert peer.reason(signed(spoke(), key=OTHER_KEY)) == "unknown_key"
    assert server.requests == []


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(jwt.encode({"alg": "ES256", "typ": "at+jwt"}, spoke(), KEY), id="no kid"),
        pytest.param(signed(spoke(), key=RSA, header={"alg": "RS256", "kid": "k1"}), id="a known kid"),
        pytest.param(tampered(), id="a bad signature"),
        pytest.param("not.a.jwt", id="no JWT"),
    ],
)
def test_nothing_else_has_the_keys_fetched(server: FakeServer, peer: Peer, token: str) -> None:
    assert peer.call(token).status_code == 401
    assert server.requests == []


def test_a_key_absent_from_a_successful_refetch_is_dropped(server: FakeServer, peer: Peer) -> None:
    token = signed(spoke())
    assert peer.call(token).status_code == 204
    server.keys = [OTHER_KEY]
    assert peer.call(signed(spoke(), key=OTHER_KEY)).status_code == 204
    assert peer.reason(token) == "unknown_key"


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.ConnectError("away"),
        httpx2.ReadTimeout("slow"),
        httpx2.Response(503),
        httpx2.Response(200, content=b"<html>"),
        httpx2.Response(302, headers={"Location": "https://evil.example/jwks"}),
    ],
)
def test_while_the_authorization_server_is_away_known_keys_go_on_working(
    server: FakeServer, peer: Peer, answer: httpx2.Response | Exception
) -> None:
    server.will("/jwks", answer)
    assert peer.reason(signed(spoke(), key=OTHER_KEY)) == "unknown_key"
    assert peer.call(signed(spoke())).status_code == 204
    assert server.paths() == ["/jwks"]


def test_a_full_disk_keeps_neither_a_new_key_out_nor_a_dropped_one_in(
    server: FakeServer, peer: Peer, licensed: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    server.keys = [OTHER_KEY]
    monkeypatch.setattr(os, "fsync", full)
    assert peer.call(signed(spoke(), key=OTHER_KEY)).status_code == 204
    assert peer.reason(signed(spoke())) == "unknown_key"
    monkeypatch.undo()
    server.keys = [KEY, OTHER_KEY]
    licensed.refresh()
    assert peer.call(signed(spoke())).status_code == 204


def test_the_key_fetcher_can_be_given(
    server: FakeServer, times: Times, state_file: Path, licensed: Client
) -> None:
    async def fetch() -> tuple[Jwk, ...] | None:
        return tuple(public(OTHER_KEY))

    peer = new_peer(server, times, state_file, fetch_keys=fetch)
    assert peer.call(signed(spoke(), key=OTHER_KEY)).status_code == 204
    assert server.requests == []


def test_the_metadata_is_looked_up_where_the_endpoints_are_not_known(
    server: FakeServer, peer: Peer, state_file: Path
) -> None:
    document = json.loads(state_file.read_text())
    del document["state"]["endpoints"]
    state_file.write_text(json.dumps(document))
    server.keys = [OTHER_KEY]
    assert peer.call(signed(spoke(), key=OTHER_KEY)).status_code == 204
    assert server.paths() == ["/.well-known/oauth-authorization-server/s/shop", "/jwks"]
