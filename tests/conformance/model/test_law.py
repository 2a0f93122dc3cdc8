"""The oracle's law: which rules bind whom, tolerance, lost replies; and that it shares nothing with a server."""

from __future__ import annotations

import ast
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import authz_conformance.model
import authz_conformance.scenarios
from authz_conformance.catalogue import Capability, Profile
from authz_conformance.model import (
    Answer,
    Breach,
    Deny,
    DeviceAuthorization,
    Law,
    Reading,
    RevokeLicense,
    add_months,
    law_of,
    license_status,
    token_state,
)
from authz_conformance.model.answers import Check, Outcome
from authz_conformance.model.wanted import (
    MISSING,
    Absent,
    Alone,
    Among,
    Fresh,
    Is,
    Kids,
    Wanted,
    WholeNumber,
    same,
)
from tests.conformance.oracle_world import CATALOGUE, DANA, LICENSE, POS, RFC8628, Bench, error, refresh_of

PATHS = {"claims.iss", "claims.exp", "claims.license"}  # places in an answer, spelled as rules are
PACKAGES = (authz_conformance.model, authz_conformance.scenarios)
SOURCES = [path for package in PACKAGES for path in sorted(Path(package.__path__[0]).rglob("*.py"))]


def utc(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp())  # type: ignore[arg-type,misc]


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def rule_ids(path: Path) -> set[str]:
    """Every string that looks like the id of a rule."""
    groups = tuple(f"{rule.group.value}." for rule in CATALOGUE.rules)
    strings = {
        node.value
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {
        text for text in strings if text.startswith(groups) and " " not in text and not text.endswith(".")
    } - PATHS


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_the_oracle_imports_neither_server_nor_client_nor_their_tests(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(path)}
    assert roots.isdisjoint({"mock_authz", "authz_client", "tests"})


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if "model" in path.parts], ids=lambda path: path.stem
)
def test_the_model_knows_no_clock_no_entropy_and_no_wire(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(path)}
    assert roots.isdisjoint({"time", "random", "secrets", "os", "socket", "httpx2", "pathlib", "hypothesis"})


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_every_rule_that_is_named_is_in_the_catalogue(path: Path) -> None:
    assert rule_ids(path) <= set(CATALOGUE.by_id)


def test_the_oracle_knows_most_of_what_time_decides() -> None:
    known = {rule for path in SOURCES if "model" in path.parts for rule in rule_ids(path)}
    assert len(known) >= 100


# ------------------------------------------------------------------------------------------------ law


def test_a_should_binds_a_kensium_server_where_protocol_md_says_so_and_else_only_warns() -> None:
    assert "redeem.once" in LICENSE.binding
    assert "redeem.once" in RFC8628.advised
    assert not RFC8628.binds("redeem.once")


def test_a_law_takes_the_capabilities_that_it_is_given() -> None:
    law = law_of(
        CATALOGUE, profiles=[Profile.RFC8628], capabilities=[Capability.APPROVE], tolerance_seconds=2
    )
    assert law.capabilities == frozenset({Capability.APPROVE})
    assert law.tolerance_seconds == 2
    assert Capability.NETWORK not in RFC8628.capabilities


@pytest.mark.parametrize(
    ("tolerance", "kinds"), [(0, ("slow_down",)), (1, ("slow_down", "authorization_pending"))]
)
def test_a_tolerance_admits_what_would_be_right_that_many_seconds_earlier_or_later(
    tolerance: int, kinds: tuple[str, ...]
) -> None:
    bench = Bench(Law(binding=LICENSE.binding, tolerance_seconds=tolerance))
    poll = bench.codes()
    bench.ask(poll, at=0)
    assert bench.kinds(poll, at=4) == kinds
    assert bench.kinds(poll, at=3) == ("slow_down",)


def test_within_the_tolerance_an_answer_is_followed_as_it_was_given() -> None:
    bench = Bench(Law(binding=LICENSE.binding, tolerance_seconds=1))
    poll = bench.codes()
    bench.ask(poll, at=0)
    assert bench.see(poll, error("authorization_pending"), at=4).admissible
    assert bench.state.worlds[0].grants[poll.device_code].slow_downs == 0


def test_a_lost_redemption_supersedes_all_the_same() -> None:
    bench = Bench()
    first = bench.acquire()
    poll = bench.codes()
    bench.ask(bench.approval(poll), at=0)
    bench.see(poll, None, at=0)
    assert bench.reasons(refresh_of(first), at=1) == ("license_superseded",)
    assert bench.kinds(poll, at=1) == ("invalid_grant",)


def test_a_lost_reply_that_could_have_been_two_leaves_both_worlds() -> None:
    bench = Bench(RFC8628)
    poll = bench.codes()
    bench.ask(Deny(user_code=bench.approval(poll).user_code, administrator=DANA), at=0)
    bench.ask(poll, at=0)
    bench.see(poll, None, at=1)
    assert len(bench.state.worlds) >= 1
    bench.see(DeviceAuthorization(client_id=POS), None, at=2)
    assert any(code.startswith("unseen:") for code in bench.state.worlds[0].grants)


def test_a_judgement_says_what_was_due_and_what_came() -> None:
    bench = Bench()
    poll = bench.codes()
    judgement = bench.predict(poll, at=0).judge(error("slow_down"))
    (breach,) = judgement.broken
    assert breach == Breach(
        rule="poll.first-is-never-early", due="authorization_pending", came="slow_down (400)"
    )
    assert judgement.rules == ("poll.first-is-never-early",)
    step = refresh_of(bench.acquire())
    silent = Answer(status=200, body={"access_token": "a"}, header={}, claims={})
    cames = {breach.came for breach in bench.predict(step, at=0).judge(silent).broken}
    assert cames == {"absent"}


