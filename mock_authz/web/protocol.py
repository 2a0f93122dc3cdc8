"""The protocol endpoints: call Authlib's server or one use case, and give its answer as a value.

One table maps a path below the issuer to its step, its methods and its handler. What surrounds a handler (reading the
form, faults, the journal) is in exchange.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mock_authz.domain.organization import Device
from mock_authz.domain.refusals import InvalidRequest, InvalidToken
from mock_authz.oauth.metadata import metadata
from mock_authz.oauth.reply import NO_STORE, Reply, refuse
from mock_authz.oauth.server import LicenseAuthorizationServer, OAuthCall
from mock_authz.usecases import keep, keys
from mock_authz.usecases.keep import Caller
from mock_authz.web.problems import problem
from mock_authz.web.visit import Visit

SERVER: Final = LicenseAuthorizationServer()
Form = Mapping[str, str]
Handler = Callable[[Visit, Form], Reply]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One path of the protocol.

    Attributes:
        step: its name in the journal and for faults.
        cors: whether the `cors` setting opens it to browsers.
    """

    step: str
    method: str
    handler: Handler
    cors: bool = False

    @property
    def allowed(self) -> tuple[str, ...]:
        """The methods offered: HEAD wherever GET is (RFC 9110 9.3.2)."""
        return ("GET", "HEAD") if self.method == "GET" else (self.method,)


# --- handlers ---


def _metadata(visit: Visit, _: Form) -> Reply:
    return Reply(200, metadata(visit.context.sandbox.issuer))


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
    listed = [_server(device) for device in keep.list_servers(visit.context, caller)]
    return Reply(200, {"servers": listed}, NO_STORE)


def _one_server(visit: Visit, _: Form) -> Reply:
    caller = _caller(visit)
    if not isinstance(caller, Caller):
        return caller
    found = keep.find_server(visit.context, caller, visit.path.removeprefix("/servers/"))
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


METADATA: Final = Endpoint("metadata", "GET", _metadata, cors=True)
ENDPOINTS: Final[dict[str, Endpoint]] = {
    "/token": Endpoint("token", "POST", _token, cors=True),
    "/device_authorization": Endpoint("device_authorization", "POST", _device_authorization),
    "/jwks": Endpoint("jwks", "GET", _jwks, cors=True),
    "/revoke": Endpoint("revoke", "POST", _revoke),
    "/introspect": Endpoint("introspect", "POST", _introspect),
    "/license": Endpoint("license", "GET", _license),
    "/servers": Endpoint("servers", "GET", _servers),
    "/.well-known/oauth-authorization-server": METADATA,
    "/.well-known/openid-configuration": METADATA,
}
ONE_SERVER: Final = Endpoint("servers", "GET", _one_server)


def find_endpoint(path: str) -> Endpoint | None:
    """Find the endpoint of a path below the issuer."""
    endpoint = ENDPOINTS.get(path)
    if endpoint is None and path.startswith("/servers/") and path.count("/") == len("//"):
        return ONE_SERVER
    return endpoint
