"""Answers as they were seen, and sets of answers that the law admits, each demand tied to the rules behind it.

It knows nothing of servers or licenses, only how an answer is held against a demand.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from authz_conformance.model.wanted import MISSING, UNSEEN, Wanted

TOKENS = "tokens"  # 200 with an access_token
CODES = "codes"  # 200 with a device_code
DONE = "done"  # any other 2xx
REFUSED = "refused"  # any other status, without an error
THROTTLED = "throttled"  # 429
RuleIds = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back: HTTP status, JSON body, and the access token's JOSE header and claims where it is a JWT.

    Drivers that know less than HTTP (a person who approves) give 200 for done and 400 for refused.
    """

    status: int
    body: Mapping[str, Any] = field(default_factory=dict)
    header: Mapping[str, Any] = field(default_factory=dict)
    claims: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Name the sort of answer: tokens, codes, done, throttled, an OAuth error code, or refused."""
        if 200 <= self.status < 300:  # noqa: PLR2004 - the class of HTTP successes
            return TOKENS if "access_token" in self.body else CODES if "device_code" in self.body else DONE
        if self.status == 429:  # noqa: PLR2004 - Too Many Requests
            return THROTTLED
        error = self.body.get("error")
        return error if isinstance(error, str) else REFUSED

    def find(self, path: str) -> object:
        """Find what stands at a dotted path, whose first part is status, body, header or claims; or `MISSING`."""
        part, *rest = path.split(".")
        found: Any = getattr(self, part)
        for name in rest:
            found = found.get(name, MISSING) if isinstance(found, Mapping) else MISSING
        return found


@dataclass(frozen=True, slots=True)
class Check:
    """One demand on an answer, and the rules that break where it is not met."""

    path: str
    wanted: Wanted
    rules: RuleIds


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One sort of answer that is admitted, and what it has to hold."""

    kind: str
    checks: tuple[Check, ...] = ()

    def failing(self, answer: Answer) -> tuple[Check, ...]:
        """Give the checks that `answer` does not meet."""
        return tuple(check for check in self.checks if not check.wanted.admits(answer.find(check.path)))

    def example(self, *, serial: str = UNSEEN) -> Answer:
        """Make an answer that meets every check; `serial` makes its new strings unlike all others.

        Of several checks of one place the first is the strictest, and gives the example.
        """
        parts: dict[str, Any] = {"body": {}, "header": {}, "claims": {}}
        if self.kind in _MEMBER:
            parts["body"][_MEMBER[self.kind]] = f"{serial}{_MEMBER[self.kind]}"
        elif self.kind not in _STATUS and self.kind != REFUSED:
            parts["body"]["error"] = self.kind
        for check in self.checks:
            *parents, last = check.path.split(".")
            value, place = check.wanted.example(f"{serial}{last}"), parts
            for parent in parents:
                place = place.setdefault(parent, {})
            if value is not MISSING:
                place.setdefault(last, deepcopy(value))
        return Answer(**{"status": _STATUS.get(self.kind, 400), **parts})


_STATUS = {TOKENS: 200, CODES: 200, DONE: 200, THROTTLED: 429}
_MEMBER = {TOKENS: "access_token", CODES: "device_code"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A rule that an answer breaks: what was due, and what came."""

    rule: str
    due: str
    came: str


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What an answer breaks: rules that bind (each fails the target) and rules that advise (each warns)."""

    broken: tuple[Breach, ...] = ()
    disregarded: tuple[Breach, ...] = ()

    @property
    def admissible(self) -> bool:
        """Whether no binding rule is broken."""
        return not self.broken

    @property
    def rules(self) -> RuleIds:
        """The ids of the binding rules that are broken."""
        return tuple(breach.rule for breach in self.broken)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What the law says of one step in one world.

    Attributes:
        outcomes: What is admitted, the letter of the law first.
        rules: What an answer of any other kind breaks.
        instead: By the kind that came instead, what it breaks in place of `rules`.
    """

    outcomes: tuple[Outcome, ...]
    rules: RuleIds = ()
    instead: Mapping[str, RuleIds] = field(default_factory=dict)

    @property
    def rules_at_stake(self) -> RuleIds:
        """All rules that an answer could break here."""
        checked = [rule for outcome in self.outcomes for check in outcome.checks for rule in check.rules]
        replaced = [rule for rules in self.instead.values() for rule in rules]
        return (*self.rules, *replaced, *checked)

    def breaches(self, answer: Answer, *, binding: Collection[str]) -> tuple[Breach, ...]:
        """Hold an answer against the decision: nothing where it is one of the outcomes, in every detail.

        Args:
            answer: What came.
            binding: The ids of the rules that bind; of several outcomes of the kind, the one that breaks the fewest
                of them counts.
        """
        alike = [outcome.failing(answer) for outcome in self.outcomes if outcome.kind == answer.kind]
        if alike:
            nearest = min(
                alike, key=lambda failing: sum(rule in binding for c in failing for rule in c.rules)
            )
            return tuple(
                Breach(rule=rule, due=f"{check.path}: {check.wanted}", came=_shown(answer.find(check.path)))
                for check in nearest
                for rule in check.rules
            )
        due = " or ".join(dict.fromkeys(outcome.kind for outcome in self.outcomes))
        return tuple(
            Breach(rule=rule, due=due, came=f"{answer.kind} ({answer.status})")
            for rule in self.instead.get(answer.kind, self.rules)
        )


def _shown(found: object) -> str:
    return "absent" if found is MISSING else repr(found)


def refused(error: str, *checks: Check) -> Outcome:
    """Admit an OAuth error.

    Spec: RFC 6749 5.2
    """
    return Outcome(kind=error, checks=checks)


def due(outcome: Outcome, *others: Outcome, rules: RuleIds, **instead: str) -> Decision:
    """Admit outcomes; any other kind breaks `rules`, but for the kinds named, which break the one rule given."""
    return Decision(
        outcomes=(outcome, *others), rules=rules, instead={kind: (rule,) for kind, rule in instead.items()}
    )
