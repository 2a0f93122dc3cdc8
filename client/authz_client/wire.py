"""Requests and replies as values: how each request is spelled, and what each reply says.

Owns URLs, forms and the reading of JSON. It decides nothing about the license and performs no I/O.

Spec: RFC 6749 5, RFC 8414, RFC 8628 3, RFC 7009
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from math import ceil, isfinite
from typing import Any, Final, TypeGuard
from urllib.parse import urlsplit

from authz_client.license_token import Jwk, read_jwks
from authz_client.state import Endpoints

DEVICE_CODE_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
DEFAULT_INTERVAL_SECONDS: Final = 5
MAX_DESCRIPTION: Final = 500
_WELL_KNOWN: Final = "/.well-known/oauth-authorization-server"
_OK: Final = 200
BAD_REQUEST: Final = 400
_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERRORS: Final = 500


class InsecureIssuerError(ValueError):
    """The issuer's URL cannot be used: no https off loopback, a query, a fragment, or no URL at all."""


@dataclass(frozen=True)
class Request:
    """One HTTP request; a form makes it a POST. The form may hold secrets."""

    url: str
    form: Mapping[str, str] | None = field(default=None, repr=False)

    @property
    def method(self) -> str:
        """GET, or POST where there is a form."""
        return "GET" if self.form is None else "POST"


@dataclass(frozen=True)
class Response:
    """One HTTP response, whole. The body may hold secrets."""

    status: int
    body: bytes = field(repr=False)
    retry_after: str | None = None
    date: str | None = None


@dataclass(frozen=True)
class NoResponse:
    """Nothing usable came back.

    Attributes:
        reason: `timeout`, `network`, `too_large` or `insecure_url`.
        detail: The network's own words, for people.
    """

    reason: str
    detail: str | None = field(default=None, compare=False)


Reply = Response | NoResponse


@dataclass(frozen=True)
class Failed:
    """A reply that changes nothing about the license.

    Attributes:
        reason: A `NoResponse.reason`, `http_<status>`, `malformed_response`, or an OAuth error code.
        retry_after_seconds: What `Retry-After` asks for; 0 where it does not.
    """

    reason: str
    retry_after_seconds: float = 0.0
    description: str | None = None


@dataclass(frozen=True)
class Refused:
    """An OAuth error (RFC 6749 5.2); `reason` is this protocol's word for programs."""

    error: str
    description: str | None
    reason: str | None
    status: int
    retry_after_seconds: float = 0.0


@dataclass(frozen=True)
class DeviceAuthorization:
    """RFC 8628 3.2."""

    device_code: str = field(repr=False)
    user_code: str
    verification_uri: str
    verification_uri_complete: str | None
    expires_in: int
    interval: int


@dataclass(frozen=True)
class TokenGrant:
    """RFC 6749 5.1; a refresh need not bring a new refresh token."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)


def metadata_request(issuer: str) -> Request:
    """Ask for the metadata, the well-known path inserted before the issuer's own (RFC 8414 3.1)."""
    parts = urlsplit(issuer)
    return Request(f"{parts.scheme}://{parts.netloc}{_WELL_KNOWN}{parts.path.rstrip('/')}")


def device_authorization_request(endpoints: Endpoints, *, client_id: str, scope: str) -> Request:
    """RFC 8628 3.1."""
    return Request(endpoints.device_authorization_endpoint, {"client_id": client_id, "scope": scope})


def poll_request(endpoints: Endpoints, *, client_id: str, device_code: str) -> Request:
    """RFC 8628 3.4."""
    form = {"grant_type": DEVICE_CODE_GRANT, "device_code": device_code, "client_id": client_id}
    return Request(endpoints.token_endpoint, form)


def refresh_request(endpoints: Endpoints, *, client_id: str, refresh_token: str) -> Request:
    """RFC 6749 6."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": client_id}
    return Request(endpoints.token_endpoint, form)


def revocation_request(endpoints: Endpoints, *, client_id: str, refresh_token: str) -> Request:
    """RFC 7009 2.1."""
    form = {"token": refresh_token, "token_type_hint": "refresh_token", "client_id": client_id}
    return Request(endpoints.revocation_endpoint, form)


def check_issuer(issuer: str, *, insecure_hosts: Iterable[str] = ()) -> None:
    """Refuse an issuer that must not be spoken to.

    Args:
        issuer: The URL to the letter, as the metadata must repeat it.
        insecure_hosts: Hosts declared for development, for which http is let through.

    Raises:
        InsecureIssuerError: With what is wrong.

    Spec: RFC 8414 2. Deviation: http on loopback or on hosts declared for development.
    """
    if "?" in issuer or "#" in issuer:
        raise InsecureIssuerError("an issuer has neither query nor fragment")
    if not is_permitted_url(issuer, insecure_hosts=insecure_hosts):
        raise InsecureIssuerError(
            "an issuer is an https URL; http only on loopback or on a host declared for development"
        )


def is_permitted_url(url: str, *, insecure_hosts: Iterable[str] = ()) -> bool:
    """Say whether credentials may go to this URL: https, or http to loopback or a host declared for development."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return False
    if host is None or parts.username is not None:
        return False
    return parts.scheme == "https" or (
        parts.scheme == "http" and (_is_loopback(host) or host in set(insecure_hosts))
    )


def read_metadata(reply: Reply, *, issuer: str, now: float) -> Endpoints | Failed:
    """Read the issuer's metadata. RFC 8414 3.3: a document whose issuer is not identical is discarded."""
    document = _document(reply, now=now)
    if isinstance(document, Failed):
        return document
    if document.get("issuer") != issuer:
        return Failed("issuer_mismatch")
    names = ("device_authorization_endpoint", "token_endpoint", "jwks_uri", "revocation_endpoint")
    found = {name: document.get(name) for name in names}
    if not all(isinstance(url, str) and _is_plain(url) for url in found.values()):
        return Failed("malformed_response")
    return Endpoints(**{name: str(url) for name, url in found.items()})


