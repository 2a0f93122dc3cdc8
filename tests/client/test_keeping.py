"""Refresh, endings, removal and the mark, against a server in memory.

Over 400 lines: one life of a license, from first refresh to removal, in its order.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from authz_client.driver import Client
from authz_client.machine import Config, Done, Machine, Session, Step, Task
from authz_client.outcome import Kind
from authz_client.pending import settle
from authz_client.protocol import begin, next_action
from authz_client.state import License, Phase
from authz_client.status import TokenState, Warn
from tests.client.conftest import new_client
from tests.client.fakes import DAY, OTHER_KEY, START, WEEK, FakeServer, Times, error, reply

AWAY = httpx2.ConnectError("away")


def held(client: Client) -> License:
    found = client.state().license
    assert found is not None
    return found


def warnings(client: Client) -> set[Warn]:
    return {warning.kind for warning in client.status().warnings}


def test_the_license_is_refreshed_by_itself_when_half_of_its_life_is_gone(
    licensed: Client, server: FakeServer, times: Times
) -> None:
    times.pass_(WEEK // 2 - 1)
    assert licensed.tick() == 1
    assert server.requests == []
    times.pass_(1)
    assert licensed.tick() == 0
    assert server.paths() == ["/token", "/jwks"]
    assert server.requests[0][1]["refresh_token"] == "secret-refresh-1"
    assert held(licensed).refresh_token == "secret-refresh-2"


def test_a_refresh_uses_the_newest_refresh_token_and_drops_the_old(
    licensed: Client, server: FakeServer, times: Times
) -> None:
    licensed.refresh()
    times.pass_(60)
    licensed.refresh()
    sent = [form["refresh_token"] for path, form in server.requests if path == "/token"]
    assert sent == ["secret-refresh-1", "secret-refresh-2"]
    assert "secret-refresh-2" not in str(licensed.state().license.__dict__)


def test_the_new_refresh_token_is_on_the_disk_before_the_keys_are_asked_for(
    licensed: Client, server: FakeServer, state_file: Path
) -> None:
    seen = []
    server.on_request = lambda path: seen.append((path, "secret-refresh-2" in state_file.read_text()))
    licensed.refresh()
    assert seen == [("/token", False), ("/jwks", True)]


def test_on_demand_is_at_most_once_a_minute(
    licensed: Client, server: FakeServer, times: Times, state_file: Path
) -> None:
    assert licensed.refresh().kind is Kind.REFRESHED
    times.pass_(59)
    assert licensed.refresh().kind is Kind.TOO_SOON
    assert new_client(server, times, state_file).refresh().kind is Kind.TOO_SOON
    times.pass_(1)
    assert licensed.refresh().kind is Kind.REFRESHED


def test_an_unlicensed_client_has_nothing_to_refresh_or_remove(client: Client, server: FakeServer) -> None:
    assert client.refresh().kind is Kind.NOT_LICENSED
    assert client.remove().kind is Kind.NOT_LICENSED
    assert client.tick() == 60
    assert server.requests == []


def test_awaiting_polls_nothing_by_itself(client: Client, server: FakeServer) -> None:
    client.acquire()
    server.requests.clear()
    assert client.tick() == 60
    assert server.requests == []


def test_a_lost_reply_is_retried_within_five_seconds_with_the_same_refresh_token(
    licensed: Client, server: FakeServer, times: Times
) -> None:
    server.will("/token", httpx2.ReadError("lost"))
    times.slept.clear()
    assert licensed.refresh().kind is Kind.REFRESHED
    assert sum(times.slept) <= 5
    sent = [form["refresh_token"] for path, form in server.requests if path == "/token"]
    assert sent == ["secret-refresh-1", "secret-refresh-1"]


def test_an_attempt_without_retry_fails_at_once(licensed: Client, server: FakeServer, times: Times) -> None:
    server.will("/token", AWAY)
    times.slept.clear()
    outcome = licensed.refresh(retry=False)
    assert (outcome.kind, outcome.reason, outcome.retry_in_seconds) == (Kind.FAILED, "network", 1)
    assert times.slept == []


def test_offline_it_tries_again_after_a_minute_doubling_to_an_hour(
    licensed: Client, server: FakeServer, times: Times
) -> None:
    times.pass_(WEEK // 2)
    server.will("/token", *[AWAY] * 10)
    waits = []
    for _ in range(10):
        licensed.tick()
        retry_in = licensed._session.retry.wait_seconds(times.clocks().read())  # noqa: SLF001
        waits.append(retry_in)
        times.pass_(retry_in)
    assert waits == [1, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    assert Warn.OFFLINE in warnings(licensed)
    licensed.tick()
    assert held(licensed).refresh_token == "secret-refresh-2"
    assert Warn.OFFLINE not in warnings(licensed)


def test_retry_after_is_obeyed_by_the_keeper_and_on_demand(
    licensed: Client, server: FakeServer, times: Times
) -> None:
    server.will("/token", reply({}, 503, Retry_After="600"))
    outcome = licensed.refresh()
    assert (outcome.kind, outcome.retry_in_seconds) == (Kind.FAILED, 600)
    times.pass_(599)
    assert licensed.refresh().kind is Kind.TOO_SOON
    assert licensed.tick() == 1
    times.pass_(1)
    assert licensed.tick() == 0
    assert held(licensed).refresh_token == "secret-refresh-2"


BROKEN: list[Any] = [
    reply({"access_token": "x"}),
    reply({"access_token": "x", "token_type": "DPoP", "refresh_token": "y"}),
    reply({"access_token": "x", "token_type": "Bearer", "refresh_token": 5}),
    reply({"access_token": "x", "token_type": "Bearer", "refresh_token": "y", "expires_in": "soon"}),
    reply([]),
    httpx2.Response(200, content=b"\xff"),
    httpx2.Response(200, content=b"[" * 100_000),
    httpx2.Response(204),
    httpx2.Response(403, content=b"<html>captive portal"),
    error("invalid_grant", 503),
    error("invalid_grant", 401),
    error("invalid_client", 401),
    error("temporarily_unavailable"),
    reply({"error": 7}, 400),
    httpx2.Response(307, headers={"Location": "https://evil.example/"}),
    AWAY,
]


@pytest.mark.parametrize("answer", BROKEN, ids=str)
def test_anything_but_invalid_grant_changes_nothing_about_the_license(
    licensed: Client, server: FakeServer, times: Times, answer: Any
) -> None:
    before = held(licensed)
    server.will("/token", answer)
    times.pass_(60)
    assert licensed.refresh(retry=False).kind is Kind.FAILED
    assert held(licensed) == before
    assert licensed.license_token() is not None


@pytest.mark.parametrize("reason", ["license_expired", "license_revoked", "refresh_token_unknown", None])
def test_invalid_grant_ends_the_license_and_deletes_both_tokens(
    licensed: Client, server: FakeServer, state_file: Path, reason: str | None
) -> None:
    members: dict[str, Any] = {} if reason is None else {"reason": reason}
    server.will("/token", error("invalid_grant", error_description="It is over.", **members))
    outcome = licensed.refresh()
    assert (outcome.kind, outcome.reason) == (Kind.ENDED, reason or "invalid_grant")
    assert licensed.state().phase is Phase.ENDED
    assert "secret-refresh" not in state_file.read_text()
    assert "eyJ" not in state_file.read_text()
    status = licensed.status()
    assert (status.label, status.reason) == ("Expired Requires Renewal", reason or "invalid_grant")
    assert (status.server_id, status.description) == ("srv-1", "It is over.")
    assert licensed.license_token() is None


def test_an_ended_license_stays_so_until_it_is_removed(licensed: Client, server: FakeServer) -> None:
    server.will("/token", error("invalid_grant", reason="device_disabled"))
    licensed.refresh()
    server.requests.clear()
    assert licensed.refresh().kind is Kind.ENDED
    refused = licensed.acquire()
    assert (refused.kind, refused.reason) == (Kind.REMOVE_FIRST, "device_disabled")
    assert licensed.complete().kind is Kind.REMOVE_FIRST
    assert licensed.tick() == 60
    assert licensed.remove().kind is Kind.REMOVED
    assert server.requests == []
    assert licensed.acquire().kind is Kind.USER_CODE_SHOWN


def test_after_a_lapse_known_here_it_goes_on_trying_until_refused(
    licensed: Client, server: FakeServer, times: Times
) -> None:
    renewal_at = int(times.server) + 2 * DAY
    server.renewal = {"renewal_at": renewal_at, "renewal_due_from": renewal_at - 30 * DAY}
    licensed.refresh()
    times.pass_(2 * DAY)
    assert licensed.status().label == "Expired Requires Renewal"
    server.renewal = {}
    licensed.tick()
    assert licensed.status().label == "Licensed"


def test_while_only_a_renewal_helps_refreshes_are_an_hour_apart(
    licensed: Client, server: FakeServer, times: Times
) -> None:
    renewal_at = int(times.server) + 3000
    server.renewal = {"renewal_at": renewal_at, "renewal_due_from": START}
    licensed.refresh()
    server.requests.clear()
    times.pass_(2999)
    assert licensed.tick() > 0
    assert server.requests == []
    assert warnings(licensed) == {Warn.RENEW}
    server.will("/token", error("invalid_grant", reason="license_expired"))
    times.pass_(601)
    licensed.tick()
    assert licensed.state().phase is Phase.ENDED


def test_a_fresh_token_that_does_not_verify_is_pending_and_the_old_one_stays(
    licensed: Client, server: FakeServer, times: Times
) -> None:
    old = licensed.license_token()
    server.signing_key = OTHER_KEY
    outcome = licensed.refresh(retry=False)
    assert (outcome.kind, outcome.reason) == (Kind.LICENSE_TOKEN_PENDING, "unknown_key")
    assert held(licensed).refresh_token == "secret-refresh-2"
    assert licensed.license_token() == old
    assert {Warn.TOKEN_PENDING, Warn.REFRESH_FAILING} <= warnings(licensed)
    server.requests.clear()
    times.pass_(licensed.tick())
    licensed.tick()
    # Verified again with fresh keys; as it still does not verify, another one is asked for.
    assert server.paths() == ["/jwks", "/token", "/jwks"]
    server.keys.append(OTHER_KEY)
    server.requests.clear()
    times.pass_(60)
    licensed.tick()
    assert server.paths() == ["/jwks"]
    assert held(licensed).pending is None
    assert licensed.license_token() not in {old, None}
    assert warnings(licensed) == set()


def test_keys_absent_from_a_refetch_are_dropped_and_kept_when_the_refetch_fails(
    licensed: Client, server: FakeServer, times: Times
) -> None:
    server.keys = [OTHER_KEY]
    server.signing_key = OTHER_KEY
    licensed.refresh()
    assert [jwk["kid"] for jwk in licensed.published_keys()] == ["k2"]
    times.pass_(60)
    server.will("/jwks", httpx2.Response(200, content=b"{}"))
    assert licensed.refresh().kind is Kind.REFRESHED
    assert [jwk["kid"] for jwk in licensed.published_keys()] == ["k2"]


def test_a_token_of_another_organization_stays_pending(licensed: Client, server: FakeServer) -> None:
    organization = {"id": "org2", "name": "Other"}
    server.token_changes = {"aud": "urn:kensium:organization:org2", "license": {"organization": organization}}
    assert licensed.refresh().kind is Kind.LICENSE_TOKEN_PENDING


def test_a_refresh_without_a_new_refresh_token_keeps_the_old_one(
    licensed: Client, server: FakeServer
) -> None:
    answer = {"access_token": server.license_token(), "token_type": "bearer"}
    server.will("/token", reply(answer))
    assert licensed.refresh().kind is Kind.REFRESHED
    assert held(licensed).refresh_token == "secret-refresh-1"


# The mark


def test_a_clock_that_is_behind_is_held_up_by_the_client_s_own_tokens(
    licensed: Client, server: FakeServer, times: Times
) -> None:
    times.wall -= 300
    assert not licensed.status().is_clock_suspect
    times.wall -= 1
    status = licensed.status()
    assert status.is_clock_suspect
    assert status.effective_time == int(times.server)
    assert Warn.SUSPECT_CLOCK in warnings(licensed)
    times.wall -= 3650 * DAY
    assert licensed.refresh().kind is Kind.REFRESHED
    assert licensed.state().mark == int(times.server)
    assert licensed.license_token() is not None


def test_the_mark_survives_a_restart(
    licensed: Client, server: FakeServer, times: Times, state_file: Path
) -> None:
    times.wall -= DAY
    times.monotonic = 5.0
    restarted = new_client(server, times, state_file)
    assert restarted.status().effective_time == START
    times.pass_(10)
    assert restarted.status().effective_time == START + 10


def test_a_clock_that_is_ahead_makes_fresh_tokens_wait_and_is_reversible(
    licensed: Client, server: FakeServer, times: Times
) -> None:
    old = licensed.license_token()
    times.wall += 30 * DAY
    assert licensed.status().token_state is TokenState.EXPIRED
    assert licensed.license_token() is None
    outcome = licensed.refresh(retry=False)
    assert (outcome.kind, outcome.reason) == (Kind.LICENSE_TOKEN_PENDING, "expired")
    assert licensed.state().mark == START
    times.wall -= 30 * DAY
    assert licensed.license_token() == old
    times.pass_(60)
    licensed.tick()
    assert licensed.license_token() not in {old, None}


def test_a_token_not_yet_valid_raises_the_mark_and_waits(
    licensed: Client, server: FakeServer, times: Times
) -> None:
    issued = int(times.server) + 100
    server.token_changes = {"iat": issued, "nbf": issued + 50, "exp": issued + WEEK}
    assert licensed.refresh(retry=False).reason == "not_yet_valid"
    assert licensed.state().mark == issued
    assert licensed.status().effective_time == issued


def test_removal_resets_the_mark(licensed: Client, times: Times) -> None:
    times.wall -= DAY
    licensed.remove()
    assert licensed.state().mark is None
    assert licensed.status().effective_time == int(times.wall)


# Removal


def test_removal_revokes_and_forgets(licensed: Client, server: FakeServer, state_file: Path) -> None:
    assert licensed.remove().kind is Kind.REMOVED
    assert server.requests == [
        (
            "/revoke",
            {"token": "secret-refresh-1", "token_type_hint": "refresh_token", "client_id": "pos-server"},
        )
    ]
    assert "secret" not in state_file.read_text()
    assert licensed.remove().kind is Kind.REMOVED


def test_removal_works_offline_and_the_refresh_token_is_kept_only_to_be_revoked(
    licensed: Client, server: FakeServer, times: Times
) -> None:
    server.will("/revoke", AWAY, httpx2.Response(503), error("invalid_grant"), reply({}, 201))
    outcome = licensed.remove()
    assert (outcome.kind, outcome.is_success) == (Kind.REVOCATION_PENDING, True)
    assert licensed.license_token() is None
    assert licensed.status().label == "Unlicensed"
    assert Warn.REVOCATION_PENDING in warnings(licensed)
    for wait in (1, 60, 120):
        assert licensed.tick() == min(wait, 60)
        times.pass_(wait - 1)
        assert licensed.tick() == 1
        times.pass_(1)
        licensed.tick()
    times.pass_(240)
    licensed.tick()
    assert server.count("/revoke") == 5
    assert server.revoked == ["secret-refresh-1"]
    assert licensed.state().revocations == ()


def test_a_refresh_token_is_revoked_until_its_own_expiry(
    licensed: Client, server: FakeServer, times: Times
) -> None:
    server.will("/revoke", AWAY, AWAY)
    licensed.remove()
    times.pass_(90 * DAY - 1)
    licensed.tick()
    assert server.count("/revoke") == 2
    times.pass_(1)
    assert licensed.status().phase is Phase.REMOVED
    times.pass_(3600)
    licensed.tick()
    assert server.count("/revoke") == 2
    assert licensed.state().revocations == ()


def test_several_removed_licenses_are_each_revoked(
    licensed: Client, server: FakeServer, times: Times
) -> None:
    server.will("/revoke", AWAY, AWAY)
    licensed.remove()
    licensed.acquire()
    licensed.complete()
    licensed.remove()
    times.pass_(60)
    licensed.tick()
    assert sorted(server.revoked) == ["secret-refresh-1", "secret-refresh-2"]


def test_removing_while_a_refresh_is_in_flight_wins(
    licensed: Client, server: FakeServer, times: Times, state_file: Path
) -> None:
    def remove_elsewhere(path: str) -> None:
        if path == "/token":
            assert new_client(server, times, state_file).remove().kind is Kind.REMOVED

    server.on_request = remove_elsewhere
    assert licensed.refresh().kind is Kind.ABANDONED
    assert licensed.state().phase is Phase.REMOVED
    assert server.revoked == ["secret-refresh-1"]


@pytest.mark.parametrize("during", ["/jwks", "/token"])
def test_removing_during_any_request_of_a_refresh_wins(
    licensed: Client, server: FakeServer, times: Times, state_file: Path, *, during: str
) -> None:
    def remove_elsewhere(path: str) -> None:
        if path == during:
            server.on_request = lambda _path: None
            new_client(server, times, state_file).remove()

    server.on_request = remove_elsewhere
    server.will("/token", AWAY) if during == "/token" else None
    assert licensed.refresh(retry=False).kind is Kind.ABANDONED
    assert licensed.state().phase is Phase.REMOVED


def test_a_removal_before_endpoints_are_known_again_looks_them_up(
    licensed: Client, server: FakeServer, times: Times
) -> None:
    server.will("/token", httpx2.Response(404))
    licensed.refresh(retry=False)
    server.requests.clear()
    assert licensed.remove().kind is Kind.REMOVED
    assert len(server.paths()) == 2


def test_a_refresh_with_unknown_endpoints_looks_them_up(licensed: Client, server: FakeServer) -> None:
    server.will("/token", httpx2.Response(410))
    assert licensed.refresh().kind is Kind.REFRESHED
    assert server.paths()[0] == "/token"
    assert server.paths()[2:] == ["/token", "/jwks"]


def test_a_revocation_in_between_by_another_process_is_not_repeated(
    licensed: Client, server: FakeServer, times: Times, state_file: Path
) -> None:
    server.will("/revoke", httpx2.Response(404))
    licensed.remove()
    times.pass_(60)

    def revoke_elsewhere(_path: str) -> None:
        server.on_request = lambda _path: None
        new_client(server, times, state_file).tick()

    server.on_request = revoke_elsewhere
    licensed.tick()
    assert server.count("/revoke") == 2


def test_run_keeps_the_license_until_it_is_stopped(
    licensed: Client, server: FakeServer, times: Times
) -> None:
    times.pass_(WEEK // 2 - 90)
    end = times.server + 180
    stop: Callable[[], bool] = lambda: times.server >= end  # noqa: E731
    licensed.run(stop=stop)
    assert server.count("/token") == 1
    assert times.slept[-4:] == [60, 30, 60, 60]
    assert licensed.status().token_state is TokenState.VALID


def test_removing_while_endpoints_are_looked_up_in_vain_wins(
    licensed: Client, server: FakeServer, times: Times, state_file: Path
) -> None:
    server.will("/token", httpx2.Response(404))
    licensed.refresh(retry=False)
    times.pass_(60)

    def remove_elsewhere(_path: str) -> None:
        server.on_request = lambda _path: None
        new_client(server, times, state_file).remove()

    server.on_request = remove_elsewhere
    server.will("/.well-known/oauth-authorization-server/s/shop", AWAY, AWAY)
    assert licensed.refresh(retry=False).kind is Kind.ABANDONED


def test_with_nothing_pending_there_is_nothing_to_settle(licensed: Client, times: Times) -> None:
    before = licensed.state()
    assert settle(before, None, now=times.clocks().read(), jitter=0.0) == (before, None)


def test_endpoints_forgotten_by_another_process_are_looked_up_while_polling(
    client: Client, server: FakeServer, times: Times, state_file: Path
) -> None:
    client.acquire()
    elsewhere = new_client(server, times, state_file)
    server.will("/token", error("authorization_pending"), httpx2.Response(404))
    client.complete(wait=False)
    times.pass_(5)
    elsewhere._session = client._session  # noqa: SLF001 - as if it had polled before
    elsewhere.complete(wait=False)
    times.pass_(20)
    server.is_approved = True
    server.requests.clear()
    assert client.complete().kind is Kind.LICENSED
    assert server.paths()[-2:] == ["/token", "/jwks"]


def test_a_machine_without_endpoints_at_the_keys_is_abandoned(licensed: Client, times: Times) -> None:
    stored = replace(licensed.state(), endpoints=None)
    config = Config(issuer=stored.issuer, client_id=stored.client_id)
    machine = Machine(config, stored, Session(), Task.REFRESH, Step.KEYS)
    action = next_action(machine, now=times.clocks().read())
    assert isinstance(action, Done)
    assert action.outcome.kind is Kind.ABANDONED


def test_what_another_process_has_just_refreshed_is_not_due_any_more(
    licensed: Client, server: FakeServer, times: Times, state_file: Path
) -> None:
    times.pass_(WEEK // 2)
    before = licensed.state()
    new_client(server, times, state_file).tick()
    assert server.count("/token") == 1
    now = times.clocks().read()
    config = Config(issuer=before.issuer, client_id=before.client_id)
    machine = begin(Task.KEEP, config=config, stored=licensed.state(), session=Session(), now=now)
    assert machine.outcome is not None
    assert machine.outcome.kind is Kind.TOO_SOON
    assert begin(Task.KEEP, config=config, stored=before, session=Session(), now=now).outcome is None


def test_a_license_token_that_does_not_verify_is_tried_once_more_within_five_seconds(
    licensed: Client, server: FakeServer, times: Times
) -> None:
    server.signing_key = OTHER_KEY
    server.will("/jwks", AWAY)
    server.keys = [OTHER_KEY]
    times.slept.clear()
    assert licensed.refresh().kind is Kind.REFRESHED
    assert sum(times.slept) <= 5
    assert server.paths() == ["/token", "/jwks", "/jwks"]


def test_a_failure_before_a_restart_is_tried_again_at_once_and_then_backed_off_from(
    licensed: Client, server: FakeServer, times: Times, state_file: Path
) -> None:
    server.will("/token", AWAY, AWAY)
    assert licensed.refresh(retry=False).kind is Kind.FAILED
    with new_client(server, times, state_file) as restarted:
        assert restarted.tick() == 0
        assert restarted.tick() == 60
        times.pass_(60)
        assert restarted.tick() == 0
        assert warnings(restarted) == set()


def test_a_failure_of_another_process_is_tried_again_at_once(
    licensed: Client, server: FakeServer, times: Times, state_file: Path
) -> None:
    with new_client(server, times, state_file) as other:
        server.will("/token", AWAY)
        assert other.refresh(retry=False).kind is Kind.FAILED
    assert warnings(licensed) == {Warn.OFFLINE}
    assert licensed.tick() == 0
    assert warnings(licensed) == set()
