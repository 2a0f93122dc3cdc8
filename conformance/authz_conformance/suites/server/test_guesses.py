"""Wrong user codes: how many an administrator may enter, for how long, and whose they are."""

from __future__ import annotations

from authz_conformance.catalogue import Capability
from authz_conformance.expectations import ANY_SUCCESS, expect, given
from authz_conformance.flow import Grant
from authz_conformance.rules import rule
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.suites.server.user_codes import made_up
from authz_conformance.targets.ports import Entry
from authz_conformance.verdicts import NotTestable

MOST_BEYOND = 3


@rule("guess.budget-is-limited")
def test_budget_is_limited(server: ServerUnderTest) -> None:
    grant = to_guess(server)
    wrong = first_guess(server, grant)
    others = [guess(server, grant) for _ in range(server.terms.guesses - 1)]
    for entry in others:
        expect.that(
            entry.status == wrong.status and not entry.accepted,
            wanted=f"{server.terms.guesses} user codes to be answered as wrong",
            found=entry,
            exchange=grant.exchange,
        )
    beyond = guess(server, grant)
    expect.that(
        is_barred(beyond, wrong),
        wanted=f"guess number {server.terms.guesses + 1} to be refused",
        found=f"{beyond}, as for a wrong one",
        exchange=grant.exchange,
    )


@rule("guess.refusal-is-429-with-retry-after")
def test_refusal_is_429_with_retry_after(server: ServerUnderTest) -> None:
    grant = to_guess(server)
    refusal = spend(server, grant)
    expect.equal(refusal.status, 429, what="the status", exchange=grant.exchange)
    seconds = refusal.headers.get("retry-after", "none")
    expect.that(
        seconds.isdecimal() and int(seconds) > 0,
        wanted="Retry-After in whole seconds, greater than 0",
        found=seconds,
        exchange=grant.exchange,
    )


@rule("guess.budget-reopens")
def test_budget_reopens(server: ServerUnderTest) -> None:
    grant = to_guess(server)
    wrong = first_guess(server, grant)
    refusal, longest = spend(server, grant), server.terms.guess_window_seconds
    spent_at = int(server.clock.now())
    seconds = int(refusal.headers.get("retry-after", longest))
    expect.that(0 < seconds <= longest, wanted=f"Retry-After of at most {longest} s", found=seconds)
    with server.clock.at(spent_at + seconds - 1):
        before = guess(server, grant)
    expect.that(is_barred(before, wrong), wanted="a refusal until Retry-After has passed", found=before)
    server.clock.move_to(spent_at + seconds)
    entry = right(server, server.new_grant())
    expect.that(entry.accepted, wanted="a right code to be accepted after Retry-After", found=entry)


@rule("guess.right-code-waits-too")
def test_right_code_waits_too(server: ServerUnderTest) -> None:
    grant = to_guess(server)
    spend(server, grant)
    entry = right(server, grant)
    expect.that(not entry.accepted, wanted="a right code to be refused", found=entry, exchange=grant.exchange)
    answer = server.poll(grant)
    decided = answer.status in ANY_SUCCESS or answer.error == "access_denied"
    expect.that(not decided, wanted="an undecided code", found=answer.said, exchange=answer)


@rule("guess.budget-is-each-administrators")
def test_budget_is_each_administrators(server: ServerUnderTest) -> None:
    grant, other = to_guess(server), server.provision.second_administrator()
    spend(server, grant)
    entry = server.human.approve(
        grant.user_code, server.device, administrator=None if other == server.spare_administrator else other
    )
    expect.that(
        entry.accepted,
        wanted="another administrator's right code to be accepted",
        found=entry,
        exchange=grant.exchange,
    )


@rule("guess.success-resets-nothing")
def test_success_resets_nothing(server: ServerUnderTest) -> None:
    grant, declared = to_guess(server), server.terms.guesses
    wrong = first_guess(server, grant)
    for _ in range(declared - 2):
        server.approve(server.new_grant(), administrator=server.spare_administrator)
        guess(server, grant)
    server.approve(server.new_grant(), administrator=server.spare_administrator)
    evaluated = declared - 1
    while not is_barred(guess(server, grant), wrong):
        evaluated += 1
        if evaluated > 3 * declared:
            raise NotTestable("no number of guesses is refused (guess.budget-is-limited)")
    expect.that(
        evaluated <= declared + 1,  # whether it is exactly the declared number is a rule of its own
        wanted=f"a refusal after {declared} wrong codes, whatever right ones lie between",
        found=f"one after {evaluated}",
        exchange=grant.exchange,
    )


def to_guess(server: ServerUnderTest) -> Grant:
    """Get codes, with somebody to guess at them who has a whole budget."""
    spent, window = server.stage.wrong_entries(server.spare_administrator), server.terms.guess_window_seconds
    if spent and Capability.ADVANCE_CLOCK in server.clock.offers:
        server.clock.advance(window + 1)
    elif spent:
        raise NotTestable(
            f"{spent} user codes of other rules were refused within {window} s, and for want of a second administrator "
            "and of a clock that moves nobody has a whole budget"
        )
    return server.new_grant()


def right(server: ServerUnderTest, grant: Grant) -> Entry:
    """Enter a right user code, as who guesses."""
    return server.human.approve(grant.user_code, server.device, administrator=server.spare_administrator)


def guess(server: ServerUnderTest, grant: Grant) -> Entry:
    """Enter a wrong user code."""
    return server.human.approve(
        made_up(server, grant), server.device, administrator=server.spare_administrator
    )


def first_guess(server: ServerUnderTest, grant: Grant) -> Entry:
    """Enter the first wrong user code: how it is answered tells the others. Nobody has spent the budget before the run."""
    entry = guess(server, grant)
    given.that(
        not entry.barred,
        wanted="the first wrong user code to be looked at",
        found=entry,
        exchange=grant.exchange,
    )
    return entry


def is_barred(entry: Entry, wrong: Entry) -> bool:
    """Tell an entry that is not even evaluated from one that is answered as wrong."""
    given.that(
        entry.status is not None, wanted="the status of an entry", found="none: the driver knows no status"
    )
    return not entry.accepted and entry.status != wrong.status


def spend(server: ServerUnderTest, grant: Grant) -> Entry:
    """Spend the budget of who guesses, and give the first refusal. How large it is, is a rule of its own."""
    wrong = first_guess(server, grant)
    for _ in range(server.terms.guesses + MOST_BEYOND):
        entry = guess(server, grant)
        if is_barred(entry, wrong):
            return entry
    raise NotTestable("no number of guesses is refused (guess.budget-is-limited)")
