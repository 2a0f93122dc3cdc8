"""The drivers beside our control API: commands, a person, a Python class, libfaketime, real time."""

from __future__ import annotations

import io
import shlex
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from authz_conformance import real_time
from authz_conformance.catalogue import Capability
from authz_conformance.clocks.by_command import ByCommandClock
from authz_conformance.clocks.faketime import FaketimeClock, find_library
from authz_conformance.clocks.real import RealClock
from authz_conformance.exit_codes import ExitCode
from authz_conformance.targets.commands import Command
from authz_conformance.targets.lending import DeclaredDevices
from authz_conformance.targets.person import Person
from authz_conformance.targets.ports import Device, Entry, Human
from authz_conformance.verdicts import AdapterError, NotTestable
from tests.conformance import broken_servers
from tests.conformance.kit import Judged, config, judge, run
from tests.programs import Served

APPROVE = Path(__file__).with_name("approve.py")
STORE = Device(id="store-12")
PYTHON = shlex.quote(sys.executable)


def _command(code: str, seconds: float = 20.0) -> Command:
    return Command(
        key="human.approve", line=f"{PYTHON} -c {shlex.quote(code)} {{user_code}}", seconds=seconds
    )


# ------------------------------------------------------------------------------------------------- commands
def test_a_command_gets_arguments_and_json_and_answers_in_json() -> None:
    code = 'import json,sys; told=json.load(sys.stdin); print(json.dumps({"got": [sys.argv[1], told]}))'
    answer = _command(code).run({"user_code": "a b; c", "device": None})
    assert answer.members["got"] == [
        "a b; c",
        {"operation": "approve", "user_code": "a b; c", "device": None},
    ]
    assert not answer.refused


def test_exit_code_10_is_a_refusal_and_no_fault_of_the_command() -> None:
    assert _command("raise SystemExit(10)").run({"user_code": "x"}).refused


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ('import sys; sys.exit("no such door")', "human.approve: ended with 1: no such door"),
        ("raise SystemExit(3)", "human.approve: ended with 3, and wrote nothing to standard error"),
        ('print("done")', "human.approve: printed something else than a JSON object: done"),
        ("import time; time.sleep(60)", "human.approve: took longer than 0.5 s"),
    ],
)
def test_a_command_that_does_not_do_its_part_is_an_adapter_error(code: str, said: str) -> None:
    with pytest.raises(AdapterError, match=said.replace(".", r"\.")):
        _command(code, seconds=0.5 if "sleep" in code else 20.0).run({"user_code": "x"})


def test_a_command_that_is_not_there_is_an_adapter_error() -> None:
    with pytest.raises(AdapterError, match=r"\./nowhere: No such file"):
        Command(key="human.approve", line="./nowhere", seconds=5).run({})


def _by_commands(served: Served, directory: Path, *, approve: str = "approve") -> str:
    text = f"""
        [target]
        issuer = "{served.issuer}"
        profiles = ["rfc8628", "license"]
        clients = ["pos-server", "register"]
        scope = "license"
        [human]
        driver = "command"
        approve = '{PYTHON} {APPROVE} {approve} {served.issuer} {{user_code}} {{device}}'
        deny = '{PYTHON} {APPROVE} deny {served.issuer} {{user_code}} {{device}}'
        [provisioning]
        driver = "declared"
        devices = ["store-1", "store-2", "head-office"]
    """
    return config(directory, text)


@pytest.fixture
def devices(served: Served) -> Iterator[None]:
    """Devices that the configuration declares."""
    organization = served.manage("GET", "/organizations").json()[0]["organization_id"]
    names = ("kit-1", "kit-2", "kit-3", "kit-4")
    for name in names:
        body = {"server_id": name, "organization": organization, "name": name, "edition": "store"}
        served.manage("POST", "/devices", json=body)
    yield
    for name in names:
        served.manage("DELETE", f"/devices/{name}")


def _declared(path: str) -> None:
    text = (
        Path(path)
        .read_text("utf-8")
        .replace('["store-1", "store-2", "head-office"]', '["kit-1", "kit-2", "kit-3", "kit-4"]')
    )
    Path(path).write_text(text, "utf-8")


@pytest.mark.usefixtures("devices")
def test_our_own_server_is_judged_through_commands_without_moving_its_clock(
    served: Served, tmp_path: Path
) -> None:
    path = _by_commands(served, tmp_path)
    _declared(path)
    tried = ["redeem.approved-gives-tokens", "poll.denied-is-access-denied", "poll.expired-is-expired-token"]
    judged = judge("--config", path, *(w for one in tried for w in ("--rule", one)), into=tmp_path / "r")
    assert judged.verdict("redeem.approved-gives-tokens") == "passed", judged.output
    assert judged.verdict("poll.denied-is-access-denied") == "passed"
    expired = judged.rule("poll.expired-is-expired-token")
    assert expired["verdict"] == "unsupported"
    assert "the target does not declare advance_clock" in expired["why"]
    assert run("smoke", "--config", path).exit_code == ExitCode.OK


