"""The journal: read, expected, followed, saved, drawn."""

from __future__ import annotations

import json
from pathlib import Path

import httpx2
import pytest

from mock_authz.testing import ControlError, Event, Exchange, Sandbox, UnmetExpectationError
from tests.testing.pos_server import MARCH_2_AT, acquire, begin, keys, poll, refresh

# --- the journal ---


def test_the_journal_is_typed_and_hides_secrets(sandbox: Sandbox) -> None:
    refresh_token = acquire(sandbox)
    exchange = sandbox.journal.exchanges(step="device_authorization")[0]
    assert isinstance(exchange, Exchange)
    assert (exchange.status, exchange.method, exchange.at) == (200, "POST", MARCH_2_AT)
    [issued] = sandbox.journal.events({"subject.server_id": "store-12"}, type="license_issued")
    assert isinstance(issued, Event)
    assert issued.sequence is not None
    assert sandbox.journal.entries(after=sandbox.journal.position) == []
    assert refresh_token not in repr(sandbox.journal.entries())


def test_an_expectation_waits_and_counts(sandbox: Sandbox) -> None:
    assert sandbox.journal.position == 0
    acquire(sandbox)
    after = sandbox.journal.position
    [found] = sandbox.journal.expect({"step": "token:device_code", "status": 200}, within=1)
    assert isinstance(found, Exchange)
    with pytest.raises(UnmetExpectationError) as unmet:
        sandbox.journal.expect(step="token:device_code", count=2, within=0.1)
    assert "twice" in str(unmet.value)
    assert "has it once" in str(unmet.value)
    with pytest.raises(UnmetExpectationError, match="nothing comes near it"):
        sandbox.journal.expect(step="token:device_code", after=after)


def test_an_expectation_that_is_not_met_names_the_nearest_misses(sandbox: Sandbox) -> None:
    refresh(sandbox, "nonsense")
    with pytest.raises(AssertionError) as unmet:
        sandbox.journal.expect({"step": "token:refresh", "response.reason": "license_lapsed"})
    assert str(unmet.value) == (
        "the journal should have once step 'token:refresh', response.reason 'license_lapsed', and has it not at all\n"
        "nearest misses:\n"
        "  #1  2027-03-02 00:00:00  token:refresh: "
        "response.reason is 'refresh_token_unknown', not 'license_lapsed'"
    )


def test_the_journal_is_followed(sandbox: Sandbox) -> None:
    acquire(sandbox)
    all_of_it = list(sandbox.journal.follow(until_quiet=0.3))
    assert all_of_it == sandbox.journal.entries()
    [issued] = sandbox.journal.follow(until_quiet=0.3, type="license_issued", after=1)
    assert issued in all_of_it
    assert next(sandbox.journal.follow()) == all_of_it[0]
    with pytest.raises(ControlError):
        next(sandbox.journal.follow(colour="red"))
    with pytest.raises(ValueError, match="10 seconds"):
        next(sandbox.journal.follow(until_quiet=11))


def test_the_journal_is_saved_as_har(sandbox: Sandbox, tmp_path: Path) -> None:
    keys(sandbox)
    har = json.loads(sandbox.journal.save_har(tmp_path / "story.har").read_text(encoding="utf-8"))
    assert har == sandbox.journal.har()
    assert har["log"]["entries"][0]["request"]["url"] == f"{sandbox.issuer}/jwks"


# --- the timeline ---


def test_a_sandbox_where_nothing_happened_says_so(sandbox: Sandbox) -> None:
    assert "(nothing has happened here)" in sandbox.timeline()


def test_the_timeline_puts_instants_in_order_and_draws_licenses_as_bars(sandbox: Sandbox) -> None:
    refresh_token = acquire(sandbox)
    sandbox.clock.advance("P12D")
    with sandbox.faults.lost_reply("token:refresh"), pytest.raises(httpx2.TransportError):
        refresh(sandbox, refresh_token)
    sandbox.outage(from_="P1D", until="P4D", must_strike=False)
    sandbox.clock.advance("P8D")
    sandbox.human.approve("store-31", after_polls=3)
    sandbox.faults.offline("revoke")
    lines = sandbox.timeline().splitlines()
    assert lines[0] == f"sandbox {sandbox.name}, now 2027-03-22 00:00:00 UTC (frozen clock)"
    instants = [line[:19] for line in lines if line[19:21] in (" >", " !", " -") and line[0] == "2"]
    assert instants == sorted(instants)
    assert any("200 <- lost_reply, the client never heard" in line for line in lines)
    bar = next(line for line in lines if line.startswith("store-12 |"))
    assert bar == "store-12 |" + "#" * 21 + "." * 15 + "#" * 21 + "." * 3 + "|"
    outages = next(line for line in lines if line.startswith("outages"))
    assert outages == "outages  |" + " " * 39 + "x" * 9 + " " * 12 + "|"
    assert "a scripted human has not acted: approve store-31 at poll 3 (no user code has come)" in lines
    assert "a fault has not struck: offline of revoke" in lines


def test_the_timeline_counts_what_repeats_and_leaves_out_what_is_too_much(sandbox: Sandbox) -> None:
    begun = begin(sandbox)
    for _ in range(3):
        poll(sandbox, begun)
    assert "400 authorization_pending  (x3)" in sandbox.timeline()
    sandbox.clock.advance("PT1M")
    poll(sandbox, begun)
    for index in range(100):
        sandbox.clock.set(MARCH_2_AT - index)
    drawn = sandbox.timeline()
    assert "earlier lines" in drawn
    assert len(drawn.splitlines()) < 90


def test_a_license_that_ended_has_a_bar_until_then_and_a_short_story_has_none(sandbox: Sandbox) -> None:
    acquire(sandbox)
    assert "store-12 |" not in sandbox.timeline()
    sandbox.clock.advance("P10D")
    sandbox.devices.revoke("store-12")
    sandbox.faults.offline(from_="P5D", must_strike=False)
    sandbox.clock.advance("P10D")
    drawn = sandbox.timeline()
    assert "store-12 |" + "#" * 21 + "." * 9 + " " * 30 + "|" in drawn
    assert "outages  |" + " " * 45 + "x" * 15 + "|" in drawn
