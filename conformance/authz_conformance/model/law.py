"""Which rules bind a target, and how exactly its clock can be read. The catalogue decides; here it is only asked."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from authz_conformance.catalogue import Capability, Catalogue, Level, Profile, Role


@dataclass(frozen=True, kw_only=True)
class Law:
    """What a target is held to.

    Attributes:
        binding: The ids of the rules that it must keep.
        advised: The ids of those that it should keep.
        capabilities: What its adapter can do; some answers can't be told apart without.
        tolerance_seconds: By how much an instant of the server and one of the kit may differ. Sets of answers are
            those of every second that close. 0 where the kit owns the clock.
    """

    binding: frozenset[str]
    advised: frozenset[str] = frozenset()
    capabilities: frozenset[Capability] = frozenset(word for word in Capability if Role.SERVER in word.roles)
    tolerance_seconds: int = 0

    def binds(self, rule: str) -> bool:
        """Say whether the target must keep a rule."""
        return rule in self.binding


def law_of(
    catalogue: Catalogue,
    *,
    profiles: Collection[Profile],
    capabilities: Collection[Capability] | None = None,
    tolerance_seconds: int = 0,
) -> Law:
    """Make the law of a target from the profiles that it is held to.

    A rule that needs a capability which the target does not have binds all the same: what is not offered is not asked.
    """
    rules = [rule for rule in catalogue.rules if rule.profile in profiles]
    made = Law(
        binding=frozenset(rule.id for rule in rules if rule.level_under(profiles) is Level.MUST),
        advised=frozenset(rule.id for rule in rules if rule.level_under(profiles) is Level.SHOULD),
        tolerance_seconds=tolerance_seconds,
    )
    if capabilities is None:
        return made
    return Law(
        binding=made.binding,
        advised=made.advised,
        capabilities=frozenset(capabilities),
        tolerance_seconds=tolerance_seconds,
    )
