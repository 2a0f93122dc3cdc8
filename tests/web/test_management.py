"""The management API: what each operation does, and which rule stands against it. Devices lie beside this."""

from __future__ import annotations

import pytest
import yaml

from mock_authz.domain.organization import Administrator
from mock_authz.passwords import verify
from mock_authz.usecases.context import Context
from mock_authz.usecases.listing import find_record
from tests.factories import DANA, DAY, NOW, QA, expect
from tests.web.site import Site, items, members, pointers, problem


def password_of(site: Site, username: str) -> str:
    context = Context(sandbox=site.sandbox, now=NOW, store=site.server.store)
    return expect(str, expect(Administrator, find_record(context, Administrator, username)).password_hash)


# --- organizations ---


def test_organizations_are_listed_in_order_of_their_ids(site: Site) -> None:
    members(site.manage("POST", "/organizations", json={"organization_id": "alpha", "name": "Alpha"}), 201)
    found = [one["organization_id"] for one in items(site.manage("GET", "/organizations"))]
    assert found == ["alpha", "harbor", "summit"]


def test_an_organization_is_created_where_its_location_says(site: Site) -> None:
    response = site.manage("POST", "/organizations", json={"organization_id": "quay", "name": "Quay"})
    assert members(response, 201) == {"organization_id": "quay", "name": "Quay"}
    assert response.headers["location"] == f"/s/{QA}/management/organizations/quay"
    assert members(site.manage("GET", "/organizations/quay"), 200) == response.json()


def test_an_organization_without_an_id_is_given_one(site: Site) -> None:
    made = members(site.manage("POST", "/organizations", json={"name": "Quay"}), 201)
    assert members(site.manage("GET", f"/organizations/{made['organization_id']}"), 200) == made


def test_an_id_that_is_taken_is_a_conflict(site: Site) -> None:
    problem(
        site.manage("POST", "/organizations", json={"organization_id": "harbor", "name": "X"}),
        409,
        "id_taken",
    )


def test_an_organization_is_renamed(site: Site) -> None:
    response = site.manage("PATCH", "/organizations/harbor", json={"name": "Harbor & Sons"})
    assert members(response, 200) == {"organization_id": "harbor", "name": "Harbor & Sons"}


def test_a_change_of_nothing_changes_nothing(site: Site) -> None:
    for path in ("/organizations/harbor", "/administrators/dana", "/devices/store-12", "/settings"):
        before = members(site.manage("GET", path), 200)
        assert members(site.manage("PATCH", path, json={}), 200) == before


def test_a_deleted_organization_takes_its_devices_with_it_and_leaves_its_administrators(site: Site) -> None:
    tokens = site.acquire()
    assert site.manage("DELETE", "/organizations/harbor").status_code == 204
    problem(site.manage("GET", "/organizations/harbor"), 404, "not_found")
    assert [device["server_id"] for device in items(site.manage("GET", "/devices"))] == ["peak"]
    assert members(site.manage("GET", "/administrators/sam"), 200)["organizations"] == ["summit"]
    assert members(site.refresh(tokens["refresh_token"]), 400)["reason"] == "device_disabled"


@pytest.mark.parametrize("kind", ["organizations", "administrators", "devices", "clients"])
def test_what_is_not_there_is_not_found(site: Site, kind: str) -> None:
    problem(site.manage("GET", f"/{kind}/nobody"), 404, "not_found")
    problem(site.manage("DELETE", f"/{kind}/nobody"), 404, "not_found")
    if kind != "clients":
        problem(site.manage("PATCH", f"/{kind}/nobody", json={"name": "X"}), 404, "not_found")


# --- administrators ---


def test_an_administrator_is_created_with_a_hashed_password_that_is_never_shown(site: Site) -> None:
    body = {"username": "kim", "password": "correct horse", "organizations": ["summit", "harbor"]}
    response = site.manage("POST", "/administrators", json=body)
    assert members(response, 201) == {"username": "kim", "name": "kim", "organizations": ["harbor", "summit"]}
    assert response.headers["location"] == f"/s/{QA}/management/administrators/kim"
    held = password_of(site, "kim")
    assert held.startswith("$argon2id$")
    assert verify(held, "correct horse")
    assert "argon2" not in site.manage("GET", "/administrators").text


def test_administrators_are_listed_in_order_of_their_usernames(site: Site) -> None:
    assert [one["username"] for one in items(site.manage("GET", "/administrators"))] == ["dana", "sam"]


def test_an_administrator_changes_name_organizations_and_password(site: Site) -> None:
    body = {"name": "Dana Reyes", "organizations": ["summit", "harbor"], "password": "another"}
    changed = members(site.manage("PATCH", "/administrators/dana", json=body), 200)
    assert changed == {"username": "dana", "name": "Dana Reyes", "organizations": ["harbor", "summit"]}
    assert verify(password_of(site, "dana"), "another")


