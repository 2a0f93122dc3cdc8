"""`authz-client run`: what it says while it keeps a license."""

import signal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from authz_client.driver import Client
from authz_client.exit_codes import ExitCode
from authz_client.running import keep
from tests.client.commands import Commands
from tests.client.fakes import DAY, ISSUER, START, FakeServer, error


@pytest.fixture(autouse=True)
def _no_handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)


class Over(Exception):  # noqa: N818 - not an error
    """The test has seen enough."""


def happenings(commands: Commands, until: float, *arguments: str) -> int:
    """Run `run` until an instant of virtual time, then press Ctrl-C."""
    times = commands.times

    def sleep(seconds: float) -> None:
        if times.server >= until:
            raise KeyboardInterrupt
        times.pass_(max(seconds, 3600))  # in leaps: a clock may jump

    times.sleep = sleep  # type: ignore[method-assign]
    return commands.run("run", *arguments)


def test_run_says_what_happens_a_line_each(licensed_commands: Commands, server: FakeServer) -> None:
    server.will("/token", httpx2.ConnectError("away"))
    assert happenings(licensed_commands, START + 4 * DAY) == ExitCode.INTERRUPTED
    began, failed, refreshed = licensed_commands.out.splitlines()[:3]
    assert began == (
        "2027-01-15 08:00:00 UTC  Licensed. Token Expiry 2027-01-22 08:00:00 UTC, "
        "next refresh 2027-01-18 20:00:00 UTC."
    )
    assert "the Authorization server cannot be reached. Again in 1 s." in failed
    assert "There is a fresh license token." in refreshed


def test_run_as_json(licensed_commands: Commands) -> None:
    assert happenings(licensed_commands, START + 4 * DAY, "--json") == ExitCode.INTERRUPTED
    assert [(line["event"], line.get("outcome")) for line in licensed_commands.lines] == [
        ("status", None),
        ("keep", "refreshed"),
    ]


def test_run_tells_of_an_ending(licensed_commands: Commands, server: FakeServer) -> None:
    server.will("/token", error("invalid_grant", reason="license_superseded"))
    happenings(licensed_commands, START + 4 * DAY)
    assert "Expired Requires Renewal (license_superseded)." in licensed_commands.out


def test_run_waits_for_a_license(commands: Commands) -> None:
    happenings(commands, START + DAY)
    assert commands.out.count("There is no license to keep yet") == 1
    commands.run("acquire")
    happenings(commands, commands.times.server + 60)
    assert "The user code waits to be authorized" in commands.out


def test_run_outlives_a_state_file_that_cannot_be_used_for_a_while(
    licensed_commands: Commands, state_file: Path
) -> None:
    good = state_file.read_text()
    seen: list[str] = []

    def sleep(_seconds: float) -> None:
        state_file.write_text(good if "state_file" in seen else '{"version": 9}')
        if seen.count("status") == 1 and "state_file" in seen:
            raise Over

    given: dict[str, Any] = {"issuer": ISSUER, "client_id": "pos-server", "state": state_file}
    client = Client(**given, clocks=licensed_commands.times.clocks())
    with client, pytest.raises(Over):
        keep(client, report=lambda happening: seen.append(happening.event), sleep=sleep)
    assert seen == ["status", "state_file"]


def test_run_and_page_go_on_with_a_damaged_state_file(commands: Commands, state_file: Path) -> None:
    state_file.write_text("{")
    happenings(commands, START, "--json")
    assert [line.get("error") or line["event"] for line in commands.lines] == ["state_file", "status"]
