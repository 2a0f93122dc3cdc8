"""The edge of the management API: tokens, hosts, methods, queries and bodies, before any use case is asked."""

from __future__ import annotations

from typing import Any

import pytest

from mock_authz.web.management import LARGEST_BODY
from tests.factories import QA
from tests.web.site import Site, items, members, pointers, problem

JSON = {"content-type": "application/json"}
A_CLIENT = b'{"client_id": "kiosk"}'


# --- credentials ---


def test_without_a_token_the_challenge_names_no_error(site: Site) -> None:
    for headers in ({}, {"authorization": "Basic Zm9vOmJhcg=="}, {"authorization": ""}):
        response = site.at_issuer("GET", "/management/devices", headers=headers)
        problem(response, 401, "unauthorized")
        assert response.headers["www-authenticate"] == 'Bearer realm="mock-authz"'


def test_a_wrong_token_is_named_as_one(site: Site) -> None:
    response = site.manage("GET", "/devices", token="wrong")
    problem(response, 401, "unauthorized")
    assert response.headers["www-authenticate"] == 'Bearer realm="mock-authz", error="invalid_token"'


def test_the_token_of_another_sandbox_is_a_wrong_one(site: Site) -> None:
    foreign = members(site.send("GET", "/_control/sandboxes/default"), 200)["management_token"]
    problem(site.manage("GET", "/devices", token=foreign), 401, "unauthorized")
    items(site.send("GET", "/management/devices", headers={"authorization": f"Bearer {foreign}"}))


def test_a_license_token_manages_nothing(site: Site) -> None:
    problem(site.manage("GET", "/devices", token=site.acquire()["access_token"]), 401, "unauthorized")


def test_two_authorization_headers_are_as_good_as_none(site: Site) -> None:
    right = ("authorization", f"Bearer {site.sandbox.management_token}")
    problem(site.at_issuer("GET", "/management/devices", headers=[right, right]), 401, "unauthorized")


def test_the_name_of_the_scheme_may_be_spelled_in_any_case(site: Site) -> None:
    headers = {"authorization": f"bearer {site.sandbox.management_token}"}
    items(site.at_issuer("GET", "/management/devices", headers=headers))


def test_nothing_is_said_of_a_path_before_the_token_is_right(site: Site) -> None:
    assert site.at_issuer("GET", "/management/nothing").status_code == 401
    problem(site.manage("GET", "/nothing"), 404, "not_found")


# --- where ---


def test_a_foreign_host_is_refused(site: Site) -> None:
    problem(site.manage("GET", "/devices", headers={"host": "evil.example"}), 421, "host_not_allowed")


def test_an_unknown_sandbox_is_not_found(site: Site) -> None:
    problem(site.send("GET", "/s/nowhere/management/devices"), 404, "sandbox_unknown")


def test_a_line_feed_after_a_path_is_another_path(site: Site) -> None:
    problem(site.manage("GET", "/keys%0A"), 404, "not_found")


def test_other_methods_are_refused_with_those_that_are_offered(site: Site) -> None:
    response = site.manage("PUT", "/devices/store-12")
    problem(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "GET, PATCH, DELETE, HEAD"
    response = site.manage("GET", "/devices/store-12/disable")
    assert response.headers["allow"] == "POST"


def test_head_is_get_without_the_body(site: Site) -> None:
    got, head = site.manage("GET", "/devices"), site.manage("HEAD", "/devices")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"]


# --- queries ---


@pytest.mark.parametrize(
    "query",
    ["organisation=harbor", "organization=harbor&organization=summit", "organization=", "organization=a%2Fb", "organization=%FF"],
)  # fmt: skip
def test_a_query_parameter_that_is_unknown_repeated_or_wrong_is_refused(site: Site, query: str) -> None:
    problem(site.manage("GET", f"/devices?{query}"), 400, "bad_request")


def test_an_operation_without_query_parameters_takes_none(site: Site) -> None:
    problem(site.manage("GET", "/keys?state=signing"), 400, "bad_request")
    problem(site.manage("GET", "/authorizations?state=expired"), 400, "bad_request")


# --- bodies ---


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""]
)
def test_a_body_that_is_not_declared_as_json_is_refused(site: Site, content_type: str) -> None:
    response = site.manage("POST", "/clients", content=A_CLIENT, headers={"content-type": content_type})
    problem(response, 415, "unsupported_media_type")


def test_a_parameter_of_the_media_type_does_not_matter(site: Site) -> None:
    headers = {"content-type": "Application/JSON; charset=utf-8"}
    members(site.manage("POST", "/clients", content=A_CLIENT, headers=headers), 201)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"{'client_id': 'kiosk'}", b'{"client_id": NaN}', b"\xff\xfe{}", b"[" * 5000, b"\xef\xbb\xbf{}",
        b'{"client_id": "kiosk", "client_id": "till"}', b'{"client_id": "\\ud800"}', b"9" * 5000,
    ],
)  # fmt: skip
def test_what_is_not_one_json_text_is_refused(site: Site, content: bytes) -> None:
    problem(site.manage("POST", "/clients", content=content, headers=JSON), 400, "bad_request")


