"""The two codes: how they are spelled and how long they live; entering them, and the budget of wrong ones."""

from __future__ import annotations

import re
from typing import Any

from tests.factories import DAY
from tests.quirks.stage import MINUTE, Finding, Stage, lasts, said, settles

WRONG = {"user_code": "ZZZZ-ZZZZ"}


@settles("codes.user-code-is-two-groups-of-four")
def _(s: Stage) -> Finding:
    return re.fullmatch(r"\w{4}-\w{4}", s.authorize()["user_code"]) is not None, True


@settles("codes.user-code-alphabet")
def _(s: Stage) -> Finding:
    letters = set("".join(s.authorize()["user_code"] for _ in range(3)))
    return letters <= set("BCDFGHJKLMNPQRSTVWXZ-"), True


@settles("codes.lifetime-as-declared")
def _(s: Stage) -> Finding:
    return int(s.authorize()["expires_in"]), 900


@settles("codes.interval-as-declared")
def _(s: Stage) -> Finding:
    return int(s.authorize()["interval"]), 5


@settles("codes.lifetime-fixed-at-issue")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    s.managed("PATCH", "/settings", code_seconds=60)
    s.move_to(lasts(codes) - 1)
    return s.polled(codes) == "expired_token", False


@settles("codes.required-members")
def _(s: Stage) -> Finding:
    return {"device_code", "user_code", "verification_uri", "expires_in"} <= set(s.authorize()), True


@settles("codes.expires-in-is-whole-seconds")
def _(s: Stage) -> Finding:
    return isinstance(s.authorize()["expires_in"], int), True


@settles("codes.interval-is-whole-seconds")
def _(s: Stage) -> Finding:
    return isinstance(s.authorize()["interval"], int), True


@settles("codes.device-code-is-unique")
def _(s: Stage) -> Finding:
    return len({s.authorize()["device_code"] for _ in range(6)}), 6


@settles("codes.user-code-is-unique")
def _(s: Stage) -> Finding:
    return len({s.authorize()["user_code"] for _ in range(6)}), 6


@settles("codes.no-store")
def _(s: Stage) -> Finding:
    return s.post("/device_authorization", client_id="pos-server").headers.get("cache-control"), "no-store"


@settles("codes.verification-uri-without-user-code")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    return codes["user_code"] in codes.get("verification_uri", ""), False


@settles("codes.device-code-unguessable")
def _(s: Stage) -> Finding:
    return len(s.authorize()["device_code"]) >= 32, True


# --- entering, approving, denying ---


@settles("verify.case-is-ignored")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    return s.approval({"user_code": codes["user_code"].lower()}).is_success, True


@settles("verify.punctuation-is-ignored")
def _(s: Stage) -> Finding:
    spelled = [s.authorize()["user_code"].replace("-", instead) for instead in ("", " ")]
    return [s.approval({"user_code": code}).is_success for code in spelled], [True, True]


@settles("verify.only-own-organization")
def _(s: Stage) -> Finding:
    return s.approval(s.authorize(), "peak", "dana").is_success, False


@settles("verify.unknown-user-code-refused")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    last = "Z" if codes["user_code"][-1] != "Z" else "X"
    refused = not s.approval({"user_code": codes["user_code"][:-1] + last}).is_success
    return (refused, s.is_undecided(codes)), (True, True)


@settles("verify.approved-is-not-decided-again")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    s.approve(codes)
    answers = [s.denial(codes).is_success, s.approval(codes).is_success]
    return (answers, s.polled(codes)), ([False, False], "granted")


@settles("verify.denied-is-not-decided-again")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    s.deny(codes)
    return [s.approval(codes).is_success, s.denial(codes).is_success], [False, False]


@settles("verify.approval-touches-no-license")
def _(s: Stage) -> Finding:
    tokens = s.acquire()
    s.approve(s.authorize())
    return s.refreshed(tokens), "granted"


@settles("verify.disabled-device-refused")
def _(s: Stage) -> Finding:
    s.managed("POST", "/devices/store-12/disable")
    return s.approval(s.authorize()).is_success, False


@settles("verify.lapsed-device-refused")
def _(s: Stage) -> Finding:
    s.renew(DAY)
    s.move_to(DAY - 1)
    before = s.approval(s.authorize()).is_success
    s.move_to(DAY)
    return (before, s.approval(s.authorize()).is_success), (True, False)


@settles("verify.expired-user-code-refused")
def _(s: Stage) -> Finding:
    approved, denied, open_still = s.authorize(), s.authorize(), s.authorize()
    s.move_to(lasts(approved) - 1)
    before = s.approval(open_still).is_success
    s.move_to(lasts(approved))
    return (before, s.approval(approved).is_success, s.denial(denied).is_success), (True, False, False)


# --- guesses ---


def guesses(s: Stage, count: int, administrator: str = "dana") -> list[int]:
    return [s.denial(WRONG, administrator).status_code for _ in range(count)]


def spend(s: Stage) -> Any:
    """Spend the budget, and give the refusal."""
    guesses(s, 5)
    refusal = s.denial(WRONG)
    assert refusal.status_code == 429
    return refusal


@settles("guess.budget-is-limited")
def _(s: Stage) -> Finding:
    return guesses(s, 6), [404] * 5 + [429]


@settles("guess.refusal-is-429-with-retry-after")
def _(s: Stage) -> Finding:
    return spend(s).headers.get("retry-after"), "900"


@settles("guess.budget-reopens")
def _(s: Stage) -> Finding:
    spend(s)
    s.move_to(899)
    before = s.denial(WRONG).status_code
    s.move_to(900)
    return (before, s.denial(WRONG).status_code), (429, 404)


@settles("guess.right-code-waits-too")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    spend(s)
    return s.approval(codes).status_code, 429


@settles("guess.budget-is-each-administrators")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    spend(s)
    return s.approval(codes, administrator="sam").is_success, True


@settles("guess.success-resets-nothing")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    budget = guesses(s, 10, "sam").index(429)
    guesses(s, budget - 1)
    s.approve(codes)
    return guesses(s, 2), [404, 429]


# --- the clock ---


@settles("clock.moves-everything")
def _(s: Stage) -> Finding:
    seen = []
    for after in (0, 3650 * DAY):
        s.move_to(after)
        codes = s.authorize()
        s.approve(codes)
        tokens = s.poll(codes).json()
        claims = s.claims(tokens)
        assert claims["exp"] < 10**11
        seen.append((lasts(codes), int(tokens["expires_in"]), claims["iat"] - after, claims["exp"] - after))
    return seen[1], seen[0]


@settles("clock.back-unexpires")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    s.move_to(lasts(codes) + 1)
    assert s.polled(codes) == "expired_token"
    s.move_to(MINUTE)
    assert s.approval(codes).is_success
    return said(s.poll(codes)), "granted"
