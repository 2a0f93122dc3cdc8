"""Holds one answer against openapi.yaml, and says which rule of the contract it breaks: the first that it meets.

What follows from a fault is not counted again: of an undocumented status, nothing else is documented either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests
from schemathesis import Response
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from authz_conformance.contract.cases import Case
from authz_conformance.contract.survey import Rules
from authz_conformance.exchange import Exchange
from authz_conformance.expectations import ANY_SUCCESS

CHECKS: Mapping[CheckFunction, Rules] = {
    not_a_server_error: Rules.SERVER_ERROR,
    status_code_conformance: Rules.STATUS,
    content_type_conformance: Rules.TYPE,
    response_schema_conformance: Rules.BODY,
    response_headers_conformance: Rules.HEADERS,
    negative_data_rejection: Rules.BAD_REQUEST,
}
# Of the built-in checks of schemathesis, these settle no rule.
LEFT_OUT = {
    "positive_data_acceptance": (
        "a client_id, code or token of the right form is refused unless it is registered or was given out"
    ),
    "unsupported_method": "the kit sends other methods to every place by itself, and asks for Allow as well",
    "allow_header_conformance": "it looks at OPTIONS alone, which is for preflights here",
    "missing_required_header": "no operation has a required header but Authorization",
    "ignored_auth": "the kit leaves the license token out by itself; the check would send requests that nobody records",
    "object_level_authorization": "it needs two identities; the rules of the profile license have them",
    "use_after_free": "no operation of the contract deletes what another one shows",
    "ensure_resource_availability": "no operation of the contract creates what another one shows",
}
MOST_WORDS = 400


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A rule that an answer breaks, and how."""

    rule: Rules
    wanted: str
    found: str


def judged(case: Case, exchange: Exchange) -> Iterator[Broken]:
    """Judge an answer.

    Args:
        case: What was sent, with what schemathesis knows of it; a blank one if the request was made by hand.
        exchange: With an answer.
    """
    label, response = label_of(case), _response(exchange)
    if _failures(not_a_server_error, case, response):
        yield Broken(rule=Rules.SERVER_ERROR, wanted=f"{label} answered below 500", found=exchange.said)
        return
    if _failures(status_code_conformance, case, response):
        documented = ", ".join(case.operation.responses.status_codes)
        yield Broken(
            rule=Rules.STATUS,
            wanted=f"{label} answered with a documented status ({documented})",
            found=exchange.said,
        )
        return
    yield from _of_acceptance(case, exchange, response)
    yield from _of_content(case, exchange, response)
    for failure in _failures(response_headers_conformance, case, response)[:1]:
        wanted = f"{_answer(label, exchange)} with the headers of the contract"
        yield Broken(rule=Rules.HEADERS, wanted=wanted, found=_words(failure))


def _of_acceptance(case: Case, exchange: Exchange, response: Response) -> Iterator[Broken]:
    if exchange.status in ANY_SUCCESS and _failures(negative_data_rejection, case, response):
        yield Broken(
            rule=Rules.BAD_REQUEST,
            wanted=f"{label_of(case)} to refuse a request that breaks the contract",
            found=exchange.said,
        )


def _of_content(case: Case, exchange: Exchange, response: Response) -> Iterator[Broken]:
    answer = _answer(label_of(case), exchange)
    types = case.operation.schema.get_content_types(case.operation, response)
    if not types and exchange.content:
        yield Broken(rule=Rules.TYPE, wanted=f"{answer} without a body", found=_type(exchange))
    elif _failures(content_type_conformance, case, response):
        yield Broken(rule=Rules.TYPE, wanted=f"{answer} as {' or '.join(types)}", found=_type(exchange))
    else:
        for failure in _failures(response_schema_conformance, case, response)[:1]:
            yield Broken(rule=Rules.BODY, wanted=f"{answer} to fit its schema", found=_words(failure))


def label_of(case: Case) -> str:
    """Name the operation of a case."""
    return str(case.operation.label)


def _answer(label: str, exchange: Exchange) -> str:
    return f"the {exchange.status} of {label}"


def _type(exchange: Exchange) -> str:
    return exchange.header("content-type") or "a body without a type"


def _failures(check: CheckFunction, case: Case, response: Response) -> list[Failure]:
    try:
        case.validate_response(response, checks=[check])
    except FailureGroup as group:
        return list(group.exceptions)
    return []


def _words(failure: Failure) -> str:
    """Say in a few words what schemathesis found: what stands above the schema that it prints."""
    text = " ".join(failure.message.partition("\n\nSchema")[0].split()).partition(" Validated against")[0]
    return text if len(text) <= MOST_WORDS else f"{text[:MOST_WORDS]}…"


def _response(exchange: Exchange) -> Response:
    headers: dict[str, list[str]] = {}
    for name, value in exchange.headers:
        headers.setdefault(name.lower(), []).append(value)
    sent = requests.Request(
        exchange.method, exchange.url, headers=dict(exchange.request_headers), data=exchange.sent
    )
    status: Any = exchange.status
    return Response(
        status_code=status,
        headers=headers,
        content=exchange.content,
        request=sent.prepare(),
        elapsed=exchange.milliseconds / 1000,
        verify=True,
        encoding="utf-8",
    )
