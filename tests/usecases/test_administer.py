from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from mock_authz.domain.events import EventType
from mock_authz.domain.license import LicenseStatus
from mock_authz.domain.organization import Administrator, Client, Device, Edition, Organization
from mock_authz.domain.refusals import Conflict, NotFound, Refusal
from mock_authz.settings import SettingsError
from mock_authz.usecases import administer
from mock_authz.usecases.administer import NewDevice
from tests.factories import (
    DANA,
    DAY,
    HEAD_OFFICE,
    NOW,
    QA,
    STORE_12,
    World,
    a_device,
    expect,
)

STORE_13 = NewDevice(organization_id="harbor", server_id="store-13", name="Store 13", edition=Edition.STORE)


def reason_of(answer: object) -> str | None:
    return expect(Conflict, answer).reason


def create(world: World, new: NewDevice) -> Device | Refusal:
    return administer.create_device(world.at(NOW), new)


def change(world: World, server_id: str, **changes: object) -> Device | Refusal:
    return administer.change_device(world.at(NOW), server_id, changes)


# --- what is not there ---

ON_NOTHING: dict[str, Callable[[World], object]] = {
    "rename_organization": lambda world: administer.rename_organization(world.at(NOW), "x", name="X"),
    "delete_organization": lambda world: administer.delete_organization(world.at(NOW), "x"),
    "change_administrator": lambda world: administer.change_administrator(world.at(NOW), "x", {"name": "X"}),
    "delete_administrator": lambda world: administer.delete_administrator(world.at(NOW), "x"),
    "change_device": lambda world: administer.change_device(world.at(NOW), "x", {"name": "X"}),
    "disable_device": lambda world: administer.disable_device(world.at(NOW), "x"),
    "enable_device": lambda world: administer.enable_device(world.at(NOW), "x"),
    "delete_device": lambda world: administer.delete_device(world.at(NOW), "x"),
    "renew_device": lambda world: administer.renew_device(world.at(NOW), "x", renewal_at=None),
    "revoke_device_license": lambda world: administer.revoke_device_license(world.at(NOW), "x"),
    "delete_client": lambda world: administer.delete_client(world.at(NOW), "x"),
}


@pytest.mark.parametrize("act", ON_NOTHING)
def test_what_is_not_there_is_not_found_and_nothing_is_journalled(world: World, act: str) -> None:
    assert isinstance(ON_NOTHING[act](world), NotFound)
    assert world.events() == []


ON_SOMETHING_TAKEN: dict[str, Callable[[World], object]] = {
    "organization": lambda world: administer.create_organization(
        world.at(NOW), name="X", organization_id="harbor"
    ),
    "administrator": lambda world: administer.create_administrator(world.at(NOW), DANA),
    "device": lambda world: create(world, replace(STORE_13, server_id=STORE_12)),
    "client": lambda world: administer.create_client(world.at(NOW), Client(client_id="register", name="X")),
}


@pytest.mark.parametrize("kind", ON_SOMETHING_TAKEN)
def test_an_id_that_is_taken_is_refused_and_the_record_stays(world: World, kind: str) -> None:
    kinds: tuple[type[object], ...] = (Organization, Administrator, Device, Client)
    before = [world.store.every(QA, each) for each in kinds]
    assert reason_of(ON_SOMETHING_TAKEN[kind](world)) == "id_taken"
    assert [world.store.every(QA, each) for each in kinds] == before


# --- organizations and administrators ---


def test_an_organization_without_an_id_gets_one_of_its_own(world: World) -> None:
    ids = [
        expect(Organization, administer.create_organization(world.at(NOW), name="New")).organization_id
        for _ in range(3)
    ]
    assert len(set(ids)) == 3


def test_deleting_an_organization_deletes_its_devices_and_takes_it_from_its_administrators(
    world: World,
) -> None:
    world.acquire()
    assert administer.delete_organization(world.at(NOW), "harbor") is None
    assert [stored.record.server_id for stored in world.store.every(QA, Device)] == ["peak"]
    assert {
        stored.record.username: stored.record.organizations for stored in world.store.every(QA, Administrator)
    } == {"dana": (), "sam": ("summit",)}
    assert world.license_of().ending == "device_disabled"