def test_an_administrator_of_an_unknown_organization_is_a_conflict(site: Site) -> None:
    body = {"username": "kim", "password": "x", "organizations": ["quay"]}
    problem(site.manage("POST", "/administrators", json=body), 409, "organization_unknown")
    response = site.manage("PATCH", "/administrators/dana", json={"organizations": ["quay"]})
    problem(response, 409, "organization_unknown")


def test_a_username_that_is_taken_is_a_conflict(site: Site) -> None:
    body = {"username": DANA.username, "password": "x", "organizations": []}
    problem(site.manage("POST", "/administrators", json=body), 409, "id_taken")


def test_a_deleted_administrator_is_gone_and_what_they_approved_does_not_redeem(site: Site) -> None:
    codes = site.authorize()
    members(site.approve(codes["user_code"]), 200)
    assert site.manage("DELETE", "/administrators/dana").status_code == 204
    problem(site.manage("GET", "/administrators/dana"), 404, "not_found")
    assert members(site.poll(codes["device_code"]), 400)["error"] == "access_denied"


# --- authorizations ---


def test_a_device_authorization_is_looked_up_in_any_case_and_punctuation(site: Site) -> None:
    code = site.authorize()["user_code"]
    expected = {
        "user_code": code,
        "client_id": "pos-server",
        "scope": "license",
        "state": "pending",
        "issued_at": NOW,
        "expires_at": NOW + 900,
        "expired": False,
        "interval": 5,
        "server_id": None,
        "administrator": None,
    }
    for entered in (code, code.lower(), code.replace("-", ""), code.replace("-", "%20.")):
        assert members(site.manage("GET", f"/authorizations/{entered}"), 200) == expected


def test_looking_a_code_up_is_no_guess(site: Site) -> None:
    for _ in range(10):
        problem(site.manage("GET", "/authorizations/BBBB-BBBB"), 404, "not_found")
    members(site.approve(site.authorize()["user_code"]), 200)


def test_an_approval_names_device_and_administrator(site: Site) -> None:
    approved = members(site.approve(site.authorize()["user_code"].lower()), 200)
    assert (approved["state"], approved["server_id"], approved["administrator"]) == (
        "approved",
        "store-12",
        "dana",
    )


def test_a_denial_is_final(site: Site) -> None:
    codes = site.authorize()
    path = f"/authorizations/{codes['user_code']}/deny"
    assert members(site.manage("POST", path, json={"administrator": "dana"}), 200)["state"] == "denied"
    assert members(site.poll(codes["device_code"]), 400)["error"] == "access_denied"
    problem(site.manage("POST", path, json={"administrator": "dana"}), 409, "user_code_not_pending")
    problem(site.approve(codes["user_code"]), 409, "user_code_not_pending")


def test_nobody_but_an_administrator_approves_or_denies(site: Site) -> None:
    code = site.authorize()["user_code"]
    problem(site.approve(code, administrator="nobody"), 409, "administrator_not_entitled")
    problem(site.approve(code, server_id="peak"), 409, "administrator_not_entitled")
    response = site.manage("POST", f"/authorizations/{code}/deny", json={"administrator": "nobody"})
    problem(response, 409, "administrator_not_entitled")


def test_an_approval_is_refused_for_a_device_that_cannot_be_licensed(site: Site) -> None:
    code = site.authorize()["user_code"]
    problem(site.approve(code, server_id="store-99"), 409, "device_unknown")
    members(site.manage("POST", "/devices/till-1/disable"), 200)
    problem(site.approve(code, server_id="till-1"), 409, "device_disabled")
    members(site.manage("POST", "/devices/store-12/renew", json={"renewal_at": NOW + 10}), 200)
    site.move_to(NOW + 10)
    problem(site.approve(code), 409, "renewal_date_passed")


def test_an_expired_code_is_refused_and_keeps_its_state(site: Site) -> None:
    code = site.authorize()["user_code"]
    site.move_to(NOW + 900)
    problem(site.approve(code), 409, "user_code_expired")
    found = members(site.manage("GET", f"/authorizations/{code}"), 200)
    assert (found["state"], found["expired"]) == ("pending", True)


def test_five_wrong_codes_in_fifteen_minutes_make_one_administrator_wait(site: Site) -> None:
    code = site.authorize()["user_code"]
    for second in range(5):
        site.move_to(NOW + second)
        problem(site.approve("BBBB-BBBB"), 404, "not_found")
    site.move_to(NOW + 10)
    response = site.approve(code)
    problem(response, 429, "too_many_guesses")
    assert response.headers["retry-after"] == "890"
    denial = site.manage("POST", f"/authorizations/{code}/deny", json={"administrator": "dana"})
    problem(denial, 429, "too_many_guesses")
    members(site.approve(code, administrator="sam"), 200)


