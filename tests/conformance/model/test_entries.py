"""The oracle on administrators who enter user codes: what is decided, refused and throttled, and when."""

from __future__ import annotations

from authz_conformance.model import Answer, Approve, Deny, DeviceAuthorization, Disable, Enable, Poll
from tests.conformance.oracle_world import (
    DANA,
    ERIN,
    LAPSE,
    LICENSE,
    POS,
    RFC8628,
    SILENT,
    Bench,
    altered,
    error,
    refresh_of,
)

DONE = Answer(status=200)
NO = Answer(status=409)
TOO_MANY = Answer(status=429)


# ------------------------------------------------------------------------------------------------ entries


def test_a_pending_code_can_be_decided_until_a_second_before_its_expiry() -> None:
    bench = Bench()
    approve = bench.approval(bench.codes())
    assert [bench.kinds(approve, at=at) for at in (899, 900, 901)] == [("done",), ("refused",), ("refused",)]
    assert bench.breaks(approve, DONE, at=900) == ("verify.expired-user-code-refused",)
    assert bench.breaks(approve, TOO_MANY, at=899) == ("guess.budget-reopens",)
    deny = Deny(user_code=approve.user_code, administrator=DANA)
    assert bench.breaks(deny, NO, at=899) == ("verify.expired-user-code-refused",)


def test_a_device_can_be_approved_until_a_second_before_its_renewal_date() -> None:
    bench = Bench()
    approve = bench.approval(bench.codes(at=LAPSE - 10))
    kinds = [bench.kinds(approve, at=at) for at in (LAPSE - 1, LAPSE, LAPSE + 1)]
    assert kinds == [("done",), ("refused",), ("refused",)]
    assert bench.breaks(approve, NO, at=LAPSE - 1) == ("verify.lapsed-device-refused",)


def test_a_code_is_approved_for_an_enabled_device_of_the_administrators_own_organization_only() -> None:
    bench = Bench()
    poll = bench.codes()
    foreign = bench.approval(poll, server_id="stranger")
    assert bench.breaks(foreign, DONE, at=0) == ("verify.only-own-organization",)
    assert bench.kinds(bench.approval(poll, server_id="stranger", administrator=ERIN), at=0) == ("done",)
    bench.ask(Disable(server_id="store"), at=0)
    assert bench.breaks(bench.approval(poll), DONE, at=0) == ("verify.disabled-device-refused",)
    bench.change("store", deleted=True)
    for unknown in ("store", "nowhere"):
        assert bench.kinds(bench.approval(poll, server_id=unknown), at=0) == ("refused",)
    assert bench.breaks(bench.approval(poll, server_id="plain"), NO, at=0) == (
        "verify.expired-user-code-refused",
    )


def test_a_device_that_was_enabled_again_can_be_approved() -> None:
    bench = Bench()
    bench.acquire()
    bench.ask(Disable(server_id="store"), at=0)
    bench.ask(Enable(server_id="store"), at=0)
    approve = bench.approval(bench.codes())
    assert bench.breaks(approve, NO, at=0) == ("end.enabled-device-acquires-anew",)


def test_what_is_decided_is_not_decided_again() -> None:
    bench = Bench()
    approved, denied = bench.codes(), bench.codes()
    approve, deny = (
        bench.approval(approved),
        Deny(user_code=bench.approval(denied).user_code, administrator=DANA),
    )
    bench.ask(approve, at=0)
    bench.ask(deny, at=0)
    assert bench.breaks(approve, DONE, at=0) == ("verify.approved-is-not-decided-again",)
    assert bench.breaks(deny, DONE, at=0) == ("verify.denied-is-not-decided-again",)
    nobodys = Approve(user_code="BBBB-BBBB", server_id="store", administrator=DANA)
    assert bench.breaks(nobodys, DONE, at=0) == ("verify.unknown-user-code-refused",)


def test_a_user_code_is_compared_without_case_and_punctuation() -> None:
    bench = Bench()
    step = DeviceAuthorization(client_id=POS)
    answer = altered(bench.example(step, at=0), "body", user_code="WDJB-MJHT")
    bench.see(step, answer, at=0)
    assert bench.kinds(Deny(user_code=" wdjb mjht", administrator=DANA), at=0) == ("done",)


# ------------------------------------------------------------------------------------------------ guesses


def wrong(bench: Bench, *instants: int, administrator: str = DANA) -> None:
    for at in instants:
        bench.see(Approve(user_code="BBBB-BBBB", server_id="store", administrator=administrator), NO, at=at)