def test_an_administrator_manages_only_organizations_that_exist(world: World) -> None:
    new = Administrator(username="kim", name="Kim", organizations=("harbor", "nowhere"))
    assert reason_of(administer.create_administrator(world.at(NOW), new)) == "organization_unknown"
    answer = administer.change_administrator(world.at(NOW), "dana", {"organizations": ("nowhere",)})
    assert reason_of(answer) == "organization_unknown"
    assert world.store.every(QA, Administrator)[0].record == DANA


def test_an_administrator_may_manage_several_organizations_or_none(world: World) -> None:
    for organizations in (("harbor", "summit"), ()):
        answer = administer.change_administrator(world.at(NOW), "dana", {"organizations": organizations})
        assert expect(Administrator, answer).organizations == organizations


# --- devices ---


@pytest.mark.parametrize(("edition", "features"), [(Edition.STORE, ("xms",)), (Edition.REGISTER, ())])
def test_a_device_without_features_gets_its_edition_s(
    world: World, edition: Edition, features: tuple[str, ...]
) -> None:
    assert expect(Device, create(world, replace(STORE_13, edition=edition))).features == features


def test_a_device_can_be_licensed_for_no_feature(world: World) -> None:
    assert expect(Device, create(world, replace(STORE_13, features=()))).features == ()


def test_a_device_without_a_server_id_gets_one_of_its_own(world: World) -> None:
    new = replace(STORE_13, server_id=None)
    assert expect(Device, create(world, new)).server_id != expect(Device, create(world, new)).server_id


def test_a_device_belongs_to_an_organization_that_exists(world: World) -> None:
    assert reason_of(create(world, replace(STORE_13, organization_id="nowhere"))) == "organization_unknown"


@pytest.mark.parametrize(
    ("hub", "reason"),
    [
        ("nowhere", "hub_unknown"),
        ("peak", "hub_unknown"),
        ("asleep", "hub_disabled"),
        (STORE_12, "hub_cycle"),
        ("till-1", "hub_cycle"),
    ],
)
def test_a_hub_is_another_enabled_device_of_the_organization_without_a_cycle(
    world: World, hub: str, reason: str
) -> None:
    world.store.commit(QA, expected={}, puts=[a_device("asleep", enabled=False)])
    assert reason_of(change(world, STORE_12, hub=hub)) == reason
    device = world.device()
    assert device is not None
    assert device.hub == HEAD_OFFICE


def test_a_new_device_s_hub_is_held_to_the_rules_too(world: World) -> None:
    assert reason_of(create(world, replace(STORE_13, hub="peak"))) == "hub_unknown"
    assert expect(Device, create(world, replace(STORE_13, hub=STORE_12))).hub == STORE_12


def test_a_hub_that_was_disabled_later_does_not_bar_other_changes(world: World) -> None:
    administer.disable_device(world.at(NOW), HEAD_OFFICE)
    assert expect(Device, change(world, STORE_12, name="Twelve")).hub == HEAD_OFFICE
    assert expect(Device, change(world, STORE_12, hub=None)).hub is None
    assert reason_of(change(world, STORE_12, hub=HEAD_OFFICE)) == "hub_disabled"


def test_devices_whose_hub_is_deleted_have_none(world: World) -> None:
    administer.delete_device(world.at(NOW), HEAD_OFFICE)
    store, till = world.device(), world.device("till-1")
    assert store is not None
    assert till is not None
    assert (store.hub, till.hub) == (None, STORE_12)


def test_disabling_a_device_ends_its_license_once(world: World) -> None:
    world.acquire()
    administer.disable_device(world.at(NOW), STORE_12)
    administer.disable_device(world.at(NOW + 1), STORE_12)
    assert (world.license_of().ending, world.license_of().ended_at) == ("device_disabled", NOW)
    assert len(world.events(EventType.LICENSE_ENDED)) == 1


def test_disabling_a_device_leaves_the_licenses_of_others(world: World) -> None:
    world.acquire(server_id="till-1")
    administer.disable_device(world.at(NOW), STORE_12)
    assert world.license_of("till-1").ending is None


# --- renewal ---


@pytest.mark.parametrize("renewal_at", [NOW - 1, NOW])
def test_a_renewal_date_that_has_come_is_refused(world: World, renewal_at: int) -> None:
    answer = administer.renew_device(world.at(NOW), STORE_12, renewal_at=renewal_at)
    assert reason_of(answer) == "renewal_date_passed"


