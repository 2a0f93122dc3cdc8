"""Why rules were not tried and stories not told, each reason once: what a user could do to learn more of the server."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from authz_conformance.catalogue import Capability
from authz_conformance.redaction import Redactor
from authz_conformance.report.run import Run
from authz_conformance.telling import StoryOutcome, StoryVerdict
from authz_conformance.verdicts import Outcome, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason, and how many rules and stories it kept from being tried."""

    text: str
    rules: int
    stories: int


def reasons_of(run: Run) -> list[Reason]:
    """Say why, the most frequent reason first. What lacks several capabilities counts for each.

    Reasons that differ in numbers alone are one; the first of them speaks for all.
    """
    of_rules = [text for outcome in run.outcomes for text in _of_rule(run, outcome)]
    of_stories = [text for story in run.trial.stories for text in _of_story(run, story)]
    rules, stories = Counter(map(_kind, of_rules)), Counter(map(_kind, of_stories))
    first = {_kind(text): text for text in reversed([*of_rules, *of_stories])}
    kinds = sorted(first, key=lambda kind: (-rules[kind], -stories[kind], kind))
    return [Reason(text=first[kind], rules=rules[kind], stories=stories[kind]) for kind in kinds]


def _kind(text: str) -> str:
    return re.sub(r"\d+", "0", text)


def _of_rule(run: Run, outcome: Outcome) -> Iterator[str]:
    if outcome.verdict is Verdict.UNSUPPORTED:
        yield from map(_undeclared, run.readiness.missing(outcome.rule.needs))
    elif outcome.verdict is Verdict.NOT_TESTABLE:
        yield Redactor(outcome.story.exchanges).text(outcome.why)


def _of_story(run: Run, story: StoryOutcome) -> Iterator[str]:
    if story.verdict is not StoryVerdict.NOT_TOLD:
        return
    missing = run.readiness.missing(story.scenario.needs)
    if missing:
        yield from map(_undeclared, missing)
    else:
        yield Redactor(story.story.exchanges).text(story.why)


def _undeclared(capability: Capability) -> str:
    return f"{capability} is not declared: {capability.means}"
