"""Shows the catalogue: as a table for a terminal, as JSON for programs, one rule in full.

It decides nothing: what it is given is what it shows. The page in Markdown is made by `requirements_page`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from authz_conformance.catalogue import Catalogue, Document, Level, Role, Rule

_STYLES = {Level.MUST: "bold red", Level.SHOULD: "yellow", Level.INFORMATIVE: "cyan"}
_WIDEST_ID = 45
_WIDEST_LEVEL = len("informative")
_WIDEST_SOURCE = len('protocol.md, "Refresh, renewal, endings"')
_NARROWEST_SOURCE = len("oauth-hygiene")
_BORDERS = 3 * 3 + 1


def coverage_of(rule: Rule, *, tested: Collection[str]) -> str:
    """Say whether a rule has a test, and where it has none, whether it should."""
    if rule.untestable is not None:
        return "untestable"
    return "tested" if rule.id in tested else "no test"


def needs_of(rule: Rule) -> str:
    """List the capabilities that a rule needs."""
    return ", ".join(capability.value for capability in rule.needs)


def level_of(rule: Rule) -> str:
    """Name a rule's level, and the one under which a Kensium server stands where that is another."""
    return rule.level.value if rule.license_level is None else f"{rule.level} (license: {rule.license_level})"


def counts(rules: Iterable[Rule]) -> list[tuple[str, str, int]]:
    """Count rules by role and level, by role and by source, in the order of the vocabularies."""
    chosen = list(rules)
    by_level = Counter((rule.role, rule.level) for rule in chosen)
    by_source = Counter(rule.source.document for rule in chosen)
    rows = [(role.value, level.value, by_level[role, level]) for role in Role for level in Level]
    rows += [
        ("untestable", role.value, sum(r.role is role and r.untestable is not None for r in chosen))
        for role in Role
    ]
    rows += [("source", document.value, by_source[document]) for document in Document]
    return [row for row in rows if row[2]]


def print_table(rules: Sequence[Rule], *, console: Console, tested: Collection[str] | None) -> None:
    """Print rules as a table, and their counts below it.

    Args:
        rules: The rules, in order.
        console: Where to.
        tested: The ids of rules with a test; None leaves that out.
    """
    table = Table(show_lines=True, header_style="bold")
    columns = ("rule", "binds", "source, profile")
    for heading, width in zip(columns, _widths(console.width), strict=True):
        table.add_column(heading, width=width)
    for rule in rules:
        cells: list[RenderableType] = [
            _rule_cell(rule),
            _level_cell(rule, tested=tested),
            Text(f"{rule.source}\n{rule.profile}"),
        ]
        table.add_row(*cells)
    console.print(table)
    for kind, name, number in counts(rules):
        console.print(f"{number:5} {kind} {name}", highlight=False)
    console.print(f"{len(rules):5} {'rule' if len(rules) == 1 else 'rules'}", highlight=False)


def _widths(whole: int) -> tuple[int, int, int]:
    """Share a terminal's width among the columns, so that no id is ever broken."""
    rest = whole - _WIDEST_LEVEL - _BORDERS
    rule = max(_WIDEST_ID, rest - _WIDEST_SOURCE)
    return rule, _WIDEST_LEVEL, max(rest - rule, _NARROWEST_SOURCE)


def _rule_cell(rule: Rule) -> Text:
    cell = Text.assemble((rule.id, "bold"), "\n", rule.text)
    if rule.needs:
        cell.append(f"\nneeds {needs_of(rule)}", style="dim")
    if rule.untestable is not None:
        cell.append(f"\nuntestable: {rule.untestable}", style="italic")
    return cell


def _level_cell(rule: Rule, *, tested: Collection[str] | None) -> Text:
    cell = Text(rule.level.value, style=_STYLES[rule.level])
    if rule.license_level is not None:
        cell.append(f"\nlicense:\n{rule.license_level}", style=_STYLES[rule.license_level])
    if rule.time_dependent:
        cell.append("\nin time", style="dim")
    if tested is not None:
        cell.append(f"\n{coverage_of(rule, tested=tested)}", style="dim")
    return cell


def as_json(rules: Sequence[Rule], *, catalogue: Catalogue, tested: Collection[str] | None) -> str:
    """Give rules, counts and the fingerprint of the whole catalogue as JSON."""
    rows = [rule.as_json() for rule in rules]
    if tested is not None:
        for row, rule in zip(rows, rules, strict=True):
            row["test"] = coverage_of(rule, tested=tested)
    content = {
        "catalogue": catalogue.digest,
        "counts": [{"kind": kind, "name": name, "rules": number} for kind, name, number in counts(rules)],
        "rules": rows,
    }
    return json.dumps(content, indent=2, ensure_ascii=False)


def print_rule(rule: Rule, *, catalogue: Catalogue, console: Console) -> None:
    """Print one rule in full, with what its words mean and what it holds a target to."""
    console.print(Text(rule.id, style="bold"))
    console.print(Text(rule.text))
    console.print()
    lines = [
        ("role", f"{rule.role}: {rule.role.means}"),
        ("group", f"{rule.group}: {rule.group.means}"),
        ("level", f"{rule.level}: {rule.level.means}"),
        ("source", f"{rule.source} ({rule.source.document.means})"),
        ("profile", f"{rule.profile}: {rule.profile.means}"),
        ("time", "depends on time" if rule.time_dependent else "does not depend on time"),
        *(("needs", f"{capability}: {capability.means}") for capability in rule.needs),
    ]
    if rule.license_level is not None:
        lines.insert(3, ("", f"{rule.license_level} for a Kensium server, by protocol.md"))
    if rule.untestable is not None:
        lines.append(("untestable", rule.untestable))
    if rule.note is not None:
        lines.append(("note", rule.note))
    lines += [("says", f"{s.document}, {s.section}: {s.says}") for s in catalogue.statements_of(rule.id)]
    lines.append(("stands in", str(rule.place)))
    table = Table.grid(padding=(0, 2))
    previous = ""
    for name, text in lines:
        table.add_row(Text("" if name == previous else name, style="dim"), Text(text))
        previous = name
    console.print(table)
