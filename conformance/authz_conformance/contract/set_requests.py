"""The requests that are the same in every survey: one that is good, and what is wrong with it in ways that no schema says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from urllib.parse import quote, urlencode

from authz_conformance.contract.cases import Request
from authz_conformance.contract.document import Operation
from authz_conformance.contract.material import Material
from authz_conformance.contract.survey import Rules
from authz_conformance.wire import FORM

LARGEST_BODY = 65_536
OTHERS = {"GET": ("POST", "PUT", "PATCH", "DELETE"), "POST": ("GET", "PUT", "PATCH", "DELETE")}
Form = Mapping[str, str]


class Purpose(Enum):
    """What a set request is for."""

    GOOD = auto()
    HEAD = auto()
    BAD = auto()
    OTHER_METHOD = auto()
    LARGE = auto()


_RULES = {
    Purpose.HEAD: Rules.HEAD,
    Purpose.BAD: Rules.BAD_REQUEST,
    Purpose.OTHER_METHOD: Rules.METHOD,
    Purpose.LARGE: Rules.LARGE,
}


@dataclass(frozen=True, kw_only=True)
class SetRequest:
    """A request, and what it is for.

    Attributes:
        what: in words, as in `POST /token answers … with 405`.
        offered: the method that the contract has for the place.
    """

    purpose: Purpose
    what: str
    request: Request
    offered: str

    @property
    def rule(self) -> Rules | None:
        """The rule that it settles by itself."""
        return _RULES.get(self.purpose)


def set_requests(operation: Operation, place: str, material: Material) -> Iterator[SetRequest]:
    """Make the set requests for an operation, each when it is asked for: what was handed out meanwhile is used.

    Where there is nothing good to send, for want of a license, nothing is sent.
    """
    url = place.replace("{server_id}", quote(material.device or "unknown", safe=""))

    def made(purpose: Purpose, what: str, request: Request) -> SetRequest:
        return SetRequest(purpose=purpose, what=what, request=request, offered=operation.method)

    good = _good(operation, url, material)
    if good is None:
        return
    yield made(Purpose.GOOD, "a good request", good)
    if operation.method == "GET":
        yield made(Purpose.HEAD, "HEAD", _with_method("HEAD", good))
    for method in OTHERS[operation.method]:
        yield made(Purpose.OTHER_METHOD, method, _with_method(method, good))
    if operation.takes_token:
        for what, headers in _without_token(good):
            yield made(
                Purpose.BAD, what, Request(method=good.method, url=url, headers=headers, content=good.content)
            )
    if operation.takes_form:
        for what, request in _bad_forms(operation, url, material):
            yield made(Purpose.BAD, what, request)
        large = _posted(
            url, {**material.form[operation.path], "padding": "x" * LARGEST_BODY}, material, operation
        )
        yield made(Purpose.LARGE, "a body of more than 64 KiB", large)


def _good(operation: Operation, url: str, material: Material) -> Request | None:
    if operation.takes_token and material.live is None:
        return None
    if not operation.takes_form:
        return Request(method="GET", url=url, headers=_credentials(operation, material))
    form = material.form.get(operation.path)
    return None if form is None else _posted(url, form, material, operation)


def _credentials(operation: Operation, material: Material) -> tuple[tuple[str, str], ...]:
    return tuple(material.credentials.items()) if operation.takes_token else ()


def _posted(
    url: str, form: Form | list[tuple[str, str]], material: Material, operation: Operation
) -> Request:
    headers = (("content-type", FORM), *_credentials(operation, material))
    return Request(method="POST", url=url, headers=headers, content=urlencode(form).encode())


def _with_method(method: str, request: Request) -> Request:
    content = b"" if method in {"GET", "HEAD"} else request.content
    return Request(method=method, url=request.url, headers=request.headers, content=content)


def _without_token(good: Request) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
    others = tuple(pair for pair in good.headers if pair[0] != "authorization")
    yield "a request without a license token", others
    yield "a request with a made-up license token", (*others, ("authorization", "Bearer made.up.token"))


def _bad_forms(operation: Operation, url: str, material: Material) -> Iterator[tuple[str, Request]]:
    """Make one fault at a time. The form is filled in anew for each: an accepted one may have used it up."""
    for name in operation.required:
        form = material.form[operation.path]
        left = {key: value for key, value in form.items() if key != name}
        yield f"a form without {name}", _posted(url, left, material, operation)
        repeated = [*form.items(), (name, form[name])]
        yield f"a form with {name} twice", _posted(url, repeated, material, operation)
    credentials = _credentials(operation, material)
    in_json = json.dumps(dict(material.form[operation.path])).encode()
    yield (
        "a form as JSON",
        Request(
            method="POST",
            url=url,
            headers=(("content-type", "application/json"), *credentials),
            content=in_json,
        ),
    )
    of_no_type = _posted(url, material.form[operation.path], material, operation).content
    yield "a form without its type", Request(method="POST", url=url, headers=credentials, content=of_no_type)
