"""What was seen of a server when its contract was tried: one value for a whole run, by which each rule is settled.

It must not know schemathesis: whoever asks for a rule of another profile does not wait for its import.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from importlib.util import find_spec

from authz_conformance.contract.document import operations
from authz_conformance.exchange import Exchange
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.session import Session
from authz_conformance.story import Happening
from authz_conformance.verdicts import NotTestable, RuleBroken


class Rules(StrEnum):
    """The rules that a survey settles, by their ids in the catalogue."""

    SERVER_ERROR = "contract.no-server-error"
    STATUS = "contract.status-is-documented"
    TYPE = "contract.type-is-documented"
    BODY = "contract.body-fits-schema"
    HEADERS = "contract.headers-fit-schema"
    BAD_REQUEST = "contract.bad-request-refused"
    METHOD = "contract.other-method-is-405"
    LARGE = "contract.large-body-is-413"
    HEAD = "contract.head-where-get"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A rule that is broken: where it was seen first, and how often.

    Attributes:
        exchanges: those that handed out what was sent, and at the end the one that breaks the rule.
    """

    wanted: str
    found: str
    exchanges: Sequence[Exchange]
    times: int = 1


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What was seen.

    Attributes:
        generated: how many requests schemathesis made.
        set_requests: how many are the same in every survey.
        findings: by rule.
        untried: why an operation was not tried as it should have been, by its label.
        unsettled: why a rule could not be tried on some operation, by rule.
        stopped: why the survey was not finished.
    """

    generated: int
    set_requests: int
    findings: Mapping[Rules, Finding] = field(default_factory=dict)
    untried: Mapping[str, str] = field(default_factory=dict)
    unsettled: Mapping[Rules, str] = field(default_factory=dict)
    stopped: str | None = None

    def settle(self, rule: Rules, server: ServerUnderTest) -> None:
        """Settle one rule, and tell its story.

        Raises:
            RuleBroken: at the exchange that broke it.
            NotTestable: it was not broken, and not all that it is about could be tried.
        """
        finding, exchange = self.findings.get(rule), None
        for number, one in enumerate(finding.exchanges if finding else (), start=1):
            exchange = replace(one, number=number)
            server.story.keep(exchange)
        asked = f"{self.generated} generated requests and {self.set_requests} set ones"
        server.story.tell(Happening.NOTE, asked)
        if finding is not None:
            more = f" (and {finding.times - 1} times more)" if finding.times > 1 else ""
            raise RuleBroken(wanted=finding.wanted, found=finding.found + more, exchange=exchange)
        why = self._doubt(rule)
        if why is not None:
            raise NotTestable(why)

    def _doubt(self, rule: Rules) -> str | None:
        """Say why a rule that was not seen broken cannot be said to be kept."""
        if self.stopped is not None:
            return self.stopped
        if rule in self.unsettled:
            return self.unsettled[rule]
        by_reason: dict[str, list[str]] = {}
        for label, why in self.untried.items():
            if _is_about(rule, label):
                by_reason.setdefault(why, []).append(label)
        untried = [f"not tried: {', '.join(labels)} ({why})" for why, labels in by_reason.items()]
        return "; ".join(untried) or None


def _is_about(rule: Rules, label: str) -> bool:
    operation = operations()[label]
    if rule is Rules.LARGE:
        return operation.takes_form
    return rule is not Rules.HEAD or operation.method == "GET"


def take_survey(session: Session) -> Survey:
    """Try the contract on a stage of its own.

    Raises:
        NotTestable: schemathesis is not installed.
        AdapterError: the stage cannot be set.
    """
    if find_spec("schemathesis") is None:
        raise NotTestable("schemathesis is not installed: pip install 'mock-authz[conformance]'")
    from authz_conformance.contract.surveying import Surveyor  # noqa: PLC0415 - its import takes a second

    seed = f"{session.seed} contract"
    with session.target.stage(seed=seed) as stage:
        server = ServerUnderTest(stage, session.connection, seed=seed)
        try:
            return Surveyor(server, session).survey()
        finally:
            server.give_back()
