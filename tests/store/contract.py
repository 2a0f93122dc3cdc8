"""What every store must do. A test module subclasses `StoreContract` and says how an empty store is made."""

from __future__ import annotations

from dataclasses import replace
from threading import Barrier, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_authz.domain import timeline
from mock_authz.domain.device_grant import DeviceGrant, State
from mock_authz.domain.events import Event, EventType
from mock_authz.domain.faults import Fault, FaultKind
from mock_authz.domain.human_script import Act, HumanScript
from mock_authz.domain.license import Ending, License, end
from mock_authz.domain.organization import Administrator, Device, Organization
from mock_authz.domain.signing_key import KeySet
from mock_authz.sandbox import Sandbox
from mock_authz.store.port import ABSENT, Committed, Conflict, Exchange, RecordKey, Store
from mock_authz.store.records import KINDS, ONLY, Counter
from tests.factories import (
    DANA,
    DAY,
    HARBOR,
    MINUTE,
    NOW,
    SUMMIT,
    a_device,
    a_grant,
    a_key,
    a_license,
    a_world,
)

EVENT = Event(EventType.SETTINGS_CHANGED, NOW, {"names": "cors"})
EXCHANGE = Exchange(
    NOW, "token:refresh", "POST", "/token", 200, {"client_id": "pos-server"}, {"scope": "license"}
)
RECORDS: list[object] = [
    Counter("device", 3),
    KeySet((a_key(), a_key("second", last_expires_at=NOW))),
    HARBOR,
    DANA,
    a_device(hub="head-office", renewal_at=NOW),
    HumanScript(human_id="human-1", act=Act.APPROVE, at=NOW, grant_id="grant-1"),
    Fault(fault_id="fault-1", kind=FaultKind.OFFLINE, from_at=NOW, until_at=NOW + DAY),
    a_grant(state=State.APPROVED, server_id="store-12", administrator="dana", approved_at=NOW, polled_at=NOW),
    end(a_license(renewal_at=NOW + DAY), ending=Ending.REVOKED, now=NOW),
]


def put(store: Store, *records: object, sandbox: str = "qa", events: tuple[Event, ...] = ()) -> None:
    assert store.commit(sandbox, expected={}, puts=records, events=events) is Committed.COMMITTED


def stored_version(store: Store, record: Organization) -> int:
    stored = store.get("qa", Organization, record.organization_id)
    return ABSENT if stored is None else stored.version


