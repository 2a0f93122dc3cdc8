"""The profile `contract`: our server keeps it, each rule has a server that breaks it alone, and nothing broken passes."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from authz_conformance.catalogue import Profile, load_catalogue
from authz_conformance.contract.survey import Rules
from authz_conformance.exit_codes import ExitCode
from authz_conformance.readiness import Readiness
from authz_conformance.rules import server_bindings
from authz_conformance.runner import Plan, Runner
from authz_conformance.targets.control import ControlTarget
from authz_conformance.verdicts import Outcome, Verdict
from authz_conformance.wire import Connection
from mock_authz.quirks import ALL
from tests.conformance import broken_servers
from tests.conformance.kit import Judged, config, judge
from tests.programs import Served

RULES = [rule for rule in load_catalogue().rules if rule.profile is Profile.CONTRACT]
# Enough for what this quirk has to be asked by chance; set requests find the others.
CASES = {"odd_scope_is_500": 60}
BROKEN = {quirk.name: quirk.rules for quirk in ALL.values() if set(quirk.rules) & set(Rules)}
BOUND_SECONDS = 30.0


def tried(served: Served, quirk: str) -> Mapping[str, Outcome]:
    """Try the contract on our server with a quirk."""
    connection = Connection()
    target = ControlTarget(connection=connection, url=f"{served.base_url}/_control", quirks=(quirk,))
    readiness = Readiness(offers=target.offers)
    runner = Runner(target, connection, readiness=readiness, bindings=server_bindings())
    cases = CASES.get(quirk, 10)
    plan = Plan(rules=RULES, profiles=[Profile.CONTRACT], cases=cases, strict=True)
    try:
        return {one.rule.id: one for one in runner.run(plan).outcomes}
    finally:
        connection.close()


def failed(outcomes: Mapping[str, Outcome]) -> set[str]:
    return {rule for rule, one in outcomes.items() if one.verdict is not Verdict.PASSED}


def _judge_broken(answer: broken_servers.Answer, tmp_path: Path, *more: str) -> Judged:
    with broken_servers.broken(answer) as issuer:
        text = f'[target]\nissuer = "{issuer}"\nprofiles = ["contract"]\n'
        text += "[limits]\nrequest_seconds = 0.3\nrun_seconds = 20\n"
        path = config(tmp_path, text)
        return judge("--config", path, "--cases", "40", *more, into=tmp_path / "reports")


# --------------------------------------------------------------------------------------------- our own server
def test_our_own_server_keeps_its_contract(served: Served, tmp_path: Path) -> None:
    control = ["--control", f"{served.base_url}/_control"]
    judged = judge(
        served.issuer, *control, "--profile", "contract", "--cases", "120", "--strict", into=tmp_path
    )
    assert judged.exit_code == ExitCode.OK, judged.output
    assert {one["id"]: one["verdict"] for one in judged.report["rules"]} == dict.fromkeys(Rules, "passed")
    [told] = {moment["text"] for one in judged.report["rules"] for moment in one["timeline"]}
    assert told.startswith("120 generated requests and ")
    assert "--cases 120" in judged.report["rules"][0]["replay"]


def test_without_anybody_who_approves_no_rule_is_said_to_be_kept(served: Served, tmp_path: Path) -> None:
    judged = judge(served.issuer, "--profile", "contract", "--cases", "1", into=tmp_path)
    verdicts = {one["verdict"] for one in judged.report["rules"]}
    assert verdicts == {"not testable"}
    why = judged.rule(Rules.BODY)["why"]
    assert "GET /servers/{server_id} (the target offers nobody who approves a user code)" in why
    assert "/jwks" not in why


# ------------------------------------------------------------------------------------------- each rule has teeth
def test_every_rule_has_a_quirk_that_breaks_it_alone() -> None:
    assert {rule for rules in BROKEN.values() for rule in rules} == set(Rules)


@pytest.mark.parametrize("quirk", BROKEN)
def test_a_quirk_breaks_exactly_its_rule(quirk: str, served: Served) -> None:
    outcomes = tried(served, quirk)
    assert failed(outcomes) == set(BROKEN[quirk])
    [broken] = (outcomes[rule] for rule in BROKEN[quirk])
    assert broken.verdict is Verdict.FAILED
    assert broken.wanted
    assert broken.exchange == len(broken.story.exchanges)


def test_a_form_sent_as_json_shows_no_token_in_the_report(served: Served) -> None:
    from authz_conformance.redaction import Redactor  # noqa: PLC0415 - of this test alone

    outcome = tried(served, "revocation_in_json")[Rules.BAD_REQUEST]
    handed_out, revoked = outcome.story.exchanges
    token = handed_out.members["refresh_token"]
    assert token.encode() in revoked.sent
    assert token not in Redactor([revoked]).text(revoked.sent.decode())


# ------------------------------------------------------------------------------------------------ broken servers
@pytest.mark.parametrize(
    "answer",
    [
        broken_servers.hang,
        broken_servers.garbage,
        broken_servers.garbled_json,
        broken_servers.endless,
        broken_servers.without_device_endpoint,
    ],
    ids=lambda one: one.__name__,
)
def test_a_server_that_is_broken_as_a_whole_keeps_no_rule(
    answer: broken_servers.Answer, tmp_path: Path
) -> None:
    judged = _judge_broken(answer, tmp_path)
    counts: dict[str, int] = judged.report["counts"]
    assert counts["passed"] == counts["suite error"] == counts["adapter error"] == 0
    assert judged.exit_code == ExitCode.FAILED
    assert all(one["why"] for one in judged.report["rules"])
    assert judged.seconds < BOUND_SECONDS


def test_a_server_that_dies_half_way_keeps_no_rule_and_says_when(tmp_path: Path) -> None:
    judged = _judge_broken(broken_servers.Dying(requests=30), tmp_path)
    assert judged.report["counts"]["passed"] == 0
    assert judged.report["run"]["lost"] is not None
    assert "the server stopped answering after" in judged.rule(Rules.SERVER_ERROR)["why"]


def test_a_server_error_is_that_and_nothing_else(tmp_path: Path) -> None:
    judged = _judge_broken(broken_servers.error_500, tmp_path)
    assert judged.exit_code == ExitCode.FAILED
    assert judged.verdict(Rules.SERVER_ERROR) == "failed"
    assert {judged.verdict(rule) for rule in Rules if rule is not Rules.SERVER_ERROR} == {"not testable"}


def test_a_request_that_a_live_server_does_not_answer_breaks_the_rule_about_server_errors(
    tmp_path: Path,
) -> None:
    judged = _judge_broken(broken_servers.silent_to_head, tmp_path)
    broken = judged.rule(Rules.SERVER_ERROR)
    assert (broken["verdict"], broken["wanted"]) == (
        "failed",
        "GET /.well-known/oauth-authorization-server answered",
    )
    assert broken["exchanges"][-1]["request"]["method"] == "HEAD"
    assert judged.report["run"]["lost"] is None


def test_the_replay_command_shows_the_same_failure_again(tmp_path: Path) -> None:
    def shown(report: Mapping[str, Any]) -> tuple[str, str]:
        [rule] = (one for one in report["rules"] if one["id"] == Rules.BODY)
        return rule["verdict"], rule["found"]

    with broken_servers.broken(broken_servers.wrong_types) as issuer:
        options = ["--profile", "contract", "--seed", "7", "--cases", "25"]
        first = judge(issuer, *options, into=tmp_path / "one")
        replay = shlex.split(first.rule(Rules.BODY)["replay"])
        again = judge(*replay[2:], into=tmp_path / "two")
    assert [one["id"] for one in again.report["rules"]] == [Rules.BODY]
    assert shown(again.report) == shown(first.report)
    assert shown(first.report)[0] == "failed"
