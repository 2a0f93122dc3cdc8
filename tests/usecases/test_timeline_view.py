"""The life of licenses, as the timeline shows it."""

from __future__ import annotations

from dataclasses import replace

from mock_authz.domain.events import Event, EventType
from mock_authz.domain.faults import Fault, FaultKind
from mock_authz.domain.license import Ending, LicenseStatus
from mock_authz.domain.organization import Device
from mock_authz.usecases import administer, faults, keep
from mock_authz.usecases.timeline_view import (
    LicenseLife,
    Outage,
    Span,
    TimelineView,
    life_of,
    outages,
    timeline_view,
)
from mock_authz.usecases.tokens import IssuedTokens
from tests.factories import DAY, HOUR, NOW, STORE_12, World, a_license, a_world, expect

WINDOW = 30 * DAY
A_FAULT = Fault(fault_id="", kind=FaultKind.OFFLINE)


def refresh(world: World, tokens: IssuedTokens, now: int) -> IssuedTokens:
    answer = keep.refresh(
        world.at(now), client_id="pos-server", refresh_token=tokens.refresh_token, scope=None
    )
    return expect(IssuedTokens, answer)


def renew(world: World, renewal_at: int | None, now: int) -> None:
    expect(Device, administer.renew_device(world.at(now), STORE_12, renewal_at=renewal_at))


def view(world: World, now: int) -> TimelineView:
    return timeline_view(world.at(now))


def only_life(world: World, now: int) -> LicenseLife:
    (lane,) = view(world, now).lanes
    (life,) = lane.licenses
    return life


def test_each_license_token_lasts_from_its_minting_to_its_expiry() -> None:
    world = a_world()
    tokens = world.acquire(NOW)
    tokens = refresh(world, tokens, NOW + 3 * DAY)
    refresh(world, tokens, NOW + 9 * DAY)
    assert only_life(world, NOW + 9 * DAY).tokens == (
        Span(NOW, NOW + 7 * DAY),
        Span(NOW + 3 * DAY, NOW + 10 * DAY),
        Span(NOW + 9 * DAY, NOW + 16 * DAY),
    )


def test_what_the_journal_has_forgotten_the_record_still_knows_the_end_of() -> None:
    life = life_of(a_license(), [], window_seconds=WINDOW, now=NOW)
    assert life.tokens == (Span(NOW, NOW + 7 * DAY),)


def test_a_license_without_a_renewal_date_never_requires_renewal() -> None:
    world = a_world()
    world.acquire(NOW)
    life = only_life(world, NOW + 1000 * DAY)
    assert (life.windows, life.renewal_at, life.over_at, life.reason) == ((), None, None, None)


def test_the_renewal_window_lies_ahead_of_the_renewal_date() -> None:
    life = life_of(a_license(renewal_at=NOW + 45 * DAY), [], window_seconds=WINDOW, now=NOW)
    assert life.windows == (Span(NOW + 15 * DAY, NOW + 45 * DAY),)


def test_a_license_that_is_issued_within_the_window_requires_renewal_from_its_issue_on() -> None:
    life = life_of(a_license(renewal_at=NOW + 10 * DAY), [], window_seconds=WINDOW, now=NOW)
    assert life.windows == (Span(NOW, NOW + 10 * DAY),)


def test_a_renewal_ends_the_window_and_another_one_lies_ahead() -> None:
    world = a_world()
    renew(world, NOW + 45 * DAY, NOW)
    world.acquire(NOW)
    renew(world, NOW + 100 * DAY, NOW + 20 * DAY)
    renew(world, NOW + 200 * DAY, NOW + 30 * DAY)
    life = only_life(world, NOW + 30 * DAY)
    assert life.renewed_at == (NOW + 20 * DAY, NOW + 30 * DAY)
    # The second renewal came before its window: nothing is left of that one.
    assert life.windows == (
        Span(NOW + 15 * DAY, NOW + 20 * DAY),
        Span(NOW + 170 * DAY, NOW + 200 * DAY),
    )


def test_renewed_without_a_date_it_does_not_require_renewal_again() -> None:
    world = a_world()
    renew(world, NOW + 10 * DAY, NOW)
    world.acquire(NOW)
    renew(world, None, NOW + DAY)
    renew(world, NOW + 300 * DAY, NOW + 2 * DAY)
    assert only_life(world, NOW + 2 * DAY).windows == (
        Span(NOW, NOW + DAY),
        Span(NOW + 270 * DAY, NOW + 300 * DAY),
    )


def test_a_license_is_over_by_its_lapse_from_the_renewal_date_on() -> None:
    lapses_at = NOW + 45 * DAY
    license_ = a_license(renewal_at=lapses_at)
    told = [
        life_of(license_, [], window_seconds=WINDOW, now=now)
        for now in (lapses_at - 1, lapses_at, lapses_at + 1)
    ]
    assert [(life.over_at, life.reason) for life in told] == [
        (None, None),
        (lapses_at, "license_expired"),
        (lapses_at, "license_expired"),
    ]


def test_a_license_is_over_by_its_ending_and_so_is_its_window() -> None:
    ended_at = NOW + 20 * DAY
    license_ = a_license(renewal_at=NOW + 45 * DAY, ending=Ending.REVOKED, ended_at=ended_at)
    life = life_of(license_, [], window_seconds=WINDOW, now=NOW + 21 * DAY)
    assert (life.over_at, life.reason) == (ended_at, "license_revoked")
    assert life.windows == (Span(NOW + 15 * DAY, ended_at),)


