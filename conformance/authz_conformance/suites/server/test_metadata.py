"""Metadata: RFC 8414, and what RFC 8628 4 adds to it."""

from __future__ import annotations

from authz_conformance.expectations import expect, given
from authz_conformance.flow import DEVICE_GRANT
from authz_conformance.rules import rule
from authz_conformance.server_under_test import ServerUnderTest

NOT_THERE = frozenset({404, 405, 410})


@rule("metadata.json")
def test_json(server: ServerUnderTest) -> None:
    answer = server.find_metadata()
    expect.success(answer)
    expect.equal(answer.media_type, "application/json", what="the type", exchange=answer)


@rule("metadata.issuer-is-identical")
def test_issuer_is_identical(server: ServerUnderTest) -> None:
    answer = server.find_metadata()
    expect.equal(expect.member(answer, "issuer"), server.issuer, what="the issuer", exchange=answer)


@rule("metadata.no-empty-arrays")
def test_no_empty_arrays(server: ServerUnderTest) -> None:
    answer = server.find_metadata()
    empty = [name for name, value in expect.success(answer).items() if value == []]
    expect.that(not empty, wanted="no empty array", found=", ".join(empty), exchange=answer)


@rule("metadata.names-device-endpoint")
def test_names_device_endpoint(server: ServerUnderTest) -> None:
    expect.member(server.find_metadata(), "device_authorization_endpoint")
    answer = server.authorize_device()
    expect.that(
        answer.status not in {None, *NOT_THERE},
        wanted="the endpoint that the metadata names",
        found=answer.said,
        exchange=answer,
    )
    given.codes(answer)  # what it answers is for rules of its own


@rule("metadata.lists-device-grant")
def test_lists_device_grant(server: ServerUnderTest) -> None:
    answer = server.find_metadata()
    grants = expect.member(answer, "grant_types_supported", list)
    expect.that(DEVICE_GRANT in grants, wanted=DEVICE_GRANT, found=grants, exchange=answer)
