"""What answers at the endpoints of the protocol, but for metadata: Authlib's server or one use case, its answer as a value.

Loaded with the first request that needs one of them, and Authlib with it: a server that starts does without.
"""

from __future__ import annotations

from typing import Any, Final

from mock_authz.domain.organization import Device
from mock_authz.domain.refusals import InvalidRequest, InvalidToken
from mock_authz.oauth.reply import NO_STORE, Reply, refuse
from mock_authz.oauth.server import LicenseAuthorizationServer, OAuthCall
from mock_authz.usecases import keep, keys
from mock_authz.usecases.keep import Caller
from mock_authz.web.problems import problem
from mock_authz.web.protocol import ALL_SERVERS, ONE_SERVER_PREFIX, Form, Handler
from mock_authz.web.visit import Visit

SERVER: Final = LicenseAuthorizationServer()


def _jwks(visit: Visit, _: Form) -> Reply:
    return Reply(200, keys.jwks(visit.context))


def _oauth_call(visit: Visit, form: Form) -> OAuthCall:
    return OAuthCall(visit.context, form=form, headers=visit.request.headers)


def _token(visit: Visit, form: Form) -> Reply:
    if "grant_type" not in form:
        return refuse(InvalidRequest("The parameter grant_type is missing."))
    reply: Reply = SERVER.create_token_response(_oauth_call(visit, form))
    return reply


def _device_authorization(visit: Visit, form: Form) -> Reply:
    reply: Reply = SERVER.create_endpoint_response("device_authorization", _oauth_call(visit, form))
    return reply


def _revoke(visit: Visit, form: Form) -> Reply:
    reply: Reply = SERVER.create_endpoint_response("revocation", _oauth_call(visit, form))
    return reply


def _introspect(visit: Visit, form: Form) -> Reply:
    caller = _caller(visit)
    if not isinstance(caller, Caller):
        return caller
    if "token" not in form:
        return refuse(InvalidRequest("The parameter token is missing."))
    return Reply(200, keep.introspect(visit.context, caller, presented=form["token"]), NO_STORE)


def _license(visit: Visit, _: Form) -> Reply:
    caller = _caller(visit)
    if not isinstance(caller, Caller):
        return caller
    return Reply(200, keep.show_license(visit.context, caller), NO_STORE)


def _servers(visit: Visit, _: Form) -> Reply:
    caller = _caller(visit)
    if not isinstance(caller, Caller):
        return caller
    if visit.path != ALL_SERVERS:
        return _one_server(visit, caller)
    listed = [_server(device) for device in keep.list_servers(visit.context, caller)]
    return Reply(200, {"servers": listed}, NO_STORE)


def _one_server(visit: Visit, caller: Caller) -> Reply:
    found = keep.find_server(visit.context, caller, visit.path.removeprefix(ONE_SERVER_PREFIX))
    if isinstance(found, Device):
        return Reply(200, _server(found), NO_STORE)
    return problem(404, "not_found", found.description, headers=NO_STORE)


def _server(device: Device) -> dict[str, Any]:
    return {
        "server_id": device.server_id,
        "name": device.name,
        "edition": device.edition.value,
        "url": device.url,
    }


def _caller(visit: Visit) -> Caller | Reply:
    """Admit the bearer of a live license token (RFC 6750 2.1, 3)."""
    sent = visit.request.headers.getlist("authorization")
    if len(sent) > 1:
        return refuse(InvalidRequest("Send one Authorization header."))
    scheme, _, credentials = sent[0].partition(" ") if sent else ("", "", "")
    # RFC 6750 3.1: where nothing was sent, the challenge names no error.
    if scheme.lower() != "bearer" or not credentials.strip():
        members = {"error_description": "A license token is needed, as Authorization: Bearer."}
        return Reply(401, members, {**NO_STORE, "www-authenticate": 'Bearer realm="mock-authz"'})
    answer = keep.authenticate(visit.context, credentials.strip())
    return answer if isinstance(answer, Caller) else _challenge(answer)


def _challenge(refusal: InvalidToken) -> Reply:
    challenge = (
        f'Bearer realm="mock-authz", error="{refusal.error}", error_description="{refusal.description}"'
    )
    return refuse(refusal, status=401, headers={"www-authenticate": challenge})


# By step.
HANDLERS: Final[dict[str, Handler]] = {
    "token": _token,
    "device_authorization": _device_authorization,
    "jwks": _jwks,
    "revoke": _revoke,
    "introspect": _introspect,
    "license": _license,
    "servers": _servers,
}