def test_one_that_ended_before_its_window_never_required_renewal() -> None:
    license_ = a_license(renewal_at=NOW + 45 * DAY, ending=Ending.REVOKED, ended_at=NOW + DAY)
    assert life_of(license_, [], window_seconds=WINDOW, now=NOW + 2 * DAY).windows == ()


def test_of_lapse_and_ending_the_first_counts() -> None:
    lapses_at = NOW + 45 * DAY
    for ended_at, reason in [
        (lapses_at - 1, "license_superseded"), (lapses_at, "license_expired"), (lapses_at + 1, "license_expired"),
    ]:  # fmt: skip
        license_ = a_license(renewal_at=lapses_at, ending=Ending.SUPERSEDED, ended_at=ended_at)
        life = life_of(license_, [], window_seconds=WINDOW, now=NOW + 90 * DAY)
        assert (life.over_at, life.reason) == (min(ended_at, lapses_at), reason)


def test_a_device_keeps_one_row_for_all_its_licenses() -> None:
    world = a_world()
    world.acquire(NOW)
    world.acquire(NOW + DAY)
    world.acquire(NOW + DAY, server_id="till-1", client_id="register")
    shown = view(world, NOW + DAY)
    assert [(lane.server_id, len(lane.licenses)) for lane in shown.lanes] == [(STORE_12, 2), ("till-1", 1)]
    assert shown.lanes[0].licenses[0].reason == "license_superseded"
    assert shown.lanes[0].status is LicenseStatus.LICENSED


def test_only_the_devices_that_are_asked_for_are_shown_in_their_order() -> None:
    world = a_world()
    for server_id in (STORE_12, "head-office"):
        world.acquire(NOW, server_id=server_id)
    asked = [expect(Device, world.device(name)) for name in ("till-1", "head-office", STORE_12)]
    shown = timeline_view(world.at(NOW), asked)
    assert [lane.server_id for lane in shown.lanes] == ["head-office", STORE_12]
    assert [lane.name for lane in shown.lanes] == ["Head Office", "Store 12"]


def test_a_deleted_device_goes_by_its_identity() -> None:
    world = a_world()
    world.acquire(NOW)
    administer.delete_device(world.at(NOW + DAY), STORE_12)
    (lane,) = view(world, NOW + DAY).lanes
    assert (lane.name, lane.licenses[0].reason) == (STORE_12, "device_disabled")


# --- outages ---


def test_a_fault_with_a_window_is_an_outage() -> None:
    window = replace(
        A_FAULT, fault_id="a", from_at=NOW, until_at=NOW + DAY, steps=("token",), server_id=STORE_12
    )
    begins = replace(A_FAULT, fault_id="b", from_at=NOW)
    ends = replace(A_FAULT, fault_id="c", until_at=NOW)
    always = replace(A_FAULT, fault_id="d")
    assert outages([window, begins, ends, always], []) == [
        Outage(
            fault_id="a",
            kind="offline",
            steps=("token",),
            server_id=STORE_12,
            from_at=NOW,
            until_at=NOW + DAY,
        ),
        Outage(fault_id="b", kind="offline", from_at=NOW),
        Outage(fault_id="c", kind="offline", until_at=NOW),
    ]


def test_an_outage_that_is_removed_stays_in_the_picture() -> None:
    world = a_world()
    made = faults.add_fault(world.at(NOW), replace(A_FAULT, from_at=NOW, server_id=STORE_12))
    faults.remove_fault(world.at(NOW + HOUR), made.fault_id)
    assert view(world, NOW + DAY).outages == (
        Outage(fault_id=made.fault_id, kind="offline", server_id=STORE_12, from_at=NOW, until_at=NOW + HOUR),
    )


def test_an_outage_that_is_removed_before_it_begins_never_was() -> None:
    world = a_world()
    made = faults.add_fault(world.at(NOW), replace(A_FAULT, from_at=NOW + DAY))
    faults.remove_fault(world.at(NOW), made.fault_id)
    assert view(world, NOW).outages == ()
    assert world.events(EventType.OUTAGE_BEGAN, EventType.OUTAGE_ENDED) == []


def test_an_outage_that_is_declared_begins_and_ends_in_the_journal_within_its_window_only() -> None:
    until = NOW + DAY
    for removed_at, ended in [(until - 1, 1), (until, 0), (until + 1, 0)]:
        world = a_world()
        made = faults.add_fault(world.at(NOW), replace(A_FAULT, from_at=NOW, until_at=until))
        assert len(world.events(EventType.OUTAGE_BEGAN)) == 1
        faults.remove_fault(world.at(removed_at), made.fault_id)
        assert len(world.events(EventType.OUTAGE_ENDED)) == ended


def test_an_ended_outage_whose_beginning_is_forgotten_has_been_for_ever() -> None:
    ended = Event(EventType.OUTAGE_ENDED, NOW, {"fault_id": "a", "kind": "offline"})
    assert outages([], [ended]) == [Outage(fault_id="a", kind="offline", until_at=NOW)]


# --- events ---


def test_what_is_nobodys_own_is_marked_in_the_journals_order() -> None:
    world = a_world()
    world.acquire(NOW)
    assert [event.type for event in view(world, NOW).events] == [
        EventType.DEVICE_AUTHORIZATION_ISSUED,
        EventType.USER_CODE_APPROVED,
    ]
