"""The oracle on renewals, endings and revocations: what they do, when, and which reason is said."""

from __future__ import annotations

import pytest

from authz_conformance.model import (
    Answer,
    Delete,
    Disable,
    Enable,
    Reading,
    Renew,
    RevokeLicense,
    RevokeToken,
)
from tests.conformance.oracle_world import (
    DAY,
    HYGIENE,
    LAPSE,
    NOBODY,
    OTHER,
    POS,
    Bench,
    error,
    refresh_of,
)

DONE, REFUSED = Answer(status=200), Answer(status=409)
TOKENS = ("tokens",)


# ------------------------------------------------------------------------------------------------ renewal


def test_a_renewal_takes_effect_until_a_second_before_the_renewal_date() -> None:
    for at, live in ((LAPSE - 1, True), (LAPSE, False), (LAPSE + 1, False)):
        bench = Bench()
        now = bench.acquire(at=LAPSE - 10)
        bench.ask(Renew(server_id="store", renewal_at=2 * LAPSE), at=at)
        kinds = bench.kinds(refresh_of(now), at=LAPSE + 2)
        assert kinds == (TOKENS if live else ("invalid_grant",))
        rule = "renew.next-refresh-carries-it" if live else "renew.after-lapse-revives-nothing"
        answer = error("invalid_client") if live else now
        assert bench.breaks(refresh_of(now), answer, at=LAPSE + 2) == (rule,)
        later = bench.acquire(at=LAPSE + 3)
        assert later.claims["license"]["renewal_at"] == 2 * LAPSE


def test_a_renewal_to_no_date_leaves_a_license_that_never_lapses() -> None:
    bench = Bench()
    now = bench.acquire(at=LAPSE - 10)
    bench.ask(Renew(server_id="store", renewal_at=None), at=LAPSE - 1)
    assert bench.kinds(refresh_of(now), at=LAPSE) == TOKENS
    assert bench.breaks(refresh_of(now), error("invalid_grant"), at=LAPSE) == ("renew.to-no-date",)


@pytest.mark.parametrize("outcome", [0, 1])
def test_whether_a_license_without_a_date_can_be_given_one_is_a_question_of_reading(outcome: int) -> None:
    bench = Bench()
    now = bench.acquire(server_id="plain")
    bench.ask(Renew(server_id="plain", renewal_at=LAPSE), at=0)
    dates = {
        one.example().claims["license"].get("renewal_at")
        for one in bench.predict(refresh_of(now), at=1).outcomes
    }
    assert dates == {LAPSE, None}
    bench.ask(refresh_of(now), at=1, outcome=outcome)
    assert len(bench.state.worlds) == 1
    assert bench.kinds(Renew(server_id="plain", renewal_at=2 * LAPSE), at=2) == (
        ("done",) if outcome == 0 else ("done", "refused")
    )


def test_an_earlier_date_is_refused_or_taken_and_one_that_has_come_is_nobodys_rule() -> None:
    bench = Bench()
    bench.acquire()
    earlier = Renew(server_id="store", renewal_at=LAPSE - 1)
    assert bench.kinds(earlier, at=0) == ("refused", "done")
    bench.see(earlier, DONE, at=0)
    assert bench.state.worlds[0].licenses[1].renewal_at == LAPSE - 1
    assert bench.kinds(Renew(server_id="store", renewal_at=5), at=5) == ("refused", "done")
    bench.see(Renew(server_id="store", renewal_at=LAPSE + 1), REFUSED, at=0)
    assert bench.state.worlds[0].devices["store"].renewal_at == LAPSE - 1


def test_a_device_that_there_is_not_can_be_neither_renewed_nor_disabled() -> None:
    bench = Bench()
    for step in (Renew(server_id="nowhere", renewal_at=None), Disable(server_id="nowhere")):
        assert bench.kinds(step, at=0) == ("refused",)
        bench.see(step, DONE, at=0)
    bench.ask(Delete(server_id="hub"), at=0)
    assert bench.kinds(Renew(server_id="hub", renewal_at=None), at=0) == ("refused",)


# ------------------------------------------------------------------------------------------------ endings


@pytest.mark.parametrize(
    ("step", "said", "rule"),
    [
        (Disable(server_id="store"), "device_disabled", "end.disabling"),
        (Delete(server_id="store"), "device_disabled", "end.deleting"),
        (RevokeLicense(server_id="store"), "license_revoked", "end.administrator-revokes"),
    ],
)
def test_what_an_administrator_does_ends_the_license_with_its_reason(
    step: Disable | Delete | RevokeLicense, said: str, rule: str
) -> None:
    bench = Bench()
    now = bench.acquire()
    bench.ask(step, at=10)
    assert bench.reason(refresh_of(now), at=10) == said
    assert bench.breaks(refresh_of(now), now, at=10) == (rule,)
    assert bench.breaks(refresh_of(now), now, at=9) == ("clock.back-keeps-endings",)
    wrong = error("invalid_grant", reason="license_expired")
    assert bench.breaks(refresh_of(now), wrong, at=LAPSE) == ("reason.ending-before-lapse",)


def test_a_device_without_a_license_has_none_that_could_end() -> None:
    bench = Bench()
    bench.ask(RevokeLicense(server_id="store"), at=0)
    assert not bench.state.worlds[0].licenses


def test_enabling_revives_nothing() -> None:
    bench = Bench()
    now = bench.acquire()
    bench.ask(Disable(server_id="store"), at=1)
    bench.ask(Enable(server_id="store"), at=2)
    assert bench.breaks(refresh_of(now), now, at=3) == ("end.enabling-revives-nothing",)


