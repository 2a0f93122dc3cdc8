"""What openapi.yaml documents is what is served, in both directions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest

from mock_authz.app import WELL_KNOWN
from mock_authz.web import control, management, protocol
from mock_authz.web.rest import Operation, Routes, Takes
from tests.web.contract import Documented, operations, resolve
from tests.web.site import a_site

# Below the issuer; its form for people is a page, its address a part of the protocol (RFC 8628 3.3).
VERIFICATION_PAGE: Final = ("GET", "/device")
ONE_SERVER: Final = ("GET", "/servers/{server_id}")
OUR_TABLES: Final[tuple[Routes[Any], ...]] = (management.ROUTES, control.ROUTES)


def of_protocol() -> Iterator[tuple[str, str]]:
    for path, endpoint in protocol.ENDPOINTS.items():
        yield endpoint.method, path
    # RFC 8414 3.1: inserted before the issuer's path as well.
    for path in WELL_KNOWN:
        yield "GET", path + "/s/{sandbox}"
    yield protocol.ONE_SERVER.method, ONE_SERVER[1]


def of_our_own() -> Iterator[tuple[str, str, Operation[Any]]]:
    for routes in OUR_TABLES:
        for path, offered in routes.table.items():
            for method, operation in offered.items():
                yield method, path, operation


def documented() -> dict[tuple[str, str], Documented]:
    return {(one.method, one.template): one for one in operations()}


def test_every_documented_operation_is_served_and_every_served_one_documented() -> None:
    served = {*of_protocol(), *((method, path) for method, path, _ in of_our_own()), VERIFICATION_PAGE}
    assert served == set(documented())


@pytest.mark.parametrize(("method", "path", "operation"), list(of_our_own()))
def test_an_operation_takes_the_body_and_the_query_that_are_documented(
    method: str, path: str, operation: Operation[Any]
) -> None:
    described = documented()[method, path]
    body: Mapping[str, Any] | None = described.value.get("requestBody")
    takes = (
        Takes.NO_BODY if body is None else Takes.A_BODY if resolve(body)["required"] else Takes.MAYBE_A_BODY
    )
    assert operation.takes is takes
    assert set(operation.query) == described.query()


def test_the_verification_page_is_served() -> None:
    assert a_site().at_issuer("GET", "/device").status_code in {200, 303}


def test_the_document_itself_is_served() -> None:
    response = a_site().send("GET", "/_control/openapi.yaml")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/yaml"
    assert response.text.startswith("openapi: 3.1")
