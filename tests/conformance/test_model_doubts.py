"""The oracle where a server that no rule of licensing binds may have ended a grant without saying so."""

from __future__ import annotations

from authz_conformance.model import Answer
from tests.conformance.oracle_world import DAY, HYGIENE, LICENSE, Bench, error, refresh_of

TOKENS = ("tokens",)
EITHER = ("tokens", "invalid_grant")


def replayed(bench: Bench) -> Answer:
    """Redeem a code, and present it again."""
    poll = bench.codes()
    bench.ask(bench.approval(poll), at=0)
    tokens = bench.ask(poll, at=0)
    assert bench.kinds(poll, at=1) == ("invalid_grant",)
    bench.ask(poll, at=1)
    return tokens


def test_a_code_that_comes_again_takes_nothing_from_the_license_of_a_licensing_server() -> None:
    bench = Bench(LICENSE)
    assert bench.kinds(refresh_of(replayed(bench)), at=2) == TOKENS


def test_another_server_may_revoke_what_a_code_gave_when_it_comes_again() -> None:
    bench = Bench(HYGIENE)
    tokens = replayed(bench)
    assert bench.kinds(refresh_of(tokens), at=2) == EITHER
    successor = bench.ask(refresh_of(tokens), at=2)
    assert bench.kinds(refresh_of(successor), at=3) == EITHER


def test_reuse_after_a_replay_ends_the_family_of_another_server_too() -> None:
    bench = Bench(HYGIENE)
    tokens = replayed(bench)
    successor = bench.ask(refresh_of(tokens), at=2)
    newest = bench.ask(refresh_of(successor), at=3)
    assert bench.kinds(refresh_of(tokens), at=4) == ("invalid_grant",)
    bench.ask(refresh_of(tokens), at=4)
    assert bench.kinds(refresh_of(newest), at=5) == ("invalid_grant",)


def reused(bench: Bench, *, at: int) -> Answer:
    """Refresh twice, and present the first refresh token again."""
    tokens = bench.acquire(server_id="plain")
    successor = bench.ask(refresh_of(tokens), at=DAY)
    newest = bench.ask(refresh_of(successor), at=2 * DAY)
    assert bench.see(
        refresh_of(tokens), error("invalid_grant", reason="refresh_token_reused"), at=at
    ).admissible
    return newest


def test_the_reuse_of_an_expired_token_ends_the_family_of_a_licensing_server() -> None:
    bench = Bench(LICENSE)
    assert bench.kinds(refresh_of(reused(bench, at=90 * DAY)), at=90 * DAY + 1) == ("invalid_grant",)


def test_another_server_need_not_remember_that_an_expired_token_had_been_used() -> None:
    for at, kinds in ((90 * DAY - 1, ("invalid_grant",)), (90 * DAY, EITHER)):
        bench = Bench(HYGIENE)
        newest = reused(bench, at=at)
        assert bench.kinds(refresh_of(newest), at=at + 1) == kinds
        assert bench.kinds(refresh_of(newest), at=92 * DAY) == ("invalid_grant",)  # it has expired itself
