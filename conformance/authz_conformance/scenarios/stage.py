"""Performs a story's steps on a server, and has the oracle judge every answer. Who the server is, it does not know.

The server is asked through two calls; time moves only by them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from authz_conformance import model
from authz_conformance.model import Answer, Judgement, Law, State, World, observe, predict
from authz_conformance.scenarios import dsl
from authz_conformance.scenarios.bounds import find_bound
from authz_conformance.scenarios.hands import ADMINISTRATOR, Cast, Identity, received, wire_step
from authz_conformance.scenarios.lifetimes import Bound, Mark

_CLAIMS = frozenset({"exp", "dated", "hub"})  # where they can be read


@dataclass(frozen=True, kw_only=True)
class Seen:
    """An answer, and the server's time when it was given, in Unix seconds."""

    answer: Answer
    now: int


class Server(Protocol):
    """A server under test, or whatever stands for it."""

    def move(self, instant: int, /, *, back: bool) -> int:
        """Move the server's clock to an instant, or wait for it; say what time it is then."""
        ...

    def ask(self, step: model.Step, /) -> Seen:
        """Ask it something, now."""
        ...


@dataclass(frozen=True, kw_only=True)
class Moment:
    """What came of one step.

    Attributes:
        at: Unix seconds on the server's clock.
        step: The step of the story.
        wire: What was asked; None where nothing was.
        answer: What came back.
        due: The kinds of answers that the oracle admits by name.
        at_stake: The binding rules that some answer would have broken.
        judgement: What the oracle says of it.
        skipped: Why nothing was done, where nothing was.
        unmet: What the story expects and the last answer is not.
    """

    at: int
    step: dsl.Step
    wire: model.Step | None = None
    answer: Answer | None = None
    due: tuple[str, ...] = ()
    at_stake: tuple[str, ...] = ()
    judgement: Judgement | None = None
    skipped: str | None = None
    unmet: tuple[str, ...] = ()


class Stage:
    """The devices of one story before one server."""

    def __init__(self, *, server: Server, state: State, cast: Cast, now: int) -> None:
        self._server = server
        self.state = state
        self.cast = cast
        self.now = now
        self.last: Answer | None = None
        self._last_device = dsl.STORE
        self._known_refresh_token = False
        self._known_key = False

    def find(self, mark: Mark, *, device: str) -> int | None:
        """Find the instant of a mark, by what the server is believed to be."""
        instant = find_bound(
            mark.bound,
            world=self.state.worlds[0],
            server_id=self.cast.identities[device].server_id,
            hands=self.cast.of(device),
        )
        return None if instant is None else instant + mark.seconds

    def perform(self, step: dsl.Step, *, at: int) -> Moment:
        """Do one step. `at` is where the clock is moved, by a step that moves it.

        Acquire is no single step; `expanded` makes three of it.
        """
        if isinstance(step, dsl.Advance | dsl.MoveClockBack):
            self.now = self._server.move(at, back=isinstance(step, dsl.MoveClockBack))
            return Moment(at=self.now, step=step)
        if isinstance(step, dsl.GoOffline | dsl.BackOnline | dsl.LoseReply):
            return self._line(step)
        if isinstance(step, dsl.Expect):
            return Moment(at=self.now, step=step, unmet=self._unmet(step))
        if isinstance(step, dsl.Acquire):
            raise TypeError("expand Acquire first")
        return self._ask(step)

    def _line(self, step: dsl.Line) -> Moment:
        hands = self.cast.of(step.device)
        if isinstance(step, dsl.LoseReply):
            hands = replace(hands, loses_reply=True)
        else:
            hands = replace(hands, online=isinstance(step, dsl.BackOnline))
        self.cast = self.cast.given(step.device, hands)
        return Moment(at=self.now, step=step)

    def _ask(self, step: dsl.Request | dsl.Act) -> Moment:
        """Ask the server, judge its answer, and put what it gave into the device's hands, unless that was lost."""
        if isinstance(step, dsl.Request) and not self.cast.of(step.device).online:
            return Moment(at=self.now, step=step, skipped="offline")
        settings = self.state.worlds[0].settings
        wire = wire_step(step, self.cast, state=self.state, now=self.now, settings=settings)
        if wire is None:
            return Moment(at=self.now, step=step, skipped="holds nothing of the kind")
        seen = self._server.ask(wire)
        self.now = seen.now
        admissible = predict(self.state, wire, now=seen.now)
        self.state = observe(self.state, wire, seen.answer, now=seen.now)
        self.last = seen.answer
        if isinstance(step, dsl.Request):
            self._take(step.device, seen.answer)
        return Moment(
            at=seen.now,
            step=step,
            wire=wire,
            answer=seen.answer,
            due=admissible.kinds,
            at_stake=admissible.rules,
            judgement=admissible.judge(seen.answer),
        )

    def _take(self, device: str, answer: Answer) -> None:
        hands = self.cast.of(device)
        self._last_device = device
        self._known_refresh_token = answer.body.get("refresh_token") in hands.refresh_tokens
        self._known_key = answer.header.get("kid") in hands.kids[-1:]
        taken = replace(hands, loses_reply=False) if hands.loses_reply else received(hands, answer)
        self.cast = self.cast.given(device, taken)

    def _unmet(self, expected: dsl.Expect) -> tuple[str, ...]:
        """Compare the last answer with what the story expects of it."""
        if self.last is None:
            return ("an answer",)
        found = self._found(self.last)
        wanted = {
            name: self._bound(value) if isinstance(value, Bound) else value
            for name in found
            if (value := getattr(expected, name)) is not None
        }
        return tuple(
            f"{name}: expected {value}, found {found[name]}"
            for name, value in wanted.items()
            if value != found[name] and not (name in _CLAIMS and not self.last.claims)
        )

    def _found(self, last: Answer) -> dict[str, object]:
        """Say what there is in an answer of all that a story may expect."""
        body, claims = last.body, last.claims
        named = claims.get("license")
        license_claim = named if isinstance(named, dict) else {}
        return {
            "answer": last.kind,
            "reason": body.get("reason"),
            "status": body.get("license_status"),
            "token_state": body.get("token_state"),
            "exp": claims.get("exp"),
            "active": body.get("active"),
            "same_refresh_token": self._known_refresh_token,
            "same_key": self._known_key,
            "dated": license_claim.get("renewal_at"),
            "hub": "hub" in license_claim,
        }

    def _bound(self, bound: Bound) -> int | None:
        return self.find(Mark(bound=bound), device=self._last_device)


