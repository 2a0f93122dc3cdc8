"""The command `authz-client`: what each command prints, for people and for programs, and how it ends."""

import json
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from authz_client.cli import cli
from authz_client.exit_codes import MEANINGS, ExitCode
from authz_client.outcome import Kind
from tests.client.commands import Commands, OverAsgi
from tests.client.fakes import DAY, ISSUER, START, WEEK, FakeServer, Times, error
from tests.web.site import a_site

COMMANDS = ["acquire", "complete", "doctor", "page", "refresh", "remove", "run", "status"]


@pytest.fixture(autouse=True)
def _no_handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)


# Acquiring


def test_acquire_shows_the_user_code_and_does_not_poll(commands: Commands, server: FakeServer) -> None:
    assert commands.run("acquire") == ExitCode.OK
    assert "User Code         BCDF-GHJK" in commands.out
    assert f"Authorize Device  {ISSUER}/device" in commands.out
    assert "Good until        2027-01-15 08:15:00 UTC" in commands.out
    assert "authz-client complete" in commands.out
    assert server.count("/token") == 0


def test_acquire_shows_a_qr_code_where_it_is_wanted(commands: Commands) -> None:
    assert commands.run("acquire", "--no-qr") == ExitCode.OK
    assert "\N{FULL BLOCK}" not in commands.out
    assert commands.run("acquire", "--qr") == ExitCode.OK
    assert "\N{FULL BLOCK}" * 8 in commands.out
    assert max(len(line) for line in commands.out.splitlines() if "\N{FULL BLOCK}" in line) < 80


def test_acquire_as_json(commands: Commands) -> None:
    assert commands.run("acquire", "--json") == ExitCode.OK
    assert commands.lines == [
        {
            "outcome": "user_code_shown",
            "user_code": "BCDF-GHJK",
            "verification_uri": f"{ISSUER}/device",
            "verification_uri_complete": None,
            "expires_at": START + 900,
            "expires_in": 900,
        }
    ]


def test_acquire_keeps_a_good_user_code_unless_told_otherwise(commands: Commands, server: FakeServer) -> None:
    for arguments, asked in (([], 1), ([], 1), (["--new"], 2)):
        assert commands.run("acquire", *arguments) == ExitCode.OK
        assert server.count("/device_authorization") == asked


def test_acquire_wait_polls_until_there_is_a_license(
    commands: Commands, server: FakeServer, times: Times
) -> None:
    server.will("/token", error("authorization_pending"), error("authorization_pending"))
    server.is_approved = True
    assert commands.run("acquire", "--wait") == ExitCode.OK
    assert sum(times.slept) == 10
    assert "Waiting for authorization until 2027-01-15 08:15:00 UTC." in commands.out
    assert "This server is licensed." in commands.out
    assert "License Status        Licensed" in commands.out


def test_complete_can_poll_once(commands: Commands, server: FakeServer) -> None:
    commands.run("acquire")
    assert commands.run("complete", "--no-wait") == ExitCode.NOT_YET
    assert "has not been authorized yet. Again in 5 s." in commands.out
    assert server.count("/token") == 1


@pytest.mark.parametrize("code", ["access_denied", "expired_token", "invalid_grant"])
def test_a_refused_authorization_ends_with_1_and_says_why(
    commands: Commands, server: FakeServer, code: str
) -> None:
    server.will("/token", error(code, error_description="No, sorry"))
    commands.run("acquire")
    assert commands.run("complete", "--json") == ExitCode.REFUSED
    (line,) = commands.lines
    assert (line["outcome"], line["reason"], line["description"]) == ("refused", code, "No, sorry")
    assert commands.run("status") == ExitCode.NOT_LICENSED
    assert "The last try was refused: " in commands.out


def test_ctrl_c_while_waiting_is_clean_and_loses_nothing(commands: Commands, server: FakeServer) -> None:
    def interrupt(path: str) -> None:
        if path == "/token":
            raise KeyboardInterrupt

    commands.run("acquire")
    server.on_request = interrupt
    assert commands.run("complete") == ExitCode.INTERRUPTED
    assert "Stopped waiting; the user code stays good. To go on: authz-client complete" in commands.out
    server.on_request = lambda _path: None
    server.is_approved = True
    assert commands.run("complete") == ExitCode.OK


