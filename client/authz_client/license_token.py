"""Offline verification of license tokens: signature, header and claims, from keys that are already here.

Owns what a license token says (`LicenseToken`) and why one is refused (`Fault`). It fetches nothing, follows no `jku`
or `x5u`, and reads no clock: the keys and `now` are arguments.

Spec: RFC 7515, RFC 7519, RFC 8725, RFC 9068
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key
from joserfc.jws import JWSRegistry

from authz_client.license_claims import LicenseToken, read_claims

Jwk = Mapping[str, Any]

#: RFC 8725 3.1: the verifier fixes the list. `EdDSA` is the older name of `Ed25519` (RFC 9864).
ALGORITHMS: Final = {"ES256": "ES256", "RS256": "RS256", "Ed25519": "Ed25519", "EdDSA": "Ed25519"}
TYPES: Final = frozenset({"at+jwt", "application/at+jwt"})
MAX_LEEWAY_SECONDS: Final = 60
MAX_TOKEN_LENGTH: Final = 64 * 1024
_KEY_FOR: Final = {"ES256": ("EC", "P-256"), "RS256": ("RSA", None), "Ed25519": ("OKP", "Ed25519")}
_JWK_MEMBERS: Final = ("kty", "kid", "use", "alg", "crv", "x", "y", "n", "e")
_MIN_RSA_BYTES: Final = 256
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)


class Fault(Enum):
    """Why a license token is refused; the first that applies, in the order of this list."""

    MALFORMED = "malformed"
    WRONG_TYPE = "wrong_type"
    ALGORITHM_NOT_ALLOWED = "algorithm_not_allowed"
    UNKNOWN_KEY = "unknown_key"
    BAD_SIGNATURE = "bad_signature"
    MALFORMED_CLAIMS = "malformed_claims"
    WRONG_ISSUER = "wrong_issuer"
    WRONG_AUDIENCE = "wrong_audience"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"


@dataclass(frozen=True)
class Refused:
    """A license token that must not be believed.

    Attributes:
        fault: The first fault found.
        claims: What it says, when all else but `nbf` holds: only then may it raise the mark.
        kid: The key it names, where it names one: an unknown one may be worth a refetch.
    """

    fault: Fault
    claims: LicenseToken | None = None
    kid: str | None = None


@dataclass(frozen=True)
class _Parts:
    header: dict[str, Any]
    payload: dict[str, Any]
    signing_input: bytes = field(repr=False)
    signature: bytes = field(repr=False)


def verify(
    license_token: str,
    *,
    keys: Iterable[Jwk],
    issuer: str,
    audience: str | None,
    now: int,
    leeway_seconds: int = 0,
) -> LicenseToken | Refused:
    """Decide whether a license token is to be believed.

    Args:
        license_token: The compact JWS.
        keys: The issuer's published keys, as last fetched; those of an unknown type are ignored.
        issuer: What `iss` must be, to the letter.
        audience: What `aud` must name. None, before the client has a license, means the organization that the token itself names.
        now: Unix seconds (the caller's effective time).
        leeway_seconds: Tolerance for `nbf` and `exp`; peers may declare up to 60, pages have none.

    Returns:
        What the token says, or the first fault.

    Raises:
        ValueError: `leeway_seconds` is outside 0..60.

    Spec: RFC 8725 3, RFC 9068 4
    """
    if not 0 <= leeway_seconds <= MAX_LEEWAY_SECONDS:
        raise ValueError(f"leeway_seconds must be within 0..{MAX_LEEWAY_SECONDS}")
    parts = _parts(license_token)
    if parts is None:
        return Refused(Fault.MALFORMED)
    fault = _header_fault(parts.header) or _signature_fault(parts, keys)
    if fault is not None:
        return Refused(fault, kid=_kid(parts.header))
    claims = read_claims(parts.payload)
    if claims is None:
        return Refused(Fault.MALFORMED_CLAIMS)
    return _judge_claims(claims, issuer=issuer, audience=audience, now=now, leeway_seconds=leeway_seconds)


def read_jwks(document: object) -> tuple[Jwk, ...] | None:
    """Read a JWK Set, of each key only what verification needs; what is no key of text members is ignored (RFC 7517 5).

    Returns:
        The keys, or None if the document is no JWK Set.
    """
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        return None
    read = [
        {name: jwk[name] for name in _JWK_MEMBERS if name in jwk} for jwk in keys if isinstance(jwk, dict)
    ]
    return tuple(jwk for jwk in read if all(isinstance(value, str) for value in jwk.values()))


def _judge_claims(
    claims: LicenseToken, *, issuer: str, audience: str | None, now: int, leeway_seconds: int
) -> LicenseToken | Refused:
    if claims.iss != issuer:
        return Refused(Fault.WRONG_ISSUER)
    # RFC 7519 4.1.3: who is not named in aud must refuse. A token is for the organization whose license it carries.
    if (audience or claims.organization.audience) not in claims.aud:
        return Refused(Fault.WRONG_AUDIENCE)
    # RFC 7519 4.1.4, 4.1.5, half open: nbf - leeway <= now < exp + leeway.
    if now >= claims.exp + leeway_seconds:
        return Refused(Fault.EXPIRED)
    if now < claims.nbf - leeway_seconds:
        return Refused(Fault.NOT_YET_VALID, claims=claims)
    return claims


def _header_fault(header: dict[str, Any]) -> Fault | None:
    typ = header.get("typ")
    # RFC 9068 4: typ is checked; RFC 7515 4.1.9: media types compare without case.
    if not isinstance(typ, str) or typ.lower() not in TYPES:
        return Fault.WRONG_TYPE
    alg = header.get("alg")
    if not isinstance(alg, str) or alg not in ALGORITHMS:
        return Fault.ALGORITHM_NOT_ALLOWED
    # RFC 7515 4.1.11: an extension that must be understood, and none is understood here.
    if "crit" in header:
        return Fault.MALFORMED
    return None


def _signature_fault(parts: _Parts, keys: Iterable[Jwk]) -> Fault | None:
    alg, kid = ALGORITHMS[parts.header["alg"]], _kid(parts.header)
    candidates = [jwk for jwk in keys if kid is not None and jwk.get("kid") == kid and _fits(jwk, alg)]
    if not candidates:
        return Fault.UNKNOWN_KEY
    return None if any(_verifies(parts, jwk, alg) for jwk in candidates) else Fault.BAD_SIGNATURE


def _fits(jwk: Jwk, alg: str) -> bool:
    """Say whether a key may verify this algorithm: its own type, curve, use and algorithm decide, not the token."""
    kty, crv = _KEY_FOR[alg]
    declared = jwk.get("alg", alg)
    return (
        jwk.get("kty") == kty
        and (crv is None or jwk.get("crv") == crv)
        and jwk.get("use", "sig") == "sig"
        and isinstance(declared, str)
        and ALGORITHMS.get(declared) == alg
    )


def _verifies(parts: _Parts, jwk: Jwk, alg: str) -> bool:
    verification_key = _import(jwk)
    if verification_key is None:
        return False
    # joserfc's own `EdDSA` warns of deprecation: the alias is settled above, so its name never gets there.
    algorithm = JWSRegistry(algorithms=list(_KEY_FOR)).get_alg(alg)
    try:
        return algorithm.verify(parts.signing_input, parts.signature, verification_key)
    except (JoseError, ValueError):  # a signature of a length that the algorithm does not have
        return False


def _import(jwk: Jwk) -> Key | None:
    members = {name: jwk[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in jwk}
    # RFC 7518 3.3: 2048 bits at least.
    if members["kty"] == "RSA" and len(_decoded(members.get("n")) or b"") < _MIN_RSA_BYTES:
        return None
    try:
        return JWKRegistry.import_key(members)
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def _kid(header: dict[str, Any]) -> str | None:
    kid = header.get("kid")
    return kid if isinstance(kid, str) else None


def _parts(license_token: str) -> _Parts | None:
    segments = license_token.split(".")
    if len(license_token) > MAX_TOKEN_LENGTH or len(segments) != 3:  # noqa: PLR2004 - RFC 7515 7.1
        return None
    header, payload, signature = (_decoded(segment) for segment in segments)
    header_object, payload_object = _json_object(header), _json_object(payload)
    if header_object is None or payload_object is None or signature is None:
        return None
    signing_input = f"{segments[0]}.{segments[1]}".encode("ascii")
    return _Parts(header_object, payload_object, signing_input, signature)


def _decoded(segment: object) -> bytes | None:
    if not isinstance(segment, str) or not _BASE64URL.fullmatch(segment):
        return None
    try:
        return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except ValueError:
        return None


def _json_object(text: bytes | None) -> dict[str, Any] | None:
    try:
        value = json.loads(text or b"")
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
