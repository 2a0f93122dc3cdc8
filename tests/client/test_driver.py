"""Both drivers over httpx2, two clients over one state file, and what the logs may say."""

import asyncio
import errno
import logging
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl

import httpx2
import pytest

from authz_client.driver import MAX_BODY_BYTES, AsyncClient, Client
from authz_client.outcome import Kind, Outcome
from authz_client.state_store import StoreError
from authz_client.status import Warn
from authz_client.wire import InsecureIssuerError
from tests.client.conftest import new_client
from tests.client.fakes import CLIENT_ID, ISSUER, WEEK, FakeServer, Times, error


def new_async_client(server: FakeServer, times: Times, state_file: Path) -> AsyncClient:
    return AsyncClient(
        issuer=ISSUER,
        client_id=CLIENT_ID,
        state=state_file,
        clocks=times.clocks(),
        sleep=times.asleep,
        transport=server.transport(),
    )


def test_the_asynchronous_driver_does_what_the_blocking_one_does(
    server: FakeServer, times: Times, state_file: Path
) -> None:
    async def story() -> list[Kind]:
        async with new_async_client(server, times, state_file) as client:
            kinds = [(await client.acquire()).kind]
            server.will("/token", error("authorization_pending"), httpx2.ConnectError("away"))
            server.is_approved = True
            kinds.append((await client.complete()).kind)
            kinds.append((await client.refresh()).kind)
            times.pass_(WEEK // 2 - 90)
            end = times.server + 180
            await client.run(stop=lambda: times.server >= end)
            assert client.license_token() is not None
            assert client.now() == int(times.server)
            server.will("/revoke", httpx2.ReadTimeout("slow"))
            kinds.append((await client.remove()).kind)
            times.pass_(60)
            assert await client.tick() == 0
            return kinds

    expected = [Kind.USER_CODE_SHOWN, Kind.LICENSED, Kind.REFRESHED, Kind.REVOCATION_PENDING]
    assert asyncio.run(story()) == expected
    assert times.slept[:2] == [5, 10]
    assert server.revoked == ["secret-refresh-3"]


def test_of_two_refreshes_at_once_one_is_in_flight(
    server: FakeServer, times: Times, state_file: Path, licensed: Client
) -> None:
    async def story() -> list[Outcome]:
        is_under_way, may_answer = asyncio.Event(), asyncio.Event()

        async def answer(request: httpx2.Request) -> httpx2.Response:
            is_under_way.set()
            await may_answer.wait()
            return server.answer(request)

        transport = httpx2.MockTransport(answer)
        async with httpx2.AsyncClient(transport=transport) as http:
            client = AsyncClient(
                issuer=ISSUER, client_id=CLIENT_ID, state=state_file, clocks=times.clocks(), http=http
            )
            first = asyncio.create_task(client.refresh())
            await is_under_way.wait()
            second = await client.refresh()
            may_answer.set()
            return [await first, second]

    kinds = [outcome.kind for outcome in asyncio.run(story())]
    assert kinds == [Kind.REFRESHED, Kind.IN_FLIGHT]
    assert server.count("/token") == 1


def test_a_cancelled_refresh_lets_the_next_one_fly(
    server: FakeServer, times: Times, state_file: Path, licensed: Client
) -> None:
    async def story() -> Kind:
        async with new_async_client(server, times, state_file) as client:
            refreshing = asyncio.create_task(client.refresh())
            await asyncio.sleep(0)  # noqa: TID251 - lets the task begin; no time passes
            refreshing.cancel()
            await asyncio.gather(refreshing, return_exceptions=True)
            times.pass_(60)
            return (await client.refresh()).kind

    assert asyncio.run(story()) is Kind.REFRESHED


def test_of_refreshes_of_several_processes_one_is_in_flight(
    server: FakeServer, licensed: Client, state_file: Path
) -> None:
    """Real processes, a real socket: the server holds the first refresh until the others have given up."""
    others_done = threading.Event()
    refreshes = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.respond(server.answer(httpx2.Request("GET", f"http://x{self.path}")))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if dict(parse_qsl(body.decode())).get("grant_type") == "refresh_token":
                refreshes.append(self.path)
                others_done.wait(30)
            self.respond(server.answer(httpx2.Request("POST", f"http://x{self.path}", content=body)))

        def respond(self, answer: httpx2.Response) -> None:
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{listening.server_port}"
        text = state_file.read_text().replace("http://127.0.0.1:8628/s/shop/", f"{base}/s/shop/")
        state_file.write_text(text)
        script = (
            "from pathlib import Path; from authz_client.driver import Client\n"
            f"client = Client(issuer={ISSUER!r}, client_id={CLIENT_ID!r}, state=Path({str(state_file)!r}))\n"
            "print(client.refresh(retry=False).kind.value, flush=True)"
        )
        processes = [
            subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)  # noqa: S603
            for _ in range(3)
        ]
        while sum(process.poll() is not None for process in processes) < 2:
            pass
        others_done.set()
        answers = sorted(process.communicate(timeout=30)[0].strip() for process in processes)
        listening.shutdown()
    # The one in flight verifies by the real clock, so its license token may stay pending: that is not the point.
    assert answers.count("in_flight") == 2
    assert refreshes == ["/s/shop/token"]


