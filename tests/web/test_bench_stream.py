"""The journal followed as server-sent events: from the start, from a number, through a restore, to the end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest

from mock_authz.clock import real_now
from mock_authz.usecases import control
from tests.factories import QA, default_records
from tests.serving import RunningSandbox, serving_sandbox
from tests.web.site import HERE, a_site

Entry = dict[str, Any]


@pytest.fixture(scope="module")
def server() -> Iterator[RunningSandbox]:
    with serving_sandbox(default_records()) as running:
        yield running


@pytest.fixture
def sandbox(server: RunningSandbox) -> Iterator[RunningSandbox]:
    yield server.beside(QA, default_records())
    control.drop_sandbox(server.server.store, QA)


def ask(sandbox: RunningSandbox, method: str, path: str, **given: Any) -> httpx2.Response:
    url = f"{sandbox.server.base_url}/_control/sandboxes/{sandbox.name}{path}"
    return httpx2.request(method, url, **given).raise_for_status()


def authorize(sandbox: RunningSandbox) -> None:
    url = f"{sandbox.issuer}/device_authorization"
    httpx2.post(url, data={"client_id": "pos-server"}).raise_for_status()


@contextmanager
def following(
    sandbox: RunningSandbox, query: str = "", **headers: str
) -> Iterator[Iterator[tuple[str, str, Entry]]]:
    """Follow the journal, and give each entry with its id and its event."""
    url = f"{sandbox.server.base_url}/_control/sandboxes/{sandbox.name}/journal/stream{query}"
    with httpx2.stream("GET", url, headers=headers, timeout=30) as response:
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/event-stream"
        assert response.headers["cache-control"] == "no-store"
        yield _events(response)


def _events(response: httpx2.Response) -> Iterator[tuple[str, str, Entry]]:
    fields: dict[str, str] = {}
    for line in response.iter_lines():
        name, _, value = line.partition(": ")
        if line and name:
            fields[name] = value
        elif "data" in fields:
            yield fields["id"], fields["event"], json.loads(fields["data"])
            fields = {}


def test_what_is_there_comes_first_and_then_each_entry_as_it_comes(sandbox: RunningSandbox) -> None:
    authorize(sandbox)
    with following(sandbox) as events:
        got = [next(events) for _ in range(2)]
        authorize(sandbox)
        got += [next(events) for _ in range(2)]
    entries = ask(sandbox, "GET", "/journal").json()
    assert [entry for _, _, entry in got] == entries
    assert [number for number, _, _ in got] == ["1", "2", "3", "4"]
    assert [kind for _, kind, _ in got] == ["event", "exchange", "event", "exchange"]


@pytest.mark.parametrize(
    ("query", "headers", "first"),
    [
        ("?after=1", {}, "2"),
        ("", {"last-event-id": "3"}, "4"),
        ("?after=1", {"last-event-id": "3"}, "4"),
        ("?after=1", {"last-event-id": "x"}, "2"),
        ("?after=1", {"last-event-id": "1" * 13}, "2"),
    ],
)
def test_a_reader_goes_on_where_it_was(
    sandbox: RunningSandbox, query: str, headers: dict[str, str], first: str
) -> None:
    for _ in range(2):
        authorize(sandbox)
    with following(sandbox, query, **headers) as events:
        assert next(events)[0] == first


def test_only_what_is_wanted_is_told(sandbox: RunningSandbox) -> None:
    with following(sandbox, "?kind=exchange&step=jwks") as events:
        authorize(sandbox)
        httpx2.get(f"{sandbox.issuer}/jwks").raise_for_status()
        assert next(events)[2]["step"] == "jwks"


def test_what_falls_due_is_told_while_nobody_else_asks(sandbox: RunningSandbox) -> None:
    authorize(sandbox)
    body = {"act": "deny", "at": sandbox.context.now + 2}
    ask(sandbox, "POST", "/humans", json=body)
    with following(sandbox, "?type=human_acted") as events:
        assert next(events)[2]["subject"]["act"] == "deny"


def test_a_restored_snapshot_is_told_and_what_follows_it(sandbox: RunningSandbox) -> None:
    ask(sandbox, "POST", "/snapshots", json={"name": "before"})
    for _ in range(3):
        authorize(sandbox)
    with following(sandbox) as events:
        assert [next(events)[0] for _ in range(6)] == ["1", "2", "3", "4", "5", "6"]
        ask(sandbox, "POST", "/snapshots/before/restore")
        number, _, entry = next(events)
        assert (number, entry["subject"]["change"]) == ("1", "restored")
        authorize(sandbox)
        assert next(events)[0] == "2"


def test_a_reader_who_comes_back_after_a_restore_is_told_of_it(sandbox: RunningSandbox) -> None:
    ask(sandbox, "POST", "/snapshots", json={"name": "before"})
    for _ in range(3):
        authorize(sandbox)
    ask(sandbox, "POST", "/snapshots/before/restore")
    with following(sandbox, **{"last-event-id": "6"}) as events:
        assert next(events)[2]["subject"]["change"] == "restored"


def test_the_journal_of_another_sandbox_of_the_name_is_told_from_its_start(sandbox: RunningSandbox) -> None:
    for _ in range(2):
        authorize(sandbox)
    with following(sandbox, "?after=3") as events:
        assert next(events)[0] == "4"
        control.drop_sandbox(sandbox.server.store, QA)
        sandbox.beside(QA, default_records())
        authorize(sandbox)
        # Or the reader has noticed that the sandbox was gone.
        assert [number for number, _, _ in [next(events, ("", "", {}))]] in (["1"], [""])


def test_the_stream_ends_when_the_sandbox_is_dropped(sandbox: RunningSandbox, server: RunningSandbox) -> None:
    brief = server.beside("brief", [])
    with following(brief) as events:
        ask(brief, "DELETE", "")
        assert list(events) == []


def test_the_stream_ends_when_the_sandbox_s_life_is_over(server: RunningSandbox) -> None:
    control.create_sandbox(
        server.server.store,
        name="mortal",
        issuer=f"{server.server.base_url}/s/mortal",
        real_at=real_now(),
        lives_seconds=2,
    )
    with following(RunningSandbox(server.server, "mortal")) as events:
        assert list(events) == []


def test_of_an_unknown_sandbox_there_is_no_stream(server: RunningSandbox) -> None:
    url = f"{server.server.base_url}/_control/sandboxes/nowhere/journal/stream"
    assert httpx2.get(url).status_code == 404


def test_head_says_what_get_would_and_ends() -> None:
    site = a_site()
    response = site.send("HEAD", f"/_control/sandboxes/{QA}/journal/stream")
    assert (response.status_code, response.headers["content-type"]) == (200, "text/event-stream")


@pytest.mark.parametrize(
    ("method", "below", "body"),
    [
        ("GET", "stream", b""),
        ("POST", "wait", b'{"match": {"type": "license_issued"}, "timeout_seconds": 60}'),
    ],
)
def test_no_task_is_left_when_a_reader_goes_away(method: str, below: str, body: bytes) -> None:
    site = a_site()

    async def come_and_go() -> int:
        waits, gone = asyncio.Event(), asyncio.Event()
        request = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> Any:
            if (message := next(request, None)) is None:
                waits.set()
                await gone.wait()
            return message or {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            assert message["type"].startswith("http.response")

        headers = [(b"host", b"127.0.0.1:8628"), (b"content-type", b"application/json")]
        path = f"/_control/sandboxes/{QA}/journal/{below}"
        scope = {"type": "http", "method": method, "path": path, "query_string": b"", "client": HERE}
        reader = asyncio.create_task(site.server({**scope, "headers": headers}, receive, send))
        await asyncio.wait_for(waits.wait(), 10)
        assert not reader.done()
        gone.set()
        await asyncio.wait_for(reader, 10)
        return len(asyncio.all_tasks())

    assert asyncio.run(come_and_go()) == 1
