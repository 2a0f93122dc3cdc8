"""Markdown that fits a CI system's job summary: who was judged, how many rules got which verdict, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from authz_conformance.baseline import follow_up
from authz_conformance.exit_codes import ExitCode
from authz_conformance.telling import StoryVerdict
from authz_conformance.verdicts import Verdict
from authz_conformance.wording import counted

MOST_IN_FULL = 40
LONGEST_CELL = 300
_IN_FULL = (Verdict.FAILED, Verdict.SUITE_ERROR, Verdict.ADAPTER_ERROR, Verdict.WARNING)
_IN_A_TABLE = (Verdict.EXPECTED_FAILURE, Verdict.NOT_TESTABLE, Verdict.UNSUPPORTED)


def markdown(report: Mapping[str, Any]) -> str:
    """Make Markdown of a document."""
    parts = (_head, _counts, _notes, _findings, _tables, _stories)
    return "\n".join(line for part in parts for line in part(report)) + "\n"


def _head(report: Mapping[str, Any]) -> Iterator[str]:
    target, suite, run = report["target"], report["suite"], report["run"]
    who = " ".join(filter(None, [target["name"], target["version"]]))
    yield "# Conformance of " + (who or target["issuer"])
    yield ""
    yield (
        f"Issuer `{target['issuer']}`, profiles {', '.join(target['profiles'])}. "
        f"authz-conformance {suite['version']}, catalogue `{suite['catalogue']}`, seed `{run['seed']}`, "
        f"{run['seconds']:.1f} s."
    )
    yield ""
    yield f"Clock: {target['clock']} ({_cell(target['clock_proof'])})."
    yield ""


def _counts(report: Mapping[str, Any]) -> Iterator[str]:
    yield "| verdict | rules |"
    yield "|---|---:|"
    for verdict, number in report["counts"].items():
        yield f"| {verdict} | {number} |"
    yield ""


def _notes(report: Mapping[str, Any]) -> Iterator[str]:
    run = report["run"]
    notes = [claim["says"] for claim in report["claims"]] + report["baseline_problems"]
    if run["adapter_error"]:
        notes.append(f"The rules could not be tried: {run['adapter_error']}")
    if run["lost"]:
        notes.append(f"The server does not answer: {run['lost']}")
    if run["exit_code"] == ExitCode.INTERRUPTED:
        notes.append(f"Broken off; {counted(len(run['not_run']), 'rule was', 'rules were')} not tried")
    for note in notes:
        yield f"- **{_cell(note)}**"
    if notes:
        yield ""


def _findings(report: Mapping[str, Any]) -> Iterator[str]:
    found = [rule for verdict in _IN_FULL for rule in _with(report, verdict)]
    for rule in found[:MOST_IN_FULL]:
        yield f"## {rule['verdict']}: `{rule['id']}`"
        yield ""
        yield f"{rule['text']} ({rule['level']}, {rule['source']})"
        yield ""
        if rule["wanted"] is None:
            yield f"- {_cell(rule['why'])}"
        else:
            yield f"- wanted: {_cell(rule['wanted'])}"
            yield f"- found: {_cell(rule['found'])}"
        yield from _deciding_exchange(rule)
        yield f"- again: `{rule['replay']}`"
        yield ""
    if len(found) > MOST_IN_FULL:
        yield f"… and {len(found) - MOST_IN_FULL} more, in the JSON report."
        yield ""


def _deciding_exchange(rule: Mapping[str, Any]) -> Iterator[str]:
    for exchange in rule["exchanges"]:
        if exchange["number"] == rule["exchange"]:
            response = exchange["response"]
            answered = exchange["failure"] if response is None else f"{response['status']} {response['body']}"
            request = exchange["request"]
            yield f"- at exchange {exchange['number']}: {request['method']} {_cell(request['url'])} → {_cell(answered)}"


def _tables(report: Mapping[str, Any]) -> Iterator[str]:
    for verdict in _IN_A_TABLE:
        rules = _with(report, verdict)
        if rules:
            yield f"<details><summary>{verdict}: {len(rules)}</summary>"
            yield ""
            yield "| rule | why |"
            yield "|---|---|"
            for rule in rules:
                yield f"| `{rule['id']}` | {_cell(_why(rule, report['run']))} |"
            yield ""
            yield "</details>"
            yield ""


def _why(rule: Mapping[str, Any], run: Mapping[str, Any]) -> str:
    if rule["known"] is None:
        return str(rule["why"])
    link, when = follow_up(rule["known"], started_at_real=run["started_at_real"])
    return f"{link}, {when}: {rule['known']['reason']}"


def _stories(report: Mapping[str, Any]) -> Iterator[str]:
    """Say how the time-travel stories went; what they broke stands with the rules."""
    stories = report["stories"]
    if not stories:
        return
    counts = Counter(story["verdict"] for story in stories)
    said = ", ".join(f"{counts[verdict]} {verdict}" for verdict in StoryVerdict if counts[verdict])
    yield f"<details><summary>stories: {said}</summary>"
    yield ""
    yield "| story | verdict | why |"
    yield "|---|---|---|"
    for story in stories:
        yield f"| `{story['id']}`: {_cell(story['title'])} | {story['verdict']} | {_cell(story['why'])} |"
    yield ""
    yield "</details>"
    yield ""


def _with(report: Mapping[str, Any], verdict: Verdict) -> Sequence[Mapping[str, Any]]:
    return [rule for rule in report["rules"] if rule["verdict"] == verdict.value]


def _cell(text: str) -> str:
    """Make any text, a server's too, one harmless line."""
    line = " ".join(text.split())
    line = line if len(line) <= LONGEST_CELL else line[:LONGEST_CELL] + "…"
    for char in "\\`*_|<>[]":
        line = line.replace(char, f"\\{char}" if char not in "<>" else {"<": "&lt;", ">": "&gt;"}[char])
    return line