def test_acquiring_and_completing_on_a_licensed_server_is_done_already(licensed_commands: Commands) -> None:
    for command in ("acquire", "complete"):
        assert licensed_commands.run(command) == ExitCode.OK
        assert "This server is licensed already." in licensed_commands.out


# Status, refresh, remove


def test_status_shows_the_labels_of_the_guide_and_sends_nothing(
    licensed_commands: Commands, server: FakeServer
) -> None:
    assert licensed_commands.run("status") == ExitCode.OK
    assert licensed_commands.out.splitlines() == [
        "  License Status        Licensed",
        "  Server ID             srv-1",
        "  License Renewal Date  None",
        "  Features              xms",
        "  Hub Server Name       Hub",
        "  Hub Server URL        https://hub.example",
        "  Token Expiry          2027-01-22 08:00:00 UTC",
    ]
    assert server.requests == []


def test_status_as_json_is_one_object(licensed_commands: Commands) -> None:
    assert licensed_commands.run("status", "--json") == ExitCode.OK
    (line,) = licensed_commands.lines
    assert line["label"] == "Licensed"
    assert line["token_expires_at"] == START + WEEK


def test_status_warns(licensed_commands: Commands, times: Times) -> None:
    times.pass_(WEEK - DAY)
    assert licensed_commands.run("status") == ExitCode.OK
    assert "Token Expiry is near: The license token expires at 2027-01-22" in licensed_commands.out


def test_status_of_an_ended_license_is_1(licensed_commands: Commands, server: FakeServer) -> None:
    server.will("/token", error("invalid_grant", reason="license_revoked"))
    assert licensed_commands.run("refresh") == ExitCode.REFUSED
    assert licensed_commands.run("status") == ExitCode.REFUSED
    assert "Expired Requires Renewal (license_revoked)" in licensed_commands.out
    assert licensed_commands.run("acquire") == ExitCode.REFUSED
    assert "remove it before you acquire another" in licensed_commands.out


def test_status_without_a_license_is_3(commands: Commands) -> None:
    assert commands.run("status") == ExitCode.NOT_LICENSED
    assert "Get a license with: authz-client acquire --wait" in commands.out
    commands.run("acquire")
    assert commands.run("status") == ExitCode.NOT_LICENSED
    assert "BCDF-GHJK" in commands.out


@pytest.mark.parametrize("command", ["complete", "refresh"])
def test_what_needs_a_license_or_code_is_3_without(commands: Commands, command: str) -> None:
    assert commands.run(command) == ExitCode.NOT_LICENSED


def test_refresh_is_at_most_once_a_minute(licensed_commands: Commands, times: Times) -> None:
    assert licensed_commands.run("refresh") == ExitCode.OK
    assert licensed_commands.run("refresh") == ExitCode.NOT_YET
    times.pass_(60)
    assert licensed_commands.run("refresh") == ExitCode.OK


@pytest.mark.parametrize(
    "answer", [httpx2.ConnectError("away"), httpx2.ReadTimeout("slow"), httpx2.Response(503)]
)
def test_an_unreachable_server_is_4_and_changes_nothing(
    licensed_commands: Commands, server: FakeServer, answer: Exception | httpx2.Response
) -> None:
    server.will("/token", answer, answer)
    assert licensed_commands.run("refresh") == ExitCode.UNREACHABLE
    assert "nothing has changed" in licensed_commands.out
    assert "authz-client doctor" in licensed_commands.out
    assert licensed_commands.run("status") == ExitCode.OK


