"""What a quirk is, and how quirks are attached to a behaviour. Holds no protocol logic."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mock_authz.usecases.context import PLAIN, Behaviour

Wrap = Callable[[Any], Any]
# name, the rules that it breaks with a space between them, what it does, how it lies.
Row = tuple[str, str, str, Wrap]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirk:
    """A named misbehaviour of the server.

    Attributes:
        name: what a sandbox attaches it by.
        rules: ids of the catalogue's rules that it breaks, all of them and no other.
        says: what it does, in a sentence.
        seam: the field of `Behaviour` that it wraps, such as `decisions.poll`, `minting.sign`, `find_client`, `render`.
        wrap: `inner -> outer`; lies about what the seam sees or says.
        also: further seams that must lie along, so that nothing but `rules` breaks; each with its own wrap.
    """

    name: str
    rules: tuple[str, ...]
    says: str
    seam: str
    wrap: Wrap
    also: Mapping[str, Wrap] = field(default_factory=dict)


def at(seam: str, *rows: Row) -> tuple[Quirk, ...]:
    """Make the quirks of one seam."""
    return tuple(
        Quirk(name=name, rules=tuple(rules.split()), says=says, seam=seam, wrap=wrap)
        for name, rules, says, wrap in rows
    )


def wrapped(behaviour: Behaviour, seam: str, wrap: Wrap) -> Behaviour:
    """Wrap one seam of a behaviour."""
    group, _, name = seam.rpartition(".")
    if not group:
        return replace(behaviour, **{name: wrap(getattr(behaviour, name))})
    seams = getattr(behaviour, group)
    return replace(behaviour, **{group: replace(seams, **{name: wrap(getattr(seams, name))})})


def attach(behaviour: Behaviour, quirk: Quirk) -> Behaviour:
    """Wrap every seam of a quirk."""
    behaviour = wrapped(behaviour, quirk.seam, quirk.wrap)
    for seam, wrap in quirk.also.items():
        behaviour = wrapped(behaviour, seam, wrap)
    return behaviour


def attach_all(quirks: Iterable[Quirk]) -> Behaviour:
    """Attach quirks, one around the other, to the plain behaviour."""
    behaviour = PLAIN
    for quirk in quirks:
        behaviour = attach(behaviour, quirk)
    return behaviour
