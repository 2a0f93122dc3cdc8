"""The metadata in detail: where it is served, what it names, and what it leaves out. RFC 8414, protocol.md."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from authz_conformance.exchange import Exchange
from authz_conformance.expectations import expect, given
from authz_conformance.rules import rule
from authz_conformance.server_under_test import WELL_KNOWN, ServerUnderTest
from authz_conformance.suites.server.licenses import NEVER_ISSUED
from authz_conformance.verdicts import NotTestable

OPENID = "/.well-known/openid-configuration"
OPENID_ONLY = (
    "subject_types_supported",
    "id_token_signing_alg_values_supported",
    "id_token_encryption_alg_values_supported",
    "id_token_encryption_enc_values_supported",
    "userinfo_endpoint",
    "userinfo_signing_alg_values_supported",
    "claims_supported",
)
ENDPOINTS = ("token_endpoint", "revocation_endpoint", "introspection_endpoint")
ORIGIN = {"origin": "https://shop.example"}
ALLOWED = "access-control-allow-origin"
NOT_FOUND = 404
SERVER_ERRORS_FROM = 500


@rule("metadata.served-inserted")
def test_served_inserted(server: ServerUnderTest) -> None:
    expect.member(server.wire.get(server.well_known(), step="metadata"), "issuer")


@rule("metadata.served-appended")
def test_served_appended(server: ServerUnderTest) -> None:
    expect.member(server.wire.get(server.issuer + WELL_KNOWN, step="metadata"), "issuer")


@rule("metadata.served-as-openid-configuration")
def test_served_as_openid_configuration(server: ServerUnderTest) -> None:
    document = server.find_metadata()
    given.success(document)
    for url in (server.well_known(OPENID), server.issuer + OPENID):
        answer = server.wire.get(url, step="metadata")
        expect.success(answer)
        expect.equal(answer.json, document.json, what="the same document", exchange=answer)


@rule("metadata.no-response-types")
def test_no_response_types(server: ServerUnderTest) -> None:
    answer = server.find_metadata()
    given.success(answer)
    expect.that(
        "response_types_supported" not in answer.members,
        wanted="no response_types_supported",
        found=answer.members.get("response_types_supported"),
        exchange=answer,
    )


@rule("metadata.claims-no-openid")
def test_claims_no_openid(server: ServerUnderTest) -> None:
    answer = server.find_metadata()
    members = given.success(answer)
    found = [name for name in OPENID_ONLY if name in members]
    expect.that(not found, wanted="no member of OpenID Connect", found=", ".join(found), exchange=answer)
    scopes = members.get("scopes_supported") or []
    expect.that("openid" not in scopes, wanted="no scope openid", found=scopes, exchange=answer)


@rule("metadata.lists-refresh-grant")
def test_lists_refresh_grant(server: ServerUnderTest) -> None:
    answer = server.find_metadata()
    given.success(answer)
    grants = expect.member(answer, "grant_types_supported", list)
    expect.that("refresh_token" in grants, wanted="refresh_token", found=grants, exchange=answer)


@rule("metadata.clients-are-public")
def test_clients_are_public(server: ServerUnderTest) -> None:
    answer = server.find_metadata()
    given.success(answer)
    methods = answer.members.get("token_endpoint_auth_methods_supported")
    expect.equal(methods, ["none"], what="token_endpoint_auth_methods_supported", exchange=answer)


@rule("metadata.names-all-endpoints")
def test_names_all_endpoints(server: ServerUnderTest) -> None:
    answer = server.find_metadata()
    given.success(answer)
    named = [expect.member(answer, name) for name in ENDPOINTS]
    answers = [server.wire.get(expect.member(answer, "jwks_uri"), step="jwks")]
    answers += [server.wire.post(url, {"client_id": server.client_id}, step="any endpoint") for url in named]
    for one in answers:
        answers_there = one.status is not None and one.status != NOT_FOUND and one.status < SERVER_ERRORS_FROM
        expect.that(answers_there, wanted="an endpoint that answers", found=one.said, exchange=one)


@rule("metadata.cors-by-setting")
def test_cors_by_setting(server: ServerUnderTest) -> None:
    for setting in (False, True):
        server.provision.change_settings(cors=setting)
        for answer in asked_by_a_script(server):
            expect.that(
                (answer.header(ALLOWED) is not None) is setting,
                wanted=f"{'an' if setting else 'no'} Access-Control-Allow-Origin",
                found=answer.header(ALLOWED) or "none",
                exchange=answer,
            )


def asked_by_a_script(server: ServerUnderTest) -> list[Exchange]:
    """Ask for metadata, keys and tokens as a script of another origin does."""
    form = {"grant_type": "refresh_token", "refresh_token": NEVER_ISSUED, "client_id": server.client_id}
    return [
        server.wire.get(server.find_metadata().url, step="metadata", headers=ORIGIN),
        server.wire.get(server.endpoint("jwks"), step="jwks", headers=ORIGIN),
        server.wire.post(server.endpoint("token"), form, step="refresh", headers=ORIGIN),
    ]


@rule("metadata.issuer-is-plain")
def test_issuer_is_plain(server: ServerUnderTest) -> None:
    answer = server.find_metadata()
    issuer = answer.members.get("issuer")
    if not isinstance(issuer, str):
        raise NotTestable("the metadata names no issuer (metadata.issuer-is-identical)")
    is_url = bool(urlsplit(issuer).scheme and urlsplit(issuer).netloc)
    is_plain = is_url and "?" not in issuer and "#" not in issuer
    expect.that(is_plain, wanted="a URL without query and fragment", found=issuer, exchange=answer)


@rule("metadata.endpoints-use-https")
def test_endpoints_use_https(server: ServerUnderTest) -> None:
    answer = server.find_metadata()
    given.success(answer)
    for name, url in urls_in(answer.members):
        expect.that(
            is_confidential(url, development_hosts=server.stage.development_hosts),
            wanted=f"{name} to be absolute and https (http on loopback and declared development_hosts only)",
            found=url,
            exchange=answer,
        )


def urls_in(metadata: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Pick the URLs out of the metadata: what is named as one, and what looks like one."""
    for name, value in metadata.items():
        is_named = name.endswith(("_endpoint", "_uri")) or name in {"issuer", "service_documentation"}
        if isinstance(value, str) and (is_named or "://" in value):
            yield name, value


def is_confidential(url: str, *, development_hosts: Collection[str] = ()) -> bool:
    """Say whether a URL is https, or http on loopback or on a host that is declared for development."""
    parts = urlsplit(url)
    if not parts.hostname:
        return False
    is_of_development = is_loopback(parts.hostname) or parts.hostname in map(str.lower, development_hosts)
    return parts.scheme == "https" or (parts.scheme == "http" and is_of_development)


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
