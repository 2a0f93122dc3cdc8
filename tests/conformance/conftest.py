from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.conformance.kit import Judged
from tests.conformance.reported import judged_with_every_verdict
from tests.programs import Served, serve

# It serves a whole session of tests.
ALL_TESTS_SECONDS: Final = 3600.0


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """Our own server, as people start it."""
    with serve(seconds=ALL_TESTS_SECONDS) as running:
        yield running


@pytest.fixture(scope="session")
def every_verdict(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """A run in which each verdict occurs."""
    return judged_with_every_verdict(served, tmp_path_factory.mktemp("every"))


@pytest.fixture
def report(every_verdict: Judged) -> dict[str, Any]:
    """Its document, for a test to change."""
    return copy.deepcopy(every_verdict.report)
