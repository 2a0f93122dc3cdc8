"""One exchange of the protocol, around its handler: the form is read, faults strike, quirks bend, the journal notes it.

Knows nothing of what the endpoints do. The only place of the server that waits: a latency fault is in real time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any, Final

from starlette.requests import Request

from mock_authz import minting
from mock_authz.domain.device_grant import DeviceGrant
from mock_authz.domain.faults import Fault, FaultKind
from mock_authz.domain.license import License
from mock_authz.domain.refusals import InvalidRequest, Refusal
from mock_authz.oauth.reply import NO_STORE, Damage, Reply, refuse
from mock_authz.store.port import Exchange
from mock_authz.usecases import control, faults, keys
from mock_authz.usecases.context import Context
from mock_authz.usecases.faults import Exchanged
from mock_authz.web.problems import problem
from mock_authz.web.protocol import Endpoint, Form
from mock_authz.web.visit import (
    LARGEST_BODY,
    SAY_ENCODED,
    TAKES_IDENTITY,
    BodyTooLargeError,
    Visit,
    is_encoded,
    parse_form,
    read_body,
)

# The parameters that hold no credential. Of any other, a misspelt one too, nobody knows that it holds none.
PLAIN_PARAMETERS: Final = frozenset({"grant_type", "client_id", "scope", "token_type_hint"})
CREDENTIALS: Final = frozenset({"device_code", "access_token", "refresh_token", "id_token"})
TOKEN_STEPS: Final = {
    "urn:ietf:params:oauth:grant-type:device_code": "token:device_code",
    "refresh_token": "token:refresh",
}
HTML: Final = "text/html; charset=utf-8"
DAMAGES: Final = {
    FaultKind.LOST_REPLY: Damage.RESET,
    FaultKind.EMPTY_BODY: Damage.EMPTIED,
    FaultKind.TRUNCATED_BODY: Damage.TRUNCATED,
    FaultKind.GARBLED_BODY: Damage.GARBLED,
}
GONE: Final = problem(404, "sandbox_unknown", "The sandbox has gone while a fault held this request up.")
UNHEARD: Final = Reply(0, damage=Damage.RESET)


async def answer(visit: Visit, endpoint: Endpoint) -> Reply:
    """Answer one request of the protocol, as far as faults let it, and journal the exchange."""
    form: Form = {}
    reply = _preflight(visit, endpoint)
    if reply is None and endpoint.method == "POST":
        parsed = await _read_form(visit.request)
        if isinstance(parsed, Reply):
            reply = parsed
        else:
            form = parsed
    step = endpoint.step
    if step == "token":
        step = TOKEN_STEPS.get(form.get("grant_type", ""), step)
    striking = faults.strike(
        visit.context,
        Exchanged(step, lambda: _client_id(visit, form), lambda: _server_id(visit, form)),
    )
    reply = await _wait(visit, striking) or _unacted(striking) or reply
    reply = reply or visit.context.behaviour.respond(visit, form, endpoint.handler)
    reply = visit.context.behaviour.render(step, _with_cors(visit, endpoint, reply))
    reply = _spoilt(striking, reply)
    _journal(visit, step, form, reply, struck=tuple(fault.kind.value for fault in striking))
    return reply


# --- what comes before and after a handler ---


def _preflight(visit: Visit, endpoint: Endpoint) -> Reply | None:
    method = visit.request.method
    if method in endpoint.allowed:
        return None
    if method == "OPTIONS" and endpoint.cors and visit.context.settings.cors:
        offered = ", ".join(endpoint.allowed)
        return Reply(
            204, None, {"access-control-allow-methods": offered, "access-control-allow-headers": "*"}
        )
    refusal = InvalidRequest(f"Use {endpoint.method}.")
    return refuse(refusal, status=405, headers={"allow": ", ".join(endpoint.allowed)})


async def _read_form(request: Request) -> dict[str, str] | Reply:
    try:
        body = await read_body(request)
    except BodyTooLargeError:
        return refuse(InvalidRequest(f"The body may have {LARGEST_BODY} bytes at most."), status=413)
    if is_encoded(request):
        return refuse(InvalidRequest(SAY_ENCODED), status=415, headers=TAKES_IDENTITY)
    parsed = parse_form(request, body)
    return refuse(parsed) if isinstance(parsed, Refusal) else parsed


def _with_cors(visit: Visit, endpoint: Endpoint, reply: Reply) -> Reply:
    if not (endpoint.cors and visit.context.settings.cors):
        return reply
    return replace(reply, headers={**reply.headers, "access-control-allow-origin": "*"})


# --- faults ---


async def _wait(visit: Visit, striking: list[Fault]) -> Reply | None:
    """Let latencies pass. Meanwhile the sandbox may have gone, and then nobody may act in it."""
    milliseconds = sum(fault.latency_milliseconds for fault in striking)
    if not milliseconds:
        return None
    await asyncio.sleep(milliseconds / 1000)
    context = visit.context
    return GONE if control.find_sandbox(context.store, context.sandbox.name) is None else None


def _unacted(striking: list[Fault]) -> Reply | None:
    """Answer in the handler's place, if a fault keeps the request from it."""
    for fault in striking:
        if fault.kind in (FaultKind.OFFLINE, FaultKind.CONNECTION_RESET):
            return UNHEARD
        if fault.kind is FaultKind.STATUS:
            seconds = fault.retry_after_seconds
            headers = {} if seconds is None else {"retry-after": str(seconds)}
            detail = f"A fault of this sandbox, {fault.fault_id}, answers so."
            return problem(fault.status, "fault", detail, headers={**NO_STORE, **headers})
    return None