def expanded(steps: tuple[dsl.Step, ...]) -> tuple[dsl.Step, ...]:
    """Make three steps of each acquisition."""
    plain: list[dsl.Step] = []
    for step in steps:
        if isinstance(step, dsl.Acquire):
            plain += [
                dsl.Next(device=step.device),
                dsl.Approve(device=step.device),
                dsl.Poll(device=step.device),
            ]
        else:
            plain.append(step)
    return tuple(plain)


def setting(
    parts: tuple[dsl.Part, ...],
    *,
    law: Law,
    settings: model.Settings,
    start: int,
    issuer: str | None = None,
    identities: dict[str, Identity] | None = None,
) -> tuple[State, Cast]:
    """Make the state and the cast with which a story begins.

    Args:
        parts: The devices of the story; each is named as its part is, and so is its server_id.
        law: What the server is held to.
        settings: The lifetimes that it declares.
        start: When the story begins, Unix seconds on its clock.
        issuer: Of the server, where it is known.
        identities: Who the parts are at the server, where they are not called as in the story.
    """
    known = {part.name: Identity(server_id=part.name) for part in parts} | (identities or {})
    cast = Cast(identities=known)
    administrators = frozenset({ADMINISTRATOR} | {one.administrator for one in known.values()})
    organizations = {
        part.organization: _organization(part, known[part.name], administrators) for part in parts
    }
    devices = {}
    for part in parts:
        hub = known[part.hub].server_id if part.hub is not None else None
        renewal_at = part.renewal.after(start, settings=settings) if part.renewal is not None else None
        device = replace(_device(part, known[part.name]), hub=hub, renewal_at=renewal_at)
        devices[device.server_id] = device
    clients = frozenset(name for one in known.values() for name in (one.client_id, one.other_client_id))
    world = World(
        issuer=issuer, settings=settings, clients=clients, organizations=organizations, devices=devices
    )
    return State(law=law, worlds=(world,)), cast


def _organization(part: dsl.Part, who: Identity, administrators: frozenset[str]) -> model.Organization:
    """Make the organization of a part; of one with another id at the server, the name is not known."""
    if who.organization is None:
        return model.Organization(id=part.organization, name=part.organization, administrators=administrators)
    return model.Organization(id=who.organization, name="", administrators=administrators)


def _device(part: dsl.Part, who: Identity) -> model.Device:
    """Make the device of a part."""
    features = () if part.edition == "register" else ("xms",)
    return model.Device(
        server_id=who.server_id,
        organization=part.organization,
        name=part.name if who.name is None else who.name,
        edition=part.edition if who.described else "",
        features=features if who.described else None,
    )
