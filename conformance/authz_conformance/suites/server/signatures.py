"""Signatures of license tokens, verified with the keys of the set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from authz_conformance.flow import LicenseToken

PUBLIC = ("kty", "crv", "x", "y", "n", "e", "kid", "use", "alg")
ALGORITHMS = [
    "ES256",
    "ES384",
    "ES512",
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "EdDSA",
    "Ed25519",
]
_KINDS: Mapping[str, type[ECKey | RSAKey | OKPKey]] = {"EC": ECKey, "RSA": RSAKey, "OKP": OKPKey}


def public_key(jwk: Mapping[str, Any]) -> ECKey | RSAKey | OKPKey | None:
    """Read the public part of a key; None if it is none."""
    kind = _KINDS.get(str(jwk.get("kty")))
    try:
        return kind.import_key({name: jwk[name] for name in PUBLIC if name in jwk}) if kind else None
    except (JoseError, ValueError, TypeError):
        return None


def is_signed_by(token: LicenseToken, jwk: Mapping[str, Any]) -> bool:
    """Say whether a signature verifies with the public part of a key."""
    key = public_key(jwk)
    if key is None:
        return False
    try:
        jws.deserialize_compact(token.compact, key, algorithms=ALGORITHMS)
    except (JoseError, ValueError, TypeError):
        return False
    return True
