"""Quirks of the budget of wrong user codes: how many, for how long, and whose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

from mock_authz.domain.device_grant import DeviceGrant
from mock_authz.domain.guess_budget import GuessBudget
from mock_authz.oauth.reply import Reply
from mock_authz.quirks.bending import (
    headers,
    hearing,
    when,
    with_store,
)
from mock_authz.quirks.lying_store import (
    Commit,
    LyingStore,
    changed,
    committing,
    getting,
    lying_as,
)
from mock_authz.quirks.quirk import Quirk, at
from mock_authz.quirks.verification import approved
from mock_authz.store.port import ABSENT, R, RecordKey, Stored
from mock_authz.usecases.approvals import find_user_code
from mock_authz.web.visit import Visit

EVERYBODY: Final = "everybody"
A_MINUTE_SECONDS: Final = 60


class _OneBudget(LyingStore):
    """Keeps one budget of wrong entries for all administrators."""

    def get(self, sandbox: str, kind: type[R], record_id: str) -> Stored[R] | None:
        if kind is not GuessBudget:
            return super().get(sandbox, kind, record_id)
        shared: Any = self.behind.get(sandbox, GuessBudget, EVERYBODY)
        return shared or Stored(GuessBudget(EVERYBODY), ABSENT)

    def bend(self, sandbox: str, commit: Commit) -> Commit:
        del sandbox

        def shared(key: RecordKey) -> RecordKey:
            return (GuessBudget, EVERYBODY) if key[0] is GuessBudget else key

        return replace(commit, expected={shared(key): version for key, version in commit.expected.items()})


def _budget_forgotten(_: LyingStore, __: str, commit: Commit) -> Commit:
    names = [grant.administrator or "" for grant in approved(commit)]
    return replace(commit, deletes=(*commit.deletes, *((GuessBudget, name) for name in names)))


def _right_code_passes(visit: Visit) -> Visit:
    """Show an empty budget to who is about to enter a right code through the management API."""
    grant = find_user_code(visit.context, visit.path.split("/")[3])
    if not (isinstance(grant, DeviceGrant) and visit.context.decisions.is_open(grant, now=visit.context.now)):
        return visit
    unspent = getting(
        GuessBudget,
        lambda store, sandbox, name: changed(store.behind.get(sandbox, GuessBudget, name), wrong_at=()),
    )
    return with_store(visit, unspent)


def _a_minute_early(wait: Callable[..., int]) -> Callable[..., int]:
    def lying(budget: GuessBudget, *, now: int) -> int:
        return wait(budget, now=now) if wait(budget, now=now + A_MINUTE_SECONDS) else 0

    return lying


def _one_more(wait: Callable[..., int]) -> Callable[..., int]:
    return lambda budget, *, now: wait(replace(budget, wrong_at=budget.wrong_at[:-1]), now=now)


def _without_retry_after(step: str, answer: Any) -> Any:
    """Take Retry-After off an answer or a page."""
    if isinstance(answer, Reply):
        refusal = when(lambda reply: reply.status == HTTPStatus.TOO_MANY_REQUESTS, headers(retry_after=None))
        return refusal(answer) if step == "management" else answer
    if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        del answer.headers["retry-after"]
    return answer


def _bare_429(give: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda of, answer: _without_retry_after(of, give(of, answer))


GUESSES: Final = (
    *at(
        "decisions.seconds_to_wait",
        (
            "six_guesses",
            "guess.budget-is-limited",
            "The sixth wrong user code is still evaluated.",
            _one_more,
        ),
        (
            "guesses_without_end",
            "guess.budget-is-limited",
            "Any number of wrong user codes may be entered.",
            lambda _: lambda budget, *, now: 0 * now * len(budget.wrong_at),
        ),
        (
            "budget_reopens_early",
            "guess.budget-reopens",
            "The budget of wrong user codes opens a minute before Retry-After has passed.",
            _a_minute_early,
        ),
    ),
    *at(
        "store",
        (
            "one_budget_for_all",
            "guess.budget-is-each-administrators",
            "All administrators share one budget of wrong user codes.",
            lying_as(_OneBudget),
        ),
        (
            "approval_resets_budget",
            "guess.success-resets-nothing",
            "An approval gives back the guesses that were spent.",
            lying_as(committing(_budget_forgotten)),
        ),
    ),
    *at(
        "hear",
        (
            "right_code_always_passes",
            "guess.right-code-waits-too",
            "A right user code is accepted after the budget has been spent, through the management API.",
            hearing(
                lambda visit: (
                    _right_code_passes(visit)
                    if visit.path.startswith("/management/authorizations/")
                    else visit
                )
            ),
        ),
    ),
    Quirk(
        name="no_retry_after",
        rules=("guess.refusal-is-429-with-retry-after",),
        says="The refusal of a guess beyond the budget has no Retry-After.",
        seam="render",
        wrap=_bare_429,
        also={"show": _bare_429},
    ),
)
