"""Which key signs, which keys are in the set, and what a rotation changes.

Spec: protocol.md, Refresh, renewal, endings: keys
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from authz_conformance.model.answers import DONE, Answer, Check, Decision, Outcome, due
from authz_conformance.model.law import Law
from authz_conformance.model.readings import Reading
from authz_conformance.model.steps import FetchKeys, RotateKeys
from authz_conformance.model.wanted import Fresh, Is, Kids
from authz_conformance.model.world import Key, World

KEPT_AFTER_LAST_EXP_SECONDS = 60


def signing_index(world: World, *, now: int) -> int:
    """Find the key that signs: the last that took over, or by instants the one whose turn came last."""
    if world.reads(Reading.TAKEN_OVER_STAYS):
        return max(range(len(world.keys)), key=lambda index: _or_first(world.keys[index].took_over))
    turns = [index for index, key in enumerate(world.keys) if key.signs_from_at <= now]
    return max(turns, key=lambda index: (world.keys[index].signs_from_at, index))


def _or_first(took_over: int | None) -> int:
    return -1 if took_over is None else took_over


def kid_check(world: World, *, now: int) -> Iterator[Check]:
    """Demand the kid of the key that signs; one not seen before has a kid unlike all others."""
    key = world.keys[signing_index(world, now=now)]
    others = frozenset(other.kid for other in world.keys if other.kid is not None)
    wanted = Is(key.kid) if key.kid is not None else Fresh(others)
    rule = "keys.published-before-signing" if len(world.keys) > 1 else "keys.signing-key-published"
    yield Check("header.kid", wanted, (rule,))


def signed(world: World, *, kid: object, exp: int, now: int) -> World:
    """Remember that a key has signed a token that lives until `exp`, and its kid where that is new."""
    known = [index for index, key in enumerate(world.keys) if key.kid == kid and kid is not None]
    index = known[0] if known else signing_index(world, now=now)
    key = world.keys[index]
    last_exp = exp if key.last_exp is None else max(key.last_exp, exp)
    seen = kid if isinstance(kid, str) and not known else key.kid
    keys = list(world.keys)
    keys[index] = replace(key, kid=seen, last_exp=last_exp)
    return replace(world, keys=tuple(keys))


def taken_over(world: World, *, now: int) -> World:
    """Note the keys whose turn has come: that has happened, also if the clock goes back."""
    due_keys = [key for key in world.keys if key.took_over is None and key.signs_from_at <= now]
    for key in sorted(due_keys, key=lambda key: key.signs_from_at):
        place = 1 + max(_or_first(other.took_over) for other in world.keys)
        keys = [replace(one, took_over=place) if one is key else one for one in world.keys]
        world = replace(world, keys=tuple(keys))
    return world


def asks_keys(world: World, step: object, *, now: int) -> tuple[Reading, ...]:
    """Name the readings on which keys depend: only while something waits, or after the clock went back."""
    waits = any(key.took_over is None for key in world.keys)
    if isinstance(step, RotateKeys):
        return (Reading.AT_ONCE_DROPS_WAITING,) if step.immediately and waits else ()
    back = now < world.latest_at and len(world.keys) > 1
    return (Reading.TAKEN_OVER_STAYS,) if back else ()


def decide_rotation(world: World, step: RotateKeys, *, now: int, law: Law) -> Decision:
    """Say what a request for a new key may be answered: management's own affair, beyond being done."""
    del world, step, now, law
    return due(Outcome(kind=DONE), rules=())


def follow_rotation(world: World, step: RotateKeys, answer: Answer, *, now: int) -> World:
    """Add a key that signs one license token lifetime later, or at once."""
    if answer.kind != DONE:
        return world
    kept = world.keys
    if step.immediately and world.reads(Reading.AT_ONCE_DROPS_WAITING):
        kept = tuple(key for key in kept if key.took_over is not None)
    turn = now if step.immediately else now + world.settings.license_token_seconds
    kid = answer.body.get("kid")
    new = Key(kid=kid if isinstance(kid, str) else None, signs_from_at=turn)
    return taken_over(replace(world, keys=(*kept, new)), now=now)


def decide_key_set(world: World, step: FetchKeys, *, now: int, law: Law) -> Decision:
    """Say what the key set has to hold: what signs, what will sign, and what has signed until its last exp + 60 s."""
    del step, law
    signing = signing_index(world, now=now)
    waiting, kept, last_minute, gone = set[str](), set[str](), set[str](), set[str]()
    for index, key in enumerate(world.keys):
        if key.kid is None or index == signing:
            continue
        if key.took_over is None:
            waiting.add(key.kid)
        elif key.last_exp is not None and _gone(world, key, now=now):
            gone.add(key.kid)
        elif key.last_exp is not None:
            (kept if now <= key.last_exp else last_minute).add(key.kid)
    signs = {kid for kid in (world.keys[signing].kid,) if kid is not None}
    parts = (
        (signs | waiting | kept | last_minute, ()),  # for the example; each part has its rule
        (signs, ("keys.signing-key-published",)),
        (waiting, ("keys.published-before-signing",)),
        (kept, ("keys.retired-key-kept",)),
        (last_minute, ("keys.retired-key-dropped",)),
    )
    checks = [Check("body.keys", Kids(frozenset(part), frozenset()), rules) for part, rules in parts if part]
    if gone:
        checks.append(Check("body.keys", Kids(frozenset(), frozenset(gone)), ("keys.retired-key-dropped",)))
    return due(Outcome(kind=DONE, checks=tuple(checks)), rules=("keys.signing-key-published",))


def _gone(world: World, key: Key, *, now: int) -> bool:
    """Say whether a retired key has left the set; for good, where what has acted stays so."""
    instant = max(now, world.latest_at) if world.reads(Reading.TAKEN_OVER_STAYS) else now
    return instant >= (key.last_exp or 0) + KEPT_AFTER_LAST_EXP_SECONDS


def follow_key_set(world: World, step: FetchKeys, answer: Answer, *, now: int) -> World:
    """A look at the key set changes nothing."""
    del step, answer, now
    return world
