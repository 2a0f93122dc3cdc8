"""The token response, the license token, and the keys that it is signed with.

Over 400 lines: one short scenario for each rule about tokens, in the catalogue's order.
"""

from __future__ import annotations

import re
from typing import Any

from mock_authz import minting
from mock_authz.domain.signing_key import KeySet
from tests.factories import DAY, NOW
from tests.quirks.stage import ISSUER, Answer, Finding, Stage, granted, part, said, settles, stored_only


def both(s: Stage) -> list[Answer]:
    """Redeem a code and refresh: two token responses."""
    codes = s.authorize(scope="openid license")
    s.approve(codes)
    poll = s.poll(codes)
    return [poll, s.refresh(poll.json())]


def license_claim(s: Stage, server_id: str = "store-12") -> dict[str, Any]:
    claim: dict[str, Any] = s.claims(s.acquire(server_id))["license"]
    return claim


# --- the token response ---


@settles("tokens.scope-always-returned")
def _(s: Stage) -> Finding:
    return ["scope" in answer.json() for answer in both(s)], [True, True]


@settles("tokens.scope-where-it-differs")
def _(s: Stage) -> Finding:
    return both(s)[0].json().get("scope"), "license"


@settles("tokens.refresh-token-included")
def _(s: Stage) -> Finding:
    return "refresh_token" in s.acquire(), True


@settles("tokens.expires-in-agrees-with-exp")
def _(s: Stage) -> Finding:
    s.renew(3 * DAY)
    answers = both(s)
    claims = [part(answer.json()["access_token"], 1) for answer in answers]
    lives = [one["exp"] - one["iat"] for one in claims]
    return [int(answer.json()["expires_in"]) for answer in answers], lives


@settles("tokens.expires-in-is-a-number")
def _(s: Stage) -> Finding:
    return [isinstance(answer.json()["expires_in"], int) for answer in both(s)], [True, True]


@settles("tokens.no-store")
def _(s: Stage) -> Finding:
    return [answer.headers.get("cache-control") for answer in both(s)], ["no-store"] * 2


@settles("tokens.pragma-no-cache")
def _(s: Stage) -> Finding:
    return [answer.headers.get("pragma") for answer in both(s)], ["no-cache"] * 2


@settles("tokens.type-is-bearer")
def _(s: Stage) -> Finding:
    return [answer.json()["token_type"].lower() for answer in both(s)], ["bearer"] * 2


# --- claims ---


def assert_in_seconds(claims: dict[str, Any]) -> None:
    assert max(claims["iat"], claims["exp"]) < 10**11


@settles("claims.alg-as-declared")
def _(s: Stage) -> Finding:
    return part(s.acquire()["access_token"], 0)["alg"], "Ed25519"


@settles("claims.alg-can-be-chosen")
def _(s: Stage) -> Finding:
    s.jwks()
    s.managed("PATCH", "/settings", alg="ES256")
    s.managed("POST", "/keys/rotate", immediately=True)
    return part(s.acquire()["access_token"], 0)["alg"], "ES256"


@settles("claims.aud-is-organization")
def _(s: Stage) -> Finding:
    return s.claims(s.acquire())["aud"], "urn:kensium:organization:harbor"


@settles("claims.sub-is-server-id")
def _(s: Stage) -> Finding:
    return s.claims(s.acquire())["sub"], "store-12"


@settles("claims.iat-is-now")
def _(s: Stage) -> Finding:
    tokens = s.acquire()
    s.move_to(60)
    return [s.claims(one)["iat"] - NOW for one in (tokens, s.renewed(tokens))], [0, 60]


@settles("claims.nbf-is-iat")
def _(s: Stage) -> Finding:
    claims = s.claims(s.acquire())
    return claims["nbf"], claims["iat"]


@settles("claims.exp-is-lifetime")
def _(s: Stage) -> Finding:
    claims = [part(answer.json()["access_token"], 1) for answer in both(s)]
    return [one["exp"] - one["iat"] for one in claims], [7 * DAY] * 2


@settles("claims.exp-capped-by-renewal")
def _(s: Stage) -> Finding:
    s.renew(3 * DAY)
    claims = [part(answer.json()["access_token"], 1) for answer in both(s)]
    return [one["exp"] for one in claims], [NOW + 3 * DAY] * 2


@settles("claims.lifetime-fixed-at-issue")
def _(s: Stage) -> Finding:
    tokens = s.acquire()
    assert_in_seconds(s.claims(tokens))
    s.managed("PATCH", "/settings", license_token_seconds=DAY)
    changed = s.claims(s.acquire("head-office"))
    s.move_to(s.claims(tokens)["exp"] - NOW - 1)
    good = s.look("/license", tokens).status_code
    claims = s.claims(s.renewed(tokens))
    assert_in_seconds(claims)
    return (good, claims["exp"] - claims["iat"]), (200, changed["exp"] - changed["iat"])


