from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.programs import Served, serve


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """Our own server, as people start it."""
    with serve() as running:
        yield running
