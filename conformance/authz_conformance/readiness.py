"""What a target can be tried on: what its adapter offers, what its metadata says, and whether its clock is reached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from authz_conformance.catalogue import Capability, Rule

# What the metadata says of a capability: the member, and for a list what it must hold.
_BY_MEMBER = {
    Capability.JWKS: "jwks_uri",
    Capability.REVOCATION: "revocation_endpoint",
    Capability.INTROSPECTION: "introspection_endpoint",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A capability that the declaration and the server disagree about.

    Attributes:
        too_much: it is declared, and the server does not have it; else the server has it, and it is not declared.
    """

    capability: Capability
    too_much: bool
    says: str


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """What the rules can be tried with.

    Attributes:
        offers: all that is there.
        withheld: what is declared but cannot be counted on, and why; the rules that need it are not testable.
        claims: where the declaration and the metadata disagree.
        clock: the driver.
        clock_proof: what the clock driver showed, in one sentence.
        metadata: of the target; empty without.
    """

    offers: frozenset[Capability]
    withheld: Mapping[Capability, str] = field(default_factory=dict)
    claims: tuple[Claim, ...] = ()
    clock: str = "none"
    clock_proof: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def missing(self, needs: Iterable[Capability]) -> list[Capability]:
        """Give what is needed and neither offered nor withheld."""
        return [need for need in needs if need not in self.offers and need not in self.withheld]

    def unsupported(self, rule: Rule) -> str | None:
        """Say what a rule needs that the target does not declare; None if nothing."""
        missing = self.missing(rule.needs)
        if not missing:
            return None
        return "the target does not declare " + ", ".join(f"{need} ({need.means})" for need in missing)

    def untestable(self, rule: Rule) -> str | None:
        """Say what a rule needs that is declared but cannot be counted on; None if nothing."""
        reasons = [f"{need}: {self.withheld[need]}" for need in rule.needs if need in self.withheld]
        return "; ".join(dict.fromkeys(reasons)) or None


def seen_in(metadata: Mapping[str, Any]) -> frozenset[Capability]:
    """Say which capabilities the metadata shows."""
    shown = {capability for capability, member in _BY_MEMBER.items() if isinstance(metadata.get(member), str)}
    if metadata:
        shown.add(Capability.METADATA)
    grants = metadata.get("grant_types_supported")
    if isinstance(grants, list) and "refresh_token" in grants:
        shown.add(Capability.REFRESH_TOKENS)
    return frozenset(shown)


CHECKED = frozenset({*_BY_MEMBER, Capability.METADATA, Capability.REFRESH_TOKENS})


def claims(declared: frozenset[Capability], metadata: Mapping[str, Any]) -> tuple[Claim, ...]:
    """Hold a declaration against the metadata; both too much and too little are found."""
    seen = seen_in(metadata)
    unchecked = frozenset() if metadata else CHECKED - {Capability.METADATA}
    too_much = [
        Claim(capability=one, too_much=True, says=f"{one} is declared, but {_absent(one)}")
        for one in sorted((declared & CHECKED) - seen - unchecked)
    ]
    too_little = [
        Claim(
            capability=one,
            too_much=False,
            says=f"{one} is not declared, but the metadata has it: its rules were not tried",
        )
        for one in sorted(seen - declared)
    ]
    return (*too_much, *too_little)


def _absent(capability: Capability) -> str:
    if capability is Capability.METADATA:
        return "no metadata (RFC 8414) came"
    if capability is Capability.REFRESH_TOKENS:
        return "grant_types_supported of the metadata does not name refresh_token"
    return f"the metadata has no {_BY_MEMBER[capability]}"