def test_a_reading_has_two_sides_and_its_law() -> None:
    assert all(one.law and one.by_letter and one.other for one in Reading)
    bench = Bench()
    bench.acquire()
    assert bench.state.worlds[0].reads(Reading.GUESSES_SLIDE)
    bench.ask(RevokeLicense(server_id="store"), at=0)
    assert len(bench.state.worlds) == 1


# ------------------------------------------------------------------------------------------------ values


@pytest.mark.parametrize(
    ("wanted", "good", "bad"),
    [
        (Is(1), [1], [1.0, True, "1", MISSING]),
        (Is({"a": [1]}), [{"a": [1]}, {"a": (1,)}], [{"a": [True]}, {"a": [1, 2]}, {"b": [1]}, []]),
        (Among((1, MISSING)), [1, MISSING], [2, None]),
        (Absent(), [MISSING], [None, ""]),
        (Fresh(frozenset({"old"})), ["new"], ["old", "", 1, MISSING]),
        (WholeNumber(1), [1, 2], [0, 1.0, True, MISSING]),
        (WholeNumber(0, or_absent=True), [0, MISSING], [-1]),
        (
            Alone("active", value=False),
            [{"active": False}, {"active": True, "a": 1}, 1],
            [{"active": False, "a": 1}],
        ),
        (
            Kids(frozenset({"a"}), frozenset({"b"})),
            [[{"kid": "a"}]],
            [[{"kid": "b"}, {"kid": "a"}], [], "a", 1, ["a"]],
        ),
    ],
)
def test_what_is_wanted_admits_that_and_nothing_else(
    wanted: Wanted, good: list[object], bad: list[object]
) -> None:
    assert all(wanted.admits(found) for found in good)
    assert not any(wanted.admits(found) for found in bad)
    assert wanted.admits(wanted.example("name"))
    assert str(wanted)


def test_a_whole_number_that_may_be_left_out_says_so() -> None:
    assert str(WholeNumber(0, or_absent=True)) == "a whole number, at least 0, or absent"
    assert str(Among((1, MISSING))) == "1 or absent"
    assert same({"a": 1}, {"a": 1})


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(status=200, body={"access_token": "a"}), "tokens"),
        (Answer(status=200, body={"device_code": "d"}), "codes"),
        (Answer(status=204), "done"),
        (Answer(status=429, body={"error": "slow_down"}), "throttled"),
        (error("slow_down"), "slow_down"),
        (Answer(status=500), "refused"),
        (Answer(status=400, body={"error": 1}), "refused"),
    ],
)
def test_answers_are_of_a_kind(answer: Answer, kind: str) -> None:
    assert answer.kind == kind


def test_an_answer_is_searched_by_a_dotted_path() -> None:
    answer = Answer(status=200, body={"a": {"b": 1}})
    assert [answer.find(path) for path in ("status", "body.a.b", "body.a.c", "body.a.b.c")] == [
        200,
        1,
        MISSING,
        MISSING,
    ]


def test_an_example_meets_every_check_and_the_first_of_a_place_gives_it() -> None:
    outcome = Outcome(
        kind="refused",
        checks=(
            Check("body.a", Is(2), ()),
            Check("body.a", WholeNumber(1), ()),
            Check("status", Is(403), ()),
        ),
    )
    assert outcome.example() == Answer(status=403, body={"a": 2})
    assert outcome.failing(outcome.example()) == ()


# ------------------------------------------------------------------------------------------------ the calendar


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ((2027, 1, 31), 1, (2027, 2, 28)),
        ((2028, 1, 31), 1, (2028, 2, 29)),
        ((2026, 12, 31, 23, 59, 59), 2, (2027, 2, 28, 23, 59, 59)),
        ((2026, 3, 2, 9), 12, (2027, 3, 2, 9)),
        ((2026, 3, 31), -1, (2026, 2, 28)),
        ((2026, 3, 2), 0, (2026, 3, 2)),
    ],
)
def test_months_are_those_of_the_calendar_in_utc(
    start: tuple[int, ...], months: int, end: tuple[int, ...]
) -> None:
    assert add_months(utc(*start), months=months) == utc(*end)


@given(st.integers(0, 2**32), st.integers(0, 240))
def test_months_move_an_instant_forward_and_keep_the_time_of_day(instant: int, months: int) -> None:
    moved = add_months(instant, months=months)
    assert moved >= instant
    assert moved % 86_400 == instant % 86_400


def test_the_status_changes_at_its_bounds() -> None:
    def status(now: int, *, renewal_at: int | None = 100, ended: bool = False) -> str:
        return license_status(renewal_at=renewal_at, renewal_window_seconds=30, ended=ended, now=now)

    assert [status(now) for now in (69, 70, 71)] == ["licensed", "requires_renewal", "requires_renewal"]
    assert [status(now) for now in (99, 100, 101)] == ["requires_renewal", *["expired_requires_renewal"] * 2]
    assert status(10**9, renewal_at=None) == "licensed"
    assert status(0, renewal_at=None, ended=True) == "expired_requires_renewal"


def test_the_state_of_a_token_changes_at_its_bounds() -> None:
    states = [token_state(exp=100, token_warning_seconds=20, now=now) for now in (80, 81, 99, 100, 101)]
    assert states == ["valid", "expiring", "expiring", "expired", "expired"]
