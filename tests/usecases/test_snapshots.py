from __future__ import annotations

from dataclasses import replace

import pytest

from mock_authz.clock import Clock, ClockMode
from mock_authz.domain.events import Event, EventType
from mock_authz.domain.faults import Fault, FaultKind
from mock_authz.domain.human_script import Act, HumanScript
from mock_authz.domain.license import License
from mock_authz.domain.organization import Device
from mock_authz.domain.refusals import Conflict, NotFound
from mock_authz.sandbox import Sandbox
from mock_authz.store.port import Exchange
from mock_authz.usecases import administer, control, faults, humans, keys, snapshots
from mock_authz.usecases.acquire import DeviceAuthorization
from mock_authz.usecases.tokens import IssuedTokens
from tests.factories import DAY, ISSUER, MINUTE, NOW, QA, STORE_12, World, expect


def take(world: World, name: str = "before", *, real_at: float = NOW) -> None:
    assert snapshots.take(world.store, world.sandbox, name=name, real_at=real_at) is None


def restore(world: World, name: str = "before", *, real_at: float = NOW) -> Sandbox:
    return expect(Sandbox, snapshots.restore(world.store, world.sandbox, name=name, real_at=real_at))


def fork(world: World, name: str = "other", **changes: str) -> World:
    issuer = changes.get("issuer", f"http://127.0.0.1:8628/s/{name}")
    made = snapshots.fork(world.store, world.sandbox, name=name, issuer=issuer, real_at=float(NOW))
    assert expect(Sandbox, made).issuer == issuer
    return Other(world.store, world.decisions, name)


class Other(World):
    """Another sandbox of the same store."""

    def __init__(self, store: object, decisions: object, name: str) -> None:
        super().__init__(store, decisions)  # type: ignore[arg-type]
        self.name = name

    @property
    def sandbox(self) -> Sandbox:
        return expect(Sandbox, control.find_sandbox(self.store, self.name))


def story(world: World) -> list[str]:
    """Go on from here, and give every secret that comes of it."""
    humans.add_human(world.at(NOW), HumanScript(human_id="", act=Act.APPROVE, server_id=STORE_12))
    authorization = world.authorize()
    tokens = expect(IssuedTokens, world.poll(authorization))
    return [
        authorization.device_code,
        authorization.user_code,
        tokens.access_token,
        tokens.refresh_token,
        keys.rotate_keys(world.at(NOW)).private_jwk,
    ]


def eventful(world: World) -> DeviceAuthorization:
    """Let there be something of everything."""
    world.acquire()
    faults.add_fault(world.at(NOW), Fault(fault_id="", kind=FaultKind.OFFLINE, steps=("jwks",)))
    humans.add_human(world.at(NOW), HumanScript(human_id="", act=Act.DENY, at=NOW + MINUTE))
    authorization = world.authorize()
    world.store.note(QA, Exchange(NOW, "jwks", "GET", "/jwks", 200))
    return authorization


# --- snapshots ---


def test_snapshots_are_listed_oldest_first_and_are_no_sandboxes(world: World) -> None:
    for name in ("b", "a"):
        take(world, name)
    assert snapshots.list_snapshots(world.store, world.sandbox) == ["b", "a"]
    assert [sandbox.name for sandbox in control.list_sandboxes(world.store)] == [QA]
    assert control.find_sandbox(world.store, f"{QA}@a") is None


def test_a_snapshot_s_name_is_its_own_within_its_sandbox(world: World) -> None:
    take(world)
    refusal = snapshots.take(world.store, world.sandbox, name="before", real_at=float(NOW))
    assert expect(Conflict, refusal).reason == "id_taken"
    other = fork(world)
    assert snapshots.take(other.store, other.sandbox, name="before", real_at=float(NOW)) is None


def test_what_happened_since_is_undone_and_the_snapshot_stays(world: World) -> None:
    take(world)
    for _ in range(2):
        world.acquire()
        administer.disable_device(world.at(NOW), STORE_12)
        restore(world)
        assert expect(Device, world.device()).enabled
        assert world.store.every(QA, License) == []
    assert snapshots.list_snapshots(world.store, world.sandbox) == ["before"]


def test_a_restored_sandbox_repeats_itself_byte_for_byte(world: World) -> None:
    eventful(world)
    take(world)
    first = story(world)
    restore(world)
    assert story(world) == first


def test_humans_faults_and_settings_are_put_back(world: World) -> None:
    eventful(world)
    before = (humans.list_humans(world.at(NOW)), faults.list_faults(world.at(NOW)), world.sandbox.settings)
    take(world)
    faults.clear_faults(world.at(NOW))
    control.settle(world.store, world.sandbox, now=NOW + DAY)
    administer.change_settings(world.at(NOW), {"code_seconds": 1})
    restore(world)
    after = (humans.list_humans(world.at(NOW)), faults.list_faults(world.at(NOW)), world.sandbox.settings)
    assert after == before


def test_the_journal_is_put_back_and_tells_of_the_restoring(world: World) -> None:
    world.authorize()
    take(world)
    kept = world.events()
    world.authorize()
    restore(world)
    *earlier, restored = world.store.journal(QA)
    assert [entry.of for entry in earlier] == kept
    assert restored.sequence == len(kept) + 1
    event = expect(Event, restored.of)
    assert event.type is EventType.SANDBOX_CHANGED
    assert dict(event.subject) == {"change": "restored", "snapshot": "before"}


def test_what_has_been_told_before_the_snapshot_is_not_told_again_after_it(world: World) -> None:
    world.authorize()
    stale = world.sandbox
    control.settle(world.store, stale, now=NOW + DAY)
    take(world)
    restored = restore(world)
    assert control.settle(world.store, restored, now=NOW + DAY) == []


