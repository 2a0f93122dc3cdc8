"""`authz-conformance server` against our own server: every verdict, the reports, the exit codes, the replay."""

from __future__ import annotations

import errno
import json
import shlex
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from authz_conformance import rules, running, server_commands, suites
from authz_conformance.catalogue import Role, load_catalogue
from authz_conformance.exit_codes import ExitCode
from authz_conformance.expectations import expect, given
from authz_conformance.report import files
from authz_conformance.rules import Binding, rule
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.verdicts import AdapterError, NotTestable
from tests.conformance.kit import Judged, config, judge, run
from tests.programs import Served

TRIED = (
    "poll.undecided-is-pending",
    "poll.denied-is-access-denied",
    "renew.lapsed-is-refused",
    "metadata.json",
)


def _options(*rule_ids: str) -> list[str]:
    return [word for rule_id in rule_ids for word in ("--rule", rule_id)]


@pytest.fixture
def control(served: Served) -> list[str]:
    return [served.issuer, "--control", f"{served.base_url}/_control"]


@pytest.fixture
def bound(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Binding]]:
    """Tests of rules that this test binds itself."""
    mine: dict[str, Binding] = {}
    monkeypatch.setattr(rules, "server_bindings", lambda: mine)
    monkeypatch.setattr(running, "SCENARIOS", ())  # stories have tests of their own
    yield mine
    assert suites.__doc__


def test_our_own_server_keeps_every_rule_that_has_a_test(control: list[str], tmp_path: Path) -> None:
    judged = judge(*control, "--strict", into=tmp_path)
    counts = judged.report["counts"]
    assert judged.exit_code == ExitCode.OK, judged.output
    assert counts == {**dict.fromkeys(counts, 0), "passed": len(judged.report["rules"])}


def test_the_report_says_who_was_judged_with_what_and_how_to_see_it_again(
    control: list[str], tmp_path: Path
) -> None:
    report = judge(*control, *_options(*TRIED), "--seed", "7", into=tmp_path).report
    assert report["target"]["issuer"] == control[0]
    assert report["target"]["clock"] == "control"
    assert "Date followed, back too" in report["target"]["clock_proof"]
    assert report["run"]["seed"] == "7"
    assert {one["id"] for one in report["rules"]} == set(TRIED)
    replay = shlex.split(report["rules"][0]["replay"])
    assert replay[:2] == ["authz-conformance", "server"]
    again = judge(*replay[2:], into=tmp_path / "again")
    assert [one["id"] for one in again.report["rules"]] == [report["rules"][0]["id"]]


def test_no_secret_is_in_any_report(control: list[str], tmp_path: Path) -> None:
    judged = judge(*control, "--rule", "renew.next-refresh-carries-it", into=tmp_path)
    texts = [path.read_text("utf-8") for path in tmp_path.iterdir()] + [judged.output]
    tokens = judged.rule("renew.next-refresh-carries-it")["tokens"]
    assert tokens, "the claims of license tokens are shown"
    for text in texts:
        assert "eyJ" not in text
        assert "Bearer ey" not in text
    form = next(e for e in judged.report["rules"][0]["exchanges"] if e["step"] == "refresh")["request"][
        "form"
    ]
    assert dict(form)["refresh_token"].startswith("<refresh_token ")


def test_the_same_seed_gives_the_same_exchanges(control: list[str], tmp_path: Path) -> None:
    def codes(directory: str) -> list[str]:
        report = judge(*control, "--rule", "poll.undecided-is-pending", into=tmp_path / directory).report
        return [
            e["response"]["body"]
            for e in report["rules"][0]["exchanges"]
            if e["step"] == "device_authorization"
        ]

    def without_sandbox(bodies: list[str]) -> list[str]:
        return [json.loads(body)["user_code"] for body in bodies]

    assert without_sandbox(codes("one")) == without_sandbox(codes("two"))


