"""Two reports held against each other: which rules got another verdict, and whether that is worse."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from authz_conformance.report.document import FORMAT, SCHEMA_FILE, rule_by_id
from authz_conformance.telling import StoryVerdict
from authz_conformance.verdicts import Verdict

ABSENT = "absent"


class ReportError(Exception):
    """A file is no report of this kit. Says which, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A rule whose verdict is not what it was."""

    rule: str
    before: str
    after: str
    why: str

    @property
    def is_worse(self) -> bool:
        """A rule that passed and does not any more, or one that fails where it did not."""
        return self.before == Verdict.PASSED or self.after in {
            Verdict.FAILED,
            Verdict.SUITE_ERROR,
            Verdict.ADAPTER_ERROR,
        }


def read_report(path: Path) -> dict[str, Any]:
    """Read a report.

    Raises:
        ReportError: it is none.
    """
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # noqa: PLC0415 - help is quick

    try:
        report = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ReportError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise ReportError(f"{path}: no JSON: {error}") from error
    if isinstance(report, dict) and report.get("format") not in {None, FORMAT}:
        raise ReportError(f"{path}: has the format {report['format']}, and this kit reads {FORMAT}")
    schema = json.loads(SCHEMA_FILE.read_text("utf-8"))
    wrong = next(iter(Draft202012Validator(schema).iter_errors(report)), None)
    if wrong is not None:
        raise ReportError(f"{path}: no report of this kit: {wrong.json_path}: {wrong.message[:200]}")
    return dict(report)


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    """Find the rules whose verdict is another, in the order of the later report."""
    old, new = rule_by_id(before), rule_by_id(after)
    for rule_id in [*new, *(one for one in old if one not in new)]:
        was = old[rule_id]["verdict"] if rule_id in old else ABSENT
        now = new[rule_id]["verdict"] if rule_id in new else ABSENT
        if was != now:
            why = new[rule_id]["why"] if rule_id in new else ""
            yield Change(rule=rule_id, before=was, after=now, why=why)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Say what else is not the same, so that nobody compares what cannot be compared."""
    places = (
        ("issuer", "target", "issuer"),
        ("target", "target", "name"),
        ("version of the target", "target", "version"),
        ("profiles", "target", "profiles"),
        ("clock", "target", "clock"),
        ("version of the suite", "suite", "version"),
        ("catalogue", "suite", "catalogue"),
        ("seed", "run", "seed"),
    )
    for name, part, key in places:
        if before[part][key] != after[part][key]:
            yield f"{name}: {before[part][key] or 'none'} → {after[part][key] or 'none'}"


def failed_ids(report: Mapping[str, Any]) -> list[str]:
    """Give the rules that did not pass and could, next time."""
    again = {Verdict.FAILED, Verdict.WARNING, Verdict.ADAPTER_ERROR, Verdict.SUITE_ERROR}
    lost = list(report["run"]["not_run"])
    tried = [rule["id"] for rule in report["rules"] if rule["verdict"] in again or rule["precondition"]]
    return [*tried, *lost]


def failed_stories(report: Mapping[str, Any]) -> list[str]:
    """Give the stories that broke a rule, or broke themselves."""
    fine = {StoryVerdict.PASSED, StoryVerdict.NOT_TOLD}
    return [story["id"] for story in report["stories"] if story["verdict"] not in fine]