class StoreContract:
    """The port, method by method. All records used here are the server's own."""

    def empty(self) -> Store:
        """Make a store that holds nothing."""
        raise NotImplementedError

    @pytest.fixture
    def store(self) -> Store:
        return self.empty()

    # --- get, every, find ---

    def test_every_kind_of_record_comes_back_as_it_was_put(self, store: Store) -> None:
        put(store, *RECORDS)
        for record in RECORDS:
            stored = store.get("qa", type(record), KINDS[type(record)].id_of(record))
            assert stored is not None
            assert stored.record == record

    def test_a_sandbox_s_own_record_comes_back_with_its_entropy(self, store: Store) -> None:
        sandbox = a_world().sandbox
        put(store, sandbox)
        stored = store.get("qa", Sandbox, ONLY)
        assert stored is not None
        assert stored.record == sandbox
        assert stored.record.entropy.seed == sandbox.entropy.seed

    def test_what_is_not_there_is_none(self, store: Store) -> None:
        put(store, HARBOR)
        assert store.get("qa", Organization, "summit") is None
        assert store.get("qa", Administrator, "harbor") is None

    def test_an_unknown_sandbox_is_an_empty_one(self, store: Store) -> None:
        assert store.get("qa", Organization, "harbor") is None
        assert store.find("qa", Device, "organization", "harbor") == []
        assert store.every("qa", Organization) == []
        assert store.due("qa", 0, NOW) == []
        assert store.next_due("qa", 0) is None
        assert store.journal("qa") == []
        store.drop("qa")
        store.note("qa", EXCHANGE)
        assert store.journal("qa") == []

    def test_sandboxes_do_not_see_each_other_s_records(self, store: Store) -> None:
        put(store, HARBOR, a_device(), a_license(), events=(EVENT,))
        put(store, SUMMIT, sandbox="other")
        assert store.get("other", Organization, "harbor") is None
        assert store.every("other", Organization)[0].record == SUMMIT
        assert store.find("other", Device, "organization", "harbor") == []
        assert store.next_due("other", 0) is None
        assert store.journal("other") == []

    def test_every_lists_a_kind_in_order_of_creation(self, store: Store) -> None:
        put(store, SUMMIT)
        put(store, HARBOR, DANA)
        put(store, replace(SUMMIT, name="Renamed"))
        names = [stored.record.name for stored in store.every("qa", Organization)]
        assert names == ["Renamed", HARBOR.name]

    def test_a_record_is_found_by_the_value_of_an_index(self, store: Store) -> None:
        put(store, a_device("a"), a_device("b", organization_id="summit"), a_device("c"))
        found = [stored.record.server_id for stored in store.find("qa", Device, "organization", "harbor")]
        assert found == ["a", "c"]

    def test_a_value_of_none_is_not_indexed(self, store: Store) -> None:
        put(store, a_grant())
        assert store.find("qa", DeviceGrant, "approved_for", "None") == []

    def test_an_index_follows_its_record(self, store: Store) -> None:
        put(store, a_license())
        assert [stored.record for stored in store.find("qa", License, "live", "store-12")] == [a_license()]
        put(store, end(a_license(), ending=Ending.REVOKED, now=NOW))
        assert store.find("qa", License, "live", "store-12") == []
        assert len(store.find("qa", License, "server", "store-12")) == 1
        assert store.commit("qa", expected={}, deletes=[(License, "license-1")]) is Committed.COMMITTED
        assert store.find("qa", License, "server", "store-12") == []

    def test_records_are_found_in_order_of_creation_however_they_came_into_the_index(
        self, store: Store
    ) -> None:
        grants = [a_grant(grant_id=name, user_code=name) for name in ("one", "two", "three")]
        put(store, *grants)
        for grant in reversed(grants):
            put(store, replace(grant, state=State.APPROVED, server_id="store-12"))
        found = store.find("qa", DeviceGrant, "approved_for", "store-12")
        assert [stored.record.grant_id for stored in found] == ["one", "two", "three"]

    def test_what_is_found_has_the_version_that_get_gives(self, store: Store) -> None:
        put(store, a_device())
        found, listed = store.find("qa", Device, "organization", "harbor"), store.every("qa", Device)
        assert found == listed == [store.get("qa", Device, "store-12")]

    # --- commit ---

    def test_a_version_is_positive_and_grows_with_each_put(self, store: Store) -> None:
        put(store, HARBOR)
        first = stored_version(store, HARBOR)
        put(store, HARBOR)
        assert ABSENT < first < stored_version(store, HARBOR)

    def test_a_version_is_never_used_again_not_even_after_a_delete(self, store: Store) -> None:
        put(store, HARBOR)
        first = stored_version(store, HARBOR)
        store.commit("qa", expected={}, deletes=[(Organization, "harbor")])
        put(store, SUMMIT)
        put(store, HARBOR)
        assert first not in (stored_version(store, HARBOR), stored_version(store, SUMMIT))

    def test_a_commit_with_the_versions_that_stand_takes_effect(self, store: Store) -> None:
        put(store, HARBOR)
        expected: dict[RecordKey, int] = {
            (Organization, "harbor"): stored_version(store, HARBOR),
            (Organization, "summit"): ABSENT,
        }
        outcome = store.commit("qa", expected=expected, puts=[SUMMIT], deletes=[(Organization, "harbor")])
        assert outcome is Committed.COMMITTED
        assert [stored.record for stored in store.every("qa", Organization)] == [SUMMIT]

    @pytest.mark.parametrize("case", ["changed", "deleted", "appeared", "never there"])
    def test_a_commit_with_a_version_that_does_not_stand_takes_no_effect_at_all(
        self, store: Store, case: str
    ) -> None:
        put(store, HARBOR, DANA)
        seen = stored_version(store, HARBOR)
        key = (Organization, "harbor")
        if case == "changed":
            put(store, replace(HARBOR, name="Renamed"))
        elif case == "deleted":
            store.commit("qa", expected={}, deletes=[key])
        elif case == "appeared":
            seen = ABSENT
        else:
            key = (Organization, "nowhere")
        before = (
            store.every("qa", Organization),
            store.every("qa", Administrator),
            store.every("qa", Device),
        )
        outcome = store.commit(
            "qa",
            expected={(Administrator, "dana"): store.every("qa", Administrator)[0].version, key: seen},
            puts=[a_device(), HARBOR],
            deletes=[(Administrator, "dana")],
            events=[EVENT],
        )
        assert outcome is Conflict.CONFLICT
        after = (store.every("qa", Organization), store.every("qa", Administrator), store.every("qa", Device))
        assert after == before
        assert store.journal("qa") == []

    def test_of_many_commits_at_once_with_one_version_exactly_one_takes_effect(self, store: Store) -> None:
        put(store, HARBOR)
        seen, start = stored_version(store, HARBOR), Barrier(8)
        outcomes: list[Committed | Conflict] = []

        def commit(number: int) -> None:
            start.wait(timeout=30)
            renamed = replace(HARBOR, name=f"Renamed {number}")
            outcomes.append(
                store.commit("qa", expected={(Organization, "harbor"): seen}, puts=[renamed], events=[EVENT])
            )

        threads = [Thread(target=commit, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
        assert sorted(outcome.name for outcome in outcomes) == ["COMMITTED", *["CONFLICT"] * 7]
        assert len(store.journal("qa")) == 1

    def test_deleting_what_is_not_there_is_no_error(self, store: Store) -> None:
        put(store, HARBOR)
        assert store.commit("qa", expected={}, deletes=[(Organization, "summit")]) is Committed.COMMITTED

    # --- due ---

    def test_records_fall_due_later_than_after_and_not_later_than_until(self, store: Store) -> None:
        put(store, a_grant(), a_license(), HARBOR)
        expiry = NOW + 15 * MINUTE
        assert store.due("qa", expiry - 1, expiry) == [a_grant()]
        assert store.due("qa", expiry, expiry + 1) == []
        assert store.due("qa", NOW, expiry - 1) == []

    def test_a_record_of_which_several_things_fall_due_is_listed_once(self, store: Store) -> None:
        put(store, a_license(renewal_at=NOW + 40 * DAY))
        assert store.due("qa", NOW, NOW + 400 * DAY) == [a_license(renewal_at=NOW + 40 * DAY)]

    def test_the_next_due_instant_is_later_than_the_given_one(self, store: Store) -> None:
        put(store, a_grant(), a_license())
        expiry = NOW + 15 * MINUTE
        assert store.next_due("qa", NOW) == expiry
        assert store.next_due("qa", expiry - 1) == expiry
        assert store.next_due("qa", expiry) == NOW + 7 * DAY
        assert store.next_due("qa", NOW + 400 * DAY) is None

    def test_what_falls_due_follows_its_record(self, store: Store) -> None:
        put(store, a_grant())
        put(store, a_grant(state=State.DENIED))
        assert store.next_due("qa", NOW) is None
        put(store, a_license())
        store.commit("qa", expected={}, deletes=[(License, "license-1")])
        assert store.next_due("qa", NOW) is None
        assert store.due("qa", NOW, NOW + 400 * DAY) == []

    @given(
        st.lists(
            st.tuples(st.integers(0, 3), st.none() | st.integers(min_value=0, max_value=30)), max_size=15
        ),
        st.integers(min_value=-1, max_value=31),
        st.integers(min_value=0, max_value=31),
    )
    def test_what_falls_due_is_what_the_timeline_says_of_the_records_that_stand(
        self, changes: list[tuple[int, int | None]], after: int, span: int
    ) -> None:
        store = self.empty()
        for number, expires_at in changes:
            grant_id = f"grant-{number}"
            if expires_at is None:
                store.commit("qa", expected={}, deletes=[(DeviceGrant, grant_id)])
            else:
                put(store, a_grant(grant_id=grant_id, user_code=grant_id, expires_at=expires_at))
        records = [stored.record for stored in store.every("qa", DeviceGrant)]
        instants = sorted(event.at for record in records for event in timeline.dues(record))
        falling = [record for record in records if after < record.expires_at <= after + span]
        found = store.due("qa", after, after + span)
        assert sorted(map(repr, found)) == sorted(map(repr, falling))
        assert store.next_due("qa", after) == next((at for at in instants if at > after), None)

    # --- copy and drop ---

    def test_a_copy_holds_all_records_indexes_dues_and_the_journal(self, store: Store) -> None:
        put(store, a_device(), a_license(), events=(EVENT,))
        store.copy("qa", "snapshot")
        assert store.get("snapshot", Device, "store-12") == store.get("qa", Device, "store-12")
        assert store.find("snapshot", License, "live", "store-12") == store.find(
            "qa", License, "live", "store-12"
        )
        assert store.next_due("snapshot", NOW) == NOW + 7 * DAY
        assert store.journal("snapshot") == store.journal("qa")

    def test_a_copy_and_its_original_go_their_own_ways(self, store: Store) -> None:
        put(store, a_license(), events=(EVENT,))
        store.copy("qa", "snapshot")
        put(store, end(a_license(), ending=Ending.REVOKED, now=NOW), HARBOR, events=(EVENT,))
        put(store, SUMMIT, sandbox="snapshot")
        assert len(store.find("snapshot", License, "live", "store-12")) == 1
        assert [stored.record for stored in store.every("snapshot", Organization)] == [SUMMIT]
        assert [stored.record for stored in store.every("qa", Organization)] == [HARBOR]
        assert [entry.sequence for entry in store.journal("snapshot")] == [1]
        assert [entry.sequence for entry in store.journal("qa")] == [1, 2]

    def test_a_copy_takes_the_place_of_whatever_was_there(self, store: Store) -> None:
        put(store, HARBOR)
        store.copy("qa", "snapshot")
        put(store, SUMMIT, a_device(), a_grant(), events=(EVENT,))
        store.copy("snapshot", "qa")
        assert [stored.record for stored in store.every("qa", Organization)] == [HARBOR]
        assert store.find("qa", Device, "organization", "harbor") == []
        assert store.next_due("qa", 0) is None
        assert store.journal("qa") == []

    def test_whoever_loaded_before_a_restore_meets_a_conflict_after_it(self, store: Store) -> None:
        put(store, HARBOR)
        store.copy("qa", "snapshot")
        put(store, replace(HARBOR, name="Renamed"))
        seen = stored_version(store, HARBOR)
        store.copy("snapshot", "qa")
        put(store, SUMMIT)
        outcome = store.commit("qa", expected={(Organization, "harbor"): seen}, puts=[HARBOR])
        assert outcome is Conflict.CONFLICT

    def test_records_of_a_copy_are_found_in_order_of_creation(self, store: Store) -> None:
        put(store, a_device("one"), a_device("two"))
        store.copy("qa", "snapshot")
        put(store, a_device("three"), sandbox="snapshot")
        found = store.find("snapshot", Device, "organization", "harbor")
        assert [stored.record.server_id for stored in found] == ["one", "two", "three"]

    def test_a_dropped_sandbox_is_forgotten_whole(self, store: Store) -> None:
        put(store, HARBOR, a_device(), a_license(), events=(EVENT,))
        put(store, SUMMIT, sandbox="other")
        store.drop("qa")
        assert store.sandboxes() == ["other"]
        assert store.every("qa", Organization) == []
        assert store.next_due("qa", 0) is None
        assert store.journal("qa") == []

    def test_sandboxes_are_listed_in_order_of_creation(self, store: Store) -> None:
        for name in ("zoo", "alpha", "middle"):
            put(store, HARBOR, sandbox=name)
        put(store, SUMMIT, sandbox="zoo")
        assert store.sandboxes() == ["zoo", "alpha", "middle"]

    def test_one_record_of_each_sandbox_that_has_it_is_loaded_at_once(self, store: Store) -> None:
        for name in ("zoo", "alpha", "middle"):
            put(store, SUMMIT if name == "alpha" else HARBOR, sandbox=name)
        found = store.everywhere(Organization, "harbor")
        assert list(found) == ["zoo", "middle"]
        assert found["zoo"] == store.get("zoo", Organization, "harbor")
        store.drop("zoo")
        assert list(store.everywhere(Organization, "harbor")) == ["middle"]

    # --- journal ---

    def test_the_journal_counts_events_and_exchanges_together_from_one_without_gaps(
        self, store: Store
    ) -> None:
        put(store, HARBOR, events=(EVENT, EVENT))
        store.note("qa", EXCHANGE)
        put(store, HARBOR, events=(EVENT,))
        assert [(entry.sequence, type(entry.of)) for entry in store.journal("qa")] == [
            (1, Event), (2, Event), (3, Exchange), (4, Event),
        ]  # fmt: skip
        assert store.journal("qa")[0].of == EVENT
        assert store.journal("qa")[2].of == EXCHANGE

    def test_the_journal_is_read_from_a_sequence_number_on_and_through_a_filter(self, store: Store) -> None:
        put(store, HARBOR, events=(EVENT, EVENT))
        store.note("qa", EXCHANGE)
        assert [entry.sequence for entry in store.journal("qa", after=1)] == [2, 3]
        assert [
            entry.sequence
            for entry in store.journal("qa", after=1, keep=lambda entry: isinstance(entry.of, Event))
        ] == [2]
        assert store.journal("qa", after=3) == []

    def test_a_conflict_leaves_no_gap_in_the_journal(self, store: Store) -> None:
        put(store, HARBOR, events=(EVENT,))
        store.commit("qa", expected={(Organization, "harbor"): ABSENT}, events=[EVENT])
        put(store, HARBOR, events=(EVENT,))
        assert [entry.sequence for entry in store.journal("qa")] == [1, 2]
