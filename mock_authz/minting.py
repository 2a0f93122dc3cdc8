"""Signatures: makes keys, signs license tokens, verifies our own, publishes the JWKS. The only user of joserfc.

Knows nothing of licenses or claims: it signs what it is given.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, GuestProtocol, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from mock_authz.domain.license_token import TYPE
from mock_authz.domain.signing_key import SigningKey
from mock_authz.settings import ALGORITHMS

Jwk = ECKey | OKPKey | RSAKey

RSA_BITS: Final = 2048
# The order of P-256, less one: private keys are the numbers from 1 to it.
P256_ORDER_LESS_ONE: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632550
REGISTRY: Final = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
# Made once: joserfc's own `jwt.encode` makes an encoder for each token.
_compact: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def new_key(alg: str, *, secret: bytes) -> tuple[str, str]:
    """Make a key pair.

    Args:
        alg: ES256, Ed25519 or RS256.
        secret: 32 bytes from the sandbox's entropy. An RSA key cannot be derived from them, and is drawn.

    Returns:
        Its `kid`, the thumbprint of RFC 7638, and the private key as JWK text.
    """
    key: Jwk
    if alg == "ES256":
        number = int.from_bytes(secret) % P256_ORDER_LESS_ONE + 1
        key = ECKey.import_key(derive_private_key(number, SECP256R1()))
    elif alg == "Ed25519":
        key = OKPKey.import_key(Ed25519PrivateKey.from_private_bytes(secret))
    else:
        key = RSAKey.generate_key(RSA_BITS)
    return key.thumbprint(), json.dumps(key.as_dict(private=True))


def sign(header: dict[str, Any], claims: dict[str, Any], key: SigningKey) -> str:
    """Sign claims under a header that names the key's `alg` and `kid`."""
    return jws.serialize_compact(header, _compact(claims), _imported(key.private_jwk), registry=REGISTRY)


def can_sign(key: SigningKey) -> bool:
    """Say whether a key that came from a file is a private one of its algorithm."""
    try:
        sign(header(key), {}, key)
    except (JoseError, ValueError, KeyError, TypeError):
        return False
    return True


def header(key: SigningKey) -> dict[str, Any]:
    """Build the header of a license token. Spec: RFC 9068 2.1."""
    return {"alg": key.alg, "typ": TYPE, "kid": key.kid}


def verify(presented: str, keys: tuple[SigningKey, ...], *, issuer: str) -> dict[str, Any] | None:
    """Verify the signature, `typ` and `iss` of a license token of ours.

    Times are not looked at: whether the token is live is the domain's decision.

    Returns:
        Its claims, or None if we did not sign it.
    """
    by_kid = {key.kid: key for key in keys}

    def choose(presented_jws: GuestProtocol) -> Jwk:
        # RFC 8725 3.1: the algorithm is the key's own, never the header's choice. A KeyError refuses.
        key = by_kid[presented_jws.headers()["kid"]]
        if presented_jws.headers()["alg"] != key.alg:
            raise KeyError(key.alg)
        return _imported(key.private_jwk)

    try:
        decoded = jwt.decode(presented, choose, registry=REGISTRY)
    except (JoseError, ValueError, KeyError):
        return None
    claims: dict[str, Any] = decoded.claims
    if decoded.header.get("typ") not in (TYPE, "application/" + TYPE) or claims.get("iss") != issuer:
        return None
    return claims


def public_jwk(key: SigningKey) -> dict[str, Any]:
    """Give the public half as a member of the JWKS. Spec: RFC 7517 4."""
    public: dict[str, Any] = dict(_imported(key.private_jwk).as_dict(private=False))
    return {**public, "kid": key.kid, "use": "sig", "alg": key.alg}


@lru_cache(maxsize=256)
def _imported(private_jwk: str) -> Jwk:
    given = json.loads(private_jwk)
    kinds: dict[str, type[Jwk]] = {"EC": ECKey, "OKP": OKPKey, "RSA": RSAKey}
    return kinds[given["kty"]].import_key(given)
