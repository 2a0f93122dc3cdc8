"""A run with every verdict in it, on our own server, for tests of what is made of a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from authz_conformance import rules
from authz_conformance.expectations import expect, given
from authz_conformance.rules import Binding
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.verdicts import AdapterError
from tests.conformance.kit import Judged, judge
from tests.programs import Served

DAY: Final = 86_400
HOSTILE: Final = (
    "</pre></script><script>alert(1)</script><img src=x onerror=alert(1)>\"'--><svg onload=alert(1)>"
)
EXPECTED: Final = {
    "poll.undecided-is-pending": "failed",
    "refresh.rotates": "failed",
    "verify.prefilled-code-is-shown": "warning",
    "poll.early-is-slow-down": "expected failure",
    "poll.foreign-code-is-invalid-grant": "unsupported",
    "poll.denied-is-access-denied": "not testable",
    "poll.expired-is-expired-token": "adapter error",
    "metadata.issuer-is-plain": "suite error",
    "metadata.no-empty-arrays": "passed",
    "tokens.no-store": "passed",
}
KNOWN: Final = """
[[known]]
rule = "poll.early-is-slow-down"
reason = "The session cache is written behind."
link = "https://tracker.example/1182"
review = 2999-03-01
"""


def _broken(server: ServerUnderTest) -> None:
    expect.error(server.poll(server.new_grant()), "access_denied")


def _broken_after_three_days(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    server.clock.advance(3 * DAY)
    expect.error(server.refresh(tokens), "invalid_grant")


def _without_precondition(server: ServerUnderTest) -> None:
    given.error(server.poll(server.new_grant()), "access_denied")


def _without_adapter(_: ServerUnderTest) -> None:
    raise AdapterError("nobody at the door")


def _careless(server: ServerUnderTest) -> None:
    assert server.poll(server.new_grant()).members["access_token"]


def _kept(server: ServerUnderTest) -> None:
    expect.success(server.fetch_metadata())
    server.acquire()


_TESTS: Final[dict[str, Callable[[ServerUnderTest], None]]] = {
    "poll.undecided-is-pending": _broken,
    "refresh.rotates": _broken_after_three_days,
    "verify.prefilled-code-is-shown": _broken,
    "poll.early-is-slow-down": _broken,
    "poll.foreign-code-is-invalid-grant": _kept,
    "poll.denied-is-access-denied": _without_precondition,
    "poll.expired-is-expired-token": _without_adapter,
    "metadata.issuer-is-plain": _careless,
    "metadata.no-empty-arrays": _kept,
    "tokens.no-store": _kept,
}


def judged_with_every_verdict(served: Served, folder: Path) -> Judged:
    """Judge our own server by tests that come out each in its way, and tell the stories."""
    baseline = folder / "known.toml"
    baseline.write_text(KNOWN, "utf-8")
    bindings = {
        rule_id: Binding(rule_id=rule_id, function=function, place="here")
        for rule_id, function in _TESTS.items()
    }
    control = [served.issuer, "--control", f"{served.base_url}/_control", "--client-id", "pos-server"]
    stories = ["--story", "key-rotation", "--story", "slow-down-accounting"]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(rules, "server_bindings", lambda: bindings)
        judged = judge(
            *control, *stories, *_each("--rule"), "--baseline", str(baseline), into=folder / "reports"
        )
    found: dict[str, Any] = {rule["id"]: rule["verdict"] for rule in judged.report["rules"]}
    assert found == EXPECTED
    return judged


def _each(option: str) -> list[str]:
    return [word for rule_id in _TESTS for word in (option, rule_id)]


def the_rule(report: Mapping[str, Any], rule_id: str) -> dict[str, Any]:
    return next(rule for rule in report["rules"] if rule["id"] == rule_id)


def alone(report: dict[str, Any], rule_id: str) -> dict[str, Any]:
    """Leave one rule in a document, so that the page's text is about it."""
    report["rules"] = [the_rule(report, rule_id)]
    report["stories"] = []
    return report
