"""Makes docs/requirements.md: the catalogue as a page in Markdown. It decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from authz_conformance.catalogue import Capability, Catalogue, Group, Profile, Role, Rule, Statement
from authz_conformance.requirements import counts, coverage_of, level_of, needs_of
from authz_conformance.wording import counted

_INTRODUCTION = """\
# What servers, clients and peers are judged by

Made by `authz-conformance requirements --markdown` from `conformance/authz_conformance/catalogue/`; change it there.

**Ids** are a group, a dot and the rule in words, `poll.first-is-never-early`. They hold no section number, so that a
correction of a source renames nothing. An id that has been published is never given to another rule.

**Levels** say how much the source asks. Where a rule also has a level for *license*, `protocol.md` asks more of a Kensium
server than the profile asks of any. A rule with *time* speaks of time; what a target must offer for a rule beyond
its endpoints is in the last column. Every rule is in our own words, and one test can settle it by itself.
"""


def page(rules: Sequence[Rule], *, catalogue: Catalogue, tested: Collection[str] | None) -> str:
    """Make the page.

    Args:
        rules: The rules to show; the counts and tables are of these alone.
        catalogue: The whole catalogue, for what the documents say.
        tested: The ids of rules with a test; None leaves that column out.
    """
    parts = [
        _INTRODUCTION,
        *_counts(rules),
        *_words("Profiles", ((profile.value, profile.means) for profile in Profile)),
        *_words("Capabilities", ((capability.value, capability.means) for capability in Capability)),
        *_rules(rules, tested=tested),
        *_untestable(rules),
        *_documents(catalogue.statements),
    ]
    return "\n".join(parts)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield _row(*headings)
    yield "|" + "---|" * len(headings)
    for cells in rows:
        yield _row(*cells)
    yield ""


def _counts(rules: Sequence[Rule]) -> Iterator[str]:
    yield f"## {counted(len(rules), 'rule')}\n"
    yield from _table(
        ("of", "", "rules"), ((kind, name, str(number)) for kind, name, number in counts(rules))
    )


def _words(title: str, words: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield f"## {title}\n"
    yield from _table(("name", "meaning"), ((f"`{name}`", means) for name, means in words))


def _rules(rules: Sequence[Rule], *, tested: Collection[str] | None) -> Iterator[str]:
    headings = (
        "rule",
        "level",
        "source",
        "profile",
        "time",
        "needs",
        *(("test",) if tested is not None else ()),
    )
    for role in Role:
        of_role = [rule for rule in rules if rule.role is role]
        if of_role:
            yield f"## Rules for a {role}\n"
        for group in Group:
            of_group = [rule for rule in of_role if rule.group is group]
            if of_group:
                yield f"### `{group}`: {group.means}\n"
                yield from _table(headings, (_cells(rule, tested=tested) for rule in of_group))


def _cells(rule: Rule, *, tested: Collection[str] | None) -> Sequence[str]:
    return (
        f'<a id="{rule.id}"></a>`{rule.id}`<br>{rule.text}',
        level_of(rule),
        str(rule.source),
        rule.profile.value,
        "time" if rule.time_dependent else "",
        needs_of(rule),
        *((coverage_of(rule, tested=tested),) if tested is not None else ()),
    )


def _untestable(rules: Sequence[Rule]) -> Iterator[str]:
    rows = [(f"`{rule.id}`", rule.untestable) for rule in rules if rule.untestable is not None]
    if rows:
        yield "## Rules that no test settles\n"
        yield from _table(("rule", "why"), rows)


def _documents(statements: Sequence[Statement]) -> Iterator[str]:
    yield "## What the documents say, and the rules for it\n"
    for document in dict.fromkeys(statement.document for statement in statements):
        yield f"### {document}\n"
        rows = (
            (
                s.section,
                s.says,
                ", ".join(f"`{rule_id}`" for rule_id in s.rules) or f"Binds nobody. {s.nobody}",
            )
            for s in statements
            if s.document == document
        )
        yield from _table(("section", "says", "rules"), rows)
