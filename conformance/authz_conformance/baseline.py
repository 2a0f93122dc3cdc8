"""Known failures, in a file that people keep: each with its reason, a link and a date on which to look at it again.

A listed rule that fails is an expected failure. A listed rule that passes, and an id that no rule has, fail the run: the
file says what is, or it is mended.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec

from authz_conformance.verdicts import Outcome, Verdict

REVIEW_AFTER = timedelta(days=90)
_LISTED = frozenset({Verdict.FAILED, Verdict.WARNING})


class BaselineError(Exception):
    """The file cannot be used. Says what is wrong, and where."""


class UnknownRuleError(BaselineError):
    """The file lists what no rule of the catalogue is, or one twice: that fails the run."""


class Known(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One known failure.

    Attributes:
        rule: its id.
        reason: why it fails, for people.
        link: where it is followed up.
        review: when to look at it again.
    """

    rule: str
    reason: str
    review: date
    link: str = ""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    known: list[Known] = []


Baseline = Mapping[str, Known]


def read_baseline(path: Path, *, rule_ids: Iterable[str]) -> Baseline:
    """Read a file.

    Args:
        path: The file.
        rule_ids: Of the catalogue; any other is refused.

    Raises:
        UnknownRuleError: it names an unknown rule, or one twice.
        BaselineError: it cannot be read.
    """
    try:
        listed = msgspec.convert(tomllib.loads(path.read_text("utf-8")), _File).known
    except OSError as error:
        raise BaselineError(f"{path}: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise BaselineError(f"{path}: {error}") from error
    known, ids = {one.rule: one for one in listed}, set(rule_ids)
    unknown = [one.rule for one in listed if one.rule not in ids]
    if unknown:
        raise UnknownRuleError(f"{path}: there is no rule {', '.join(unknown)}")
    if len(known) != len(listed):
        raise UnknownRuleError(f"{path}: a rule is listed twice")
    return known


def applied(baseline: Baseline, outcome: Outcome) -> Outcome:
    """Make a listed failure an expected one."""
    known = baseline.get(outcome.rule.id)
    if known is None or outcome.verdict not in _LISTED:
        return outcome
    return replace(outcome, verdict=Verdict.EXPECTED_FAILURE, known=known_as_json(known))


def problems(baseline: Baseline, outcomes: Iterable[Outcome]) -> list[str]:
    """Say which listed rules pass."""
    return [
        f"{outcome.rule.id} is listed as a known failure and passes: take it off the list"
        for outcome in outcomes
        if outcome.rule.id in baseline and outcome.verdict is Verdict.PASSED
    ]


def due(baseline: Baseline, *, today: date) -> list[str]:
    """Say which known failures are to be looked at again, and where nobody has said yet what follows them up."""
    late = [f"{one.rule}: review was due on {one.review}" for one in baseline.values() if one.review <= today]
    return [*late, *(f"{one.rule}: the baseline gives no link" for one in baseline.values() if not one.link)]


def write_baseline(path: Path, outcomes: Sequence[Outcome], *, known: Baseline, today: date) -> int:
    """Write a file that lists all that fails now; what people wrote about a rule before is kept.

    Returns:
        How many rules it lists.
    """
    listed = [
        _listed(outcome, known, today)
        for outcome in outcomes
        if outcome.verdict in {*_LISTED, Verdict.EXPECTED_FAILURE}
    ]
    opening = "# Known failures: authz-conformance server --baseline THIS_FILE. Give each its true reason and a link.\n"
    path.write_text(opening + "".join(_entry(one) for one in listed), "utf-8")
    return len(listed)


def _listed(outcome: Outcome, known: Baseline, today: date) -> Known:
    fresh = Known(rule=outcome.rule.id, reason=outcome.why, review=today + REVIEW_AFTER)
    return known.get(outcome.rule.id, fresh)


def _entry(known: Known) -> str:
    text = "".join(
        f"{name} = {json.dumps(value, ensure_ascii=False)}\n"
        for name, value in (("rule", known.rule), ("reason", known.reason), ("link", known.link))
    )
    return f"\n[[known]]\n{text}review = {known.review.isoformat()}\n"


def follow_up(known: Mapping[str, str], *, started_at_real: int) -> tuple[str, str]:
    """Say, for reports, where a known failure is followed up, and when somebody looks at it again, or should have.

    Args:
        known: what `known_as_json` gives.
        started_at_real: when the run began, Unix seconds.
    """
    today = datetime.fromtimestamp(started_at_real, UTC).date().isoformat()
    is_due = known["review"] <= today
    when = f"review was due on {known['review']}" if is_due else f"to be looked at again on {known['review']}"
    return known["link"] or "no link yet", when


def known_as_json(known: Known) -> dict[str, str]:
    """Give what people wrote about a known failure, for reports."""
    return {"reason": known.reason, "link": known.link, "review": known.review.isoformat()}