def _judge_with(bound: dict[str, Binding], control: list[str], into: Path, *more: str) -> Judged:
    def broken(server: ServerUnderTest) -> None:
        expect.error(server.poll(server.new_grant()), "access_denied")

    def no_precondition(server: ServerUnderTest) -> None:
        given.error(server.poll(server.new_grant()), "access_denied")

    def adapter(_: ServerUnderTest) -> None:
        raise AdapterError("nobody at the door")

    def impossible(_: ServerUnderTest) -> None:
        raise NotTestable("not today")

    def careless(server: ServerUnderTest) -> None:
        server.poll(server.new_grant()).members["access_token"]

    def kept(server: ServerUnderTest) -> None:
        expect.success(server.fetch_metadata())

    tests = {
        "poll.undecided-is-pending": broken,
        "verify.prefilled-code-is-shown": broken,
        "poll.denied-is-access-denied": no_precondition,
        "poll.expired-is-expired-token": adapter,
        "metadata.json": impossible,
        "metadata.issuer-is-plain": careless,
        "metadata.no-empty-arrays": kept,
    }
    for rule_id, function in tests.items():
        bound[rule_id] = Binding(rule_id=rule_id, function=function, place="here")
    return judge(*control, *more, into=into)


def test_verdicts_are_disjoint_and_each_says_why(
    bound: dict[str, Binding], control: list[str], tmp_path: Path
) -> None:
    judged = _judge_with(bound, control, tmp_path)
    found = {one["id"]: one["verdict"] for one in judged.report["rules"]}
    assert found == {
        "poll.undecided-is-pending": "failed",
        "verify.prefilled-code-is-shown": "warning",
        "poll.denied-is-access-denied": "not testable",
        "poll.expired-is-expired-token": "adapter error",
        "metadata.json": "not testable",
        "metadata.issuer-is-plain": "suite error",
        "metadata.no-empty-arrays": "passed",
    }
    failed = judged.rule("poll.undecided-is-pending")
    assert (failed["wanted"], failed["found"]) == (
        "a refusal with access_denied",
        "400 authorization_pending",
    )
    assert failed["exchanges"][failed["exchange"] - 1]["step"] == "poll"
    assert judged.rule("poll.denied-is-access-denied")["precondition"] is True
    assert "KeyError" in judged.rule("metadata.issuer-is-plain")["why"]
    assert judged.exit_code == ExitCode.FAILED | ExitCode.ADAPTER_ERROR | ExitCode.SUITE_ERROR


def test_on_a_plain_server_of_ours_a_broken_precondition_is_a_failure(
    bound: dict[str, Binding], control: list[str], tmp_path: Path
) -> None:
    judged = _judge_with(bound, control, tmp_path, "--strict")
    assert judged.verdict("poll.denied-is-access-denied") == "failed"
    assert "--strict" in judged.rule("poll.denied-is-access-denied")["replay"].split(), (
        "it would not fail again"
    )


def test_junit_shows_only_what_passed_as_a_pass(
    bound: dict[str, Binding], control: list[str], tmp_path: Path
) -> None:
    _judge_with(bound, control, tmp_path)
    root = ET.parse(tmp_path / "junit.xml").getroot()  # noqa: S314 - our own
    plain = [
        case.get("name")
        for case in root.iter("testcase")
        if case.get("classname") != "authz-conformance.stories"
        and all(case.find(kind) is None for kind in ("failure", "error", "skipped"))
    ]
    assert plain == ["metadata.no-empty-arrays"]
    summary = (tmp_path / "summary.md").read_text("utf-8")
    assert "## failed: `poll.undecided-is-pending`" in summary
    assert "- wanted: a refusal with access\\_denied" in summary


def test_only_failed_tries_again_what_did_not_pass(
    bound: dict[str, Binding], control: list[str], tmp_path: Path
) -> None:
    _judge_with(bound, control, tmp_path / "one")
    again = judge(*control, "--only-failed", str(tmp_path / "one" / "report.json"), into=tmp_path / "two")
    assert {one["id"] for one in again.report["rules"]} == {
        "poll.undecided-is-pending",
        "verify.prefilled-code-is-shown",
        "poll.denied-is-access-denied",
        "poll.expired-is-expired-token",
        "metadata.issuer-is-plain",
    }


def test_a_rule_has_one_test_and_a_test_has_one_rule() -> None:
    with pytest.raises(rules.SuiteError, match="is bound to metadata"):
        rule("poll.undecided-is-pending")(rule("metadata.json")(lambda _: None))


def test_every_test_is_bound_to_a_rule_that_exists_for_servers() -> None:
    catalogue = load_catalogue()
    for rule_id in rules.server_bindings():
        assert rule_id in catalogue.by_id
        assert catalogue.by_id[rule_id].role is Role.SERVER
        assert catalogue.by_id[rule_id].untestable is None


