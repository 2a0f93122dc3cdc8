"""Random stories: Hypothesis strategies over the same words, for a server with the oracle as judge.

A schedule is data, found from a seed and shrunk like any example. Each of its moves fits wherever it stands, or is left
out when it is compiled: so every part of a schedule is a schedule.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

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
        "view": _one(st.builds(dsl.View, device=_NAMES, using=_HELD)),
        "introspect": _one(
            st.builds(
                dsl.Introspect, device=_NAMES, of=st.none() | _NAMES, using=_HELD, refresh_token=st.booleans()
            )
        ),
        "keys": _one(st.builds(dsl.FetchKeys, device=_NAMES)),
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


def _until(bound: Bound, seconds: int, device: str) -> dsl.Advance:
    return dsl.Advance(to=Mark(bound=bound, seconds=seconds), device=device)


def _hasty(seconds: int, device: str) -> tuple[dsl.Step, ...]:
    """Poll too early, and then around the end of the longer interval, twice."""
    poll = dsl.Poll(device=device)
    again = (_until(Bound.NEXT_POLL_AT, seconds, device), poll)
    return (dsl.Next(device=device), poll, poll, *again, *again)


def _late(seconds: int, device: str) -> tuple[dsl.Step, ...]:
    """Poll around the expiry of codes."""
    return (dsl.Next(device=device), _until(Bound.CODE_EXPIRES_AT, seconds, device), dsl.Poll(device=device))


def _retried(seconds: int, device: str) -> tuple[dsl.Step, ...]:
    """Repeat a refresh in its window, and around its end."""
    again = dsl.Refresh(device=device, using=Held.PREVIOUS)
    half = dsl.Advance(by=Span(of=Lifetime.RETRY, per=2))
    return (
        dsl.Refresh(device=device),
        half,
        again,
        _until(Bound.RETRY_WINDOW_ENDS_AT, seconds, device),
        again,
    )


def _twice(device: str) -> tuple[dsl.Step, ...]:
    """Approve two codes, and poll both."""
    return (
        dsl.Next(device=device),
        dsl.Next(device=device),
        dsl.Approve(device=device),
        dsl.Approve(device=device, code=Held.PREVIOUS),
        dsl.Poll(device=device),
        dsl.Poll(device=device, code=Held.PREVIOUS),
    )


def _renewed(seconds: int) -> tuple[dsl.Step, ...]:
    """Renew around the lapse."""
    return (
        dsl.Acquire(),
        _until(Bound.RENEWAL_AT, seconds, dsl.STORE),
        dsl.Renew(by=Span(of=Lifetime.REFRESH)),
        dsl.Refresh(),
    )


def _unheard(seconds: int, device: str) -> tuple[dsl.Step, ...]:
    """Lose a reply, and repeat the refresh around the end of its window."""
    again = dsl.Refresh(device=device)
    return (dsl.LoseReply(device=device), again, _until(Bound.RETRY_WINDOW_ENDS_AT, seconds, device), again)


def _revived(device: str) -> tuple[dsl.Step, ...]:
    """Disable a device, enable it, and go on with what it had."""
    return (dsl.Disable(device=device), dsl.Enable(device=device), dsl.Refresh(device=device))


def _gambits() -> dict[str, Move]:
    """Draw a few steps that together come to a bound, which single steps seldom do."""
    return {
        "hasty": st.builds(_hasty, seconds=_OFFSETS, device=_NAMES),
        "late": st.builds(_late, seconds=_OFFSETS, device=_NAMES),
        "retried": st.builds(_retried, seconds=_OFFSETS, device=_NAMES),
        "twice": st.builds(_twice, device=_NAMES),
        "unheard": st.builds(_unheard, seconds=_OFFSETS, device=_NAMES),
        "revived": st.builds(_revived, device=_NAMES),
        "renewed": st.builds(_renewed, seconds=_OFFSETS),
    }


_TAKES: Mapping[str, frozenset[Capability]] = {
    "acquire": frozenset({Capability.APPROVE}),
    "refresh": frozenset({Capability.REFRESH_TOKENS}),
    "foreign": frozenset({Capability.REFRESH_TOKENS, Capability.SECOND_CLIENT}),
    "view": frozenset({Capability.PROVISION}),  # only a licensing server has /license
    "introspect": frozenset({Capability.INTROSPECTION}),
    "keys": frozenset({Capability.JWKS}),
    "remove": frozenset({Capability.REVOCATION}),
    "lose": frozenset({Capability.REFRESH_TOKENS}),
    "approve": frozenset({Capability.APPROVE}),
    "deny": frozenset({Capability.DENY}),
    "renew": frozenset({Capability.RENEW}),
    "disable": frozenset({Capability.DISABLE}),
    "enable": frozenset({Capability.ENABLE}),
    "revoke": frozenset({Capability.REVOKE}),
    "rotate": frozenset({Capability.ROTATE_KEYS}),
    "advance": frozenset({Capability.ADVANCE_CLOCK}),
    "mark": frozenset({Capability.ADVANCE_CLOCK}),
    "mark again": frozenset({Capability.ADVANCE_CLOCK}),
    "mark once more": frozenset({Capability.ADVANCE_CLOCK}),
    "back": frozenset({Capability.MOVE_CLOCK_BACK}),
    "hasty": frozenset({Capability.ADVANCE_CLOCK}),
    "late": frozenset({Capability.ADVANCE_CLOCK}),
    "retried": frozenset({Capability.ADVANCE_CLOCK, Capability.REFRESH_TOKENS}),
    "unheard": frozenset({Capability.ADVANCE_CLOCK, Capability.REFRESH_TOKENS}),
    "twice": frozenset({Capability.APPROVE}),
    "revived": frozenset({Capability.DISABLE, Capability.ENABLE, Capability.REFRESH_TOKENS}),
    "renewed": frozenset(
        {Capability.APPROVE, Capability.RENEW, Capability.ADVANCE_CLOCK, Capability.REFRESH_TOKENS}
    ),
}
_TAKES_NOTHING = frozenset[Capability]()


def moves(capabilities: Collection[Capability]) -> Move:
    """Draw one move: a step, or a few that belong together.

    Args:
        capabilities: What the server can do; moves that take more are not drawn.
    """
    known = _device_moves() | _human_moves() | _time_moves() | _gambits()
    can = frozenset(capabilities)
    return st.one_of([move for name, move in known.items() if _TAKES.get(name, _TAKES_NOTHING) <= can])


def _story(drawn: list[tuple[dsl.Step, ...]], *, parts: tuple[Part, ...]) -> Scenario:
    steps = tuple(step for move in drawn for step in move)
    return Scenario(id="schedule", title="A random schedule", needs=(), rules=(), steps=steps, parts=parts)


def schedules(
    capabilities: Collection[Capability],
    *,
    first: tuple[dsl.Step, ...] = (dsl.Acquire(),),
    longest: int = _LONGEST_SCHEDULE,
) -> st.SearchStrategy[Scenario]:
    """Draw a random story of two devices, with a hub and a renewal date where a server can be told of them.

    Args:
        capabilities: What the server can do.
        first: What it begins with.
        longest: How many moves it has at most.
    """
    drawn = st.lists(moves(capabilities), max_size=longest)
    parts = PARTS if Capability.PROVISION in capabilities else tuple(Part(name=part.name) for part in PARTS)
    return drawn.map(lambda later: _story([first, *later], parts=parts))
