from typing import Any

import pytest

from authz_client import wire
from authz_client.wire import Failed, InsecureIssuerError, NoResponse, Response
from tests.client.fakes import ISSUER, START, device_authorization, metadata, reply


def response(document: Any, status: int = 200, **headers: str) -> Response:
    made = reply(document, status, **headers)
    return Response(
        status, made.content, retry_after=made.headers.get("Retry-After"), date=made.headers.get("Date")
    )


@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        ("https://a.example", "https://a.example/.well-known/oauth-authorization-server"),
        ("https://a.example/", "https://a.example/.well-known/oauth-authorization-server"),
        ("https://a.example/s/x", "https://a.example/.well-known/oauth-authorization-server/s/x"),
        ("http://[::1]:80/s/x", "http://[::1]:80/.well-known/oauth-authorization-server/s/x"),
    ],
)
def test_the_well_known_path_is_inserted_before_the_issuer_s(issuer: str, url: str) -> None:
    assert wire.metadata_request(issuer).url == url


@pytest.mark.parametrize(
    "issuer", ["https://a.example", "http://127.0.0.1:1/s", "http://localhost", "http://[::1]"]
)
def test_https_and_loopback_are_permitted(issuer: str) -> None:
    wire.check_issuer(issuer)


@pytest.mark.parametrize(
    "issuer",
    [
        "http://a.example",
        "http://127.0.0.1.evil.example",
        "https://a.example?x",
        "https://a.example#x",
        "https://user@a.example",
        "https://",
        "https://a.example:port",
        "http://[x",
        "ftp://a.example",
        "",
    ],
)
def test_an_issuer_that_must_not_be_spoken_to_is_refused(issuer: str) -> None:
    with pytest.raises(InsecureIssuerError):
        wire.check_issuer(issuer)


def test_http_is_let_through_on_a_host_declared_for_development() -> None:
    wire.check_issuer("http://authz.test:8628", insecure_hosts=["authz.test"])
    with pytest.raises(InsecureIssuerError):
        wire.check_issuer("http://other.test:8628", insecure_hosts=["authz.test"])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"issuer": ISSUER + "/"}, "issuer_mismatch"),
        ({"issuer": None}, "issuer_mismatch"),
        ({"token_endpoint": None}, "malformed_response"),
        ({"jwks_uri": ""}, "malformed_response"),
        ({"revocation_endpoint": 5}, "malformed_response"),
    ],
)
def test_metadata_that_cannot_be_used_is_discarded(change: dict[str, Any], reason: str) -> None:
    assert wire.read_metadata(response(metadata(**change)), issuer=ISSUER, now=START) == Failed(reason)


@pytest.mark.parametrize(
    "change",
    [
        {"device_code": ...},
        {"device_code": "a\nb"},
        {"user_code": ""},
        {"user_code": "a\x07"},
        {"verification_uri": "javascript:alert(1)"},
        {"verification_uri_complete": 5},
        {"expires_in": ...},
        {"expires_in": 0},
        {"expires_in": True},
        {"expires_in": float("inf")},
        {"interval": -1},
        {"interval": "5"},
    ],
)
def test_a_malformed_device_authorization_is_no_answer(change: dict[str, Any]) -> None:
    answer = wire.read_device_authorization(response(device_authorization(**change)), now=START)
    assert answer == Failed("malformed_response")


@pytest.mark.parametrize(("interval", "expected"), [(0, 1), (0.5, 1), (7, 7), (7.2, 8)])
def test_an_interval_is_rounded_up_to_whole_seconds(interval: float, expected: int) -> None:
    answer = wire.read_device_authorization(response(device_authorization(interval=interval)), now=START)
    assert isinstance(answer, wire.DeviceAuthorization)
    assert answer.interval == expected


@pytest.mark.parametrize(
    ("value", "date", "expected"),
    [
        ("120", None, 120),
        (" 7 ", None, 7),
        ("-5", None, 0),
        ("soon", None, 0),
        ("", None, 0),
        ("9" * 400, None, 0),
        ("Fri, 15 Jan 2027 08:01:40 GMT", None, 100),
        ("Fri, 15 Jan 2027 08:01:40 GMT", "Fri, 15 Jan 2027 08:01:00 GMT", 40),
        ("Fri, 15 Jan 2027 08:01:40 GMT", "nonsense", 100),
        ("Fri, 15 Jan 2027 07:00:00 GMT", None, 0),
        ("Fri, 99 Jan 2027 07:00:00 GMT", None, 0),
    ],
)
def test_retry_after_is_read_as_seconds_or_a_date(value: str, date: str | None, expected: float) -> None:
    answer = wire.read_token_reply(Response(503, b"", retry_after=value, date=date), now=START)
    assert answer == Failed("http_503", expected)


@pytest.mark.parametrize(
    ("change", "description", "reason"),
    [
        ({}, None, None),
        ({"error_description": 5, "reason": 5}, None, None),
        ({"error_description": "\x00", "reason": ""}, None, None),
        ({"error_description": "x" * 600, "reason": "license_expired"}, "x" * 500, "license_expired"),
    ],
)
def test_texts_of_an_error_are_bounded_and_printable(
    change: dict[str, Any], description: str | None, reason: str | None
) -> None:
    answer = wire.read_token_reply(response({"error": "invalid_grant", **change}, 400), now=START)
    assert isinstance(answer, wire.Refused)
    assert (answer.description, answer.reason) == (description, reason)


def test_no_answer_is_told_by_its_reason() -> None:
    assert wire.read_keys(NoResponse("timeout"), now=START) == Failed("timeout")
    assert wire.read_revocation_reply(NoResponse("timeout"), now=START) == Failed("timeout")


def test_requests_and_answers_hide_their_secrets() -> None:
    answer = response({"access_token": "secret", "token_type": "Bearer", "refresh_token": "secret"})
    shown = [
        answer,
        wire.read_token_reply(answer, now=START),
        wire.Request(ISSUER, {"refresh_token": "secret"}),
    ]
    assert "secret" not in repr(shown)
