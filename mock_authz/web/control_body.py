"""What the bodies of the control API say: a sandbox to be created, a clock, an instant to go to.

Every function notes in the body what is wrong, and gives something that nobody uses then: `finish` is the caller's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mock_authz.clock import Clock, ClockMode
from mock_authz.entropy import fresh_seed
from mock_authz.instants import UnreadableTimeError, add_duration
from mock_authz.sandbox import AN_ISSUER, NAME_PATTERN, is_issuer
from mock_authz.seed import BUILT_IN, Seed, read_seed
from mock_authz.seed.loading import seed_from
from mock_authz.seed.problems import SeedError
from mock_authz.settings import PRESETS, Settings
from mock_authz.web.body import Body
from mock_authz.web.settings_body import read_settings

LONGEST_SANDBOX_NAME: Final = 63
LONGEST_RANDOM_SEED: Final = 200
LONGEST_LIFE_SECONDS: Final = 366 * 24 * 3600
LONGEST_ISSUER: Final = 2048
NEXT_EVENT: Final = "next_event"
LONGEST_DURATION: Final = 64
# What openapi.yaml promises of every issuer.
ISSUER_PATTERN: Final = r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Creation:
    """A sandbox that is wanted."""

    name: str
    issuer: str
    clock: Clock
    settings: Settings
    records: tuple[object, ...]
    random_seed: str | None
    lives_seconds: int | None


def creation_of(body: Body, *, issuer_of: Callable[[str], str], real_at: float) -> Creation:
    """Read a sandbox to be created; what is left out has its default, the name included."""
    name = body.optional("name", lambda member: read_name(body, member)) or fresh_name()
    issuer = body.optional("issuer", lambda member: read_issuer(body, member)) or issuer_of(name)
    clock = Clock()
    if body.has("clock"):
        inner = Body(body.value("clock", dict, "an object with mode, and now or offset"))
        clock = clock_of(inner, present=clock, real_at=real_at)
        body.adopt("clock", inner)
    seed = _seed(body, now=clock.now(real_at))
    return Creation(
        name=name,
        issuer=issuer,
        clock=clock,
        settings=_settings(body, over=seed.settings),
        records=seed.records,
        random_seed=body.optional(
            "random_seed", lambda member: body.text(member, longest=LONGEST_RANDOM_SEED)
        ),
        lives_seconds=read_life(body),
    )


def fresh_name() -> str:
    """Make a name for a sandbox that was given none."""
    return f"sandbox-{fresh_seed()[:5].hex()}"


def read_life(body: Body) -> int | None:
    """Read how long a sandbox is to live, in real time; None for as long as the server."""
    return body.nullable(
        "lives_seconds", lambda member: body.integer(member, least=1, most=LONGEST_LIFE_SECONDS)
    )


def read_name(body: Body, member: str) -> str:
    """Read the name of a sandbox or snapshot."""
    says = "lower-case letters, digits and hyphens"
    return body.text(member, longest=LONGEST_SANDBOX_NAME, says=says, pattern=NAME_PATTERN)


def read_issuer(body: Body, member: str) -> str:
    """Read an issuer."""
    given = body.text(member, longest=LONGEST_ISSUER, says=AN_ISSUER, pattern=ISSUER_PATTERN)
    if re.fullmatch(ISSUER_PATTERN, given) and not is_issuer(given):
        body.fault(f"Give {AN_ISSUER}.", member)
    return given


def _seed(body: Body, *, now: int) -> Seed:
    given: Any = body.raw("seed") if body.has("seed") else {}
    if not isinstance(given, Mapping) and not (isinstance(given, str) and given in BUILT_IN):
        body.fault(f"Give a seed, or the name of one: {', '.join(BUILT_IN)}.", "seed")
        return Seed()
    try:
        return seed_from(given, now=now) if isinstance(given, Mapping) else read_seed(given, now=now)
    except SeedError as error:
        body.faults += error.errors("/seed")
        return Seed()


def _settings(body: Body, *, over: Settings) -> Settings:
    given: Any = body.raw("settings") if body.has("settings") else {}
    if isinstance(given, str) and given in PRESETS:
        given = {"preset": given}
    if not isinstance(given, Mapping):
        body.fault(f"Give settings, or the name of a preset: {', '.join(PRESETS)}.", "settings")
        return over
    return read_settings(body, given, over=over, within=("settings",))


def clock_of(body: Body, *, present: Clock, real_at: float) -> Clock:
    """Read `mode`, and `now` or `offset`, of a clock; without them it stays where it stands."""
    mode = body.choice("mode", ClockMode)
    to = None
    if mode is not ClockMode.REAL:
        to = body.optional("now", body.instant)
    if mode is ClockMode.OFFSET and to is None:
        to = body.optional("offset", lambda member: _after(body, member, int(real_at // 1)))
    if mode is ClockMode.REAL:
        return Clock()
    return Clock(mode, real_at, float(present.now(real_at) if to is None else to))


def instant_of(body: Body, *, now: int, following: int | None) -> int | None:
    """Read where to advance to: `by`, a duration forward, or `to`, an instant or `next_event`.

    Args:
        following: when the next thing falls due, None if nothing ever does; then `next_event` gives None.
    """
    if body.has("by") == body.has("to"):
        body.fault("Give either by, a duration, or to, an instant or next_event.")
        return now
    if body.has("to"):
        return following if body.raw("to") == NEXT_EVENT else body.instant("to")
    if str(body.raw("by")).startswith("-"):
        body.fault("Give a duration forward: advance does not go back.", "by")
        return now
    return _after(body, "by", now)


def _after(body: Body, member: str, at: int) -> int:
    given = body.text(member, longest=LONGEST_DURATION, says="an ISO 8601 duration, such as P30D or PT12H,")
    if given:
        try:
            return add_duration(at, given)
        except UnreadableTimeError as error:
            body.fault(f"{error}.", member)
    return at
