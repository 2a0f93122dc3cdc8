"""The self-check's rules reach our server by calls: what they find is what they would find over real connections."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from threading import Event
from typing import Any

import pytest

from authz_conformance.selfcheck import bench
from authz_conformance.selfcheck.bench import Task, carry_out
from authz_conformance.selfcheck.in_process import CallingConnection, Message, Receive, Send
from authz_conformance.story import Story
from authz_conformance.targets.admin_api import AdminApi
from authz_conformance.wire import Bounds, Wire

URL = "http://127.0.0.1:1/a%20path"


@contextmanager
def wire(application: Any, *, seconds: float = 10.0) -> Iterator[Wire]:
    connection = CallingConnection(application, bounds=Bounds(request_seconds=seconds))
    try:
        yield Wire(connection, Story())
    finally:
        connection.close()


async def answer(send: Send, body: bytes = b"", *headers: tuple[bytes, bytes]) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})


# --- the transport ---


def test_an_answer_that_is_judged_is_cut_off_and_one_of_an_adapters_api_is_whole() -> None:
    listed = ["x" * 1000] * 2000

    async def long(_: Message, __: Receive, send: Send) -> None:
        await answer(send, json.dumps(listed).encode())

    with closing(CallingConnection(long)) as connection:
        assert AdminApi(connection, URL).get() == listed
        judged = connection.ask("GET", URL, [], b"")
        assert len(judged.content) == connection.bounds.body_bytes


def test_an_application_is_told_what_was_asked() -> None:
    heard: list[Any] = []

    async def listening(scope: Message, receive: Receive, send: Send) -> None:
        heard.extend([scope["method"], scope["path"], scope["raw_path"], scope["query_string"]])
        heard.extend([dict(scope["headers"])[b"host"], (await receive())["body"]])
        await answer(send)

    with wire(listening) as asking:
        asking.post(f"{URL}?q=1", {"a": "b"}, step="any")
    assert heard == ["POST", "/a path", b"/a%20path", b"q=1", b"127.0.0.1:1", b"a=b"]


def test_an_answer_comes_as_it_was_sent_and_to_head_without_a_body() -> None:
    async def twice(_: Message, __: Receive, send: Send) -> None:
        await answer(send, b"body", (b"x-twice", b"1"), (b"x-twice", b"2"))

    with wire(twice) as asking:
        got, looked = asking.get(URL, step="any"), asking.send("HEAD", URL, step="any")
    assert (got.status, got.headers, got.content) == (200, (("x-twice", "1"), ("x-twice", "2")), b"body")
    assert (looked.status, looked.content) == (200, b"")


def test_what_breaks_the_application_breaks_the_connection() -> None:
    async def broken(_: Message, __: Receive, ___: Send) -> None:
        raise ConnectionResetError("cut")

    with wire(broken) as asking:
        assert asking.get(URL, step="any").failure == "no answer: cut"


def test_an_application_that_never_answers_costs_a_bounded_time() -> None:
    async def silent(_: Message, __: Receive, ___: Send) -> None:
        await asyncio.Event().wait()

    with wire(silent, seconds=0.05) as asking:
        assert asking.get(URL, step="any").failure == "no answer within 0.05 s"


@pytest.mark.parametrize("awaits", [False, True])
def test_a_request_gives_way_to_another_where_it_awaits_and_nowhere_else(*, awaits: bool) -> None:
    order, first_began, second_ended = list[str](), Event(), Event()

    async def application(scope: Message, _: Receive, send: Send) -> None:
        name = scope["query_string"].decode()
        order.append(f"{name} begins")
        if name == "first":
            first_began.set()
            await (asyncio.to_thread(second_ended.wait, 5) if awaits else blocked(second_ended))
        order.append(f"{name} ends")
        await answer(send)
        if name == "second":
            second_ended.set()

    async def blocked(event: Event) -> None:
        event.wait(0.05)

    def second(asking: Wire) -> None:
        first_began.wait(5)
        asking.get(f"{URL}?second", step="any")

    with wire(application) as asking, ThreadPoolExecutor() as pool:
        other = pool.submit(second, asking)
        asking.get(f"{URL}?first", step="any")
        other.result()
    whole = ["first begins", "first ends", "second begins", "second ends"]
    interleaved = ["first begins", "second begins", "second ends", "first ends"]
    assert order == (interleaved if awaits else whole)


# --- what rules find ---

# On the way in, in a decision, on the way out, on pages, in the store, in a race, in real time; and one that is no error.
SEAMS = (
    None,
    "missing_code_is_500",
    "no_slow_down",
    "pages_in_frames",
    "nobody_logs_in",
    "earlier_approval_stands",
    "polls_race",
    "refreshes_race",
    "frozen_clock_ticks",
)
LOOKED_AT = ("poll.early-is-slow-down", "redeem.once-under-concurrency", "verify.login-comes-first")


@pytest.mark.parametrize("quirk", SEAMS)
def test_the_same_is_found_over_http(quirk: str | None) -> None:
    declared = () if quirk is None else bench.declared()[quirk]
    rules = tuple(dict.fromkeys((*declared, *LOOKED_AT)))
    called, sent = (
        carry_out(Task(quirk=quirk, rules=rules, seed="1", over_http=over_http))
        for over_http in (False, True)
    )
    found = {one.rule: one.verdict for one in called.findings}
    assert found == {one.rule: one.verdict for one in sent.findings}
    assert {one.rule for one in called.findings if one.is_broken} == set(declared)
