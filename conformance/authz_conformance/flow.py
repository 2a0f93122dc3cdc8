"""What a protocol flow hands on from step to step: codes, tokens, a license token that has been read."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from authz_conformance.exchange import Exchange

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
DEFAULT_INTERVAL = 5


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What a device authorization response holds, and when it was asked for.

    Attributes:
        interval: 5 where the response has none (RFC 8628 3.2).
        issued_at: Unix seconds on the target's clock.
        client_id: who asked.
        exchange: the response that it was read from.
    """

    device_code: str = field(repr=False)
    user_code: str
    verification_uri: str
    verification_uri_complete: str | None
    expires_in: int
    interval: int
    issued_at: int
    client_id: str
    exchange: Exchange = field(repr=False)

    @property
    def expires_at(self) -> int:
        """The first instant at which the codes may have expired."""
        return self.issued_at + self.expires_in

    @property
    def expired_at(self) -> int:
        """The first at which they have, also where a server whose clock ticks counts from a fraction of a second."""
        return latest_issue(self.exchange) + self.expires_in


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """What a successful token response holds.

    Attributes:
        issued_at: Unix seconds on the target's clock.
        client_id: whose they are; empty where the response was read without knowing.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    token_type: str
    expires_in: int | None
    scope: str | None
    issued_at: int
    client_id: str
    exchange: Exchange = field(repr=False)

    @property
    def issued_by(self) -> int:
        """When they had been issued at the latest; `issued_at` where the clock stands still."""
        return latest_issue(self.exchange)


@dataclass(frozen=True, kw_only=True)
class LicenseToken:
    """A JWT taken apart. Nothing has been verified."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signature: bytes
    compact: str = field(repr=False)

    @property
    def license(self) -> Mapping[str, Any]:
        """The claim `license`; empty if there is none."""
        claim = self.claims.get("license")
        return claim if isinstance(claim, dict) else {}


def latest_issue(answer: Exchange) -> int:
    """Give the whole second by which what an answer holds had been issued."""
    return answer.until or answer.at or 0


def spelled_plainly(user_code: str) -> str:
    """Leave a user code's punctuation out."""
    return re.sub(r"[\W_]", "", user_code)


def take_apart(compact: str) -> LicenseToken | None:
    """Take a JWT apart; None if it is none."""
    parts = compact.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - RFC 7519: header, claims, signature
        return None
    try:
        header, claims = (json.loads(decoded(part)) for part in parts[:2])
        signature = decoded(parts[2])
    except ValueError:
        return None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        return None
    return LicenseToken(header=header, claims=claims, signature=signature, compact=compact)


def put_together(header: Mapping[str, Any], claims: Mapping[str, Any], signature: bytes) -> str:
    """Make a compact JWT of parts that need not fit together: for rules about forged tokens."""
    parts = (json.dumps(dict(header)).encode(), json.dumps(dict(claims)).encode(), signature)
    return ".".join(encoded(part) for part in parts)


def decoded(part: str) -> bytes:
    """Decode base64url without padding."""
    return base64.b64decode(part.encode("ascii") + b"=" * (-len(part) % 4), altchars=b"-_", validate=True)


def encoded(part: bytes) -> str:
    """Encode as base64url without padding."""
    return base64.urlsafe_b64encode(part).decode().rstrip("=")
