"""What a quirk is, and how quirks are attached to a behaviour. Holds no protocol logic."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from mock_authz.usecases.context import PLAIN, Behaviour


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirk:
    """A named misbehaviour of the server.

    Attributes:
        name: what a sandbox attaches it by.
        rules: ids of the catalogue's rules that it breaks, all of them and no other.
        says: what it does, in a sentence.
        seam: the field of `Behaviour` that it wraps, such as `decisions.poll`, `minting.sign`, `find_client`, `render`.
        wrap: `inner -> outer`; lies about what the seam sees or says.
    """

    name: str
    rules: tuple[str, ...]
    says: str
    seam: str
    wrap: Callable[[Any], Any]


def attach(behaviour: Behaviour, quirk: Quirk) -> Behaviour:
    """Wrap one seam of a behaviour."""
    group, _, field = quirk.seam.rpartition(".")
    if not group:
        return replace(behaviour, **{field: quirk.wrap(getattr(behaviour, field))})
    seams = getattr(behaviour, group)
    return replace(behaviour, **{group: replace(seams, **{field: quirk.wrap(getattr(seams, field))})})


def attach_all(quirks: Iterable[Quirk]) -> Behaviour:
    """Attach quirks, one around the other, to the plain behaviour."""
    behaviour = PLAIN
    for quirk in quirks:
        behaviour = attach(behaviour, quirk)
    return behaviour
