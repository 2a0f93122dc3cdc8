"""The command `mock-authz`: what it prints, what it refuses in one clear line, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from mock_authz import cli
from tests.programs import MOCK_AUTHZ, ROOT, environment, needed, process, run, serve

Refuse = Callable[..., str]
DEMO_LINES = ["organizations:", "  - id: harbor", "    nam: Harbor Coffee"]


@pytest.fixture
def refuse(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Refuse:
    """Run the command in this process; give the one line that it says before it ends with 2."""

    def refused(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["mock-authz", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        assert ended.value.code == 2
        assert said.out == ""
        assert said.err.count("\n") == 1, said.err
        return said.err.rstrip("\n")

    return refused


# What it prints


def test_json_is_one_line_with_all_that_a_script_needs_and_port_0_takes_a_free_one() -> None:
    with serve() as first, serve() as second:
        assert first.base_url != second.base_url
        said = first.said
        assert said["mock"] is True
        assert said["pid"] == first.process.pid
        assert said["issuer"] == said["base_url"]
        assert said["verification_uri"] == f"{said['issuer']}/device"
        assert said["login"] == {"username": "admin", "password": "demo"}
        assert said["control_token"] is None
        assert said["clock"]["mode"] == "real"
        metadata = httpx2.get(f"{first.issuer}/.well-known/oauth-authorization-server").json()
        assert metadata["issuer"] == first.issuer
        assert first.manage("GET", "/organizations").status_code == 200
        assert httpx2.get(f"{said['control_url']}/sandboxes").status_code == 200
        first.process.terminate()
        assert first.process.stdout is not None
        assert first.process.stdout.read() == ""


def test_people_are_told_where_it_is_how_to_log_in_and_that_it_is_a_mock() -> None:
    with process([*MOCK_AUTHZ, "serve", "--port", "0", "--clock", "frozen:2027-01-31T08:00:00Z"]) as started:
        assert started.stdout is not None
        lines = [started.stdout.readline() for _ in range(10)]
    text = "".join(lines)
    assert "a MOCK of the Kensium Authorization server" in lines[0]
    assert "\x1b" not in text, "no terminal: no colours"
    for label in ("Issuer", "Log in", "Authorize Device", "Management API", "Control API"):
        assert label in text
    assert "admin / demo" in text
    assert "2027-01-31 08:00 UTC, frozen" in text


@pytest.mark.parametrize("unwanted", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=" ".join)
def test_a_terminal_gets_colours_unless_they_are_unwanted(unwanted: dict[str, str]) -> None:
    coloured, plain = _banner_in_a_terminal(TERM="xterm"), _banner_in_a_terminal(**unwanted)
    assert coloured.startswith("\x1b[1mmock-authz")
    assert plain.startswith("mock-authz")
    assert "\x1b" not in plain


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_what_is_printed_at_start_fits_a_narrow_terminal_and_breaks_no_word(columns: int) -> None:
    lines = _banner_in_a_terminal(COLUMNS=str(columns), NO_COLOR="1").splitlines()
    too_long = [line for line in lines if len(line) > columns]
    # A token is longer than 40 columns, and whole all the same: it is there to be copied.
    assert [re.fullmatch(r" {4}[\w-]{43}", line) is not None for line in too_long] == [True] * (columns == 40)
    assert "server, for tests only: never license a real POS server with it. Issuer" in " ".join(
        " ".join(lines).split()
    )
    assert ("  Issuer" in lines) is (columns < 80), "too narrow for two columns"


def _banner_in_a_terminal(**changes: str) -> str:
    ours, theirs = os.openpty()
    try:
        with subprocess.Popen(  # noqa: S603 - our own command
            [*MOCK_AUTHZ, "serve", "--port", "0"], env=environment(**changes), stdout=theirs
        ) as started:
            try:
                return os.read(ours, 1024).decode()
            finally:
                started.terminate()
    finally:
        os.close(ours)
        os.close(theirs)


def test_options_can_be_given_in_the_environment() -> None:
    given = {"MOCK_AUTHZ_SERVE_CLOCK": "offset:P30D", "MOCK_AUTHZ_SERVE_ALLOWED_HOST": "pos.example.test"}
    with serve(env=environment(**given)) as served:
        assert served.said["clock"]["mode"] == "offset"
        answer = httpx2.get(f"{served.base_url}/jwks", headers={"host": "pos.example.test"})
        assert answer.status_code == 200


def test_the_version_is_shown() -> None:
    said = run([*MOCK_AUTHZ, "--version"])
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.startswith("mock-authz, version ")


def test_without_a_command_the_help_is_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["mock-authz"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert "serve" in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_completion_script(shell: str) -> None:
    said = run([*MOCK_AUTHZ, "completion", shell])
    assert (said.returncode, said.stderr) == (0, "")
    assert "_MOCK_AUTHZ_COMPLETE" in said.stdout
    if shell == "bash":
        read = run([needed("bash", why="it reads its completion script"), "-n", "-c", said.stdout])
        assert (read.returncode, read.stderr) == (0, "")


def completed(incomplete: str, *before: str, cwd: Path = ROOT) -> list[str]:
    """Complete a word as bash would, after others; give type and value of each completion."""
    words = " ".join(["mock-authz", *before, incomplete])
    asked = {"_MOCK_AUTHZ_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(before) + 1)}
    said = run(MOCK_AUTHZ, cwd=cwd, env=environment(**asked))
    assert said.stderr == ""
    return said.stdout.split()


@pytest.mark.parametrize(
    ("incomplete", "completions"),
    [("", ["real", "offset:", "frozen:"]), ("r", ["real"]), ("off", ["offset:"]), ("f", ["frozen:"]), ("x", [])],
)  # fmt: skip
def test_a_clock_is_completed_as_far_as_it_can_be_known(incomplete: str, completions: list[str]) -> None:
    assert completed(incomplete, "serve", "--clock") == [f"plain,{one}" for one in completions]


def test_a_seed_is_completed_as_what_is_built_in_or_as_a_file(tmp_path: Path) -> None:
    seed = ("serve", "--seed")
    assert completed("", *seed, cwd=tmp_path) == ["plain,demo", "plain,empty"]
    assert completed("sh", *seed, cwd=tmp_path) == ["file,sh"]
    for name in ("downtown.yaml", "shop.yaml"):
        (tmp_path / name).write_text("{}")
    assert completed("d", *seed, cwd=tmp_path) == ["plain,demo", "plain,downtown.yaml"]
    assert completed("demo", *seed, cwd=tmp_path) == ["plain,demo"]
    assert completed("[", *seed, cwd=tmp_path) == ["file,["]


# What it refuses


@pytest.mark.parametrize("option", ["--port", "--control-port"])
def test_a_busy_port_is_one_line_that_says_what_to_do(refuse: Refuse, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        line = refuse("serve", "--port", "0", option, port)
    assert line == (
        f"mock-authz: cannot listen on 127.0.0.1 port {port}: Address already in use."
        f" Choose another {option}; 0 takes a free one."
    )


def test_an_address_of_another_machine_is_no_matter_of_the_port(refuse: Refuse, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("correct horse")
    remote = ("--allow-remote", "--admin-password-file", str(tmp_path / "password"))
    line = refuse("serve", "--host", "192.0.2.7", "--port", "9700", *remote)  # an address for documentation
    assert line.endswith("Cannot assign requested address.")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["serve", "--port", "65536"], "'--port': 65536 is not in the range 0<=x<=65535"),
        (["serve", "--port", "http"], "'--port': 'http' is not a valid integer range"),
        (["serve", "--prt", "1"], "No such option '--prt'"),
        (["serve", "now"], "unexpected extra argument (now)"),
        (["server"], "No such command 'server'"),
        (["serve", "--alg", "none"], "'none' is not one of 'ES256', 'RS256', 'Ed25519'"),
        (["serve", "--preset", "slow"], "'slow' is not 'fast'"),
        (["serve", "--clock", "tomorrow"], "--clock: 'tomorrow' is not a clock: give real, offset:P30D"),
        (["serve", "--clock", "frozen:"], "--clock: 'frozen:' is not a clock"),
        (["serve", "--clock", "frozen:2027-02-30"], "--clock: '2027-02-30' is not"),
        (["serve", "--clock", "offset:30 days"], "'30 days' is not an ISO 8601 duration: give P30D"),
        (["serve", "--issuer", "ftp://127.0.0.1"], "--issuer: 'ftp://127.0.0.1' is not an absolute http"),
        (["serve", "--issuer", "http://127.0.0.1/"], "without query, fragment or trailing slash"),
        (["serve", "--issuer", ""], "--issuer: ''"),
        (["serve", "--seed", "absent.yaml"], "absent.yaml: there is no such file, and the seeds that are built in"),
        (["serve", "--allowed-host", "http://shop.test"], "--allowed-host: 'http://shop.test' is no host name"),
        (["serve", "--host", "no.such.host.invalid", "--allow-remote"], "--allow-remote needs --admin-password"),
        (["completion", "tcsh"], "'tcsh' is not one of 'bash', 'zsh', 'fish'"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_in_one_line_that_says_what_would_be_right(
    refuse: Refuse, arguments: list[str], says: str
) -> None:
    port = ["--port", "0"] if arguments[0] == "serve" and "--port" not in arguments else []
    assert says in refuse(*arguments, *port)


def test_the_line_about_a_wrong_option_names_the_help_that_lists_them(refuse: Refuse) -> None:
    assert refuse("serve", "--prt", "1").endswith("All options: mock-authz serve --help")
    assert refuse("server").endswith("All options: mock-authz --help")


def test_a_wrong_seed_is_told_with_file_and_line_all_at_once(tmp_path: Path) -> None:
    seed = tmp_path / "shop.yaml"
    seed.write_text("\n".join(DEMO_LINES), encoding="utf-8")
    said = run([*MOCK_AUTHZ, "serve", "--port", "0", "--seed", str(seed)])
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.splitlines() == [
        f'{seed}:2: organizations[0]: the key "name" is missing',
        f'{seed}:3: organizations[0].nam: there is no such key; did you mean "name"?',
    ]


# Off loopback


@pytest.mark.parametrize("host", ["127.0.0.2", "0.0.0.0", "::", ""])  # noqa: S104 - refused, not bound
def test_an_address_off_loopback_is_refused_unless_asked_for(refuse: Refuse, host: str) -> None:
    line = refuse("serve", "--port", "0", "--host", host)
    assert line == (
        f"mock-authz: {host!r} is not on loopback. This is a mock: add --allow-remote if others must reach it."
    )


@pytest.mark.parametrize(
    ("held", "says"),
    [
        (None, "No such file or directory"),
        (b"", "holds no password of your own."),
        (b"\n", "holds no password of your own."),
        (b"demo\n", "holds no password of your own."),
        (b"\xff", "is not UTF-8 text"),
    ],
)
def test_off_loopback_a_password_of_ones_own_is_asked_for(
    refuse: Refuse, tmp_path: Path, held: bytes | None, says: str
) -> None:
    file = tmp_path / "password"
    if held is not None:
        file.write_bytes(held)
    remote = ["--host", "127.0.0.2", "--allow-remote", "--admin-password-file", str(file)]
    assert refuse("serve", "--port", "0", *remote) == f"mock-authz: {file}: {says}"


def test_off_loopback_with_a_password_it_serves_and_guards_control_with_a_token(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("quayside\n", encoding="utf-8")
    remote = ("--host", "127.0.0.2", "--allow-remote", "--admin-password-file", str(file))
    with serve(*remote) as served:
        assert served.base_url.startswith("http://127.0.0.2:")
        assert served.said["login"] == {"username": "admin", "password": None}
        control = f"{served.said['control_url']}/sandboxes"
        assert httpx2.get(control).status_code == 401
        bearer = {"authorization": f"Bearer {served.said['control_token']}"}
        assert httpx2.get(control, headers=bearer).status_code == 200
        assert _can_log_in(served.issuer, "quayside")
        assert not _can_log_in(served.issuer, "demo")


def test_a_password_file_counts_on_loopback_too(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("quayside", encoding="utf-8")
    with serve("--admin-password-file", str(file)) as served:
        assert served.said["login"] == {"username": "admin", "password": None}
        assert _can_log_in(served.issuer, "quayside")
        assert not _can_log_in(served.issuer, "demo")


def _can_log_in(issuer: str, password: str) -> bool:
    with httpx2.Client(headers={"accept": "text/html"}) as browser:
        page = browser.get(f"{issuer}/login").text
        name, _, rest = page.partition('name="csrf_token" value="')
        assert rest, name
        form = {"csrf_token": rest.partition('"')[0], "username": "admin", "password": password}
        return browser.post(f"{issuer}/login", data=form).status_code == 303


def test_a_host_is_answered_when_it_is_allowed_whatever_its_case_and_port() -> None:
    with serve("--allowed-host", "POS.Example.test:8628") as served:
        metadata = f"{served.base_url}/.well-known/oauth-authorization-server"
        assert httpx2.get(metadata, headers={"host": "pos.example.test"}).status_code == 200
        assert httpx2.get(metadata, headers={"host": "other.example.test"}).status_code == 421


# How it ends


def test_ctrl_c_ends_it_with_130_and_without_a_traceback() -> None:
    with serve(stderr=subprocess.PIPE) as served:
        assert httpx2.get(f"{served.base_url}/jwks").status_code == 200
        served.process.send_signal(signal.SIGINT)
        out, err = served.process.communicate()
        assert (served.process.returncode, out, err) == (130, "", "")


def test_a_terminated_server_says_nothing() -> None:
    with serve(stderr=subprocess.PIPE) as served:
        served.process.terminate()
        out, err = served.process.communicate()
        assert (served.process.returncode, out, err) == (-signal.SIGTERM, "", "")


def test_the_json_line_is_written_before_anything_else_and_whole() -> None:
    command = [*MOCK_AUTHZ, "serve", "--port", "0", "--json"]
    with process(command) as started:
        assert started.stdout is not None
        line = started.stdout.readline()
        assert line.endswith("}\n")
        assert json.loads(line)["pid"] == started.pid
