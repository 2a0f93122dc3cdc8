"""How requests to the protocol's endpoints are read: forms, methods, headers, hosts, origins; and what is journalled."""

from __future__ import annotations

import gzip
import logging

import pytest

from mock_authz.web.visit import LARGEST_BODY
from tests.factories import DAY, NOW, STORE_12, expect
from tests.web.site import DEVICE_CODE, FORM, Site, a_site, bearer, members, problem

FORM_TYPE = {"content-type": FORM}
POSTS = ["/device_authorization", "/token", "/revoke", "/introspect"]
GETS = ["/jwks", "/license", "/servers", "/servers/x", "/.well-known/oauth-authorization-server"]
WITH_CORS = [
    "/jwks",
    "/token",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
]


# --- forms ---


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b'{"client_id": "pos-server"}', "application/json"),
        (b"client_id=pos-server", "text/plain"),
        (b"client_id=pos-server", ""),
        (b"client_id=pos-server&client_id=pos-server", FORM),
        (b"client_id=pos-server&scope=license&scope=", FORM),
        (b"client_id=pos-server&x=%FF", FORM),
        (b"client_id=pos-server&x=\xff", FORM),
        (b"&".join(b"p%d=x" % number for number in range(101)), FORM),
    ],
)
def test_what_is_not_one_form_is_an_invalid_request(
    site: Site, path: str, content: bytes, content_type: str
) -> None:
    response = site.at_issuer("POST", path, content=content, headers={"content-type": content_type})
    assert members(response, 400)["error"] == "invalid_request"
    assert response.headers["cache-control"] == "no-store"


def test_an_empty_parameter_counts_as_left_out(site: Site) -> None:
    site.authorize(scope="")
    response = site.at_issuer("POST", "/device_authorization", data={"client_id": ""})
    assert members(response, 400)["error"] == "invalid_client"
    form = {"grant_type": DEVICE_CODE, "device_code": "", "client_id": "pos-server"}
    assert members(site.at_issuer("POST", "/token", data=form), 400)["error"] == "invalid_request"


def test_unknown_parameters_are_ignored_and_those_of_the_query_too(site: Site) -> None:
    site.authorize(resource="https://pos.example", audience="x")
    response = site.at_issuer("POST", "/device_authorization?client_id=pos-server", data={"scope": "license"})
    assert members(response, 400)["error"] == "invalid_client"


def test_a_charset_of_the_form_does_not_matter(site: Site) -> None:
    headers = {"content-type": f"{FORM}; charset=UTF-8"}
    response = site.at_issuer(
        "POST", "/device_authorization", content=b"client_id=pos-server", headers=headers
    )
    assert response.status_code == 200


@pytest.mark.parametrize("path", POSTS)
def test_a_body_may_have_64_kibibytes(site: Site, path: str) -> None:
    for length, expected in ((LARGEST_BODY, {200, 400, 401}), (LARGEST_BODY + 1, {413})):
        content = b"client_id=pos-server&x=".ljust(length, b"x")
        response = site.at_issuer("POST", path, content=content, headers=FORM_TYPE)
        assert response.status_code in expected


@pytest.mark.parametrize("path", POSTS)
def test_a_form_that_came_encoded_is_refused_and_not_read_as_if_it_had_not(site: Site, path: str) -> None:
    content = gzip.compress(b"client_id=pos-server")
    for codings in ("gzip", "GZIP", "deflate, identity", "identity, br"):
        response = site.at_issuer(
            "POST", path, content=content, headers={**FORM_TYPE, "content-encoding": codings}
        )
        assert members(response, 415)["error"] == "invalid_request"
        assert response.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("codings", ["identity", "Identity", ""])
def test_a_form_that_came_as_it_is_may_say_so(site: Site, codings: str) -> None:
    headers = {**FORM_TYPE, "content-encoding": codings}
    response = site.at_issuer(
        "POST", "/device_authorization", content=b"client_id=pos-server", headers=headers
    )
    assert response.status_code == 200


# --- methods and headers ---