@pytest.mark.usefixtures("devices")
def test_smoke_tells_an_adapter_that_does_nothing_from_a_broken_server(
    served: Served, tmp_path: Path
) -> None:
    text = Path(_by_commands(served, tmp_path)).read_text("utf-8")
    path = config(tmp_path, text.replace(str(APPROVE), "-c 0 "))
    _declared(path)
    result = run("smoke", "--config", path)
    assert result.exit_code == ExitCode.ADAPTER_ERROR
    assert (
        "adapter  tokens: the human says that the code is approved, and the server says that it is pending"
        in result.output
    )


def test_a_declaration_that_claims_too_little_shows(served: Served, tmp_path: Path) -> None:
    text = Path(_by_commands(served, tmp_path)).read_text("utf-8")
    text = text.replace("[human]", 'capabilities = ["metadata", "refresh_tokens"]\n[human]')
    judged = judge("--config", config(tmp_path, text), "--rule", "metadata.json", into=tmp_path / "r")
    assert judged.exit_code == ExitCode.OK
    said = [claim["says"] for claim in judged.report["claims"]]
    assert "revocation is not declared, but the metadata has it: its rules were not tried" in said


def test_a_declaration_that_claims_too_much_is_the_adapters_fault(tmp_path: Path) -> None:
    with broken_servers.broken(broken_servers.Dying(requests=99)) as issuer:
        text = f'[target]\nissuer = "{issuer}"\ncapabilities = ["metadata", "jwks"]\n'
        options = [
            "--config",
            config(tmp_path, text),
            "--rule",
            "metadata.json",
            "--rule",
            "keys.nothing-private",
        ]
        judged = judge(*options, into=tmp_path / "r")
    assert judged.exit_code == ExitCode.ADAPTER_ERROR
    assert judged.report["claims"][0]["says"] == "jwks is declared, but the metadata has no jwks_uri"
    assert judged.verdict("metadata.json") == "passed"


# --------------------------------------------------------------------------------------------------- person
def _person(typed: str) -> tuple[Person, list[str]]:
    said: list[str] = []
    return Person(seconds=5, source=io.StringIO(typed), say=said.append, where="http://a/device"), said


def test_a_person_is_told_what_to_do_and_presses_enter() -> None:
    person, said = _person("\n")
    assert person.approve("BCDF-GHJK", STORE) == Entry(accepted=True)
    assert said[0] == "Please approve the user code BCDF-GHJK for the device store-12 at http://a/device."


def test_what_a_person_types_is_what_the_server_said() -> None:
    person, _ = _person("unknown code\n")
    assert person.deny("BCDF-GHJK") == Entry(accepted=False, detail="unknown code")


@pytest.mark.parametrize(
    ("typed", "said"), [("q\n", "the person could not deny"), ("", "standard input has ended")]
)
def test_a_person_who_is_not_there_is_an_adapter_error(typed: str, said: str) -> None:
    person, _ = _person(typed)
    with pytest.raises(AdapterError, match=said):
        person.deny("BCDF-GHJK")


def test_a_person_who_does_not_answer_is_not_waited_for_forever() -> None:
    mine, theirs = socket.socketpair()
    with mine, theirs, mine.makefile("r") as silent:
        person = Person(seconds=0.1, source=silent, say=lambda _: None)
        with pytest.raises(AdapterError, match=r"nobody answered within 0\.1 s"):
            person.deny("BCDF-GHJK")


# --------------------------------------------------------------------------------------------- Python class
class Obliging(Human):
    """A Python adapter."""

    offers = frozenset({Capability.APPROVE})

    def __init__(self, *, issuer: str) -> None:
        self._command = Command(
            key="human.approve",
            line=f"{PYTHON} {APPROVE} approve {issuer} {{user_code}} {{device}}",
            seconds=20,
        )

    def approve(self, user_code: str, device: Device, *, administrator: str | None = None) -> Entry:
        assert administrator is None
        answer = self._command.run({"user_code": user_code, "device": device.id})
        return Entry(accepted=not answer.refused)


