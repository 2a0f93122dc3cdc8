"""What the self-check found, as JSON and as Markdown for a CI job's summary. Decides nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from authz_conformance.exit_codes import ExitCode
from authz_conformance.selfcheck.campaign import Campaign, Ended
from authz_conformance.selfcheck.matrix import HELD_TO, Finding, Matrix, Row
from authz_conformance.wording import counted

JSON_FILE, MARKDOWN_FILE = "self-check.json", "self-check.md"
Document = Mapping[str, Any]


def document(
    campaign: Campaign, ended: Ended, *, problems: Sequence[str], code: ExitCode, catalogue: str
) -> Document:
    """Make the document.

    Args:
        campaign: What was asked for.
        ended: What came of it.
        problems: What is wrong, a line each.
        code: That the command ends with.
        catalogue: Its fingerprint.
    """
    matrix = ended.matrix
    return {
        "run": {
            "catalogue": catalogue,
            "seed": campaign.seed,
            "sample": campaign.sample,
            "processes": campaign.processes,
            "over_http": campaign.over_http,
            "seconds": round(ended.seconds, 1),
            "is_whole": ended.is_whole,
            "exit_code": int(code),
        },
        "counts": counts(matrix),
        "problems": list(problems),
        "plain": [_finding(found) for found in matrix.plain_failures],
        "quirks": [_row(row) for row in matrix.rows],
        "rules": [
            {
                "rule": rule.id,
                "level": rule.level_under(HELD_TO).value,
                "killed_by": list(matrix.killers[rule.id]),
            }
            for rule in matrix.rules
        ],
        "gaps": matrix.gaps,
        "alike": [list(group) for group in matrix.alike],
    }


def counts(matrix: Matrix) -> dict[str, int]:
    """Count what the summary says."""
    rows = matrix.rows
    return {
        "rules": len(matrix.rules),
        "plain_tried": len(matrix.plain),
        "plain_failures": len(matrix.plain_failures),
        "quirks": len(rows),
        "quirks_exact": sum(row.is_exact for row in rows),
        "quirks_without_test": sum(not set(row.declared) & row.findings.keys() for row in rows),
        "survived": sum(len(row.survived) for row in rows),
        "collateral": sum(len(row.collateral) for row in rows),
        "errors": sum(len(row.errors) for row in rows),
        "gaps": len(matrix.gaps),
        "alike": len(matrix.alike),
        "tries": len(matrix.plain) + sum(len(row.findings) for row in rows),
    }


def write_documents(content: Document, directory: Path) -> list[Path]:
    """Write all forms of a document; the directory is made."""
    directory.mkdir(parents=True, exist_ok=True)
    forms = {JSON_FILE: as_text(content), MARKDOWN_FILE: "\n".join(_markdown(content)) + "\n"}
    for name, text in forms.items():
        (directory / name).write_text(text, "utf-8", errors="replace")
    return [directory / name for name in forms]


def as_text(content: Document) -> str:
    """Give a document as JSON text; what is no Unicode (a server may send it) is escaped."""
    return json.dumps(content, indent=1)


def _finding(found: Finding) -> dict[str, str]:
    return {"rule": found.rule, "verdict": found.verdict.value, "why": found.why}


def _row(row: Row) -> dict[str, Any]:
    return {
        "quirk": row.quirk,
        "exact": row.is_exact,
        "declared": list(row.declared),
        "tried": len(row.findings),
        "without_test": list(row.without_test),
        **{
            kind: [_finding(row.findings[rule]) for rule in getattr(row, kind)]
            for kind in ("survived", "collateral", "errors")
        },
    }


def _markdown(content: Document) -> Iterator[str]:
    run, number = content["run"], content["counts"]
    yield "# Self-check of authz-conformance"
    yield ""
    yield (
        f"{counted(number['tries'], 'trial')} of {counted(number['rules'], 'rule')} "
        f"with {counted(number['quirks'], 'quirk')} in "
        f"{run['seconds']} s, catalogue `{run['catalogue']}`, seed `{run['seed']}`."
        + ("" if run["is_whole"] else " It was broken off.")
    )
    yield ""
    yield from (f"- {_cell(line)}" for line in content["problems"])
    yield ""
    yield "| quirk | agrees | rules that it says it breaks |"
    yield "|---|---|---|"
    for row in content["quirks"]:
        declared = ", ".join(f"`{rule}`" for rule in row["declared"])
        yield f"| `{row['quirk']}` | {'yes' if row['exact'] else '**no**'} | {declared} |"
    yield ""
    yield "| rule | level | quirks that kill it |"
    yield "|---|---|---|"
    for row in content["rules"]:
        quirks = ", ".join(f"`{quirk}`" for quirk in row["killed_by"]) or "none"
        yield f"| `{row['rule']}` | {row['level']} | {quirks} |"


def _cell(text: str) -> str:
    return " ".join(text.split())
