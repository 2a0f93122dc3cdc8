"""https to a server whose certificate is a private authority's: --ca."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from authz_client.exit_codes import ExitCode
from tests.client.commands import Commands
from tests.programs import Served, environment, run, serve

CLIENT = (sys.executable, "-m", "authz_client.cli")


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serve("--tls") as started:
        yield started


def client(served: Served, home: Path, *arguments: str, **env: str) -> tuple[int, str, str]:
    """Run the command with a state file of its own; give its exit code, and what it said."""
    options = ["--issuer", served.issuer, "--state", str(home / "license.json")]
    ended = run([*CLIENT, *arguments, *options], env=environment(**env))
    return ended.returncode, ended.stdout, ended.stderr


def test_a_private_authority_is_trusted_when_it_is_named(served: Served, tmp_path: Path) -> None:
    code, out, err = client(served, tmp_path, "acquire", "--ca", served.said["ca_file"])
    assert (code, err) == (ExitCode.OK, "")
    assert "User Code" in out


def test_the_authority_can_be_named_in_the_environment(served: Served, tmp_path: Path) -> None:
    code, out, _ = client(served, tmp_path, "doctor", AUTHZ_CA=served.said["ca_file"])
    assert code == ExitCode.OK
    assert "is who it says it is" in out


def test_a_certificate_that_is_not_trusted_is_told_as_that(served: Served, tmp_path: Path) -> None:
    code, out, err = client(served, tmp_path, "acquire")
    assert code == ExitCode.UNREACHABLE
    assert "no authority that is trusted here vouches for the Authorization server's certificate" in out + err


def test_doctor_says_what_to_do_about_a_private_authority(served: Served, tmp_path: Path) -> None:
    code, out, _ = client(served, tmp_path, "doctor")
    assert code == ExitCode.UNREACHABLE
    assert "--ca FILE" in out


def test_doctor_doubts_an_authority_that_does_not_vouch_for_the_server(
    served: Served, tmp_path: Path
) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    code, out, _ = client(served, tmp_path, "doctor", "--ca", str(other))
    assert code == ExitCode.UNREACHABLE
    assert f"is {other} the certificate of its authority" in out


# What the file holds, None for no file; and what is said of it.
USELESS = [(None, "No such file or directory"), ("no certificate", "this is no PEM file of certificates")]


@pytest.mark.parametrize("useless", USELESS)
@pytest.mark.parametrize("command", ["acquire", "doctor", "page"])
def test_a_file_that_holds_no_certificate_is_one_line(
    commands: Commands, tmp_path: Path, command: str, useless: tuple[str | None, str]
) -> None:
    text, says = useless
    file = tmp_path / "ca.pem"
    if text is not None:
        file.write_text(text)
    options = ["--port", "0"] if command == "page" else []
    assert commands.run(command, "--ca", str(file), *options) == ExitCode.USAGE
    assert commands.err == f"authz-client: --ca: {file}: {says}\nAll options: authz-client {command} --help\n"
