"""Quirks of the verification page: who may see it, what its forms must prove, and what it shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qs, parse_qsl, urlencode

from starlette.responses import Response

from mock_authz.domain.organization import Administrator, Device
from mock_authz.quirks.bending import heard_at, moved_to, with_body, with_store
from mock_authz.quirks.lying_store import finding
from mock_authz.quirks.quirk import Wrap, at
from mock_authz.usecases import approvals
from mock_authz.usecases.context import Context
from mock_authz.usecases.listing import list_records
from mock_authz.web.login import Session
from mock_authz.web.visit import Visit

PAGE: Final = "/device"
REVIEW: Final = "/device/review"
DECISION: Final = "/device/decision"
NO_NONCE: Final = "0" * 32


def _shown(applies: Callable[[Visit, Response], bool], bend: Callable[[Response], Response]) -> Wrap:
    def wrap(show: Callable[[Visit, Response], Response]) -> Callable[[Visit, Response], Response]:
        def lying(visit: Visit, response: Response) -> Response:
            shown = show(visit, response)
            return bend(shown) if applies(visit, shown) else shown

        return lying

    return wrap


def _without(pattern: str, instead: str = "") -> Callable[[Response], Response]:
    """Take something out of a page's HTML."""

    def bend(response: Response) -> Response:
        html = re.sub(pattern, instead, bytes(response.body).decode(), flags=re.DOTALL)
        given = {name: value for name, value in response.headers.items() if name != "content-length"}
        bent = Response(html, response.status_code, given)
        bent.raw_headers += [pair for pair in response.raw_headers if pair[0] == b"set-cookie"][1:]
        return bent

    return bend


def _on(*paths: str) -> Callable[[Visit, Response], bool]:
    return lambda visit, _: visit.path in paths


def _in_frames(response: Response) -> Response:
    policy = response.headers.get("content-security-policy", "")
    response.headers["content-security-policy"] = policy.replace("frame-ancestors 'none'; ", "")
    del response.headers["x-frame-options"]
    return response


def _as_307(response: Response) -> Response:
    response.status_code = HTTPStatus.TEMPORARY_REDIRECT
    return response


def _somebody(context: Context, session: Session | None) -> Session | None:
    """Take who is not logged in for the first administrator."""
    people = list_records(context, Administrator)
    return session or (Session(people[0], NO_NONCE) if people else None)


def _confirmed(visit: Visit) -> Visit:
    """Take what is to be reviewed for what has been confirmed."""

    def decided(body: bytes) -> bytes:
        form = dict(parse_qsl(body.decode("latin-1")))
        return urlencode(
            {**form, "decision": "deny" if form.get("decision") == "deny" else "approve"}
        ).encode()

    return visit if visit.request.method != "POST" else with_body(moved_to(visit, DECISION), decided)


def _denied_by_opening(visit: Visit) -> Visit:
    """Deny the code of an address that is opened, in the first administrator's name."""
    entered = parse_qs(visit.request.scope["query_string"].decode("latin-1")).get("user_code")
    people = list_records(visit.context, Administrator)
    if entered and people:
        approvals.deny(visit.context, entered[0], administrator=people[0].username)
    return visit


def _of_all_organizations(visit: Visit) -> Visit:
    every = finding(Device, "organization", lambda store, sandbox, _: store.behind.every(sandbox, Device))
    return with_store(visit, every)


def _admitting(lie: Callable[[Any, Any], Any]) -> Wrap:
    return lambda admit: lambda seen, verdict: lie(seen, admit(seen, verdict))


PAGES: Final = (
    *at(
        "admit_session",
        (
            "nobody_logs_in",
            "verify.login-comes-first",
            "Who is not logged in passes for the first administrator.",
            _admitting(_somebody),
        ),
    ),
    *at(
        "admit_form",
        (
            "forged_form_accepted",
            "verify.csrf-refused",
            "A form without the page's own anti-forgery value is accepted.",
            _admitting(lambda _, __: True),
        ),
    ),
    *at(
        "hear",
        (
            "confirmation_skipped",
            "verify.confirmation-is-asked",
            "Authorize approves at once.",
            heard_at(REVIEW, _confirmed),
        ),
        (
            "opening_denies",
            "verify.opening-decides-nothing",
            "Opening verification_uri_complete denies the code.",
            heard_at(PAGE, _denied_by_opening),
        ),
        (
            "devices_of_all_organizations",
            "verify.devices-of-chosen-organization",
            "The page offers the devices of all organizations.",
            heard_at(PAGE, _of_all_organizations),
        ),
    ),
    *at(
        "show",
        (
            "decision_redirects_by_307",
            "verify.never-307",
            "The answer to a decision is a redirect with 307.",
            _shown(
                lambda visit, shown: visit.path == DECISION and shown.status_code == HTTPStatus.SEE_OTHER,
                _as_307,
            ),
        ),
        (
            "pages_in_frames",
            "verify.not-framed",
            "Pages may be framed by anybody.",
            _shown(lambda *_: True, _in_frames),
        ),
        (
            "page_without_field",
            "verify.page-asks-for-user-code verify.labels-of-the-guide",
            "The page has no field for the user code, unless one comes with the address.",
            _shown(_on(PAGE), _without(r'<input id="user_code"[^>]*value=""[^>]*>')),
        ),
        (
            "label_in_other_words",
            "verify.labels-of-the-guide",
            "The field for the user code is labelled User code.",
            _shown(_on(PAGE), _without(">UserCode<", ">User code<")),
        ),
        (
            "deny_not_offered",
            "verify.deny-is-offered",
            "The pages offer no denial.",
            _shown(_on(PAGE, REVIEW), _without(r'<button[^>]*value="deny"[^>]*>.*?</button>')),
        ),
        (
            "prefilled_code_hidden",
            "verify.prefilled-code-is-shown",
            "The page behind verification_uri_complete does not show the code.",
            _shown(_on(PAGE), _without(r'(name="user_code" value=")[^"]*', r"\1")),
        ),
        (
            "device_not_shown",
            "verify.device-is-shown",
            "The confirmation shows nothing of the device that asks.",
            _shown(
                _on(REVIEW), _without(r"(<h1>).*?(</h1>)|<dl.*?</dl>|<ul class.*?</ul>|<title>.*?</title>")
            ),
        ),
    ),
)
