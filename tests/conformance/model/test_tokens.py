"""The oracle on license tokens and keys."""

from __future__ import annotations

from dataclasses import replace

import pytest

from authz_conformance.model import (
    Answer,
    Disable,
    FetchKeys,
    Reading,
    RotateKeys,
)
from tests.conformance.oracle_world import (
    DAY,
    ISSUER,
    LAPSE,
    SILENT,
    Bench,
    altered,
    error,
    refresh_of,
    small_world,
    without,
)

REFUSED = Answer(status=409)


# ------------------------------------------------------------------------------------------------ claims


@pytest.mark.parametrize(
    ("place", "member", "value", "rule"),
    [
        ("body", "scope", "license admin", "refresh.keeps-scope"),
        ("body", "expires_in", 604801, "tokens.expires-in-agrees-with-exp"),
        ("body", "expires_in", 604800.0, "tokens.expires-in-agrees-with-exp"),
        ("claims", "iss", ISSUER + "/", "claims.iss-is-issuer"),
        ("claims", "sub", "plain", "claims.sub-is-server-id"),
        ("claims", "aud", ["urn:kensium:organization:harbor"], "claims.aud-is-organization"),
        ("claims", "client_id", "register", "claims.client-id-is-owner"),
        ("claims", "scope", "", "claims.scope-is-granted-scope"),
        ("claims", "iat", 99, "claims.iat-is-now"),
        ("claims", "iat", 101, "claims.iat-is-now"),
        ("claims", "nbf", 99, "claims.nbf-is-iat"),
        ("claims", "exp", 604899, "claims.exp-is-lifetime"),
        ("claims", "exp", 604901, "claims.exp-is-lifetime"),
        ("header", "kid", "another", "keys.signing-key-published"),
    ],
)
def test_a_license_token_with_one_wrong_claim_breaks_the_rule_of_that_claim(
    place: str, member: str, value: object, rule: str
) -> None:
    bench = Bench()
    step = refresh_of(bench.acquire())
    assert bench.breaks(step, altered(bench.example(step, at=100), place, **{member: value}), at=100) == (
        rule,
    )


@pytest.mark.parametrize(
    ("member", "value", "rule"),
    [
        ("organization", {"id": "harbor", "name": "Quay"}, "claims.organization"),
        ("server_name", "Plain", "claims.server-name"),
        ("edition", "cloud", "claims.edition"),
        ("features", [], "claims.features-default"),
        ("hub", {"server_id": "hub", "name": "Hub", "url": None}, "claims.hub"),
        ("renewal_at", LAPSE + 1, "claims.renewal-date"),
        ("renewal_due_from", LAPSE, "claims.renewal-due-from"),
    ],
)
def test_the_claim_license_says_what_the_server_holds(member: str, value: object, rule: str) -> None:
    bench = Bench()
    step = refresh_of(bench.acquire())
    answer = bench.example(step, at=100)
    wrong = altered(answer, "claims", license={**answer.claims["license"], member: value})
    assert bench.breaks(step, wrong, at=100) == (rule,)


def test_each_license_token_has_a_jti_of_its_own() -> None:
    bench = Bench()
    first = bench.acquire()
    step = refresh_of(first)
    again = altered(bench.example(step, at=1), "claims", jti=first.claims["jti"])
    assert bench.breaks(step, again, at=1) == ("claims.jti-is-unique",)


def test_exp_is_the_renewal_date_where_that_comes_first() -> None:
    week = 7 * DAY
    for at, rule in (
        (LAPSE - week - 1, "claims.exp-is-lifetime"),
        (LAPSE - week, "claims.exp-capped-by-renewal"),
        (LAPSE - week + 1, "claims.exp-capped-by-renewal"),
    ):
        bench = Bench()
        step = refresh_of(bench.acquire(at=at))
        answer = bench.example(step, at=at)
        assert answer.claims["exp"] == min(at + week, LAPSE)
        assert answer.body["expires_in"] == answer.claims["exp"] - at
        assert bench.breaks(step, altered(answer, "claims", exp=LAPSE + 1), at=at) == (rule,)


