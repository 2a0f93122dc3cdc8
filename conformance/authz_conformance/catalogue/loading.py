"""Loads the catalogue from its files, and refuses one that does not hold together.

The shape of the files is in rules.schema.json and coverage.schema.json; here is what a schema can't say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from authz_conformance.catalogue.capabilities import Capability
from authz_conformance.catalogue.reading import CatalogueError, ReadFile, read_file, schema_validator
from authz_conformance.catalogue.rule import Catalogue, Rule, Source, Statement
from authz_conformance.catalogue.vocabulary import Document, Group, Level, Profile

CATALOGUE_DIRECTORY = Path(__file__).parent
OWN_DOCUMENTS = (Document.PROTOCOL, Document.USER_GUIDE)
_NUMBERED = re.compile(r"\d+(\.\d+)*")


@cache
def load_catalogue(directory: Path = CATALOGUE_DIRECTORY) -> Catalogue:
    """Load the catalogue.

    Args:
        directory: Holds rules/ and coverage/, and the schema of each.

    Returns:
        The rules in the order of their groups and sources, and what the documents say.

    Raises:
        CatalogueError: Says everything that is wrong, each with its file and line.
    """
    rule_files = list(_read_all(directory, "rules"))
    coverage_files = list(_read_all(directory, "coverage"))
    problems = [*_vocabulary_problems(rule_files), *_repeated_ids(rule_files)]
    if problems:
        raise CatalogueError(problems)
    groups, documents = list(Group), list(Document)
    rules = sorted(
        _rules(rule_files), key=lambda rule: (groups.index(rule.group), documents.index(rule.source.document))
    )
    catalogue = Catalogue(rules=tuple(rules), statements=tuple(_statements(coverage_files)))
    problems = [*_rule_problems(catalogue.rules), *_statement_problems(catalogue), *_gaps(catalogue)]
    if problems:
        raise CatalogueError(problems)
    return catalogue


def _read_all(directory: Path, kind: str) -> Iterator[ReadFile]:
    validator = schema_validator(CATALOGUE_DIRECTORY / f"{kind}.schema.json")
    problems: list[str] = []
    for path in sorted((directory / kind).glob("*.yaml")):
        try:
            yield read_file(path, validator=validator)
        except CatalogueError as error:
            problems += error.problems
    if problems:
        raise CatalogueError(problems)


def _rows(files: Iterable[ReadFile]) -> Iterator[tuple[ReadFile, int, dict[str, Any]]]:
    for read in files:
        for index, row in enumerate(read.content["rules"]):
            yield read, index, row


def _vocabulary_problems(files: Iterable[ReadFile]) -> Iterator[str]:
    groups = {group.value for group in Group}
    for read, index, row in _rows(files):
        group = row["id"].split(".")[0]
        if group not in groups:
            yield f"{read.place('rules', index, 'id')}: {row['id']}: there is no group {group}"


def _repeated_ids(files: Iterable[ReadFile]) -> Iterator[str]:
    first: dict[str, str] = {}
    for read, index, row in _rows(files):
        place = str(read.place("rules", index, "id"))
        if row["id"] in first:
            yield f"{place}: {row['id']} is the id of another rule, at {first[row['id']]}"
        first.setdefault(row["id"], place)


def _rules(files: Iterable[ReadFile]) -> Iterator[Rule]:
    for read, index, row in _rows(files):
        yield Rule(
            id=row["id"],
            group=Group.named(row["id"].split(".")[0]),
            level=Level.named(row["level"]),
            license_level=Level.named(row["license_level"]) if "license_level" in row else None,
            text=row["text"].strip(),
            source=_source(read, row),
            time_dependent=row.get("time_dependent", False),
            needs=tuple(Capability.named(name) for name in row.get("needs", ())),
            profile=Profile.named(row.get("profile", read.content["profile"])),
            untestable=row.get("untestable"),
            note=row.get("note"),
            place=read.place("rules", index, "id"),
        )


def _source(read: ReadFile, row: dict[str, Any]) -> Source:
    """A row without a section has that of its file, unless it names another document."""
    document = row.get("source", read.content["source"])
    inherited = read.content.get("section") if "source" not in row else None
    return Source(document=Document.named(document), section=row.get("section", inherited))


def _rule_problems(rules: Iterable[Rule]) -> Iterator[str]:
    for rule in rules:
        where = f"{rule.place}: {rule.id}"
        if rule.profile.role is not rule.role:
            yield f"{where}: the profile {rule.profile} is for a {rule.profile.role}, the group for a {rule.role}"
        for capability in rule.needs:
            if rule.role not in capability.roles:
                yield f"{where}: no {rule.role} has the capability {capability}"
        section = rule.source.section
        if (
            rule.source.document.startswith("RFC")
            and section is not None
            and not _NUMBERED.fullmatch(section)
        ):
            yield f"{where}: a section of {rule.source.document} is a number, not {section}"
        if rule.source.document is Document.PROTOCOL and section is None:
            yield f"{where}: protocol.md is cited with a section"
        if rule.license_level is not None and list(Level).index(rule.license_level) >= list(Level).index(
            rule.level
        ):
            yield f"{where}: license_level asks no more than level"


def _statements(files: Iterable[ReadFile]) -> Iterator[Statement]:
    for read in files:
        for number, section in enumerate(read.content["sections"]):
            for index, row in enumerate(section["statements"]):
                yield Statement(
                    document=read.content["document"],
                    section=section["title"],
                    says=row["says"].strip(),
                    rules=tuple(row.get("rules", ())),
                    nobody=row.get("nobody"),
                    place=read.place("sections", number, "statements", index),
                )


def _statement_problems(catalogue: Catalogue) -> Iterator[str]:
    for statement in catalogue.statements:
        for rule_id in statement.rules:
            if rule_id not in catalogue.by_id:
                yield f"{statement.place}: there is no rule {rule_id}"


def _gaps(catalogue: Catalogue) -> Iterator[str]:
    """Find rules that no statement names, or none in the section of our own documents that the rule cites."""
    named = {(s.document, s.section, rule_id) for s in catalogue.statements for rule_id in s.rules}
    anywhere = {rule_id for _, _, rule_id in named}
    for rule in catalogue.rules:
        document, section = rule.source.document, rule.source.section
        if rule.id not in anywhere:
            yield f"{rule.place}: {rule.id}: no statement of any document names the rule"
        elif document in OWN_DOCUMENTS and (document, section, rule.id) not in named:
            yield f"{rule.place}: {rule.id}: {rule.source} has no statement that names the rule"
