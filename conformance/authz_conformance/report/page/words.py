"""How the page says things: instants, durations, what a verdict, an exit code and a whole run mean. Never a percentage."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from authz_conformance.exit_codes import ExitCode
from authz_conformance.verdicts import Verdict

MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 24 * HOUR
LIFETIME: Final = 20 * 365 * DAY
UNITS: Final = ((DAY, "day", "days"), (HOUR, "h", "h"), (MINUTE, "min", "min"), (1, "s", "s"))
# The kit writes instants as Unix seconds, into what it asks of people and clocks: ten digits from 2001 to 2286.
AN_INSTANT: Final = re.compile(r"(?<![\w.-])\d{10}(?![\w.-])")
# The sections of an RFC have anchors of their own; anything else after its name has none.
RFC_SOURCE: Final = re.compile(r"RFC (\d+)(?: (\d+(?:\.\d+)*))?")

MEANS: Final[Mapping[str, str]] = {
    Verdict.PASSED: "The server keeps the rule.",
    Verdict.FAILED: "The server breaks the rule.",
    Verdict.WARNING: "The server does not do what is recommended.",
    Verdict.EXPECTED_FAILURE: "The server breaks the rule, as the baseline says; looked at again on its date.",
    Verdict.UNSUPPORTED: "Not tried: the target does not declare what the rule needs.",
    Verdict.NOT_TESTABLE: "Not judged: what the rule needs could not be brought about.",
    Verdict.ADAPTER_ERROR: "Not judged: what stands between the kit and the server did not do its part.",
    Verdict.SUITE_ERROR: "Not judged: the test of this rule is itself broken.",
}
NOT_JUDGED: Final = (
    Verdict.UNSUPPORTED,
    Verdict.NOT_TESTABLE,
    Verdict.ADAPTER_ERROR,
    Verdict.SUITE_ERROR,
)


def utc(at: float | None) -> str:
    """Say an instant, in UTC; one that no calendar holds stays a number."""
    if at is None:
        return "at an unknown time"
    moment = calendar(at)
    return f"{at:g}" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def calendar(at: float) -> datetime | None:
    """Find an instant in the calendar; a server may send any number."""
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(at))
    except (OverflowError, ValueError):
        return None


def duration(seconds: int) -> str:
    """Say a stretch of time to the second: at bounds, a second is what matters."""
    parts, left = [], abs(seconds)
    for size, one, several in UNITS:
        number, left = divmod(left, size)
        if number:
            parts.append(f"{number} {one if number == 1 else several}")
    return " ".join(parts) or "0 s"


def with_instants(text: str) -> str:
    """Say the instants in a text of the kit so that people can read them."""
    return AN_INSTANT.sub(lambda found: utc(int(found.group())), text)


def with_dates(text: str, near: int | None) -> str:
    """Say beside each number that is an instant what it means.

    Args:
        text: Of a finding, which may hold numbers of any kind.
        near: Some time that the rule was tried at; what is decades away from it is no instant.
    """

    def dated(found: re.Match[str]) -> str:
        at = int(found.group())
        return f"{at} ({utc(at)})" if near is not None and abs(at - near) < LIFETIME else found.group()

    return AN_INSTANT.sub(dated, text)


def link(source: str) -> str | None:
    """Say where a source stands on the web; None for what is no RFC."""
    found = RFC_SOURCE.fullmatch(source)
    if found is None:
        return None
    number, section = found.groups()
    return f"https://www.rfc-editor.org/rfc/rfc{number}.html" + (f"#section-{section}" if section else "")


def counted(number: int, noun: str) -> str:
    """Say how many."""
    return f"{number:,} {noun if number == 1 else noun + 's'}".replace(",", "\u202f")


def headline(report: Mapping[str, Any]) -> str:
    """Say what came of the run, the gravest first."""
    counts, run = report["counts"], report["run"]
    errors = counts[Verdict.SUITE_ERROR] + counts[Verdict.ADAPTER_ERROR]
    if run["adapter_error"]:
        return "The rules could not be tried."
    if run["exit_code"] == ExitCode.INTERRUPTED:
        return "The run was broken off."
    if run["lost"]:
        return "The server does not answer."
    if counts[Verdict.FAILED]:
        return f"The server breaks {counted(counts[Verdict.FAILED], 'rule')}."
    if errors:
        return f"The kit or its adapter broke at {counted(errors, 'rule')}."
    return _not_broken(report)


def _not_broken(report: Mapping[str, Any]) -> str:
    counts, exit_code = report["counts"], report["run"]["exit_code"]
    if shows_nothing(report):
        return "Nothing is shown: no rule was kept."
    if exit_code != ExitCode.OK:
        return "No rule is broken, and yet something is wrong."
    if counts[Verdict.PASSED] == len(report["rules"]) and report["rules"]:
        number = len(report["rules"])
        return "The rule is kept." if number == 1 else f"All {number} rules are kept."
    if counts[Verdict.WARNING] or counts[Verdict.EXPECTED_FAILURE]:
        return "No rule is broken that is not known to be."
    return "No rule that was judged is broken."


def particulars(report: Mapping[str, Any]) -> str:
    """Say the rest of it in a sentence or two."""
    counts, run = report["counts"], report["run"]
    if counts[Verdict.PASSED] == len(report["rules"]) and report["rules"] and not run["not_run"]:
        return "Each was tried on the server, and passed."
    said = []
    kinds = (Verdict.PASSED, Verdict.FAILED, Verdict.WARNING, Verdict.EXPECTED_FAILURE)
    judged = [_told(verdict, counts[verdict]) for verdict in kinds if counts[verdict]]
    if judged:
        said.append(f"Of {counted(len(report['rules']), 'rule')}: {', '.join(judged)}.")
    others = [f"{counts[verdict]} {verdict}" for verdict in NOT_JUDGED if counts[verdict]]
    if run["not_run"]:
        others.append(f"{len(run['not_run'])} not tried")
    if others:
        said.append(f"Not judged: {', '.join(others)}.")
    return " ".join(said) or "No rule was tried."


def _told(verdict: Verdict, number: int) -> str:
    is_noun = verdict in {Verdict.WARNING, Verdict.EXPECTED_FAILURE}
    return counted(number, verdict) if is_noun else f"{number} {verdict}"


def tone(report: Mapping[str, Any]) -> str:
    """Say how the page should look at first sight: good, warning or bad."""
    counts, run = report["counts"], report["run"]
    if run["exit_code"] != ExitCode.OK:
        return "bad"
    return "good" if counts[Verdict.PASSED] == len(report["rules"]) else "warning"


def exit_reasons(report: Mapping[str, Any]) -> Iterator[str]:
    """Say what the exit code of the command means, bit by bit."""
    code, counts, run = report["run"]["exit_code"], report["counts"], report["run"]
    if code == ExitCode.INTERRUPTED:
        yield "the run was broken off"
        return
    if code == ExitCode.OK:
        yield "no rule failed, and at least one passed"
    if code & ExitCode.FAILED:
        yield from _failings(report)
    if code & ExitCode.SUITE_ERROR:
        yield "a test or a story of the kit is itself broken"
    if code & ExitCode.ADAPTER_ERROR:
        broken = counts[Verdict.ADAPTER_ERROR] or run["adapter_error"]
        yield "an adapter did not do its part" if broken else "the declaration claims too much"


def _failings(report: Mapping[str, Any]) -> Iterator[str]:
    counts, run = report["counts"], report["run"]
    if counts[Verdict.FAILED]:
        yield "a rule failed" if counts[Verdict.FAILED] == 1 else "rules failed"
    if any(story["verdict"] == Verdict.FAILED and story["broken"] is None for story in stories_of(report)):
        yield "a story failed"
    if run["lost"]:
        yield "the server does not answer"
    if report["baseline_problems"]:
        yield "the baseline lists what is no failure"
    if shows_nothing(report):
        yield "nothing could be shown"


def shows_nothing(report: Mapping[str, Any]) -> bool:
    """Say whether no rule was kept or known to be broken, and no story told to its end."""
    counts = report["counts"]
    told = any(story["verdict"] == Verdict.PASSED for story in stories_of(report))
    return not (counts[Verdict.PASSED] or counts[Verdict.EXPECTED_FAILURE] or told)


def stories_of(report: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Give the time-travel stories; a run of a few rules tells none."""
    return list(report.get("stories", ()))
