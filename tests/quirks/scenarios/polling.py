"""Polling and redemption."""

from __future__ import annotations

from tests.factories import DAY, NOW, STORE_12
from tests.quirks.stage import Finding, Stage, granted, lasts, said, settles
from tests.web.site import DEVICE_CODE

PENDING, SLOW = "authorization_pending", "slow_down"
IN_TIME, EARLY = False, True


def early(s: Stage, *polls: tuple[int, int]) -> list[bool]:
    """Poll one code, each time after so many of the declared intervals and seconds: say which were early."""
    codes = s.authorize()
    answers = []
    for intervals, seconds in polls:
        s.move_to(intervals * int(codes["interval"]) + seconds)
        answers.append(s.polled(codes) == SLOW)
    return answers


@settles("poll.early-is-slow-down")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    s.move_to(1)
    s.polled(codes)
    s.move_to(int(codes["interval"]))
    answer = s.poll(codes)
    return (answer.status_code, said(answer)), (400, SLOW)


@settles("poll.interval-kept-is-not-early")
def _(s: Stage) -> Finding:
    return early(s, (0, 1), (1, 1), (2, 1)), [IN_TIME] * 3


@settles("poll.first-is-never-early")
def _(s: Stage) -> Finding:
    return early(s, (0, 0)), [IN_TIME]


# After one slow_down the interval is its first length and 5 s, after three and 15.


@settles("poll.slow-down-adds-5")
def _(s: Stage) -> Finding:
    late, soon = early(s, (2, 0), (2, 0), (3, 5)), early(s, (6, 0), (6, 0), (7, 4))
    assert late[1] is soon[1] is EARLY
    return (late[2], soon[2]), (IN_TIME, EARLY)


@settles("poll.each-slow-down-adds")
def _(s: Stage) -> Finding:
    assert early(s, (0, 1), (0, 1), (1, 5)) == [IN_TIME, EARLY, EARLY]
    soon = early(s, *[(20, 1)] * 4, (21, 15))
    late = early(s, *[(40, 1)] * 4, (41, 16))
    assert soon[:4] == late[:4] == [IN_TIME, EARLY, EARLY, EARLY]
    return (soon[4], late[4]), (EARLY, IN_TIME)


@settles("poll.slow-down-is-for-good")
def _(s: Stage) -> Finding:
    assert early(s, (20, 1), (20, 1), (21, 5))[2] is EARLY
    answers = early(s, (40, 1), (40, 1), (41, 6), (42, 10))
    assert answers[:3] == [IN_TIME, EARLY, IN_TIME]
    return answers[3], EARLY


@settles("poll.throttled-poll-is-the-previous")
def _(s: Stage) -> Finding:
    assert early(s, (0, 1), (0, 2), (1, 5))[2] is EARLY
    answers = early(s, (20, 1), (20, 4), (21, 6))
    assert answers[1] is EARLY
    return answers[2], EARLY


@settles("poll.never-locked-out")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    for second in range(1, 9):
        s.move_to(second)
        s.polled(codes)
    interval = int(codes["interval"]) + 7 * 5
    answers = []
    for pauses in (10, 11):
        s.move_to(8 + interval * pauses)
        answers.append(s.polled(codes) == SLOW)
    return answers, [IN_TIME, IN_TIME]


@settles("poll.codes-are-throttled-apart")
def _(s: Stage) -> Finding:
    one, other = s.authorize(), s.authorize()
    s.move_to(1)
    s.polled(one)
    s.move_to(2)
    return s.polled(other) == SLOW, IN_TIME


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
    s.polled(codes)
    s.deny(codes)
    s.move_to(2)
    return s.polled(codes) == SLOW, False


@settles("poll.undecided-is-pending")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    s.move_to(1)
    answer = s.poll(codes)
    return (answer.status_code, said(answer)), (400, PENDING)


@settles("poll.denied-is-access-denied")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    s.deny(codes)
    return s.polled(codes), "access_denied"


@settles("poll.expired-is-expired-token")
def _(s: Stage) -> Finding:
    before, after = s.authorize(), s.authorize()
    s.move_to(lasts(before) - 1)
    is_late = s.polled(before) == "expired_token"
    s.move_to(lasts(after))
    return (is_late, s.polled(after)), (False, "expired_token")


@settles("poll.expired-is-remembered")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    s.move_to(365 * DAY)
    return s.polled(codes), "expired_token"


@settles("poll.expiry-before-denial")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    s.deny(codes)
    s.move_to(lasts(codes) - 1)
    assert s.polled(codes) == "access_denied"
    s.move_to(lasts(codes) + 5)
    return s.polled(codes), "expired_token"


@settles("poll.expiry-before-approval")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    s.approve(codes)
    s.move_to(lasts(codes))
    return s.polled(codes), "expired_token"


@settles("poll.redeemed-is-remembered")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    s.approve(codes)
    assert s.polled(codes) == "granted"
    s.move_to(lasts(codes))
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
    s.move_to(1)
    for codes in (undecided, approved):
        s.polled(codes, "register")
    return (s.polled(undecided) == SLOW, s.polled(approved)), (False, "granted")


@settles("clock.back-poll-is-not-early")
def _(s: Stage) -> Finding:
    return early(s, (20, 0), (10, 0)), [IN_TIME, IN_TIME]


@settles("clock.back-keeps-data")
def _(s: Stage) -> Finding:
    s.move_to(100)
    codes = s.authorize()
    s.move_to(200)
    s.approve(codes)
    first = granted(s.poll(codes))
    second = s.renewed(first)
    s.move_to(150)
    good = s.refreshed(second)
    return (good, s.polled(codes) == "granted"), ("granted", False)


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