@pytest.mark.parametrize(
    ("renewal_at", "reason"),
    [
        (NOW + 50 * DAY - 1, "renewal_not_later"),
        (NOW + 50 * DAY, "renewal_not_later"),
        (NOW + 50 * DAY + 1, None),
        (None, None),
    ],
)
def test_a_live_license_is_renewed_to_a_later_instant_or_none(
    world: World, renewal_at: int | None, reason: str | None
) -> None:
    administer.renew_device(world.at(NOW), STORE_12, renewal_at=NOW + 50 * DAY)
    world.acquire()
    answer = administer.renew_device(world.at(NOW), STORE_12, renewal_at=renewal_at)
    device = world.device()
    assert device is not None
    expected = renewal_at if reason is None else NOW + 50 * DAY
    assert getattr(answer, "reason", None) == reason
    assert device.renewal_at == world.license_of().renewal_at == expected
    assert len(world.events(EventType.LICENSE_RENEWED)) == (reason is None)


@pytest.mark.parametrize("renewal_at", [NOW + 10 * DAY, NOW + 90 * DAY, None])
def test_without_a_live_license_any_future_date_is_the_device_s(world: World, renewal_at: int | None) -> None:
    administer.renew_device(world.at(NOW), STORE_12, renewal_at=NOW + 50 * DAY)
    world.acquire()
    administer.revoke_device_license(world.at(NOW), STORE_12)
    ended = world.license_of()
    device = expect(Device, administer.renew_device(world.at(NOW), STORE_12, renewal_at=renewal_at))
    assert device.renewal_at == renewal_at
    assert world.license_of() == ended
    assert world.events()[-1].type is EventType.DEVICE_CHANGED


def test_a_lapsed_license_is_not_renewed_but_its_device_is(world: World) -> None:
    administer.renew_device(world.at(NOW), STORE_12, renewal_at=NOW + DAY)
    world.acquire()
    administer.renew_device(world.at(NOW + DAY), STORE_12, renewal_at=NOW + 2 * DAY)
    device = world.device()
    assert device is not None
    assert (device.renewal_at, world.license_of().renewal_at) == (NOW + 2 * DAY, NOW + DAY)


# --- licenses ---


def test_revoking_a_device_s_license_ends_it(world: World) -> None:
    world.acquire()
    assert isinstance(administer.revoke_device_license(world.at(NOW), STORE_12), Device)
    assert world.license_of().ending == "license_revoked"


def test_a_device_without_a_live_license_has_nothing_to_revoke(world: World) -> None:
    assert reason_of(administer.revoke_device_license(world.at(NOW), STORE_12)) == "not_licensed"
    world.acquire()
    administer.disable_device(world.at(NOW), STORE_12)
    assert reason_of(administer.revoke_device_license(world.at(NOW), STORE_12)) == "not_licensed"


def test_a_device_s_page_shows_the_live_license_or_the_last_that_it_had(world: World) -> None:
    context = world.at(NOW)
    latest = administer.latest_license(context, STORE_12)
    assert context.decisions.status(latest, now=NOW) is LicenseStatus.UNLICENSED
    for _ in range(3):
        world.acquire()
    latest = administer.latest_license(context, STORE_12)
    assert latest is not None
    assert context.decisions.status(latest, now=NOW) is LicenseStatus.LICENSED
    administer.disable_device(context, STORE_12)
    latest = administer.latest_license(context, STORE_12)
    assert context.decisions.status(latest, now=NOW) is LicenseStatus.EXPIRED_REQUIRES_RENEWAL


# --- clients and settings ---


def test_clients_come_and_go(world: World) -> None:
    client = Client(client_id="kiosk", name="Kiosk")
    assert administer.create_client(world.at(NOW), client) == client
    assert administer.delete_client(world.at(NOW), "kiosk") is None
    assert world.store.get(QA, Client, "kiosk") is None
    assert [event.subject["change"] for event in world.events(EventType.CLIENT_CHANGED)] == [
        "created", "deleted",
    ]  # fmt: skip


def test_a_setting_that_is_out_of_bounds_changes_nothing(world: World) -> None:
    before = world.sandbox
    with pytest.raises(SettingsError):
        administer.change_settings(world.at(NOW), {"cors": True, "code_seconds": 0})
    assert world.sandbox == before


def test_settings_are_journalled_by_name(world: World) -> None:
    administer.change_settings(world.at(NOW), {"cors": True, "code_seconds": 60})
    assert [dict(event.subject) for event in world.events(EventType.SETTINGS_CHANGED)] == [
        {"names": "code_seconds, cors"}
    ]
