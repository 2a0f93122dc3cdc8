from __future__ import annotations

from mock_authz.store.memory import JOURNAL_ENTRIES, MemoryStore
from mock_authz.store.port import Store
from mock_authz.store.records import KINDS
from tests.factories import HARBOR
from tests.store.contract import EVENT, RECORDS, StoreContract, put
from tests.store.races import RaceContract


class TestMemoryStore(StoreContract):
    def empty(self) -> Store:
        return MemoryStore()


class TestRacesOverMemoryStore(RaceContract):
    def empty(self) -> Store:
        return MemoryStore()


def test_the_journal_forgets_its_oldest_entries_first() -> None:
    store = MemoryStore()
    put(store, HARBOR, events=(EVENT,) * (JOURNAL_ENTRIES + 2))
    sequences = [entry.sequence for entry in store.journal("qa")]
    assert (sequences[0], sequences[-1]) == (3, JOURNAL_ENTRIES + 2)


def test_the_contract_is_tried_with_every_kind_that_has_an_index() -> None:
    assert {kind for kind, how in KINDS.items() if how.indexes} <= {type(record) for record in RECORDS}
