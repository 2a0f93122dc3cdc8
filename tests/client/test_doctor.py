"""`authz-client doctor`: one fault at a time, and what it says of it."""

import json
from email.utils import formatdate
from pathlib import Path

import httpx2
import pytest

from authz_client import terminal
from authz_client.exit_codes import ExitCode
from tests.client.commands import Commands
from tests.client.fakes import DAY, ISSUER, OTHER_KEY, START, WEEK, FakeServer, Times, error, metadata, reply

METADATA = "/.well-known/oauth-authorization-server/s/shop"


def examined(commands: Commands) -> tuple[int, dict[str, tuple[str, str]]]:
    """Run the doctor, and give its exit code and each check's verdict and finding."""
    code = commands.run("doctor", "--json")
    return code, {line["check"]: (line["verdict"], line["finding"]) for line in commands.lines}


def dated(times: Times, skew: float = 0) -> httpx2.Response:
    return reply(metadata(), Date=formatdate(times.wall - skew, usegmt=True))


def test_a_healthy_client_is_ok_in_every_check(
    licensed_commands: Commands, server: FakeServer, times: Times
) -> None:
    server.will(METADATA, dated(times))
    code, checks = examined(licensed_commands)
    assert code == ExitCode.OK
    assert {verdict for verdict, _ in checks.values()} == {"ok"}
    assert list(checks) == [
        "State file",
        "State file's mode",
        "Reachability",
        "Clock",
        "Issuer",
        "Published keys",
        "License",
        "License token",
    ]
    server.will(METADATA, dated(times))
    licensed_commands.run("doctor")
    assert licensed_commands.out.splitlines()[-1] == "0 failed, 0 warned, 8 ok."


def test_it_changes_nothing(licensed_commands: Commands, state_file: Path) -> None:
    before = state_file.read_text()
    licensed_commands.run("doctor")
    assert state_file.read_text() == before


def test_an_unlicensed_client_is_told_how_to_get_a_license(commands: Commands) -> None:
    code, checks = examined(commands)
    assert code == ExitCode.OK
    assert checks["License"] == ("warn", "this server is not licensed")
    commands.run("acquire")
    assert examined(commands)[1]["License"] == ("warn", "a user code waits to be authorized")


@pytest.mark.parametrize(
    ("answer", "finding"),
    [
        (httpx2.ConnectError("Connection refused"), "(Connection refused)"),
        (httpx2.ReadTimeout(""), "did not answer in time"),
    ],
)
def test_an_unreachable_server_is_told_with_the_networks_words(
    licensed_commands: Commands, server: FakeServer, answer: Exception, finding: str
) -> None:
    server.will(METADATA, answer)
    code, checks = examined(licensed_commands)
    assert code == ExitCode.UNREACHABLE
    assert checks["Reachability"][0] == "fail"
    assert finding in checks["Reachability"][1]
    assert "Issuer" not in checks
    assert checks["License token"][0] == "ok"


@pytest.mark.parametrize(
    ("seconds", "verdict"),
    [(0, "ok"), (30, "ok"), (31, "warn"), (-31, "warn"), (300, "warn"), (301, "fail"), (-301, "fail")],
)
def test_the_clock_is_compared_with_the_servers_date(
    commands: Commands, server: FakeServer, times: Times, *, seconds: int, verdict: str
) -> None:
    server.will(METADATA, dated(times, seconds))
    code, checks = examined(commands)
    assert checks["Clock"][0] == verdict
    if verdict != "ok":
        assert ("ahead of" if seconds > 0 else "behind") in checks["Clock"][1]
    assert (code == ExitCode.REFUSED) == (verdict == "fail")


@pytest.mark.parametrize(
    ("answer", "finding"),
    [
        (reply(metadata(issuer="http://localhost:8628/s/shop")), "calls itself http://localhost:8628/s/shop"),
        (reply(metadata(issuer=7)), "calls itself by another issuer's name"),
        (reply(metadata(jwks_uri="http://evil.example/jwks")), "without https: http://evil.example/jwks"),
        (httpx2.Response(404), "HTTP status 404"),
        (httpx2.Response(200, content=b"<html>"), "a login page"),
    ],
)
def test_another_or_a_broken_issuer_is_4(
    commands: Commands, server: FakeServer, answer: httpx2.Response, finding: str
) -> None:
    server.will(METADATA, answer)
    code, checks = examined(commands)
    assert code == ExitCode.UNREACHABLE
    assert checks["Issuer"][0] == "fail"
    assert finding in checks["Issuer"][1]


@pytest.mark.parametrize(
    ("answer", "finding"),
    [(reply({"keys": []}), "there are none"), (httpx2.Response(500), "HTTP status 500")],
)
def test_without_published_keys_it_is_4(
    commands: Commands, server: FakeServer, answer: httpx2.Response, finding: str
) -> None:
    server.will("/jwks", answer)
    code, checks = examined(commands)
    assert code == ExitCode.UNREACHABLE
    assert finding in checks["Published keys"][1]


