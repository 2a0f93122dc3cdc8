"""The kill matrix: which rules failed with which quirk, and what can be read off it. Pure; runs nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from authz_conformance.catalogue import Level, Profile, Rule
from authz_conformance.verdicts import Verdict

HELD_TO = (Profile.RFC8628, Profile.OAUTH_HYGIENE, Profile.LICENSE)
_BROKEN = frozenset({Verdict.FAILED, Verdict.WARNING})
_ERRORS = frozenset({Verdict.ADAPTER_ERROR, Verdict.SUITE_ERROR})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What came of one rule on one server.

    Attributes:
        why: for people; empty if it passed.
    """

    rule: str
    verdict: Verdict
    why: str = ""

    @property
    def is_broken(self) -> bool:
        """Whether the server was seen to break the rule."""
        return self.verdict in _BROKEN

    @property
    def is_error(self) -> bool:
        """Whether nothing can be said, because the kit did not do its part."""
        return self.verdict in _ERRORS


Findings = Mapping[str, Finding]


@dataclass(frozen=True, kw_only=True)
class Row:
    """What came of one quirk.

    Attributes:
        declared: the rules that it says it breaks.
        findings: of the rules that were tried with it.
    """

    quirk: str
    declared: Sequence[str]
    findings: Findings

    @cached_property
    def killed(self) -> tuple[str, ...]:
        """The rules that failed."""
        return tuple(rule for rule, found in self.findings.items() if found.is_broken)

    @cached_property
    def survived(self) -> tuple[str, ...]:
        """Rules that it says it breaks, and whose tests did not see it."""
        tried = (self.findings[rule] for rule in self.declared if rule in self.findings)
        return tuple(found.rule for found in tried if not found.is_broken and not found.is_error)

    @cached_property
    def collateral(self) -> tuple[str, ...]:
        """Rules that failed, and that it does not say it breaks."""
        return tuple(rule for rule in self.killed if rule not in self.declared)

    @cached_property
    def errors(self) -> tuple[str, ...]:
        """Rules whose trial ended with an error of the kit."""
        return tuple(rule for rule, found in self.findings.items() if found.is_error)

    @property
    def without_test(self) -> tuple[str, ...]:
        """Rules that it says it breaks, and that were not tried: no test is bound to them."""
        return tuple(rule for rule in self.declared if rule not in self.findings)

    @property
    def is_exact(self) -> bool:
        """Whether what failed is what it declares."""
        return not (self.survived or self.collateral or self.errors)


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """Everything that was found.

    Attributes:
        rules: that were tried, in the order of the catalogue.
        plain: findings of the server without quirks.
        rows: in the order of the quirks.
    """

    rules: Sequence[Rule]
    plain: Findings
    rows: Sequence[Row]

    @cached_property
    def killers(self) -> Mapping[str, tuple[str, ...]]:
        """By rule, the quirks with which it failed."""
        found: dict[str, list[str]] = {rule.id: [] for rule in self.rules}
        for row in self.rows:
            for rule in row.killed:
                found[rule].append(row.quirk)
        return {rule: tuple(quirks) for rule, quirks in found.items()}

    @property
    def plain_failures(self) -> list[Finding]:
        """Findings of the plain server other than passed."""
        return [found for found in self.plain.values() if found.verdict is not Verdict.PASSED]

    @property
    def gaps(self) -> list[str]:
        """MUST rules that no quirk kills: nothing shows that their tests can fail."""
        musts = (rule for rule in self.rules if rule.level_under(HELD_TO) is Level.MUST)
        return [rule.id for rule in musts if not self.killers[rule.id]]

    @property
    def alike(self) -> list[tuple[str, ...]]:
        """Groups of rules that fail with exactly the same quirks: two names for one thing, or a quirk is missing."""
        columns = defaultdict(list)
        for rule, quirks in self.killers.items():
            if quirks:
                columns[quirks].append(rule)
        return [tuple(rules) for rules in columns.values() if len(rules) > 1]