def test_remove_is_confirmed(licensed_commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    assert licensed_commands.run("remove") == ExitCode.USAGE
    assert "--yes" in licensed_commands.err
    assert licensed_commands.run("remove", "--json") == ExitCode.USAGE
    assert licensed_commands.lines[0]["error"] == "usage"
    monkeypatch.setattr("authz_client.cli._is_somebody_there", lambda: True)
    assert licensed_commands.run("remove", text="n\n") == ExitCode.INTERRUPTED
    assert licensed_commands.out.endswith("Nothing has been removed.\n")
    assert licensed_commands.run("status") == ExitCode.OK
    assert licensed_commands.run("remove", text="y\n") == ExitCode.OK
    assert licensed_commands.run("status") == ExitCode.NOT_LICENSED


def test_remove_works_offline_and_says_so(licensed_commands: Commands, server: FakeServer) -> None:
    server.will("/revoke", httpx2.ConnectError("away"))
    assert licensed_commands.run("remove", "--yes") == ExitCode.OK
    assert "will be told when it is reached" in licensed_commands.out
    assert licensed_commands.run("remove", "--yes") == ExitCode.OK
    assert server.revoked == ["secret-refresh-1"]
    assert licensed_commands.run("refresh") == ExitCode.NOT_LICENSED


# The state file and the options


def test_a_damaged_state_file_is_5_and_says_where_it_went(commands: Commands, state_file: Path) -> None:
    state_file.write_text("{")
    assert commands.run("status") == ExitCode.STATE_FILE
    assert f"it has been kept as {state_file}.damaged-1" in commands.err
    assert "acquire --wait" in commands.err
    assert commands.run("status") == ExitCode.NOT_LICENSED


@pytest.mark.parametrize("command", ["acquire", "status", "refresh", "complete", "run", "page"])
def test_anothers_state_file_is_5(licensed_commands: Commands, command: str) -> None:
    assert licensed_commands.run(command, "--client-id", "register") == ExitCode.STATE_FILE
    assert "belongs to client 'pos-server'" in licensed_commands.err
    assert "--state" in licensed_commands.err


def test_a_later_versions_state_file_is_5_and_no_matter_of_permissions(
    commands: Commands, state_file: Path
) -> None:
    state_file.write_text('{"version": 99, "state": {}}')
    assert commands.run("status") == ExitCode.STATE_FILE
    assert "later version" in commands.err
    assert "permissions" not in commands.err
    assert commands.run("doctor") == ExitCode.STATE_FILE
    assert "permissions" not in commands.out


@pytest.mark.parametrize(
    ("command", "advised"),
    [
        ("acquire", "complete"),
        ("status", "acquire --wait"),
        ("refresh", "acquire --wait"),
        ("doctor", "acquire --wait"),
    ],
)
def test_the_commands_that_are_advised_can_be_run_as_they_stand(
    commands: Commands, state_file: Path, command: str, advised: str
) -> None:
    spaced = state_file.with_name("my license.json")
    given = ("--issuer", ISSUER, "--state", str(spaced), "--insecure-host", "pos.test")
    commands.run(command, *given, is_ours=False)
    assert (
        f"authz-client {advised} --issuer {ISSUER} --state '{spaced}' --insecure-host pos.test"
        in commands.out
    )


def test_what_the_environment_says_is_not_repeated(commands: Commands, state_file: Path) -> None:
    commands.env = {"AUTHZ_ISSUER": ISSUER, "AUTHZ_STATE": str(state_file)}
    assert commands.run("status", is_ours=False) == ExitCode.NOT_LICENSED
    assert commands.out.endswith("authz-client acquire --wait\n")


def test_an_unwritable_directory_is_5(commands: Commands, tmp_path: Path) -> None:
    where = str(tmp_path / "nowhere" / "license.json")
    assert commands.run("acquire", "--issuer", ISSUER, "--state", where, is_ours=False) == ExitCode.STATE_FILE
    assert f"there is no directory {tmp_path / 'nowhere'}\n" in commands.err
    assert commands.run("acquire", "--issuer", ISSUER, "--state", where, "--json", is_ours=False) == (
        ExitCode.STATE_FILE
    )
    assert commands.lines[0]["error"] == "state_file"


def test_without_an_issuer_the_state_files_is_used(licensed_commands: Commands, state_file: Path) -> None:
    assert licensed_commands.run("status", "--state", str(state_file), is_ours=False) == ExitCode.OK


@pytest.mark.parametrize("issuer", ["http://authz.example", "ftp://x", "https://x?y", "nonsense"])
def test_an_unusable_issuer_is_2(commands: Commands, issuer: str) -> None:
    commands.issuer = issuer
    assert commands.run("acquire") == ExitCode.USAGE
    assert "--issuer: an issuer" in commands.err


def test_options_can_come_from_the_environment(licensed_commands: Commands, state_file: Path) -> None:
    licensed_commands.env = {
        "AUTHZ_ISSUER": ISSUER,
        "AUTHZ_STATE": str(state_file),
        "AUTHZ_CLIENT_ID": "pos-server",
        "AUTHZ_JSON": "1",
    }
    assert licensed_commands.run("status", is_ours=False) == ExitCode.OK
    assert licensed_commands.lines[0]["server_id"] == "srv-1"
    licensed_commands.env["AUTHZ_CLIENT_ID"] = "register"
    assert licensed_commands.run("status", is_ours=False) == ExitCode.STATE_FILE


def test_a_development_host_may_be_spoken_to_over_http_when_declared(commands: Commands) -> None:
    commands.issuer = "http://authz.test"
    assert commands.run("status", "--insecure-host", "authz.test") == ExitCode.NOT_LICENSED


def test_the_default_state_file_is_in_a_directory_of_its_owner(commands: Commands, tmp_path: Path) -> None:
    commands.env = {"XDG_STATE_HOME": str(tmp_path / "state"), "AUTHZ_ISSUER": ISSUER}
    assert commands.run("acquire", is_ours=False) == ExitCode.OK
    directory = tmp_path / "state" / "authz-client"
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE((directory / "license.json").stat().st_mode) == 0o600


# What is never shown


def test_no_secret_is_printed_by_any_command(
    commands: Commands, server: FakeServer, state_file: Path, times: Times
) -> None:
    shown, held = [], ""
    server.is_approved = True
    for arguments in (["acquire"], ["complete"], ["status"], ["refresh"], ["doctor"], ["remove", "--yes"]):
        for form in ([], ["--json"]):
            times.pass_(60)
            commands.run(*arguments, *form)
            shown.append(commands.out + commands.err)
        if arguments == ["doctor"]:
            held = json.loads(state_file.read_text())["state"]["license"]["current"]["license_token"]
    text = "".join(shown)
    assert "secret-" not in text
    assert held
    assert held not in text
    assert held.split(".")[1] not in text


# Help, completion, start


def test_every_command_explains_itself_and_the_exit_codes(commands: Commands) -> None:
    for command in COMMANDS:
        assert commands.run(command, "--help", is_ours=False) == ExitCode.OK
        for code, meaning in MEANINGS.items():
            assert re.search(rf"{code.value}  {re.escape(meaning)}", commands.out), command
        for option in ("--issuer", "--client-id", "--state", "--json"):
            assert option in commands.out
    assert commands.run("--help", is_ours=False) == ExitCode.OK
    assert sorted([*COMMANDS, "completion"]) == sorted(cli.commands)


def test_every_outcome_has_an_exit_code(commands: Commands) -> None:
    from authz_client.exit_codes import of_outcome  # noqa: PLC0415 - for this test alone
    from authz_client.outcome import Outcome  # noqa: PLC0415 - likewise
    from authz_client.wording import sentence  # noqa: PLC0415 - likewise

    for kind in Kind:
        outcome = Outcome(kind)
        assert (of_outcome(outcome) is ExitCode.OK) == (outcome.is_success or kind is Kind.ALREADY_LICENSED)
        assert sentence(outcome).endswith(".")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(commands: Commands, shell: str) -> None:
    assert commands.run("completion", shell, is_ours=False) == ExitCode.OK
    assert "_AUTHZ_CLIENT_COMPLETE" in commands.out


def test_status_starts_without_what_it_does_not_need() -> None:
    heavy = ["httpx2", "segno", "jinja2", "uvicorn", "starlette", "asyncio"]
    script = f"import sys, authz_client.cli; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.strip() == "[]"


# With the real server


def test_the_whole_story_with_the_real_server(commands: Commands) -> None:
    site = a_site(now=START)
    commands.transport = OverAsgi(site.server)
    commands.issuer = site.sandbox.issuer
    assert commands.run("acquire", "--json") == ExitCode.OK
    site.approve(commands.lines[0]["user_code"])
    assert commands.run("complete") == ExitCode.OK
    assert "Server ID             store-12" in commands.out
    assert commands.run("refresh") == ExitCode.OK
    assert commands.run("doctor") == ExitCode.OK
    assert "License token          verified" in commands.out
    assert commands.run("remove", "--yes") == ExitCode.OK
    assert "The license is removed." in commands.out
