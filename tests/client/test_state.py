import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authz_client import state
from authz_client.license_claims import Hub, LicenseToken, Organization
from authz_client.record_json import NotARecord, from_json, to_json
from authz_client.state import (
    TRANSITIONS,
    Awaiting,
    Ending,
    Event,
    HeldToken,
    License,
    PendingToken,
    Phase,
    Refusal,
    State,
)
from tests.client.fakes import CLIENT_ID, ISSUER, START

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
INSTANT = st.integers(0, 2**40)
CLAIMS = st.builds(
    LicenseToken,
    iss=TEXT,
    sub=TEXT,
    aud=st.lists(TEXT, max_size=2).map(tuple),
    client_id=TEXT,
    iat=INSTANT,
    nbf=INSTANT,
    exp=INSTANT,
    jti=TEXT,
    scope=TEXT,
    organization=st.builds(Organization, id=TEXT, name=TEXT),
    server_name=TEXT,
    edition=TEXT,
    features=st.lists(TEXT, max_size=2).map(tuple),
    hub=st.none() | st.builds(Hub, server_id=TEXT, name=TEXT, url=TEXT),
    renewal_at=st.none() | INSTANT,
    renewal_due_from=st.none() | INSTANT,
)
HELD = st.builds(HeldToken, license_token=TEXT, claims=CLAIMS, received_at=INSTANT, refresh_at=INSTANT)
LICENSE = st.builds(
    License,
    refresh_token=TEXT,
    refresh_token_issued_at=INSTANT,
    current=st.none() | HELD,
    pending=st.none() | st.builds(PendingToken, license_token=TEXT, fault=TEXT, received_at=INSTANT),
    refreshed_at=st.none() | INSTANT,
)
AWAITING = st.builds(
    Awaiting,
    device_code=TEXT,
    user_code=TEXT,
    verification_uri=TEXT,
    expires_at=INSTANT,
    interval_seconds=st.integers(1, 1000),
    verification_uri_complete=st.none() | TEXT,
    polled_at=st.none() | INSTANT,
)
ENDING = st.builds(
    Ending, reason=TEXT, ended_at=INSTANT, description=st.none() | TEXT, claims=st.none() | CLAIMS
)
COMMON = {
    "issuer": TEXT,
    "client_id": TEXT,
    "endpoints": st.none() | st.builds(state.Endpoints, TEXT, TEXT, TEXT, TEXT),
    "keys": st.lists(st.dictionaries(TEXT, TEXT, max_size=2), max_size=2).map(tuple),
    "refusal": st.none() | st.builds(Refusal, reason=TEXT, description=st.none() | TEXT),
    "failure": st.none() | st.builds(state.Failure, reason=TEXT, since_at=INSTANT),
    "revocations": st.lists(st.builds(state.Revocation, TEXT, INSTANT), max_size=2).map(tuple),
    "mark": st.none() | INSTANT,
}
STATES = st.one_of(
    st.builds(State, phase=st.sampled_from([Phase.UNLICENSED, Phase.REMOVED]), **COMMON),
    st.builds(State, phase=st.just(Phase.AWAITING), awaiting=AWAITING, **COMMON),
    st.builds(State, phase=st.just(Phase.LICENSED), license=LICENSE, **COMMON),
    st.builds(State, phase=st.just(Phase.ENDED), ending=ENDING, **COMMON),
)
EMPTY = State(ISSUER, CLIENT_ID)
WAITING = Awaiting("secret-device-code", "BCDF-GHJK", "https://x.example", START + 900, 5)


@settings(deadline=None)  # the machine may be busy
@given(STATES)
def test_a_state_comes_back_from_json_as_it_was(stored: State) -> None:
    assert from_json(State, json.loads(json.dumps(to_json(stored)))) == stored


@settings(deadline=None)  # the machine may be busy
@given(STATES)
def test_unknown_members_are_ignored(stored: State) -> None:
    assert from_json(State, to_json(stored) | {"later": {"x": 1}}) == stored


@settings(deadline=None)  # the machine may be busy
@given(STATES, st.data())
def test_a_member_of_the_wrong_type_is_no_record_and_its_value_is_not_told(
    stored: State, data: st.DataObject
) -> None:
    document = to_json(stored)
    name = data.draw(st.sampled_from(sorted(document)))
    with pytest.raises(NotARecord) as refused:
        from_json(State, document | {name: 987654321.5})
    assert "987654321" not in str(refused.value)


@pytest.mark.parametrize("value", [None, [], "x", {}, {"issuer": "x"}])
def test_what_is_no_state_is_no_record(value: object) -> None:
    with pytest.raises(NotARecord):
        from_json(State, value)


def test_a_boolean_is_no_number() -> None:
    with pytest.raises(NotARecord):
        from_json(State, to_json(EMPTY) | {"mark": True})


def test_a_phase_without_its_part_is_no_record() -> None:
    for phase in (Phase.AWAITING, Phase.LICENSED, Phase.ENDED):
        with pytest.raises(NotARecord):
            from_json(State, to_json(EMPTY) | {"phase": phase.value})


def test_a_part_outside_its_phase_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="phase"):
        replace(EMPTY, awaiting=WAITING)


def test_the_table_of_transitions_is_total_over_phases_and_only_removal_leaves_an_ended_license() -> None:
    assert set(TRANSITIONS) == set(Phase)
    assert set(TRANSITIONS[Phase.ENDED]) == {Event.REMOVED}


def test_a_license_that_has_ended_keeps_no_token() -> None:
    licensed = state.redeemed(state.code_issued(EMPTY, WAITING), License("secret-refresh", START))
    ended = state.grant_ended(licensed, Ending("license_revoked", START))
    assert "secret" not in json.dumps(to_json(ended))


def test_removing_keeps_the_refresh_token_for_ninety_days_from_its_issue() -> None:
    licensed = state.redeemed(state.code_issued(EMPTY, WAITING), License("secret-refresh", START))
    (kept,) = state.removed(licensed).revocations
    assert kept.until_at == START + 90 * 86400


def test_no_repr_shows_a_secret() -> None:
    awaiting = state.code_issued(EMPTY, WAITING)
    licensed = state.redeemed(awaiting, License("secret-refresh", START))
    for stored in (awaiting, licensed, state.removed(licensed)):
        assert "secret" not in repr(stored)


def test_a_null_is_an_absent_member() -> None:
    assert from_json(State, to_json(EMPTY) | {"mark": None}) == EMPTY
