"""Quirks of the key set: what is published, and when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from mock_authz.domain.signing_key import KeySet, KeyState, SigningKey, signing_key, state
from mock_authz.oauth.reply import Reply
from mock_authz.quirks.bending import rendered
from mock_authz.quirks.quirk import Wrap, at


def _publishing(choose: Callable[[SigningKey, KeySet, int], bool]) -> Wrap:
    """Publish, of all keys that there ever were, those that are chosen."""

    def wrap(_: Any) -> Callable[..., tuple[SigningKey, ...]]:
        def lying(key_set: KeySet, *, now: int) -> tuple[SigningKey, ...]:
            return tuple(key for key in key_set.keys if choose(key, key_set, now))

        return lying

    return wrap


def _of_states(*states: KeyState) -> Wrap:
    return _publishing(lambda key, _, now: state(key, now=now) in states)


def _twice(reply: Reply) -> Reply:
    keys = (reply.members or {}).get("keys", [])
    return replace(reply, members={"keys": [*keys, *keys[:1]]})


def _with_private_member(public_jwk: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    return lambda key: {**public_jwk(key), "d": "AAECAwQFBgcICQ"}


KEYS: Final = (
    *at(
        "decisions.published_keys",
        (
            "key_signs_unannounced",
            "keys.published-before-signing",
            "A new key is in the set from its first signature on, not before.",
            _of_states(KeyState.SIGNING, KeyState.RETIRED),
        ),
        (
            "retired_key_stays",
            "keys.retired-key-dropped",
            "A retired key stays in the set for good.",
            _publishing(lambda *_: True),
        ),
        (
            "retired_key_dropped_at_once",
            "keys.retired-key-kept",
            "A key leaves the set when it signs no more.",
            _of_states(KeyState.PUBLISHED, KeyState.SIGNING),
        ),
        (
            "signing_key_hidden",
            "keys.signing-key-published",
            "The key that signs is not in the set.",
            _publishing(
                lambda key, key_set, now: (
                    key is not signing_key(key_set, now=now) and state(key, now=now) is not KeyState.REMOVED
                )
            ),
        ),
    ),
    *at(
        "minting.public_jwk",
        (
            "private_member_published",
            "keys.nothing-private",
            "The keys in the set have a private member.",
            _with_private_member,
        ),
    ),
    *at(
        "render",
        (
            "key_listed_twice",
            "keys.kid-is-distinct",
            "The set holds its first key twice.",
            rendered("jwks", _twice),
        ),
    ),
)