def test_a_license_without_a_date_and_a_device_without_a_hub_have_no_such_claims() -> None:
    bench = Bench()
    step = refresh_of(bench.acquire(server_id="plain"))
    answer = bench.example(step, at=1)
    assert answer.claims["license"].keys() == {"organization", "server_name", "edition", "features"}
    for member, rule in (("hub", "claims.no-hub-is-absent"), ("renewal_at", "claims.no-renewal-is-absent")):
        wrong = altered(answer, "claims", license={**answer.claims["license"], member: None})
        assert bench.breaks(step, wrong, at=1) == (rule,)


def test_the_hub_is_read_at_each_minting_and_a_disabled_one_is_named_by_nobody() -> None:
    bench = Bench()
    step = refresh_of(bench.acquire())
    bench.change("hub", name="Head Office", url=None)
    names = [
        {"server_id": "hub", "name": "Head Office", "url": None},
        {"server_id": "hub", "name": "Head Office"},
    ]
    for hub in names:
        answer = bench.example(step, at=1)
        assert (
            bench.breaks(
                step, altered(answer, "claims", license={**answer.claims["license"], "hub": hub}), at=1
            )
            == ()
        )
    named = bench.example(step, at=1)
    bench.ask(Disable(server_id="hub"), at=1)
    assert bench.breaks(step, named, at=1) == ("claims.disabled-hub-is-absent",)
    bench.change("hub", deleted=True)
    assert bench.breaks(step, named, at=1) == ("claims.no-hub-is-absent",)


def test_what_the_kit_was_not_told_of_a_device_may_be_called_anything_but_not_be_left_out() -> None:
    bench = Bench()
    bench.change("store", name="", edition="", features=None)
    step = refresh_of(bench.acquire())
    answer = bench.example(step, at=100)
    license_claim = answer.claims["license"]
    named = {**license_claim, "server_name": "Whatever", "edition": "any", "features": ["b", "a"]}
    assert bench.breaks(step, altered(answer, "claims", license=named), at=100) == ()
    nameless = {**named, "server_name": None}
    assert bench.breaks(step, altered(answer, "claims", license=nameless), at=100) == ("claims.server-name",)


def test_what_cannot_be_read_is_not_judged() -> None:
    bench = Bench(SILENT, world=replace(small_world(), issuer=None))
    step = refresh_of(bench.acquire())
    opaque = replace(bench.example(step, at=1), claims={}, header={})
    assert bench.see(step, opaque, at=1).admissible
    assert bench.state.worlds[0].license_tokens[str(opaque.body["access_token"])].exp == 1 + 7 * DAY
    silent = without(bench.example(step, at=2), "body", "expires_in")
    bench.see(step, silent, at=2)
    assert bench.state.worlds[0].license_tokens[str(silent.body["access_token"])].exp == 2 + 7 * DAY
    unnamed = Bench(world=replace(small_world(), issuer=None))
    assert "iss" not in unnamed.acquire().claims


# ------------------------------------------------------------------------------------------------ keys


def kids(bench: Bench, *, at: int) -> set[str]:
    return {jwk["kid"] for jwk in bench.example(FetchKeys(), at=at).body.get("keys", [])}


def key_set(*names: str) -> Answer:
    return Answer(status=200, body={"keys": [{"kid": name} for name in names]})


def rotate(bench: Bench, kid: str | None, *, at: int, immediately: bool = False) -> None:
    answer = Answer(status=201, body={} if kid is None else {"kid": kid})
    assert bench.see(RotateKeys(immediately=immediately), answer, at=at).admissible


def test_the_key_that_signs_is_learnt_from_the_first_token_and_has_to_be_in_the_set() -> None:
    bench = Bench()
    assert kids(bench, at=0) == set()
    first = bench.acquire()
    assert kids(bench, at=0) == {first.header["kid"]}
    assert bench.breaks(FetchKeys(), key_set(), at=0) == ("keys.signing-key-published",)
    assert bench.breaks(FetchKeys(), error("server_error", status=500), at=0) == (
        "keys.signing-key-published",
    )
    odd = Answer(status=200, body={"keys": "none"})
    assert bench.breaks(FetchKeys(), odd, at=0) == ("keys.signing-key-published",)


