"""What the management and the control API share: a table of routes, bearer authorization, JSON bodies read strictly.

Knows nothing of what the APIs do.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar

from starlette.requests import Request
from starlette.routing import compile_path

from mock_authz.entropy import same
from mock_authz.instants import UnreadableTimeError, parse_instant
from mock_authz.oauth.reply import JSON, Reply
from mock_authz.web.problems import method_not_allowed, problem
from mock_authz.web.visit import LARGEST_BODY, BodyTooLargeError, media_type, read_body

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)
C = TypeVar("C")
MISSING: Final = object()
LONGEST_TEXT: Final = 200


class InvalidBodyError(Exception):
    """The body is JSON, but not what the operation takes. Carries every fault at once."""

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__(f"{len(errors)} faults")
        self.errors = errors


class Body:
    """A JSON object, read member by member; `finish` reports all faults at once, unknown members too."""

    def __init__(self, members: Mapping[str, Any]) -> None:
        self._members = members
        self._read: set[str] = set()
        self.faults: list[dict[str, str]] = []

    def has(self, name: str) -> bool:
        """Say whether a member was given, null or not."""
        self._read.add(name)
        return name in self._members

    def fault(self, name: str, detail: str) -> None:
        """Note what is wrong with a member."""
        self.faults.append({"pointer": "#/" + name.replace("~", "~0"), "detail": detail})

    def value(self, name: str, kind: type[T], says: str, *, default: T | None = None) -> T:
        """Read a member of one JSON type; required unless there is a default.

        After a fault it returns an empty one, which nobody uses: `finish` raises.
        """
        given = self._members.get(name, MISSING)
        self._read.add(name)
        if given is MISSING:
            if default is not None:
                return default
            self.fault(name, f"is required: {says}")
        elif not isinstance(given, kind):
            self.fault(name, f"must be {says}")
        return given if isinstance(given, kind) else kind()

    def text(self, name: str, *, default: str | None = None, longest: int = LONGEST_TEXT) -> str:
        """Read a text that is not empty."""
        says = f"a text of 1 to {longest} characters"
        given = self.value(name, str, says, default=default)
        if isinstance(self._members.get(name), str) and not 0 < len(given.strip()) <= len(given) <= longest:
            self.fault(name, f"must be {says}")
        return given

    def optional_text(self, name: str) -> str | None:
        """Read a text, or null, or nothing."""
        return self.text(name) if self.has(name) and self._members[name] is not None else None

    def choice(self, name: str, of: type[E]) -> E:
        """Read a member of an enumeration."""
        members = {str(member): member for member in of}
        given = self.value(name, str, f"one of {', '.join(members)}")
        if given and given not in members:
            self.fault(name, f"must be one of {', '.join(members)}")
        return members.get(given, next(iter(of)))

    def boolean(self, name: str, *, default: bool) -> bool:
        """Read true or false."""
        self._read.add(name)
        given = self._members.get(name, default)
        if not isinstance(given, bool):
            self.fault(name, "must be true or false")
        return bool(given)

    def texts(self, name: str) -> tuple[str, ...]:
        """Read an array of different texts."""
        given: list[Any] = self.value(name, list, "an array of texts")
        fine = all(isinstance(item, str) and 0 < len(item) <= LONGEST_TEXT for item in given)
        if not fine or len(set(given)) != len(given):
            self.fault(name, "must be an array of different texts")
            return ()
        return tuple(given)

    def instant(self, name: str) -> int:
        """Read an instant: seconds, RFC 3339 date-time, or date."""
        self._read.add(name)
        try:
            return parse_instant(self._members.get(name))
        except UnreadableTimeError as error:
            self.fault(name, str(error))
            return 0

    def optional_instant(self, name: str) -> int | None:
        """Read an instant, or null, or nothing."""
        return self.instant(name) if self.has(name) and self._members[name] is not None else None

    def adopt(self, name: str, inner: Body) -> None:
        """Take over the faults of a member that is an object itself."""
        inner.note_unknown()
        for error in inner.faults:
            self.faults.append({**error, "pointer": f"#/{name}{error['pointer'].removeprefix('#')}"})

    def note_unknown(self) -> None:
        """Note the members that nobody asked for."""
        for name in self._members:
            if name not in self._read:
                self.fault(name, "is not a member of this body")

    def finish(self) -> None:
        """Report.

        Raises:
            InvalidBodyError: anything was wrong, or a member was never asked for.
        """
        self.note_unknown()
        if self.faults:
            raise InvalidBodyError(self.faults)


@dataclass(frozen=True, slots=True)
class Call:
    """One request to an API.

    Attributes:
        params: what the path names.
        body: the JSON object; empty for a request without one.
    """

    request: Request
    params: Mapping[str, str] = field(default_factory=dict)
    body: Body = field(default_factory=lambda: Body({}))


Handler = Callable[[Call, C], Reply]
BODY_METHODS: Final = frozenset({"POST", "PUT", "PATCH"})


class Routes(Generic[C]):
    """A table of routes: path templates, each with its handlers by method.

    A handler gets the call and what the API acts upon: a request's context, or the server's sandboxes.
    """

    def __init__(self, table: Mapping[str, Mapping[str, Handler[C]]]) -> None:
        self.table = table
        self._compiled = [(compile_path(template)[0], handlers) for template, handlers in table.items()]

    async def answer(self, request: Request, path: str, upon: C) -> Reply:
        """Find the handler, read the body, and answer."""
        for pattern, handlers in self._compiled:
            if (match := pattern.match(path)) is not None:
                handler = handlers.get("GET" if request.method == "HEAD" else request.method)
                if handler is None:
                    return method_not_allowed([*handlers, "HEAD"] if "GET" in handlers else list(handlers))
                return await _call(handler, request, match.groupdict(), upon)
        return problem(404, "path-unknown", "There is nothing at this path.")


async def _call(handler: Handler[C], request: Request, params: Mapping[str, str], upon: C) -> Reply:
    try:
        body = await read_json_object(request) if request.method in BODY_METHODS else Body({})
    except BodyTooLargeError:
        return problem(413, "body-too-large", f"The body may have {LARGEST_BODY} bytes at most.")
    if isinstance(body, Reply):
        return body
    try:
        return handler(Call(request, params, body), upon)
    except InvalidBodyError as error:
        return problem(422, "invalid-body", "The body is not what this takes.", errors=error.errors)


async def read_json_object(request: Request) -> Body | Reply:
    """Read a JSON object; no body at all is an empty one.

    RFC 9110 15.5.16: only application/json, so that no form of a foreign page is ever taken.
    """
    raw = await read_body(request)
    if media_type(request) != JSON and (raw or request.headers.get("content-type")):
        return problem(415, "unsupported-media-type", f"Send {JSON}.")
    if not raw:
        return Body({})
    try:
        value = json.loads(raw, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return problem(400, "not-json", "The body is not well-formed JSON.")
    if not isinstance(value, dict):
        return problem(422, "invalid-body", "The body must be a JSON object.", errors=[
            {"pointer": "#", "detail": "must be an object"},
        ])  # fmt: skip
    return Body(value)


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def authorize(request: Request, expected: str) -> Reply | None:
    """Hold the request's bearer token against the expected one, in constant time."""
    sent = request.headers.getlist("authorization")
    scheme, _, credentials = sent[0].partition(" ") if len(sent) == 1 else ("", "", "")
    if scheme.lower() == "bearer" and same(credentials.strip(), expected):
        return None
    challenge = {"www-authenticate": 'Bearer realm="mock-authz"'}
    return problem(
        401,
        "unauthorized",
        "Send the token that the server printed, as Authorization: Bearer.",
        headers=challenge,
    )
