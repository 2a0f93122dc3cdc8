"""The oracle on what a license token opens: the caller's license, and introspection."""

from __future__ import annotations

from authz_conformance.model import (
    Answer,
    Introspect,
    Renew,
    RevokeLicense,
    ViewLicense,
)
from tests.conformance.oracle_world import (
    DAY,
    ERIN,
    HYGIENE,
    LAPSE,
    Bench,
    altered,
    error,
    refresh_of,
)


def view(answer: Answer) -> ViewLicense:
    return ViewLicense(access_token=str(answer.body["access_token"]))


def introspect(caller: Answer, subject: Answer, *, member: str = "access_token") -> Introspect:
    return Introspect(access_token=str(caller.body["access_token"]), token=str(subject.body[member]))


# ------------------------------------------------------------------------------------------------ /license


def test_a_license_token_opens_until_a_second_before_its_exp() -> None:
    bench = Bench()
    first = bench.acquire()
    ends = first.claims["exp"]
    kinds = [bench.kinds(view(first), at=at) for at in (ends - 1, ends, ends + 1)]
    assert kinds == [("done",), ("invalid_token",), ("invalid_token",)]
    assert bench.reasons(view(first), at=ends) == ("license_token_expired",)
    shown = bench.example(view(first), at=ends - 1)
    assert bench.breaks(view(first), shown, at=ends) == ("bearer.expired-is-invalid-token",)
    mute = error("invalid_token", status=401)
    assert bench.breaks(view(first), mute, at=ends) == ("bearer.expired-says-why",)
    assert bench.breaks(view(first), error("invalid_token", reason="license_token_expired"), at=ends) == (
        "bearer.expired-is-invalid-token",
    )


def test_what_is_no_license_token_opens_nothing_and_is_told_no_reason() -> None:
    bench = Bench()
    assert bench.reasons(ViewLicense(access_token="nobody's"), at=0) == (None,)


def test_an_ended_license_is_told_its_reason_before_the_expiry_of_the_token() -> None:
    bench = Bench()
    first = bench.acquire()
    shown = bench.example(view(first), at=1)
    bench.ask(RevokeLicense(server_id="store"), at=1)
    for at in (1, first.claims["exp"], LAPSE):
        assert bench.reasons(view(first), at=at) == ("license_revoked",)
    assert bench.breaks(view(first), shown, at=1) == ("bearer.ended-is-invalid-token",)


def test_a_lapsed_license_is_told_so() -> None:
    bench = Bench()
    first = bench.acquire(at=LAPSE - 1)
    assert bench.kinds(view(first), at=LAPSE - 1) == ("done",)
    assert bench.reasons(view(first), at=LAPSE) == ("license_expired",)


def test_whether_a_bearer_whose_nbf_lies_ahead_is_refused_is_a_question_of_reading() -> None:
    bench = Bench()
    first = bench.acquire(at=10)
    assert [bench.kinds(view(first), at=at) for at in (9, 10)] == [("invalid_token", "done"), ("done",)]


def test_the_status_changes_at_the_renewal_window() -> None:
    bench = Bench()
    due = LAPSE - 30 * DAY
    now = bench.acquire(at=due - 1)
    shown = [bench.example(view(now), at=at).body["license_status"] for at in (due - 1, due, due + 1)]
    assert shown == ["licensed", "requires_renewal", "requires_renewal"]
    for at, wrong, rule in (
        (due - 1, "requires_renewal", "status.licensed"),
        (due, "licensed", "status.requires-renewal"),
    ):
        answer = altered(bench.example(view(now), at=at), "body", license_status=wrong)
        assert bench.breaks(view(now), answer, at=at) == (rule,)


def test_the_token_is_expiring_with_less_than_the_warning_left() -> None:
    bench = Bench()
    now = bench.acquire()
    warning = now.claims["exp"] - 2 * DAY
    shown = [
        bench.example(view(now), at=at).body["token_state"] for at in (warning, warning + 1, warning + 2)
    ]
    assert shown == ["valid", "expiring", "expiring"]
    answer = altered(bench.example(view(now), at=warning), "body", token_state="expiring")
    assert bench.breaks(view(now), answer, at=warning) == ("status.token-state",)


def test_the_license_is_shown_as_it_is_now() -> None:
    bench = Bench()
    now = bench.acquire()
    before = bench.example(view(now), at=1)
    bench.ask(Renew(server_id="store", renewal_at=2 * LAPSE), at=1)
    assert set(bench.breaks(view(now), before, at=1)) == {"bearer.license-is-read-now"}
    answer = altered(bench.example(view(now), at=1), "body", server_id="plain")
    assert bench.breaks(view(now), answer, at=1) == ("bearer.license-is-the-callers",)
    assert bench.ask(view(now), at=1).kind == "done"


