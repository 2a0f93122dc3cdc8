"""Every refusal of the protocol as a value. Owns: the error codes and reasons of the wire. Knows nothing of HTTP.

A refusal is returned, never raised: some of them change the record they refuse (`slow_down` does).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer other than yes.

    `error` is the OAuth error code (RFC 6749 5.2, RFC 8628 3.5), `description` is for people, `reason` for programs.
    """

    error: ClassVar[str]
    description: str
    reason: str | None = None


class InvalidRequest(Refusal):
    """A parameter is missing, repeated or malformed (RFC 6749 5.2)."""

    error = "invalid_request"


class InvalidGrant(Refusal):
    """The device_code or refresh token is not, or no longer, good (RFC 6749 5.2)."""

    error = "invalid_grant"


class InvalidScope(Refusal):
    """A scope was asked for that is not granted here, or is wider than the first (RFC 6749 5.2)."""

    error = "invalid_scope"


class InvalidToken(Refusal):
    """The license token presented as Bearer is expired, ended or not ours (RFC 6750 3.1)."""

    error = "invalid_token"


class AuthorizationPending(Refusal):
    """The administrator has not decided yet (RFC 8628 3.5)."""

    error = "authorization_pending"


class SlowDown(Refusal):
    """The poll came before its interval had passed (RFC 8628 3.5)."""

    error = "slow_down"


class AccessDenied(Refusal):
    """The administrator denied the user code, or a later approval took its place (RFC 8628 3.5)."""

    error = "access_denied"


class ExpiredToken(Refusal):
    """The device_code has expired (RFC 8628 3.5)."""

    error = "expired_token"


class Conflict(Refusal):
    """A change that the records do not allow. `reason` says which rule stands against it."""

    error = "conflict"


class NotFound(Refusal):
    """There is no such record."""

    error = "not_found"


class TooManyGuesses(Refusal):
    """The administrator's budget of wrong user codes is used up. `reason` is the wait in seconds, as text."""

    error = "too_many_guesses"
