from __future__ import annotations

from collections.abc import Callable

import pytest

from mock_authz.domain.events import EventType
from mock_authz.domain.organization import Device, Organization
from mock_authz.store.port import ABSENT
from mock_authz.usecases.context import Transaction
from tests.factories import HARBOR, NOW, QA, SUMMIT, World, a_device


def other_writes(world: World, *records: object) -> None:
    world.store.commit(QA, expected={}, puts=records)


def test_a_transaction_loads_what_it_put_and_not_what_it_deleted(world: World) -> None:
    transaction = Transaction(world.at(NOW))
    transaction.put(a_device("new"))
    assert transaction.get(Device, "new") == a_device("new")
    transaction.delete(Device, "new")
    assert transaction.get(Device, "new") is None
    transaction.put(a_device("new"))
    assert transaction.commit()
    assert world.device("new") == a_device("new")


def test_a_record_deleted_in_a_transaction_is_gone(world: World) -> None:
    transaction = Transaction(world.at(NOW))
    transaction.delete(Device, "till-1")
    assert transaction.commit()
    assert world.device("till-1") is None


def test_nothing_is_written_before_the_commit(world: World) -> None:
    transaction = Transaction(world.at(NOW))
    transaction.put(a_device("new"))
    transaction.emit(EventType.DEVICE_CHANGED)
    assert world.device("new") is None
    assert world.events() == []


LOADS: list[Callable[[Transaction], object]] = [
    lambda transaction: transaction.get(Device, "till-1"),
    lambda transaction: transaction.find(Device, "organization", "harbor"),
]


@pytest.mark.parametrize("load", LOADS, ids=["get", "find"])
def test_a_record_that_changed_since_it_was_loaded_is_a_conflict(
    world: World, load: Callable[[Transaction], object]
) -> None:
    transaction = Transaction(world.at(NOW))
    load(transaction)
    other_writes(world, a_device("till-1"))
    transaction.put(a_device("new"))
    assert not transaction.commit()
    assert world.device("new") is None


def test_a_record_that_appeared_since_it_was_missed_is_a_conflict(world: World) -> None:
    transaction = Transaction(world.at(NOW))
    assert transaction.get(Device, "new") is None
    other_writes(world, a_device("new"))
    transaction.put(a_device("new", name="Mine"))
    assert not transaction.commit()


def test_the_version_that_counts_is_the_first_that_was_seen(world: World) -> None:
    transaction = Transaction(world.at(NOW))
    transaction.get(Device, "till-1")
    other_writes(world, a_device("till-1"))
    transaction.get(Device, "till-1")
    transaction.find(Device, "organization", "harbor")
    transaction.put(a_device("new"))
    assert not transaction.commit()


def test_a_claimed_record_stays_as_it_is_with_a_new_version(world: World) -> None:
    before = world.store.get(QA, Organization, "harbor")
    assert before is not None
    transaction = Transaction(world.at(NOW))
    transaction.claim(HARBOR)
    assert transaction.commit()
    after = world.store.get(QA, Organization, "harbor")
    assert after is not None
    assert after.record == before.record
    assert after.version > before.version > ABSENT


def test_whoever_only_reads_meets_no_conflict(world: World) -> None:
    transaction = Transaction(world.at(NOW))
    transaction.get(Organization, "harbor")
    other_writes(world, SUMMIT, HARBOR)
    assert transaction.commit()


def test_work_is_done_again_until_it_meets_no_conflict(world: World) -> None:
    names: list[str] = []

    def work(transaction: Transaction) -> str:
        device = transaction.get(Device, "till-1")
        assert device is not None
        names.append(device.name)
        if len(names) < 3:
            other_writes(world, a_device("till-1", name=f"Till {len(names)}"))
        transaction.put(a_device("new", name=device.name))
        return device.name

    assert world.at(NOW).transact(work) == "Till 2"
    assert names == ["Till 1", "Till 1", "Till 2"]
    assert world.device("new") == a_device("new", name="Till 2")


def test_new_ids_differ_and_repeat_themselves_in_the_same_sandbox(world: World) -> None:
    world.store.copy(QA, "other")
    transaction = Transaction(world.at(NOW))
    ids = [transaction.new_id("device") for _ in range(3)]
    assert len(set(ids)) == 3
    assert transaction.commit()
    world.store.copy("other", QA)
    again = Transaction(world.at(NOW))
    assert [again.new_id("device") for _ in range(3)] == ids
    assert again.new_id("license") not in ids