def test_known_failures_are_expected_until_they_pass(
    bound: dict[str, Binding], control: list[str], tmp_path: Path
) -> None:
    baseline = tmp_path / "known.toml"
    first = _judge_with(bound, control, tmp_path / "one", "--write-baseline", str(baseline))
    assert first.exit_code & ExitCode.FAILED
    second = judge(*control, "--baseline", str(baseline), into=tmp_path / "two")
    assert second.verdict("poll.undecided-is-pending") == "expected failure"
    assert not second.exit_code & ExitCode.FAILED
    assert second.rule("poll.undecided-is-pending")["known"]["reason"].startswith("wanted a refusal")
    assert "poll.undecided-is-pending: the baseline gives no link" in second.output

    mended = Binding(rule_id="poll.undecided-is-pending", function=lambda _: None, place="here")
    bound["poll.undecided-is-pending"] = mended
    third = judge(*control, "--baseline", str(baseline), into=tmp_path / "three")
    assert third.exit_code & ExitCode.FAILED
    assert third.report["baseline_problems"] == [
        "poll.undecided-is-pending is listed as a known failure and passes: take it off the list"
    ]


@pytest.mark.parametrize(
    ("text", "said", "code"),
    [
        (
            '[[known]]\nrule = "poll.no-such"\nreason = "x"\nreview = 2027-01-01\n',
            "there is no rule poll.no-such",
            ExitCode.FAILED,
        ),
        ('[[known]]\nrule = "metadata.json"\nreason = "x"\n', "review", ExitCode.USAGE),
        ("[[known]\n", "known.toml", ExitCode.USAGE),
        (
            '[[known]]\nrule = "metadata.json"\nreason = "x"\nreview = 2027-01-01\nwhy = 1\n',
            "why",
            ExitCode.USAGE,
        ),
    ],
)
def test_a_baseline_that_lists_what_is_not_there_fails_the_run_and_one_that_is_none_is_a_wrong_file(
    text: str, said: str, code: ExitCode, *, control: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "known.toml"
    path.write_text(text, "utf-8")
    result = run("server", *control, "--baseline", str(path))
    assert result.exit_code == code
    assert said in result.output


def test_compare_says_what_got_worse(bound: dict[str, Binding], control: list[str], tmp_path: Path) -> None:
    _judge_with(bound, control, tmp_path / "one")
    bound["metadata.no-empty-arrays"] = bound["poll.undecided-is-pending"]
    judge(*control, "--seed", "2", into=tmp_path / "two")
    reports = [str(tmp_path / name / "report.json") for name in ("one", "two")]
    result = run("compare", *reports)
    assert result.exit_code == ExitCode.FAILED
    assert "not the same seed: 1 → 2" in result.output
    assert "worse  metadata.no-empty-arrays: passed → failed" in result.output
    assert run("compare", reports[0], reports[0]).exit_code == ExitCode.OK
    machine = json.loads(run("compare", *reports, "--json").output)
    assert machine["changes"][0]["worse"] is True


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 2}', '{"format": 1}'])
def test_compare_refuses_what_is_no_report(text: str, tmp_path: Path) -> None:
    path = tmp_path / "no.json"
    path.write_text(text, "utf-8")
    result = run("compare", str(path), str(path))
    assert result.exit_code == ExitCode.USAGE
    assert str(path) in result.output


def test_json_goes_to_standard_output_alone(control: list[str]) -> None:
    result = run("server", *control, "--rule", "metadata.json", "--json")
    assert json.loads(result.stdout)["counts"]["passed"] == 1
    assert "Judging" in result.stderr


def test_smoke_finds_nothing_wrong_with_our_own(control: list[str]) -> None:
    result = run("smoke", *control)
    assert result.exit_code == ExitCode.OK
    assert "denial: then a poll is answered with 400 access_denied" in result.output


def test_a_control_api_that_is_not_there_is_the_adapters_fault(served: Served, tmp_path: Path) -> None:
    judged = judge(served.issuer, "--control", f"{served.base_url}/nowhere", into=tmp_path)
    assert judged.exit_code == ExitCode.ADAPTER_ERROR
    assert "The rules could not be tried" in judged.output
    smoke = run("smoke", served.issuer, "--control", f"{served.base_url}/nowhere")
    assert smoke.exit_code == ExitCode.ADAPTER_ERROR


