"""The requirement catalogue: it holds together, covers the documents, and says what is wrong where it does not."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from authz_conformance.catalogue import (
    CATALOGUE_DIRECTORY,
    Capability,
    CatalogueError,
    Document,
    Group,
    Level,
    Profile,
    Role,
    coverage,
    load_catalogue,
)
from authz_conformance.scenarios import SCENARIOS

CATALOGUE = load_catalogue()
SECTIONS_OF_PROTOCOL = [
    "Preamble",
    "Words",
    "Endpoints",
    "Defaults",
    "License token",
    "License status",
    "The device grant",
    "Refresh, renewal, endings",
    "What a client does",
    "What a peer does",
]
Edit = Callable[[str, str, str], Path]


@pytest.fixture
def edited(tmp_path: Path) -> Edit:
    """Make a copy of the catalogue with one piece of text exchanged."""

    def edit(file: str, old: str, new: str) -> Path:
        for kind in ("rules", "coverage"):
            shutil.copytree(CATALOGUE_DIRECTORY / kind, tmp_path / kind)
        path = tmp_path / file
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")
        return tmp_path

    return edit


def problems_of(directory: Path) -> tuple[str, ...]:
    """Load a broken catalogue, and give what is said of it."""
    with pytest.raises(CatalogueError) as raised:
        load_catalogue(directory)
    return raised.value.problems


def enumerated(schema: dict[str, Any], *path: str) -> list[str]:
    """Find the words that a schema allows somewhere."""
    for part in path:
        schema = schema[part]
    words: list[str] = schema["enum"]
    return words


# ------------------------------------------------------------------------------------------------ what is in it
def test_ids_are_unique() -> None:
    assert [
        rule_id for rule_id, times in Counter(rule.id for rule in CATALOGUE.rules).items() if times > 1
    ] == []


def test_there_are_rules_enough_for_each_role() -> None:
    testable = Counter(rule.role for rule in CATALOGUE.rules if rule.untestable is None)
    assert testable[Role.SERVER] >= 250
    assert testable[Role.CLIENT] >= 90
    assert testable[Role.PEER] >= 30


@pytest.mark.parametrize("word", [*Group, *Profile, *Capability, *Document, *Level, *Role])
def test_no_word_of_the_vocabularies_is_without_a_rule_or_a_story(word: str) -> None:
    used: set[str] = {need for scenario in SCENARIOS for need in scenario.needs}
    for rule in CATALOGUE.rules:
        used |= {rule.group, rule.profile, rule.source.document, rule.level, rule.role, *rule.needs}
    assert word in used


def test_the_schema_allows_the_words_of_the_vocabularies_and_no_others() -> None:
    schema = json.loads((CATALOGUE_DIRECTORY / "rules.schema.json").read_text("utf-8"))
    row = ("$defs", "rule", "properties")
    assert enumerated(schema, "properties", "source") == list(Document)
    assert enumerated(schema, "properties", "profile") == list(Profile)
    assert enumerated(schema, *row, "source") == list(Document)
    assert enumerated(schema, *row, "profile") == list(Profile)
    assert enumerated(schema, *row, "level") == list(Level)
    assert enumerated(schema, *row, "license_level") == list(Level)
    assert enumerated(schema, *row, "needs", "items") == list(Capability)


def test_no_two_rules_say_the_same() -> None:
    words = Counter(" ".join(sorted(re.findall(r"\w+", rule.text.lower()))) for rule in CATALOGUE.rules)
    assert [text for text, times in words.items() if times > 1] == []


def test_rules_are_in_our_own_words() -> None:
    """No quotation marks, and none of the standards' capital keywords: nothing is copied."""
    copied = [
        rule.id
        for rule in CATALOGUE.rules
        if re.search(r'["“”«»]|\b(MUST|SHALL|SHOULD|MAY|REQUIRED)\b', rule.text)
    ]
    assert copied == []


