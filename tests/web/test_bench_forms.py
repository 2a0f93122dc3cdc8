"""What the forms of the test bench page do, and how they are refused."""

from __future__ import annotations

import pytest

from mock_authz.domain.device_grant import DeviceGrant, State
from mock_authz.domain.organization import Administrator, Device
from mock_authz.usecases import administer, approvals
from mock_authz.usecases.control import find_sandbox
from mock_authz.usecases.faults import list_faults
from mock_authz.usecases.humans import list_humans
from mock_authz.usecases.snapshots import list_snapshots
from tests.factories import DAY, NOW, QA, STORE_12, default_records, expect
from tests.web.bench import HERE, at_the_bench, form_of, now_of, open_page, press
from tests.web.site import Site, a_site
from tests.web.visitor import Visitor, context_of


@pytest.fixture
def visitor() -> Visitor:
    return at_the_bench()


@pytest.mark.parametrize(
    ("to", "at"),
    [
        ("PT1H", NOW + 3600), ("p1d", NOW + DAY), ("+P7D", NOW + 7 * DAY), ("-P1D", NOW - DAY),
        ("2027-02-01", 1_801_440_000), ("2027-02-01 08:00", 1_801_468_800), ("2027-02-01 08:00 UTC", 1_801_468_800),
        ("2027-02-01T08:00:05Z", 1_801_468_805), ("1801440000", 1_801_440_000), ("2026-01-01", 1_767_225_600),
    ],
)  # fmt: skip
def test_time_moves_by_durations_and_to_instants_forward_and_back(visitor: Visitor, to: str, at: int) -> None:
    assert "From 2027-01-15 08:00 UTC" in press(visitor, "move", {"to": to}).text
    assert now_of(visitor) == at


def test_a_move_says_what_fell_due(visitor: Visitor) -> None:
    administer.renew_device(context_of(visitor.site), STORE_12, renewal_at=NOW + 20 * DAY)
    visitor.site.acquire()
    moved = press(visitor, "move", {"to": "P30D"})
    assert "2 events fell due 2027-01-22 08:00 UTC License token expired Store 12" in moved.text
    assert "2027-02-04 08:00 UTC License lapsed Store 12" in moved.text
    assert "nothing fell due" in press(visitor, "move", {"to": "PT1S"}).text


def test_the_clock_goes_to_the_next_event(visitor: Visitor) -> None:
    visitor.site.authorize()
    assert "User code expired" in press(visitor, "move", {"to": "next_event"}).text
    assert now_of(visitor) == NOW + 15 * 60
    refused = press(visitor, "move", {"to": "next_event"})
    assert (refused.status, "Nothing falls due any more." in refused.text) == (409, True)


@pytest.mark.parametrize("to", ["", "tomorrow", "P", "2027-02-30", "P9999Y", "9" * 30, "2027"])
def test_where_time_cannot_go_is_said_beside_the_field(visitor: Visitor, to: str) -> None:
    shown = press(visitor, "move", {"to": to})
    assert (shown.status, 'id="refused-time" role="alert">' in shown.response.text) == (409, True)
    assert now_of(visitor) == NOW


def test_the_clock_freezes_ticks_and_goes_back_to_real_time(visitor: Visitor) -> None:
    for mode in ("offset", "frozen", "real"):
        press(visitor, "mode", {"mode": mode})
        assert visitor.site.sandbox.clock.mode == mode
    assert press(visitor, "mode", {"mode": "sideways"}).status == 409


def test_going_back_a_clock_that_runs_goes_on_running(visitor: Visitor) -> None:
    press(visitor, "mode", {"mode": "offset"})
    press(visitor, "move", {"to": "2020-01-01"})
    assert visitor.site.sandbox.clock.mode == "offset"


def device(visitor: Visitor) -> Device:
    stored = visitor.site.server.store.get(QA, Device, STORE_12)
    assert stored is not None
    return stored.record


@pytest.mark.parametrize(
    ("given", "renewal_at"),
    [
        ({"renewal_at": "P1D"}, NOW + DAY),
        ({"renewal_at": "2027-02-01"}, 1_801_440_000),
        ({"renewal_at": "2027-02-01", "without_date": "yes"}, None),
    ],
)
def test_a_device_is_renewed(visitor: Visitor, given: dict[str, str], renewal_at: int | None) -> None:
    administer.renew_device(context_of(visitor.site), STORE_12, renewal_at=NOW + 1)
    assert "The renewal date is set." in press(visitor, "renew", given, server_id=STORE_12).text
    assert device(visitor).renewal_at == renewal_at


@pytest.mark.parametrize("text", ["", "2020-01-01", "soon"])
def test_a_renewal_date_that_cannot_be_is_refused(visitor: Visitor, text: str) -> None:
    assert press(visitor, "renew", {"renewal_at": text}, server_id=STORE_12).status == 409


def test_a_license_is_revoked_and_a_device_disabled_and_enabled(visitor: Visitor) -> None:
    visitor.site.acquire()
    assert "Expired Requires Renewal" in press(visitor, "revoke", server_id=STORE_12).text
    assert "Disabled" in press(visitor, "disable", server_id=STORE_12).text
    assert not device(visitor).enabled
    press(visitor, "enable", server_id=STORE_12)
    assert device(visitor).enabled


def grant_of(site: Site, user_code: str) -> DeviceGrant:
    return expect(DeviceGrant, approvals.find_user_code(context_of(site), user_code))