def dripping(chunks: int, size: int, times: Times, seconds: float) -> Iterator[bytes]:
    for _ in range(chunks):
        times.pass_(seconds)
        yield b" " * size


async def dripping_async(chunks: int, size: int, times: Times, seconds: float) -> AsyncIterator[bytes]:
    for chunk in dripping(chunks, size, times, seconds):
        yield chunk


@pytest.mark.parametrize(
    "shape",
    [
        (1, MAX_BODY_BYTES, 0, "malformed_response"),
        (1, MAX_BODY_BYTES + 1, 0, "too_large"),
        (10**9, 1024, 0, "too_large"),
        (3, 1, 10, "malformed_response"),
        (10**9, 1, 10, "timeout"),
    ],
)
def test_a_body_is_bounded_in_size_and_time(
    server: FakeServer, times: Times, licensed: Client, state_file: Path, *, shape: tuple[int, int, int, str]
) -> None:
    chunks, size, seconds, reason = shape
    server.will("/token", httpx2.Response(200, content=dripping(chunks, size, times, seconds)))
    assert licensed.refresh(retry=False).reason == reason
    times.pass_(60)
    server.will("/token", httpx2.Response(200, content=dripping_async(chunks, size, times, seconds)))

    async def story() -> Outcome:
        async with new_async_client(server, times, state_file) as client:
            return await client.refresh(retry=False)

    assert asyncio.run(story()).reason == reason


def test_credentials_do_not_follow_a_redirect(server: FakeServer, licensed: Client) -> None:
    away = httpx2.Response(307, headers={"Location": "https://evil.example/token"})
    server.will("/token", away)
    assert licensed.refresh(retry=False).reason == "http_307"
    assert server.paths() == ["/token"]


def test_a_full_disk_is_told_before_the_request_and_loses_nothing(
    server: FakeServer, licensed: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = licensed.state()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left"):
        licensed.refresh()
    assert server.requests == []
    monkeypatch.undo()
    assert licensed.state() == before


def test_run_survives_a_full_disk_and_says_so(
    server: FakeServer, times: Times, licensed: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    times.pass_(WEEK // 2)
    monkeypatch.setattr(os, "fsync", full)
    end = times.server + 100
    licensed.run(stop=lambda: times.server >= end)
    assert Warn.STATE_TROUBLE in {warning.kind for warning in licensed.status().warnings}
    assert server.count("/token") == 0
    monkeypatch.undo()
    end = times.server + 100
    licensed.run(stop=lambda: times.server >= end)
    assert server.count("/token") == 1
    assert licensed.status().warnings == ()


def test_a_damaged_state_file_stays_reported(client: Client, state_file: Path) -> None:
    state_file.write_text("{")
    with pytest.raises(StoreError, match="kept as"):
        client.status()
    (warning,) = client.status().warnings
    assert warning.kind is Warn.STATE_TROUBLE


def test_nothing_secret_is_logged(
    server: FakeServer, times: Times, state_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = new_client(server, times, state_file)
    client.acquire()
    server.is_approved = True
    client.complete()
    shown = client.license_token()
    assert shown is not None
    times.pass_(WEEK // 2)
    client.tick()
    client.remove()
    assert "keep: refreshed" in caplog.text
    assert "secret" not in caplog.text
    assert shown not in caplog.text


def test_another_process_in_flight_is_waited_for(
    server: FakeServer, times: Times, licensed: Client, state_file: Path
) -> None:
    waits = []

    def tick_elsewhere(path: str) -> None:
        if path == "/token":
            waits.append(new_client(server, times, state_file).tick())

    times.pass_(WEEK // 2)
    server.on_request = tick_elsewhere
    licensed.tick()
    assert waits == [5]


def test_a_slow_server_s_patience_is_not_cut_short_by_the_quick_retry(
    server: FakeServer, times: Times, licensed: Client
) -> None:
    server.will("/token", httpx2.Response(503, headers={"Retry-After": "6"}))
    assert licensed.refresh().kind is Kind.FAILED
    assert server.count("/token") == 1


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_an_issuer_off_https_is_refused_off_loopback(
    kind: type[Client | AsyncClient], state_file: Path
) -> None:
    with pytest.raises(InsecureIssuerError, match="https"):
        kind(issuer="http://authz.example", client_id=CLIENT_ID, state=state_file)


def test_an_outcome_is_json_without_empty_members() -> None:
    assert Outcome(Kind.FAILED, reason="timeout").to_json() == {"outcome": "failed", "reason": "timeout"}
