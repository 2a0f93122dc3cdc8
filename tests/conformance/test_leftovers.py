"""What a rule has changed on a server that all rules share is put back, however the rule ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, cast

import pytest

from authz_conformance.catalogue import Capability
from authz_conformance.clocks.port import Clock
from authz_conformance.clocks.real import NoClock
from authz_conformance.expectations import expect
from authz_conformance.targets.leftovers import SharedServer
from authz_conformance.targets.lending import DeclaredDevices
from authz_conformance.targets.ports import Device, Entry, Human, Provisioning, Terms
from authz_conformance.verdicts import AdapterError, NotTestable, PreconditionBroken, RuleBroken

BEGINNING = 1_893_456_000  # 2030-01-01


class Hands(Provisioning):
    """Notes what is asked, and refuses what it is told to refuse."""

    def __init__(self, *, told: Mapping[str, int | str | bool] | None = None) -> None:
        self.done: list[tuple[Any, ...]] = []
        self.refused: set[str] = set()
        self._told = told or {}

    @property
    def offers(self) -> frozenset[Capability]:
        return frozenset(Capability)

    def settings(self) -> Mapping[str, int | str | bool]:
        return self._told

    def change_settings(self, **settings: int | str | bool) -> None:
        self._do("settings", settings)

    def rotate_keys(self, *, immediately: bool = False) -> None:
        self._do("rotate", immediately)

    def create_organization(self, *, name: str) -> str:
        self._do("create", name)
        return name

    def delete_organization(self, organization: str) -> None:
        self._do("delete", organization)

    def enable(self, device: Device) -> None:
        self._do("enable", device.id)

    def disable(self, device: Device) -> None:
        self._do("disable", device.id)

    def renew(self, device: Device, renewal_at: int | None) -> None:
        self._do("renew", device.id, renewal_at)

    def delete(self, device: Device) -> None:
        self._do("delete device", device.id)

    def give_back(self, device: Device) -> None:
        self._do("back", device.id)

    def retire(self, device: Device) -> None:
        self._do("retire", device.id)

    def _do(self, *what: Any) -> None:
        if what[0] in self.refused:
            raise AdapterError(f"{what[0]}: 500")
        self.done.append(what)


class Entering(Human):
    """Refuses whatever is entered, with the statuses that it is given."""

    offers = frozenset({Capability.APPROVE, Capability.ENTER_USER_CODES})

    def __init__(self, *statuses: int) -> None:
        self._statuses = list(statuses)

    def approve(self, user_code: str, device: Device, *, administrator: str | None = None) -> Entry:
        del user_code, device, administrator
        return Entry(accepted=False, status=self._statuses.pop(0))


class Hand(Clock):
    """A clock that stands still until it is moved."""

    name = "hand"
    shared = True
    offers = frozenset({Capability.ADVANCE_CLOCK, Capability.MOVE_CLOCK_BACK})

    def __init__(self) -> None:
        self.instant = BEGINNING

    def now(self) -> float:
        return self.instant

    def move_to(self, instant: int) -> None:
        self.instant = instant


DEVICE = Device(id="store-1")


def _shared(hands: Hands, *, human: Human | None = None, clock: Clock | None = None) -> SharedServer:
    return SharedServer(human=human or Entering(), provision=hands, clock=clock or Hand(), terms=Terms())


@pytest.mark.parametrize("ends", [None, RuleBroken(wanted="a", found="b", exchange=None), RuntimeError()])
def test_settings_are_put_back_once_however_the_rule_ends(ends: Exception | None) -> None:
    hands = Hands()
    with suppress(RuleBroken, RuntimeError), _shared(hands).visited() as (_, provision, _):
        provision.change_settings(code_seconds=60)
        provision.change_settings(code_seconds=9999)
        if ends is not None:
            raise ends
    assert hands.done[2:] == [("settings", {"code_seconds": Terms().code_seconds})]


def test_a_driver_that_tells_the_settings_knows_better_than_the_declaration() -> None:
    hands = Hands(told={"cors": False, "code_seconds": 120})
    with _shared(hands).visited() as (_, provision, _):
        provision.change_settings(cors=True, code_seconds=60)
    assert hands.done[1:] == [("settings", {"cors": False, "code_seconds": 120})]


def test_a_setting_that_nobody_knows_is_left_as_it_is() -> None:
    hands = Hands()
    with _shared(hands).visited() as (_, provision, _):
        provision.change_settings(cors=True)
    assert hands.done[1:] == []


def test_after_another_algorithm_a_key_of_the_declared_one_signs_again() -> None:
    hands, clock = Hands(), Hand()
    with _shared(hands, clock=clock).visited() as (_, provision, _):
        provision.change_settings(alg="RS256")
        provision.rotate_keys()
    assert hands.done[2:] == [("settings", {"alg": "ES256"}), ("rotate", False)]
    assert clock.instant > BEGINNING + Terms().license_token_seconds


def test_a_rotated_key_signs_before_the_next_rule_begins() -> None:
    hands, clock = Hands(), Hand()
    with _shared(hands, clock=clock).visited() as (_, provision, _):
        provision.rotate_keys()
    assert hands.done == [("rotate", False)]
    assert clock.instant > BEGINNING + Terms().license_token_seconds


@pytest.mark.parametrize(
    "moved",
    [
        lambda clock: clock.move_to(BEGINNING + 10),
        lambda clock: clock.advance(-3590),
        lambda clock: clock.at(BEGINNING + 10).__enter__(),
    ],
)
def test_no_rule_begins_before_what_another_has_seen(moved: Callable[[Clock], None]) -> None:
    clock = Hand()
    with _shared(Hands(), clock=clock).visited() as (_, _, moving):
        moving.move_to(BEGINNING + 3600)
        moved(moving)
        assert clock.instant == BEGINNING + 10
    assert clock.instant == BEGINNING + 3600


def test_the_clock_is_moved_until_refused_entries_count_no_more() -> None:
    clock = Hand()
    shared = _shared(Hands(), human=Entering(404, 429), clock=clock)
    with shared.visited() as (human, _, _):
        human.approve("BCDF-BCDF", DEVICE)
        human.approve("BCDF-BCDF", DEVICE)
        assert shared.wrong_entries(None) == 1
        assert shared.wrong_entries("somebody else") == 0
    assert clock.instant > BEGINNING + Terms().guess_window_seconds
    assert shared.wrong_entries(None) == 0


def test_without_a_clock_refused_entries_are_remembered() -> None:
    shared = _shared(Hands(), human=Entering(404), clock=NoClock())
    with shared.visited() as (human, _, _):
        human.approve("BCDF-BCDF", DEVICE, administrator="robin")
    assert shared.wrong_entries("robin") == 1


def test_organizations_are_deleted_and_one_that_is_gone_is_no_fault() -> None:
    hands = Hands()
    with _shared(hands).visited() as (_, provision, _):
        provision.create_organization(name="kept")
        provision.delete_organization(provision.create_organization(name="gone"))
    assert [what for what in hands.done if what[0] == "delete"] == [("delete", "gone"), ("delete", "kept")]
    with _shared(hands).visited() as (_, provision, _):
        provision.create_organization(name="stays")
        hands.refused = {"delete"}


def _spoil(shared: SharedServer, hands: Hands, *, ends: Exception | None) -> None:
    """Change a setting that cannot be put back."""
    with shared.visited() as (_, provision, _):
        provision.change_settings(code_seconds=60)
        hands.refused = {"settings"}
        if ends is not None:
            raise ends


def test_what_cannot_be_put_back_is_an_adapter_error_and_tried_again_before_the_next_rule() -> None:
    hands = Hands()
    shared = _shared(hands)
    with pytest.raises(AdapterError, match="settings: 500"):
        _spoil(shared, hands, ends=None)
    with pytest.raises(AdapterError, match="what an earlier rule changed could not be put back: settings"):
        shared.visited().__enter__()
    hands.refused = set()
    with shared.visited():
        assert hands.done[-1] == ("settings", {"code_seconds": Terms().code_seconds})


def test_what_a_rule_found_is_not_hidden_by_what_cannot_be_put_back() -> None:
    hands = Hands()
    with pytest.raises(RuleBroken):
        _spoil(_shared(hands), hands, ends=RuleBroken(wanted="a", found="b", exchange=None))


def test_a_lent_device_comes_back_as_it_was_or_not_at_all() -> None:
    hands = Hands()
    with _shared(hands).visited() as (_, provision, _):
        provision.disable(DEVICE)
        provision.renew(DEVICE, BEGINNING)
        provision.give_back(DEVICE)
        assert hands.done[-3:] == [("enable", DEVICE.id), ("renew", DEVICE.id, None), ("back", DEVICE.id)]
        provision.give_back(DEVICE)
        assert hands.done[-1] == ("back", DEVICE.id)
        provision.disable(DEVICE)
        hands.refused = {"enable"}
        provision.give_back(DEVICE)
        assert hands.done[-1] == ("retire", DEVICE.id)
        deleted = Device(id="store-2")
        provision.delete(deleted)
        provision.give_back(deleted)
        assert hands.done[-1] == ("retire", deleted.id)


def test_where_no_device_is_left_as_it_was_that_is_said_at_once() -> None:
    lending = DeclaredDevices(("store-1",))
    lending.retire(lending.lend())
    with pytest.raises(NotTestable, match="no declared device is left"):
        lending.lend()


def test_an_entry_that_was_barred_shows_nothing() -> None:
    barred = Entry(accepted=False, status=429)
    for accepted in (True, False):
        with pytest.raises(PreconditionBroken, match="an entry that is looked at; found refused 429"):
            expect.entry(barred, accepted=accepted, wanted="anything")


def test_a_wrapped_port_is_the_port_in_all_else() -> None:
    hands = Hands()
    with _shared(hands).visited() as (_, provision, clock):
        assert cast("Any", clock).name == "hand"
        assert provision.offers == hands.offers
        assert clock.ticks
