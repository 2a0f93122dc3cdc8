"""What the management and the control API share: a table of routes, strict queries and bodies, bearer authorization.

Knows nothing of what the APIs do.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Final, Generic, TypeVar
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.routing import compile_path

from mock_authz.entropy import same
from mock_authz.oauth.reply import JSON, Reply
from mock_authz.web.body import Body, InvalidBodyError, UnreadableBodyError, parse_json
from mock_authz.web.problems import bad_request, method_not_allowed, problem, unprocessable
from mock_authz.web.visit import MOST_PARAMETERS, BodyTooLargeError, media_type, read_body

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Call:
    """One request to an API.

    Attributes:
        params: what the path names.
        query: the query parameters, each one that the operation has, with a value that it takes.
        body: the JSON object; empty for a request without one.
    """

    request: Request
    params: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Body = field(default_factory=lambda: Body({}))


Handler = Callable[[Call, C], Reply | Awaitable[Reply]]


class Takes(Enum):
    """What an operation does with a body."""

    NO_BODY = auto()
    MAYBE_A_BODY = auto()
    A_BODY = auto()


@dataclass(frozen=True, slots=True)
class Operation(Generic[C]):
    """One method of one path.

    Attributes:
        query: the query parameters that it has, each with the pattern of its values.
        largest_body: how many bytes its body may have; None for as many as the API allows.
    """

    handler: Handler[C]
    takes: Takes = Takes.NO_BODY
    query: Mapping[str, str] = field(default_factory=dict)
    largest_body: int | None = None


class Routes(Generic[C]):
    """A table of routes: path templates, each with its operations by method.

    A handler gets the call and what the API acts upon: a request's context, or the server's sandboxes.
    """

    def __init__(self, table: Mapping[str, Mapping[str, Operation[C]]], *, largest_body: int) -> None:
        self.table = table
        self._largest_body = largest_body
        self._compiled = [(compile_path(template)[0], offered) for template, offered in table.items()]

    async def answer(self, request: Request, path: str, upon: C) -> Reply:
        """Find the operation, read query and body, and answer."""
        for pattern, offered in self._compiled:
            # Whole: the pattern's own `$` would let a line feed follow.
            if (match := pattern.fullmatch(path)) is None:
                continue
            operation = offered.get("GET" if request.method == "HEAD" else request.method)
            if operation is None:
                return method_not_allowed([*offered, "HEAD"] if "GET" in offered else list(offered))
            return await self._call(operation, request, match.groupdict(), upon)
        return problem(404, "not_found", "There is nothing at this path.")

    async def _call(
        self, operation: Operation[C], request: Request, params: Mapping[str, str], upon: C
    ) -> Reply:
        query = read_query(request, operation.query)
        if isinstance(query, Reply):
            return query
        body = await self._read_body(operation, request)
        if isinstance(body, Reply):
            return body
        try:
            reply = operation.handler(Call(request, params, query, body), upon)
            return reply if isinstance(reply, Reply) else await reply
        except InvalidBodyError as error:
            return unprocessable(error.errors)

    async def _read_body(self, operation: Operation[C], request: Request) -> Body | Reply:
        if operation.takes is Takes.NO_BODY:
            return await _read_nothing(request)
        largest = operation.largest_body or self._largest_body
        try:
            raw = await read_body(request, largest=largest)
        except BodyTooLargeError:
            detail = f"The body may have {largest} bytes at most."
            return problem(413, "content_too_large", detail)
        # RFC 9110 15.5.16: only application/json, so that no form of a foreign page is ever taken.
        if media_type(request) != JSON and (raw or request.headers.get("content-type")):
            return problem(415, "unsupported_media_type", f"Send {JSON}.")
        if not raw:
            is_fine = operation.takes is Takes.MAYBE_A_BODY
            return Body({}) if is_fine else bad_request("The body is missing: send a JSON object.")
        return _as_object(raw)


def bare(handler: Handler[C], **query: str) -> Operation[C]:
    """Describe an operation that takes no body, and perhaps query parameters, each with the pattern of its values."""
    return Operation(handler, query=query)


def taking(handler: Handler[C], **query: str) -> Operation[C]:
    """Describe an operation that takes a JSON object, and perhaps query parameters."""
    return Operation(handler, Takes.A_BODY, query)


def taking_perhaps(handler: Handler[C]) -> Operation[C]:
    """Describe an operation that takes a JSON object; without one, it is as with an empty one."""
    return Operation(handler, Takes.MAYBE_A_BODY)


def listing(shown: Sequence[Mapping[str, Any]], headers: Mapping[str, str] | None = None) -> Reply:
    """Answer with an array."""
    return Reply(200, items=shown, headers=headers or {})


def created(
    call: Call, shown: Mapping[str, Any], name: str, headers: Mapping[str, str] | None = None
) -> Reply:
    """Answer that something was created below the request's own path (RFC 9110 15.3.2)."""
    return Reply(201, shown, {"location": f"{call.request.scope['path']}/{name}", **(headers or {})})


def read_query(request: Request, known: Mapping[str, str]) -> dict[str, str] | Reply:
    """Read the query parameters: none unknown, none twice, each with a value that it takes."""
    raw: bytes = request.scope["query_string"]
    try:
        pairs = parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS
        )
    except ValueError:
        return bad_request("The query is not well-formed, or has too many parameters.")
    query: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            return bad_request(f"There is no query parameter {name} here.")
        if name in query:
            return bad_request(f"The query parameter {name} came more than once.")
        if not re.fullmatch(known[name], value):
            return bad_request(f"The query parameter {name} has a value that it does not take.")
        query[name] = value
    return query


async def _read_nothing(request: Request) -> Body | Reply:
    if request.method in ("GET", "HEAD"):
        # RFC 9110 9.3.1: content in a GET has no meaning.
        return Body({})
    try:
        await read_body(request, largest=0)
    except BodyTooLargeError:
        return bad_request("This takes no body.")
    return Body({})


def _as_object(raw: bytes) -> Body | Reply:
    try:
        value = parse_json(raw)
    except UnreadableBodyError as error:
        return bad_request(str(error))
    if isinstance(value, dict):
        return Body(value)
    return unprocessable([{"pointer": "#", "detail": "Give an object."}])


def authorize(request: Request, expected: str, *, detail: str) -> Reply | None:
    """Hold the request's bearer token against the expected one, in constant time.

    Args:
        detail: which token is asked for.
    """
    sent = request.headers.getlist("authorization")
    scheme, _, credentials = sent[0].partition(" ") if len(sent) == 1 else ("", "", "")
    is_bearer = scheme.lower() == "bearer"
    if is_bearer and same(credentials.strip(), expected):
        return None
    # RFC 6750 3.1: where no token was sent, the challenge names no error.
    challenge: Final = 'Bearer realm="mock-authz"' + (', error="invalid_token"' if is_bearer else "")
    return problem(401, "unauthorized", detail, headers={"www-authenticate": challenge})
