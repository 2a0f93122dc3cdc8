"""What a rule of the catalogue is, and the catalogue as a whole: immutable values, without files or output."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from authz_conformance.catalogue.capabilities import Capability
from authz_conformance.catalogue.vocabulary import Document, Group, Level, Profile, Role

LICENSE_PROFILES = frozenset({Profile.LICENSE, Profile.CLIENT_LICENSE, Profile.PEER_LICENSE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a rule comes from: a document, and its section where one is given."""

    document: Document
    section: str | None

    def __str__(self) -> str:
        if self.section is None:
            return self.document.value
        if self.section[0].isdigit():
            return f"{self.document} {self.section}"
        return f'{self.document}, "{self.section}"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something stands: a file of the catalogue and a line of it, from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule that one test can settle and one mutant can break by itself.

    `level` is what the source asks. `license_level` is there where protocol.md asks more of a Kensium server than
    the rule's profile asks of any. `untestable` is the reason why no test settles the rule.
    """

    id: str
    group: Group
    level: Level
    license_level: Level | None
    text: str
    source: Source
    time_dependent: bool
    needs: tuple[Capability, ...]
    profile: Profile
    untestable: str | None
    note: str | None
    place: Place

    @property
    def role(self) -> Role:
        """Whom the rule binds; its group says so."""
        return self.group.role

    def level_under(self, profiles: Collection[Profile]) -> Level:
        """Say how much the rule binds a target that is held to `profiles`."""
        if self.license_level is not None and not LICENSE_PROFILES.isdisjoint(profiles):
            return self.license_level
        return self.level

    def as_json(self) -> dict[str, Any]:
        """Give every column, derived ones too, as JSON values."""
        return {
            "id": self.id,
            "role": self.role.value,
            "group": self.group.value,
            "level": self.level.value,
            "license_level": self.license_level.value if self.license_level else None,
            "text": self.text,
            "source": {"document": self.source.document.value, "section": self.source.section},
            "time_dependent": self.time_dependent,
            "needs": [capability.value for capability in self.needs],
            "profile": self.profile.value,
            "untestable": self.untestable,
            "note": self.note,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One thing that a document says, in short, and the rules that hold a target to it.

    Without rules `nobody` says why it binds no target.
    """

    document: str
    section: str
    says: str
    rules: tuple[str, ...]
    nobody: str | None
    place: Place


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """All rules, in the order of their groups, and what the documents say."""

    rules: tuple[Rule, ...]
    statements: tuple[Statement, ...]

    @cached_property
    def by_id(self) -> Mapping[str, Rule]:
        """The rules by their ids."""
        return {rule.id: rule for rule in self.rules}

    @cached_property
    def digest(self) -> str:
        """A short fingerprint of the rules, for reports: the same for the same catalogue, wherever it is read."""
        content = json.dumps([rule.as_json() for rule in self.rules], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(content.encode()).hexdigest()[:12]

    def statements_of(self, rule_id: str) -> tuple[Statement, ...]:
        """Find what a rule holds a target to, document by document."""
        return tuple(statement for statement in self.statements if rule_id in statement.rules)

    def select(
        self, *, only: Mapping[str, Collection[str]], time_dependent: bool | None = None
    ) -> tuple[Rule, ...]:
        """Choose rules by their columns.

        Args:
            only: By column (role, level, profile, source), the values to keep. An empty collection keeps all.
            time_dependent: Keep those that depend on time, or those that do not; None keeps both.
        """
        return tuple(
            rule
            for rule in self.rules
            if all(not kept or _column(rule, name) in kept for name, kept in only.items())
            and (time_dependent is None or rule.time_dependent is time_dependent)
        )


def _column(rule: Rule, name: str) -> str:
    columns = {
        "role": rule.role.value,
        "level": rule.level.value,
        "profile": rule.profile.value,
        "source": rule.source.document.value,
    }
    return columns[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Which rules have a test. `unknown` are tests of rules that do not exist; both lists fail our CI."""

    tested: tuple[str, ...]
    untested: tuple[str, ...]
    needless: tuple[str, ...]
    unknown: tuple[str, ...]


def coverage(catalogue: Catalogue, *, tested: Iterable[str]) -> Coverage:
    """Compare the rules with those that tests are bound to.

    Args:
        catalogue: The rules.
        tested: The ids of the rules that have a test.

    Returns:
        The ids of testable rules with a test and without, of rules that say no test can settle them and yet have
        one (needless), and the ids that no rule has.
    """
    bound = set(tested)
    testable = [rule.id for rule in catalogue.rules if rule.untestable is None]
    return Coverage(
        tested=tuple(rule_id for rule_id in testable if rule_id in bound),
        untested=tuple(rule_id for rule_id in testable if rule_id not in bound),
        needless=tuple(
            rule.id for rule in catalogue.rules if rule.untestable is not None and rule.id in bound
        ),
        unknown=tuple(sorted(bound - set(catalogue.by_id))),
    )
