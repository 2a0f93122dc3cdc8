from collections.abc import Iterator
from pathlib import Path

import pytest

from authz_client.driver import Client
from authz_client.exit_codes import ExitCode
from tests.client.commands import Commands
from tests.client.fakes import CLIENT_ID, ISSUER, FakeServer, Times
from tests.client.peers import Peer, new_peer


@pytest.fixture
def times() -> Times:
    return Times()


@pytest.fixture
def server(times: Times) -> FakeServer:
    return FakeServer(times)


@pytest.fixture
def state_file(tmp_path: Path) -> Path:
    return tmp_path / "license.json"


@pytest.fixture
def client(server: FakeServer, times: Times, state_file: Path) -> Iterator[Client]:
    with new_client(server, times, state_file) as made:
        yield made


@pytest.fixture
def licensed(client: Client, server: FakeServer) -> Client:
    client.acquire()
    server.is_approved = True
    assert client.complete().is_success
    server.requests.clear()
    return client


def new_client(server: FakeServer, times: Times, state_file: Path) -> Client:
    return Client(
        issuer=ISSUER,
        client_id=CLIENT_ID,
        state=state_file,
        clocks=times.clocks(),
        sleep=times.sleep,
        transport=server.transport(),
    )


@pytest.fixture
def commands(server: FakeServer, times: Times, state_file: Path) -> Commands:
    return Commands(server, times, state_file)


@pytest.fixture
def licensed_commands(commands: Commands, server: FakeServer) -> Commands:
    server.is_approved = True
    assert commands.run("acquire", "--wait") == ExitCode.OK
    server.requests.clear()
    return commands


@pytest.fixture
def peer(server: FakeServer, times: Times, state_file: Path, licensed: Client) -> Peer:
    return new_peer(server, times, state_file, leeway_seconds=0)
