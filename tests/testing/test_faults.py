"""Faults on the wire, each seen by a client, and those that never struck."""

from __future__ import annotations

import httpx2
import pytest

from mock_authz.testing import (
    ControlError,
    EventType,
    Sandbox,
    Server,
    UnstruckFaultError,
    UnstruckFaultWarning,
)
from tests.testing.pos_server import DAY, MARCH_2_AT, acquire, keys, refresh


def test_being_offline_lasts_as_long_as_the_block(sandbox: Sandbox) -> None:
    with sandbox.offline() as away:
        with pytest.raises(httpx2.TransportError):
            keys(sandbox)
        assert (away.struck, away.offered, away.kind) == (1, 1, "offline")
    assert keys(sandbox).status_code == 200
    assert away.struck == 1
    away.remove()
    assert sandbox.faults.list() == []


def test_an_outage_is_declared_ahead(sandbox: Sandbox) -> None:
    sandbox.outage(from_="P1D", until="2027-03-05", times=5)
    assert keys(sandbox).status_code == 200
    began, *_ = sandbox.clock.advance_to_next_event()
    assert (began.type, began.at) == (EventType.OUTAGE_BEGAN, MARCH_2_AT + DAY)
    with pytest.raises(httpx2.TransportError):
        keys(sandbox)
    assert [event.type for event in sandbox.clock.advance(to="2027-03-05")] == [EventType.OUTAGE_ENDED]
    assert keys(sandbox).status_code == 200


def test_a_lost_reply_is_acted_upon(sandbox: Sandbox) -> None:
    refresh_token = acquire(sandbox)
    lost = sandbox.faults.lost_reply("token:refresh", times=1)
    with pytest.raises(httpx2.TransportError):
        refresh(sandbox, refresh_token)
    assert refresh(sandbox, refresh_token).status_code == 200
    assert lost.struck == 1
    assert len(sandbox.journal.events(type=EventType.LICENSE_REFRESHED)) == 2


def test_each_fault_can_be_seen(sandbox: Sandbox) -> None:
    faults = sandbox.faults
    with faults.status(503, "jwks", retry_after=7):
        assert (keys(sandbox).status_code, keys(sandbox).headers["retry-after"]) == (503, "7")
    with faults.empty_body("jwks"):
        assert keys(sandbox).content == b""
    with faults.garbled_body("jwks"), pytest.raises(ValueError):  # noqa: PT011 - not JSON, or not even text
        keys(sandbox).json()
    with faults.wrong_content_type("jwks"):
        assert keys(sandbox).headers["content-type"].startswith("text/html")
    with faults.latency(1, "jwks") as slow:
        assert keys(sandbox).status_code == 200
    assert slow.struck == 1
    for broken in (faults.truncated_body, faults.reset):
        with broken("jwks"), pytest.raises(httpx2.TransportError):
            keys(sandbox)


def test_a_fault_narrows_to_a_device_a_client_and_a_number(sandbox: Sandbox) -> None:
    refresh_token = acquire(sandbox)
    sandbox.faults.status(500, "token", server_id="store-31", client_id="register", must_strike=False)
    sandbox.faults.status(502, "token", server_id="store-12", times=1)
    sandbox.faults.status(503, "jwks", probability=1.0, most_in_a_row=1)
    assert [refresh(sandbox, refresh_token).status_code for _ in range(2)] == [502, 200]
    assert [keys(sandbox).status_code for _ in range(4)] == [503, 200, 503, 200]
    sandbox.check_faults()


def test_a_misspelt_member_of_a_fault_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(ControlError, match="Did you mean times"):
        sandbox.faults.offline(time=1)  # type: ignore[call-arg]
    with pytest.raises(ControlError, match="steps"):
        sandbox.faults.offline("refresh")


def test_a_fault_that_never_struck_is_warned_of_when_the_sandbox_closes(server: Server) -> None:
    sandbox = Sandbox(server)
    sandbox.faults.lost_reply("token:refresh", server_id="store-12")
    sandbox.faults.offline("jwks").remove()
    sandbox.faults.status(500, "revoke")
    sandbox.faults.clear()
    with pytest.raises(UnstruckFaultError, match="lost_reply of token:refresh for server_id store-12"):
        sandbox.check_faults()
    with pytest.warns(UnstruckFaultWarning) as warned:
        sandbox.close()
    assert [one.filename for one in warned] == [__file__]
    assert "offline of jwks" in str(warned[0].message)
    assert "status 500 of revoke" in str(warned[0].message)
    sandbox.close()


def test_who_fails_hears_of_the_failure_alone(server: Server) -> None:
    def fail() -> None:
        with Sandbox(server) as sandbox:
            sandbox.faults.offline()
            raise KeyError

    with pytest.raises(KeyError):
        fail()


def test_a_fault_that_has_struck_has_struck_whatever_is_restored(sandbox: Sandbox) -> None:
    sandbox.faults.status(500, "jwks")
    before = sandbox.snapshot()
    assert keys(sandbox).status_code == 500
    sandbox.restore(before)
    sandbox.check_faults()


def test_a_fork_answers_for_the_faults_of_its_own(sandbox: Sandbox) -> None:
    inherited = sandbox.faults.status(500, "jwks")
    fork = sandbox.fork()
    assert keys(fork).status_code == 500
    sandbox.check_faults()
    fork.faults.offline("revoke")
    with pytest.raises(UnstruckFaultError, match="offline of revoke"):
        sandbox.check_faults()
    with pytest.warns(UnstruckFaultWarning):
        fork.close()
    assert inherited.struck == 0
    sandbox.check_faults()
