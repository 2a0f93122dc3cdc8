"""The protocol endpoints: one table maps a path below the issuer to its step, its methods and its handler.

Metadata is answered here; the other handlers are in handlers.py, and loaded when first asked for. What surrounds a handler
(reading the form, faults, the journal) is in exchange.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from mock_authz.oauth.metadata import metadata
from mock_authz.oauth.reply import Reply
from mock_authz.web.visit import Visit

Form = Mapping[str, str]
Handler = Callable[[Visit, Form], Reply]
ALL_SERVERS: Final = "/servers"
ONE_SERVER_PREFIX: Final = "/servers/"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One path of the protocol.

    Attributes:
        step: its name in the journal and for faults.
        cors: whether the `cors` setting opens it to browsers.
    """

    step: str
    method: str
    cors: bool = False

    @property
    def handler(self) -> Handler:
        """What answers."""
        if self is METADATA:
            return _metadata
        from mock_authz.web.handlers import HANDLERS  # noqa: PLC0415 - see the module's docstring

        return HANDLERS[self.step]

    @property
    def allowed(self) -> tuple[str, ...]:
        """The methods offered: HEAD wherever GET is (RFC 9110 9.3.2)."""
        return ("GET", "HEAD") if self.method == "GET" else (self.method,)


def _metadata(visit: Visit, _: Form) -> Reply:
    return Reply(200, metadata(visit.context.sandbox.issuer))


METADATA: Final = Endpoint("metadata", "GET", cors=True)
ENDPOINTS: Final[dict[str, Endpoint]] = {
    "/token": Endpoint("token", "POST", cors=True),
    "/device_authorization": Endpoint("device_authorization", "POST"),
    "/jwks": Endpoint("jwks", "GET", cors=True),
    "/revoke": Endpoint("revoke", "POST"),
    "/introspect": Endpoint("introspect", "POST"),
    "/license": Endpoint("license", "GET"),
    ALL_SERVERS: Endpoint("servers", "GET"),
    "/.well-known/oauth-authorization-server": METADATA,
    "/.well-known/openid-configuration": METADATA,
}
ONE_SERVER: Final = Endpoint("servers", "GET")


def find_endpoint(path: str) -> Endpoint | None:
    """Find the endpoint of a path below the issuer."""
    endpoint = ENDPOINTS.get(path)
    if endpoint is None and path.startswith(ONE_SERVER_PREFIX) and path.count("/") == len("//"):
        return ONE_SERVER
    return endpoint
