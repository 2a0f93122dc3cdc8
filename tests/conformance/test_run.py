"""A run as a process: broken off, with a person at the terminal, on a terminal, and under pytest."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import authz_conformance
from authz_conformance.exit_codes import ExitCode
from tests.conformance import broken_servers
from tests.conformance.kit import config, judge
from tests.programs import Served, environment, process, run

KIT = (sys.executable, "-m", "authz_conformance.cli")
SUITE = Path(authz_conformance.__file__).parent / "suites" / "server"


def test_broken_off_with_ctrl_c_the_report_says_what_ran(tmp_path: Path) -> None:
    with broken_servers.broken(broken_servers.Dying(10_000, expires_in=40)) as issuer:
        elsewhere = issuer.replace("127.0.0.1", "localhost")
        text = f'[target]\nissuer = "{elsewhere}"\n[clock]\ndriver = "real"\n'
        options = ["--config", config(tmp_path, text), "--report-dir", str(tmp_path / "r")]
        options += ["--rule", "poll.expired-is-expired-token", "--rule", "metadata.issuer-is-identical"]
        with process([*KIT, "server", *options], stderr=subprocess.STDOUT) as started:
            assert started.stdout is not None
            assert "Judging" in started.stdout.readline()
            assert "Clock" in started.stdout.readline()
            assert "failed" in started.stdout.readline()
            started.send_signal(signal.SIGINT)
            output = started.stdout.read()
            assert started.wait() == ExitCode.INTERRUPTED
    assert "Traceback" not in output
    assert "Broken off: 1 rule was not tried" in output
    report = json.loads((tmp_path / "r" / "report.json").read_text("utf-8"))
    assert report["run"]["not_run"] == ["poll.expired-is-expired-token"]
    assert report["run"]["lost"] is None, "Ctrl-C is not the server's fault"
    assert "does not answer" not in (tmp_path / "r" / "summary.md").read_text("utf-8")
    assert [rule["id"] for rule in report["rules"]] == ["metadata.issuer-is-identical"]


def test_a_person_at_the_terminal_is_asked_and_believed_until_the_server_says_otherwise(
    served: Served, tmp_path: Path
) -> None:
    text = f'[target]\nissuer = "{served.issuer}"\n[human]\ndriver = "person"\n'
    path = config(tmp_path, text)
    options = ["--config", path, "--rule", "poll.denied-is-access-denied"]
    lied = judge(*options, into=tmp_path / "r", stdin="\n")
    assert "Please deny the user code" in lied.output
    assert lied.verdict("poll.denied-is-access-denied") == "failed"
    away = judge(*options, into=tmp_path / "r")
    assert away.exit_code & ExitCode.ADAPTER_ERROR
    assert "standard input has ended" in away.output


def test_on_a_terminal_the_run_is_shown_live_and_in_colour_unless_no_color(served: Served) -> None:
    def shown(**more: str) -> str:
        mine, theirs = pty.openpty()
        options = [served.issuer, "--control", f"{served.base_url}/_control", "--rule", "metadata.json"]
        subprocess.run(  # noqa: S603 - our own command
            [*KIT, "server", *options],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment(TERM="xterm-256color", **more),
            check=True,
            timeout=60,
        )
        os.close(theirs)
        text = b""
        while chunk := _read(mine):
            text += chunk
        os.close(mine)
        return text.decode()

    assert "\x1b[32m" in shown()
    assert "\x1b[32m" not in shown(NO_COLOR="1")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


def test_under_pytest_a_rule_test_can_be_debugged(served: Served, tmp_path: Path) -> None:
    text = f'[target]\nissuer = "{served.issuer}"\nscope = "license"\n'
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "authz_conformance.pytest_plugin",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:schemathesis",  # takes long to load
    ]
    command += ["--conformance-config", config(tmp_path, text), "-c", os.devnull, "-q", "-rs"]
    done = run(
        [*command, str(SUITE / "test_polling.py"), "-k", "undecided_is_pending or denied_is_access_denied"]
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed, 1 skipped" in done.stdout
    assert "the target does not declare deny" in done.stdout
