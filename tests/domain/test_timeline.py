from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mock_authz.domain.device_grant import State
from mock_authz.domain.events import EventType
from mock_authz.domain.faults import Fault, FaultKind
from mock_authz.domain.human_script import Act, HumanScript
from mock_authz.domain.license import Ending, License, end, renew
from mock_authz.domain.signing_key import KeySet, rotate
from mock_authz.domain.timeline import dues, falling_due
from tests.factories import DAY, HARBOR, LIFETIMES, MINUTE, NOW, a_grant, a_key, a_license, expect


def due(record: object) -> list[tuple[int, str]]:
    return sorted((event.at, event.type.value) for event in dues(record))


def test_a_license_without_a_renewal_date_has_its_two_tokens_expire() -> None:
    assert due(a_license()) == [
        (NOW + 7 * DAY, "license_token_expired"),
        (NOW + 90 * DAY, "refresh_token_expired"),
    ]


def test_a_license_with_a_renewal_date_falls_due_for_renewal_and_lapses() -> None:
    assert due(a_license(renewal_at=NOW + 40 * DAY)) == [
        (NOW + 7 * DAY, "license_token_expired"),
        (NOW + 10 * DAY, "license_renewal_due"),
        (NOW + 40 * DAY, "license_lapsed"),
        (NOW + 90 * DAY, "refresh_token_expired"),
    ]


@pytest.mark.parametrize(("left", "falls"), [(30 * DAY + 1, True), (30 * DAY, False), (DAY, False)])
def test_a_license_issued_within_the_renewal_window_is_due_already(left: int, falls: bool) -> None:  # noqa: FBT001 - a case's outcome
    types = {event.type for event in dues(a_license(renewal_at=NOW + left))}
    assert (EventType.LICENSE_RENEWAL_DUE in types) is falls
    assert EventType.LICENSE_LAPSED in types


def test_a_license_renewed_to_within_the_window_is_due_already() -> None:
    license_ = a_license(renewal_at=NOW + 10 * DAY)
    renewed = renew(license_, renewal_at=NOW + 35 * DAY, lifetimes=LIFETIMES, now=NOW + 6 * DAY)
    assert EventType.LICENSE_RENEWAL_DUE not in {event.type for event in dues(expect(License, renewed))}


def test_of_an_ended_license_only_its_token_out_there_falls_due() -> None:
    ended = end(a_license(renewal_at=NOW + 40 * DAY), ending=Ending.REVOKED, now=NOW)
    assert due(ended) == [(NOW + 7 * DAY, "license_token_expired")]


@pytest.mark.parametrize(
    ("state", "falls"),
    [(State.PENDING, True), (State.APPROVED, True), (State.DENIED, False), (State.REDEEMED, False)],
)
def test_a_user_code_expires_while_it_is_pending_or_approved(state: State, falls: bool) -> None:  # noqa: FBT001 - a case's outcome
    assert due(a_grant(state=state)) == ([(NOW + 15 * MINUTE, "user_code_expired")] if falls else [])


def test_a_key_starts_to_sign_and_its_predecessor_goes() -> None:
    first = a_key("first", last_expires_at=NOW + 14 * DAY)
    keys = rotate(KeySet((first,)), a_key("second", signs_from_at=NOW + 7 * DAY, published_at=NOW))
    assert due(keys) == [
        (NOW + 7 * DAY, "key_signing_started"),
        (NOW + 14 * DAY + 60, "key_removed"),
    ]


def test_a_record_that_no_time_touches_has_nothing_due() -> None:
    assert dues(HARBOR) == ()


@pytest.mark.parametrize(
    ("after", "until", "falls"),
    [
        (NOW, NOW + 7 * DAY - 1, False),
        (NOW, NOW + 7 * DAY, True),
        (NOW + 7 * DAY - 1, NOW + 7 * DAY, True),
        (NOW + 7 * DAY, NOW + 8 * DAY, False),
    ],
)
def test_what_falls_due_is_later_than_the_start_and_not_later_than_the_end(
    after: int,
    until: int,
    falls: bool,  # noqa: FBT001 - a case's outcome
) -> None:
    types = [event.type for event in falling_due([a_license()], after=after, until=until)]
    assert types == ([EventType.LICENSE_TOKEN_EXPIRED] if falls else [])


def test_what_falls_due_comes_in_order_of_instant_then_of_type_then_as_the_records_come() -> None:
    one = a_license(renewal_at=NOW + 7 * DAY)
    other = replace(one, license_id="license-0")
    events = falling_due([one, a_grant(), other], after=NOW, until=NOW + 7 * DAY)
    assert [(event.at - NOW, event.type.value, event.subject.get("license_id")) for event in events] == [
        (15 * MINUTE, "user_code_expired", None),
        (7 * DAY, "license_lapsed", "license-1"),
        (7 * DAY, "license_lapsed", "license-0"),
        (7 * DAY, "license_token_expired", "license-1"),
        (7 * DAY, "license_token_expired", "license-0"),
    ]


@pytest.mark.parametrize(
    ("window", "falls"),
    [
        ({}, []),
        ({"from_at": NOW}, [(NOW, "outage_began")]),
        ({"until_at": NOW}, [(NOW, "outage_ended")]),
        ({"from_at": NOW, "until_at": NOW + 1}, [(NOW, "outage_began"), (NOW + 1, "outage_ended")]),
    ],
)
def test_a_fault_with_a_window_is_an_outage_that_begins_and_ends(
    window: dict[str, Any], falls: list[tuple[int, str]]
) -> None:
    fault = Fault(fault_id="fault-1", kind=FaultKind.LATENCY, **window)
    assert due(fault) == falls
    assert all(event.subject == {"fault_id": "fault-1", "kind": "latency"} for event in dues(fault))


@pytest.mark.parametrize(
    ("changes", "falls"),
    [
        ({}, [(NOW, "human_due")]),
        ({"grant_id": None}, []),
        ({"acted_at": NOW}, []),
        ({"at": None}, []),
    ],
)
def test_a_scripted_human_falls_due_at_its_instant_once_it_has_a_code_and_until_it_acts(
    changes: dict[str, Any], falls: list[tuple[int, str]]
) -> None:
    script = HumanScript(human_id="human-1", act=Act.DENY, **{"grant_id": "grant-1", "at": NOW, **changes})
    assert due(script) == falls
