"""Polling and redemption."""

from __future__ import annotations

from tests.factories import DAY, NOW, STORE_12
from tests.quirks.stage import Finding, Stage, granted, said, settles
from tests.web.site import DEVICE_CODE

PENDING, SLOW = "authorization_pending", "slow_down"


def polls(s: Stage, *seconds: int) -> list[str]:
    """Poll one code at these seconds."""
    codes = s.authorize()
    answers = []
    for second in seconds:
        s.move_to(second)
        answers.append(s.polled(codes))
    return answers


@settles("poll.early-is-slow-down")
def _(s: Stage) -> Finding:
    return polls(s, 0, 4), [PENDING, SLOW]


@settles("poll.interval-kept-is-not-early")
def _(s: Stage) -> Finding:
    return polls(s, 1, 6, 11), [PENDING] * 3


@settles("poll.first-is-never-early")
def _(s: Stage) -> Finding:
    return polls(s, 0), [PENDING]


@settles("poll.slow-down-adds-5")
def _(s: Stage) -> Finding:
    assert polls(s, 10, 11)[1] == SLOW
    s.move_to(0)
    late, early = polls(s, 10, 11, 21), polls(s, 30, 31, 40)
    return (late[2], early[2]), (PENDING, SLOW)


@settles("poll.each-slow-down-adds")
def _(s: Stage) -> Finding:
    answers = polls(s, 1, 2, 3, 4, 23)
    assert answers[1:4] == [SLOW] * 3
    assert polls(s, 100, 101, 110)[2] == SLOW
    return (answers[4], polls(s, 200, 201, 202, 203, 223)[4]), (SLOW, PENDING)


@settles("poll.slow-down-is-for-good")
def _(s: Stage) -> Finding:
    assert polls(s, 101, 102, 111)[2] == SLOW
    answers = polls(s, 201, 202, 212, 221)
    assert answers[:3] == [PENDING, SLOW, PENDING]
    return answers[3], SLOW


@settles("poll.throttled-poll-is-the-previous")
def _(s: Stage) -> Finding:
    answers = polls(s, 1, 5, 11)
    assert answers[1] == SLOW
    return answers[2], SLOW


@settles("poll.never-locked-out")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    for second in range(1, 9):
        s.move_to(second)
        s.polled(codes)
    s.move_to(9 + 45 * 10)
    first = s.polled(codes)
    s.move_to(9 + 45 * 11)
    return (first, s.polled(codes)), (PENDING, PENDING)


@settles("poll.codes-are-throttled-apart")
def _(s: Stage) -> Finding:
    one, other = s.authorize(), s.authorize()
    s.move_to(1)
    s.polled(one)
    s.move_to(2)
    return s.polled(other), PENDING


@settles("poll.approved-is-never-throttled")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    s.move_to(1)
    s.polled(codes)
    s.approve(codes)
    s.move_to(2)
    return s.polled(codes), "granted"


@settles("poll.final-answers-before-throttle")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    s.move_to(1)
    assert s.polled(codes) == PENDING
    s.deny(codes)
    s.move_to(2)
    return s.polled(codes), "access_denied"


@settles("poll.undecided-is-pending")
def _(s: Stage) -> Finding:
    return polls(s, 1), [PENDING]


@settles("poll.denied-is-access-denied")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    s.deny(codes)
    return s.polled(codes), "access_denied"


@settles("poll.expired-is-expired-token")
def _(s: Stage) -> Finding:
    before, after = s.authorize(), s.authorize()
    s.move_to(899)
    assert s.polled(before) == PENDING
    s.move_to(900)
    return s.polled(after), "expired_token"


@settles("poll.expired-is-remembered")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    s.move_to(365 * DAY)
    return s.polled(codes), "expired_token"


@settles("poll.expiry-before-denial")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    s.deny(codes)
    s.move_to(899)
    assert s.polled(codes) == "access_denied"
    s.move_to(905)
    return s.polled(codes), "expired_token"


@settles("poll.expiry-before-approval")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    s.approve(codes)
    s.move_to(900)
    return s.polled(codes), "expired_token"


@settles("poll.redeemed-is-remembered")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    s.approve(codes)
    assert s.polled(codes) == "granted"
    s.move_to(900)
    return s.polled(codes), "invalid_grant"


