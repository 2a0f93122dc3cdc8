"""Random stories: Hypothesis strategies over the same words, for a server with the oracle as judge.

A schedule is data, found from a seed and shrunk like any example. Each of its moves fits wherever it stands, or is left
out when it is compiled: so every part of a schedule is a schedule.
"""

from __future__ import annotations

from collections.abc import Collection

from hypothesis import strategies as st

from authz_conformance.catalogue import Capability
from authz_conformance.scenarios import dsl
from authz_conformance.scenarios.dsl import Held, Part, Scenario
from authz_conformance.scenarios.lifetimes import Bound, Lifetime, Mark, Span

PARTS = (
    Part(name="store", renewal=Span(of=Lifetime.RENEWAL_WINDOW, times=2), hub="hub"),
    Part(name="hub", edition="corporate"),
)
_NAMES = st.sampled_from([part.name for part in PARTS])
_HELD = st.sampled_from([Held.NEWEST, Held.NEWEST, Held.NEWEST, Held.PREVIOUS, Held.PREVIOUS, Held.FIRST])
_OFFSETS = st.sampled_from([-1, 0, 1])
_LONGEST_SCHEDULE = 40

Move = st.SearchStrategy[tuple[dsl.Step, ...]]


def _one(step: st.SearchStrategy[dsl.Step]) -> Move:
    return step.map(lambda chosen: (chosen,))


def _spans() -> st.SearchStrategy[Span]:
    """Draw a stretch of time, near nothing or near a share of a lifetime."""
    near_nothing = st.integers(0, 30).map(lambda number: Span(seconds=number))
    share = st.builds(
        Span,
        of=st.sampled_from(list(Lifetime)),
        times=st.integers(1, 3),
        per=st.integers(1, 3),
        seconds=st.integers(-1, 1),
    )
    return st.one_of(near_nothing, share)


def _marks() -> st.SearchStrategy[Mark]:
    """Draw a bound, a second before it, or a second after."""
    return st.builds(Mark, bound=st.sampled_from(list(Bound)), seconds=_OFFSETS)


def _device_moves() -> dict[str, Move]:
    """Draw what a device does."""
    return {
        "acquire": _one(st.builds(dsl.Acquire, device=_NAMES)),
        "ask": _one(st.builds(dsl.Next, device=_NAMES)),
        "poll": _one(st.builds(dsl.Poll, device=_NAMES, code=_HELD, foreign=st.just(value=False))),
        "refresh": _one(st.builds(dsl.Refresh, device=_NAMES, using=_HELD, foreign=st.just(value=False))),
        "foreign": st.builds(_foreign, device=_NAMES, using=_HELD),
        "look": st.builds(_look, device=_NAMES, using=_HELD),
        "remove": _one(
            st.builds(
                dsl.Remove,
                device=_NAMES,
                using=_HELD,
                license_token=st.booleans(),
                foreign=st.just(value=False),
            )
        ),
        "lose": st.builds(_lost, device=_NAMES, using=_HELD),
    }


def _foreign(device: str, using: Held) -> tuple[dsl.Step, ...]:
    return (
        dsl.Poll(device=device, foreign=True),
        dsl.Refresh(device=device, using=using, foreign=True),
    )


def _look(device: str, using: Held) -> tuple[dsl.Step, ...]:
    return (
        dsl.View(device=device, using=using),
        dsl.Introspect(device=device, using=using, refresh_token=True),
        dsl.FetchKeys(device=device),
    )


def _lost(device: str, using: Held) -> tuple[dsl.Step, ...]:
    return (dsl.LoseReply(device=device), dsl.Refresh(device=device, using=using))


def _human_moves() -> dict[str, Move]:
    """Draw what an administrator does."""
    longer = st.sampled_from([Lifetime.RENEWAL_WINDOW, Lifetime.REFRESH]).map(lambda life: Span(of=life))
    return {
        "approve": _one(st.builds(dsl.Approve, device=_NAMES, code=_HELD)),
        "deny": _one(st.builds(dsl.Deny, device=_NAMES, code=_HELD)),
        "renew": _one(st.builds(dsl.Renew, device=st.just("store"), by=longer)),
        "disable": _one(st.builds(dsl.Disable, device=_NAMES)),
        "enable": _one(st.builds(dsl.Enable, device=_NAMES)),
        "revoke": _one(st.builds(dsl.Revoke, device=_NAMES)),
        "rotate": _one(st.builds(dsl.RotateKeys, immediately=st.just(value=False))),
    }


def _time_moves() -> dict[str, Move]:
    """Draw how time passes; a mark is met three times as often as a mere stretch."""
    to_mark = _one(st.builds(dsl.Advance, to=_marks(), device=_NAMES))
    return {
        "advance": _one(st.builds(dsl.Advance, by=_spans())),
        "mark": to_mark,
        "mark again": to_mark,
        "mark once more": to_mark,
        "back": _one(st.builds(dsl.MoveClockBack, by=_spans())),
    }


_TAKES = {
    "foreign": Capability.SECOND_CLIENT,
    "remove": Capability.REVOCATION,
    "deny": Capability.DENY,
    "approve": Capability.APPROVE,
    "acquire": Capability.APPROVE,
    "renew": Capability.RENEW,
    "disable": Capability.DISABLE,
    "enable": Capability.ENABLE,
    "revoke": Capability.REVOKE,
    "rotate": Capability.ROTATE_KEYS,
    "advance": Capability.ADVANCE_CLOCK,
    "mark": Capability.ADVANCE_CLOCK,
    "mark again": Capability.ADVANCE_CLOCK,
    "mark once more": Capability.ADVANCE_CLOCK,
    "back": Capability.MOVE_CLOCK_BACK,
    "look": Capability.INTROSPECTION,
}


def moves(capabilities: Collection[Capability]) -> Move:
    """Draw one move: a step, or a few that belong together.

    Args:
        capabilities: What the server can do; moves that take more are not drawn.
    """
    known = _device_moves() | _human_moves() | _time_moves()
    usable = [move for name, move in known.items() if name not in _TAKES or _TAKES[name] in capabilities]
    return st.one_of(usable)


def _story(drawn: list[tuple[dsl.Step, ...]]) -> Scenario:
    steps = tuple(step for move in drawn for step in move)
    return Scenario(id="schedule", title="A random schedule", needs=(), rules=(), steps=steps, parts=PARTS)


def schedules(
    capabilities: Collection[Capability],
    *,
    first: tuple[dsl.Step, ...] = (dsl.Acquire(),),
    longest: int = _LONGEST_SCHEDULE,
) -> st.SearchStrategy[Scenario]:
    """Draw a random story of the parts `PARTS`.

    Args:
        capabilities: What the server can do.
        first: What it begins with.
        longest: How many moves it has at most.
    """
    drawn = st.lists(moves(capabilities), max_size=longest)
    return drawn.map(lambda later: _story([first, *later]))
