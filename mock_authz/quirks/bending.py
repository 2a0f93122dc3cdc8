"""How quirks bend what goes over the wire: requests as they are heard, answers as they are given. No quirk stands here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request
from starlette.types import Message

from mock_authz.domain.device_grant import DeviceGrant
from mock_authz.domain.license import License
from mock_authz.oauth.reply import Reply
from mock_authz.quirks.quirk import Wrap, wrapped
from mock_authz.store.port import R
from mock_authz.usecases.keys import list_keys
from mock_authz.web.visit import FORM, Visit, read_body

Form = Mapping[str, str]
Handle = Callable[[Visit, Form], Reply]
DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"
POLL: Final = "token:device_code"
REFRESH: Final = "token:refresh"
TOKEN_STEPS: Final = (POLL, REFRESH)


# --- answers ---


def rendered(steps: str | tuple[str, ...], bend: Callable[[Reply], Reply]) -> Wrap:
    """Wrap `render`: bend the answers of some steps."""
    named = (steps,) if isinstance(steps, str) else steps

    def wrap(render: Callable[[str, Reply], Reply]) -> Callable[[str, Reply], Reply]:
        return lambda step, reply: (bend if step in named else _as_it_is)(render(step, reply))

    return wrap


def _as_it_is(reply: Reply) -> Reply:
    return reply


def members(**changed: Any) -> Callable[[Reply], Reply]:
    """Set members of an answer. A function gets the present value; None takes the member out."""

    def bend(reply: Reply) -> Reply:
        shown = dict(reply.members or {})
        for name, value in changed.items():
            shown[name] = value(shown.get(name)) if callable(value) else value
        return replace(reply, members={name: value for name, value in shown.items() if value is not None})

    return bend


def headers(**changed: str | None) -> Callable[[Reply], Reply]:
    """Set headers of an answer, with `_` for `-`; None takes one out."""
    spelled = {name.replace("_", "-"): value for name, value in changed.items()}

    def bend(reply: Reply) -> Reply:
        left = {name: value for name, value in reply.headers.items() if name not in spelled}
        return replace(
            reply,
            headers={**left, **{name: value for name, value in spelled.items() if value is not None}},
        )

    return bend


def status(code: int) -> Callable[[Reply], Reply]:
    """Give another status."""
    return lambda reply: replace(reply, status=code)


def when(applies: Callable[[Reply], bool], bend: Callable[[Reply], Reply]) -> Callable[[Reply], Reply]:
    """Bend only the answers of which something holds."""
    return lambda reply: bend(reply) if applies(reply) else reply


def granted(reply: Reply) -> bool:
    """Say whether the answer is a success."""
    return reply.status == HTTPStatus.OK


def refused(error: str | None = None, *, reason: str | None = None) -> Callable[[Reply], bool]:
    """Say whether the answer is a refusal: any, or one with this error and reason."""

    def applies(reply: Reply) -> bool:
        said = reply.members or {}
        fits = error in (None, said.get("error")) and reason in (None, said.get("reason"))
        return reply.status >= HTTPStatus.BAD_REQUEST and fits

    return applies


# --- between request and handler ---


def responding(lie: Callable[[Visit, Form, Handle], Reply | None]) -> Wrap:
    """Wrap `respond`: None leaves the request to its handler."""

    def wrap(respond: Callable[[Visit, Form, Handle], Reply]) -> Callable[[Visit, Form, Handle], Reply]:
        def lying(visit: Visit, form: Form, handle: Handle) -> Reply:
            def plainly(seen: Visit, filled: Form) -> Reply:
                return respond(seen, filled, handle)

            return lie(visit, form, plainly) or plainly(visit, form)

        return lying

    return wrap


Applies = Callable[[Visit, Form], bool]


def form_seen(applies: Applies, change: Callable[[Visit, Form], Form]) -> Wrap:
    """Wrap `respond`: answer another form than the one that came."""

    def lie(visit: Visit, form: Form, handle: Handle) -> Reply | None:
        return handle(visit, change(visit, form)) if applies(visit, form) else None

    return responding(lie)


def reply_given(applies: Applies, bend: Callable[[Reply], Reply]) -> Wrap:
    """Wrap `respond`: bend the answers to some requests."""

    def lie(visit: Visit, form: Form, handle: Handle) -> Reply | None:
        return bend(handle(visit, form)) if applies(visit, form) else None

    return responding(lie)


def path(*paths: str) -> Applies:
    """Say whether a request goes to one of these paths."""
    return lambda visit, _: visit.path in paths


def polls(visit: Visit, form: Form) -> bool:
    """Say whether a request is a poll."""
    return visit.path == "/token" and form.get("grant_type") == DEVICE_CODE


def refreshes(visit: Visit, form: Form) -> bool:
    """Say whether a request is a refresh."""
    return visit.path == "/token" and form.get("grant_type") == "refresh_token"


def with_parameter(applies: Applies, name: str) -> Applies:
    """Add that a parameter came."""
    return lambda visit, form: applies(visit, form) and name in form


def without_parameter(applies: Applies, name: str) -> Applies:
    """Add that a parameter did not come."""
    return lambda visit, form: applies(visit, form) and name not in form


def filled(**values: str) -> Callable[[Visit, Form], Form]:
    """Fill parameters in."""
    return lambda _, form: {**form, **values}


# --- what a request is about ---


def load(visit: Visit, kind: type[R], record_id: str) -> R | None:
    """Load a record as it is now."""
    stored = visit.context.store.get(visit.context.sandbox.name, kind, record_id)
    return None if stored is None else stored.record


def grant_of(visit: Visit, form: Form) -> DeviceGrant | None:
    """Find the grant of the device_code that was presented."""
    named = visit.context.entropy.read_credential("device_code", form.get("device_code", ""))
    return None if named is None else load(visit, DeviceGrant, named[0])


def generation_of(visit: Visit, form: Form) -> int | None:
    """Read the generation of the refresh token that was presented."""
    named = visit.context.entropy.read_credential("refresh_token", _presented(form))
    return None if named is None else named[1]


def claims_of(visit: Visit, presented: str) -> dict[str, Any] | None:
    """Read a license token of ours, whatever its times."""
    return visit.context.minting.verify(
        presented, list_keys(visit.context), issuer=visit.context.sandbox.issuer
    )


def license_of(visit: Visit, form: Form) -> License | None:
    """Find the license of the refresh token or license token that was presented."""
    named = visit.context.entropy.read_credential("refresh_token", _presented(form))
    if named is not None:
        return load(visit, License, named[0])
    claims = claims_of(visit, _presented(form))
    return None if claims is None else load(visit, License, str(claims["jti"]).partition(".")[0])


def _presented(form: Form) -> str:
    return form.get("refresh_token") or form.get("token", "")


def owned(visit: Visit, form: Form) -> Form:
    """Fill in the client that the presented code or token belongs to."""
    owner = grant_of(visit, form) or license_of(visit, form)
    return form if owner is None else {**form, "client_id": owner.client_id}


def is_foreign(visit: Visit, form: Form) -> bool:
    """Say whether a registered client presents what belongs to another one."""
    owner, client_id = owned(visit, form).get("client_id"), form.get("client_id", "")
    known = visit.context.behaviour.find_client(visit.context, client_id)
    return owner != client_id and known is not None


# --- requests ---


def hearing(lie: Callable[[Visit], Visit]) -> Wrap:
    """Wrap `hear`."""
    return lambda hear: lambda visit: lie(hear(visit))


def heard_at(applies: str | tuple[str, ...], lie: Callable[[Visit], Visit]) -> Wrap:
    """Wrap `hear` for some paths; one that ends with `/` stands for all below it."""
    paths = (applies,) if isinstance(applies, str) else applies

    def fits(visit: Visit) -> bool:
        return any(visit.path == one or (one[-1] == "/" and visit.path.startswith(one)) for one in paths)

    return hearing(lambda visit: lie(visit) if fits(visit) else visit)


def lied_to(seam: str, wrap: Wrap) -> Callable[[Visit], Visit]:
    """Wrap another seam, for one request."""

    def lie(visit: Visit) -> Visit:
        context = visit.context
        return replace(visit, context=replace(context, behaviour=wrapped(context.behaviour, seam, wrap)))

    return lie


def with_store(visit: Visit, wrap: Wrap) -> Visit:
    """Give one request another store."""
    return replace(visit, context=replace(visit.context, store=wrap(visit.context.store)))


def with_settings(visit: Visit, **changes: Any) -> Visit:
    """Show one request other settings."""
    context = visit.context
    settings = replace(context.settings, **changes)
    return replace(visit, context=replace(context, sandbox=replace(context.sandbox, settings=settings)))


def with_body(visit: Visit, bend: Callable[[bytes], bytes]) -> Visit:
    """Bend the body of one request."""

    async def receive() -> Message:
        body = await read_body(visit.request)
        return {"type": "http.request", "body": bend(body), "more_body": False}

    return replace(visit, request=Request(visit.request.scope, receive))


def with_headers(visit: Visit, **changed: str | None) -> Visit:
    """Set headers of one request; None takes one out."""
    left = [
        pair for pair in visit.request.scope["headers"] if pair[0].decode().replace("-", "_") not in changed
    ]
    spelled = [
        (name.replace("_", "-").encode(), value.encode())
        for name, value in changed.items()
        if value is not None
    ]
    return _with_scope(visit, headers=[*left, *spelled])


def as_post(visit: Visit) -> Visit:
    """Take a GET for the POST of a form that its query holds."""
    if visit.request.method != "GET":
        return visit
    query: bytes = visit.request.scope["query_string"]
    posted = with_headers(_with_scope(visit, method="POST"), content_type=FORM)
    return with_body(posted, lambda _: query)


def moved_to(visit: Visit, to: str) -> Visit:
    """Take a request for one to another path below the issuer."""
    moved = str(visit.request.scope["path"]).removesuffix(visit.path) + to
    return replace(_with_scope(visit, path=moved), path=to)


def _with_scope(visit: Visit, **changes: Any) -> Visit:
    scope = {**visit.request.scope, **changes}
    return replace(visit, request=Request(scope, visit.request.receive))