def test_a_pending_code_is_approved_for_a_device(visitor: Visitor) -> None:
    codes = visitor.site.authorize()
    plain = codes["user_code"].replace("-", "")
    assert codes["user_code"] in open_page(visitor).text
    assert press(visitor, "approve", user_code=plain).status == 409
    done = press(visitor, "approve", {"server_id": STORE_12}, user_code=plain)
    assert "The user code is approved." in done.text
    assert grant_of(visitor.site, plain).administrator == "dana"
    assert visitor.site.poll(codes["device_code"]).status_code == 200


def test_a_pending_code_is_denied(visitor: Visitor) -> None:
    plain = visitor.site.authorize()["user_code"].replace("-", "")
    form = form_of(open_page(visitor), "approve", user_code=plain)
    denied = visitor.follow(visitor.send("POST", f"{HERE}/deny", data=form.values))
    assert "No code waits for a decision." in denied.text
    assert grant_of(visitor.site, plain).state is State.DENIED


def test_a_sandbox_without_administrators_approves_nothing() -> None:
    site = a_site(records=[one for one in default_records() if not isinstance(one, Administrator)])
    site.checks = False
    plain = site.authorize()["user_code"].replace("-", "")
    refused = press(Visitor(site), "approve", {"server_id": STORE_12}, user_code=plain)
    assert (refused.status, "There is no such administrator." in refused.text) == (409, True)


def test_a_scripted_human_is_added_and_removed(visitor: Visitor) -> None:
    press(visitor, "add-human", {"act": "deny", "after_polls": "2"})
    press(visitor, "add-human", {"act": "approve", "server_id": STORE_12, "at": "PT5M"})
    first, second = list_humans(context_of(visitor.site))
    assert (first.act.value, first.after_polls, first.at) == ("deny", 2, None)
    assert (second.server_id, second.at) == (STORE_12, NOW + 300)
    press(visitor, "remove-human", human_id=first.human_id)
    assert list_humans(context_of(visitor.site)) == [second]
    assert press(visitor, "add-human", {"act": "approve", "after_polls": "two"}).status == 409


def test_a_fault_is_put_on_and_off(visitor: Visitor) -> None:
    shown = press(visitor, "add-fault", {"kind": "offline", "until_at": "P3D", "step": "token"})
    assert "On Offline on token" in shown.text
    (fault,) = list_faults(context_of(visitor.site))
    assert (fault.from_at, fault.until_at, fault.steps) == (NOW, NOW + 3 * DAY, ("token",))
    assert "The network works." in press(visitor, "remove-fault", fault_id=fault.fault_id).text


def test_a_fault_may_lie_ahead_and_strike_by_chance(visitor: Visitor) -> None:
    shown = press(visitor, "add-fault", {
        "kind": "status", "status": "429", "retry_after_seconds": "60", "times": "3", "probability": "25",
        "most_in_a_row": "2", "from_at": "P1D", "until_at": "P1D", "server_id": STORE_12,
    })  # fmt: skip
    assert "Ahead Error status 429 on everything of Store 12" in shown.text
    (fault,) = list_faults(context_of(visitor.site))
    assert (fault.from_at, fault.until_at, fault.probability) == (NOW + DAY, NOW + 2 * DAY, 0.25)
    assert (fault.times, fault.most_in_a_row, fault.retry_after_seconds) == (3, 2, 60)


def test_all_faults_are_put_off_at_once(visitor: Visitor) -> None:
    for kind in ("offline", "lost_reply"):
        press(visitor, "add-fault", {"kind": kind})
    assert "The network works." in press(visitor, "clear-faults").text
    assert list_faults(context_of(visitor.site)) == []


def test_a_fault_that_cannot_be_is_refused_in_the_words_of_the_control_api(visitor: Visitor) -> None:
    refused = press(visitor, "add-fault", {"kind": "latency"})
    assert (refused.status, "latency_milliseconds is missing" in refused.text) == (409, True)
    assert press(visitor, "add-fault", {"kind": "offline", "probability": "often"}).status == 409
    assert list_faults(context_of(visitor.site)) == []


def test_a_quirk_is_put_on_and_off(visitor: Visitor) -> None:
    name = next(iter(visitor.site.server.desk.quirks()))
    press(visitor, "quirk", {"quirk": name})
    assert visitor.site.sandbox.quirks == (name,)
    press(visitor, "quirk", {"quirk": name})
    assert not visitor.site.sandbox.quirks
    assert press(visitor, "quirk", {"quirk": "no_such_quirk"}).status == 409


def test_a_snapshot_is_taken_restored_and_deleted(visitor: Visitor) -> None:
    press(visitor, "take-snapshot", {"name": "before"})
    press(visitor, "move", {"to": "P30D"})
    press(visitor, "restore-snapshot", snapshot="before")
    assert now_of(visitor) == NOW
    assert press(visitor, "take-snapshot", {"name": "before"}).status == 409
    press(visitor, "drop-snapshot", snapshot="before")
    assert list_snapshots(visitor.site.server.store, visitor.site.sandbox) == []
    press(visitor, "take-snapshot")
    assert len(list_snapshots(visitor.site.server.store, visitor.site.sandbox)) == 1


def test_what_the_address_asked_to_see_is_kept_through_a_form(visitor: Visitor) -> None:
    shown = open_page(visitor, "?span=year&find=store&journal=clock")
    form = form_of(shown, "move")
    moved = visitor.send("POST", form.action, data={**form.values, "to": "P1D"})
    assert moved.location.startswith(f"{HERE}?span=year&find=store&journal=clock&done=move&moved=")
    assert moved.location.endswith("#time")


def test_a_sandbox_that_goes_is_said_to_be_gone(visitor: Visitor) -> None:
    form = form_of(open_page(visitor), "move")
    visitor.site.server.store.drop(QA)
    assert find_sandbox(visitor.site.server.store, QA) is None
    assert visitor.send("POST", form.action, data=form.values).status == 404
