"""The oracle on servers that no rule of licensing binds: what they may have ended without a word, and what they grant."""

from __future__ import annotations

from authz_conformance.model import Answer
from tests.conformance.oracle_world import DAY, HYGIENE, LICENSE, Bench, altered, error, refresh_of, without

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


def test_another_server_grants_a_scope_of_its_own_and_keeps_it() -> None:
    bench = Bench(HYGIENE)
    poll = bench.codes()
    bench.ask(bench.approval(poll), at=0)
    tokens = altered(bench.example(poll, at=0), "body", scope="read")
    assert bench.see(poll, tokens, at=0).admissible
    refreshed = bench.example(refresh_of(tokens), at=1)
    assert refreshed.body["scope"] == "read"
    wider = altered(refreshed, "body", scope="read write")
    assert bench.breaks(refresh_of(tokens), wider, at=1) == ("refresh.keeps-scope",)


def test_what_was_granted_without_a_word_about_scope_is_refreshed_with_any() -> None:
    bench = Bench(HYGIENE)
    poll = bench.codes()
    bench.ask(bench.approval(poll), at=0)
    tokens = without(bench.example(poll, at=0), "body", "scope")
    bench.see(poll, tokens, at=0)
    refreshed = altered(bench.example(refresh_of(tokens), at=1), "body", scope="read")
    assert bench.breaks(refresh_of(tokens), refreshed, at=1) == ()


def test_a_licensing_server_grants_license_alone() -> None:
    bench = Bench(LICENSE)
    poll = bench.codes()
    bench.ask(bench.approval(poll), at=0)
    other = altered(bench.example(poll, at=0), "body", scope="read")
    assert "tokens.scope-always-returned" in bench.breaks(poll, other, at=0)
