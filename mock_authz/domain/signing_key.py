"""Signing keys: published ahead of their use, signing, retired, removed. Knows nothing of cryptography.

A sandbox's keys are one small record, so that which key signs and which are published follows from it and `now`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import pairwise
from typing import Final

REMOVED_AFTER_SECONDS: Final = 60


class KeyState(StrEnum):
    """Where a key stands at an instant."""

    PUBLISHED = "published"
    SIGNING = "signing"
    RETIRED = "retired"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """One key pair.

    Attributes:
        private_jwk: the private key as JWK text (RFC 7517).
        signs_from_at: from when on it signs, Unix seconds.
        retires_at: when its successor begins to sign; None while it has none.
        last_expires_at: the greatest `exp` that it signed, None before the first.
    """

    kid: str
    alg: str
    published_at: int
    signs_from_at: int
    private_jwk: str = field(repr=False)
    retires_at: int | None = None
    last_expires_at: int | None = None


@dataclass(frozen=True, slots=True)
class KeySet:
    """All keys that a sandbox ever had, in the order in which they sign."""

    keys: tuple[SigningKey, ...]


def removed_at(key: SigningKey) -> int | None:
    """Say when a retired key leaves the JWKS: 60 s after the last `exp` that it signed (RFC 7517; protocol.md)."""
    if key.retires_at is None:
        return None
    if key.last_expires_at is None:
        return key.retires_at
    return max(key.retires_at, key.last_expires_at + REMOVED_AFTER_SECONDS)


def state(key: SigningKey, *, now: int) -> KeyState:
    """Compute where a key stands."""
    gone = removed_at(key)
    if gone is not None and now >= gone:
        return KeyState.REMOVED
    if key.retires_at is not None and now >= key.retires_at:
        return KeyState.RETIRED
    return KeyState.SIGNING if now >= key.signs_from_at else KeyState.PUBLISHED


def signing_key(key_set: KeySet, *, now: int) -> SigningKey:
    """Choose the key that signs now: the last one whose time has come, or the first of all."""
    for key in reversed(key_set.keys):
        if now >= key.signs_from_at:
            return key
    return key_set.keys[0]


def published(key_set: KeySet, *, now: int) -> tuple[SigningKey, ...]:
    """List the keys of the JWKS: all but the removed ones, and the one that signs whatever its record says."""
    signing = signing_key(key_set, now=now)
    return tuple(key for key in key_set.keys if key is signing or state(key, now=now) is not KeyState.REMOVED)


def rotate(key_set: KeySet, new: SigningKey) -> KeySet:
    """Add a key that takes over at its `signs_from_at`; each key retires when the next in the order begins to sign.

    A key that was only announced and would have signed later than the new one is dropped: it has signed nothing, so
    nobody misses it. One that has signed stays (the clock may have been moved back).
    """
    kept = [
        key
        for key in key_set.keys
        if key.signs_from_at <= new.signs_from_at or key.last_expires_at is not None
    ]
    order = sorted([*kept, new], key=lambda key: key.signs_from_at)
    retiring = [replace(key, retires_at=successor.signs_from_at) for key, successor in pairwise(order)]
    return KeySet((*retiring, replace(order[-1], retires_at=None)))


def signed(key_set: KeySet, *, kid: str, expires_at: int) -> KeySet:
    """Note that a key signed a token with this `exp`; the same set where nothing changes."""
    if all(key.kid != kid or (key.last_expires_at or 0) >= expires_at for key in key_set.keys):
        return key_set
    return KeySet(
        tuple(replace(key, last_expires_at=expires_at) if key.kid == kid else key for key in key_set.keys)
    )
