"""Retries: a predecessor presented again within its window, because the answer was lost. protocol.md."""

from __future__ import annotations

from authz_conformance.expectations import expect
from authz_conformance.rules import rule
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.suites.server.licenses import generations, granted, instant

AT_A_TIME = 8
MINUTE = 60


@rule("refresh.retry-gets-same-successor")
def test_retry_gets_same_successor(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    first = server.refreshed(tokens)
    for _ in range(2):
        answer = server.refresh(tokens)
        granted(answer)
        expect.that(
            answer.members.get("refresh_token") == first.refresh_token,
            wanted="the same successor, byte for byte",
            found="another one",
            exchange=answer,
        )


@rule("refresh.retry-mints-anew")
def test_retry_mints_anew(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    first = server.refreshed(tokens)
    server.clock.advance(MINUTE)
    retried = server.refreshed(tokens)
    later = instant(retried, "iat") - instant(first, "iat")
    expect.that(
        retried.access_token != first.access_token and later >= MINUTE,
        wanted=f"a license token issued {MINUTE} s after the first answer's",
        found=f"one issued {later} s after it",
        exchange=retried.exchange,
    )


@rule("refresh.retry-window-is-half-open")
def test_retry_window_is_half_open(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    used_at = generations(server, tokens, count=1)[-1].issued_at
    ends_at = used_at + server.terms.refresh_retry_window_seconds
    with server.clock.at(ends_at - 1):
        last_retry = server.refresh(tokens)
    granted(last_retry)
    server.clock.move_to(ends_at)
    expect.error(server.refresh(tokens), "invalid_grant")


@rule("refresh.retry-window-never-extended")
def test_retry_window_never_extended(server: ServerUnderTest) -> None:
    window = server.terms.refresh_retry_window_seconds
    tokens = server.acquire()
    used_at = generations(server, tokens, count=1)[-1].issued_at
    for part in (1, 2):
        server.clock.move_to(used_at + window * part // 3)
        server.refresh(tokens)  # how a retry is answered has rules of its own
    server.clock.move_to(used_at + window)
    expect.error(server.refresh(tokens), "invalid_grant")


@rule("refresh.concurrent-are-retries")
def test_concurrent_are_retries(server: ServerUnderTest) -> None:
    tokens = server.acquire()
    answers = server.together(*[lambda: server.refresh(tokens)] * AT_A_TIME)
    for answer in answers:
        granted(answer)
    successors = {answer.members.get("refresh_token") for answer in answers}
    expect.that(
        len(successors) == 1,
        wanted="the same successor for each",
        found=f"{len(successors)} successors",
        exchange=answers[-1],
    )
