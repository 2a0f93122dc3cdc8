"""A run with all that a report says about it, and the exit code that follows from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from authz_conformance.exit_codes import ExitCode
from authz_conformance.readiness import Readiness
from authz_conformance.runner import Plan, Trial
from authz_conformance.targets.config import Config
from authz_conformance.telling import StoryOutcome, StoryVerdict
from authz_conformance.verdicts import Outcome, Verdict


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run that has ended.

    Attributes:
        outcomes: with the baseline applied.
        without_test: rules that were chosen and have no test yet.
        baseline_problems: what the baseline lists and should not.
        replay: the command that tries one rule again, but for its `--rule`.
        catalogue: the fingerprint of the catalogue.
        started_at_real: Unix seconds.
        adapter_error: why the rules could not even begin.
    """

    settings: Config
    plan: Plan
    readiness: Readiness
    trial: Trial
    outcomes: Sequence[Outcome]
    without_test: Sequence[str]
    baseline_problems: Sequence[str]
    replay: str
    catalogue: str
    started_at_real: int
    adapter_error: str | None = None

    @property
    def counts(self) -> Mapping[Verdict, int]:
        """How many rules got each verdict."""
        found = Counter(outcome.verdict for outcome in self.outcomes)
        return {verdict: found[verdict] for verdict in Verdict}

    @property
    def exit_code(self) -> ExitCode:
        """What the process ends with."""
        if not self.trial.is_whole:
            return ExitCode.INTERRUPTED
        counts, code = self.counts, ExitCode.OK
        stories = self.trial.stories
        claims_too_much = any(claim.too_much for claim in self.readiness.claims)
        nothing = not self.adapter_error and not (_shown_anything(counts) or _told_anything(stories))
        untold = any(one.verdict is StoryVerdict.FAILED and one.broken is None for one in stories)
        if counts[Verdict.FAILED] or untold or self.trial.lost or self.baseline_problems or nothing:
            code |= ExitCode.FAILED
        if counts[Verdict.SUITE_ERROR] or any(one.verdict is StoryVerdict.SUITE_ERROR for one in stories):
            code |= ExitCode.SUITE_ERROR
        if counts[Verdict.ADAPTER_ERROR] or self.adapter_error or claims_too_much:
            code |= ExitCode.ADAPTER_ERROR
        return code


def _shown_anything(counts: Mapping[Verdict, int]) -> bool:
    """Whether the target kept a rule, or broke one that is known: a run that shows nothing is no success."""
    return bool(counts[Verdict.PASSED] or counts[Verdict.EXPECTED_FAILURE])


def _told_anything(stories: Sequence[StoryOutcome]) -> bool:
    """Whether a story was told to its end."""
    return any(one.verdict is StoryVerdict.PASSED for one in stories)
