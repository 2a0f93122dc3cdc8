"""Where a target has the operations of the contract: its metadata says so, whatever the paths of openapi.yaml are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from authz_conformance.contract.document import Operation, operations
from authz_conformance.contract.material import Material
from authz_conformance.server_under_test import ServerUnderTest, well_known_url
from authz_conformance.verdicts import NotTestable, PreconditionBroken

ONE_SERVER = "/servers/{server_id}"
_NAMED = {
    "/jwks": "jwks",
    "/device_authorization": "device_authorization",
    "/token": "token",
    "/revoke": "revocation",
    "/introspect": "introspection",
}
_APPENDED = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")
_INSERTED = {f"{path}/s/{{sandbox}}": path for path in _APPENDED}
_BELOW_THE_ISSUER = ("/license", "/servers", ONE_SERVER)


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where the operations are.

    Attributes:
        known: the URL of each that the target offers, by label; `{server_id}` stands in it where it does in the path.
        unknown: why each of the others could not be found.
    """

    known: Mapping[str, str]
    unknown: Mapping[str, str] = field(default_factory=dict)


def find_places(server: ServerUnderTest, material: Material) -> Places:
    """Look for all operations. One that the contract has for other issuers alone is in neither list."""
    known: dict[str, str] = {}
    unknown: dict[str, str] = {}
    for label, operation in operations().items():
        if operation.path in _INSERTED and not urlsplit(server.issuer).path.strip("/"):
            continue
        try:
            known[label] = _place(operation, server, material)
        except PreconditionBroken as missing:
            unknown[label] = f"{missing.wanted}: {missing.found}"
        except NotTestable as why:
            unknown[label] = str(why)
    return Places(known=known, unknown=unknown)


def _place(operation: Operation, server: ServerUnderTest, material: Material) -> str:
    path = operation.path
    if path in _NAMED:
        return server.endpoint(_NAMED[path])
    if path in _INSERTED:
        return well_known_url(server.issuer, _INSERTED[path])
    if path == "/device":
        return _verification_page(material)
    return server.issuer + path


def _verification_page(material: Material) -> str:
    if material.grant is None or not material.grant.verification_uri:
        raise PreconditionBroken(wanted="verification_uri", found=material.missing or "none", exchange=None)
    return material.grant.verification_uri


def is_mapped(path: str) -> bool:
    """Whether this module says where a path of the document lies; a test asks, for the day when one is added."""
    return path in _NAMED or path in _APPENDED or path in _INSERTED or path in (*_BELOW_THE_ISSUER, "/device")
