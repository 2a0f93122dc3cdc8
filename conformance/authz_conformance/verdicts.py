"""What can be said of a rule after it was tried: disjoint verdicts, and what raises each of them.

A rule fails only at the exchange that it is about. Whatever goes wrong on the way there is not testable, so that one
deviation is one failure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from authz_conformance.catalogue import Capability, Level, Rule
from authz_conformance.exchange import Exchange
from authz_conformance.story import Story
from authz_conformance.unseen import visible


class Verdict(StrEnum):
    """Each rule that was chosen gets exactly one. Only `PASSED` says that the target keeps the rule."""

    PASSED = "passed"
    FAILED = "failed"
    WARNING = "warning"
    EXPECTED_FAILURE = "expected failure"
    UNSUPPORTED = "unsupported"
    NOT_TESTABLE = "not testable"
    ADAPTER_ERROR = "adapter error"
    SUITE_ERROR = "suite error"


class RuleBroken(Exception):  # noqa: N818 - it is no error, but a finding
    """The target broke the rule: at `exchange`, it should have done `wanted` and did `found`."""

    def __init__(self, *, wanted: str, found: str, exchange: Exchange | None) -> None:
        self.wanted, self.found, self.exchange = visible(wanted), visible(found), exchange
        super().__init__(f"wanted {self.wanted}; found {self.found}")


class PreconditionBroken(Exception):  # noqa: N818 - likewise
    """The target went astray before the exchange that the rule is about."""

    def __init__(self, *, wanted: str, found: str, exchange: Exchange | None) -> None:
        self.wanted, self.found, self.exchange = visible(wanted), visible(found), exchange
        super().__init__(f"precondition: wanted {self.wanted}; found {self.found}")


class NotTestable(Exception):  # noqa: N818 - likewise
    """The rule cannot be tried on this target, here and now. The message says why."""

    def __init__(self, why: str) -> None:
        super().__init__(visible(why))


class SecondRanOut(NotTestable):
    """A clock that ticks went on while a bound was being sampled. Another try may be in time."""


class AdapterError(Exception):
    """What stands between the kit and the target (a command, a driver, a person) did not do its part."""

    def __init__(self, why: str) -> None:
        super().__init__(visible(why))


class NotOffered(AdapterError):  # noqa: N818 - reads as a sentence
    """The rule asked a driver for something that it does not offer: its `needs` in the catalogue are incomplete."""

    def __init__(self, capability: Capability) -> None:
        super().__init__(f"the driver does not offer {capability}: {capability.means}")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one rule.

    Attributes:
        level: how much the rule binds this target, under the profiles of the run.
        why: in one sentence, for people; empty if it passed.
        precondition: whether it is not testable because the target went astray before the exchange in question.
        exchange: the number of the exchange that decided it.
        seconds: real time that it took.
        trace: where the suite itself broke; for suite errors alone.
        known: what the baseline says of it; for expected failures alone.
        told_in: the id of the story that broke it; None where its own test decided.
    """

    rule: Rule
    level: Level
    verdict: Verdict
    why: str = ""
    wanted: str | None = None
    found: str | None = None
    precondition: bool = False
    exchange: int | None = None
    seconds: float = 0.0
    trace: str | None = None
    known: Mapping[str, str] | None = None
    told_in: str | None = None
    story: Story = field(default_factory=Story)


_BROKEN = {Level.MUST: Verdict.FAILED, Level.SHOULD: Verdict.WARNING, Level.INFORMATIVE: Verdict.WARNING}


def verdict_of(error: BaseException, *, level: Level, strict: bool) -> Verdict:
    """Say which verdict an exception of a rule test means.

    Args:
        error: What the rule test raised.
        level: How much the rule binds the target.
        strict: A broken precondition counts as a failure, as on our own plain server.
    """
    match error:
        case RuleBroken():
            return _BROKEN[level]
        case PreconditionBroken():
            return Verdict.FAILED if strict else Verdict.NOT_TESTABLE
        case NotTestable():
            return Verdict.NOT_TESTABLE
        case NotOffered():
            return Verdict.SUITE_ERROR
        case AdapterError():
            return Verdict.ADAPTER_ERROR
        case _:
            return Verdict.SUITE_ERROR
