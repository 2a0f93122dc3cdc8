"""Our Authorization server on Authlib's: it dispatches by grant, authenticates the client, renders errors.

Each grant and endpoint calls exactly one use case; Authlib's own query, save and revoke hooks are not used, for they
are no transaction. Its pieces that read the wall clock or answer otherwise than protocol.md are overridden whole.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AuthorizationServer, BaseGrant, ClientAuthentication, TokenEndpointMixin
from authlib.oauth2.rfc6749.errors import (
    InvalidClientError,
    InvalidRequestError,
    UnsupportedGrantTypeError,
)
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload, OAuth2Request
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc8628 import DEVICE_CODE_GRANT_TYPE, DeviceAuthorizationEndpoint

from mock_authz.domain.organization import Client
from mock_authz.domain.refusals import Refusal
from mock_authz.oauth.reply import NO_STORE, Reply
from mock_authz.usecases import acquire, keep
from mock_authz.usecases.context import Context
from mock_authz.usecases.tokens import IssuedTokens

# RFC 8628 5.6: device clients are public, so no client can keep a secret.
PUBLIC: Final = ["none"]
RESPONSE_HEADERS: Final = [("Content-Type", "application/json"), *NO_STORE.items()]
_NO_CREDENTIALS: Final = "Clients of this server are public and send no credentials."


class OAuthCall(OAuth2Request):
    """One request to an OAuth endpoint, with the context that its use case needs.

    Authlib's own constructor refuses plain http off loopback, outside its error handling: not called here.
    Deviation: http issuers on loopback or on hosts declared for development (protocol.md, "Endpoints").
    """

    def __init__(self, context: Context, *, form: Mapping[str, str], headers: Mapping[str, str]) -> None:
        self.context = context
        self.method = "POST"
        self.headers = headers
        self.payload = BasicOAuth2Payload(dict(form))
        self.client = None
        self.auth_method = None
        self._scope = None

    @property
    def form(self) -> dict[str, str]:
        """The parameters; none comes twice, none is empty."""
        form: dict[str, str] = self.payload.data
        return form

    def required(self, name: str) -> str:
        """Give a parameter, or refuse the request for want of it."""
        value = self.form.get(name)
        if value is None:
            raise InvalidRequestError(f"The parameter {name} is missing.")
        return value


class PublicClient:
    """A registered client as Authlib wants to see it."""

    def __init__(self, client: Client) -> None:
        self.client_id = client.client_id

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Every client is public at every endpoint."""
        del endpoint
        return method in PUBLIC


class RefusedError(OAuth2Error):
    """A refusal of a use case, on its way through Authlib's error rendering."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(description=refusal.description, error=refusal.error)
        self.reason = refusal.reason

    def get_body(self) -> list[tuple[str, str]]:
        """Add `reason` for programs."""
        body: list[tuple[str, str]] = super().get_body()
        return body if self.reason is None else [*body, ("reason", self.reason)]


class CredentialsSentError(InvalidClientError):
    """A client tried to authenticate with the Authorization header, which no client here can."""

    def __init__(self, sent: str) -> None:
        super().__init__(status_code=401, description=_NO_CREDENTIALS)
        scheme = sent.partition(" ")[0]
        self.scheme = scheme if re.fullmatch("[A-Za-z0-9-]{1,32}", scheme) else "Basic"

    def get_headers(self) -> list[tuple[str, str]]:
        """Challenge with the scheme that the client used (RFC 6749 5.2). Authlib always says Basic, without a realm."""
        return [*RESPONSE_HEADERS, ("WWW-Authenticate", f'{self.scheme} realm="mock-authz"')]


class DeviceCodeGrant(BaseGrant, TokenEndpointMixin):
    """A poll (RFC 8628 3.4)."""

    GRANT_TYPE = DEVICE_CODE_GRANT_TYPE

    def validate_token_request(self) -> None:
        """Authenticate the client; what the code is worth, the use case decides."""
        self.request.client = self.server.authenticate_client(self.request, PUBLIC)
        self.request.required("device_code")

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """Answer the poll."""
        request = self.request
        return _tokens(
            acquire.poll(
                request.context, client_id=request.client.client_id, device_code=request.form["device_code"]
            )
        )


class RefreshTokenGrant(BaseGrant, TokenEndpointMixin):
    """A refresh (RFC 6749 6). Authlib's own saves the new token before it revokes the old, and logs both."""

    GRANT_TYPE = "refresh_token"

    def validate_token_request(self) -> None:
        """Authenticate the client; what the refresh token is worth, the use case decides."""
        self.request.client = self.server.authenticate_client(self.request, PUBLIC)
        self.request.required("refresh_token")

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """Answer the refresh."""
        request = self.request
        return _tokens(
            keep.refresh(
                request.context,
                client_id=request.client.client_id,
                refresh_token=request.form["refresh_token"],
                scope=request.form.get("scope"),
            )
        )


