"""What the terminal says at the end of a run of that which could not be tried, and how it counts."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from rich.console import Console

from authz_conformance.catalogue import Capability, Level, load_catalogue
from authz_conformance.readiness import Readiness
from authz_conformance.report.reasons import Reason, reasons_of
from authz_conformance.report.run import Run
from authz_conformance.report.terminal import MOST_REASONS, print_reasons
from authz_conformance.scenarios import SCENARIOS
from authz_conformance.telling import not_told
from authz_conformance.verdicts import Outcome, Verdict
from authz_conformance.wording import counted, rules_and_stories
from tests.conformance.kit import config, judge
from tests.programs import Served

RULES = load_catalogue().by_id


@dataclass(frozen=True)
class Ended:
    """As much of a run as the reasons are made of."""

    outcomes: list[Outcome]
    readiness: Readiness
    trial: Any = field(default_factory=lambda: Trial([]))


@dataclass(frozen=True)
class Trial:
    """Likewise."""

    stories: list[Any]


def _outcome(rule_id: str, verdict: Verdict, why: str) -> Outcome:
    return Outcome(rule=RULES[rule_id], level=Level.MUST, verdict=verdict, why=why)


def test_each_reason_is_said_once_the_most_frequent_first() -> None:
    declared = Readiness(offers=frozenset({Capability.APPROVE, Capability.ENTER_USER_CODES}))
    outcomes = [
        _outcome("verify.case-is-ignored", Verdict.PASSED, ""),
        _outcome("verify.lapsed-device-refused", Verdict.UNSUPPORTED, "-"),
        _outcome("guess.budget-reopens", Verdict.UNSUPPORTED, "-"),
        _outcome("codes.no-store", Verdict.NOT_TESTABLE, "the cable\nis cut"),
    ]
    story = next(one for one in SCENARIOS if Capability.ADVANCE_CLOCK in one.needs)
    stories = [not_told(story, "-"), not_told(SCENARIOS[0], "the run's time was up")]
    found = reasons_of(cast("Run", Ended(outcomes, declared, Trial([stories[0]]))))
    said = {one.text.partition(" is not declared")[0]: (one.rules, one.stories) for one in found}
    assert next(iter(said)) == "advance_clock"
    assert said["advance_clock"] == (2, 1)
    assert said["provision"][0] == 1
    assert said["the cable\nis cut"] == (1, 0)
    everything = Readiness(offers=frozenset(Capability))
    told = reasons_of(cast("Run", Ended([], everything, Trial([stories[1]]))))
    assert told == [Reason(text="the run's time was up", rules=0, stories=1)]


def test_reasons_that_differ_in_numbers_alone_are_one_and_the_first_speaks_for_it() -> None:
    why = "it would take {} s in real time"
    outcomes = [
        _outcome("codes.no-store", Verdict.NOT_TESTABLE, why.format(number)) for number in (86423, 301)
    ]
    found = reasons_of(cast("Run", Ended(outcomes, Readiness(offers=frozenset()))))
    assert found == [Reason(text=why.format(86423), rules=2, stories=0)]


@pytest.mark.parametrize("terminal", [True, False])
def test_of_many_reasons_the_rest_is_counted(*, terminal: bool) -> None:
    console = Console(file=io.StringIO(), width=70, force_terminal=terminal, color_system=None)
    many = [
        Reason(text=f"reason {number} " + "and so on " * 9, rules=1, stories=0)
        for number in range(MOST_REASONS + 1)
    ]
    print_reasons(console, many)
    print_reasons(console, [])
    lines = cast("io.StringIO", console.file).getvalue().splitlines()
    assert lines[0] == "Why rules are not testable or unsupported, and stories not told:"
    assert lines[1].startswith("  1 rule  reason 0 and so on")
    assert lines[-1] == "  …and 1 more reason in the report"
    assert len(lines) == 2 + MOST_REASONS * (2 if terminal else 1)
    assert all(line.startswith(("  1 rule  ", "          ")) for line in lines[1:-1])


def test_one_is_said_as_one() -> None:
    assert counted(1, "rule") == "1 rule"
    assert counted(2, "rule") == "2 rules"
    assert counted(0, "story", "stories") == "0 stories"
    assert rules_and_stories(1, 1) == "1 rule and 1 story"
    assert rules_and_stories(0, 2) == "2 stories"
    assert rules_and_stories(0, 0) == "0 rules"


def test_a_run_says_why_after_what_it_found(served: Served, tmp_path: Path) -> None:
    text = f'[target]\nissuer = "{served.issuer}"\nscope = "license"\n'
    rule = "verify.case-is-ignored"
    judged = judge("--config", config(tmp_path, text), "--rule", rule, into=tmp_path / "r")
    lines = judged.output.splitlines()
    assert lines[0] == f"Judging {served.issuer}: 1 rule"
    assert lines[lines.index("    1 unsupported") + 1 :][:2] == [
        "Why rules are not testable or unsupported, and stories not told:",
        f"  1 rule  approve is not declared: {Capability.APPROVE.means}",
    ]
    assert any(line.startswith("1 rule in ") for line in lines)
