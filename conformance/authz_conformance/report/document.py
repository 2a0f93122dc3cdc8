"""The JSON document of a run: the one source of every other form. Its schema is `report.schema.json`, beside this file."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from authz_conformance.exchange import Exchange
from authz_conformance.redaction import Redactor
from authz_conformance.report.run import Run
from authz_conformance.telling import StoryOutcome
from authz_conformance.verdicts import Outcome
from authz_conformance.wire import FORM

FORMAT = 1
SCHEMA_FILE = Path(__file__).parent / "report.schema.json"
LONGEST_BODY = 20_000


def document(run: Run) -> dict[str, Any]:
    """Give a run as JSON values, without secrets."""
    return {
        "format": FORMAT,
        "suite": {"name": "authz-conformance", "version": suite_version(), "catalogue": run.catalogue},
        "target": _target(run),
        "run": _run(run),
        "counts": {verdict.value: number for verdict, number in run.counts.items()},
        "claims": [
            {"capability": claim.capability.value, "too_much": claim.too_much, "says": claim.says}
            for claim in run.readiness.claims
        ],
        "baseline_problems": list(run.baseline_problems),
        "without_test": list(run.without_test),
        "rules": [_rule(outcome, run.replay) for outcome in run.outcomes],
        "stories": [_story(outcome, run.replay) for outcome in run.trial.stories],
    }


def suite_version() -> str:
    """Give the version of the distribution that the kit came in."""
    try:
        return version("mock-authz")
    except PackageNotFoundError:
        return "unknown"


def _target(run: Run) -> dict[str, Any]:
    target = run.settings.target
    return {
        "issuer": target.issuer,
        "name": target.name,
        "version": target.version,
        "profiles": [profile.value for profile in run.plan.profiles],
        "capabilities": sorted(capability.value for capability in run.readiness.offers),
        "withheld": {capability.value: why for capability, why in sorted(run.readiness.withheld.items())},
        "clock": run.readiness.clock,
        "clock_proof": run.readiness.clock_proof,
        "metadata": dict(run.readiness.metadata),
    }


def _run(run: Run) -> dict[str, Any]:
    return {
        "started_at_real": run.started_at_real,
        "seconds": round(run.trial.seconds, 3),
        "seed": run.plan.seed,
        "strict": run.plan.strict,
        "not_run": list(run.trial.not_run),
        "lost": run.trial.lost,
        "adapter_error": run.adapter_error,
        "exit_code": int(run.exit_code),
    }


def _rule(outcome: Outcome, replay: str) -> dict[str, Any]:
    rule, story = outcome.rule, outcome.story
    redactor = Redactor(story.exchanges)
    return {
        "id": rule.id,
        "group": rule.group.value,
        "level": outcome.level.value,
        "text": rule.text,
        "source": str(rule.source),
        "document": rule.source.document.value,
        "profile": rule.profile.value,
        "time_dependent": rule.time_dependent,
        "verdict": outcome.verdict.value,
        "why": redactor.text(outcome.why),
        "wanted": _text(outcome.wanted, redactor),
        "found": _text(outcome.found, redactor),
        "precondition": outcome.precondition,
        "exchange": outcome.exchange,
        "known": dict(outcome.known) if outcome.known is not None else None,
        "trace": _text(outcome.trace, redactor),
        "seconds": round(outcome.seconds, 3),
        "story": outcome.told_in,
        "replay": f"{replay} --rule {rule.id}"
        if outcome.told_in is None
        else f"{replay} --story {outcome.told_in}",
        "timeline": [
            {
                "at": moment.at,
                "happening": moment.happening.value,
                "text": redactor.text(moment.text),
                "exchange": moment.exchange,
            }
            for moment in story.moments
        ],
        "exchanges": [_exchange(exchange, redactor) for exchange in story.exchanges],
        "tokens": {
            label: {"header": dict(token.header), "claims": dict(token.claims)}
            for label, token in redactor.license_tokens()
        },
    }


def _story(outcome: StoryOutcome, replay: str) -> dict[str, Any]:
    redactor = Redactor(outcome.story.exchanges)
    return {
        "id": outcome.scenario.id,
        "title": outcome.scenario.title,
        "verdict": outcome.verdict.value,
        "why": redactor.text(outcome.why),
        "rules": list(outcome.rules),
        "broken": outcome.broken,
        "exchange": outcome.exchange,
        "trace": _text(outcome.trace, redactor),
        "seconds": round(outcome.seconds, 3),
        "lines": [redactor.text(line) for line in outcome.lines],
        "replay": f"{replay} --story {outcome.scenario.id}",
    }


def _text(text: str | None, redactor: Redactor) -> str | None:
    return None if text is None else redactor.text(text)


def _exchange(exchange: Exchange, redactor: Redactor) -> dict[str, Any]:
    return {
        "number": exchange.number,
        "step": exchange.step,
        "at": exchange.at,
        "until": exchange.until,
        "milliseconds": exchange.milliseconds,
        "request": _request(exchange, redactor),
        "response": None if exchange.status is None else _response(exchange, redactor),
        "failure": exchange.failure,
        "unsent": exchange.unsent,
    }


def _request(exchange: Exchange, redactor: Redactor) -> dict[str, Any]:
    headers = [[name, redactor.header(name, value)] for name, value in exchange.request_headers]
    shown: dict[str, Any] = {
        "method": exchange.method,
        "url": redactor.text(exchange.url),
        "headers": headers,
    }
    body = exchange.sent.decode("utf-8", errors="replace")
    is_form = any(
        name.lower() == "content-type" and value == FORM for name, value in exchange.request_headers
    )
    if is_form:
        pairs = parse_qsl(body, keep_blank_values=True)
        shown["form"] = [[name, redactor.text(value)] for name, value in pairs]
    elif body:
        shown["body"] = redactor.text(body)[:LONGEST_BODY]
    return shown


def _response(exchange: Exchange, redactor: Redactor) -> dict[str, Any]:
    return {
        "status": exchange.status,
        "headers": [[name, redactor.header(name, value)] for name, value in exchange.headers],
        "body": redactor.text(exchange.text)[:LONGEST_BODY],
    }


def rule_by_id(report: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Give the rules of a document by their ids."""
    return {rule["id"]: rule for rule in report["rules"]}
