"""Answers requests for the test bench page: lets in, shows, takes forms, and hands files out.

The rules of the control API hold here too. Every form is bound to the browser that it was made for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from mock_authz import clock as clocks
from mock_authz.clock import ClockMode
from mock_authz.domain.faults import STEPS
from mock_authz.domain.refusals import InvalidRequest
from mock_authz.oauth.reply import JSON, Reply
from mock_authz.sandbox import DEFAULT
from mock_authz.usecases import control
from mock_authz.web import assets
from mock_authz.web.bench import journal, snapshots
from mock_authz.web.bench_page import axis
from mock_authz.web.bench_page.actions import BUTTONS, Order, carry_out
from mock_authz.web.bench_page.door import Door, Guard, csrf_token_of
from mock_authz.web.bench_page.views import FIT, MOST_DEVICES, MOVED, gather, version_of, wish_of
from mock_authz.web.bench_page.words import FAULTS
from mock_authz.web.desk import Desk, Place, look
from mock_authz.web.login import fresh_nonce, is_foreign
from mock_authz.web.page import HEADERS, environment
from mock_authz.web.page_views import EDITION_LABELS
from mock_authz.web.rest import Call
from mock_authz.web.visit import SAY_ENCODED, BodyTooLargeError, is_encoded, parse_form, read_body

PREFIX: Final = "/_control/ui"
# As the other pages', and one script of our own that fetches this page again.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self' data:; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
PAGE_HEADERS: Final = {**HEADERS, "content-security-policy": POLICY}
# Of what an address says, this much is said back.
MOST_OF_A_NAME: Final = 100
DOWNLOADS: Final = {"har": journal.export_har, "export": snapshots.export}
SAY_REMOTE: Final = (
    "From other machines, the test bench needs a token. Start the server with --control-token, or open this page on the "
    "machine that the server runs on."
)


@dataclass(frozen=True, slots=True)
class _Visit:
    """One request.

    Attributes:
        path: below `PREFIX`, without slashes at its ends.
    """

    door: Door
    desk: Desk
    path: str

    @property
    def request(self) -> Request:
        return self.door.request

    @property
    def is_post(self) -> bool:
        return self.request.method == "POST"


async def answer(request: Request, path: str, desk: Desk, guard: Guard) -> Response:
    """Answer one request for a path below `PREFIX`."""
    visit = _Visit(Door(request, guard), desk, path.removeprefix(PREFIX).strip("/"))
    response = await _answer(visit)
    if request.method == "HEAD":
        response.body = b""
    return response


async def _answer(visit: _Visit) -> Response:
    if visit.request.method not in ("GET", "HEAD", "POST"):
        headers = {"allow": "GET, HEAD, POST"}
        return _refuse(
            visit, 405, "Method not allowed", "This page offers GET, HEAD and POST.", headers=headers
        )
    if visit.path.startswith(assets.PREFIX.strip("/") + "/") and not visit.is_post:
        found = assets.serve_asset(visit.request, f"/{visit.path}")
        return found or _refuse(visit, 404, "Page not found", "There is no such file.")
    if visit.door.is_shut():
        return _refuse(visit, 403, "Not from here", SAY_REMOTE)
    form: Mapping[str, str] = {}
    if visit.is_post:
        read = await _read_form(visit)
        if isinstance(read, Response):
            return read
        form = read
    if visit.path in ("login", "logout"):
        return _log_in_or_out(visit, form)
    if not visit.door.is_open():
        return _render(visit, "bench/login.html", status=401, error=None)
    return _inside(visit, form)


async def _read_form(visit: _Visit) -> Mapping[str, str] | Response:
    try:
        body = await read_body(visit.request)
    except BodyTooLargeError:
        return _refuse(visit, 413, "Form too large", "No form of this page is as large as that.")
    if is_encoded(visit.request):
        return _refuse(visit, 415, "Form not understood", SAY_ENCODED)
    form = parse_form(visit.request, body)
    if isinstance(form, InvalidRequest):
        return _refuse(visit, 400, "Form not understood", form.description)
    if is_foreign(visit.request, visit.door.guard.base_url):
        return _forged(visit)
    return form


def _log_in_or_out(visit: _Visit, form: Mapping[str, str]) -> Response:
    if not visit.is_post:
        return _lead_to(PREFIX)
    if visit.path == "logout":
        return _lead_to(PREFIX, visit.door.logout())
    if not visit.door.admits(form.get("control_token", "")):
        error = "This is not the control token. The server printed it at its start."
        return _render(visit, "bench/login.html", status=403, error=error)
    return _lead_to(PREFIX, visit.door.login())


def _inside(visit: _Visit, form: Mapping[str, str]) -> Response:
    if not visit.path:
        return _choose(visit)
    name, _, below = visit.path.partition("/")
    place = look(visit.desk, name)
    if place is None:
        return _refuse(
            visit, 404, "There is no such sandbox", f"It may have been deleted: {name[:MOST_OF_A_NAME]}"
        )
    if visit.is_post:
        return _carry_out(visit, place, below, form)
    if below in DOWNLOADS:
        return _download(visit, place, below)
    return _follow(visit, place) if not below else _not_found(visit)


def _follow(visit: _Visit, place: Place) -> Response:
    """Show the page, or say that it is as it was (RFC 9110 13.1.2): its script asks again each second."""
    query = visit.request.query_params
    done = query.get("done", "")
    tag = f'"{version_of(place, wish_of(query))}-{done if done in BUTTONS else ""}"'
    if visit.request.headers.get("if-none-match") == tag and visit.door.nonce() is not None:
        return Response(None, 304, {**PAGE_HEADERS, "etag": tag})
    response = _show(visit, place)
    response.headers["etag"] = tag
    return response


def _choose(visit: _Visit) -> Response:
    if visit.is_post:
        return _not_found(visit)
    real_at = clocks.real_now()
    control.sweep(visit.desk.store, real_at=real_at)
    found = control.list_sandboxes(visit.desk.store)
    sandboxes = sorted(found, key=lambda one: one.name != DEFAULT)
    shown = [{"sandbox": one, "now": one.clock.now(real_at)} for one in sandboxes]
    return _render(visit, "bench/choose.html", sandboxes=shown)


def _carry_out(visit: _Visit, place: Place, name: str, form: Mapping[str, str]) -> Response:
    button = BUTTONS.get(name)
    if button is None:
        return _not_found(visit)
    if not visit.door.is_bound(place.sandbox, form.get("csrf_token", "")):
        return _forged(visit)
    before = _last_line(place)
    refusal = carry_out(button.act, Order(visit.request, place, form))
    after = look(visit.desk, place.sandbox.name)
    if refusal is not None or after is None:
        return _show(visit, after or place, status=409, refusal=refusal, section=button.section)
    changes = {"done": name, **({MOVED: f"{before}-{_last_line(after)}"} if name == "move" else {})}
    query = wish_of(visit.request.query_params).query(**changes)
    return _lead_to(f"{PREFIX}/{place.sandbox.name}{query}#{button.section}")


def _last_line(place: Place) -> int:
    last = place.context.store.journal(place.sandbox.name)[-1:]
    return last[0].sequence if last else 0


def _download(visit: _Visit, place: Place, what: str) -> Response:
    reply: Reply = DOWNLOADS[what](Call(visit.request), place)
    file_name = f"{place.sandbox.name}.{'har' if what == 'har' else 'json'}"
    headers = {**HEADERS, "content-disposition": f'attachment; filename="{file_name}"'}
    return Response(json.dumps(reply.members, ensure_ascii=False), reply.status, headers, JSON)


def _show(
    visit: _Visit, place: Place, *, status: int = 200, refusal: str | None = None, section: str | None = None
) -> Response:
    nonce = visit.door.nonce() or fresh_nonce()
    wish = wish_of(visit.request.query_params)
    done = BUTTONS.get(visit.request.query_params.get("done", ""))
    response = _render(
        visit,
        "bench/bench.html",
        status=status,
        bench=gather(place, wish),
        wish=wish,
        sandbox=place.sandbox,
        now=place.context.now,
        is_frozen=place.sandbox.clock.mode is ClockMode.FROZEN,
        mode=place.sandbox.clock.mode.value,
        csrf_token=csrf_token_of(place.sandbox, nonce),
        notice=None if done is None or refusal is not None else done.done,
        refusal=refusal,
        section=section,
        spans={FIT: "Fit", **{name: label for name, (label, _) in axis.SPANS.items()}},
        here=f"{PREFIX}/{place.sandbox.name}",
        most_devices=MOST_DEVICES,
        fault_kinds=FAULTS,
        steps=STEPS,
        editions=EDITION_LABELS,
    )
    if visit.door.nonce() is None:
        response.headers.append("set-cookie", visit.door.bind(nonce))
    return response


def _render(visit: _Visit, template: str, *, status: int = 200, **values: Any) -> Response:
    shared = {
        "prefix": PREFIX,
        "asset": lambda name: PREFIX + assets.asset_path(name),
        "is_logged_in": visit.door.guard.control_token is not None and visit.door.is_open(),
        "query_string": urlencode,
    }
    html = environment().get_template(template).render({**shared, **values})
    return Response(html, status, PAGE_HEADERS, "text/html")


def _lead_to(address: str, *cookies: str) -> Response:
    response = Response(None, 303, {**PAGE_HEADERS, "location": address})
    for cookie in cookies:
        response.headers.append("set-cookie", cookie)
    return response


def _refuse(
    visit: _Visit, status: int, title: str, detail: str, *, headers: Mapping[str, str] | None = None
) -> Response:
    response = _render(visit, "bench/refused.html", status=status, title=title, detail=detail)
    response.headers.update(headers or {})
    return response


def _not_found(visit: _Visit) -> Response:
    return _refuse(visit, 404, "Page not found", "There is no page at this address.")


def _forged(visit: _Visit) -> Response:
    return _refuse(
        visit,
        403,
        "This form cannot be accepted",
        "It did not come from a page of this server, or cookies are not allowed for this address. Nothing was changed. "
        "Open the page again and repeat what you did.",
    )
