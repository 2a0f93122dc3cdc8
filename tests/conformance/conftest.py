from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from tests.programs import Served, serve

# It serves a whole session of tests.
ALL_TESTS_SECONDS: Final = 3600.0


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """Our own server, as people start it."""
    with serve(seconds=ALL_TESTS_SECONDS) as running:
        yield running
