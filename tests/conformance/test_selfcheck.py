"""The self-check says what survives, what fails beside, and which rules nothing kills."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from authz_conformance.catalogue import Rule, load_catalogue
from authz_conformance.exit_codes import ExitCode
from authz_conformance.selfcheck import command
from authz_conformance.selfcheck.bench import Task, carry_out
from authz_conformance.selfcheck.campaign import Campaign, wage
from authz_conformance.selfcheck.judgement import Scope, exit_code, problems
from authz_conformance.selfcheck.known import Alike, Disagreement, Gap, Known, KnownError, read_known
from authz_conformance.selfcheck.matrix import Finding, Matrix, Row
from authz_conformance.verdicts import Verdict
from tests.conformance.kit import run

CATALOGUE = load_catalogue()
PENDING, EARLY, DENIED = (
    "poll.undecided-is-pending",
    "poll.early-is-slow-down",
    "poll.denied-is-access-denied",
)
WHOLE = Scope(every_quirk=True, every_rule=True)
NOTHING_KNOWN = Known()


def rules(*ids: str) -> list[Rule]:
    return [CATALOGUE.by_id[rule] for rule in ids]


def findings(ids: Sequence[str], *, broken: Sequence[str] = ()) -> Mapping[str, Finding]:
    return {
        rule: Finding(rule=rule, verdict=Verdict.FAILED if rule in broken else Verdict.PASSED) for rule in ids
    }


def matrix(ids: Sequence[str], **broken_by: tuple[Sequence[str], Sequence[str]]) -> Matrix:
    """Make a matrix: for each quirk, what it declares and what failed."""
    rows = [
        Row(quirk=quirk, declared=declared, findings=findings(ids, broken=broken))
        for quirk, (declared, broken) in broken_by.items()
    ]
    return Matrix(rules=rules(*ids), plain=findings(ids), rows=rows)


# --- on our own server ---


def test_the_plain_server_passes_a_quirk_kills_its_rule_and_wrong_declarations_show() -> None:
    quirks = {"no_slow_down": [EARLY], "slow_down_does_not_grow": [PENDING]}
    chosen = rules(PENDING, EARLY, "poll.slow-down-adds-5")
    ended = wage(Campaign(rules=chosen, quirks=quirks, processes=1))
    assert ended.is_whole
    assert [found.verdict for found in ended.matrix.plain.values()] == [Verdict.PASSED] * 3
    rightly, wrongly = ended.matrix.rows
    assert rightly.is_exact
    assert rightly.killed == (EARLY,)
    assert wrongly.survived == (PENDING,)
    assert wrongly.collateral == ("poll.slow-down-adds-5",)


# --- what is tried ---


def test_every_rule_is_tried_with_every_quirk() -> None:
    tasks = Campaign(rules=rules(PENDING, EARLY, DENIED), quirks={"a": [EARLY]}, processes=2).tasks()
    assert [(task.quirk, task.rules) for task in tasks] == [
        (None, (PENDING, DENIED)),
        (None, (EARLY,)),
        ("a", (PENDING, EARLY, DENIED)),
    ]


def test_a_sample_holds_what_is_declared_what_is_known_and_as_many_others() -> None:
    chosen = rules(*[rule.id for rule in CATALOGUE.rules if rule.id.startswith("poll.")])

    def drawn(seed: str) -> tuple[str, ...]:
        campaign = Campaign(
            rules=chosen, quirks={"a": [EARLY]}, sample=3, seed=seed, always={"a": [DENIED]}, processes=1
        )
        return campaign.tasks()[1].rules

    assert {EARLY, DENIED} < set(drawn("1"))
    assert len(drawn("1")) == 5
    assert drawn("1") == drawn("1")
    assert drawn("1") != drawn("2")


def test_a_sample_tells_the_stories_about_what_is_declared_and_one_other_for_every_ten_rules() -> None:
    stories = {"early": (EARLY, PENDING), "pending": (PENDING,), "denied": (DENIED,)}
    chosen = rules(PENDING, EARLY, DENIED)

    def told(sample: int | None) -> list[tuple[str, ...]]:
        campaign = Campaign(rules=chosen, quirks={"a": [EARLY]}, stories=stories, sample=sample, processes=1)
        return [task.stories for task in campaign.tasks()]

    assert told(None) == [tuple(stories), tuple(stories)]
    assert told(9) == [tuple(stories), ("early",)]
    plain, drawn = told(10)
    assert (plain, len(drawn), drawn[0]) == (tuple(stories), 2, "early")


def test_what_a_story_breaks_is_a_finding_like_any_other() -> None:
    story, rule = "window-is-not-extended", "refresh.retry-window-never-extended"
    done = carry_out(Task(quirk="retry_extends_window", rules=(), stories=(story,), seed="1"))
    assert [(found.rule, found.verdict) for found in done.findings] == [(rule, Verdict.FAILED)]
    plain = carry_out(Task(quirk=None, rules=(), stories=(story,), seed="1"))
    assert plain.findings == []


# --- what is said of it ---


def test_nothing_is_wrong_where_each_quirk_kills_what_it_declares() -> None:
    found = matrix([PENDING, EARLY], a=([PENDING], [PENDING]), b=([EARLY], [EARLY]))
    assert problems(found, NOTHING_KNOWN, WHOLE) == []
    assert exit_code(found, []) is ExitCode.OK


def test_a_wrong_declaration_is_survived_and_collateral() -> None:
    said = problems(matrix([PENDING, EARLY], a=([PENDING], [EARLY])), NOTHING_KNOWN, WHOLE)
    assert f"a: survived: {PENDING}: passed" in said
    assert f"a: collateral: {EARLY}: failed" in said


def test_a_must_that_no_quirk_kills_is_a_gap() -> None:
    found = matrix([PENDING, EARLY], a=([EARLY], [EARLY]))
    assert problems(found, NOTHING_KNOWN, WHOLE) == [f"gap: {PENDING} is a MUST, and no quirk kills it"]
    assert problems(found, Known(gaps=(Gap(rule=PENDING, reason="known"),)), WHOLE) == []


def test_rules_that_fail_with_the_same_quirks_are_listed() -> None:
    found = matrix([PENDING, EARLY], a=([PENDING, EARLY], [PENDING, EARLY]))
    assert problems(found, NOTHING_KNOWN, WHOLE) == [
        f"alike: {PENDING}, {EARLY} fail with the same quirks: merge them, or declare them equivalent"
    ]
    declared = Known(equivalent=(Alike(rules=(EARLY, PENDING), reason="known"),))
    assert problems(found, declared, WHOLE) == []


def test_what_is_known_is_no_problem_and_what_is_no_longer_so_is_one() -> None:
    known = Known(
        disagreements=(Disagreement(quirk="a", survived=(PENDING,), collateral=(EARLY,), reason="known"),),
        gaps=(Gap(rule=PENDING, reason="known"),),
    )
    assert problems(matrix([PENDING, EARLY], a=([PENDING], [EARLY])), known, WHOLE) == []
    mended = matrix([PENDING, EARLY], a=([PENDING], [PENDING]), b=([EARLY], [EARLY]))
    said = problems(mended, known, WHOLE)
    assert len(said) == 3
    assert all("take it off" in line for line in said)


def test_a_broken_plain_server_is_a_problem_and_an_error_of_the_kit_is_told_apart() -> None:
    plain = {PENDING: Finding(rule=PENDING, verdict=Verdict.SUITE_ERROR, why="KeyError")}
    found = Matrix(rules=rules(PENDING), plain=plain, rows=[])
    said = problems(found, NOTHING_KNOWN, Scope(every_quirk=False, every_rule=True))
    assert said == [f"plain server: {PENDING}: suite error: KeyError"]
    assert exit_code(found, said) == ExitCode.FAILED | ExitCode.SUITE_ERROR


# --- what is known ---


def test_the_file_of_what_is_known_names_what_exists() -> None:
    known = Known(
        disagreements=(Disagreement(quirk="b", survived=("no.rule",), reason="known"),) * 2,
    )
    assert list(known.problems(rules=CATALOGUE.by_id, quirks=["a"])) == [
        "known.yaml: there is no rule no.rule",
        "known.yaml: there is no quirk b",
        "known.yaml: the quirk b is listed twice",
    ]


@pytest.mark.parametrize(
    "text", ["gaps: [{rule: a, reason: ' '}]", "gaps: [{rule: a}]", "unknown: []", "{", "[1]"]
)
def test_an_entry_without_a_reason_and_an_unknown_key_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "known.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(KnownError):
        read_known(path)


# --- the command ---


def test_the_command_prints_the_matrix_and_writes_the_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "rules_to_try", lambda _: rules(PENDING, EARLY))
    result = run("self-check", "--quirk", "no_slow_down", "-j", "1", "--report-dir", str(tmp_path))
    assert result.exit_code == 0, result.output
    assert f"no_slow_down  killed: {EARLY}" in result.output
    assert "Quirks: 1, of which 1 break exactly what they declare" in result.output
    content = json.loads((tmp_path / "self-check.json").read_text("utf-8"))
    assert content["rules"][1] == {"rule": EARLY, "level": "must", "killed_by": ["no_slow_down"]}
    assert f"| `no_slow_down` | yes | `{EARLY}` |" in (tmp_path / "self-check.md").read_text("utf-8")


def test_an_unknown_quirk_is_refused() -> None:
    result = run("self-check", "--quirk", "no_such_quirk")
    assert result.exit_code == ExitCode.USAGE
    assert "there is no quirk no_such_quirk" in result.output