def test_an_unusable_issuer_is_2(commands: Commands) -> None:
    commands.issuer = "http://authz.example"
    code, checks = examined(commands)
    assert (code, checks["Issuer"][0]) == (ExitCode.USAGE, "fail")


def test_a_state_file_that_others_can_read_is_5(licensed_commands: Commands, state_file: Path) -> None:
    state_file.chmod(0o640)
    code, checks = examined(licensed_commands)
    assert code == ExitCode.STATE_FILE
    assert checks["State file's mode"] == ("fail", "mode 0640: others on this machine can use the license")
    licensed_commands.run("doctor")
    assert f"chmod 600 '{state_file}'" in licensed_commands.out


def test_a_damaged_state_file_is_5_and_stays_told_of(commands: Commands, state_file: Path) -> None:
    state_file.write_text("{")
    code, checks = examined(commands)
    assert (code, checks["State file"][0]) == (ExitCode.STATE_FILE, "fail")
    code, checks = examined(commands)
    assert (code, checks["State file"][0]) == (ExitCode.OK, "warn")
    assert "a damaged one is kept as" in checks["State file"][1]


@pytest.mark.parametrize("text", [json.dumps({"version": 99}), None])
def test_an_unusable_state_file_is_5(commands: Commands, state_file: Path, text: str | None) -> None:
    if text is None:
        state_file.mkdir()
        commands.state = state_file / "nowhere" / "license.json"
    else:
        state_file.write_text(text)
    code, checks = examined(commands)
    assert (code, checks["State file"][0]) == (ExitCode.STATE_FILE, "fail")
    assert checks["Reachability"][0] == "ok"


@pytest.mark.parametrize(
    ("seconds", "verdict", "finding"),
    [
        (10 * DAY - 1, "ok", "Licensed"),
        (10 * DAY, "warn", "Requires Renewal"),
        (40 * DAY, "fail", "Expired Requires Renewal"),
    ],
)
def test_the_license_status_has_its_verdict(
    commands: Commands, server: FakeServer, times: Times, *, seconds: int, verdict: str, finding: str
) -> None:
    server.renewal = {"renewal_at": START + 40 * DAY, "renewal_due_from": START + 10 * DAY}
    server.is_approved = True
    commands.run("acquire", "--wait")
    times.pass_(seconds)
    seen = examined(commands)[1]["License"]
    assert seen[0] == verdict
    assert seen[1].startswith(finding)


def test_an_ended_license_says_why(licensed_commands: Commands, server: FakeServer) -> None:
    server.will("/token", error("invalid_grant", reason="device_disabled"))
    licensed_commands.run("refresh")
    code, checks = examined(licensed_commands)
    assert code == ExitCode.REFUSED
    assert "disabled or deleted" in checks["License"][1]


@pytest.mark.parametrize(("seconds", "verdict"), [(WEEK - 1, "ok"), (WEEK, "fail")])
def test_the_license_token_is_verified(
    licensed_commands: Commands, times: Times, *, seconds: int, verdict: str
) -> None:
    times.pass_(seconds)
    assert examined(licensed_commands)[1]["License token"][0] == verdict


def test_a_license_token_by_a_key_that_is_gone_is_told(
    licensed_commands: Commands, server: FakeServer
) -> None:
    server.keys = [OTHER_KEY]
    assert examined(licensed_commands)[1]["License token"] == (
        "fail",
        "its signing key is not among the published keys",
    )


def test_a_pending_license_token_and_the_warnings_are_told(
    licensed_commands: Commands, server: FakeServer
) -> None:
    server.signing_key = OTHER_KEY
    licensed_commands.run("refresh")
    checks = examined(licensed_commands)[1]
    assert checks["Pending license token"][0] == "fail"
    assert checks["License token"][0] == "ok"
    assert checks["License token pending"][0] == "warn"
    assert ISSUER in checks["Issuer"][1]


# In a narrow terminal


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_findings_break_at_words_and_commands_and_addresses_stay_whole(
    commands: Commands, server: FakeServer, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    server.will(METADATA, httpx2.ConnectError("Connection refused"))
    commands.run("doctor")
    whole = commands.out
    monkeypatch.setattr(terminal, "columns", lambda _: columns)
    server.will(METADATA, httpx2.ConnectError("Connection refused"))
    commands.run("doctor")
    assert commands.out.split() == whole.split()
    for line in commands.out.splitlines():
        is_command = line.lstrip().startswith("authz-client acquire --wait --issuer")
        assert len(line) <= columns or is_command or " " not in line.strip(), line


def test_a_finding_stands_below_its_name_where_there_is_no_room_beside_it(
    commands: Commands, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "columns", lambda _: 68)
    server.will(METADATA, httpx2.ConnectError("away"))
    commands.run("doctor")
    assert "warn  License\n      this server is not licensed\n      Get a license:\n" in commands.out
    monkeypatch.setattr(terminal, "columns", lambda _: 69)
    server.will(METADATA, httpx2.ConnectError("away"))
    commands.run("doctor")
    beside = " " * 29
    assert (
        f"warn  License                this server is not licensed\n{beside}Get a license:\n" in commands.out
    )
