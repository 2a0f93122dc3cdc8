"""One HTTP request to one sandbox, as handlers see it: parsed, with its context, its body read within bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from mock_authz.domain.refusals import InvalidRequest
from mock_authz.usecases.context import Context

FORM: Final = "application/x-www-form-urlencoded"
LARGEST_BODY: Final = 64 * 1024
MOST_PARAMETERS: Final = 100
SAY_ENCODED: Final = "The body came with a Content-Encoding. Send it as it is."
# RFC 9110 15.5.16: a 415 for a coding names those that would be taken.
TAKES_IDENTITY: Final = {"accept-encoding": "identity"}


class BodyTooLargeError(Exception):
    """The body is longer than it may be."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A request and its sandbox.

    Attributes:
        path: below the issuer, such as `/token`.
    """

    request: Request
    path: str
    context: Context


async def read_body(request: Request, *, largest: int = LARGEST_BODY) -> bytes:
    """Read the body within bounds.

    Args:
        largest: how many bytes it may have.

    Raises:
        BodyTooLargeError: it is too long; what has been read is dropped.
    """
    body = bytearray()
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > largest:
            raise BodyTooLargeError
        more = message.get("more_body", False)
    return bytes(body)


def media_type(request: Request) -> str:
    """Give the media type of the request's body, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def is_encoded(request: Request) -> bool:
    """Say whether the body came encoded, as by gzip, which nothing here decodes (RFC 9110 8.4)."""
    if "content-encoding" not in request.headers:
        return False
    named = ",".join(request.headers.getlist("content-encoding")).split(",")
    return any(coding.strip().lower() not in {"", "identity"} for coding in named)


def parse_form(request: Request, body: bytes) -> dict[str, str] | InvalidRequest:
    """Parse the parameters of an OAuth request.

    RFC 6749 3.1, 3.2: a parameter without a value counts as omitted; none may come twice; they come in the body.
    """
    if media_type(request) != FORM:
        return InvalidRequest(f"The body must be {FORM}.")
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS
        )
    except ValueError:
        return InvalidRequest("The body is not well-formed, or has too many parameters.")
    form: dict[str, str] = {}
    for name, value in pairs:
        if name in form:
            return InvalidRequest("A parameter came more than once.")
        form[name] = value
    return {name: value for name, value in form.items() if value}
