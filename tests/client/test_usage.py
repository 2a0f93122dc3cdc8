"""A command line that is wrong: one line that says so and one that says where to look, or one line of JSON."""

from pathlib import Path

import pytest

from authz_client.exit_codes import ExitCode
from tests.client.commands import Commands

# A command line; what is said of it; whose help is named.
WRONG = [
    (["--bogus"], "No such option '--bogus'", ""),
    (["aquire"], "No such command 'aquire'", ""),
    (["status", "--bogus"], "No such option '--bogus'", " status"),
    (["acquire", "now"], "Got unexpected extra argument (now)", " acquire"),
    (["page", "--port", "65536"], "65536 is not in the range", " page"),
    (["status", "--state"], "Option '--state' requires an argument", " status"),
    (["status", "--state", "/"], "File '/' is a directory", " status"),
    (["completion", "tcsh"], "'tcsh' is not one of 'bash', 'zsh', 'fish'", " completion"),
    (["remove", "--issuer", "http://127.0.0.1:8628"], "There is nobody to confirm the removal", " remove"),
]


@pytest.mark.parametrize(("words", "says", "command"), WRONG)
def test_what_is_wrong_with_a_command_line_is_one_line_and_one_that_says_where_to_look(
    commands: Commands, words: list[str], says: str, command: str
) -> None:
    assert commands.run(*words, is_ours=False) == ExitCode.USAGE
    line, hint = commands.err.splitlines()
    assert line.startswith("authz-client: ")
    assert says in line
    assert hint == f"All options: authz-client{command} --help"
    assert commands.out == ""


@pytest.mark.parametrize(("words", "says", "command"), WRONG)
@pytest.mark.parametrize("is_environment", [False, True])
def test_with_json_it_is_one_line_of_json(
    commands: Commands, words: list[str], says: str, command: str, *, is_environment: bool
) -> None:
    commands.env = {"AUTHZ_JSON": "yes"} if is_environment else {}
    asked = [*words[:1], *([] if is_environment else ["--json"]), *words[1:]]
    assert commands.run(*asked, is_ours=False) == ExitCode.USAGE
    (line,) = commands.lines
    assert line["error"] == "usage"
    assert says in line["message"] or "No such option '--json'" in line["message"]
    assert line["hint"].startswith("All options: authz-client")
    assert line["hint"].endswith(f"{command} --help")
    assert commands.err == ""


def test_json_that_the_environment_asks_for_in_no_known_word_is_not_guessed(commands: Commands) -> None:
    commands.env = {"AUTHZ_JSON": "perhaps"}
    assert commands.run("status", is_ours=False) == ExitCode.USAGE
    assert "'perhaps' is not a valid boolean" in commands.err


@pytest.mark.parametrize("command", ["acquire", "complete", "doctor", "page", "refresh", "run"])
def test_no_issuer_at_all_is_2(commands: Commands, state_file: Path, command: str) -> None:
    assert commands.run(command, "--state", str(state_file), is_ours=False) == ExitCode.USAGE
    assert "AUTHZ_ISSUER" in commands.err


def test_status_needs_no_issuer_to_say_that_there_is_no_license(commands: Commands, state_file: Path) -> None:
    nobodys = ("--state", str(state_file))
    assert commands.run("status", *nobodys, is_ours=False) == ExitCode.NOT_LICENSED
    assert "This server is not licensed." in commands.out
    assert f"authz-client acquire --wait --issuer URL --state {state_file}" in commands.out
    assert not state_file.exists()
    assert commands.run("status", "--json", *nobodys, is_ours=False) == ExitCode.NOT_LICENSED
    assert commands.lines[0]["license_status"] == "unlicensed"


def test_status_without_an_issuer_keeps_a_damaged_file_aside_as_ever(
    commands: Commands, state_file: Path
) -> None:
    state_file.write_text("{")
    assert commands.run("status", "--state", str(state_file), is_ours=False) == ExitCode.STATE_FILE
    assert f"{state_file}.damaged-1" in commands.err
