"""The oracle: what a server may answer at each step, and what it is believed to be after its answer.

A state holds every world that fits what was answered so far: the law leaves choices, and a reply may be lost.

Spec: protocol.md
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from authz_conformance.model.answers import Answer, Breach, Decision, Judgement, Outcome
from authz_conformance.model.approving import asks_entry, decide_entry, follow_entry
from authz_conformance.model.endings import (
    asks_device,
    asks_renewal,
    asks_revocation,
    decide_device,
    decide_renewal,
    decide_revocation,
    follow_device,
    follow_renewal,
    follow_revocation,
)
from authz_conformance.model.keys import (
    asks_keys,
    decide_key_set,
    decide_rotation,
    follow_key_set,
    follow_rotation,
    taken_over,
)
from authz_conformance.model.law import Law
from authz_conformance.model.looking import asks_look, decide_introspection, decide_view, follow_look
from authz_conformance.model.polling import asks_poll, decide_codes, decide_poll, follow_codes, follow_poll
from authz_conformance.model.readings import Reading
from authz_conformance.model.refreshing import asks_refresh, decide_refresh, follow_refresh
from authz_conformance.model.steps import (
    Approve,
    Delete,
    Deny,
    DeviceAuthorization,
    Disable,
    Enable,
    FetchKeys,
    Introspect,
    Poll,
    Refresh,
    Renew,
    RevokeLicense,
    RevokeToken,
    RotateKeys,
    Step,
    ViewLicense,
)
from authz_conformance.model.wanted import UNSEEN
from authz_conformance.model.world import World


def _asks_nothing(world: World, step: Step, *, now: int) -> tuple[Reading, ...]:
    del world, step, now
    return ()


# For each step: the readings it depends on, what may be answered, and what has happened then.
_DEVICE = (asks_device, decide_device, follow_device)
_ENTRY = (asks_entry, decide_entry, follow_entry)
_LAW: Mapping[type[Step], tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]] = {
    DeviceAuthorization: (_asks_nothing, decide_codes, follow_codes),
    Poll: (asks_poll, decide_poll, follow_poll),
    Refresh: (asks_refresh, decide_refresh, follow_refresh),
    RevokeToken: (asks_revocation, decide_revocation, follow_revocation),
    Introspect: (asks_look, decide_introspection, follow_look),
    ViewLicense: (asks_look, decide_view, follow_look),
    FetchKeys: (_asks_nothing, decide_key_set, follow_key_set),
    Approve: _ENTRY,
    Deny: _ENTRY,
    Renew: (asks_renewal, decide_renewal, follow_renewal),
    Disable: _DEVICE,
    Enable: _DEVICE,
    Delete: _DEVICE,
    RevokeLicense: _DEVICE,
    RotateKeys: (_asks_nothing, decide_rotation, follow_rotation),
}


_NOT_AT_ALL = 2


@dataclass(frozen=True, kw_only=True)
class State:
    """What a server is held to, and every world that it may be in, the one by the letter of the law first."""

    law: Law
    worlds: tuple[World, ...] = (World(),)


@dataclass(frozen=True, kw_only=True)
class Admissible:
    """The set of answers that the law admits at one step, each demand tied to the rules behind it."""

    law: Law
    decisions: tuple[Decision, ...]

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Everything that is admitted by name, the letter of the law first."""
        found: list[Outcome] = []
        for decision in self.decisions:
            found += [outcome for outcome in decision.outcomes if outcome not in found]
        return tuple(found)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of answers that are admitted by name."""
        return tuple(dict.fromkeys(outcome.kind for outcome in self.outcomes))

    @property
    def rules(self) -> tuple[str, ...]:
        """The binding rules that some answer would break here, in no order of weight."""
        named = [rule for decision in self.decisions for rule in decision.rules_at_stake]
        return tuple(rule for rule in dict.fromkeys(named) if self.law.binds(rule))

    def judge(self, answer: Answer) -> Judgement:
        """Hold an answer against the set: it breaks what it breaks in the world that suits it best."""
        judgements = [
            self._judged(decision.breaches(answer, binding=self.law.binding)) for decision in self.decisions
        ]
        return min(judgements, key=lambda judged: (len(judged.broken), len(judged.disregarded)))

    def _judged(self, breaches: Iterable[Breach]) -> Judgement:
        found = tuple(dict.fromkeys(breaches))
        return Judgement(
            broken=tuple(breach for breach in found if breach.rule in self.law.binding),
            disregarded=tuple(breach for breach in found if breach.rule in self.law.advised),
        )


def predict(state: State, step: Step, *, now: int) -> Admissible:
    """Say what may be answered to a step.

    Args:
        state: What the server is believed to be.
        step: What it is asked.
        now: Unix seconds on its clock, give or take the tolerance of the law.

    Spec: protocol.md
    """
    decisions = [
        _decide(world, step, now=instant, law=state.law)
        for instant in _instants(now, tolerance=state.law.tolerance_seconds)
        for world in _settled(state.worlds, step, now=instant)
    ]
    return Admissible(law=state.law, decisions=tuple(decisions))


def observe(state: State, step: Step, answer: Answer | None, *, now: int) -> State:
    """Say what the server is believed to be after its answer.

    Worlds that do not fit the answer are dropped. Where none fits, the answer is not admissible; then all are kept, and
    follow what was answered as well as they can.

    Args:
        state: What it was believed to be.
        step: What it was asked.
        answer: What came back; None where the reply was lost, but the request was not.
        now: Unix seconds on its clock.
    """
    worlds = _settled(state.worlds, step, now=now)
    if answer is None:
        return replace(state, worlds=_distinct(_lost(worlds, step, now=now, law=state.law)))
    judged = [(_misfit(world, step, answer, now=now, law=state.law), world) for world in worlds]
    least = min(misfit for misfit, _ in judged)
    fitting = [world for misfit, world in judged if misfit == least]
    return replace(state, worlds=_distinct(_follow(world, step, answer, now=now) for world in fitting))


def _instants(now: int, *, tolerance: int) -> list[int]:
    """List the seconds at which a server may have answered, the nearest first."""
    return sorted(range(now - tolerance, now + tolerance + 1), key=lambda instant: abs(instant - now))


def _settled(worlds: Iterable[World], step: Step, *, now: int) -> tuple[World, ...]:
    """Split each world by the readings on which the step depends and which it has not settled."""
    done: list[World] = []
    for world in (taken_over(world, now=now) for world in worlds):
        split = [world]
        for reading in (*_LAW[type(step)][0](world, step, now=now), *asks_keys(world, step, now=now)):
            if reading not in world.readings:
                split = [
                    replace(one, readings={**one.readings, reading: letter})
                    for letter in (True, False)
                    for one in split
                ]
        done += split
    return tuple(done)


def _decide(world: World, step: Step, *, now: int, law: Law) -> Decision:
    decided: Decision = _LAW[type(step)][1](world, step, now=now, law=law)
    return decided


def _misfit(world: World, step: Step, answer: Answer, *, now: int, law: Law) -> int:
    """Say how badly an answer fits a world: as it says itself, in a way that no rule forbids, or not at all."""
    least = _NOT_AT_ALL
    for instant in _instants(now, tolerance=law.tolerance_seconds):
        decision = _decide(world, step, now=instant, law=law)
        broken = any(breach.rule in law.binding for breach in decision.breaches(answer, binding=law.binding))
        named = any(outcome.kind == answer.kind for outcome in decision.outcomes)
        least = min(least, _NOT_AT_ALL if broken else 0 if named else 1)
    return least


def _follow(world: World, step: Step, answer: Answer, *, now: int) -> World:
    followed: World = _LAW[type(step)][2](world, step, answer, now=now)
    return replace(followed, latest_at=max(followed.latest_at, now), serial=followed.serial + 1)


def _lost(worlds: Iterable[World], step: Step, *, now: int, law: Law) -> Iterator[World]:
    """Follow each answer that may have been lost, with names of our own for what it held."""
    for world in worlds:
        for outcome in _decide(world, step, now=now, law=law).outcomes:
            answer = outcome.example(serial=f"{UNSEEN}{world.serial}.")
            yield _follow(world, step, answer, now=now)


def _distinct(worlds: Iterable[World]) -> tuple[World, ...]:
    kept: list[World] = []
    for world in worlds:
        if world not in kept:
            kept.append(world)
    return tuple(kept)
