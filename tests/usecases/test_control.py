from __future__ import annotations

import pytest

from mock_authz.clock import Clock, ClockMode
from mock_authz.domain.events import Event, EventType
from mock_authz.domain.organization import Organization
from mock_authz.domain.refusals import Conflict, ExpiredToken
from mock_authz.sandbox import DEFAULT, Sandbox
from mock_authz.settings import Settings
from mock_authz.store.memory import MemoryStore
from mock_authz.store.port import Store
from mock_authz.usecases import administer, control, keys
from tests.factories import DAY, HARBOR, ISSUER, MINUTE, NOW, QA, STORE_12, SUMMIT, World, a_world, expect


def create(store: Store, name: str, **given: object) -> Sandbox | Conflict:
    return control.create_sandbox(store, name=name, issuer=ISSUER, real_at=NOW + 0.75, **given)  # type: ignore[arg-type]


def frozen(at: int) -> Clock:
    return Clock(ClockMode.FROZEN, float(NOW), float(at))


def move(world: World, to: int) -> list[Event]:
    return control.set_clock(world.store, QA, frozen(to), real_at=float(NOW))


def told(events: list[Event]) -> list[tuple[int, str]]:
    return [(event.at - NOW, event.type.value) for event in events]


def due(world: World) -> list[tuple[int, str]]:
    """What the journal says fell due, in its order."""
    by_somebody = {
        EventType.DEVICE_AUTHORIZATION_ISSUED, EventType.USER_CODE_APPROVED, EventType.LICENSE_ISSUED,
        EventType.KEY_PUBLISHED, EventType.CLOCK_MOVED, EventType.DEVICE_CHANGED, EventType.LICENSE_ENDED,
    }  # fmt: skip
    return told([event for event in world.events() if event.type not in by_somebody])


# --- sandboxes ---


def test_a_sandbox_ticks_by_default() -> None:
    sandbox = expect(Sandbox, create(MemoryStore(), "qa"))
    assert sandbox.clock == Clock()
    assert sandbox.clock.mode is ClockMode.REAL
    assert sandbox.settings == Settings()
    assert (sandbox.settled_at, sandbox.created_real_at) == (NOW, NOW)


def test_a_sandbox_is_created_with_its_records() -> None:
    store = MemoryStore()
    create(store, "qa", records=[HARBOR, SUMMIT])
    assert [stored.record for stored in store.every("qa", Organization)] == [HARBOR, SUMMIT]


def test_a_name_that_is_taken_is_refused_and_the_sandbox_stays() -> None:
    store = MemoryStore()
    first = create(store, "qa", records=[HARBOR])
    assert expect(Conflict, create(store, "qa", records=[SUMMIT])).reason == "id_taken"
    assert control.find_sandbox(store, "qa") == first
    assert store.get("qa", Organization, "summit") is None


def test_sandboxes_are_listed_in_order_of_creation() -> None:
    store = MemoryStore()
    for name in ("b", "a", "c"):
        create(store, name)
    assert [sandbox.name for sandbox in control.list_sandboxes(store)] == ["b", "a", "c"]


def test_a_seed_is_drawn_where_none_is_given_and_never_shown() -> None:
    store = MemoryStore()
    one, other = expect(Sandbox, create(store, "a")), expect(Sandbox, create(store, "b"))
    assert one.entropy.seed != other.entropy.seed
    assert one.management_token != other.management_token
    assert repr(one.entropy.seed) not in repr(one)


def test_the_same_random_seed_repeats_all_secrets() -> None:
    one = expect(Sandbox, create(MemoryStore(), "a", random_seed="1"))
    assert one.entropy == expect(Sandbox, create(MemoryStore(), "a", random_seed="1")).entropy
    assert one.entropy != expect(Sandbox, create(MemoryStore(), "a", random_seed="2")).entropy


def test_a_dropped_sandbox_is_gone_and_its_name_is_free() -> None:
    store = MemoryStore()
    create(store, "qa", records=[HARBOR])
    assert control.drop_sandbox(store, "qa") is None
    assert control.find_sandbox(store, "qa") is None
    create(store, "qa")
    assert store.every("qa", Organization) == []


def test_the_default_sandbox_lives_as_long_as_the_server() -> None:
    store = MemoryStore()
    create(store, DEFAULT)
    assert expect(Conflict, control.drop_sandbox(store, DEFAULT)).reason == "default_sandbox"
    assert control.find_sandbox(store, DEFAULT) is not None


# --- settling ---


def test_what_fell_due_is_journalled_at_the_start_of_the_next_request(world: World) -> None:
    world.authorize()
    assert told(control.settle(world.store, world.sandbox, now=NOW + 15 * MINUTE - 1)) == []
    assert told(control.settle(world.store, world.sandbox, now=NOW + 15 * MINUTE)) == [
        (15 * MINUTE, "user_code_expired")
    ]
    assert due(world) == [(15 * MINUTE, "user_code_expired")]


