"""What keeps others out of the page, and what it listens on."""

import asyncio
import re
import socket
from pathlib import Path

import click
import pytest

from authz_client.driver import Client
from authz_client.page.protection import MAX_FORM_BYTES, AllowedHosts
from authz_client.page.serving import listen
from authz_client.state import Phase
from tests.client.browser import CSRF, PAGE, browsing
from tests.client.fakes import FakeServer, Times

GOOD = {"csrf_token": CSRF}


@pytest.mark.parametrize(
    ("form", "headers"),
    [
        pytest.param({}, {}, id="no token"),
        pytest.param({"csrf_token": "guessed"}, {}, id="a wrong token"),
        pytest.param({"csrf_token": CSRF + " "}, {}, id="a token with something more"),
        pytest.param({"csrf_token": [CSRF, CSRF]}, {}, id="two tokens"),
        pytest.param(GOOD, {"Origin": "http://evil.example"}, id="another origin"),
        pytest.param(GOOD, {"Origin": "http://127.0.0.1:8628"}, id="another port"),
        pytest.param(GOOD, {"Origin": "null"}, id="an opaque origin"),
        pytest.param(GOOD, {"Origin": "http://["}, id="no origin at all"),
        pytest.param(GOOD, {"Sec-Fetch-Site": "cross-site"}, id="cross-site"),
        pytest.param(GOOD, {"Sec-Fetch-Site": "same-site"}, id="another port of this machine"),
        pytest.param({**GOOD, "more": "x" * MAX_FORM_BYTES}, {}, id="a huge form"),
    ],
)
@pytest.mark.parametrize("action", ["/next", "/another", "/complete", "/refresh", "/remove"])
def test_a_form_that_is_not_the_pages_own_does_nothing(
    server: FakeServer,
    times: Times,
    state_file: Path,
    licensed: Client,
    *,
    action: str,
    form: dict[str, str | list[str]],
    headers: dict[str, str],
) -> None:
    async def story() -> None:
        async with browsing(server, times, state_file) as page:
            answer = await page.http.post(action, data=form, headers=headers)
            assert answer.status_code == 403
            assert "This form was not sent by this page" in answer.text

    asyncio.run(story())
    assert server.requests == []
    assert licensed.state().phase is Phase.LICENSED


@pytest.mark.parametrize(
    "headers", [{}, {"Origin": PAGE}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}]
)
def test_the_pages_own_form_does_it(
    server: FakeServer, times: Times, state_file: Path, licensed: Client, *, headers: dict[str, str]
) -> None:
    async def story() -> None:
        async with browsing(server, times, state_file) as page:
            await page.http.post("/remove", data=GOOD, headers=headers)

    asyncio.run(story())
    assert licensed.state().phase is Phase.REMOVED


def test_a_button_cannot_be_pressed_with_get(
    server: FakeServer, times: Times, state_file: Path, licensed: Client
) -> None:
    async def story() -> None:
        async with browsing(server, times, state_file) as page:
            for action in ("/next", "/another", "/complete", "/refresh"):
                answer = await page.http.get(f"{action}?csrf_token={CSRF}")
                assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")

    asyncio.run(story())
    assert server.requests == []


REMOTE = AllowedHosts(frozenset({"pos.example"}), is_any_address=True)


@pytest.mark.parametrize(
    ("host", "hosts", "is_admitted"),
    [
        ("127.0.0.1:8629", AllowedHosts(), True),
        ("localhost:8629", AllowedHosts(), True),
        ("LOCALHOST", AllowedHosts(), True),
        ("[::1]:8629", AllowedHosts(), True),
        ("evil.example:8629", AllowedHosts(), False),
        ("127.0.0.1.evil.example", AllowedHosts(), False),
        ("localhost.evil.example", AllowedHosts(), False),
        ("192.0.2.1", AllowedHosts(), False),
        ("[", AllowedHosts(), False),
        ("", AllowedHosts(), False),
        ("pos.example", REMOTE, True),
        ("192.0.2.1:8629", REMOTE, True),
        ("evil.example", REMOTE, False),
    ],
)
def test_the_page_answers_to_its_own_names_only(
    server: FakeServer,
    times: Times,
    state_file: Path,
    *,
    host: str,
    hosts: AllowedHosts,
    is_admitted: bool,
) -> None:
    async def story() -> None:
        async with browsing(server, times, state_file, hosts=hosts) as page:
            answer = await page.http.get("/", headers={"Host": host})
            assert answer.status_code == (200 if is_admitted else 421)

    asyncio.run(story())


def test_every_answer_is_protected(server: FakeServer, times: Times, state_file: Path) -> None:
    async def story() -> None:
        async with browsing(server, times, state_file) as page:
            await page.open()
            static = re.findall(r'"(/static/[^"]*)"', page.html)
            assert len(set(static)) == 3
            for path in ("/", "/panel", "/status.json", "/nowhere", "/static/nothing.css", *static):
                headers = (await page.http.get(path)).headers
                assert "default-src 'none'" in headers["Content-Security-Policy"]
                assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
                assert "unsafe" not in headers["Content-Security-Policy"]
                assert headers["X-Frame-Options"] == "DENY"
                assert headers["X-Content-Type-Options"] == "nosniff"
                assert headers["Cache-Control"] == (
                    "public, max-age=31536000, immutable" if path in static else "no-store"
                )
            misdirected = await page.http.get("/", headers={"Host": "evil.example"})
            assert misdirected.headers["X-Frame-Options"] == "DENY"

    asyncio.run(story())


def test_nothing_is_loaded_from_elsewhere_and_nothing_is_inline(
    server: FakeServer, times: Times, state_file: Path, licensed: Client
) -> None:
    async def story() -> None:
        async with browsing(server, times, state_file) as page:
            await page.open()
            loaded = re.findall(r'(?:src|<link[^>]*href)="([^"]*)"', page.html)
            assert loaded
            assert all(path.startswith("/static/") for path in loaded)
            assert not re.search(r"<style|style=| on[a-z]+=|<script>", page.html)
            for path in loaded:
                text = (await page.http.get(path)).text
                assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/2000/svg)", text)

    asyncio.run(story())


def test_websockets_are_not_served(server: FakeServer, times: Times, state_file: Path) -> None:
    sent = []

    async def story() -> None:
        async with browsing(server, times, state_file) as page:

            async def receive() -> dict[str, str]:
                return {"type": "websocket.connect"}

            async def send(message: object) -> None:
                sent.append(message)

            await page.app({"type": "websocket", "headers": []}, receive, send)

    asyncio.run(story())
    assert sent == [{"type": "websocket.close", "code": 1008}]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "pos.example"])  # noqa: S104 - refused
def test_an_address_off_loopback_is_refused_without_leave(host: str) -> None:
    with pytest.raises(click.UsageError, match="--allow-remote"):
        listen(host, 0, allow_remote=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost"])
def test_loopback_needs_no_leave(host: str) -> None:
    listen(host, 0, allow_remote=False).close()


def test_a_busy_port_and_an_address_of_others_are_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            click.UsageError, match=f"Cannot listen on 127.0.0.1 port {port}: Address already in use"
        ):
            listen("127.0.0.1", port, allow_remote=False)
    with pytest.raises(click.UsageError, match=r"Cannot listen on 192\.0\.2\.1"):
        listen("192.0.2.1", 0, allow_remote=True)
