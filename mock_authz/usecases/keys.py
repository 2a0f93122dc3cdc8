"""The sandbox's signing keys: made when first needed, rotated, published."""

from __future__ import annotations

from typing import Any

from mock_authz import minting
from mock_authz.domain import signing_key
from mock_authz.domain.events import EventType
from mock_authz.domain.signing_key import KeySet, SigningKey
from mock_authz.store.records import ONLY
from mock_authz.usecases.context import Context, Transaction


def load_keys(context: Context, transaction: Transaction) -> KeySet:
    """Load the keys; the first one is made when somebody first asks."""
    key_set = transaction.get(KeySet, ONLY)
    if key_set is None:
        key_set = KeySet((_make(context, transaction, signs_from_at=context.now),))
        transaction.put(key_set)
    return key_set


def _make(context: Context, transaction: Transaction, *, signs_from_at: int) -> SigningKey:
    alg = context.settings.alg
    secret = context.entropy.derive("signing_key", transaction.new_id("signing_key"))
    kid, private_jwk = minting.new_key(alg, secret=secret)
    transaction.emit(EventType.KEY_PUBLISHED, kid=kid, alg=alg, signs_from_at=signs_from_at)
    return SigningKey(
        kid=kid, alg=alg, published_at=context.now, signs_from_at=signs_from_at, private_jwk=private_jwk
    )


def list_keys(context: Context) -> tuple[SigningKey, ...]:
    """List all keys that the sandbox ever had, in the order in which they sign."""
    return context.transact(lambda transaction: load_keys(context, transaction)).keys


def jwks(context: Context) -> dict[str, Any]:
    """Build the JWKS as published now. Spec: RFC 7517 5."""
    key_set = context.transact(lambda transaction: load_keys(context, transaction))
    published = context.decisions.published_keys(key_set, now=context.now)
    return {"keys": [context.minting.public_jwk(key) for key in published]}


def rotate_keys(context: Context, *, immediately: bool = False) -> SigningKey:
    """Publish a new key. It signs one token lifetime later, so that every verifier has met it; at once as a fault.

    Its algorithm is the one that the settings name now.
    """
    wait_seconds = 0 if immediately else context.settings.license_token_seconds

    def work(transaction: Transaction) -> SigningKey:
        key_set = load_keys(context, transaction)
        new = _make(context, transaction, signs_from_at=context.now + wait_seconds)
        transaction.put(context.decisions.rotate_keys(key_set, new))
        return new

    return context.transact(work)


def note_signed(context: Context, transaction: Transaction, *, expires_at: int) -> SigningKey:
    """Choose the key that signs now and note what it is about to sign, so that it stays published long enough."""
    key_set = load_keys(context, transaction)
    key = context.decisions.signing_key(key_set, now=context.now)
    noted = signing_key.signed(key_set, kid=key.kid, expires_at=expires_at)
    if noted is not key_set:
        transaction.put(noted)
    return key
