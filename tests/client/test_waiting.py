"""Waiting for the authorization while the server cannot be reached: said once, borne until the code expires."""

import httpx2
import pytest

from authz_client.exit_codes import ExitCode
from tests.client.commands import Commands
from tests.client.fakes import START, FakeServer, Times, error

AWAY = (
    "The Authorization server cannot be reached. "
    "Trying on, less and less often, until 2027-01-15 08:15:00 UTC. Ctrl-C stops."
)
BACK = "The Authorization server answers again. Waiting for authorization."


def no_way(path: str) -> None:
    """Cut the way to the token endpoint."""
    if path == "/token":
        raise httpx2.ConnectError("away")


@pytest.mark.parametrize("command", [("complete",), ("acquire", "--wait")], ids=" ".join)
def test_who_waits_is_told_once_that_the_server_is_away_and_once_that_it_is_back(
    commands: Commands, server: FakeServer, times: Times, command: tuple[str, ...]
) -> None:
    commands.run("acquire")
    server.will("/token", error("authorization_pending"), *[httpx2.ConnectError("away")] * 3)
    server.will("/token", error("authorization_pending"), error("authorization_pending"))
    server.is_approved = True
    assert commands.run(*command) == ExitCode.OK
    assert commands.err.splitlines() == [AWAY, BACK]
    assert "This server is licensed." in commands.out
    assert sum(times.slept) == 5 + 10 + 20 + 3 * 40, "RFC 8628 3.5: less often after a timeout"


def test_who_waits_is_told_each_time_that_the_server_goes_away(
    commands: Commands, server: FakeServer
) -> None:
    pending, away = error("authorization_pending"), httpx2.ConnectError("away")
    server.will("/token", away, pending, away, pending, httpx2.Response(503), error("access_denied"))
    commands.run("acquire")
    assert commands.run("complete") == ExitCode.REFUSED
    unavailable = AWAY.replace("cannot be reached", "answered with HTTP status 503")
    assert commands.err.splitlines() == [AWAY, BACK, AWAY, BACK, unavailable]


def test_programs_find_nothing_of_it_among_the_results(commands: Commands, server: FakeServer) -> None:
    commands.run("acquire")
    server.will("/token", httpx2.ConnectError("away"), error("authorization_pending"))
    server.is_approved = True
    assert commands.run("complete", "--json") == ExitCode.OK
    (line,) = commands.lines
    assert line["outcome"] == "licensed"
    assert commands.err.splitlines() == [AWAY, BACK]


def test_nobody_waits_longer_for_an_absent_server_than_the_code_is_good(
    commands: Commands, server: FakeServer, times: Times
) -> None:
    commands.run("acquire")
    server.on_request = no_way
    assert commands.run("complete") == ExitCode.REFUSED
    assert times.wall == START + 900
    assert server.count("/token") == 7, "at once, and after 10, 20, 40, ... seconds"
    assert commands.err.splitlines() == [AWAY]
    assert "the user code expired" in commands.out


def test_one_poll_that_brings_no_answer_is_no_pending_authorization(
    commands: Commands, server: FakeServer
) -> None:
    commands.run("acquire")
    server.will("/token", httpx2.ConnectError("away"))
    assert commands.run("complete", "--no-wait") == ExitCode.UNREACHABLE
    assert "the Authorization server cannot be reached. Again in 10 s." in commands.out
    assert "not been authorized" not in commands.out
    assert commands.err == ""
