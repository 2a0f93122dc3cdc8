"""What the three commands do when what they print cannot be written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.programs import environment, needed

COMMANDS: Final = {
    "mock-authz": [
        ["serve", "--port", "0", "--json"],
        ["serve", "--port", "0"],
        ["completion", "bash"],
        ["--help"],
    ],
    "authz-client": [["status", "--json"], ["doctor"], ["completion", "bash"], ["--help"]],
    "authz-conformance": [["requirements", "--json"], ["requirements"], ["completion", "bash"], ["--help"]],
}
MODULES: Final = {
    "mock-authz": "mock_authz.cli",
    "authz-client": "authz_client.cli",
    "authz-conformance": "authz_conformance.cli",
}
CASES: Final = [(program, arguments) for program, all_of_it in COMMANDS.items() for arguments in all_of_it]


def started(program: str, arguments: list[str], home: Path) -> tuple[list[str], dict[str, str]]:
    """Give the command, and an environment in which the client has an issuer and a state file of its own."""
    env = environment(AUTHZ_ISSUER="http://127.0.0.1:1", AUTHZ_STATE=str(home / "license.json"))
    return [sys.executable, "-m", MODULES[program], *arguments], env


@pytest.mark.parametrize(("program", "arguments"), CASES)
def test_a_full_disk_is_one_line_and_exit_code_74(program: str, arguments: list[str], tmp_path: Path) -> None:
    command, env = started(program, arguments, tmp_path)
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(  # noqa: S603 - our own commands
            command, stdout=full, stderr=subprocess.PIPE, text=True, env=env, check=False, timeout=60
        )
    assert ended.stderr == f"{program}: cannot write: No space left on device\n"
    assert ended.returncode == 74


@pytest.mark.parametrize(
    "line",
    [
        "mock_authz.cli completion bash",
        "authz_client.cli status --json",
        "authz_conformance.cli requirements --json",
        "authz_conformance.cli requirements",
    ],
)
def test_a_reader_that_has_seen_enough_is_no_error(line: str, tmp_path: Path) -> None:
    _, env = started("authz-client", [], tmp_path)
    bash = needed("bash", why="its pipe closes while a command writes")
    # The reader is gone before anything is written, so that the write fails every time.
    script = f"{{ sleep 0.2; {sys.executable} -m {line}; }} | true"
    ended = subprocess.run([bash, "-c", script], capture_output=True, text=True, env=env, check=False)  # noqa: S603 - our own commands
    assert (ended.stdout, ended.stderr) == ("", "")
