"""What a device authorization request and a poll may be answered, and what has happened then.

Spec: RFC 8628 3.2, 3.5; protocol.md, The device grant
"""

from __future__ import annotations

from dataclasses import replace

from authz_conformance.model.answers import CODES, TOKENS, Answer, Check, Decision, Outcome, due, refused
from authz_conformance.model.calendar import lapsed
from authz_conformance.model.issuing import due_scope, redeemed, token_response
from authz_conformance.model.law import Law
from authz_conformance.model.readings import Reading
from authz_conformance.model.steps import DeviceAuthorization, Poll
from authz_conformance.model.wanted import Fresh, IfWhole, WholeNumber
from authz_conformance.model.world import Grant, License, World, with_grant, with_license

SLOW_DOWN_ADDS_SECONDS = 5
INTERVAL_LEFT_OUT_SECONDS = 5
LONG_PAUSE = 10
HASTY = 3
GRANTED_SCOPE = "license"
_IGNORED_SCOPES = frozenset({"openid", "profile", "offline_access"})
_UNKNOWN_CLIENT = refused("invalid_client")
_GONE = ("poll.undecided-is-pending",)


def decide_codes(world: World, step: DeviceAuthorization, *, now: int, law: Law) -> Decision:
    """Say what a device authorization request may be answered."""
    del law
    if step.client_id not in world.clients:
        return due(_UNKNOWN_CLIENT, rules=("request.unknown-client-refused",))
    scopes = set((step.scope or "").split())
    if not scopes <= _IGNORED_SCOPES | {GRANTED_SCOPE}:
        return due(refused("invalid_scope"), rules=("request.unknown-scope-refused",))
    codes = Outcome(kind=CODES, checks=_code_checks(world, now=now))
    rule = "request.openid-scopes-ignored" if scopes & _IGNORED_SCOPES else "codes.required-members"
    return due(codes, rules=(rule,))


def _code_checks(world: World, *, now: int) -> tuple[Check, ...]:
    alive = [grant for grant in world.grants.values() if now < grant.expires_at]
    lifetime, interval = world.settings.code_seconds, world.settings.interval_seconds
    return (
        Check("body.device_code", Fresh(frozenset(world.grants)), ("codes.device-code-is-unique",)),
        Check(
            "body.user_code",
            Fresh(frozenset(grant.user_code for grant in alive)),
            ("codes.user-code-is-unique",),
        ),
        Check("body.expires_in", IfWhole(lifetime), ("codes.lifetime-as-declared",)),
        Check("body.expires_in", WholeNumber(1), ("codes.expires-in-is-whole-seconds",)),
        Check("body.interval", IfWhole(interval), ("codes.interval-as-declared",)),
        Check("body.interval", WholeNumber(0, or_absent=True), ("codes.interval-is-whole-seconds",)),
    )


def follow_codes(world: World, step: DeviceAuthorization, answer: Answer, *, now: int) -> World:
    """Remember the codes, with the lifetime and the interval that they came with."""
    if answer.kind != CODES:
        return world
    lifetime = answer.body.get("expires_in")
    interval = answer.body.get("interval")
    seconds = interval if isinstance(interval, int) else INTERVAL_LEFT_OUT_SECONDS
    grant = Grant(
        device_code=str(answer.body["device_code"]),
        user_code=str(answer.body.get("user_code")),
        client_id=step.client_id,
        issued_at=now,
        expires_at=now + (lifetime if isinstance(lifetime, int) else world.settings.code_seconds),
        base_interval=seconds,
        interval=seconds,
    )
    return with_grant(world, grant)


def asks_poll(world: World, step: Poll, *, now: int) -> tuple[Reading, ...]:
    """Name the readings on which the answer to a poll, or what it leaves behind, depends."""
    grant = world.grants.get(step.device_code)
    if grant is None:
        return ()
    if grant.state == "pending" and now >= grant.expires_at:
        return (Reading.EXPIRED_POLL_IS_VALID,)
    device = world.devices.get(grant.server_id or "")
    if grant.state == "approved" and device is not None and lapsed(device.renewal_at, now=now):
        return (Reading.LAPSED_DEVICE_IS_NOT_REDEEMED,)
    return ()


