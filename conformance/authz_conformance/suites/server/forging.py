"""License tokens as attackers forge them."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from authz_conformance.flow import LicenseToken, encoded, put_together
from authz_conformance.suites.server.signatures import public_key

HOUR = 3600


def tampered(token: LicenseToken) -> str:
    """Let a token live an hour longer, under its old signature."""
    exp = token.claims.get("exp")
    claims = {**token.claims, "exp": (exp if isinstance(exp, int) else 0) + HOUR}
    header, _, signature = token.compact.split(".")
    return f"{header}.{encoded(json.dumps(claims).encode())}.{signature}"


def unsigned(token: LicenseToken) -> str:
    """Take the signature away, and say so in the header."""
    return put_together({**token.header, "alg": "none"}, token.claims, b"")


def confused(token: LicenseToken, jwk: Mapping[str, Any]) -> Iterator[str]:
    """Sign with HS256 and, as the secret, each spelling of a public key that a server may hold it in."""
    signed = put_together({**token.header, "alg": "HS256"}, token.claims, b"").rpartition(".")[0]
    for secret in _spellings(jwk):
        yield f"{signed}.{encoded(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def _spellings(jwk: Mapping[str, Any]) -> Iterator[bytes]:
    key = public_key(jwk)
    if key is None:
        return
    pem = key.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    yield from (pem, pem.rstrip())
    yield key.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    yield json.dumps(dict(jwk), separators=(",", ":")).encode()
