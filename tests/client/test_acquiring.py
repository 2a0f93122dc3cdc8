"""Next and Complete Authorization, against a server in memory."""

from pathlib import Path

import httpx2
import pytest

from authz_client.driver import Client
from authz_client.outcome import Kind
from authz_client.state import Phase
from tests.client.conftest import new_client
from tests.client.fakes import (
    ISSUER,
    OTHER_KEY,
    START,
    FakeServer,
    Times,
    device_authorization,
    error,
    metadata,
    reply,
)

METADATA = "/.well-known/oauth-authorization-server/s/shop"


def test_next_shows_a_user_code_and_does_not_poll(client: Client, server: FakeServer) -> None:
    assert client.acquire().kind is Kind.USER_CODE_SHOWN
    assert server.paths() == [METADATA, "/device_authorization"]
    assert server.requests[1][1] == {"client_id": "pos-server", "scope": "license"}
    shown = client.status().user_code
    assert shown is not None
    assert (shown.user_code, shown.expires_at, shown.is_expired) == ("BCDF-GHJK", START + 900, False)


def test_next_again_keeps_a_good_user_code(client: Client, server: FakeServer, times: Times) -> None:
    client.acquire()
    times.pass_(899)
    assert client.acquire().kind is Kind.USER_CODE_SHOWN
    assert server.count("/device_authorization") == 1
    times.pass_(1)
    client.acquire()
    assert server.count("/device_authorization") == 2


def test_next_can_start_over(client: Client, server: FakeServer) -> None:
    client.acquire()
    client.acquire(start_over=True)
    assert server.count("/device_authorization") == 2


def test_complete_polls_at_once_then_at_the_interval_until_the_final_answer(
    client: Client, server: FakeServer, times: Times
) -> None:
    client.acquire()
    pending = error("authorization_pending")
    server.will("/token", pending, error("slow_down"), error("authorization_pending"), error("access_denied"))
    outcome = client.complete()
    assert (outcome.kind, outcome.reason) == (Kind.REFUSED, "access_denied")
    assert times.slept == [5, 10, 10]
    assert client.state().phase is Phase.UNLICENSED
    refusal = client.status().refusal
    assert refusal is not None
    assert refusal.reason == "access_denied"


def test_without_an_interval_it_is_five_seconds(client: Client, server: FakeServer, times: Times) -> None:
    server.will("/device_authorization", reply(device_authorization(interval=...)))
    client.acquire()
    server.will("/token", error("authorization_pending"), error("access_denied"))
    client.complete()
    assert times.slept == [5]


@pytest.mark.parametrize(
    "trouble",
    [
        httpx2.ConnectError("refused"),
        httpx2.ReadTimeout("slow"),
        httpx2.Response(429),
        httpx2.Response(500),
        error("authorization_pending", 503),
        httpx2.Response(200, content=b"<html>"),
        httpx2.Response(302, headers={"Location": "https://evil.example"}),
    ],
    ids=str,
)
def test_a_failed_poll_doubles_the_interval_and_ends_nothing(
    client: Client, server: FakeServer, times: Times, trouble: httpx2.Response | Exception
) -> None:
    client.acquire()
    server.will("/token", trouble, error("authorization_pending"), error("access_denied"))
    assert client.complete().reason == "access_denied"
    assert times.slept == [10, 10]


def test_retry_after_is_obeyed_while_polling(client: Client, server: FakeServer, times: Times) -> None:
    client.acquire()
    server.will("/token", reply({}, 429, Retry_After="30"), error("access_denied"))
    client.complete()
    assert times.slept == [30]


def test_pressing_complete_again_starts_nothing(client: Client, server: FakeServer, times: Times) -> None:
    client.acquire()
    first = client.complete(wait=False)
    assert (first.kind, first.retry_in_seconds) == (Kind.AUTHORIZATION_PENDING, 5)
    times.pass_(4)
    again = client.complete(wait=False)
    assert (again.kind, again.retry_in_seconds) == (Kind.AUTHORIZATION_PENDING, 1)
    assert server.count("/token") == 1
    times.pass_(1)
    client.complete(wait=False)
    assert server.count("/token") == 2