def decide_poll(world: World, step: Poll, *, now: int, law: Law) -> Decision:
    """Say what a poll may be answered, in the order that the protocol fixes.

    Spec: protocol.md, The device grant: order of answers to a poll
    """
    if step.client_id not in world.clients:
        return due(_UNKNOWN_CLIENT, rules=("poll.unknown-client-is-invalid-client",))
    grant = world.grants.get(step.device_code)
    if grant is None:
        forgetful = () if law.binds("poll.expired-is-remembered") else (refused("expired_token"),)
        return due(refused("invalid_grant"), *forgetful, rules=("poll.unknown-code-is-invalid-grant",))
    if grant.client_id != step.client_id:
        return due(refused("invalid_grant"), rules=("poll.foreign-code-is-invalid-grant",))
    if grant.state == "redeemed":
        return _after_redemption(grant, now=now)
    if now >= grant.expires_at:
        return _after_expiry(grant, now=now, law=law)
    if grant.state == "denied":
        return _after_denial(grant, now=now, law=law)
    if grant.state == "approved":
        return _redemption(world, grant, now=now, law=law)
    return _undecided(grant, now=now)


def _after_redemption(grant: Grant, *, now: int) -> Decision:
    rule = "poll.redeemed-is-remembered" if now >= grant.expires_at else "redeem.once"
    return due(refused("invalid_grant"), rules=(rule,), tokens="redeem.once")


def _after_expiry(grant: Grant, *, now: int, law: Law) -> Decision:
    """Where nothing makes a server remember dead codes, one that has told so, or is long dead, may be unknown."""
    rules = {
        "pending": "poll.expired-is-expired-token",
        "approved": "poll.expiry-before-approval",
        "denied": "poll.expiry-before-denial",
    }
    long_dead = now >= grant.expires_at + (grant.expires_at - grant.issued_at)
    forgotten = (
        (refused("invalid_grant"),)
        if not law.binds("poll.expired-is-remembered") and (grant.told or long_dead)
        else ()
    )
    instead = {"invalid_grant": "poll.expired-is-remembered"} if long_dead else {}
    return due(refused("expired_token"), *forgotten, rules=(rules[grant.state],), **instead)


def _after_denial(grant: Grant, *, now: int, law: Law) -> Decision:
    forgotten = (
        (refused("invalid_grant"), refused("expired_token"))
        if grant.told and not law.binds("poll.expired-is-remembered")
        else ()
    )
    early = {"slow_down": "poll.final-answers-before-throttle"} if _early(grant, now=now) else {}
    return due(refused("access_denied"), *forgotten, rules=(grant.denied_by,), **early)


def _redemption(world: World, grant: Grant, *, now: int, law: Law) -> Decision:
    """Check device, organization and administrator again; a failure denies the code for good."""
    fault = _fault(world, grant, now=now)
    if fault is not None:
        return due(refused("access_denied"), rules=(fault,))
    device = world.devices[grant.server_id or ""]
    known = frozenset(world.refresh_tokens)
    again = {"claims.sub-is-server-id": "redeem.server-id-survives"}
    tokens = token_response(
        world,
        device=device,
        client_id=grant.client_id,
        renewal_at=device.renewal_at,
        now=now,
        law=law,
        refresh_token=Check("body.refresh_token", Fresh(known), ("tokens.refresh-token-included",)),
        scope=due_scope(law, granted=None, rule="tokens.scope-always-returned"),
        narrower=again if world.license_of(device.server_id) is not None else None,
    )
    return due(tokens, rules=("redeem.approved-gives-tokens",), slow_down="poll.approved-is-never-throttled")


def _fault(world: World, grant: Grant, *, now: int) -> str | None:
    """Name the rule that keeps an approved code from being redeemed, if one does."""
    device = world.devices.get(grant.server_id or "")
    if device is None or device.deleted:
        return "redeem.deleted-device-refused"
    if not device.enabled:
        return "redeem.disabled-device-refused"
    if not world.entitled(grant.administrator, device=device):
        return "redeem.administrator-checked-again"
    if lapsed(device.renewal_at, now=now) and world.reads(Reading.LAPSED_DEVICE_IS_NOT_REDEEMED):
        return "tokens.expires-in-is-a-number"  # whatever tokens came, they would be expired at birth
    return None