@settles("poll.unknown-client-is-invalid-client")
def _(s: Stage) -> Finding:
    return s.polled(s.authorize(), "stranger"), "invalid_client"


@settles("poll.unknown-code-is-invalid-grant")
def _(s: Stage) -> Finding:
    answer = s.poll({"device_code": "unknown"})
    return (answer.status_code, said(answer)), (400, "invalid_grant")


@settles("poll.foreign-code-is-invalid-grant")
def _(s: Stage) -> Finding:
    undecided, approved = s.authorize(), s.authorize()
    s.approve(approved)
    return [s.polled(codes, "register") for codes in (undecided, approved)], ["invalid_grant"] * 2


@settles("poll.foreign-poll-changes-nothing")
def _(s: Stage) -> Finding:
    undecided, approved = s.authorize(), s.authorize()
    s.approve(approved)
    for codes in (undecided, approved):
        s.polled(codes, "register")
    return (s.polled(undecided), s.polled(approved)), (PENDING, "granted")


@settles("clock.back-poll-is-not-early")
def _(s: Stage) -> Finding:
    return polls(s, 100, 50), [PENDING, PENDING]


@settles("clock.back-keeps-data")
def _(s: Stage) -> Finding:
    s.move_to(100)
    codes = s.authorize()
    s.move_to(200)
    s.approve(codes)
    first = granted(s.poll(codes))
    second = s.renewed(first)
    s.move_to(150)
    return (s.polled(codes), s.refreshed(second)), ("invalid_grant", "granted")


@settles("clock.frozen-stands-still")
def _(s: Stage) -> Finding:
    s.move_to(-2)
    # Real time lies ahead of the virtual one of this sandbox, or behind it: the clock was set that long ago.
    s.set_clock_set_ago(60)
    claims = s.claims(s.acquire())
    return claims["iat"], NOW - 2


# --- redemption ---


@settles("redeem.approved-gives-tokens")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    s.approve(codes)
    answer = s.poll(codes)
    assert isinstance(answer.json()["access_token"], str)
    return answer.status_code, 200


@settles("redeem.once")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    s.approve(codes)
    assert s.polled(codes) == "granted"
    return s.polled(codes), "invalid_grant"


@settles("redeem.once-under-concurrency")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    s.approve(codes)
    form = {"grant_type": DEVICE_CODE, "device_code": codes["device_code"], "client_id": "pos-server"}
    answers = s.together(*[("POST", "/token", form)] * 3)
    return sorted(said(answer) for answer in answers), ["granted", "invalid_grant", "invalid_grant"]


@settles("redeem.replay-revokes-nothing")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    s.approve(codes)
    tokens = granted(s.poll(codes))
    s.poll(codes)
    return s.refreshed(tokens), "granted"


@settles("redeem.latest-approval-only")
def _(s: Stage) -> Finding:
    first, second = s.authorize(), s.authorize()
    s.approve(first)
    s.approve(second)
    return (s.polled(first), s.polled(second)), ("access_denied", "granted")


@settles("redeem.disabled-device-refused")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    s.approve(codes)
    s.managed("POST", "/devices/store-12/disable")
    return s.polled(codes), "access_denied"


@settles("redeem.deleted-device-refused")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    s.approve(codes)
    s.managed("DELETE", "/devices/store-12")
    return s.polled(codes), "access_denied"


@settles("redeem.administrator-checked-again")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    s.approve(codes, STORE_12, "sam")
    s.managed("PATCH", "/administrators/sam", organizations=["summit"])
    return s.polled(codes), "access_denied"


@settles("redeem.failed-check-is-final")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    s.approve(codes)
    s.managed("POST", "/devices/store-12/disable")
    assert s.polled(codes) == "access_denied"
    s.managed("POST", "/devices/store-12/enable")
    assert s.approval(s.authorize(), "till-1").is_success
    return s.polled(codes), "access_denied"


@settles("redeem.copies-renewal-date")
def _(s: Stage) -> Finding:
    s.renew(100 * DAY)
    codes = s.authorize()
    s.approve(codes)
    s.renew(200 * DAY)
    claims = s.claims(granted(s.poll(codes)))
    return int(claims["license"]["renewal_at"]), NOW + 200 * DAY


@settles("redeem.server-id-survives")
def _(s: Stage) -> Finding:
    first = s.claims(s.acquire())["sub"]
    return s.claims(s.acquire())["sub"], first