def test_complete_while_another_polls_is_in_flight(
    client: Client, server: FakeServer, times: Times, state_file: Path
) -> None:
    client.acquire()
    others = []

    def press_elsewhere(path: str) -> None:
        if path == "/token":
            others.append(new_client(server, times, state_file).complete().kind)

    server.on_request = press_elsewhere
    server.is_approved = True
    assert client.complete().kind is Kind.LICENSED
    assert others == [Kind.IN_FLIGHT]
    assert server.count("/token") == 1


def test_awaiting_its_interval_and_its_expiry_survive_a_restart(
    client: Client, server: FakeServer, times: Times, state_file: Path
) -> None:
    client.acquire()
    server.will("/token", error("slow_down"))
    client.complete(wait=False)
    times.pass_(3)
    times.monotonic = 0.0
    restarted = new_client(server, times, state_file)
    server.will("/token", error("authorization_pending"), error("authorization_pending"))
    assert restarted.complete(wait=False).retry_in_seconds == 7
    times.pass_(7)
    assert restarted.complete(wait=False).retry_in_seconds == 10
    times.pass_(889)
    server.will("/token", error("authorization_pending"))
    restarted.complete(wait=False)
    times.pass_(1)
    assert restarted.complete(wait=False).reason == "expired_token"


def test_polling_ends_when_the_code_expires(client: Client, server: FakeServer, times: Times) -> None:
    client.acquire()
    outcome = client.complete()
    assert (outcome.kind, outcome.reason) == (Kind.REFUSED, "expired_token")
    assert times.server == START + 900
    assert server.count("/token") == 180


@pytest.mark.parametrize(
    "final",
    ["access_denied", "expired_token", "invalid_grant", "invalid_client", "unauthorized_client", "novel"],
)
def test_any_other_error_ends_polling(client: Client, server: FakeServer, final: str) -> None:
    client.acquire()
    server.will(
        "/token", error(final, 401 if final == "invalid_client" else 400, error_description="Why\x00")
    )
    outcome = client.complete()
    assert (outcome.kind, outcome.reason, outcome.description) == (Kind.REFUSED, final, "Why")


def test_a_redemption_is_licensed_with_keys_fetched(client: Client, server: FakeServer) -> None:
    client.acquire()
    server.is_approved = True
    assert client.complete().kind is Kind.LICENSED
    assert server.paths()[2:] == ["/token", "/jwks"]
    assert client.status().server_id == "srv-1"
    assert client.state().mark == START
    assert client.license_token() is not None


def test_a_redemption_whose_token_does_not_verify_is_licensed_and_pending(
    client: Client, server: FakeServer, times: Times
) -> None:
    client.acquire()
    server.is_approved = True
    server.will("/jwks", httpx2.ConnectError("away"))
    outcome = client.complete()
    assert (outcome.kind, outcome.reason) == (Kind.LICENSE_TOKEN_PENDING, "unknown_key")
    assert client.state().phase is Phase.LICENSED
    assert client.license_token() is None
    assert client.status().token_pending_reason == "unknown_key"
    times.pass_(client.tick())
    assert client.tick() == 0
    assert client.license_token() is not None
    assert server.count("/token") == 1


def test_a_redemption_without_a_refresh_token_is_malformed(
    client: Client, server: FakeServer, times: Times
) -> None:
    client.acquire()
    server.will("/token", reply({"access_token": "x", "token_type": "Bearer"}), error("invalid_grant"))
    assert client.complete().reason == "invalid_grant"
    assert times.slept == [10]


def test_a_token_of_an_unknown_type_is_not_used(client: Client, server: FakeServer) -> None:
    client.acquire()
    answer = {"access_token": "x", "token_type": "DPoP", "refresh_token": "y"}
    server.will("/token", reply(answer), error("invalid_grant"))
    client.complete()
    assert client.state().phase is Phase.UNLICENSED


def test_acquiring_when_licensed_asks_for_nothing(licensed: Client, server: FakeServer) -> None:
    assert licensed.acquire().kind is Kind.ALREADY_LICENSED
    assert licensed.complete().kind is Kind.ALREADY_LICENSED
    assert server.requests == []


def test_completing_without_a_user_code_asks_for_nothing(client: Client, server: FakeServer) -> None:
    assert client.complete().kind is Kind.NOT_AWAITING
    assert server.requests == []