@pytest.mark.usefixtures("devices")
def test_a_python_class_is_an_adapter(served: Served, tmp_path: Path) -> None:
    text = f"""
        [target]
        issuer = "{served.issuer}"
        [human]
        driver = "python"
        adapter = "{__name__}:Obliging"
        options = {{ issuer = "{served.issuer}" }}
        [provisioning]
        driver = "declared"
        devices = ["kit-1", "kit-2"]
    """
    rule_ids = ["--rule", "redeem.approved-gives-tokens", "--rule", "poll.denied-is-access-denied"]
    judged = judge("--config", config(tmp_path, text), *rule_ids, into=tmp_path / "r")
    assert judged.verdict("redeem.approved-gives-tokens") == "passed", judged.output
    assert judged.verdict("poll.denied-is-access-denied") == "unsupported"


# ---------------------------------------------------------------------------------------------------- clocks
def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _faketime(tmp_path: Path, start: str, *rule_ids: str) -> Judged:
    issuer = f"http://127.0.0.1:{_free_port()}"
    text = f"""
        [target]
        issuer = "{issuer}"
        scope = "license"
        profiles = ["rfc8628", "license"]
        start = '{start.format(port=issuer.rpartition(":")[2])}'
        [clock]
        driver = "faketime"
    """
    options = [word for rule_id in rule_ids for word in ("--rule", rule_id)]
    return judge("--config", config(tmp_path, text), *options, into=tmp_path / "r")


def test_libfaketime_moves_a_server_that_the_kit_starts(tmp_path: Path) -> None:
    start = f"{PYTHON} -m mock_authz.cli serve --port {{port}}"
    judged = _faketime(
        tmp_path,
        start,
        "poll.expired-is-expired-token",
        "poll.slow-down-adds-5",
        "poll.denied-is-access-denied",
    )
    assert judged.report["target"]["clock"] == "faketime"
    assert "Date followed, back too" in judged.report["target"]["clock_proof"], judged.output
    assert judged.verdict("poll.expired-is-expired-token") == "passed"
    assert judged.verdict("poll.slow-down-adds-5") == "passed"
    assert judged.verdict("poll.denied-is-access-denied") == "unsupported"


def test_a_clock_that_does_not_reach_the_server_makes_rules_not_testable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FaketimeClock, "environment", {})
    start = f"{PYTHON} -m mock_authz.cli serve --port {{port}}"
    judged = _faketime(tmp_path, start, "poll.expired-is-expired-token", "metadata.json")
    expired = judged.rule("poll.expired-is-expired-token")
    assert expired["verdict"] == "not testable"
    assert "the clock driver faketime does not reach the server" in expired["why"]
    assert judged.verdict("metadata.json") == "passed"


def test_a_server_that_does_not_start_is_the_adapters_fault(tmp_path: Path) -> None:
    judged = _faketime(tmp_path, f'{PYTHON} -c "raise SystemExit(\\"no port\\")"', "metadata.json")
    assert judged.exit_code == ExitCode.ADAPTER_ERROR
    assert "target.start: ended with 1: no port" in judged.output


def test_the_library_is_found_or_named(tmp_path: Path) -> None:
    assert find_library(None).name == "libfaketime.so.1"


def test_a_command_sets_the_clock_from_which_it_ticks(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    code = f"import sys; open({str(seen)!r}, 'w').write(' '.join(sys.argv[1:]))"
    line = f"{PYTHON} -c {shlex.quote(code)} {{instant}} {{instant_utc}}"
    clock = ByCommandClock(Command(key="clock.set", line=line, seconds=20), moves_back=False)
    clock.move_to(1_893_456_000)
    assert seen.read_text("utf-8") == "1893456000 2030-01-01T00:00:00Z"
    assert 0 <= clock.now() - 1_893_456_000 < 20
    assert clock.offers == {Capability.ADVANCE_CLOCK}


def test_real_time_waits_and_says_what_would_take_too_long() -> None:
    real_time.begin()
    clock = RealClock(longest_wait_seconds=2)
    instant = int(clock.now()) + 1
    clock.move_to(instant)
    assert int(clock.now()) == instant
    with pytest.raises(NotTestable, match="declare shorter lifetimes"):
        clock.advance(1000)
    with pytest.raises(NotTestable, match="does not go back"):
        clock.move_to(instant - 60)


def test_a_bound_that_was_overrun_is_not_judged() -> None:
    real_time.begin()
    clock = RealClock(longest_wait_seconds=2)
    with pytest.raises(NotTestable, match="the clock ran on"), clock.at(int(clock.now()) + 1):
        real_time.sleep(1)


def test_devices_are_lent_to_one_rule_at_a_time() -> None:
    lending = DeclaredDevices(["a", "b"])
    first, second = lending.lend(), lending.lend()
    assert {first.id, second.id} == {"a", "b"}
    lending.give_back(first)
    assert lending.lend() == first
    assert DeclaredDevices().lend().id == ""
