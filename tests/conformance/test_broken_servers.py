"""A server that is broken as a whole: a clear report, in a bounded time; never a traceback, never a pass by mistake."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from authz_conformance.exit_codes import ExitCode
from tests.conformance import broken_servers
from tests.conformance.kit import Judged, config, judge, run

ALL_SILENT = {
    "hangs": broken_servers.hang,
    "answers no HTTP": broken_servers.garbage,
    "drips": broken_servers.drip,
}
ALL_TALKING = {
    "answers no JSON": broken_servers.garbled_json,
    "never ends its answer": broken_servers.endless,
    "answers 500": broken_servers.error_500,
}
BOUND_SECONDS = 30.0
KIT = (sys.executable, "-m", "authz_conformance.cli")


def _judge(answer: broken_servers.Answer, tmp_path: Path, *more: str) -> Judged:
    with broken_servers.broken(answer) as issuer:
        text = f'[target]\nissuer = "{issuer}"\nprofiles = ["rfc8628", "oauth-hygiene", "license"]\n'
        text += '[limits]\nrequest_seconds = 0.5\n[clock]\ndriver = "real"\n'
        return judge("--config", config(tmp_path, text), *more, into=tmp_path / "reports")


@pytest.mark.parametrize("answer", ALL_SILENT.values(), ids=ALL_SILENT.keys())
def test_a_server_that_never_answers_is_lost_soon_and_keeps_no_rule(
    answer: broken_servers.Answer, tmp_path: Path
) -> None:
    judged = _judge(answer, tmp_path)
    assert judged.report["counts"]["passed"] == 0
    assert judged.report["run"]["lost"] is not None
    assert "The server does not answer" in judged.output
    assert judged.exit_code & ExitCode.FAILED
    assert not judged.exit_code & (ExitCode.SUITE_ERROR | ExitCode.ADAPTER_ERROR)
    assert judged.seconds < BOUND_SECONDS
    failures = ET.parse(judged.directory / "junit.xml").findall(".//testcase[@name='server-answers']/failure")  # noqa: S314 - our own
    assert len(failures) == 1


@pytest.mark.parametrize("answer", ALL_TALKING.values(), ids=ALL_TALKING.keys())
def test_a_server_that_answers_nonsense_keeps_no_rule(answer: broken_servers.Answer, tmp_path: Path) -> None:
    judged = _judge(answer, tmp_path)
    assert judged.report["counts"]["passed"] == 0
    assert judged.report["counts"]["suite error"] == 0
    assert judged.verdict("metadata.json") == "failed"
    assert judged.exit_code == ExitCode.FAILED
    assert judged.seconds < BOUND_SECONDS


def test_members_of_the_wrong_types_are_the_servers_fault_and_break_no_report(tmp_path: Path) -> None:
    judged = _judge(broken_servers.wrong_types, tmp_path)
    assert judged.report["counts"]["suite error"] == 0
    assert judged.verdict("metadata.lists-device-grant") == "failed"
    ET.parse(judged.directory / "junit.xml")  # noqa: S314 - our own


def test_without_a_device_endpoint_one_rule_fails_and_the_rest_says_why(tmp_path: Path) -> None:
    judged = _judge(broken_servers.without_device_endpoint, tmp_path)
    assert judged.verdict("metadata.names-device-endpoint") == "failed"
    pending = judged.rule("poll.undecided-is-pending")
    assert (pending["verdict"], pending["precondition"]) == ("not testable", True)
    assert "device_authorization_endpoint in the metadata" in pending["why"]
    assert judged.exit_code == ExitCode.FAILED


def test_a_server_that_dies_half_way_is_told_from_one_that_fails(tmp_path: Path) -> None:
    judged = _judge(broken_servers.Dying(requests=60), tmp_path, "-j", "1")
    assert judged.report["counts"]["passed"] > 0
    assert judged.report["run"]["lost"] is not None
    assert any("not sent" in rule["why"] for rule in judged.report["rules"])
    assert judged.exit_code & ExitCode.FAILED


def test_why_the_server_is_lost_is_what_happened_on_the_wire(tmp_path: Path) -> None:
    judged = _judge(broken_servers.Dying(requests=10), tmp_path, "-j", "1")
    assert judged.report["run"]["lost"] == "no answer: Server disconnected without sending a response."


def test_a_server_that_dies_during_the_last_rule_is_lost_too(tmp_path: Path) -> None:
    rules = ("--rule", "metadata.lists-device-grant", "--rule", "poll.undecided-is-pending")
    judged = _judge(broken_servers.Dying(requests=5), tmp_path, "-j", "1", *rules)
    assert judged.report["run"]["lost"] == "no answer: Server disconnected without sending a response."
    assert judged.exit_code == ExitCode.FAILED


def test_nobody_at_the_address_is_no_pass(tmp_path: Path) -> None:
    judged = judge("http://127.0.0.1:9", into=tmp_path)
    assert judged.report["counts"]["passed"] == 0
    assert judged.exit_code == ExitCode.FAILED


@pytest.mark.parametrize(
    "answer",
    [broken_servers.hang, broken_servers.error_500, broken_servers.garbled_json],
    ids=lambda one: one.__name__,
)
def test_smoke_blames_the_server(answer: Callable[..., None], tmp_path: Path) -> None:
    with broken_servers.broken(answer) as issuer:
        path = config(tmp_path, f'[target]\nissuer = "{issuer}"\n[limits]\nrequest_seconds = 0.3\n')
        result = run("smoke", "--config", path)
    assert result.exit_code == ExitCode.FAILED
    assert "server   metadata" in result.output


def test_what_drives_a_terminal_or_is_half_a_character_is_shown_and_drives_nothing(tmp_path: Path) -> None:
    with broken_servers.broken(broken_servers.unprintable) as issuer:
        done = subprocess.run(  # noqa: S603 - our own command
            [*KIT, "server", issuer, "--report-dir", str(tmp_path)],
            capture_output=True,
            check=False,
            env={**os.environ, "PYTHONIOENCODING": "ascii"},
        )
    assert done.returncode == ExitCode.FAILED, done.stderr
    assert b"\x1b" not in done.stdout
    assert b"U+D800" in done.stdout
    assert "⟨U+D800⟩␛" in (tmp_path / "summary.md").read_text("utf-8")


def test_a_device_endpoint_that_refuses_everybody_breaks_one_rule_of_two(tmp_path: Path) -> None:
    judged = _judge(broken_servers.unprintable, tmp_path)
    assert judged.verdict("codes.required-members") == "failed"
    assert judged.verdict("metadata.names-device-endpoint") == "not testable"