@pytest.mark.parametrize(
    ("mode", "shows"),
    [(ClockMode.FROZEN, NOW + DAY), (ClockMode.OFFSET, NOW + DAY + 5), (ClockMode.REAL, NOW + 100)],
)
def test_a_clock_with_an_offset_goes_on_from_the_instant_of_the_snapshot(
    world: World, mode: ClockMode, shows: int
) -> None:
    clock = Clock(mode, float(NOW), float(NOW + DAY))
    control.set_clock(world.store, QA, clock, real_at=float(NOW))
    take(world, real_at=NOW + 5.0)
    restored = restore(world, real_at=NOW + 100.0)
    assert restored.clock.now(NOW + 100.0) == shows


def test_how_long_a_sandbox_lives_is_not_put_back(world: World) -> None:
    take(world)
    mortal = replace(world.sandbox, expires_real_at=NOW + 60)
    world.store.commit(QA, expected={}, puts=[mortal])
    assert restore(world).expires_real_at == NOW + 60


def test_an_unknown_snapshot_is_not_found(world: World) -> None:
    assert isinstance(
        snapshots.restore(world.store, world.sandbox, name="none", real_at=float(NOW)), NotFound
    )
    assert isinstance(snapshots.drop_snapshot(world.store, world.sandbox, name="none"), NotFound)
    assert not snapshots.has_snapshot(world.store, world.sandbox, name="none")


def test_a_forgotten_snapshot_is_gone_and_its_name_free(world: World) -> None:
    take(world)
    assert snapshots.has_snapshot(world.store, world.sandbox, name="before")
    assert snapshots.drop_snapshot(world.store, world.sandbox, name="before") is None
    assert snapshots.list_snapshots(world.store, world.sandbox) == []
    take(world)


def test_snapshots_go_with_their_sandbox(world: World) -> None:
    take(world)
    fork(world)
    control.drop_sandbox(world.store, QA)
    assert world.store.sandboxes() == ["other"]


# --- forks ---


def test_a_fork_goes_its_own_way(world: World) -> None:
    other = fork(world)
    other.acquire()
    assert world.events() == []
    administer.delete_device(world.at(NOW), "till-1")
    assert len(other.store.every("other", Device)) == len(world.store.every(QA, Device)) + 1


def test_a_fork_repeats_what_its_original_does(world: World) -> None:
    eventful(world)
    other = fork(world)
    theirs, own = story(other), story(world)
    # The tokens name their issuer.
    assert [one == same for one, same in zip(theirs, own, strict=True)] == [True, True, False, True, True]


def test_a_fork_of_the_same_issuer_makes_the_same_tokens(world: World) -> None:
    eventful(world)
    assert story(fork(world, issuer=ISSUER)) == story(world)


def test_a_fork_has_its_original_s_clock_and_journal_and_no_snapshots(world: World) -> None:
    world.authorize()
    take(world)
    other = fork(world)
    assert other.sandbox.clock == world.sandbox.clock
    assert snapshots.list_snapshots(world.store, other.sandbox) == []
    *copied, forked = other.store.journal("other")
    assert copied == world.store.journal(QA)
    assert dict(expect(Event, forked.of).subject) == {"change": "forked", "of": QA}


@pytest.mark.parametrize(("lives_seconds", "expires_at"), [(None, None), (60, NOW + 60)])
def test_a_fork_has_a_life_of_its_own(
    world: World, lives_seconds: int | None, expires_at: int | None
) -> None:
    mortal = replace(world.sandbox, expires_real_at=NOW + 5)
    made = snapshots.fork(
        world.store, mortal, name="other", issuer=ISSUER, real_at=NOW + 0.9, lives_seconds=lives_seconds
    )
    forked = expect(Sandbox, made)
    assert (forked.created_real_at, forked.expires_real_at) == (NOW, expires_at)


def test_a_name_that_is_taken_is_refused(world: World) -> None:
    fork(world)
    world.authorize()
    refusal = snapshots.fork(world.store, world.sandbox, name="other", issuer=ISSUER, real_at=float(NOW))
    assert expect(Conflict, refusal).reason == "id_taken"
    assert len(world.store.journal("other")) == 1


# --- lives ---


def created(world: World, *, real_at: float, lives_seconds: int | None) -> None:
    made = control.create_sandbox(
        world.store, name="brief", issuer=ISSUER, real_at=real_at, lives_seconds=lives_seconds
    )
    expect(Sandbox, made)


@pytest.mark.parametrize(("seconds", "lives"), [(59.0, True), (59.9, True), (60.0, False), (61.0, False)])
def test_a_sandbox_is_gone_when_its_life_in_real_time_is_over(
    world: World, seconds: float, *, lives: bool
) -> None:
    created(world, real_at=float(NOW), lives_seconds=60)
    found = control.find_sandbox(world.store, "brief", real_at=NOW + seconds)
    assert (found is not None) is lives
    control.sweep(world.store, real_at=NOW + seconds)
    assert ("brief" in world.store.sandboxes()) is lives


def test_a_sandbox_without_a_life_lives_on(world: World) -> None:
    created(world, real_at=float(NOW), lives_seconds=None)
    control.sweep(world.store, real_at=NOW + 10_000.0 * DAY)
    assert control.find_sandbox(world.store, "brief", real_at=NOW + 10_000.0 * DAY) is not None


def test_what_was_written_to_a_sandbox_after_it_was_dropped_is_swept_away(world: World) -> None:
    take(world)
    held_up = world.at(NOW)
    control.drop_sandbox(world.store, QA)
    keys.rotate_keys(held_up)
    assert world.store.sandboxes() == [QA]
    control.sweep(world.store, real_at=float(NOW))
    assert world.store.sandboxes() == []
