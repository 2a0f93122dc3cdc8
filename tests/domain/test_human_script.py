from __future__ import annotations

from typing import Any

import pytest

from mock_authz.domain.human_script import Act, HumanScript, acted, is_due, takes_on
from tests.factories import NOW


def a_script(**changes: Any) -> HumanScript:
    return HumanScript(human_id="human-1", **{"act": Act.APPROVE, "grant_id": "grant-1", **changes})


@pytest.mark.parametrize(
    ("wants", "asks", "takes"),
    [(None, "pos-server", True), ("pos-server", "pos-server", True), ("register", "pos-server", False)],
)
def test_a_waiting_script_takes_on_a_code_of_its_client_or_of_any(
    wants: str | None, asks: str, *, takes: bool
) -> None:
    assert takes_on(a_script(grant_id=None, client_id=wants), client_id=asks) is takes


def test_a_script_takes_on_one_code_only() -> None:
    assert not takes_on(a_script(), client_id="pos-server")


def test_a_script_that_says_nothing_of_when_decides_at_once() -> None:
    assert is_due(a_script(), polls=0, now=NOW)


@pytest.mark.parametrize(("polls", "due"), [(0, False), (2, False), (3, True), (4, True)])
def test_a_script_decides_at_its_poll_or_at_once_if_that_has_been(polls: int, *, due: bool) -> None:
    assert is_due(a_script(after_polls=3), polls=polls, now=NOW) is due


@pytest.mark.parametrize(("seconds", "due"), [(-1, False), (0, True), (1, True)])
def test_a_script_decides_from_its_instant_on(seconds: int, *, due: bool) -> None:
    assert is_due(a_script(at=NOW), polls=9, now=NOW + seconds) is due


def test_a_script_decides_nothing_while_it_has_no_code() -> None:
    assert not is_due(a_script(grant_id=None), polls=9, now=NOW)


def test_a_script_that_has_decided_never_does_again() -> None:
    done = acted(a_script(at=NOW), now=NOW, refusal=None)
    assert (done.acted_at, done.refusal) == (NOW, None)
    assert not is_due(done, polls=9, now=NOW)
    assert not is_due(done, polls=9, now=NOW - 1)


def test_a_refused_decision_was_taken_too() -> None:
    done = acted(a_script(), now=NOW, refusal="Store 12 is disabled.")
    assert (done.acted_at, done.refusal) == (NOW, "Store 12 is disabled.")
