from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

import pytest
from argon2 import PasswordHasher
from hypothesis import settings

from mock_authz import passwords

# Two cores shared with others: an example that takes long says nothing about the code.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

QUICK: Final = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
QUICK_HASH: Final = QUICK.hash("nobody's")


@pytest.fixture(scope="module", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Hash at the least cost. What a strong hash costs is for the tests of passwords alone, which have them so."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", lambda: QUICK)
        patch.setattr(passwords, "_NOBODYS_HASH", QUICK_HASH)
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse tests that share an id: workers would run the last of them alone, and say nothing."""
    shared = [nodeid for nodeid, count in Counter(item.nodeid for item in items).items() if count > 1]
    if shared:
        raise pytest.UsageError(f"tests share an id: {', '.join(shared)}")
