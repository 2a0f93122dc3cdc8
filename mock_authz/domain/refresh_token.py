"""Rotation of refresh tokens: the newest one, its predecessor in the retry window, and reuse.

Owns: which generation of a license's refresh tokens is good for what. The tokens themselves are derived from
(license_id, generation) in entropy.py and stored nowhere. Knows nothing of licenses.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshTokens:
    """The refresh tokens of one license.

    Attributes:
        generation: the newest one's number, 0 at first. Its predecessor is `generation - 1`.
        expires_at: when the newest expires, Unix seconds.
        predecessor_expires_at: when its predecessor expires, None before the first rotation.
        retry_until: the end of the predecessor's retry window (half open), None before the first rotation.
    """

    generation: int
    expires_at: int
    predecessor_expires_at: int | None = None
    retry_until: int | None = None


class Use(Enum):
    """What presenting one generation amounts to."""

    ROTATE = auto()
    RETRY = auto()
    REUSE = auto()
    EXPIRED = auto()


def use(tokens: RefreshTokens, *, generation: int, now: int) -> Use:
    """Decide what the presentation of one refresh token is.

    The newest rotates. Its immediate predecessor, within the retry window, is a retry: the reply was lost, or two
    refreshes ran at once. Everything older is reuse, and so is the predecessor after the window (RFC 9700 4.14.2).
    Once the successor has been used, a rotation has made the predecessor older: reuse, inside the window too.

    Reuse comes before expiry. An expired predecessor inside its window is expired, not a retry.

    Deviation: a longer window than RFC 9700 4.14.2 has in mind, for shops that lose their line.
    """
    if generation == tokens.generation:
        return Use.EXPIRED if now >= tokens.expires_at else Use.ROTATE
    if generation != tokens.generation - 1 or tokens.retry_until is None or now >= tokens.retry_until:
        return Use.REUSE
    if tokens.predecessor_expires_at is not None and now >= tokens.predecessor_expires_at:
        return Use.EXPIRED
    return Use.RETRY


def good_until(tokens: RefreshTokens, *, generation: int) -> int:
    """Say until when the newest refresh token, or its predecessor, is good for a refresh if nothing else happens."""
    if generation == tokens.generation or tokens.retry_until is None or tokens.predecessor_expires_at is None:
        return tokens.expires_at
    return min(tokens.retry_until, tokens.predecessor_expires_at)


def rotate(
    tokens: RefreshTokens, *, now: int, lifetime_seconds: int, retry_window_seconds: int
) -> RefreshTokens:
    """Issue the successor. The predecessor's retry window runs from this, its first use, and is never extended."""
    return RefreshTokens(
        generation=tokens.generation + 1,
        expires_at=now + lifetime_seconds,
        predecessor_expires_at=tokens.expires_at,
        retry_until=now + retry_window_seconds,
    )