@settles("claims.organization")
def _(s: Stage) -> Finding:
    return license_claim(s)["organization"], {"id": "harbor", "name": "Harbor Outfitters"}


@settles("claims.server-name")
def _(s: Stage) -> Finding:
    return license_claim(s)["server_name"], "Store 12"


@settles("claims.edition")
def _(s: Stage) -> Finding:
    return license_claim(s)["edition"], "store"


@settles("claims.features-sorted")
def _(s: Stage) -> Finding:
    s.device(features=["xms", "alpha", "beta"])
    return license_claim(s)["features"], ["alpha", "beta", "xms"]


@settles("claims.features-may-be-empty")
def _(s: Stage) -> Finding:
    s.device(features=[])
    return license_claim(s).get("features"), []


@settles("claims.features-default")
def _(s: Stage) -> Finding:
    s.managed(
        "POST", "/devices", organization="harbor", server_id="store-13", name="Store 13", edition="store"
    )
    return license_claim(s, "store-13")["features"], ["xms"]


@settles("claims.hub")
def _(s: Stage) -> Finding:
    hub = {"server_id": "head-office", "name": "Head Office", "url": "https://pos.harbor.example"}
    return license_claim(s)["hub"], hub


@settles("claims.no-hub-is-absent")
def _(s: Stage) -> Finding:
    return "hub" in license_claim(s, "head-office"), False


@settles("claims.disabled-hub-is-absent")
def _(s: Stage) -> Finding:
    tokens = s.acquire()
    s.managed("POST", "/devices/head-office/disable")
    return "hub" in s.claims(s.renewed(tokens))["license"], False


@settles("claims.hub-read-at-each-minting")
def _(s: Stage) -> Finding:
    tokens = s.acquire()
    s.device("head-office", name="Headquarters")
    return s.claims(s.renewed(tokens))["license"]["hub"]["name"], "Headquarters"


@settles("claims.renewal-date")
def _(s: Stage) -> Finding:
    s.renew(100 * DAY)
    return license_claim(s)["renewal_at"], NOW + 100 * DAY


@settles("claims.renewal-due-from")
def _(s: Stage) -> Finding:
    s.renew(100 * DAY)
    return license_claim(s)["renewal_due_from"], NOW + 70 * DAY


@settles("claims.no-renewal-is-absent")
def _(s: Stage) -> Finding:
    return {"renewal_at", "renewal_due_from"} & set(license_claim(s)), set()


@settles("claims.typ-is-at-jwt")
def _(s: Stage) -> Finding:
    return part(s.acquire()["access_token"], 0)["typ"], "at+jwt"


@settles("claims.required-present")
def _(s: Stage) -> Finding:
    required = {"iss", "sub", "aud", "client_id", "iat", "exp", "jti"}
    return required - set(s.claims(s.acquire())), set()


@settles("claims.iss-is-issuer")
def _(s: Stage) -> Finding:
    return s.claims(s.acquire())["iss"], ISSUER


@settles("claims.client-id-is-owner")
def _(s: Stage) -> Finding:
    return s.claims(s.acquire("till-1", "register")).get("client_id"), "register"


@settles("claims.jti-is-unique")
def _(s: Stage) -> Finding:
    first = s.acquire()
    tokens = [first, s.renewed(first), s.renewed(first)]
    return len({s.claims(one)["jti"] for one in tokens}), 3


@settles("claims.scope-is-granted-scope")
def _(s: Stage) -> Finding:
    return s.claims(s.acquire())["scope"], "license"


@settles("claims.times-are-whole-seconds")
def _(s: Stage) -> Finding:
    claims = s.claims(s.acquire())
    times = [claims[name] for name in ("iat", "nbf", "exp")]
    return all(isinstance(time, int) and time < 10**11 for time in times), True


# --- keys ---


def kids(s: Stage) -> list[str]:
    return [key["kid"] for key in s.jwks()]


def kid_of(tokens: dict[str, Any]) -> str:
    return str(part(tokens["access_token"], 0)["kid"])


@settles("keys.signing-key-published")
def _(s: Stage) -> Finding:
    tokens = s.acquire()
    assert minting.verify(tokens["access_token"], stored_only(s, KeySet).keys, issuer=s.claims(tokens)["iss"])
    return kid_of(tokens) in kids(s), True


@settles("keys.published-before-signing")
def _(s: Stage) -> Finding:
    s.jwks()
    rotated = s.managed("POST", "/keys/rotate")
    published = rotated["kid"] in kids(s)
    s.move_to(7 * DAY - 1)
    tokens = s.acquire()
    before = kid_of(tokens) == rotated["kid"]
    s.move_to(7 * DAY)
    return (published, before, kid_of(s.renewed(tokens)) == rotated["kid"]), (True, False, True)


def retired(s: Stage) -> tuple[str, int]:
    """Rotate at once, and give the retired key with the last `exp` that it signed, after the start."""
    tokens = s.acquire()
    s.managed("POST", "/keys/rotate", immediately=True)
    assert_in_seconds(s.claims(tokens))
    return kid_of(tokens), s.claims(tokens)["exp"] - NOW


