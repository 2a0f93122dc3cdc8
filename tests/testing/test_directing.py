"""The clock and the scripted humans of a sandbox."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from mock_authz.testing import ControlError, EventType, Sandbox, UnreadableTimeError
from tests.testing.pos_server import DAY, MARCH_2, MARCH_2_AT, acquire, begin, poll

# --- the clock ---


@pytest.mark.parametrize(
    "instant",
    [MARCH_2, MARCH_2_AT, date(2027, 3, 2), datetime(2027, 3, 2, tzinfo=UTC), "2027-03-02T01:00:00+01:00"],
)
def test_instants_are_spelled_in_many_ways(sandbox: Sandbox, instant: Any) -> None:
    sandbox.clock.advance("P1D")
    sandbox.clock.set(instant)
    assert sandbox.clock.now == sandbox.clock.time() == MARCH_2_AT
    assert sandbox.clock.mode == "frozen"


def test_a_duration_in_an_instants_place_counts_from_now(sandbox: Sandbox) -> None:
    sandbox.clock.set("P1D")
    sandbox.clock.set("-P3D")
    sandbox.clock.advance(to="+P1D")
    assert sandbox.clock.now == MARCH_2_AT - DAY


def test_a_clock_that_ticks_goes_on_ticking_when_it_is_set(sandbox: Sandbox) -> None:
    sandbox.clock.tick()
    assert sandbox.clock.now - MARCH_2_AT < 60
    sandbox.clock.set("2027-04-01")
    assert sandbox.clock.mode == "offset"
    sandbox.clock.freeze()
    assert sandbox.clock.mode == "frozen"


def test_an_advance_returns_what_fell_due_in_order(sandbox: Sandbox) -> None:
    acquire(sandbox)
    events = sandbox.clock.advance(timedelta(days=15))
    assert [(event.type, event.at - MARCH_2_AT) for event in events] == [
        (EventType.LICENSE_TOKEN_EXPIRED, 7 * DAY),
        (EventType.LICENSE_RENEWAL_DUE, 15 * DAY),
    ]
    assert {event.server_id for event in events} == {"store-12"}
    [lapsed] = sandbox.clock.advance_to_next_event()
    assert (lapsed.type, lapsed.at) == ("license_lapsed", sandbox.clock.now)


def test_an_advance_goes_forward_and_says_so(sandbox: Sandbox) -> None:
    with pytest.raises(ControlError, match="instant_passed"):
        sandbox.clock.advance(to="2027-03-01")
    for wrong in ({}, {"by": "P1D", "to": "2027-04-01"}, {"by": "-P1D"}, {"by": "soon"}):
        with pytest.raises(ControlError, match="unprocessable"):
            sandbox.clock.advance(**wrong)
    with pytest.raises(UnreadableTimeError):
        sandbox.clock.advance(timedelta(seconds=0.5))
    with pytest.raises(UnreadableTimeError):
        sandbox.clock.advance(to=datetime(2028, 1, 1))  # noqa: DTZ001 - what is refused
    with pytest.raises(ControlError, match="no_next_event"):
        sandbox.clock.advance_to_next_event()


# --- humans ---


def test_a_human_approves_before_the_answer_to_a_poll(sandbox: Sandbox) -> None:
    human = sandbox.human.approve("store-31", after_polls=2)
    begun = begin(sandbox)
    assert poll(sandbox, begun)["error"] == "authorization_pending"
    before = human.acted_at
    assert before is None
    assert "access_token" in poll(sandbox, begun)
    assert (human.acted_at, human.refusal, human.act) == (MARCH_2_AT, None, "approve")
    assert sandbox.devices.get("store-31").license_status == "requires_renewal"


def test_a_human_denies_at_an_instant_ignores_and_is_taken_back(sandbox: Sandbox) -> None:
    sandbox.human.ignore(client_id="pos-server")
    first = begin(sandbox)
    sandbox.human.deny(at="PT5M", administrator="admin")
    second = begin(sandbox)
    sandbox.human.approve().remove()
    sandbox.clock.advance("PT10M")
    assert poll(sandbox, first)["error"] == "authorization_pending"
    assert poll(sandbox, second)["error"] == "access_denied"


def test_a_decision_that_the_server_refuses_is_told(sandbox: Sandbox) -> None:
    human = sandbox.human.approve("outlet")
    begin(sandbox)
    assert human.refusal
    assert human.refusal in sandbox.timeline()
    with pytest.raises(ControlError, match="device_unknown"):
        sandbox.human.approve("store-99")
