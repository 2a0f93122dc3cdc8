"""npm's oidc-provider, which nobody here wrote, under the conformance kit, in moved time: its adapter is the documented example."""

from __future__ import annotations

import json
import socket
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, Final

import pytest

from authz_conformance.exit_codes import ExitCode
from tests.programs import ROOT, environment, needed, run

ADAPTER: Final = ROOT / "conformance" / "adapters" / "node-oidc-provider"
KIT: Final = (sys.executable, "-m", "authz_conformance.cli")
BASELINE: Final = ADAPTER / "baseline.toml"
KNOWN: Final = {one["rule"] for one in tomllib.loads(BASELINE.read_text("utf-8"))["known"]}
# What its deployment here does not have: readable access tokens, and a hand on its keys.
UNSUPPORTED: Final = {"introspect.tampered-is-inactive", "keys.signing-key-published", "keys.kid-is-distinct"}
# What follows from a known failure (no budget of guesses, no slow_down), or is about a claim that it does not make.
NOT_TESTABLE: Final = {
    "guess.success-resets-nothing",
    "poll.slow-down-adds-5",
    "introspect.not-yet-valid-is-inactive",
}
IN_MOVED_TIME: Final = {
    "poll.expired-is-expired-token",
    "poll.expiry-before-approval",
    "verify.expired-user-code-refused",
    "introspect.expired-is-inactive",
    "refresh.expires-when-idle",
}
SECONDS: Final = 300

pytestmark = pytest.mark.interop


@dataclass(frozen=True)
class Kit:
    """The kit's command line, in the adapter's folder, with the server on a port of its own."""

    reports: Path

    def run(self, command: str, *options: str) -> CompletedProcess[str]:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = str(probe.getsockname()[1])
        whole = [*KIT, command, f"http://127.0.0.1:{port}", "--config", "conformance.toml", *options]
        return run(whole, cwd=ADAPTER, env=environment(PORT=port, COLUMNS="200"), seconds=SECONDS)

    def judge(self, *options: str) -> tuple[CompletedProcess[str], dict[str, Any]]:
        ended = self.run("server", *options, "--report-dir", str(self.reports))
        assert "Traceback" not in ended.stdout + ended.stderr
        return ended, json.loads((self.reports / "report.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    needed("node", why="oidc-provider needs it")
    npm = needed("npm", why="it installs oidc-provider")
    if not (ADAPTER / "node_modules" / ".package-lock.json").exists():
        installed = run([npm, "ci", "--no-audit", "--no-fund"], cwd=ADAPTER, seconds=SECONDS)
        assert installed.returncode == 0, installed.stderr
    return Kit(tmp_path_factory.mktemp("reports"))


@pytest.fixture(scope="module")
def judged(kit: Kit) -> tuple[CompletedProcess[str], dict[str, Any]]:
    """A whole run, as the adapter's README says it."""
    return kit.judge("--baseline", BASELINE.name)


def with_verdict(report: dict[str, Any], *verdicts: str) -> set[str]:
    return {rule["id"] for rule in report["rules"] if rule["verdict"] in verdicts}


def test_each_rule_passes_or_is_explained(judged: tuple[CompletedProcess[str], dict[str, Any]]) -> None:
    ended, report = judged
    assert ended.returncode == ExitCode.OK, ended.stdout + ended.stderr
    assert with_verdict(report, "expected failure") == KNOWN
    assert with_verdict(report, "unsupported") == UNSUPPORTED
    assert with_verdict(report, "not testable") == NOT_TESTABLE
    rest = {rule["id"] for rule in report["rules"]} - KNOWN - UNSUPPORTED - NOT_TESTABLE
    assert with_verdict(report, "passed") == rest
    assert [story["id"] for story in report["stories"] if story["verdict"] == "failed"] == []


def test_each_known_failure_names_its_section() -> None:
    for one in tomllib.loads(BASELINE.read_text("utf-8"))["known"]:
        number, section = one["link"].removeprefix("https://www.rfc-editor.org/rfc/rfc").split("#section-")
        assert f"RFC {number} {section}" in one["reason"]


def test_its_time_was_moved_and_the_clock_proved_it(
    judged: tuple[CompletedProcess[str], dict[str, Any]],
) -> None:
    report = judged[1]
    assert report["target"]["clock"] == "faketime"
    assert report["target"]["clock_proof"] == (
        "moved 7200 s forward, and the server's Date followed, back too"
    )
    assert with_verdict(report, "passed") >= IN_MOVED_TIME


def test_without_the_baseline_exactly_the_listed_rules_fail(kit: Kit) -> None:
    rules = [word for rule in sorted(KNOWN) for word in ("--rule", rule)]
    ended, report = kit.judge(*rules)
    assert ended.returncode == ExitCode.FAILED, ended.stdout + ended.stderr
    assert with_verdict(report, "failed", "warning") == KNOWN


def test_a_baseline_that_lists_what_passes_fails_the_run(kit: Kit, tmp_path: Path) -> None:
    stale = tmp_path / "stale.toml"
    more = '\n[[known]]\nrule = "redeem.once"\nreason = "It did once."\nreview = 2027-02-22\n'
    stale.write_text(BASELINE.read_text("utf-8") + more, "utf-8")
    ended, report = kit.judge("--baseline", str(stale), "--rule", "redeem.once")
    assert ended.returncode == ExitCode.FAILED
    assert with_verdict(report, "passed") == {"redeem.once"}
    assert "redeem.once is listed as a known failure and passes" in ended.stdout


def test_the_adapter_does_its_part_in_smoke(kit: Kit) -> None:
    ended = kit.run("smoke")
    assert ended.returncode == ExitCode.OK, ended.stdout + ended.stderr
    checks = [line.split()[:2] for line in ended.stdout.splitlines()]
    assert checks == [
        ["ok", f"{name}:"]
        for name in ("adapter", "clock", "metadata", "codes", "approval", "tokens", "refresh", "denial")
    ]


def test_the_lock_file_names_no_registry() -> None:
    lock = (ADAPTER / "package-lock.json").read_text(encoding="utf-8")
    assert "resolved" not in lock
    assert "integrity" in lock


def test_what_is_judged_is_what_is_installed() -> None:
    version = tomllib.loads((ADAPTER / "conformance.toml").read_text("utf-8"))["target"]["version"]
    package = json.loads((ADAPTER / "package.json").read_text("utf-8"))
    lock = json.loads((ADAPTER / "package-lock.json").read_text("utf-8"))
    assert package["dependencies"] == {"oidc-provider": version}
    assert lock["packages"]["node_modules/oidc-provider"]["version"] == version
    assert all(version in (ADAPTER / name).read_text("utf-8") for name in ("README.md", "baseline.toml"))
