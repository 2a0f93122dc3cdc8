import json

import pytest

from authz_client import state
from authz_client.effective_time import Anchor, Now
from authz_client.license_claims import read_claims
from authz_client.state import Awaiting, Ending, HeldToken, License, PendingToken, State
from authz_client.status import (
    LicenseStatus,
    PageStatus,
    TokenState,
    Warn,
    page_status,
    presentable,
    shown_instant,
)
from tests.client.fakes import CLIENT_ID, DAY, ISSUER, START, WEEK, claims

EMPTY = State(ISSUER, CLIENT_ID)
WAITING = Awaiting("secret-device-code", "BCDF-GHJK", "https://x.example", START + 900, 5)
RENEWAL = START + 40 * DAY


def licensed(*, exp: int = START + WEEK, renewal_at: int | None = RENEWAL) -> State:
    renewal = (
        {} if renewal_at is None else {"renewal_at": renewal_at, "renewal_due_from": renewal_at - 30 * DAY}
    )
    read = read_claims(claims(exp=exp, license=renewal))
    assert read is not None
    current = HeldToken("secret-license-token", read, START, START + WEEK // 2)
    return state.redeemed(
        state.code_issued(EMPTY, WAITING), License("secret-refresh", START, current=current)
    )


def page(stored: State, at: int) -> PageStatus:
    return page_status(stored, now=Now(at, 0.0), anchor=None)


def kinds(stored: State, at: int) -> list[Warn]:
    return [warning.kind for warning in page(stored, at).warnings]


@pytest.mark.parametrize(
    ("at", "expected", "label"),
    [
        (RENEWAL - 30 * DAY - 1, LicenseStatus.LICENSED, "Licensed"),
        (RENEWAL - 30 * DAY, LicenseStatus.REQUIRES_RENEWAL, "Requires Renewal"),
        (RENEWAL - 30 * DAY + 1, LicenseStatus.REQUIRES_RENEWAL, "Requires Renewal"),
        (RENEWAL - 1, LicenseStatus.REQUIRES_RENEWAL, "Requires Renewal"),
        (RENEWAL, LicenseStatus.EXPIRED_REQUIRES_RENEWAL, "Expired Requires Renewal"),
        (RENEWAL + 1, LicenseStatus.EXPIRED_REQUIRES_RENEWAL, "Expired Requires Renewal"),
    ],
)
def test_the_license_status_changes_at_its_dates(at: int, expected: LicenseStatus, label: str) -> None:
    status = page(licensed(), at)
    assert (status.license_status, status.label) == (expected, label)
    assert status.reason == ("license_expired" if at >= RENEWAL else None)


def test_without_a_renewal_date_it_is_licensed_even_with_an_expired_token() -> None:
    status = page(licensed(renewal_at=None), START + WEEK)
    assert (status.label, status.token_state) == ("Licensed", TokenState.EXPIRED)


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (2 * DAY + 1, TokenState.VALID),
        (2 * DAY, TokenState.VALID),
        (2 * DAY - 1, TokenState.EXPIRING),
        (1, TokenState.EXPIRING),
        (0, TokenState.EXPIRED),
        (-1, TokenState.EXPIRED),
    ],
)
def test_the_token_has_a_state_of_its_own(left: int, expected: TokenState) -> None:
    assert page(licensed(), START + WEEK - left).token_state is expected


def test_a_token_near_its_expiry_warns_to_reconnect() -> None:
    assert kinds(licensed(), START + 5 * DAY) == []
    assert kinds(licensed(), START + 5 * DAY + 1) == [Warn.TOKEN_EXPIRING]
    assert kinds(licensed(), START + WEEK) == [Warn.TOKEN_EXPIRED]


