"""`authz-conformance`: what its commands print, for people and for programs, and how they end."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from authz_conformance import catalogue, cli
from authz_conformance.catalogue import CatalogueError, load_catalogue
from authz_conformance.command_line import PROGRAM
from authz_conformance.exit_codes import ExitCode
from authz_conformance.requirements import as_json, print_table
from authz_conformance.requirements_page import page

CATALOGUE = load_catalogue()
PAGE = Path(__file__).parents[2] / "docs" / "requirements.md"


def run(*arguments: str, **environment: str) -> Result:
    """Run the command in a terminal of 200 columns."""
    return CliRunner(env={"COLUMNS": "200", **environment}).invoke(cli.main, arguments, prog_name=PROGRAM)


def test_requirements_prints_every_rule_and_how_many_there_are() -> None:
    result = run("requirements")
    assert result.exit_code == ExitCode.OK
    assert [rule.id for rule in CATALOGUE.rules if rule.id not in result.output] == []
    assert f"{len(CATALOGUE.rules)} rules" in result.output


def test_ids_are_whole_in_a_narrow_terminal_too() -> None:
    output = run("requirements", COLUMNS="80").output
    assert [rule.id for rule in CATALOGUE.rules if rule.id not in output] == []
    assert {len(line) for line in output.splitlines() if line.startswith(("│", "├"))} == {80}
    assert {line[-1] for line in output.splitlines() if line.startswith("│")} == {"│"}


@pytest.mark.parametrize(
    ("arguments", "there", "not_there"),
    [
        (("--role", "peer"), "peer-token.exp", "poll.undecided-is-pending"),
        (("--profile", "license"), "claims.hub", "poll.undecided-is-pending"),
        (("--level", "informative"), "codes.no-store", "poll.undecided-is-pending"),
        (("--source", "rfc8628"), "poll.undecided-is-pending", "claims.hub"),
        (("--source", "known-defects"), "clock.moves-everything", "claims.hub"),
        (("--time-dependent",), "poll.undecided-is-pending", "claims.hub"),
        (("--not-time-dependent",), "claims.hub", "poll.undecided-is-pending"),
    ],
)
def test_requirements_are_filtered(arguments: tuple[str, ...], there: str, not_there: str) -> None:
    ids = [rule["id"] for rule in json.loads(run("requirements", "--json", *arguments).output)["rules"]]
    assert there in ids
    assert not_there not in ids


def test_a_filter_given_twice_keeps_both() -> None:
    rows = json.loads(run("requirements", "--json", "--role", "client", "--role", "peer").output)["rules"]
    assert {row["role"] for row in rows} == {"client", "peer"}


def test_json_holds_every_column_and_the_fingerprint() -> None:
    content = json.loads(run("requirements", "--json").output)
    assert content["catalogue"] == CATALOGUE.digest
    assert [row["id"] for row in content["rules"]] == [rule.id for rule in CATALOGUE.rules]
    assert next(row for row in content["rules"] if row["id"] == "poll.slow-down-adds-5") == {
        "id": "poll.slow-down-adds-5",
        "role": "server",
        "group": "poll",
        "level": "informative",
        "license_level": "must",
        "text": CATALOGUE.by_id["poll.slow-down-adds-5"].text,
        "source": {"document": "RFC 8628", "section": "3.5"},
        "time_dependent": True,
        "needs": ["advance_clock"],
        "profile": "rfc8628",
        "untestable": None,
        "note": "Probed on two codes, so that neither probe changes the other's interval.",
        "test": "tested",
    }


def test_the_page_in_docs_is_up_to_date() -> None:
    """Made by `authz-conformance requirements --markdown > docs/requirements.md`."""
    assert PAGE.read_text("utf-8") == run("requirements", "--markdown").output


def test_rules_without_a_test_are_shown_as_such() -> None:
    rules = [
        CATALOGUE.by_id[name] for name in ("poll.undecided-is-pending", "claims.hub", "codes.short-lived")
    ]
    tested = {"poll.undecided-is-pending"}
    rows = json.loads(as_json(rules, catalogue=CATALOGUE, tested=tested))["rules"]
    assert [row["test"] for row in rows] == ["tested", "no test", "untestable"]
    console = Console(width=200, record=True, file=io.StringIO())
    print_table(rules, console=console, tested=tested)
    assert "no test" in console.export_text()
    assert "| no test |" in page(rules, catalogue=CATALOGUE, tested=tested)
    assert "Rules that no test settles" not in page(rules[:2], catalogue=CATALOGUE, tested=tested)


def test_no_color_is_obeyed() -> None:
    colour = re.compile(r"\x1b\[[0-9;]*3[0-7]m")
    assert colour.search(run("requirements", "--level", "should", FORCE_COLOR="1", TERM="xterm").output)
    output = run("requirements", "--level", "should", FORCE_COLOR="1", TERM="xterm", NO_COLOR="1").output
    assert not colour.search(output)


def test_explain_prints_one_rule_in_full() -> None:
    result = run("explain", "redeem.once")
    assert result.exit_code == ExitCode.OK
    rule = CATALOGUE.by_id["redeem.once"]
    for part in (
        rule.id,
        'protocol.md, "The device grant"',
        "must for a Kensium server",
        "approve: Someone approves",
    ):
        assert part in result.output
    assert "requirements.md, Known defects: A code redeems twice." in result.output


def test_explain_says_why_a_rule_is_untestable_and_how_one_is_tried() -> None:
    assert "gives no bound" in run("explain", "codes.short-lived").output
    assert "Probed on two codes" in run("explain", "poll.slow-down-adds-5").output


def test_an_unknown_id_is_a_usage_error_with_a_suggestion() -> None:
    result = run("explain", "poll.erly-is-slow-down")
    assert result.exit_code == ExitCode.USAGE
    assert "Did you mean poll.early-is-slow-down" in result.output


def test_a_part_of_an_id_is_enough_for_a_suggestion() -> None:
    assert "redeem.latest-approval-only" in run("explain", "LATEST").output


def test_an_id_like_no_other_leads_to_the_list() -> None:
    assert "See authz-conformance requirements." in run("explain", "0000000000").output


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_the_shell(shell: str) -> None:
    result = run("completion", shell)
    assert result.exit_code == ExitCode.OK
    assert "_AUTHZ_CONFORMANCE_COMPLETE" in result.output


def test_ids_are_completed() -> None:
    result = run(
        _AUTHZ_CONFORMANCE_COMPLETE="zsh_complete",
        COMP_WORDS="authz-conformance explain guess.",
        COMP_CWORD="2",
    )
    assert "guess.success-resets-nothing" in result.output
    assert "poll." not in result.output


def test_exit_codes_are_in_the_help_of_every_command() -> None:
    for command in ("", "requirements", "explain", "completion", "server", "smoke", "init", "compare"):
        output = run(*filter(None, [command]), "--help").output
        said = [f" {code.value}  " in output for code in (*ExitCode, ExitCode.OK, ExitCode.INTERRUPTED)]
        assert all(said)


def test_a_broken_catalogue_is_the_suites_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise CatalogueError(["rfc8628.yaml:3: it is broken"])

    monkeypatch.setattr(catalogue, "load_catalogue", broken)
    result = run("requirements")
    assert result.exit_code == ExitCode.SUITE_ERROR
    assert "rfc8628.yaml:3: it is broken" in result.output


def test_without_its_extra_the_kit_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "find_spec", lambda _: None)
    result = run("requirements")
    assert result.exit_code == ExitCode.USAGE
    assert "pip install 'mock-authz[conformance]'" in result.output


@pytest.mark.parametrize(
    ("arguments", "said", "command"),
    [
        (("--nope",), "No such option '--nope'.", ""),
        (("nope",), "No such command 'nope'.", ""),
        (("server", "--nope"), "No such option '--nope'.", " server"),
        (("server", "http://127.0.0.1", "--rule", "poll.nope"), "there is no rule poll.nope. See", " server"),
        (
            ("server", "http://127.0.0.1", "--story", "schedule-0"),
            "there is no story schedule-0. See",
            " server",
        ),
    ],
)
def test_a_wrong_command_line_is_one_line_and_a_hint(
    arguments: tuple[str, ...], said: str, command: str
) -> None:
    result = run(*arguments)
    wrong, hint = result.stderr.splitlines()
    assert wrong.startswith(f"{PROGRAM}: ")
    assert said in wrong
    assert hint == f"All options: {PROGRAM}{command} --help"
    assert result.exit_code == ExitCode.USAGE