def test_after_five_wrong_entries_a_right_one_waits_too_until_15_minutes_after_the_first() -> None:
    bench = Bench()
    wrong(bench, 0, 0, 0, 0)
    approve = bench.approval(bench.codes(at=500))
    assert bench.kinds(approve, at=500) == ("done",)
    wrong(bench, 500)
    assert [bench.kinds(approve, at=at) for at in (899, 900, 901)] == [("throttled",), ("done",), ("done",)]
    assert bench.breaks(approve, DONE, at=899) == ("guess.right-code-waits-too",)
    assert bench.breaks(approve, NO, at=899) == ("guess.refusal-is-429-with-retry-after",)
    unknown = Deny(user_code="CCCC-CCCC", administrator=DANA)
    assert bench.breaks(unknown, DONE, at=899) == ("guess.budget-is-limited",)
    assert bench.breaks(unknown, TOO_MANY, at=900) == ("guess.budget-is-limited",)
    assert bench.kinds(Deny(user_code=approve.user_code, administrator=ERIN), at=899) == ("done",)


def test_a_throttled_entry_is_no_wrong_entry() -> None:
    bench = Bench()
    wrong(bench, 0, 0, 0, 0, 0)
    bench.see(Deny(user_code="CCCC-CCCC", administrator=DANA), TOO_MANY, at=899)
    assert bench.kinds(Deny(user_code="CCCC-CCCC", administrator=DANA), at=900) == ("refused",)


def test_whether_the_15_minutes_slide_is_a_question_of_reading() -> None:
    bench = Bench()
    wrong(bench, 0, 600, 600, 600, 600, 901)
    deny = Deny(user_code=bench.approval(bench.codes(at=901)).user_code, administrator=DANA)
    assert bench.kinds(deny, at=902) == ("throttled", "done")
    assert bench.kinds(deny, at=1500) == ("done",)


def test_whether_a_dead_code_is_a_wrong_entry_is_a_question_of_reading() -> None:
    bench = Bench()
    dead = bench.approval(bench.codes())
    wrong(bench, 900, 900, 900, 900)
    bench.ask(dead, at=900)
    deny = Deny(user_code=bench.approval(bench.codes(at=901)).user_code, administrator=DANA)
    assert bench.kinds(deny, at=901) == ("throttled", "done")
    bench.ask(deny, at=901)
    assert len(bench.state.worlds) == 1


def test_whether_wrong_entries_ahead_of_the_clock_count_is_a_question_of_reading() -> None:
    bench = Bench()
    wrong(bench, 2000, 2000, 2000, 2000, 2000)
    deny = Deny(user_code=bench.approval(bench.codes(at=1000)).user_code, administrator=DANA)
    assert bench.kinds(deny, at=1000) == ("throttled", "done")


def test_a_driver_without_statuses_may_report_a_throttled_entry_as_refused() -> None:
    bench = Bench(SILENT)
    wrong(bench, 0, 0, 0, 0, 0)
    deny = Deny(user_code=bench.approval(bench.codes()).user_code, administrator=DANA)
    assert bench.kinds(deny, at=0) == ("throttled", "refused")
    assert bench.predict(deny, at=0).judge(NO).admissible
    assert not bench.predict(deny, at=0).judge(DONE).admissible


def test_any_other_server_may_throttle_entries_as_it_likes() -> None:
    bench = Bench(RFC8628)
    approve = bench.approval(bench.codes())
    assert bench.kinds(approve, at=0) == ("done", "throttled")
    assert bench.kinds(approve, at=900) == ("refused", "throttled")
    assert bench.breaks(approve, DONE, at=900) == ("verify.expired-user-code-refused",)
    nowhere = bench.approval(bench.codes(), server_id="nowhere")
    assert bench.predict(nowhere, at=0).judge(DONE).admissible
    bench.see(nowhere, DONE, at=0)
    poll = Poll(client_id=POS, device_code=list(bench.state.worlds[0].grants)[-1])
    assert bench.predict(poll, at=0).judge(error("access_denied")).admissible


def test_answers_that_are_not_admissible_are_followed_as_well_as_they_can_be() -> None:
    bench = Bench()
    poll = bench.codes()
    assert not bench.see(poll, error("access_denied"), at=0).admissible
    assert bench.kinds(poll, at=9) == ("access_denied",)
    other = bench.codes()
    tokens = Answer(status=200, body={"access_token": "a", "refresh_token": "r"})
    assert not bench.see(other, tokens, at=0).admissible
    assert bench.kinds(other, at=9) == ("invalid_grant",)
    assert bench.kinds(refresh_of(tokens), at=9) == ("tokens",)


def test_every_rule_of_the_law_that_the_oracle_knows_is_named_for_a_kensium_server() -> None:
    bench = Bench()
    assert "poll.early-is-slow-down" in LICENSE.binding
    poll = bench.codes()
    bench.ask(poll, at=0)
    assert set(bench.predict(poll, at=1).rules) >= {"poll.early-is-slow-down", "poll.undecided-is-pending"}