def test_a_token_that_ends_at_the_renewal_date_warns_to_renew() -> None:
    stored = licensed(exp=START + WEEK, renewal_at=START + WEEK)
    (near,) = page(stored, START + WEEK - 1).warnings
    assert near.kind is Warn.RENEW
    assert near.text.startswith("Renew the license")
    (past,) = page(stored, START + WEEK).warnings
    assert past.kind is Warn.RENEW
    assert past.text.endswith("remove the license and acquire it again.")


def test_the_details_carry_the_user_guide_s_labels() -> None:
    assert page(licensed(), START).rows() == (
        ("License Status", "Licensed"),
        ("Server ID", "srv-1"),
        ("License Renewal Date", "2027-02-24 08:00:00 UTC"),
        ("Features", "xms"),
        ("Hub Server Name", "Hub"),
        ("Hub Server URL", "https://hub.example"),
        ("Token Expiry", "2027-01-22 08:00:00 UTC"),
    )


def test_an_ended_license_shows_its_reason_and_no_token() -> None:
    ended = state.grant_ended(licensed(), Ending("license_revoked", START, description="Revoked."))
    status = page(ended, START)
    assert status.rows()[0] == ("License Status", "Expired Requires Renewal (license_revoked)")
    assert (status.server_id, status.token_state, status.token_expires_at) == ("srv-1", None, None)


def test_an_unlicensed_client_shows_nothing_of_a_license() -> None:
    status = page(EMPTY, START)
    assert status.license_status is LicenseStatus.UNLICENSED
    assert status.rows()[1:] == tuple((label, "") for label, _ in status.rows()[1:])


def test_a_license_without_a_hub_has_none() -> None:
    read = read_claims(claims(license={"hub": None}))
    assert read is not None
    held = License("s", START, current=HeldToken("s", read, START, START))
    assert page(state.redeemed(state.code_issued(EMPTY, WAITING), held), START).hub_server_name is None


def test_a_user_code_expires() -> None:
    stored = state.code_issued(EMPTY, WAITING)
    for at, expired in ((START + 899, False), (START + 900, True), (START + 901, True)):
        shown = page(stored, at).user_code
        assert shown is not None
        assert shown.is_expired is expired
        assert (Warn.USER_CODE_EXPIRED in kinds(stored, at)) is expired


def test_troubles_are_warnings() -> None:
    status = page_status(EMPTY, now=Now(START, 0.0), anchor=None, troubles=["The disk is full."])
    assert [(warning.kind, warning.text) for warning in status.warnings] == [
        (Warn.STATE_TROUBLE, "The disk is full.")
    ]


def test_a_suspect_clock_is_reported_and_deletes_nothing() -> None:
    status = page_status(licensed(), now=Now(START - DAY, 0.0), anchor=Anchor(START, 0.0))
    assert status.is_clock_suspect
    assert [warning.kind for warning in status.warnings] == [Warn.SUSPECT_CLOCK]
    assert status.server_id == "srv-1"


def test_the_status_is_json_and_holds_no_secret() -> None:
    pending = PendingToken("secret-pending", "unknown_key", START)
    first = state.redeemed(
        state.code_issued(EMPTY, WAITING), License("secret-refresh", START, pending=pending)
    )
    for stored in (EMPTY, state.code_issued(EMPTY, WAITING), licensed(), first, state.removed(licensed())):
        text = json.dumps(page(stored, START).to_json())
        assert "secret" not in text
        assert json.loads(text)["label"]


def test_only_a_valid_license_token_is_presented() -> None:
    stored = licensed()
    for at, expected in (
        (START - 1, None),
        (START, "secret-license-token"),
        (START + WEEK - 1, "secret-license-token"),
        (START + WEEK, None),
    ):
        assert presentable(stored, now=Now(at, 0.0), anchor=None) == expected
    assert presentable(EMPTY, now=Now(START, 0.0), anchor=None) is None


def test_no_instant_is_shown_as_nothing() -> None:
    assert shown_instant(None) == ""
    assert shown_instant(0) == "1970-01-01 00:00:00 UTC"