def test_a_new_key_is_published_at_once_and_signs_one_token_lifetime_later() -> None:
    bench = Bench()
    first = bench.acquire()
    rotate(bench, "new", at=0)
    before = bench.state.worlds
    assert {jwk["kid"] for jwk in bench.ask(FetchKeys(), at=0).body["keys"]} == {first.header["kid"], "new"}
    assert bench.state.worlds[0].keys == before[0].keys
    assert bench.breaks(FetchKeys(), key_set(first.header["kid"]), at=0) == ("keys.published-before-signing",)
    week = 7 * DAY
    step = refresh_of(first)
    signed_by = [bench.example(step, at=at).header["kid"] for at in (week - 1, week, week + 1)]
    assert signed_by == [first.header["kid"], "new", "new"]
    early = altered(bench.example(step, at=week - 1), "header", kid="new")
    assert bench.breaks(step, early, at=week - 1) == ("keys.published-before-signing",)


def test_a_new_key_whose_name_was_not_told_is_learnt_when_it_signs() -> None:
    bench = Bench()
    first = bench.acquire(server_id="plain")
    rotate(bench, None, at=0)
    assert kids(bench, at=0) == {first.header["kid"]}
    step = refresh_of(first)
    old = altered(bench.example(step, at=7 * DAY), "header", kid=first.header["kid"])
    assert bench.breaks(step, old, at=7 * DAY) == ("keys.published-before-signing",)
    second = bench.ask(step, at=7 * DAY)
    assert kids(bench, at=7 * DAY) == {first.header["kid"], second.header["kid"]}


def test_a_retired_key_stays_until_the_last_exp_that_it_signed_and_60_s() -> None:
    bench = Bench()
    first = bench.acquire(server_id="plain")
    rotate(bench, "new", at=0)
    week, old = 7 * DAY, str(first.header["kid"])
    second = bench.ask(refresh_of(first), at=week - 1)
    bench.ask(refresh_of(second), at=week)
    last = second.claims["exp"]
    held = [old in kids(bench, at=at) for at in (last - 1, last, last + 1, last + 59, last + 60, last + 61)]
    assert held == [True, True, True, True, False, False]
    for at, rule in ((last, "keys.retired-key-kept"), (last + 59, "keys.retired-key-dropped")):
        assert bench.breaks(FetchKeys(), key_set("new"), at=at) == (rule,)
    assert bench.breaks(FetchKeys(), key_set(old, "new"), at=last + 60) == ("keys.retired-key-dropped",)


def test_a_retired_key_that_has_signed_nothing_is_nobodys_business() -> None:
    bench = Bench()
    rotate(bench, "second", at=0, immediately=True)
    rotate(bench, "third", at=1, immediately=True)
    assert kids(bench, at=1) == {"third"}
    assert bench.predict(FetchKeys(), at=1).judge(key_set("second", "third")).admissible


def test_a_refused_rotation_changes_nothing() -> None:
    bench = Bench()
    assert bench.see(RotateKeys(), REFUSED, at=0).admissible
    assert len(bench.state.worlds[0].keys) == 1


def test_whether_a_key_that_signs_at_once_drops_one_that_waits_is_a_question_of_reading() -> None:
    bench = Bench()
    now = bench.acquire(server_id="plain")
    rotate(bench, "waiting", at=0)
    rotate(bench, "at once", at=1, immediately=True)
    now = bench.ask(refresh_of(now), at=1)
    assert now.header["kid"] == "at once"
    signs = {one.example().header["kid"] for one in bench.predict(refresh_of(now), at=7 * DAY).outcomes}
    assert signs == {"at once", "waiting"}


def test_whether_a_takeover_comes_undone_when_the_clock_goes_back_is_a_question_of_reading() -> None:
    bench = Bench()
    now = bench.acquire(server_id="plain")
    old = now.header["kid"]
    rotate(bench, "new", at=0)
    now = bench.ask(refresh_of(now), at=7 * DAY)
    outcomes = bench.predict(refresh_of(now), at=7 * DAY - 1).outcomes
    assert [one.example().header["kid"] for one in outcomes] == ["new", old]
    bench.ask(refresh_of(now), at=7 * DAY - 1, outcome=1)
    assert [world.reads(Reading.TAKEN_OVER_STAYS) for world in bench.state.worlds] == [False]
