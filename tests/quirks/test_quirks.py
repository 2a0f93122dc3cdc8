"""Each quirk is seen on the wire: it breaks the rules that it names, which the plain server keeps.

The scenarios are the rules', one for each; here each is played on the plain server, on every quirk that names its rule,
and on a sample of the others.
"""

from __future__ import annotations

from hashlib import sha256

import pytest

from authz_conformance.catalogue import Role, load_catalogue
from mock_authz.quirks import ALL, Quirk, behaviour
from mock_authz.usecases.context import PLAIN
from tests.quirks.document import DOCUMENT, document
from tests.quirks.played import allowed, rules_to_settle, scenarios, unbroken
from tests.quirks.stage import Verdict, judge

BROKEN = [(quirk.name, rule) for quirk in ALL.values() for rule in quirk.rules]
SAMPLED = 2


@pytest.mark.parametrize("rule", scenarios())
def test_the_plain_server_keeps_the_rule(rule: str) -> None:
    assert judge(rule) is Verdict.KEPT


@pytest.mark.parametrize(("quirk", "rule"), BROKEN)
def test_the_quirk_breaks_the_rule_that_it_names(quirk: str, rule: str) -> None:
    assert judge(rule, quirk) is Verdict.BROKEN


def others(quirk: Quirk) -> list[str]:
    """Choose some of the rules that a quirk does not name, always the same."""
    unnamed = [rule for rule in scenarios() if rule not in quirk.rules]
    return sorted(unnamed, key=lambda rule: sha256(f"{quirk.name} {rule}".encode()).digest())[:SAMPLED]


@pytest.mark.parametrize("quirk", ALL)
def test_the_quirk_breaks_no_other_rule(quirk: str) -> None:
    verdicts = {rule: judge(rule, quirk) for rule in others(ALL[quirk])}
    assert Verdict.BROKEN not in verdicts.values(), verdicts


# --- names and rules ---


def test_a_quirk_has_the_name_that_it_is_found_by() -> None:
    assert all(name == quirk.name for name, quirk in ALL.items())


@pytest.mark.parametrize("quirk", ALL.values(), ids=ALL)
def test_the_quirk_names_rules_for_servers_that_a_test_can_settle_and_says_what_it_does(quirk: Quirk) -> None:
    catalogue = load_catalogue().by_id
    assert quirk.rules
    assert len(set(quirk.rules)) == len(quirk.rules)
    for rule in quirk.rules:
        assert catalogue[rule].role is Role.SERVER
        assert catalogue[rule].untestable is None
    assert quirk.says.endswith(".")
    assert "|" not in quirk.says


def test_every_rule_for_servers_has_a_scenario() -> None:
    assert set(scenarios()) == {rule.id for rule in rules_to_settle()}


def test_every_rule_that_a_server_must_keep_is_broken_or_has_a_reason_why_not() -> None:
    assert sorted(unbroken()) == sorted(allowed())


def test_every_rule_for_servers_that_requirements_speak_of_is_broken() -> None:
    broken = {rule for quirk in ALL.values() for rule in quirk.rules}
    settled = {rule.id for rule in rules_to_settle()}
    for statement in load_catalogue().statements:
        if statement.document == "requirements.md":
            assert settled.intersection(statement.rules) <= broken, statement.says


def test_no_two_quirks_say_the_same() -> None:
    assert len({quirk.says for quirk in ALL.values()}) == len(ALL)


# --- attaching ---


def test_without_quirks_the_server_is_plain() -> None:
    assert behaviour(()) is PLAIN


def test_two_quirks_both_lie() -> None:
    both = ("slow_down_does_not_grow", "reuse_ends_nothing")
    for quirk in both:
        assert judge(ALL[quirk].rules[0], *both) is Verdict.BROKEN


def test_two_quirks_of_one_seam_both_lie() -> None:
    both = ("denial_outlives_expiry", "slow_down_does_not_grow")
    assert {ALL[quirk].seam for quirk in both} == {"decisions.poll"}
    for quirk in both:
        assert judge(ALL[quirk].rules[0], *both) is Verdict.BROKEN


def test_all_quirks_can_be_attached_at_once() -> None:
    attached = behaviour(tuple(ALL))
    for quirk in ALL.values():
        for seam in (quirk.seam, *quirk.also):
            group, _, name = seam.rpartition(".")
            holder = getattr(attached, group) if group else attached
            plain = getattr(PLAIN, group) if group else PLAIN
            assert getattr(holder, name) is not getattr(plain, name)


def test_an_unknown_quirk_is_an_error() -> None:
    with pytest.raises(KeyError):
        behaviour(("no_such_quirk",))


def test_the_document_lists_the_quirks_as_they_are() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "run python -m tests.quirks.document"
