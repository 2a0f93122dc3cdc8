from __future__ import annotations

from collections.abc import Iterator

import pytest

from mock_authz.testing import Sandbox, Server
from tests.testing.pos_server import MARCH_2


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def sandbox(server: Server) -> Iterator[Sandbox]:
    made = Sandbox(server, clock=f"frozen:{MARCH_2}")
    yield made
    made.discard()