@pytest.mark.parametrize("path", POSTS)
def test_a_form_is_posted(site: Site, path: str) -> None:
    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS"):
        response = site.at_issuer(method, path)
        assert (response.status_code, response.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", GETS)
def test_what_is_read_is_not_posted(site: Site, path: str) -> None:
    response = site.at_issuer("POST", path, data={"x": "y"})
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")


def test_head_is_get_without_the_body(site: Site) -> None:
    got, head = site.at_issuer("GET", "/jwks"), site.at_issuer("HEAD", "/jwks")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"]


@pytest.mark.parametrize("path", ["/device_authorization", "/token", "/revoke"])
def test_a_public_client_that_sends_credentials_is_refused(site: Site, path: str) -> None:
    form = {"client_id": "pos-server", "grant_type": DEVICE_CODE, "device_code": "x", "token": "x"}
    for sent, scheme in (("Basic cG9zLXNlcnZlcjp4", "Basic"), ("Bearer x", "Bearer")):
        response = site.at_issuer("POST", path, data=form, headers={"authorization": sent})
        assert members(response, 401)["error"] == "invalid_client"
        # RFC 6749 5.2: the scheme that the client tried.
        assert response.headers["www-authenticate"].startswith(scheme)
    refusal = members(site.at_issuer("POST", path, data={**form, "client_secret": "x"}), 400)
    assert (refusal["error"], "public" in refusal["error_description"]) == ("invalid_client", True)


@pytest.mark.parametrize("path", ["/device_authorization", "/token", "/revoke"])
def test_a_client_that_does_not_say_who_it_is_is_told_what_is_missing(site: Site, path: str) -> None:
    form = {"grant_type": DEVICE_CODE, "device_code": "x", "token": "x"}
    refusal = members(site.at_issuer("POST", path, data=form), 400)
    assert refusal["error"] == "invalid_client"
    assert refusal["error_description"] == "The parameter client_id is missing."


def test_two_authorization_headers_are_an_invalid_request(site: Site) -> None:
    sent = ("authorization", f"Bearer {site.acquire()['access_token']}")
    response = site.at_issuer("GET", "/license", headers=[sent, sent])
    assert members(response, 400)["error"] == "invalid_request"


def test_a_license_token_is_taken_from_the_header_only(site: Site) -> None:
    token = site.acquire()["access_token"]
    assert site.at_issuer("GET", f"/license?access_token={token}").status_code == 401


# --- where ---


def test_an_unknown_sandbox_is_not_found(site: Site) -> None:
    for path in (
        "/s/nowhere/token",
        "/.well-known/oauth-authorization-server/s/nowhere",
        "/s/",
        "/s/QA/jwks",
    ):
        problem(site.send("GET", path), 404, "sandbox_unknown")


def test_a_foreign_host_is_refused(site: Site) -> None:
    for path in (*POSTS, *GETS):
        method = "POST" if path in POSTS else "GET"
        problem(site.at_issuer(method, path, headers={"host": "evil.example"}), 421, "host_not_allowed")


def test_a_client_that_uses_another_name_than_the_issuers_gets_one_hint(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="mock_authz"):
        for _ in range(3):
            site.at_issuer("GET", "/jwks", headers={"host": "localhost:8628"})
            site.at_issuer("GET", "/jwks")
    assert len([record for record in caplog.records if "localhost" in record.getMessage()]) == 1


# --- CORS ---


@pytest.mark.parametrize("path", WITH_CORS)
def test_scripts_of_any_origin_are_answered_by_setting(path: str) -> None:
    origin = {"origin": "https://app.example"}
    for cors in (False, True):
        site = a_site(cors=cors)
        method = "POST" if path == "/token" else "GET"
        response = site.at_issuer(method, path, headers=origin)
        assert response.headers.get("access-control-allow-origin") == ("*" if cors else None)
        preflight = site.at_issuer(
            "OPTIONS", path, headers={**origin, "access-control-request-method": method}
        )
        assert preflight.status_code == (204 if cors else 405)
        assert ("access-control-allow-methods" in preflight.headers) is cors


@pytest.mark.parametrize("path", ["/device_authorization", "/revoke", "/introspect", "/license", "/servers"])
def test_nothing_else_is_opened_to_other_origins(path: str) -> None:
    site = a_site(cors=True)
    response = site.at_issuer("OPTIONS", path, headers={"origin": "https://app.example"})
    assert response.status_code == 405
    assert "access-control-allow-origin" not in response.headers


# --- the journal ---


def test_each_exchange_is_journalled_without_a_secret(site: Site) -> None:
    codes = site.authorize()
    members(site.approve(codes["user_code"]), 200)
    tokens = members(site.poll(codes["device_code"]), 200)
    refreshed = members(site.refresh(tokens["refresh_token"]), 200)
    headers = bearer(refreshed["access_token"])
    site.at_issuer("POST", "/introspect", headers=headers, data={"token": refreshed["refresh_token"]})
    site.at_issuer("GET", "/license", headers=headers)
    site.at_issuer("POST", "/revoke", data={"client_id": "pos-server", "token": refreshed["refresh_token"]})
    kinds = [(one.step, one.status) for one in site.exchanges()]
    assert kinds == [
        ("device_authorization", 200), ("token:device_code", 200), ("token:refresh", 200), ("introspect", 200),
        ("license", 200), ("revoke", 200),
    ]  # fmt: skip
    written = repr(site.server.store.journal("qa"))
    secrets = [codes["device_code"], site.sandbox.management_token]
    secrets += [one[name] for one in (tokens, refreshed) for name in ("access_token", "refresh_token")]
    for secret in secrets:
        assert secret not in written
        assert secret.split(".")[-1] not in written


def test_a_credential_has_the_same_fingerprint_wherever_it_is_seen(site: Site) -> None:
    codes = site.authorize()
    site.poll(codes["device_code"])
    issued, polled = site.exchanges()
    assert issued.response["device_code"] == polled.request["device_code"]
    assert expect(str, polled.request["device_code"]).startswith("fingerprint:")


def test_what_a_refused_request_held_is_journalled_without_a_secret_too(site: Site) -> None:
    site.refresh("a-refresh-token-of-another-server")
    form = {"client_id": "pos-server", "client_secret": "hush", "grant_type": "password", "password": "hush"}
    site.at_issuer("POST", "/token", data=form)
    written = repr(site.exchanges())
    assert "a-refresh-token-of-another-server" not in written
    assert "hush" not in written


def test_dates_are_the_sandboxs_own(site: Site) -> None:
    for now in (NOW, NOW + 400 * DAY, 0):
        site.move_to(now)
        assert (
            site.at_issuer("GET", "/jwks").headers["date"]
            == {
                NOW: "Fri, 15 Jan 2027 08:00:00 GMT",
                NOW + 400 * DAY: "Sat, 19 Feb 2028 08:00:00 GMT",
                0: "Thu, 01 Jan 1970 00:00:00 GMT",
            }[now]
        )


def test_a_license_survives_only_as_long_as_its_device(site: Site) -> None:
    tokens = site.acquire()
    assert site.manage("DELETE", f"/devices/{STORE_12}").status_code == 204
    response = site.at_issuer("GET", "/license", headers=bearer(tokens["access_token"]))
    assert members(response, 401)["reason"] == "device_disabled"