def test_authorizations_are_listed_oldest_first_and_by_state(site: Site) -> None:
    codes = [site.authorize()["user_code"] for _ in range(3)]
    members(site.approve(codes[1]), 200)
    assert [one["user_code"] for one in items(site.manage("GET", "/authorizations"))] == codes
    pending = items(site.manage("GET", "/authorizations?state=pending"))
    assert [one["user_code"] for one in pending] == [codes[0], codes[2]]
    assert items(site.manage("GET", "/authorizations?state=redeemed")) == []


# --- keys ---


def test_a_new_key_is_published_one_token_lifetime_before_it_signs(site: Site) -> None:
    (first,) = items(site.manage("GET", "/keys"))
    assert (first["state"], first["retires_at"], first["removed_at"]) == ("signing", None, None)
    made = members(site.manage("POST", "/keys/rotate", json={}), 201)
    assert (made["state"], made["signs_from_at"]) == ("published", NOW + 7 * DAY)
    before, after = items(site.manage("GET", "/keys"))
    assert before["retires_at"] == NOW + 7 * DAY
    assert after == made


def test_a_key_signs_at_once_on_request(site: Site) -> None:
    tokens = site.acquire()
    made = members(site.manage("POST", "/keys/rotate", json={"immediately": True}), 201)
    assert (made["state"], made["signs_from_at"]) == ("signing", NOW)
    retired = items(site.manage("GET", "/keys"))[0]
    assert (retired["state"], retired["removed_at"]) == ("retired", NOW + tokens["expires_in"] + 60)
    site.move_to(retired["removed_at"])
    assert items(site.manage("GET", "/keys"))[0]["state"] == "removed"
    assert len(site.at_issuer("GET", "/jwks").json()["keys"]) == 1


def test_a_rotation_needs_no_body(site: Site) -> None:
    assert members(site.manage("POST", "/keys/rotate"), 201)["state"] == "published"


def test_no_private_member_of_a_key_is_shown(site: Site) -> None:
    shown = {"kid", "alg", "state", "published_at", "signs_from_at", "retires_at", "removed_at"}
    assert set(items(site.manage("GET", "/keys"))[0]) == shown


# --- clients ---


def test_a_client_is_registered_and_removed(site: Site) -> None:
    made = members(site.manage("POST", "/clients", json={"client_id": "kiosk"}), 201)
    assert made["name"] == "kiosk"
    assert [one["client_id"] for one in items(site.manage("GET", "/clients"))] == [
        "kiosk",
        "pos-server",
        "register",
    ]
    site.authorize(client_id="kiosk")
    assert members(site.manage("GET", "/clients/kiosk"), 200) == made
    assert site.manage("DELETE", "/clients/kiosk").status_code == 204
    response = site.at_issuer("POST", "/device_authorization", data={"client_id": "kiosk"})
    assert members(response, 400)["error"] == "invalid_client"


def test_a_client_id_that_is_taken_is_a_conflict(site: Site) -> None:
    problem(site.manage("POST", "/clients", json={"client_id": "register"}), 409, "id_taken")


# --- settings ---


def test_a_setting_applies_to_what_is_issued_later(site: Site) -> None:
    earlier = site.authorize()
    changed = members(
        site.manage("PATCH", "/settings", json={"interval_seconds": 1, "code_seconds": 60}), 200
    )
    assert (changed["interval_seconds"], changed["code_seconds"]) == (1, 60)
    assert members(site.manage("GET", "/settings"), 200) == changed
    assert (earlier["interval"], site.authorize()["interval"]) == (5, 1)
    assert site.authorize()["expires_in"] == 60


def test_a_preset_goes_first(site: Site) -> None:
    changed = members(site.manage("PATCH", "/settings", json={"preset": "fast", "code_seconds": 60}), 200)
    assert (changed["interval_seconds"], changed["code_seconds"]) == (0, 60)


def test_each_wrong_setting_is_pointed_at_and_none_is_changed(site: Site) -> None:
    before = members(site.manage("GET", "/settings"), 200)
    body = {"code_seconds": 0, "cors": "yes", "alg": "none", "colour": "red", "interval_seconds": 1}
    response = site.manage("PATCH", "/settings", json=body)
    assert pointers(response) == ["#/code_seconds", "#/cors", "#/alg", "#/colour"]
    assert members(site.manage("GET", "/settings"), 200) == before


# --- seed ---


def test_the_seed_file_holds_what_a_new_sandbox_needs_and_is_not_to_be_stored(site: Site) -> None:
    site.acquire()
    response = site.manage("GET", "/seed")
    assert response.headers["content-type"] == "application/yaml"
    assert response.headers["cache-control"] == "no-store"
    seed = yaml.safe_load(response.text)
    made = members(site.send("POST", "/_control/sandboxes", json={"name": "copy", "seed": seed}), 201)
    assert made["settings"] == members(site.manage("GET", "/settings"), 200)
    token = {"authorization": f"Bearer {made['management_token']}"}
    copied = items(site.send("GET", "/s/copy/management/devices", headers=token))
    assert copied == [{**device, "license": None} for device in items(site.manage("GET", "/devices"))]
