"""Refresh, its refusals and their reasons; renewal, endings, revocation.

Over 400 lines: one short scenario for each rule about keeping a license, in the catalogue's order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.factories import DAY, HOUR, NOW
from tests.quirks.stage import Finding, Stage, part, said, settles

REUSED = "refresh_token_reused"
LAPSED = "license_expired"


def used_successor(s: Stage) -> tuple[dict[str, Any], dict[str, Any]]:
    """Refresh twice: give the first tokens, which are older than a predecessor, and the last."""
    first = s.acquire()
    second = s.renewed(first)
    assert second["refresh_token"] != first["refresh_token"]
    return first, s.renewed(second)


def rotated(s: Stage) -> tuple[dict[str, Any], dict[str, Any]]:
    first = s.acquire()
    second = s.renewed(first)
    assert second["refresh_token"] != first["refresh_token"]
    return first, second


# --- rotation ---


@settles("refresh.rotates")
def _(s: Stage) -> Finding:
    first = s.acquire()
    second = s.renewed(first)
    third = s.renewed(second)
    return len({one["refresh_token"] for one in (first, second, third)}), 3


@settles("refresh.retry-gets-same-successor")
def _(s: Stage) -> Finding:
    first, second = rotated(s)
    return s.renewed(first)["refresh_token"], second["refresh_token"]


@settles("refresh.retry-mints-anew")
def _(s: Stage) -> Finding:
    first, second = rotated(s)
    s.move_to(HOUR)
    return s.claims(s.renewed(first))["iat"] - s.claims(second)["iat"], HOUR


@settles("refresh.retry-window-is-half-open")
def _(s: Stage) -> Finding:
    first, _ = rotated(s)
    s.move_to(DAY - 1)
    before = s.refreshed(first)
    s.move_to(DAY)
    return (before, s.refreshed(first)), ("granted", "invalid_grant")


@settles("refresh.retry-window-never-extended")
def _(s: Stage) -> Finding:
    first, _ = rotated(s)
    s.move_to(DAY // 2)
    assert s.refreshed(first) == "granted"
    s.move_to(DAY)
    return s.refreshed(first), "invalid_grant"


@settles("refresh.concurrent-are-retries")
def _(s: Stage) -> Finding:
    tokens = s.acquire()
    form = {
        "grant_type": "refresh_token",
        "refresh_token": tokens["refresh_token"],
        "client_id": "pos-server",
    }
    answers = s.together(*[("POST", "/token", form)] * 3)
    successors = {answer.json().get("refresh_token") for answer in answers}
    return ([said(answer) for answer in answers], len(successors)), (["granted"] * 3, 1)


@settles("refresh.rotated-token-refused")
def _(s: Stage) -> Finding:
    first, _ = used_successor(s)
    return s.refreshed(first), "invalid_grant"


@settles("refresh.reuse-ends-the-family")
def _(s: Stage) -> Finding:
    first, last = used_successor(s)
    assert s.refreshed(first) == "invalid_grant"
    return s.refreshed(last), "invalid_grant"


@settles("refresh.foreign-changes-nothing")
def _(s: Stage) -> Finding:
    tokens = s.acquire()
    s.refreshed(tokens, "register")
    return s.refreshed(tokens), "granted"


@settles("refresh.bound-to-client")
def _(s: Stage) -> Finding:
    return s.refreshed(s.acquire(), "register"), "invalid_grant"


@settles("refresh.unknown-client-refused")
def _(s: Stage) -> Finding:
    tokens = s.acquire()
    return (s.refreshed(tokens, "stranger"), s.refreshed(tokens)), ("invalid_client", "granted")


@settles("refresh.unknown-token-refused")
def _(s: Stage) -> Finding:
    return s.refreshed("unknown"), "invalid_grant"


@settles("refresh.token-unguessable")
def _(s: Stage) -> Finding:
    return len(s.acquire()["refresh_token"]) >= 40, True


@settles("refresh.expires-when-idle")
def _(s: Stage) -> Finding:
    early, late = s.acquire(), s.acquire("head-office")
    s.move_to(90 * DAY - 1)
    before = s.refreshed(early)
    s.move_to(90 * DAY)
    return (before, s.refreshed(late)), ("granted", "invalid_grant")


@settles("refresh.expiry-counts-from-its-issue")
def _(s: Stage) -> Finding:
    tokens = s.acquire()
    s.move_to(10 * DAY)
    one = s.renewed(tokens)
    assert one["refresh_token"] != tokens["refresh_token"]
    tokens = s.acquire("head-office")
    s.move_to(20 * DAY)
    other = s.renewed(tokens)
    s.move_to(100 * DAY - 1)
    before = s.refreshed(one)
    s.move_to(110 * DAY)
    return (before, s.refreshed(other)), ("granted", "invalid_grant")


@settles("refresh.lifetime-fixed-at-issue")
def _(s: Stage) -> Finding:
    one, other = s.acquire(), s.acquire("head-office")
    s.managed("PATCH", "/settings", refresh_token_seconds=10 * DAY)
    s.move_to(11 * DAY)
    before = s.refreshed(one)
    s.managed("PATCH", "/settings", refresh_token_seconds=100 * DAY)
    s.move_to(91 * DAY)
    return (before, s.refreshed(other)), ("granted", "invalid_grant")


# --- reasons ---


def revoked(s: Stage) -> dict[str, Any]:
    tokens = s.acquire()
    s.managed("POST", "/devices/store-12/revoke")
    return tokens


@settles("reason.for-people")
def _(s: Stage) -> Finding:
    answers = [s.refresh("unknown"), s.refresh(revoked(s))]
    assert [said(answer) for answer in answers] == ["invalid_grant"] * 2
    return ["error_description" in answer.json() for answer in answers], [True, True]


@settles("reason.unknown")
def _(s: Stage) -> Finding:
    answer = s.refresh("unknown")
    assert not answer.is_success
    return answer.json().get("reason"), "refresh_token_unknown"


@settles("reason.foreign-is-unknown")
def _(s: Stage) -> Finding:
    answer = s.refresh(s.acquire(), "register")
    return answer.json().get("reason"), "refresh_token_unknown"


@settles("reason.revoked")
def _(s: Stage) -> Finding:
    return s.reason(revoked(s)), "license_revoked"


@settles("reason.superseded")
def _(s: Stage) -> Finding:
    tokens = s.acquire()
    s.acquire()
    return s.reason(tokens), "license_superseded"


@settles("reason.device-disabled")
def _(s: Stage) -> Finding:
    tokens = s.acquire()
    s.managed("POST", "/devices/store-12/disable")
    return s.reason(tokens), "device_disabled"


@settles("reason.reused")
def _(s: Stage) -> Finding:
    first, last = used_successor(s)
    reason = s.reason(first)
    assert s.refreshed(last) == "invalid_grant"
    return (reason, s.reason(last)), (REUSED, REUSED)


def lapsing(s: Stage, after: int) -> dict[str, Any]:
    s.renew(after)
    return s.acquire()


@settles("reason.license-expired")
def _(s: Stage) -> Finding:
    tokens = lapsing(s, 10 * DAY)
    s.move_to(11 * DAY)
    return s.reason(tokens), LAPSED


@settles("reason.refresh-token-expired")
def _(s: Stage) -> Finding:
    tokens = s.acquire()
    s.move_to(91 * DAY)
    return s.reason(tokens), "refresh_token_expired"


@settles("reason.ending-before-lapse")
def _(s: Stage) -> Finding:
    tokens = lapsing(s, 10 * DAY)
    s.managed("POST", "/devices/store-12/revoke")
    assert s.reason(tokens) == "license_revoked"
    s.move_to(11 * DAY)
    return s.reason(tokens), "license_revoked"


@settles("reason.lapse-before-reuse")
def _(s: Stage) -> Finding:
    s.renew(10 * DAY)
    first, last = used_successor(s)
    s.move_to(11 * DAY)
    reason = s.reason(first)
    s.move_to(DAY)
    return (reason, s.refresh(last).json().get("reason") == REUSED), (LAPSED, False)


@settles("reason.lapse-before-token-expiry")
def _(s: Stage) -> Finding:
    tokens = lapsing(s, 95 * DAY)
    s.move_to(96 * DAY)
    return s.reason(tokens), LAPSED


@settles("reason.reuse-before-token-expiry")
def _(s: Stage) -> Finding:
    first, last = used_successor(s)
    s.move_to(95 * DAY)
    return (s.reason(first), s.reason(last)), (REUSED, REUSED)


@settles("reason.first-ending-is-final")
def _(s: Stage) -> Finding:
    tokens = s.acquire()
    s.managed("POST", "/devices/store-12/disable")
    assert s.reason(tokens) == "device_disabled"
    s.revoke(tokens["refresh_token"])
    return s.reason(tokens), "device_disabled"


# --- renewal ---


@settles("renew.lapsed-is-refused")
def _(s: Stage) -> Finding:
    tokens = lapsing(s, 10 * DAY)
    s.move_to(10 * DAY - 1)
    before = s.refresh(tokens)
    s.move_to(10 * DAY)
    after = s.refreshed(before.json().get("refresh_token", tokens["refresh_token"]))
    return (said(before), after), ("granted", "invalid_grant")


@settles("renew.next-refresh-carries-it")
def _(s: Stage) -> Finding:
    tokens = lapsing(s, 10 * DAY)
    s.move_to(10 * DAY - 1)
    assert s.renew(50 * DAY).is_success
    s.move_to(11 * DAY)
    answer = s.refresh(tokens)
    at = part(answer.json()["access_token"], 1)["license"]["renewal_at"] if answer.is_success else None
    return at and int(at), NOW + 50 * DAY


@settles("renew.to-no-date")
def _(s: Stage) -> Finding:
    s.managed("PATCH", "/settings", refresh_token_seconds=4000 * DAY)
    tokens = lapsing(s, 10 * DAY)
    assert s.renew(None).is_success
    s.move_to(3650 * DAY)
    return s.refreshed(tokens), "granted"


@settles("renew.issued-tokens-keep-exp")
def _(s: Stage) -> Finding:
    tokens = lapsing(s, DAY)
    assert s.claims(tokens)["exp"] == NOW + DAY
    assert s.renew(50 * DAY).is_success
    s.move_to(DAY - 1)
    assert s.look("/license", tokens).status_code == 200
    s.move_to(2 * DAY)
    return s.look("/license", tokens).status_code, 401


@settles("renew.after-lapse-revives-nothing")
def _(s: Stage) -> Finding:
    tokens = lapsing(s, 10 * DAY)
    s.move_to(10 * DAY)
    assert s.renew(50 * DAY).is_success
    return s.refreshed(tokens), "invalid_grant"


@settles("renew.after-lapse-is-for-the-next")
def _(s: Stage) -> Finding:
    lapsing(s, 10 * DAY)
    s.move_to(11 * DAY)
    assert s.renew(50 * DAY).is_success
    codes = s.authorize()
    approved = s.approval(codes).is_success
    return (approved, s.polled(codes)), (True, "granted")


# --- endings ---


def after(s: Stage, change: Callable[[], Any]) -> str:
    tokens = s.acquire()
    change()
    return s.refreshed(tokens)


@settles("end.redemption-supersedes")
def _(s: Stage) -> Finding:
    return after(s, s.acquire), "invalid_grant"


@settles("end.administrator-revokes")
def _(s: Stage) -> Finding:
    return after(s, lambda: s.managed("POST", "/devices/store-12/revoke")), "invalid_grant"


@settles("end.disabling")
def _(s: Stage) -> Finding:
    return after(s, lambda: s.managed("POST", "/devices/store-12/disable")), "invalid_grant"


@settles("end.deleting")
def _(s: Stage) -> Finding:
    tokens = s.acquire()
    s.managed("DELETE", "/devices/store-12")
    answer = s.refresh(tokens)
    reason = answer.json().get("reason")
    return (said(answer), reason == "refresh_token_unknown"), ("invalid_grant", False)


@settles("end.enabling-revives-nothing")
def _(s: Stage) -> Finding:
    tokens = s.acquire()
    s.managed("POST", "/devices/store-12/disable")
    assert s.refreshed(tokens) == "invalid_grant"
    s.managed("POST", "/devices/store-12/enable")
    return s.refreshed(tokens), "invalid_grant"


@settles("end.enabled-device-acquires-anew")
def _(s: Stage) -> Finding:
    s.managed("POST", "/devices/store-12/disable")
    s.managed("POST", "/devices/store-12/enable")
    codes = s.authorize()
    approved = s.approval(codes).is_success
    return (approved, s.polled(codes)), (True, "granted")


# --- revocation ---


@settles("revoke.refresh-token")
def _(s: Stage) -> Finding:
    tokens = s.acquire()
    status = s.revoke(tokens["refresh_token"]).status_code
    return (status, s.refreshed(tokens)), (200, "invalid_grant")


@settles("revoke.license-token")
def _(s: Stage) -> Finding:
    tokens = s.acquire()
    assert s.revoke(tokens["access_token"]).status_code == 200
    return s.refreshed(tokens), "invalid_grant"


@settles("revoke.rotated-refresh-token")
def _(s: Stage) -> Finding:
    first, second = rotated(s)
    assert s.revoke(first["refresh_token"]).status_code == 200
    return s.refreshed(second), "invalid_grant"


@settles("revoke.expired-refresh-token")
def _(s: Stage) -> Finding:
    usual = s.acquire()
    s.revoke(usual["refresh_token"])
    assert s.look("/license", usual).status_code == 401
    s.managed("PATCH", "/settings", refresh_token_seconds=DAY)
    tokens = s.acquire()
    s.move_to(2 * DAY)
    assert s.look("/license", tokens).status_code == 200
    s.revoke(tokens["refresh_token"])
    return s.look("/license", tokens).status_code, 401


@settles("revoke.unknown-is-200")
def _(s: Stage) -> Finding:
    return s.revoke("unknown").status_code, 200


@settles("revoke.again-is-200")
def _(s: Stage) -> Finding:
    tokens = s.acquire()
    assert s.revoke(tokens["refresh_token"]).status_code == 200
    assert s.refreshed(tokens) == "invalid_grant"
    return s.revoke(tokens["refresh_token"]).status_code, 200


@settles("revoke.wrong-hint-hides-nothing")
def _(s: Stage) -> Finding:
    tokens = s.acquire()
    s.revoke(tokens["refresh_token"], token_type_hint="access_token")
    return s.refreshed(tokens), "invalid_grant"


@settles("revoke.unknown-client-refused")
def _(s: Stage) -> Finding:
    tokens = s.acquire()
    answer = said(s.revoke(tokens["refresh_token"], "stranger"))
    return (answer, s.refreshed(tokens)), ("invalid_client", "granted")


@settles("revoke.foreign-is-invalid-grant")
def _(s: Stage) -> Finding:
    answer = s.revoke(s.acquire()["refresh_token"], "register")
    return (answer.status_code, said(answer)), (400, "invalid_grant")


@settles("revoke.foreign-changes-nothing")
def _(s: Stage) -> Finding:
    tokens = s.acquire()
    s.revoke(tokens["refresh_token"], "register")
    return s.refreshed(tokens), "granted"


# --- the clock goes back ---


@settles("clock.back-unlapses")
def _(s: Stage) -> Finding:
    tokens = lapsing(s, 10 * DAY)
    s.move_to(11 * DAY)
    assert s.refreshed(tokens) == "invalid_grant"
    s.move_to(DAY)
    return s.refreshed(tokens), "granted"


@settles("clock.back-keeps-endings")
def _(s: Stage) -> Finding:
    tokens = s.acquire()
    s.move_to(DAY)
    s.managed("POST", "/devices/store-12/revoke")
    assert s.refreshed(tokens) == "invalid_grant"
    s.move_to(0)
    return s.refreshed(tokens), "invalid_grant"


@settles("clock.back-retry-window-is-open")
def _(s: Stage) -> Finding:
    first = s.acquire()
    s.move_to(DAY)
    second = s.renewed(first)
    s.move_to(HOUR)
    answer = s.refresh(first)
    return answer.json().get("refresh_token"), second["refresh_token"]