def _tokens(answer: IssuedTokens | Refusal) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
    """Render a token response (RFC 6749 5.1)."""
    if isinstance(answer, Refusal):
        raise RefusedError(answer)
    members = {
        "access_token": answer.access_token,
        "token_type": "Bearer",
        "expires_in": answer.expires_in,
        "refresh_token": answer.refresh_token,
        "scope": answer.scope,
    }
    return 200, members, RESPONSE_HEADERS


class DeviceAuthorization(DeviceAuthorizationEndpoint):
    """The device authorization endpoint (RFC 8628 3.1, 3.2)."""

    CLIENT_AUTH_METHODS = PUBLIC

    def create_endpoint_response(
        self, request: OAuthCall
    ) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """Issue the two codes."""
        client = self.authenticate_client(request)
        answer = acquire.authorize_device(
            request.context, client_id=client.client_id, scope=request.form.get("scope")
        )
        if isinstance(answer, Refusal):
            raise RefusedError(answer)
        verification_uri = request.context.sandbox.issuer + "/device"
        members = {
            "device_code": answer.device_code,
            "user_code": answer.user_code,
            "verification_uri": verification_uri,
            "verification_uri_complete": f"{verification_uri}?user_code={answer.user_code}",
            "expires_in": answer.expires_in,
            # Clients refuse 0 (openid-client says that it must be positive); where it is 0, any poll is in time.
            "interval": max(1, answer.interval),
        }
        return 200, members, RESPONSE_HEADERS


class Revocation(RevocationEndpoint):
    """The revocation endpoint (RFC 7009). A hint is only a hint: it hides nothing, and none is refused."""

    CLIENT_AUTH_METHODS = PUBLIC

    def create_endpoint_response(self, request: OAuthCall) -> tuple[int, None, list[tuple[str, str]]]:
        """End the license of the token, if it is one of ours."""
        client = self.authenticate_endpoint_client(request)
        refusal = keep.revoke(
            request.context, client_id=client.client_id, presented=request.required("token")
        )
        if refusal is not None:
            raise RefusedError(refusal)
        return 200, None, RESPONSE_HEADERS


class LicenseAuthorizationServer(AuthorizationServer):
    """Authlib's server with our grants and endpoints. It holds no state: the context comes with each request."""

    def __init__(self) -> None:
        super().__init__()
        self.register_grant(RefreshTokenGrant)
        self.register_grant(DeviceCodeGrant)
        self.register_endpoint(DeviceAuthorization)
        self.register_endpoint(Revocation)

    def authenticate_client(
        self, request: OAuthCall, methods: list[str], endpoint: str = "token"
    ) -> PublicClient:
        """Find the public client that `client_id` names.

        Raises:
            InvalidClientError: it is missing or unknown; or credentials came, which no client here has: 401 where
                they came in the Authorization header (RFC 6749 5.2).
        """
        if "authorization" in request.headers:
            raise CredentialsSentError(request.headers["authorization"])
        # Authlib would refuse both as well, in words that tell nobody what to send.
        if "client_secret" in request.form:
            raise InvalidClientError(description=_NO_CREDENTIALS)
        if "client_id" not in request.form:
            raise InvalidClientError(description="The parameter client_id is missing.")

        def query(client_id: str) -> PublicClient | None:
            found = request.context.behaviour.find_client(request.context, client_id)
            return None if found is None else PublicClient(found)

        client: PublicClient = ClientAuthentication(query)(request, methods, endpoint)
        return client

    def create_oauth2_request(self, request: OAuthCall) -> OAuthCall:
        """The binding has made it already."""
        return request

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> Reply:
        """Turn Authlib's answer into a value."""
        named = {name.lower(): value for name, value in headers}
        media_type = named.pop("content-type", "application/json")
        return Reply(status, body, named, media_type)

    def handle_error_response(self, request: OAuthCall, error: OAuth2Error) -> Reply:
        """Render a refusal; Authlib leaves the one of an unknown grant without a word for people."""
        if isinstance(error, UnsupportedGrantTypeError):
            error.description = "The grants here are the device grant and refresh_token."
        reply: Reply = super().handle_error_response(request, error)
        return reply

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens: events are journalled with the records."""
