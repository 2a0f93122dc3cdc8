"""The management API: devices, their hubs, and the license that each has."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import DAY, HEAD_OFFICE, NOW, QA, STORE_12
from tests.web.site import Site, items, members, pointers, problem

NEW = {"server_id": "store-13", "organization": "harbor", "name": "Store 13", "edition": "store"}


def license_of(site: Site, server_id: str = STORE_12) -> dict[str, Any]:
    shown: dict[str, Any] = members(site.manage("GET", f"/devices/{server_id}"), 200)["license"]
    return shown


def test_devices_are_listed_in_order_of_their_ids_and_by_organization(site: Site) -> None:
    everywhere = [one["server_id"] for one in items(site.manage("GET", "/devices"))]
    assert everywhere == [HEAD_OFFICE, "peak", STORE_12, "till-1"]
    assert [one["server_id"] for one in items(site.manage("GET", "/devices?organization=summit"))] == ["peak"]
    assert items(site.manage("GET", "/devices?organization=nobody")) == []


def test_a_device_is_created_with_the_features_of_its_edition(site: Site) -> None:
    response = site.manage("POST", "/devices", json={**NEW, "hub": HEAD_OFFICE, "renewal_at": "2027-03-01"})
    assert members(response, 201) == {
        "server_id": "store-13",
        "organization": "harbor",
        "name": "Store 13",
        "edition": "store",
        "url": None,
        "hub": HEAD_OFFICE,
        "features": ["xms"],
        "enabled": True,
        "renewal_at": 1_803_859_200,
        "license": None,
    }
    assert response.headers["location"] == f"/s/{QA}/management/devices/store-13"
    till = {"organization": "harbor", "name": "Till 2", "edition": "register"}
    assert members(site.manage("POST", "/devices", json=till), 201)["features"] == []


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"server_id": STORE_12}, "id_taken"),
        ({"organization": "quay"}, "organization_unknown"),
        ({"hub": "store-99"}, "hub_unknown"),
        ({"hub": "peak"}, "hub_unknown"),
        ({"hub": "store-13"}, "hub_cycle"),
    ],
)
def test_a_device_that_does_not_fit_is_a_conflict(site: Site, changes: dict[str, str], name: str) -> None:
    problem(site.manage("POST", "/devices", json={**NEW, **changes}), 409, name)


def test_a_disabled_device_cannot_become_a_hub(site: Site) -> None:
    members(site.manage("POST", f"/devices/{HEAD_OFFICE}/disable"), 200)
    problem(site.manage("POST", "/devices", json={**NEW, "hub": HEAD_OFFICE}), 409, "hub_disabled")
    # One that has it keeps it, and is changed as before.
    changed = members(site.manage("PATCH", f"/devices/{STORE_12}", json={"name": "Twelve"}), 200)
    assert changed["hub"] == HEAD_OFFICE


def test_hubs_in_a_circle_are_a_conflict(site: Site) -> None:
    response = site.manage("PATCH", f"/devices/{HEAD_OFFICE}", json={"hub": "till-1"})
    problem(response, 409, "hub_cycle")
    assert members(site.manage("GET", f"/devices/{HEAD_OFFICE}"), 200)["hub"] is None


def test_what_is_left_out_of_a_change_stays_and_null_takes_away(site: Site) -> None:
    body = {"name": "Office", "url": None, "features": ["zeta", "alpha"]}
    changed = members(site.manage("PATCH", f"/devices/{HEAD_OFFICE}", json=body), 200)
    assert (changed["name"], changed["url"], changed["features"]) == ("Office", None, ["alpha", "zeta"])
    assert changed["edition"] == "corporate"
    assert members(site.manage("PATCH", f"/devices/{STORE_12}", json={"hub": None}), 200)["hub"] is None


def test_identity_organization_edition_and_renewal_date_are_not_changed_this_way(site: Site) -> None:
    body = {
        "server_id": "x",
        "organization": "summit",
        "edition": "cloud",
        "renewal_at": None,
        "enabled": False,
    }
    response = site.manage("PATCH", f"/devices/{STORE_12}", json=body)
    assert pointers(response) == [f"#/{name}" for name in body]


def test_a_licensed_device_shows_its_license(site: Site) -> None:
    site.acquire()
    assert license_of(site) == {
        "license_status": "licensed",
        "issued_at": NOW,
        "renewal_at": None,
        "client_id": "pos-server",
        "token_expires_at": NOW + 7 * DAY,
        "token_state": "valid",
    }
    site.move_to(NOW + 7 * DAY)
    assert license_of(site)["license_status"] == "licensed"
    assert license_of(site)["token_state"] == "expired"


def test_disabling_ends_the_license_for_good(site: Site) -> None:
    tokens = site.acquire()
    disabled = members(site.manage("POST", f"/devices/{STORE_12}/disable"), 200)
    assert disabled["enabled"] is False
    assert disabled["license"]["license_status"] == "expired_requires_renewal"
    assert disabled["license"]["reason"] == "device_disabled"
    assert disabled["license"]["ended_at"] == NOW
    assert members(site.manage("POST", f"/devices/{STORE_12}/disable"), 200) == disabled
    enabled = members(site.manage("POST", f"/devices/{STORE_12}/enable"), 200)
    assert enabled == {**disabled, "enabled": True}
    assert members(site.refresh(tokens["refresh_token"]), 400)["reason"] == "device_disabled"


def test_revoking_ends_the_license_and_without_one_changes_nothing(site: Site) -> None:
    unlicensed = members(site.manage("GET", f"/devices/{STORE_12}"), 200)
    assert members(site.manage("POST", f"/devices/{STORE_12}/revoke"), 200) == unlicensed
    tokens = site.acquire()
    revoked = members(site.manage("POST", f"/devices/{STORE_12}/revoke"), 200)
    assert revoked["license"]["reason"] == "license_revoked"
    assert members(site.manage("POST", f"/devices/{STORE_12}/revoke"), 200) == revoked
    assert members(site.refresh(tokens["refresh_token"]), 400)["reason"] == "license_revoked"


def test_a_renewal_moves_the_date_of_device_and_live_license(site: Site) -> None:
    site.acquire()
    path = f"/devices/{STORE_12}/renew"
    renewed = members(site.manage("POST", path, json={"renewal_at": "2028-03-01T01:00:00+01:00"}), 200)
    assert renewed["renewal_at"] == renewed["license"]["renewal_at"] == 1_835_481_600
    problem(site.manage("POST", path, json={"renewal_at": 1_835_481_600}), 409, "renewal_not_later")
    problem(site.manage("POST", path, json={"renewal_at": NOW}), 409, "renewal_date_passed")
    lifted = members(site.manage("POST", path, json={"renewal_at": None}), 200)
    assert lifted["renewal_at"] is lifted["license"]["renewal_at"] is None


def test_a_renewal_after_the_lapse_is_for_the_next_license_only(site: Site) -> None:
    path = f"/devices/{STORE_12}/renew"
    members(site.manage("POST", path, json={"renewal_at": NOW + DAY}), 200)
    site.acquire()
    site.move_to(NOW + DAY)
    renewed = members(site.manage("POST", path, json={"renewal_at": NOW + 400 * DAY}), 200)
    assert renewed["renewal_at"] == NOW + 400 * DAY
    assert renewed["license"]["renewal_at"] == NOW + DAY
    assert renewed["license"]["reason"] == "license_expired"
    assert "ended_at" not in renewed["license"]


def test_a_deleted_device_is_gone_and_its_spokes_have_no_hub(site: Site) -> None:
    assert site.manage("DELETE", f"/devices/{HEAD_OFFICE}").status_code == 204
    problem(site.manage("GET", f"/devices/{HEAD_OFFICE}"), 404, "not_found")
    assert members(site.manage("GET", f"/devices/{STORE_12}"), 200)["hub"] is None


@pytest.mark.parametrize("step", ["disable", "enable", "revoke", "renew"])
def test_nothing_is_done_to_an_unknown_device(site: Site, step: str) -> None:
    body = {"renewal_at": None} if step == "renew" else None
    problem(site.manage("POST", f"/devices/store-99/{step}", json=body), 404, "not_found")


@pytest.mark.parametrize(
    "renewal_at",
    [
        "tomorrow", "2027-13-01", "2027-03-01T08:00:00", "2027-W09-1", "20270301", "9000-01-01", -1, 1.5, True, "", [],
    ],
)  # fmt: skip
def test_what_is_no_instant_is_refused_with_its_place(site: Site, renewal_at: object) -> None:
    response = site.manage("POST", f"/devices/{STORE_12}/renew", json={"renewal_at": renewal_at})
    assert pointers(response) == ["#/renewal_at"]


@pytest.mark.parametrize(
    ("spelled", "at"),
    [
        (1_803_859_200, 1_803_859_200),
        (1_803_859_200.0, 1_803_859_200),
        ("2027-03-01", 1_803_859_200),
        ("2027-03-01T00:00:00.999Z", 1_803_859_200),
        ("2027-02-28T23:59:60Z", 1_803_859_200),
        ("2027-03-01t02:00:00+02:00", 1_803_859_200),
    ],
)
def test_an_instant_is_spelled_in_seconds_or_as_rfc_3339_has_it(site: Site, spelled: object, at: int) -> None:
    response = site.manage("POST", f"/devices/{STORE_12}/renew", json={"renewal_at": spelled})
    assert members(response, 200)["renewal_at"] == at