def test_a_rule_that_speaks_of_moving_the_clock_depends_on_time() -> None:
    """Moving the clock is needed for time alone; a settings change may need it as well."""
    clocks = {
        Capability.ADVANCE_CLOCK,
        Capability.MOVE_CLOCK_BACK,
        Capability.FREEZE_CLOCK,
        Capability.MONOTONIC_CLOCK,
    }
    assert [r.id for r in CATALOGUE.rules if clocks & set(r.needs) and not r.time_dependent] == []


def test_every_known_defect_has_a_rule() -> None:
    defects = [s for s in CATALOGUE.statements if s.section == "Known defects"]
    assert len(defects) >= 13
    assert all(statement.rules for statement in defects)


# ------------------------------------------------------------------------------------------------ coverage
def test_every_section_of_the_protocol_is_covered() -> None:
    found = dict.fromkeys(s.section for s in CATALOGUE.statements if s.document == Document.PROTOCOL)
    assert list(found) == SECTIONS_OF_PROTOCOL


def test_only_sections_of_the_protocol_are_cited() -> None:
    cited = {rule.source.section for rule in CATALOGUE.rules if rule.source.document is Document.PROTOCOL}
    assert cited <= set(SECTIONS_OF_PROTOCOL)


def test_every_statement_has_rules_or_says_why_not() -> None:
    assert [str(s.place) for s in CATALOGUE.statements if bool(s.rules) is (s.nobody is not None)] == []


def test_coverage_tells_tested_untested_needless_and_unknown() -> None:
    found = coverage(
        CATALOGUE, tested=["poll.undecided-is-pending", "codes.short-lived", "poll.no-such-rule"]
    )
    assert found.tested == ("poll.undecided-is-pending",)
    assert found.needless == ("codes.short-lived",)
    assert found.unknown == ("poll.no-such-rule",)
    testable = [rule for rule in CATALOGUE.rules if rule.untestable is None]
    assert len(found.untested) == len(testable) - 1


# ------------------------------------------------------------------------------------------------ the values
def test_protocol_raises_the_level_for_a_kensium_server_alone() -> None:
    rule = CATALOGUE.by_id["poll.early-is-slow-down"]
    assert rule.level_under([Profile.RFC8628, Profile.OAUTH_HYGIENE]) is Level.INFORMATIVE
    assert rule.level_under([Profile.RFC8628, Profile.LICENSE]) is Level.MUST
    assert CATALOGUE.by_id["poll.denied-is-access-denied"].level_under([Profile.LICENSE]) is Level.MUST


def test_a_source_is_cited_with_its_section_where_one_is_given() -> None:
    assert str(CATALOGUE.by_id["poll.slow-down-adds-5"].source) == "RFC 8628 3.5"
    assert str(CATALOGUE.by_id["poll.slow-down-is-for-good"].source) == 'protocol.md, "The device grant"'
    assert str(CATALOGUE.by_id["keys.nothing-private"].source) == "RFC 7517"


def test_rules_are_chosen_by_their_columns() -> None:
    chosen = CATALOGUE.select(
        only={"role": ["server"], "source": ["RFC 8628"], "level": []}, time_dependent=True
    )
    assert "poll.slow-down-adds-5" in [rule.id for rule in chosen]
    assert {rule.source.document for rule in chosen} == {Document.RFC8628}
    assert all(rule.time_dependent and rule.role is Role.SERVER for rule in chosen)


def test_the_fingerprint_is_of_the_rules(edited: Edit) -> None:
    assert re.fullmatch(r"[0-9a-f]{12}", CATALOGUE.digest)
    commented = edited("rules/rfc7009.yaml", "rules:", "# a comment changes nothing\nrules:")
    assert load_catalogue(commented).digest == CATALOGUE.digest


def test_the_fingerprint_changes_with_a_rule(edited: Edit) -> None:
    changed = edited("rules/rfc7009.yaml", "answered with 200", "answered with 201")
    assert load_catalogue(changed).digest != CATALOGUE.digest


