"""Stories about signing keys: a rotation with notice, also while a device is away."""

from __future__ import annotations

from authz_conformance.catalogue import Capability
from authz_conformance.scenarios.dsl import (
    Acquire,
    BackOnline,
    Expect,
    FetchKeys,
    GoOffline,
    Held,
    LoseReply,
    Refresh,
    RotateKeys,
    Scenario,
    Step,
)
from authz_conformance.scenarios.stories.words import ON_WIRE, granted, until

_ROTATED = (*ON_WIRE, Capability.JWKS, Capability.JWT_ACCESS_TOKENS, Capability.ROTATE_KEYS)
_FETCHED: tuple[Step, ...] = (FetchKeys(), Expect(answer="done"))
_OLD_KEY: tuple[Step, ...] = (Refresh(), Expect(answer="tokens", same_key=True))
_NEW_KEY: tuple[Step, ...] = (Refresh(), Expect(answer="tokens", same_key=False))

KEYS: tuple[Scenario, ...] = (
    Scenario(
        id="key-rotation",
        title="A new key signs one token lifetime after it was published, the old one stays until its last token is gone",
        needs=_ROTATED,
        rules=(
            "keys.published-before-signing",
            "keys.signing-key-published",
            "keys.retired-key-kept",
            "keys.retired-key-dropped",
        ),
        steps=(
            Acquire(),
            *_FETCHED,
            RotateKeys(),
            *_FETCHED,
            until("key_signs_from-1s"),
            *_OLD_KEY,
            *_FETCHED,
            until("key_signs_from"),
            *_NEW_KEY,
            *_FETCHED,
            until("key_last_exp"),
            *_FETCHED,
            until("key_removed_at-1s"),
            *_FETCHED,
            until("key_removed_at"),
            *_FETCHED,
            until("key_removed_at+1s"),
            *_FETCHED,
            *_OLD_KEY,
        ),
    ),
    Scenario(
        id="key-rotation-during-a-gap",
        title="A device away during a rotation comes back to another key",
        needs=_ROTATED,
        rules=("keys.published-before-signing", "keys.retired-key-dropped"),
        steps=(
            Acquire(),
            GoOffline(),
            RotateKeys(),
            until("key_removed_at+1s"),
            BackOnline(),
            *_NEW_KEY,
            *_FETCHED,
            *_OLD_KEY,
        ),
    ),
    Scenario(
        id="lost-reply-over-a-rotation",
        title="A lost refresh repeated after the new key took over gets the same successor, signed anew",
        needs=_ROTATED,
        rules=(
            "refresh.retry-gets-same-successor",
            "refresh.retry-mints-anew",
            "keys.published-before-signing",
        ),
        steps=(
            Acquire(),
            RotateKeys(),
            until("key_signs_from-1s"),
            LoseReply(),
            Refresh(),
            Expect(answer="tokens", same_key=True),
            until("key_signs_from"),
            Refresh(),
            Expect(answer="tokens", same_key=False),
            *granted(Held.PREVIOUS, same=True),
        ),
    ),
    Scenario(
        id="key-that-signs-at-once",
        title="A key made to sign at once is published at once",
        needs=(*_ROTATED, Capability.ROTATE_KEYS_AT_ONCE),
        rules=("keys.signing-key-published", "keys.retired-key-kept"),
        steps=(Acquire(), RotateKeys(immediately=True), *_FETCHED, *_NEW_KEY, *_FETCHED),
    ),
)