def _spoilt(striking: list[Fault], reply: Reply) -> Reply:
    """Spoil the answer to a request that was acted on."""
    for fault in striking:
        if fault.kind is FaultKind.WRONG_CONTENT_TYPE:
            return replace(reply, media_type=HTML)
        if (damage := DAMAGES.get(fault.kind)) is not None:
            return replace(reply, damage=damage)
    return reply


def _client_id(visit: Visit, form: Form) -> str | None:
    """Find the client that asks: by its name, or by the license token that it presents."""
    return form.get("client_id") or _claim(visit, form, "client_id")


def _server_id(visit: Visit, form: Form) -> str | None:
    """Find the device that asks, by the credential that it presents."""
    context, entropy = visit.context, visit.context.entropy
    name = context.sandbox.name
    if (named := entropy.read_credential("device_code", form.get("device_code", ""))) is not None:
        grant = context.store.get(name, DeviceGrant, named[0])
        return None if grant is None else grant.record.server_id
    presented = form.get("refresh_token") or form.get("token", "")
    if (named := entropy.read_credential("refresh_token", presented)) is not None:
        license_ = context.store.get(name, License, named[0])
        return None if license_ is None else license_.record.server_id
    return _claim(visit, form, "sub")


def _claim(visit: Visit, form: Form, name: str) -> str | None:
    bearer = visit.request.headers.get("authorization", "").partition(" ")[2].strip()
    presented = bearer or form.get("token", "")
    context = visit.context
    claims = minting.verify(presented, keys.list_keys(context), issuer=context.sandbox.issuer)
    return None if claims is None else str(claims.get(name))


# --- the journal ---


def _journal(visit: Visit, step: str, form: Form, reply: Reply, *, struck: tuple[str, ...]) -> None:
    context = visit.context
    context.store.note(
        context.sandbox.name,
        Exchange(
            at=context.now,
            step=step,
            method=visit.request.method,
            path=visit.path,
            status=reply.status,
            request=_fingerprinted(context, form, secret=form.keys() - PLAIN_PARAMETERS),
            response=_fingerprinted(context, reply.members or {}, secret=CREDENTIALS),
            faults=struck,
        ),
    )


def _fingerprinted(
    context: Context, members: Mapping[str, Any], *, secret: AbstractSet[str]
) -> dict[str, Any]:
    """Replace each credential by its fingerprint, which tells two apart and shows neither."""
    shown = dict(members)
    for name in secret & members.keys():
        shown[name] = f"fingerprint:{context.entropy.fingerprint(str(shown[name]))}"
    return shown
