from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import settings

# Two cores shared with others: an example that takes long says nothing about the code.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse tests that share an id: workers would run the last of them alone, and say nothing."""
    shared = [nodeid for nodeid, count in Counter(item.nodeid for item in items).items() if count > 1]
    if shared:
        raise pytest.UsageError(f"tests share an id: {', '.join(shared)}")