def test_a_license_of_no_device_is_shown_without_names() -> None:
    bench = Bench()
    poll = bench.codes()
    answer = Answer(status=200, body={"access_token": "a", "refresh_token": "r", "expires_in": 60})
    bench.see(poll, answer, at=0)
    assert "license" not in bench.example(view(answer), at=1).body
    assert bench.kinds(view(answer), at=60) == ("invalid_token",)
    assert bench.kinds(introspect(answer, answer), at=1) == ("done",)


# ------------------------------------------------------------------------------------------------ introspection


def active(bench: Bench, step: Introspect, *, at: int) -> list[object]:
    return [one.example().body["active"] for one in bench.predict(step, at=at).outcomes]


def test_a_license_token_is_active_until_a_second_before_its_exp() -> None:
    bench = Bench()
    subject, caller = bench.acquire(), bench.acquire(server_id="hub", at=100)
    ends = subject.claims["exp"]
    step = introspect(caller, subject)
    assert [active(bench, step, at=at) for at in (ends - 1, ends, ends + 1)] == [[True], [False], [False]]
    live = bench.example(step, at=ends - 1)
    assert bench.breaks(step, live, at=ends) == ("introspect.expired-is-inactive",)
    assert bench.breaks(step, altered(live, "body", exp=ends + 1), at=100) == (
        "introspect.says-what-the-token-says",
    )
    talkative = Answer(status=200, body={"active": False, "exp": ends})
    assert bench.breaks(step, talkative, at=ends) == ("introspect.inactive-says-nothing-else",)
    assert (
        bench.breaks(step, Answer(status=200, body={"active": False}), at=100)[0]
        == "introspect.live-is-active"
    )


def test_a_license_token_is_inactive_before_its_nbf_and_after_the_ending_of_its_license() -> None:
    bench = Bench()
    caller, subject = bench.acquire(server_id="hub", at=5), bench.acquire(at=10)
    step = introspect(caller, subject)
    assert [active(bench, step, at=at) for at in (9, 10)] == [[False], [True]]
    bench.ask(RevokeLicense(server_id="store"), at=10)
    assert active(bench, step, at=11) == [False]


def test_introspection_tells_nothing_of_another_organization_and_of_what_nobody_issued() -> None:
    bench = Bench()
    caller, subject = bench.acquire(), bench.acquire(server_id="stranger", administrator=ERIN)
    for member in ("access_token", "refresh_token"):
        assert active(bench, introspect(caller, subject, member=member), at=1) == [False]
    assert active(
        bench, Introspect(access_token=str(caller.body["access_token"]), token="nobody's"), at=1
    ) == [False]
    assert bench.kinds(Introspect(access_token="nobody's", token="nobody's"), at=1) == ("invalid_token",)


def test_a_refresh_token_is_active_as_long_as_a_refresh_would_be_granted_and_to_look_is_no_use() -> None:
    bench = Bench()
    caller, first = bench.acquire(server_id="hub"), bench.acquire()
    step = introspect(caller, first, member="refresh_token")
    answer = bench.ask(step, at=1)
    assert answer.body == {"active": True, "exp": 90 * DAY}
    second = bench.ask(refresh_of(first), at=1)
    assert active(bench, step, at=2) == [True]
    bench.ask(refresh_of(second), at=3)
    assert active(bench, step, at=4) == [False]


def test_the_exp_of_a_refresh_token_may_be_cut_by_the_renewal_date() -> None:
    bench = Bench()
    caller = bench.acquire(at=LAPSE - DAY, server_id="hub")
    subject = bench.acquire(at=LAPSE - DAY)
    step = introspect(caller, subject, member="refresh_token")
    for exp in (LAPSE + 89 * DAY, LAPSE):
        answer = Answer(status=200, body={"active": True, "exp": exp})
        assert bench.predict(step, at=LAPSE - 1).judge(answer).admissible


def test_the_exp_of_a_predecessor_may_be_cut_by_the_end_of_its_retry_window() -> None:
    bench = Bench()
    caller, first = bench.acquire(server_id="hub"), bench.acquire()
    bench.ask(refresh_of(first), at=10)
    step = introspect(caller, first, member="refresh_token")
    for exp, is_admissible in ((90 * DAY, True), (DAY + 10, True), (DAY, False), (DAY + 11, False)):
        answer = Answer(status=200, body={"active": True, "exp": exp})
        assert bench.predict(step, at=11).judge(answer).admissible is is_admissible


def test_any_other_server_knows_its_callers_in_its_own_way() -> None:
    bench = Bench(HYGIENE)
    subject = bench.acquire()
    step = Introspect(access_token="its own credentials", token=str(subject.body["access_token"]))
    assert active(bench, step, at=1) == [True]
    assert bench.kinds(Introspect(access_token="", token="nobody's"), at=1) == ("done",)
