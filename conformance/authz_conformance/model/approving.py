"""What an administrator who enters a user code may be answered, and the budget of wrong entries.

Spec: RFC 8628 3.3, 5.1; protocol.md, The device grant
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

from authz_conformance.catalogue import Capability
from authz_conformance.model.answers import DONE, REFUSED, THROTTLED, Answer, Decision, Outcome, due
from authz_conformance.model.calendar import MINUTE, lapsed
from authz_conformance.model.law import Law
from authz_conformance.model.readings import Reading
from authz_conformance.model.steps import Approve, Deny
from authz_conformance.model.world import Grant, World, with_grant

BUDGET = 5
BUDGET_WINDOW_SECONDS = 15 * MINUTE
_ALLOWED = Outcome(kind=DONE)
_REFUSED = Outcome(kind=REFUSED)
_THROTTLED = Outcome(kind=THROTTLED)


def asks_entry(world: World, step: Approve | Deny, *, now: int) -> tuple[Reading, ...]:
    """Name the readings on which an entry depends: those of the guess budget, once something was spent."""
    asked = []
    grant = world.grant_of(step.user_code)
    if grant is not None and (grant.state != "pending" or now >= grant.expires_at):
        asked.append(Reading.DEAD_CODE_IS_WRONG_ENTRY)
    entries = world.wrong_entries.get(step.administrator, ())
    if any(entry > now for entry in entries):
        asked.append(Reading.GUESSES_AHEAD_COUNT)
    spent = {
        _spent(entries, now=now, slides=slides, ahead=ahead)
        for slides, ahead in product((True, False), repeat=2)
    }
    if len(spent) > 1:
        asked.append(Reading.GUESSES_SLIDE)
    return tuple(asked)


def _spent(entries: tuple[int, ...], *, now: int, slides: bool, ahead: bool) -> bool:
    """Say whether five wrong entries stand against an administrator.

    Args:
        entries: The instants of all wrong entries, in the order in which they were made.
        now: Unix seconds.
        slides: Whether each leaves the count by itself, or all with the first.
        ahead: Whether those that lie ahead of a clock moved back count.
    """
    counted = [entry for entry in entries if ahead or entry <= now]
    if slides:
        return sum(now - entry < BUDGET_WINDOW_SECONDS for entry in counted) >= BUDGET
    window: list[int] = []
    for entry in counted:
        if window and entry - window[0] >= BUDGET_WINDOW_SECONDS:
            window = []
        window.append(entry)
    return len(window) >= BUDGET and now - window[0] < BUDGET_WINDOW_SECONDS


def decide_entry(world: World, step: Approve | Deny, *, now: int, law: Law) -> Decision:
    """Say whether a user code can be approved or denied.

    Only a licensing server is known to count guesses as the protocol says; any other may throttle as it likes. A
    driver that reports no statuses can't tell a throttled entry from a refused one.
    """
    if not law.binds("guess.refusal-is-429-with-retry-after"):
        return _anywhere(world, step, now=now)
    entries = world.wrong_entries.get(step.administrator, ())
    slides, ahead = world.reads(Reading.GUESSES_SLIDE), world.reads(Reading.GUESSES_AHEAD_COUNT)
    if _spent(entries, now=now, slides=slides, ahead=ahead):
        return _throttled(world, step, now=now, law=law)
    fault = _fault(world, step, now=now)
    if fault is None:
        return due(_ALLOWED, rules=(_allowing_rule(world, step),), throttled="guess.budget-reopens")
    return due(_REFUSED, rules=(fault,) if fault else (), throttled="guess.budget-is-limited")


def _throttled(world: World, step: Approve | Deny, *, now: int, law: Law) -> Decision:
    told_apart = Capability.ENTER_USER_CODES in law.capabilities
    outcomes = (_THROTTLED,) if told_apart else (_THROTTLED, _REFUSED)
    right = _fault(world, step, now=now) is None
    rule = "guess.right-code-waits-too" if right else "guess.budget-is-limited"
    return due(*outcomes, rules=(rule,), refused="guess.refusal-is-429-with-retry-after")


def _anywhere(world: World, step: Approve | Deny, *, now: int) -> Decision:
    fault = _fault(world, step, now=now)
    if fault is None:
        return due(_ALLOWED, _THROTTLED, rules=())
    return due(_REFUSED, _THROTTLED, rules=(fault,) if fault else ())


def _allowing_rule(world: World, step: Approve | Deny) -> str:
    """Name the rule that breaks where an entry is refused that has to be taken."""
    if isinstance(step, Deny):
        return "verify.expired-user-code-refused"  # "a second before it can"
    device = world.devices[step.server_id]
    if device.was_disabled:
        return "end.enabled-device-acquires-anew"
    dated = device.renewal_at is not None
    return "verify.lapsed-device-refused" if dated else "verify.expired-user-code-refused"


def _fault(world: World, step: Approve | Deny, *, now: int) -> str | None:
    """Name the rule that refuses an entry; "" where none of the catalogue does, None where it is taken."""
    grant = world.grant_of(step.user_code)
    if grant is None:
        return "verify.unknown-user-code-refused"
    if grant.state == "denied":
        return "verify.denied-is-not-decided-again"
    if grant.state != "pending":
        return "verify.approved-is-not-decided-again"
    if now >= grant.expires_at:
        return "verify.expired-user-code-refused"
    return _device_fault(world, step, now=now) if isinstance(step, Approve) else None


def _device_fault(world: World, step: Approve, *, now: int) -> str | None:
    device = world.devices.get(step.server_id)
    if device is None or device.deleted:
        return ""
    if not world.entitled(step.administrator, device=device):
        return "verify.only-own-organization"
    if not device.enabled:
        return "verify.disabled-device-refused"
    return "verify.lapsed-device-refused" if lapsed(device.renewal_at, now=now) else None


def follow_entry(world: World, step: Approve | Deny, answer: Answer, *, now: int) -> World:
    """Decide the grant, and withdraw earlier approvals of the same device; or count a wrong entry."""
    grant = world.grant_of(step.user_code)
    if grant is not None and answer.kind == DONE:
        if isinstance(step, Deny):
            return with_grant(world, replace(grant, state="denied", administrator=step.administrator))
        return _approved(world, grant, step)
    dead = grant is not None and (grant.state != "pending" or now >= grant.expires_at)
    wrong = grant is None or (dead and world.reads(Reading.DEAD_CODE_IS_WRONG_ENTRY))
    if wrong and answer.kind not in {DONE, THROTTLED}:
        entries = (*world.wrong_entries.get(step.administrator, ()), now)
        return replace(world, wrong_entries={**world.wrong_entries, step.administrator: entries})
    return world


def _approved(world: World, grant: Grant, step: Approve) -> World:
    """Of several approved codes of one device only the latest approval is redeemable."""
    for other in world.grants.values():
        if other.state == "approved" and other.server_id == step.server_id:
            withdrawn = replace(other, state="denied", denied_by="redeem.latest-approval-only")
            world = with_grant(world, withdrawn)
    return with_grant(
        world,
        replace(grant, state="approved", server_id=step.server_id, administrator=step.administrator),
    )
