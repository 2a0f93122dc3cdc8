"""The page's parts as values: rules by the documents that they come from, what to look at first, what was found of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from authz_conformance.catalogue import Document, Group, Level, Profile
from authz_conformance.report.page import words
from authz_conformance.report.page.evidence import Shown, path_of, shown
from authz_conformance.report.page.picture import Picture, draw
from authz_conformance.verdicts import Verdict

# What most servers are held to comes first; the rest as the catalogue lists them.
_DOCUMENTS: Final = [Document.RFC8628, *(one for one in Document if one is not Document.RFC8628)]
FINDINGS: Final = (
    Verdict.FAILED,
    Verdict.SUITE_ERROR,
    Verdict.ADAPTER_ERROR,
    Verdict.WARNING,
    Verdict.EXPECTED_FAILURE,
)
_STORY_VERDICTS: Final = (Verdict.FAILED, Verdict.SUITE_ERROR, Verdict.WARNING, Verdict.PASSED)
# A report of so few rules is read as a whole.
OPEN_AT_ONCE: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of the story of a rule that passed."""

    kind: str
    says: str
    answer: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleView:
    """A rule with what was found.

    Attributes:
        row: as the document has it.
        link: its source on the web.
        began_at: on the target's clock.
        deciding: the exchange that broke it.
        others: all others, in order.
        steps: of a rule that passed, in place of exchanges in full.
    """

    row: Mapping[str, Any]
    link: str | None
    is_open: bool
    began_at: int | None
    deciding: Shown | None
    others: Sequence[Shown]
    picture: Picture | None
    steps: Sequence[Step]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The rules of a document that are about one thing."""

    name: str
    rules: Sequence[RuleView]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """The rules that come from one document."""

    key: str
    name: str
    means: str
    link: str | None
    counts: Mapping[str, int]
    parts: Sequence[Part]

    @property
    def total(self) -> int:
        """How many rules it holds."""
        return sum(len(part.rules) for part in self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One thing that rules can be filtered by."""

    value: str
    name: str
    number: int


def sections(report: Mapping[str, Any]) -> list[Section]:
    """Group the rules by the documents that they come from."""
    rows = report["rules"]
    opened = _opened(rows)
    return [_section(name, of_it, opened) for name, of_it in _grouped(rows, "document", _DOCUMENTS)]


def stories(report: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """List the time-travel stories, those that broke something first."""
    told = words.stories_of(report)
    return [story for _, of_it in _grouped(told, "verdict", _STORY_VERDICTS) for story in of_it]


def story_counts(report: Mapping[str, Any]) -> dict[str, int]:
    """Count the stories, in the same order."""
    return {
        name: len(of_it) for name, of_it in _grouped(words.stories_of(report), "verdict", _STORY_VERDICTS)
    }


def findings(report: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """List what to look at, the gravest first."""
    return [rule for verdict in FINDINGS for rule in report["rules"] if rule["verdict"] == verdict]


def choices(report: Mapping[str, Any]) -> dict[str, list[Choice]]:
    """List what the rules can be filtered by."""
    rows = report["rules"]
    return {
        "verdict": _choices(rows, "verdict", Verdict),
        "level": _choices(rows, "level", Level),
        "profile": _choices(rows, "profile", Profile),
    }


def _choices(rows: Sequence[Mapping[str, Any]], key: str, order: Iterable[str]) -> list[Choice]:
    return [Choice(value=name, name=name, number=len(of_it)) for name, of_it in _grouped(rows, key, order)]


def _grouped(
    rows: Sequence[Mapping[str, Any]], key: str, order: Iterable[str]
) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """Group rows by a column, in the order of its vocabulary; a word that is not in it comes last."""
    known = [str(one) for one in order]
    there = dict.fromkeys(row[key] for row in rows)
    for name in [*(one for one in known if one in there), *(one for one in there if one not in known)]:
        yield name, [row for row in rows if row[key] == name]


def _opened(rows: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    grave = [row["id"] for row in rows if row["verdict"] in FINDINGS]
    chosen = grave or [row["id"] for row in rows]
    return frozenset(chosen if len(chosen) <= OPEN_AT_ONCE else ())


def _section(name: str, rows: Sequence[Mapping[str, Any]], opened: frozenset[str]) -> Section:
    parts = [
        Part(name=_group_name(group), rules=[_rule(row, is_open=row["id"] in opened) for row in of_it])
        for group, of_it in _grouped(rows, "group", Group)
    ]
    number = Counter(row["verdict"] for row in rows)
    return Section(
        key="source-" + "".join(letter if letter.isalnum() else "-" for letter in name.lower()),
        name=name[:1].upper() + name[1:] if " " in name else name,
        means=next((one.means for one in Document if one.value == name), ""),
        link=words.link(name),
        counts={verdict: number[verdict] for verdict in Verdict if number[verdict]},
        parts=parts,
    )


def _group_name(group: str) -> str:
    return next((one.means for one in Group if one.value == group), group)


def _rule(row: Mapping[str, Any], *, is_open: bool) -> RuleView:
    passed = row["verdict"] == Verdict.PASSED
    exchanges = [] if passed else [shown(exchange, row) for exchange in row["exchanges"]]
    return RuleView(
        row=row,
        link=words.link(row["source"]),
        is_open=is_open,
        began_at=next((moment["at"] for moment in row["timeline"] if moment["at"] is not None), None),
        deciding=next((one for one in exchanges if one.breaking), None),
        others=[one for one in exchanges if not one.breaking],
        picture=None if passed or not row["timeline"] else draw(row["timeline"], breaking=row["exchange"]),
        steps=list(_steps(row)) if passed else (),
    )


def _steps(row: Mapping[str, Any]) -> Iterator[Step]:
    exchanges = {exchange["number"]: exchange for exchange in row["exchanges"]}
    before: int | None = None
    for moment in row["timeline"]:
        at = "" if moment["at"] in {before, None} else words.utc(moment["at"])
        before = moment["at"]
        exchange = exchanges.get(moment["exchange"])
        if exchange is None:
            says = words.with_instants(moment["text"])
            yield Step(kind=moment["happening"], says=says, answer="", at=at)
        else:
            request = exchange["request"]
            says = f"{request['method']} {path_of(request['url'])}"
            answer = moment["text"].removeprefix(f"{exchange['step']}: ")
            yield Step(kind="exchange", says=says, answer=answer, at=at)