def _undecided(grant: Grant, *, now: int) -> Decision:
    pending = {
        "expired_token": "poll.expired-is-expired-token",
        "access_denied": "poll.denied-is-access-denied",
    }
    if _early(grant, now=now):
        return due(
            refused("slow_down"), rules=_GONE, authorization_pending=_early_rule(grant, now=now), **pending
        )
    return due(
        refused("authorization_pending"), rules=_GONE, slow_down=_in_time_rule(grant, now=now), **pending
    )


def _early(grant: Grant, *, now: int) -> bool:
    """Say whether a poll is early: 0 <= now - previous poll < interval."""
    return grant.polled_at is not None and 0 <= now - grant.polled_at < grant.interval


def _early_rule(grant: Grant, *, now: int) -> str:
    """Name the rule by which this poll, and not only one sooner, is early."""
    since = now - (grant.polled_at or 0)
    kept = grant.kept_at is not None and now - grant.kept_at >= grant.interval
    if since < grant.base_interval:
        return "poll.throttled-poll-is-the-previous" if kept else "poll.early-is-slow-down"
    if not grant.hasty:
        return "poll.slow-down-is-for-good"
    if since >= grant.base_interval + SLOW_DOWN_ADDS_SECONDS:
        return "poll.each-slow-down-adds"
    return "poll.throttled-poll-is-the-previous" if kept and grant.grown else "poll.slow-down-adds-5"


def _in_time_rule(grant: Grant, *, now: int) -> str:
    """Name the rule by which this poll is in time."""
    if grant.met_foreign:
        return "poll.foreign-poll-changes-nothing"
    if grant.polled_at is None:
        return "poll.first-is-never-early"
    if now < grant.polled_at:
        return "clock.back-poll-is-not-early"
    if grant.slow_downs == 0:
        return "poll.interval-kept-is-not-early"
    long_pause = now - grant.polled_at >= LONG_PAUSE * grant.interval
    locked_out = long_pause or grant.slow_downs >= HASTY
    return "poll.never-locked-out" if locked_out else "poll.slow-down-adds-5"


def follow_poll(world: World, step: Poll, answer: Answer, *, now: int) -> World:
    """Move the grant to where the answer says it is; a first 200 makes a license and supersedes the one before."""
    grant = world.grants.get(step.device_code)
    if grant is None or step.client_id not in world.clients:
        return world
    if grant.client_id != step.client_id:
        return with_grant(world, replace(grant, met_foreign=True))
    grant = replace(grant, met_foreign=False)
    if answer.kind == TOKENS:
        return redeemed(world, grant, answer, now=now)
    if answer.kind == "slow_down":
        return with_grant(world, _throttled(grant, now=now))
    if answer.kind == "access_denied" and grant.state in {"pending", "approved"}:
        final = "redeem.failed-check-is-final" if grant.state == "approved" else grant.denied_by
        return with_grant(world, replace(grant, state="denied", denied_by=final, told=True))
    if answer.kind == "expired_token" and not world.reads(Reading.EXPIRED_POLL_IS_VALID):
        return with_grant(world, replace(grant, told=True))
    if grant.license is not None:
        world = _replayed(world, world.licenses[grant.license])
    told = grant.told or answer.kind != "authorization_pending"
    return with_grant(world, replace(grant, polled_at=now, kept_at=now, hasty=False, told=told))


def _replayed(world: World, held: License) -> World:
    """A code that comes twice may have been stolen: only a licensing server has to leave its tokens alone.

    Spec: RFC 6749 4.1.2, which has authorization servers revoke what a code has given when it comes again, where possible
    """
    return with_license(world, replace(held, doubtful=True))


def _throttled(grant: Grant, *, now: int) -> Grant:
    return replace(
        grant,
        polled_at=now,
        interval=grant.interval + SLOW_DOWN_ADDS_SECONDS,
        hasty=True,
        slow_downs=grant.slow_downs + 1,
        grown=grant.grown or now - (grant.polled_at or now) >= grant.base_interval,
    )