def test_metadata_of_another_issuer_is_discarded(client: Client, server: FakeServer) -> None:
    server.will(METADATA, reply(metadata(issuer=ISSUER + "/")))
    outcome = client.acquire()
    assert (outcome.kind, outcome.reason) == (Kind.FAILED, "issuer_mismatch")
    assert client.state().endpoints is None


def test_endpoints_off_https_and_off_loopback_are_not_used(client: Client, server: FakeServer) -> None:
    server.will(METADATA, reply(metadata(token_endpoint="http://authz.example/token")))
    assert client.acquire().reason == "insecure_url"


def test_a_refused_device_authorization_is_told(client: Client, server: FakeServer) -> None:
    server.will("/device_authorization", error("invalid_client", 401))
    outcome = client.acquire()
    assert (outcome.kind, outcome.reason) == (Kind.REFUSED, "invalid_client")
    assert client.state().phase is Phase.UNLICENSED


def test_a_failed_device_authorization_changes_nothing(client: Client, server: FakeServer) -> None:
    server.will("/device_authorization", httpx2.Response(503))
    outcome = client.acquire()
    assert (outcome.kind, outcome.reason) == (Kind.FAILED, "http_503")


def test_a_user_code_that_comes_when_another_process_is_licensed_is_dropped(
    client: Client, server: FakeServer, times: Times, state_file: Path
) -> None:
    def overtake(path: str) -> None:
        if path == "/device_authorization":
            server.on_request = lambda _path: None
            other = new_client(server, times, state_file)
            other.acquire()
            server.is_approved = True
            other.complete()

    server.on_request = overtake
    assert client.acquire().kind is Kind.ABANDONED
    assert client.state().phase is Phase.LICENSED


def test_removing_while_polling_ends_it_and_gives_back_a_license_that_comes_of_it(
    client: Client, server: FakeServer, times: Times, state_file: Path
) -> None:
    client.acquire()
    server.is_approved = True

    def remove_elsewhere(path: str) -> None:
        if path == "/token":
            assert new_client(server, times, state_file).remove().kind is Kind.REMOVED

    server.on_request = remove_elsewhere
    assert client.complete().kind is Kind.ABANDONED
    assert client.state().phase is Phase.REMOVED
    client.tick()
    assert server.revoked == ["secret-refresh-1"]


def test_removing_while_polling_waits_ends_it(
    client: Client, server: FakeServer, times: Times, state_file: Path
) -> None:
    client.acquire()

    def remove_elsewhere(path: str) -> None:
        if path == "/token":
            new_client(server, times, state_file).remove()

    server.on_request = remove_elsewhere
    assert client.complete().kind is Kind.ABANDONED
    assert server.revoked == []


def test_removing_between_two_polls_ends_polling(
    client: Client, server: FakeServer, times: Times, state_file: Path
) -> None:
    client.acquire()
    server.will("/token", error("authorization_pending"))
    times.slept.clear()
    client.complete(wait=False)
    machine_sleep = times.sleep

    def sleep(seconds: float) -> None:
        machine_sleep(seconds)
        new_client(server, times, state_file).remove()

    waiting = new_client(server, times, state_file)
    waiting._sleep = sleep  # noqa: SLF001 - the person acts while the client waits
    assert waiting.complete().kind is Kind.ABANDONED


def test_endpoints_that_moved_are_looked_up_again(client: Client, server: FakeServer) -> None:
    client.acquire()
    server.is_approved = True
    server.will("/token", httpx2.Response(404))
    server.will(METADATA)
    assert client.complete().kind is Kind.LICENSED
    assert server.count(METADATA) == 2


def test_metadata_out_of_reach_while_polling_is_a_failed_poll(
    client: Client, server: FakeServer, times: Times
) -> None:
    client.acquire()
    server.is_approved = True
    server.will("/token", httpx2.Response(404))
    server.requests.clear()
    server.will(METADATA, httpx2.ConnectError("away"))
    assert client.complete().kind is Kind.LICENSED
    assert times.slept == [10, 20]
    assert server.paths() == ["/token", METADATA, METADATA, "/token", "/jwks"]


def test_an_unknown_key_after_redemption_keeps_the_refresh_token(client: Client, server: FakeServer) -> None:
    client.acquire()
    server.is_approved = True
    server.signing_key = OTHER_KEY
    assert client.complete().kind is Kind.LICENSE_TOKEN_PENDING
    held = client.state().license
    assert held is not None
    assert held.refresh_token == "secret-refresh-1"
