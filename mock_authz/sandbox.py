"""A sandbox is a record, not a live object: any process can answer for any sandbox from what is in here.

Knows nothing of requests. Its data (organizations, licenses, keys, journal) lies in the store under its name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from mock_authz.clock import Clock
from mock_authz.entropy import Entropy
from mock_authz.settings import Settings

DEFAULT: Final = "default"
AN_ISSUER: Final = "an absolute http or https URL without query, fragment or trailing slash"
NAME_PATTERN: Final = "^[a-z0-9][a-z0-9-]{0,62}$"


def is_issuer(text: str) -> bool:
    """Say whether a text can be an issuer: `AN_ISSUER` (RFC 8414 2)."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    plain = text.isascii() and text.isprintable() and not set(text) & set(' ?#\\@"<>^`{|}')
    return (
        plain and parts.scheme in {"http", "https"} and bool(parts.hostname) and port != 0 and text[-1] != "/"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """One tenant of the server: an issuer with a clock, settings, keys, data and a journal of its own.

    Attributes:
        issuer: without a trailing slash.
        entropy: all randomness of the sandbox, derived from its seed.
        settled_at: up to which instant what falls due has been journalled, Unix seconds.
        created_real_at: on the wall clock, whole Unix seconds.
        expires_real_at: on the wall clock; the sandbox is gone from then on. None for never.
        quirks: names of the misbehaviours that are attached.
    """

    name: str
    issuer: str
    entropy: Entropy = field(repr=False)
    clock: Clock = Clock()
    settings: Settings = Settings()
    settled_at: int
    created_real_at: int
    expires_real_at: int | None = None
    quirks: tuple[str, ...] = ()

    @property
    def management_token(self) -> str:
        """The bearer token of this sandbox's management API."""
        return self.entropy.secret("management_token")
