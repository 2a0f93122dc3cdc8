"""What was sent and what came back, ready to be shown: headers, form and JSON in lines, license tokens taken apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from markupsafe import Markup

from authz_conformance.report.document import LONGEST_BODY
from authz_conformance.report.page.json_text import as_markup, of_value

# The bodies of exchanges that decided nothing; the JSON document has more of them.
LONGEST_ASIDE: Final = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A body.

    Attributes:
        cut: how many letters are shown, if not all.
    """

    shown: Markup | str
    kind: str
    cut: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A license token that an exchange holds, by the label that stands for it."""

    label: str
    header: Markup
    claims: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An exchange.

    Attributes:
        path: of the URL, for one line.
        answer: the status and what it is called, or why there was none.
        ok: whether the status is below 400.
    """

    number: int
    step: str
    at: int | None
    milliseconds: int
    method: str
    url: str
    path: str
    answer: str
    ok: bool
    answered: bool
    breaking: bool
    request_headers: Sequence[Sequence[str]]
    form: Sequence[Sequence[str]]
    sent: Body | None
    headers: Sequence[Sequence[str]]
    body: Body | None
    tokens: Sequence[Token]


def shown(exchange: Mapping[str, Any], rule: Mapping[str, Any]) -> Shown:
    """Show an exchange of a rule."""
    request, response = exchange["request"], exchange["response"]
    breaking = exchange["number"] == rule["exchange"]
    longest = LONGEST_BODY if breaking else LONGEST_ASIDE
    return Shown(
        number=exchange["number"],
        step=exchange["step"],
        at=exchange["at"],
        milliseconds=exchange["milliseconds"],
        method=request["method"],
        url=request["url"],
        path=path_of(request["url"]),
        answer=answer_of(exchange),
        ok=response is not None and response["status"] < HTTPStatus.BAD_REQUEST,
        answered=response is not None,
        breaking=breaking,
        request_headers=request["headers"],
        form=request.get("form", ()),
        sent=_body(request.get("body", ""), longest),
        headers=response["headers"] if response else (),
        body=_body(response["body"], longest) if response else None,
        tokens=[_token(label, parts) for label, parts in rule["tokens"].items() if _holds(exchange, label)],
    )


def path_of(url: str) -> str:
    """Give the path and the query of a URL; a server may have named any text as one."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "") if parts.netloc else url


def answer_of(exchange: Mapping[str, Any]) -> str:
    """Say in short what came back."""
    response = exchange["response"]
    if response is None:
        return str(exchange["failure"] or "no answer")
    status = response["status"]
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _body(text: str, longest: int) -> Body | None:
    if not text:
        return None
    is_cut = len(text) > longest or len(text) >= LONGEST_BODY
    laid_out = as_markup(text[:longest], cut=is_cut)
    return Body(
        shown=text[:longest] if laid_out is None else laid_out,
        kind="text" if laid_out is None else "json",
        cut=longest if is_cut else None,
    )


def _token(label: str, parts: Mapping[str, Any]) -> Token:
    return Token(label=label, header=of_value(parts["header"]), claims=of_value(parts["claims"]))


def _holds(exchange: Mapping[str, Any], label: str) -> bool:
    request, response = exchange["request"], exchange["response"]
    places = [request["url"], request.get("body", ""), response["body"] if response else ""]
    pairs = [*request["headers"], *request.get("form", ()), *(response["headers"] if response else ())]
    return any(label in place for place in [*places, *(value for _, value in pairs)])