def test_a_redemption_supersedes_and_the_first_ending_is_final() -> None:
    bench = Bench()
    first = bench.acquire()
    bench.acquire(at=10)
    assert bench.breaks(refresh_of(first), first, at=11) == ("end.redemption-supersedes",)
    other = bench.acquire(server_id="plain", at=20)
    bench.ask(RevokeLicense(server_id="plain"), at=21)
    bench.ask(Disable(server_id="plain"), at=22)
    wrong = error("invalid_grant", reason="device_disabled")
    assert bench.breaks(refresh_of(other), wrong, at=23) == ("reason.first-ending-is-final",)


def test_a_second_acquisition_leaves_the_reason_of_an_ended_license() -> None:
    bench = Bench()
    first = bench.acquire()
    bench.ask(RevokeLicense(server_id="store"), at=1)
    bench.acquire(at=2)
    wrong = error("invalid_grant", reason="license_superseded")
    assert bench.breaks(refresh_of(first), wrong, at=3) == ("reason.first-ending-is-final",)


def test_whether_a_lapsed_license_can_still_end_is_a_question_of_reading() -> None:
    bench = Bench()
    now = bench.acquire(at=LAPSE - 10)
    bench.ask(RevokeLicense(server_id="store"), at=LAPSE)
    assert bench.reasons(refresh_of(now), at=LAPSE) == ("license_revoked", "license_expired")
    assert bench.kinds(refresh_of(now), at=LAPSE - 1) == ("invalid_grant", "tokens")


def test_a_clients_revocation_of_a_lapsed_license_is_the_same_question() -> None:
    bench = Bench()
    now = bench.acquire(at=LAPSE - 10)
    bench.ask(revoke(now.body["refresh_token"]), at=LAPSE)
    assert bench.reasons(refresh_of(now), at=LAPSE) == ("license_revoked", "license_expired")
    bench.ask(refresh_of(now), at=LAPSE, outcome=1)
    (world,) = bench.state.worlds
    assert not world.reads(Reading.LAPSED_CAN_END)


def test_a_lapsed_license_is_superseded_like_any_other() -> None:
    bench = Bench()
    first = bench.acquire(at=LAPSE - 10)
    bench.ask(Renew(server_id="store", renewal_at=2 * LAPSE), at=LAPSE)
    bench.acquire(at=LAPSE)
    assert bench.reason(refresh_of(first), at=LAPSE) == "license_superseded"


# ------------------------------------------------------------------------------------------------ revocation


def revoke(token: object, *, client_id: str = POS) -> RevokeToken:
    return RevokeToken(client_id=client_id, token=str(token))


def test_any_refresh_token_and_the_license_token_revoke_their_license() -> None:
    for chosen, rule in (
        ("newest", "revoke.refresh-token"),
        ("rotated", "revoke.rotated-refresh-token"),
        ("license token", "revoke.license-token"),
    ):
        bench = Bench()
        first = bench.acquire()
        second = bench.refreshed(first, at=1)
        token = {
            "newest": second.body["refresh_token"],
            "rotated": first.body["refresh_token"],
            "license token": second.body["access_token"],
        }[chosen]
        assert bench.breaks(revoke(token), error("invalid_grant"), at=2) == (rule,)
        bench.ask(revoke(token), at=2)
        assert bench.breaks(refresh_of(second), second, at=3) == (rule,)
        assert bench.breaks(revoke(token), error("invalid_grant"), at=3) == ("revoke.again-is-200",)


def test_an_expired_refresh_token_revokes_its_license() -> None:
    bench = Bench()
    first = bench.acquire(server_id="plain")
    bench.ask(revoke(first.body["refresh_token"]), at=90 * DAY)
    assert bench.breaks(refresh_of(first), first, at=90 * DAY) == ("revoke.expired-refresh-token",)


def test_unknown_is_200_and_another_clients_is_refused_without_change() -> None:
    bench = Bench()
    first = bench.acquire()
    assert bench.ask(revoke("nobody's"), at=1).kind == "done"
    assert bench.ask(revoke(first.body["refresh_token"], client_id=NOBODY), at=1).kind == "invalid_client"
    assert bench.ask(revoke(first.body["refresh_token"], client_id=OTHER), at=1).kind == "invalid_grant"
    assert bench.kinds(refresh_of(first), at=2) == TOKENS
    assert Bench(HYGIENE).kinds(revoke("nobody's"), at=1) == ("done",)


def test_any_other_server_may_answer_200_to_a_foreign_token() -> None:
    bench = Bench(HYGIENE)
    first = bench.acquire()
    assert bench.kinds(revoke(first.body["refresh_token"], client_id=OTHER), at=1) == (
        "invalid_grant",
        "done",
    )


def test_whether_an_expired_license_token_revokes_is_a_question_of_reading() -> None:
    bench = Bench()
    first = bench.acquire(server_id="plain")
    token = first.body["access_token"]
    assert bench.kinds(revoke(token, client_id=OTHER), at=7 * DAY - 1) == ("invalid_grant",)
    assert bench.kinds(revoke(token, client_id=OTHER), at=7 * DAY) == ("invalid_grant", "done")
    bench.ask(revoke(token), at=7 * DAY)
    assert bench.kinds(refresh_of(first), at=7 * DAY) == ("invalid_grant", "tokens")
    bench.ask(refresh_of(first), at=7 * DAY, outcome=1)
    assert len(bench.state.worlds) == 1