@pytest.mark.parametrize("content", [b"[]", b'"kiosk"', b"null", b"1"])
def test_a_body_that_is_no_object_is_pointed_at_whole(site: Site, content: bytes) -> None:
    assert pointers(site.manage("POST", "/clients", content=content, headers=JSON)) == ["#"]


def test_a_body_may_have_a_mebibyte(site: Site) -> None:
    largest = A_CLIENT.ljust(LARGEST_BODY)
    members(site.manage("POST", "/clients", content=largest, headers=JSON), 201)
    response = site.manage("POST", "/clients", content=largest + b" ", headers=JSON)
    problem(response, 413, "content_too_large")


def test_where_no_body_is_taken_none_is_ignored(site: Site) -> None:
    problem(site.manage("POST", "/devices/store-12/disable", json={"reason": "lost"}), 400, "bad_request")
    assert members(site.manage("GET", "/devices/store-12"), 200)["enabled"] is True


def test_every_fault_of_a_body_is_pointed_at(site: Site) -> None:
    body: dict[str, Any] = {
        "server_id": "a b", "name": " Store", "edition": "kiosk", "url": "ftp://pos.example", "hub": 7,
        "features": ["xms", "xms", "X", 1], "renewal_at": "soon", "a/b~c d": 1,
    }  # fmt: skip
    response = site.manage("POST", "/devices", json=body)
    assert sorted(pointers(response)) == sorted([
        "#", "#/server_id", "#/name", "#/edition", "#/url", "#/hub", "#/features/1", "#/features/2", "#/features/3",
        "#/renewal_at", "#/a~1b~0c%20d",
    ])  # fmt: skip
    assert len(items(site.manage("GET", "/devices"))) == 4


def test_a_member_that_is_missing_is_named_and_a_misspelt_one_guessed(site: Site) -> None:
    response = site.manage("PATCH", "/organizations/harbor", json={"nmae": "X"})
    (error,) = problem(response, 422, "unprocessable")["errors"]
    assert error == {"pointer": "#/nmae", "detail": "There is no member nmae here. Did you mean name?"}
    (error,) = problem(site.manage("POST", "/organizations", json={}), 422, "unprocessable")["errors"]
    assert error["pointer"] == "#"
    assert error["detail"].startswith("name is missing")


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/organizations", {"name": ""}, "#/name"),
        ("/organizations", {"name": "x" * 201}, "#/name"),
        ("/organizations", {"name": "a\x00b"}, "#/name"),
        ("/organizations", {"name": "X", "organization_id": None}, "#/organization_id"),
        ("/administrators", {"username": "a b", "password": "x", "organizations": []}, "#/username"),
        ("/administrators", {"username": "a", "password": "", "organizations": []}, "#/password"),
        ("/administrators", {"username": "a", "password": "x", "organizations": "harbor"}, "#/organizations"),
        ("/administrators", {"username": "a", "password": "x", "organizations": [], "name": None}, "#/name"),
        ("/clients", {"client_id": "-"}, "#/client_id"),
        ("/keys/rotate", {"immediately": "yes"}, "#/immediately"),
        ("/keys/rotate", {"immediately": 1}, "#/immediately"),
        ("/devices/store-12/renew", {}, "#"),
        ("/authorizations/BBBB-BBBB/deny", {"administrator": "a b"}, "#/administrator"),
        ("/authorizations/BBBB-BBBB/approve", {"administrator": "dana"}, "#"),
    ],
)  # fmt: skip
def test_a_member_that_could_never_be_right_is_refused(
    site: Site, path: str, body: dict[str, Any], pointer: str
) -> None:
    assert pointers(site.manage("POST", path, json=body)) == [pointer]


def test_too_many_features_are_refused(site: Site) -> None:
    features = [f"f{number}" for number in range(65)]
    assert pointers(site.manage("PATCH", "/devices/store-12", json={"features": features})) == ["#/features"]
    members(site.manage("PATCH", "/devices/store-12", json={"features": features[:64]}), 200)


def test_the_default_sandbox_lies_at_the_root_and_knows_nothing_of_others(site: Site) -> None:
    site.acquire()
    token = members(site.send("GET", "/_control/sandboxes/default"), 200)["management_token"]
    headers = {"authorization": f"Bearer {token}"}
    assert items(site.send("GET", "/management/authorizations", headers=headers)) == []
    response = site.send("POST", "/management/clients", headers=headers, json={"client_id": "kiosk"})
    assert response.headers["location"] == "/management/clients/kiosk"
    assert f"/s/{QA}" not in response.text