def _with_quirk(served: Served, quirk: str, folder: Path) -> list[str]:
    path = folder / "conformance.toml"
    target = f'issuer = "{served.issuer}"\nclients = ["pos-server"]\nscope = "license"\n'
    control = f'url = "{served.base_url}/_control"\nquirks = ["{quirk}"]\n'
    path.write_text(f"[target]\n{target}[control]\n{control}", encoding="utf-8")
    return ["--config", str(path), *_options("tokens.pragma-no-cache", "tokens.no-store")]


def test_sandboxes_are_given_quirks_to_see_what_the_kit_says_of_them(served: Served, tmp_path: Path) -> None:
    judged = judge(*_with_quirk(served, "token_response_without_pragma", tmp_path), into=tmp_path / "report")
    verdicts = {one["id"]: one["verdict"] for one in judged.report["rules"]}
    assert verdicts == {"tokens.pragma-no-cache": "failed", "tokens.no-store": "passed"}


def test_a_quirk_that_does_not_exist_is_named(served: Served, tmp_path: Path) -> None:
    judged = judge(*_with_quirk(served, "no_such", tmp_path), into=tmp_path / "report")
    assert judged.exit_code == ExitCode.ADAPTER_ERROR
    assert "There is no such quirk" in judged.output


def test_a_sandbox_that_is_named_is_judged_with_its_quirks_and_settings(
    served: Served, tmp_path: Path
) -> None:
    control = f"{served.base_url}/_control"
    made = httpx2.post(
        f"{control}/sandboxes", json={"settings": {"code_seconds": 77, "interval_seconds": 0}}
    ).json()
    quirks = {"quirks": ["token_response_without_pragma"]}
    httpx2.put(f"{control}/sandboxes/{made['name']}/quirks", json=quirks).raise_for_status()
    rules = _options("tokens.pragma-no-cache", "codes.lifetime-as-declared", "codes.interval-as-declared")
    judged = judge(made["issuer"], "--control", control, *rules, into=tmp_path)
    assert judged.verdict("tokens.pragma-no-cache") == "failed"
    assert judged.verdict("codes.lifetime-as-declared") == "passed"
    assert judged.verdict("codes.interval-as-declared") == "passed"
    lifetimes = [
        exchange["response"]["body"] for exchange in judged.rule("codes.lifetime-as-declared")["exchanges"]
    ]
    assert any('"expires_in": 77' in body or '"expires_in":77' in body for body in lifetimes)


def test_an_issuer_that_the_control_api_does_not_have_is_not_judged(served: Served, tmp_path: Path) -> None:
    judged = judge(f"{served.base_url}/s/nobody", "--control", f"{served.base_url}/_control", into=tmp_path)
    assert judged.exit_code == ExitCode.ADAPTER_ERROR
    assert judged.report["rules"] == []
    assert "is no issuer of the control API" in judged.output


def test_a_place_that_takes_no_reports_is_found_before_the_run(control: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for option in ("--report-dir", "--write-baseline"):
        result = run("server", *control, option, str(tmp_path / "file" / "known"))
        assert result.exit_code == ExitCode.USAGE
        assert "Judging" not in result.output
        assert f"authz-conformance: {tmp_path / 'file'}" in result.output


def test_reports_that_cannot_be_written_any_more_end_the_run_as_a_full_disk_does(
    control: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "write_reports", full)
    result = run("server", *control, *_options("metadata.json"), "--report-dir", str(tmp_path))
    assert result.exit_code == ExitCode.CANNOT_WRITE
    assert "cannot write the reports: No space left on device" in result.output


def test_ctrl_c_before_the_run_begins_is_no_failed_rule(
    control: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(server_commands, "catalogue", interrupted)
    result = run("server", *control)
    assert result.exit_code == ExitCode.INTERRUPTED
    assert "broken off" in result.output


@pytest.mark.parametrize("line", ['clients = ["CLIENT_ID"]', 'clients = ["pos-server"]\nscope = "nobodys"'])
def test_smoke_blames_the_declaration_for_a_client_and_a_scope_that_the_server_does_not_know(
    served: Served, tmp_path: Path, line: str
) -> None:
    done = run("smoke", "--config", config(tmp_path, f'[target]\nissuer = "{served.issuer}"\n{line}\n'))
    assert done.exit_code == ExitCode.ADAPTER_ERROR
    assert f"adapter  codes: is target.{line.splitlines()[-1].split()[0]} right?" in done.output
