"""What a refresh may be answered, in the order that the protocol fixes, and what has happened then.

Spec: RFC 6749 6, RFC 9700 4.14.2; protocol.md, Refresh, renewal, endings
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from authz_conformance.model.answers import TOKENS, Answer, Check, Decision, due, refused
from authz_conformance.model.calendar import lapsed
from authz_conformance.model.issuing import due_scope, issued, token_response
from authz_conformance.model.law import Law
from authz_conformance.model.readings import Reading
from authz_conformance.model.steps import Refresh
from authz_conformance.model.wanted import UNSEEN, Fresh, Is, NotAmong
from authz_conformance.model.world import License, RefreshToken, World, ended, with_license

REUSED = "refresh_token_reused"
REASON_RULES = {
    "refresh_token_unknown": "reason.unknown",
    "license_revoked": "reason.revoked",
    "license_superseded": "reason.superseded",
    "device_disabled": "reason.device-disabled",
    REUSED: "reason.reused",
    "license_expired": "reason.license-expired",
    "refresh_token_expired": "reason.refresh-token-expired",
}
_DESCRIBED = Check("body.error_description", Fresh(), ("reason.for-people",))
_EXPIRED = "refresh_token_expired"


def asks_refresh(world: World, step: Refresh, *, now: int) -> tuple[Reading, ...]:
    """Name the reading on which a refresh depends: a predecessor in its window that has expired since."""
    found = world.refresh_tokens.get(step.refresh_token)
    if found is None or not is_retry(world, found, now=now) or now < found.expires_at:
        return ()
    return (Reading.RETRY_BEFORE_TOKEN_EXPIRY,)


def is_retry(world: World, found: RefreshToken, *, now: int) -> bool:
    """Say whether a refresh token is an immediate predecessor within its retry window, its successor unused.

    The window is half open, counts from the first use, and is open where the clock went back before that.
    """
    if found.first_used_at is None or found.successor is None:
        return False
    successor = world.refresh_tokens[found.successor]
    unused = successor.first_used_at is None
    return unused and now - found.first_used_at < world.settings.refresh_retry_window_seconds


def decide_refresh(world: World, step: Refresh, *, now: int, law: Law) -> Decision:
    """Say what a refresh may be answered."""
    if step.client_id not in world.clients:
        return due(refused("invalid_client"), rules=("refresh.unknown-client-refused",))
    found = world.refresh_tokens.get(step.refresh_token)
    if found is None:
        return _no("refresh_token_unknown", "refresh.unknown-token-refused")
    held = world.licenses[found.license]
    if held.client_id != step.client_id:
        return _no("refresh_token_unknown", "refresh.bound-to-client", "reason.foreign-is-unknown")
    if held.end == REUSED and held.doubtful and not law.binds("reason.reuse-before-token-expiry"):
        held = replace(held, end=None)
    refusal = refusal_of(world, found, held, now=now)
    if refusal is not None:
        return refusal
    return _granted(world, found, held, now=now, law=law)


def _no(
    reason: str, rule: str, reason_rule: str | None = None, *, out_of_turn: Mapping[str, str] | None = None
) -> Decision:
    """Admit invalid_grant with one reason.

    Args:
        reason: For programs.
        rule: What breaks if anything but invalid_grant comes.
        reason_rule: What breaks if another reason comes; by default the one of this reason.
        out_of_turn: By the other reason that came, what breaks in place of that.
    """
    excused = out_of_turn or {}
    checks = [
        Check("body.reason", NotAmong((other,), instead=reason), (broken,))
        for other, broken in excused.items()
    ]
    right = Check("body.reason", Is(reason, excused=tuple(excused)), (reason_rule or REASON_RULES[reason],))
    return due(refused("invalid_grant", *checks, right, _DESCRIBED), rules=(rule,))


def refusal_of(world: World, found: RefreshToken, held: License, *, now: int) -> Decision | None:
    """Say why a refresh by the owner is refused, or None where it is granted.

    Order: the stored ending, lapse, reuse, expiry of the refresh token.
    """
    used, expired = found.first_used_at is not None, now >= found.expires_at
    if held.end is not None:
        return _ended(world, held, held.end, now=now)
    if lapsed(held.renewal_at, now=now):
        turns = {REUSED: "reason.lapse-before-reuse"} if used else {}
        turns |= {_EXPIRED: "reason.lapse-before-token-expiry"} if expired else {}
        return _no("license_expired", _lapse_rule(world, held), out_of_turn=turns)
    retry = is_retry(world, found, now=now)
    if used and not retry:
        turns = {_EXPIRED: "reason.reuse-before-token-expiry"} if expired else {}
        return _no(REUSED, _reuse_rule(world, found, now=now), out_of_turn=turns)
    if expired and not (retry and world.reads(Reading.RETRY_BEFORE_TOKEN_EXPIRY)):
        return _no(_EXPIRED, "refresh.expires-when-idle")
    return None


def _ended(world: World, held: License, end: str, *, now: int) -> Decision:
    """Admit invalid_grant with the reason of the ending; a reason of what has not ended breaks what ended it."""
    rule = _end_rule(world, held, now=now)
    lapse_rule = "reason.ending-before-lapse" if lapsed(held.renewal_at, now=now) else rule
    turns = {"refresh_token_unknown": rule, _EXPIRED: rule, "license_expired": lapse_rule}
    return _no(end, rule, "reason.first-ending-is-final" if held.end_again else None, out_of_turn=turns)


def _end_rule(world: World, held: License, *, now: int) -> str:
    """Name the rule that breaks where an ended license is refreshed."""
    if now < held.ended_at:
        return "clock.back-keeps-endings"
    device = world.devices.get(held.server_id)
    enabled = device is not None and device.enabled and not device.deleted
    return "end.enabling-revives-nothing" if held.end == "device_disabled" and enabled else held.end_rule


def _lapse_rule(world: World, held: License) -> str:
    device = world.devices.get(held.server_id)
    renewed = device is not None and device.renewal_at != held.renewal_at
    return "renew.after-lapse-revives-nothing" if renewed else "renew.lapsed-is-refused"


def _reuse_rule(world: World, found: RefreshToken, *, now: int) -> str:
    """Name the rule by which this is reuse: the successor was used, or the window has closed."""
    successor = world.refresh_tokens.get(found.successor or "")
    if successor is None or successor.first_used_at is not None:
        return "refresh.rotated-token-refused"
    window = world.settings.refresh_retry_window_seconds
    extended = found.retried_at is not None and now - found.retried_at < window
    return "refresh.retry-window-never-extended" if extended else "refresh.retry-window-is-half-open"


def _granted(world: World, found: RefreshToken, held: License, *, now: int, law: Law) -> Decision:
    """Rotate, or return the same successor again."""
    tokens = token_response(
        world,
        device=world.devices.get(held.server_id),
        client_id=held.client_id,
        renewal_at=held.renewal_at,
        now=now,
        law=law,
        refresh_token=_due_refresh_token(world, found),
        scope=due_scope(law, granted=held.scope, rule="refresh.keeps-scope"),
        narrower=_narrower(found, held, now=now),
    )
    if held.doubtful and not law.binds("refresh.retry-gets-same-successor"):
        return due(tokens, refused("invalid_grant"), rules=("refresh.gives-access-token",))
    return due(tokens, rules=(_granting_rule(world, found, held, now=now),))


def _narrower(found: RefreshToken, held: License, *, now: int) -> dict[str, str]:
    """Name the rules that a claim breaks here in place of its own: of a renewal, and of a repeated answer."""
    narrower = {}
    if held.renewed_from is not None:
        narrower["claims.renewal-date"] = "renew.next-refresh-carries-it"
        narrower["claims.no-renewal-is-absent"] = "renew.to-no-date"
    if found.first_used_at is not None and now != found.first_used_at:
        narrower["claims.iat-is-now"] = "refresh.retry-mints-anew"
    return narrower


def _granting_rule(world: World, found: RefreshToken, held: License, *, now: int) -> str:
    """Name the rule that breaks where this refresh, and not only any refresh, is refused."""
    if held.renewal_at is not None and now == held.renewal_at - 1:
        return "renew.lapsed-is-refused"
    if found.first_used_at is not None:
        return _retry_rule(world, found, found.first_used_at, now=now)
    if lapsed(held.renewal_at, now=world.latest_at):
        return "clock.back-unlapses"
    if held.renewed_from is not None and now >= held.renewed_from:
        return "renew.to-no-date" if held.renewal_at is None else "renew.next-refresh-carries-it"
    later = now >= held.acquired_at + world.settings.refresh_token_seconds
    return "refresh.expiry-counts-from-its-issue" if later else "refresh.gives-access-token"


def _retry_rule(world: World, found: RefreshToken, first_used_at: int, *, now: int) -> str:
    """Name the rule that breaks where a retry is refused: in the last second of its window it is that of its end.

    A retry before the first use, after the clock went back, may have moved the window.
    """
    if now < first_used_at:
        return "clock.back-retry-window-is-open"
    window = world.settings.refresh_retry_window_seconds
    if found.retried_at is not None and now - found.retried_at >= window:
        return "refresh.retry-window-never-extended"
    is_last = now == first_used_at + window - 1
    return "refresh.retry-window-is-half-open" if is_last else "refresh.retry-gets-same-successor"


def _due_refresh_token(world: World, found: RefreshToken) -> Check:
    """Demand the successor, byte for byte, where it has been seen; else a new refresh token."""
    if found.successor is not None and not found.successor.startswith(UNSEEN):
        return Check("body.refresh_token", Is(found.successor), ("refresh.retry-gets-same-successor",))
    seen = frozenset(value for value in world.refresh_tokens if not value.startswith(UNSEEN))
    return Check("body.refresh_token", Fresh(seen), ("refresh.rotates",))


def follow_refresh(world: World, step: Refresh, answer: Answer, *, now: int) -> World:
    """Rotate on a 200; end the license where reuse was answered as such."""
    found = world.refresh_tokens.get(step.refresh_token)
    if found is None or step.client_id not in world.clients:
        return world
    held = world.licenses[found.license]
    if held.client_id != step.client_id:
        return world
    if answer.kind == TOKENS:
        return _rotated(world, held, answer, presented=step.refresh_token, now=now)
    if answer.kind != "invalid_grant" or found.first_used_at is None or not held.live(now=now):
        return world
    if is_retry(world, found, now=now):  # refused, though it is a retry by our law: reuse by the server's own
        return with_license(world, replace(held, doubtful=True))
    # who has seen the token expire need not remember that it had been used before
    held = replace(held, doubtful=now >= found.expires_at)
    return ended(world, held, reason=REUSED, rule="refresh.reuse-ends-the-family", now=now)


def _rotated(world: World, held: License, answer: Answer, *, presented: str, now: int) -> World:
    """Take the successor from the answer; one that was lost before is known by its value from now on.

    A server that gives another successor, or none, is followed; whether the earlier one is good then, nobody knows.
    """
    found = world.refresh_tokens[presented]
    returned = answer.body.get("refresh_token")
    if not isinstance(returned, str) or returned == presented:
        return issued(world, held, answer, now=now)
    if found.successor is not None and found.successor.startswith(UNSEEN):
        world = _named(world, unseen=found.successor, seen=returned)
    elif found.successor is not None and found.successor != returned:
        held = replace(held, doubtful=True)
        world = with_license(world, held)
    used = replace(found, successor=returned, retried_at=now)
    if found.first_used_at is None:
        used = replace(found, successor=returned, first_used_at=now)
    world = replace(world, refresh_tokens={**world.refresh_tokens, presented: used})
    return issued(world, held, answer, now=now)


def _named(world: World, *, unseen: str, seen: str) -> World:
    tokens = {seen if value == unseen else value: held for value, held in world.refresh_tokens.items()}
    return replace(world, refresh_tokens=tokens)


def granted_exp(world: World, found: RefreshToken, held: License, *, now: int) -> tuple[int, ...] | None:
    """Give the expiries that introspection may tell of a refresh token, or None where no refresh would be granted.

    The token's own, or where they come first the renewal date and, for a predecessor, the end of its retry window: the
    contract does not say which.
    """
    if refusal_of(world, found, held, now=now) is not None:
        return None
    own = [found.expires_at]
    if found.first_used_at is not None:
        closes_at = found.first_used_at + world.settings.refresh_retry_window_seconds
        own += [min(found.expires_at, closes_at), closes_at]
    capped = [] if held.renewal_at is None else [min(end, held.renewal_at) for end in own]
    return tuple(dict.fromkeys([*own, *capped]))
