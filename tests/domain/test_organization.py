from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_authz.domain.organization import Device, Edition, check_hub, default_features
from tests.factories import a_device


def verdict(device: Device, *others: Device) -> str | None:
    refusal = check_hub(device, {other.server_id: other for other in others})
    return None if refusal is None else refusal.reason


@pytest.mark.parametrize(
    ("edition", "expected"),
    [
        (Edition.CLOUD, ("xms",)),
        (Edition.CORPORATE, ("xms",)),
        (Edition.STORE, ("xms",)),
        (Edition.REGISTER, ()),
    ],
)
def test_pos_servers_are_licensed_for_xms_and_registers_for_nothing(
    edition: Edition, expected: tuple[str, ...]
) -> None:
    assert default_features(edition) == expected


def test_a_device_needs_no_hub() -> None:
    assert verdict(a_device("a")) is None


def test_a_hub_is_another_enabled_device_of_the_same_organization() -> None:
    assert verdict(a_device("a", hub="b"), a_device("b")) is None


def test_a_device_is_not_its_own_hub() -> None:
    assert verdict(a_device("a", hub="a"), a_device("a")) == "hub_cycle"


def test_a_hub_that_does_not_exist_is_unknown() -> None:
    assert verdict(a_device("a", hub="b")) == "hub_unknown"


def test_a_hub_of_another_organization_is_unknown() -> None:
    assert verdict(a_device("a", hub="b"), a_device("b", organization_id="summit")) == "hub_unknown"


def test_a_disabled_device_is_no_hub() -> None:
    assert verdict(a_device("a", hub="b"), a_device("b", enabled=False)) == "hub_disabled"


def test_two_devices_are_not_each_other_s_hub() -> None:
    assert verdict(a_device("a", hub="b"), a_device("b", hub="a")) == "hub_cycle"


def test_a_longer_cycle_is_one_too() -> None:
    others = [a_device("b", hub="c"), a_device("c", hub="d"), a_device("d", hub="a")]
    assert verdict(a_device("a", hub="b"), *others) == "hub_cycle"


def test_a_cycle_through_a_disabled_device_is_one_too() -> None:
    others = [a_device("b", hub="c"), a_device("c", hub="a", enabled=False)]
    assert verdict(a_device("a", hub="b"), *others) == "hub_cycle"


def test_a_chain_of_hubs_may_stand_and_may_dangle() -> None:
    assert verdict(a_device("a", hub="b"), a_device("b", hub="c"), a_device("c", hub="gone")) is None


def test_what_the_records_say_of_the_device_itself_is_not_looked_at() -> None:
    assert verdict(a_device("a", hub="b"), a_device("a", hub="c"), a_device("b"), a_device("c")) is None


@given(st.lists(st.tuples(st.integers(0, 5), st.none() | st.integers(0, 5)), max_size=25))
def test_however_hubs_are_set_nobody_ever_comes_back_to_where_they_began(
    changes: list[tuple[int, int | None]],
) -> None:
    devices = {str(number): a_device(str(number)) for number in range(6)}
    for number, hub in changes:
        changed = a_device(str(number), hub=None if hub is None else str(hub))
        if check_hub(changed, devices) is None:
            devices[changed.server_id] = changed
    for device in devices.values():
        hops, onward = 0, device.hub
        while onward is not None:
            hops, onward = hops + 1, devices[onward].hub
            assert hops <= len(devices)
