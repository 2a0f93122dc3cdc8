"""The protocol's endpoints over HTTP, in protocol.md's order of answers. How requests are read lies beside this."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.factories import DAY, HEAD_OFFICE, NOW, STORE_12
from tests.web.site import BASE_URL, DEVICE_CODE, Site, bearer, members, problem

ISSUER = f"{BASE_URL}/s/qa"


def part(token: str, index: int) -> dict[str, Any]:
    """Read header (0) or claims (1) of a license token."""
    spelled = token.split(".")[index]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(spelled + "=" * (-len(spelled) % 4)))
    return decoded


def error(site: Site, device_code: str, **client: str) -> str:
    response = site.poll(device_code, **client)
    assert response.headers["cache-control"] == "no-store"
    return str(members(response, 400)["error"])


# --- metadata and keys ---


@pytest.mark.parametrize("name", ["oauth-authorization-server", "openid-configuration"])
def test_the_metadata_is_one_document_inserted_and_appended(site: Site, name: str) -> None:
    appended = members(site.at_issuer("GET", f"/.well-known/{name}"), 200)
    inserted = members(site.send("GET", f"/.well-known/{name}/s/qa"), 200)
    assert appended == inserted
    assert appended["issuer"] == ISSUER
    assert appended["token_endpoint"] == f"{ISSUER}/token"
    assert "response_types_supported" not in appended
    assert members(site.send("GET", f"/.well-known/{name}"), 200)["issuer"] == BASE_URL


def test_every_endpoint_of_the_metadata_is_there(site: Site) -> None:
    metadata = members(site.at_issuer("GET", "/.well-known/oauth-authorization-server"), 200)
    for name, url in metadata.items():
        if name.endswith(("_endpoint", "_uri")):
            assert site.at_issuer("GET", url.removeprefix(ISSUER)).status_code in {200, 405}, name


@pytest.mark.parametrize("alg", ["ES256", "RS256", "Ed25519"])
def test_the_key_set_holds_the_key_that_signs(site: Site, alg: str) -> None:
    members(site.manage("PATCH", "/settings", json={"alg": alg}), 200)
    members(site.manage("POST", "/keys/rotate", json={"immediately": True}), 201)
    header = part(site.acquire()["access_token"], 0)
    keys = {key["kid"]: key for key in members(site.at_issuer("GET", "/jwks"), 200)["keys"]}
    assert keys[header["kid"]]["alg"] == header["alg"] == alg
    assert header["typ"] == "at+jwt"


# --- the device grant ---


def test_a_device_authorization_names_where_to_go(site: Site) -> None:
    codes = site.authorize()
    assert codes["verification_uri"] == f"{ISSUER}/device"
    assert codes["verification_uri_complete"] == f"{ISSUER}/device?user_code={codes['user_code']}"
    assert (codes["expires_in"], codes["interval"]) == (900, 5)


def test_only_license_is_granted_and_open_id_scopes_are_ignored(site: Site) -> None:
    for scope in ("license", "openid profile offline_access", "openid license"):
        site.authorize(scope=scope)
    response = site.at_issuer(
        "POST", "/device_authorization", data={"client_id": "pos-server", "scope": "license admin"}
    )
    assert members(response, 400)["error"] == "invalid_scope"


@pytest.mark.parametrize("scope", ["license\topenid", "license\u00a0openid", "license\nlicense", "LICENSE"])
def test_only_a_space_parts_the_names_in_a_scope(site: Site, scope: str) -> None:
    form = {"client_id": "pos-server", "scope": scope}
    response = site.at_issuer("POST", "/device_authorization", data=form)
    assert members(response, 400)["error"] == "invalid_scope"
    site.authorize(scope=" license  openid ")


@pytest.mark.parametrize("client", [{"client_id": "nobody"}, {}])
def test_an_unknown_client_is_invalid_everywhere(site: Site, client: dict[str, str]) -> None:
    forms = {
        "/device_authorization": {"scope": "license"},
        "/token": {"grant_type": DEVICE_CODE, "device_code": "x"},
        "/revoke": {"token": "x"},
    }
    for path, form in forms.items():
        response = site.at_issuer("POST", path, data={**form, **client})
        assert members(response, 400)["error"] == "invalid_client", path


def test_an_unknown_client_comes_before_an_unknown_code(site: Site) -> None:
    assert error(site, "unknown", client_id="nobody") == "invalid_client"
    assert error(site, "unknown") == "invalid_grant"


def test_a_foreign_poll_changes_nothing(site: Site) -> None:
    code = site.authorize()["device_code"]
    assert error(site, code, client_id="register") == "invalid_grant"
    assert error(site, code) == "authorization_pending"


def test_polling_before_the_interval_has_passed_is_slow_down_for_good(site: Site) -> None:
    code = site.authorize()["device_code"]
    answers = []
    for second in (0, 4, 13, 28, 42):
        site.move_to(NOW + second)
        answers.append(error(site, code))
    # The interval grows from 5 to 10 by the early second poll, to 15 by the third; then 15 seconds are enough, 14 not.
    assert answers == [
        "authorization_pending", "slow_down", "slow_down", "authorization_pending", "slow_down",
    ]  # fmt: skip


def test_an_expired_code_is_expired_even_if_it_was_denied_or_approved(site: Site) -> None:
    codes = [site.authorize() for _ in range(3)]
    members(site.approve(codes[1]["user_code"]), 200)
    body = {"administrator": "dana"}
    members(site.manage("POST", f"/authorizations/{codes[2]['user_code']}/deny", json=body), 200)
    site.move_to(NOW + 899)
    assert error(site, codes[2]["device_code"]) == "access_denied"
    site.move_to(NOW + 900)
    assert [error(site, one["device_code"]) for one in codes] == ["expired_token"] * 3


def test_an_approved_code_is_redeemed_once_and_never_throttled(site: Site) -> None:
    codes = site.authorize()
    assert error(site, codes["device_code"]) == "authorization_pending"
    members(site.approve(codes["user_code"]), 200)
    tokens = members(site.poll(codes["device_code"]), 200)
    assert (tokens["token_type"], tokens["scope"], tokens["expires_in"]) == ("Bearer", "license", 7 * DAY)
    assert error(site, codes["device_code"]) == "invalid_grant"
    assert site.at_issuer("GET", "/license", headers=bearer(tokens["access_token"])).status_code == 200


def test_only_the_latest_approval_of_a_device_is_redeemable(site: Site) -> None:
    first, second = site.authorize(), site.authorize()
    for codes in (first, second):
        members(site.approve(codes["user_code"]), 200)
    assert error(site, first["device_code"]) == "access_denied"
    members(site.poll(second["device_code"]), 200)


def test_the_license_token_says_what_the_records_say(site: Site) -> None:
    claims = part(site.acquire()["access_token"], 1)
    assert claims.pop("jti")
    assert claims == {
        "iss": ISSUER,
        "sub": STORE_12,
        "aud": "urn:kensium:organization:harbor",
        "client_id": "pos-server",
        "iat": NOW,
        "nbf": NOW,
        "exp": NOW + 7 * DAY,
        "scope": "license",
        "license": {
            "organization": {"id": "harbor", "name": "Harbor Outfitters"},
            "server_name": "Store 12",
            "edition": "store",
            "features": ["xms"],
            "hub": {"server_id": HEAD_OFFICE, "name": "Head Office", "url": "https://pos.harbor.example"},
        },
    }


def test_a_renewal_date_caps_the_license_token(site: Site) -> None:
    members(site.manage("POST", f"/devices/{STORE_12}/renew", json={"renewal_at": NOW + 3 * DAY}), 200)
    tokens = site.acquire()
    claims = part(tokens["access_token"], 1)
    assert tokens["expires_in"] == 3 * DAY
    assert claims["exp"] == claims["license"]["renewal_at"] == NOW + 3 * DAY
    assert claims["license"]["renewal_due_from"] == NOW - 27 * DAY


# --- refresh ---


def test_each_refresh_rotates_and_a_retry_gets_the_same_successor(site: Site) -> None:
    first = site.acquire()
    second = members(site.refresh(first["refresh_token"]), 200)
    retried = members(site.refresh(first["refresh_token"]), 200)
    assert first["refresh_token"] != second["refresh_token"] == retried["refresh_token"]
    assert len({one["access_token"] for one in (first, second, retried)}) == 3


def test_reuse_ends_the_license(site: Site) -> None:
    first = site.acquire()
    second = members(site.refresh(first["refresh_token"]), 200)
    third = members(site.refresh(second["refresh_token"]), 200)
    for token in (first, third):
        refused = members(site.refresh(token["refresh_token"]), 400)
        assert (refused["error"], refused["reason"]) == ("invalid_grant", "refresh_token_reused")


def test_a_refused_refresh_says_why_in_order(site: Site) -> None:
    members(site.manage("POST", f"/devices/{STORE_12}/renew", json={"renewal_at": NOW + 100 * DAY}), 200)
    tokens = site.acquire()

    def reason(refresh_token: str = tokens["refresh_token"], **form: str) -> str:
        return str(members(site.refresh(refresh_token, **form), 400)["reason"])

    assert reason("unknown") == "refresh_token_unknown"
    assert reason(client_id="register") == "refresh_token_unknown"
    site.move_to(NOW + 90 * DAY)
    assert reason() == "refresh_token_expired"
    site.move_to(NOW + 100 * DAY)
    assert reason() == "license_expired"
    members(site.manage("POST", f"/devices/{STORE_12}/revoke"), 200)
    assert reason() == "license_revoked"
    members(site.manage("POST", f"/devices/{STORE_12}/disable"), 200)
    assert reason() == "license_revoked"


def test_a_refresh_for_another_scope_is_refused(site: Site) -> None:
    tokens = site.acquire()
    assert members(site.refresh(tokens["refresh_token"], scope="admin"), 400)["error"] == "invalid_scope"
    assert members(site.refresh(tokens["refresh_token"], scope="license"), 200)["scope"] == "license"


def test_a_second_acquisition_supersedes_the_first(site: Site) -> None:
    first = site.acquire()
    site.acquire()
    assert members(site.refresh(first["refresh_token"]), 400)["reason"] == "license_superseded"


@pytest.mark.parametrize(
    "grant_type", ["password", "authorization_code", "client_credentials", '"\\\n\u00e4']
)
def test_other_grants_are_unsupported(site: Site, grant_type: str) -> None:
    response = site.at_issuer("POST", "/token", data={"grant_type": grant_type, "client_id": "pos-server"})
    refusal = members(response, 400)
    assert refusal["error"] == "unsupported_grant_type"
    assert "refresh_token" in refusal["error_description"]


def test_missing_parameters_are_invalid_requests(site: Site) -> None:
    forms = [
        ("/token", {}),
        ("/token", {"grant_type": DEVICE_CODE}),
        ("/token", {"grant_type": "refresh_token"}),
        ("/revoke", {}),
    ]
    for path, form in forms:
        response = site.at_issuer("POST", path, data={"client_id": "pos-server", **form})
        assert members(response, 400)["error"] == "invalid_request", form


# --- revoke ---


@pytest.mark.parametrize("which", ["refresh_token", "access_token"])
@pytest.mark.parametrize("hint", ["refresh_token", "access_token", "nonsense"])
def test_either_token_ends_the_license_whatever_the_hint(site: Site, which: str, hint: str) -> None:
    tokens = site.acquire()
    form = {"client_id": "pos-server", "token": tokens[which], "token_type_hint": hint}
    response = site.at_issuer("POST", "/revoke", data=form)
    assert (response.status_code, response.content) == (200, b"")
    assert members(site.refresh(tokens["refresh_token"]), 400)["reason"] == "license_revoked"
    assert site.at_issuer("POST", "/revoke", data=form).status_code == 200


def test_a_predecessor_ends_the_license_too(site: Site) -> None:
    first = site.acquire()
    second = members(site.refresh(first["refresh_token"]), 200)
    form = {"client_id": "pos-server", "token": first["refresh_token"]}
    assert site.at_issuer("POST", "/revoke", data=form).status_code == 200
    assert members(site.refresh(second["refresh_token"]), 400)["reason"] == "license_revoked"


def test_revoking_an_unknown_token_is_fine_and_anothers_changes_nothing(site: Site) -> None:
    tokens = site.acquire()
    assert site.at_issuer("POST", "/revoke", data={"client_id": "register", "token": "x"}).status_code == 200
    foreign = {"client_id": "register", "token": tokens["refresh_token"]}
    assert members(site.at_issuer("POST", "/revoke", data=foreign), 400)["error"] == "invalid_grant"
    members(site.refresh(tokens["refresh_token"]), 200)


# --- what takes a license token ---


def test_the_caller_sees_its_license_as_the_server_has_it_now(site: Site) -> None:
    headers = bearer(site.acquire()["access_token"])
    members(site.manage("PATCH", f"/devices/{STORE_12}", json={"name": "Twelve"}), 200)
    members(site.manage("POST", f"/devices/{STORE_12}/renew", json={"renewal_at": NOW + 10 * DAY}), 200)
    site.move_to(NOW + 6 * DAY)
    shown = members(site.at_issuer("GET", "/license", headers=headers), 200)
    assert (shown["license_status"], shown["token_state"]) == ("requires_renewal", "expiring")
    assert (shown["token_expires_at"], shown["server_id"]) == (NOW + 7 * DAY, STORE_12)
    assert shown["license"]["server_name"] == "Twelve"
    assert shown["license"]["renewal_at"] == NOW + 10 * DAY


def test_the_directory_lists_the_enabled_servers_of_the_own_organization(site: Site) -> None:
    headers = bearer(site.acquire()["access_token"])
    listed = members(site.at_issuer("GET", "/servers", headers=headers), 200)["servers"]
    assert listed == [
        {
            "server_id": HEAD_OFFICE,
            "name": "Head Office",
            "edition": "corporate",
            "url": "https://pos.harbor.example",
        },
        {"server_id": STORE_12, "name": "Store 12", "edition": "store", "url": None},
    ]
    assert members(site.at_issuer("GET", f"/servers/{HEAD_OFFICE}", headers=headers), 200) == listed[0]
    for hidden in ("peak", "till-1", "nobody", ""):
        response = site.at_issuer("GET", f"/servers/{hidden}", headers=headers)
        problem(response, 404, "not_found")


def test_introspection_tells_live_tokens_of_the_own_organization(site: Site) -> None:
    caller, other = site.acquire(), site.acquire(server_id=HEAD_OFFICE)

    def introspect(token: str) -> dict[str, Any]:
        headers = bearer(caller["access_token"])
        return members(site.at_issuer("POST", "/introspect", headers=headers, data={"token": token}), 200)

    found = introspect(other["access_token"])
    assert found == {"active": True, "token_type": "Bearer", **part(other["access_token"], 1)}
    assert introspect(other["refresh_token"]) == {
        "active": True,
        "iss": ISSUER,
        "sub": HEAD_OFFICE,
        "client_id": "pos-server",
        "exp": NOW + 90 * DAY,
        "scope": "license",
    }
    members(site.refresh(other["refresh_token"]), 200)
    assert introspect(other["refresh_token"])["exp"] == NOW + DAY
    foreign = site.acquire(server_id="peak", administrator="sam")
    members(site.manage("POST", f"/devices/{HEAD_OFFICE}/revoke"), 200)
    for dead in ("x", other["access_token"], other["refresh_token"], *foreign.values()):
        assert introspect(str(dead)) == {"active": False}


def test_introspecting_a_refresh_token_uses_nothing_up(site: Site) -> None:
    tokens = site.acquire()
    second = members(site.refresh(tokens["refresh_token"]), 200)
    third = members(site.refresh(second["refresh_token"]), 200)
    form = {"token": tokens["refresh_token"]}
    reused = site.at_issuer("POST", "/introspect", headers=bearer(third["access_token"]), data=form)
    assert members(reused, 200) == {"active": False}
    members(site.refresh(third["refresh_token"]), 200)


def test_introspection_without_a_token_is_an_invalid_request(site: Site) -> None:
    headers = bearer(site.acquire()["access_token"])
    response = site.at_issuer("POST", "/introspect", headers=headers, data={"other": "x"})
    assert members(response, 400)["error"] == "invalid_request"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/license"), ("GET", "/servers"), ("GET", "/servers/x"), ("POST", "/introspect")]
)  # fmt: skip
def test_a_live_license_token_is_asked_for(site: Site, method: str, path: str) -> None:
    form = {"data": {"token": "x"}} if method == "POST" else {}
    tokens = site.acquire()

    def refused(headers: dict[str, str]) -> tuple[str, str | None]:
        response = site.at_issuer(method, path, headers=headers, **form)
        return response.headers["www-authenticate"], members(response, 401).get("reason")

    nothing = 'Bearer realm="mock-authz"'
    assert refused({}) == refused({"authorization": "Basic eDp5"}) == (nothing, None)
    for unknown in ("x", tokens["refresh_token"], tokens["access_token"][:-4] + "AAAA"):
        challenge, reason = refused(bearer(unknown))
        assert challenge.startswith(f'{nothing}, error="invalid_token", error_description="')
        assert reason is None
    site.move_to(NOW + 7 * DAY)
    assert refused(bearer(tokens["access_token"]))[1] == "license_token_expired"
    members(site.manage("POST", f"/devices/{STORE_12}/revoke"), 200)
    assert refused(bearer(tokens["access_token"]))[1] == "license_revoked"


def test_a_license_token_of_another_sandbox_is_none_of_this_one(site: Site) -> None:
    headers = bearer(site.acquire()["access_token"])
    response = site.send("GET", "/license", headers=headers)
    assert "reason" not in members(response, 401)