# ------------------------------------------------------------------------------------------------ what is refused
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("level: must", "level: musty", "'musty' is not one of"),
        ("level: must", "levle: must", "'levle' was unexpected"),
        ("level: must", "level: must\n    level: should", "stands here a second time"),
        ("id: revoke.refresh-token", "id: revoke.Refresh_Token", "does not match"),
        ("id: revoke.refresh-token", "id: recall.refresh-token", "there is no group recall"),
        (
            "id: revoke.again-is-200",
            "id: revoke.unknown-is-200",
            "is the id of another rule, at rfc7009.yaml:",
        ),
        ("needs: [revocation]", "needs: [revocaton]", "'revocaton' is not one of"),
        ("needs: [revocation]", "needs: [is_peer]", "no server has the capability is_peer"),
        ('section: "2.2"', 'section: "two"', "a section of RFC 7009 is a number"),
        ("source: RFC 7009", "source: RFC 9007", "'RFC 9007' is not one of"),
        ("profile: oauth-hygiene", "profile: client-license", "the profile client-license is for a client"),
        ("level: must", "level: must\n    license_level: should", "license_level asks no more"),
        (
            'section: "2"',
            "source: protocol.md\n    section: Words",
            "has no statement that names",
        ),
        ("profile: oauth-hygiene\nrules:", "profile: [", "not YAML"),
    ],
)
def test_a_fault_in_a_rule_is_said_with_file_and_line(edited: Edit, old: str, new: str, said: str) -> None:
    problems = problems_of(edited("rules/rfc7009.yaml", old, new))
    assert [
        problem for problem in problems if re.match(r"rfc7009\.yaml:\d+: ", problem) and said in problem
    ], problems


def test_a_fault_is_said_of_the_line_on_which_it_stands(edited: Edit) -> None:
    directory = edited("rules/rfc7009.yaml", "level: must", "level: musty")
    lines = (directory / "rules/rfc7009.yaml").read_text("utf-8").splitlines()
    assert problems_of(directory)[0].startswith(
        f"rfc7009.yaml:{lines.index('    level: musty') + 1}: rules.0.level: "
    )


def test_an_empty_text_is_refused(edited: Edit) -> None:
    text = "A refresh token revoked by its client is answered with 200, and is refused from then on."
    assert "rules.0.text" in problems_of(edited("rules/rfc7009.yaml", text, '" "'))[0]


def test_an_empty_file_is_refused(edited: Edit) -> None:
    directory = edited("rules/rfc7009.yaml", "rules:", "rules:")
    (directory / "rules/rfc7009.yaml").write_text("", "utf-8")
    assert problems_of(directory) == ("rfc7009.yaml:1: the file is empty",)


def test_a_protocol_rule_without_a_section_is_refused(edited: Edit) -> None:
    problems = problems_of(edited("rules/device-grant.yaml", "section: The device grant\n", ""))
    assert any("protocol.md is cited with a section" in problem for problem in problems)


def test_a_statement_that_names_no_rule_of_ours_is_refused(edited: Edit) -> None:
    problems = problems_of(
        edited("coverage/protocol.yaml", "client-page.shows-utc, ", "client-page.shows-gmt, ")
    )
    assert any(re.match(r"protocol\.yaml:\d+: there is no rule client-page\.shows-gmt", p) for p in problems)


def test_a_rule_that_no_statement_names_is_refused(edited: Edit) -> None:
    problems = problems_of(edited("coverage/requirements.yaml", "revoke.again-is-200, ", ""))
    assert any("revoke.again-is-200: no statement of any document names the rule" in p for p in problems)


def test_a_statement_with_neither_rules_nor_reason_is_refused(edited: Edit) -> None:
    problems = problems_of(
        edited("coverage/protocol.yaml", "rules: [client-page.unlicensed-shows-the-steps]", "rules: []")
    )
    assert any(problem.startswith("protocol.yaml:") for problem in problems)


def test_all_faults_are_said_at_once(edited: Edit) -> None:
    directory = edited("rules/rfc7009.yaml", "level: must", "level: musty")
    second = directory / "rules/rfc7662.yaml"
    second.write_text(second.read_text("utf-8").replace("level: must", "level: musty", 1), "utf-8")
    assert {problem.split(":")[0] for problem in problems_of(directory)} == {"rfc7009.yaml", "rfc7662.yaml"}