def read_keys(reply: Reply, *, now: float) -> tuple[Jwk, ...] | Failed:
    """Read the JWK Set."""
    document = _document(reply, now=now)
    if isinstance(document, Failed):
        return document
    keys = read_jwks(document)
    return Failed("malformed_response") if keys is None else keys


def read_device_authorization(reply: Reply, *, now: float) -> DeviceAuthorization | Refused | Failed:
    """Read the answer to Next. RFC 8628 3.2: without an interval it is 5 seconds; unknown members are ignored."""
    document = _answer(reply, now=now)
    if isinstance(document, Failed | Refused):
        return document
    device_code, user_code = document.get("device_code"), document.get("user_code")
    expires_in = _seconds(document.get("expires_in"))
    interval = _seconds(document.get("interval", DEFAULT_INTERVAL_SECONDS))
    uri, complete = document.get("verification_uri"), document.get("verification_uri_complete")
    if (
        not (isinstance(device_code, str) and _is_plain(device_code))
        or not (isinstance(user_code, str) and user_code.isprintable() and user_code)
        or not (_is_web_address(uri) and (complete is None or _is_web_address(complete)))
        or not expires_in
        or interval is None
    ):
        return Failed("malformed_response")
    return DeviceAuthorization(
        device_code, user_code, uri, complete, expires_in=expires_in, interval=max(1, interval)
    )


def read_token_reply(reply: Reply, *, now: float) -> TokenGrant | Refused | Failed:
    """Read the answer to a poll or a refresh.

    RFC 6749 7.1: a token of an unknown type must not be used, so such an answer counts as malformed.
    """
    document = _answer(reply, now=now)
    if isinstance(document, Failed | Refused):
        return document
    access_token, token_type = document.get("access_token"), document.get("token_type")
    refresh_token = document.get("refresh_token")
    if (
        not (isinstance(access_token, str) and _is_plain(access_token))
        or not (isinstance(token_type, str) and token_type.lower() == "bearer")
        or not (refresh_token is None or (isinstance(refresh_token, str) and _is_plain(refresh_token)))
        or ("expires_in" in document and _seconds(document["expires_in"]) is None)
    ):
        return Failed("malformed_response")
    return TokenGrant(access_token, refresh_token)


def read_revocation_reply(reply: Reply, *, now: float) -> Failed | None:
    """Read the answer to /revoke: None is 200, and done. RFC 7009 2.2.1: after a 503 the token still exists."""
    if isinstance(reply, Response) and reply.status == _OK:
        return None
    answer = _answer(reply, now=now)
    if isinstance(answer, Refused):
        return Failed(answer.error, answer.retry_after_seconds, answer.description)
    return answer if isinstance(answer, Failed) else Failed("malformed_response")


def _answer(reply: Reply, *, now: float) -> dict[str, Any] | Refused | Failed:
    """Tell a JSON answer, an OAuth error and a failure apart; a proxy's page is a failure, whatever its status."""
    if (
        isinstance(reply, Response)
        and BAD_REQUEST <= reply.status < _SERVER_ERRORS
        and reply.status != _TOO_MANY_REQUESTS
    ):
        refused = _refusal(_json_object(reply.body), reply, now=now)
        if refused is not None:
            return refused
    return _document(reply, now=now)


def _document(reply: Reply, *, now: float) -> dict[str, Any] | Failed:
    if isinstance(reply, NoResponse):
        return Failed(reply.reason)
    if reply.status != _OK:
        return Failed(f"http_{reply.status}", _retry_after(reply, now=now))
    document = _json_object(reply.body)
    return Failed("malformed_response") if document is None else document


def _refusal(document: dict[str, Any] | None, reply: Response, *, now: float) -> Refused | None:
    error = (document or {}).get("error")
    if document is None or not isinstance(error, str) or not _is_plain(error):
        return None
    reason = document.get("reason")
    return Refused(
        error=error,
        description=_description(document.get("error_description")),
        reason=reason if isinstance(reason, str) and _is_plain(reason) else None,
        status=reply.status,
        retry_after_seconds=_retry_after(reply, now=now),
    )


def _description(value: object) -> str | None:
    """A text for people, shown on a page: bounded, and without control characters."""
    if not isinstance(value, str):
        return None
    return "".join(symbol for symbol in value if symbol.isprintable())[:MAX_DESCRIPTION] or None


def _retry_after(response: Response, *, now: float) -> float:
    """Seconds that `Retry-After` asks to wait, or until the date it gives, by the server's own `Date` where there is one.

    Spec: RFC 9110 10.2.3
    """
    value = (response.retry_after or "").strip()
    if value.isascii() and value.isdigit():
        return float(value) if isfinite(float(value)) else 0.0
    until = _http_date(value)
    since = _http_date(response.date or "")
    return 0.0 if until is None else max(0.0, until - (now if since is None else since))


def _http_date(value: str) -> float | None:
    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):
        return None


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _seconds(value: object) -> int | None:
    """A JSON number of seconds, rounded up; None if it is none, or negative."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not isfinite(value):
        return None
    return ceil(value) if value >= 0 else None


def _is_plain(value: str) -> bool:
    """Say whether a string is made of what RFC 6749 appendix A allows (VSCHAR), and not empty."""
    return bool(value) and value.isascii() and value.isprintable()


def _is_web_address(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and _is_plain(value) and value.startswith(("https://", "http://"))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