def test_what_fell_due_is_journalled_once(world: World) -> None:
    world.authorize()
    stale = world.sandbox
    control.settle(world.store, stale, now=NOW + DAY)
    assert control.settle(world.store, stale, now=NOW + DAY) == []
    assert control.settle(world.store, world.sandbox, now=NOW + 2 * DAY) == []
    assert len(due(world)) == 1


def test_settling_a_sandbox_where_nothing_is_due_writes_nothing(world: World) -> None:
    before = world.sandbox
    assert control.settle(world.store, before, now=NOW + 3650 * DAY) == []
    assert world.sandbox == before


def test_settling_a_dropped_sandbox_is_no_error(world: World) -> None:
    world.authorize()
    sandbox = world.sandbox
    control.drop_sandbox(world.store, QA)
    assert control.settle(world.store, sandbox, now=NOW + DAY) == []
    assert control.set_clock(world.store, QA, frozen(NOW + DAY), real_at=float(NOW)) == []


# --- moving the clock ---


def test_moving_forward_tells_what_fell_due_on_the_way_in_order_of_instant(world: World) -> None:
    administer.renew_device(world.at(NOW), STORE_12, renewal_at=NOW + 40 * DAY)
    world.acquire()
    world.authorize()
    keys.rotate_keys(world.at(NOW))
    events = move(world, NOW + 40 * DAY)
    assert told(events) == [
        (15 * MINUTE, "user_code_expired"),
        (7 * DAY, "key_signing_started"),
        (7 * DAY, "license_token_expired"),
        (7 * DAY + 60, "key_removed"),
        (10 * DAY, "license_renewal_due"),
        (40 * DAY, "license_lapsed"),
    ]
    assert due(world) == told(events)
    assert world.sandbox.settled_at == NOW + 40 * DAY


@pytest.mark.parametrize("days", [7, 10, 40])
def test_moving_in_two_steps_tells_the_same_as_moving_in_one(days: int) -> None:
    one, other = a_world(), a_world()
    for world in (one, other):
        administer.renew_device(world.at(NOW), STORE_12, renewal_at=NOW + 40 * DAY)
        world.acquire()
    assert [*move(one, NOW + days * DAY), *move(one, NOW + 91 * DAY)] == move(other, NOW + 91 * DAY)


def test_moving_the_clock_and_waiting_tell_the_same() -> None:
    one, other = a_world(), a_world()
    for world in (one, other):
        world.acquire()
    assert control.settle(one.store, one.sandbox, now=NOW + 7 * DAY) == move(other, NOW + 7 * DAY)


def test_a_moved_clock_is_journalled_before_what_fell_due(world: World) -> None:
    world.authorize()
    move(world, NOW + DAY)
    moved, expired = world.events()[-2:]
    assert (moved.type, expired.type) == (EventType.CLOCK_MOVED, EventType.USER_CODE_EXPIRED)
    assert dict(moved.subject) == {"from": NOW, "to": NOW + DAY, "mode": "frozen"}


def test_going_back_moves_the_clock_only(world: World) -> None:
    authorization = world.authorize()
    world.approve(authorization)
    tokens = world.acquire(server_id="till-1")
    move(world, NOW + DAY)
    licenses, grants = world.license_of("till-1"), world.poll(authorization, NOW + DAY)
    assert isinstance(grants, ExpiredToken)
    assert move(world, NOW - DAY) == []
    assert world.license_of("till-1") == licenses
    assert world.events()[-1].type is EventType.CLOCK_MOVED
    assert world.sandbox.clock.now(0.0) == NOW - DAY
    assert world.caller(tokens, NOW - DAY).license == licenses


def test_what_is_issued_after_going_back_falls_due_in_its_time(world: World) -> None:
    world.authorize()
    move(world, NOW + DAY)
    move(world, NOW - DAY)
    world.authorize(NOW - DAY)
    assert told(move(world, NOW - DAY + 15 * MINUTE)) == [(-DAY + 15 * MINUTE, "user_code_expired")]


def test_a_stored_ending_stays_when_the_clock_goes_back(world: World) -> None:
    world.acquire()
    administer.disable_device(world.at(NOW + DAY), STORE_12)
    move(world, NOW)
    assert world.license_of().ending == "device_disabled"


def test_a_license_acquired_within_its_renewal_window_was_due_before_and_is_not_told_late(
    world: World,
) -> None:
    # Nothing fell due for five days, so nothing was settled; then a license that required renewal since day three.
    administer.renew_device(world.at(NOW), STORE_12, renewal_at=NOW + 33 * DAY)
    world.acquire(NOW + 5 * DAY)
    assert (3 * DAY, "license_renewal_due") not in told(move(world, NOW + 33 * DAY))


def test_a_setting_that_shortens_lifetimes_moves_nothing_that_was_issued(world: World) -> None:
    world.authorize()
    administer.change_settings(world.at(NOW), {"code_seconds": 1})
    assert told(move(world, NOW + 15 * MINUTE)) == [(15 * MINUTE, "user_code_expired")]