@settles("keys.retired-key-kept")
def _(s: Stage) -> Finding:
    kid, last = retired(s)
    s.move_to(last)
    return kid in kids(s), True


@settles("keys.retired-key-dropped")
def _(s: Stage) -> Finding:
    kid, last = retired(s)
    s.move_to(last + 60)
    return kid in kids(s), False


@settles("keys.kid-is-distinct")
def _(s: Stage) -> Finding:
    s.jwks()
    s.managed("POST", "/keys/rotate")
    found = kids(s)
    return len(found), len(set(found))


@settles("keys.nothing-private")
def _(s: Stage) -> Finding:
    return {"d", "p", "q", "dp", "dq", "qi", "k"} & {name for key in s.jwks() for name in key}, set()


# --- metadata ---

WELL_KNOWN = "/.well-known/oauth-authorization-server"


@settles("metadata.served-inserted")
def _(s: Stage) -> Finding:
    return said(s.send("GET", f"{WELL_KNOWN}/s/qa")), "granted"


@settles("metadata.served-appended")
def _(s: Stage) -> Finding:
    return said(s.at_issuer("GET", WELL_KNOWN)), "granted"


@settles("metadata.served-as-openid-configuration")
def _(s: Stage) -> Finding:
    paths = ["/.well-known/openid-configuration/s/qa", "/s/qa/.well-known/openid-configuration"]
    return [said(s.send("GET", path)) for path in paths], ["granted"] * 2


@settles("metadata.json")
def _(s: Stage) -> Finding:
    answer = s.send("GET", f"{WELL_KNOWN}/s/qa")
    assert answer.status_code == 200
    return answer.headers["content-type"], "application/json"


@settles("metadata.issuer-is-identical")
def _(s: Stage) -> Finding:
    return s.metadata()["issuer"], ISSUER


@settles("metadata.issuer-is-plain")
def _(s: Stage) -> Finding:
    return set("?#") & set(s.metadata()["issuer"]), set()


@settles("metadata.no-empty-arrays")
def _(s: Stage) -> Finding:
    return [name for name, value in s.metadata().items() if value == []], []


@settles("metadata.endpoints-use-https")
def _(s: Stage) -> Finding:
    urls = [value for value in s.metadata().values() if isinstance(value, str)]
    return [url for url in urls if not re.match(r"https://|http://127\.0\.0\.1", url)], []


@settles("metadata.no-response-types")
def _(s: Stage) -> Finding:
    return "response_types_supported" in s.metadata(), False


@settles("metadata.claims-no-openid")
def _(s: Stage) -> Finding:
    openid = {"subject_types_supported", "id_token_signing_alg_values_supported", "userinfo_endpoint"}
    return openid & set(s.metadata()), set()


@settles("metadata.lists-refresh-grant")
def _(s: Stage) -> Finding:
    return "refresh_token" in s.metadata()["grant_types_supported"], True


@settles("metadata.lists-device-grant")
def _(s: Stage) -> Finding:
    urn = "urn:ietf:params:oauth:grant-type:device_code"
    return urn in s.metadata()["grant_types_supported"], True


@settles("metadata.clients-are-public")
def _(s: Stage) -> Finding:
    return s.metadata()["token_endpoint_auth_methods_supported"], ["none"]


@settles("metadata.names-all-endpoints")
def _(s: Stage) -> Finding:
    names = {"jwks_uri", "token_endpoint", "revocation_endpoint", "introspection_endpoint"}
    return names - set(s.metadata()), set()


@settles("metadata.names-device-endpoint")
def _(s: Stage) -> Finding:
    return s.metadata().get("device_authorization_endpoint"), f"{ISSUER}/device_authorization"


@settles("metadata.cors-by-setting")
def _(s: Stage) -> Finding:
    def opened() -> list[str | None]:
        answers = [s.at_issuer("GET", WELL_KNOWN), s.at_issuer("GET", "/jwks"), s.post("/token")]
        return [answer.headers.get("access-control-allow-origin") for answer in answers]

    closed = opened()
    s.managed("PATCH", "/settings", cors=True)
    return (closed, opened()), ([None] * 3, ["*"] * 3)


@settles("refresh.gives-access-token")
def _(s: Stage) -> Finding:
    tokens = s.acquire()
    answer = s.refresh(tokens)
    assert answer.json()["access_token"] != tokens["access_token"]
    return answer.status_code, 200


@settles("refresh.keeps-scope")
def _(s: Stage) -> Finding:
    return granted(s.refresh(s.acquire())).get("scope", "license"), "license"


@settles("refresh.never-widens-scope")
def _(s: Stage) -> Finding:
    answer = s.refresh(s.acquire(), scope="license admin")
    return said(answer) == "invalid_scope" or answer.json().get("scope") == "license", True
