"""Signing keys in the management API: their times and states, never their private members."""

from __future__ import annotations

from typing import Any

from mock_authz.domain import signing_key
from mock_authz.domain.signing_key import SigningKey
from mock_authz.oauth.reply import Reply
from mock_authz.usecases import keys
from mock_authz.usecases.context import Context
from mock_authz.web.rest import Call, listing


def list_all(_: Call, context: Context) -> Reply:
    """List all keys that the sandbox ever had, in the order in which they sign."""
    return listing([_shown(context, key) for key in keys.list_keys(context)])


def rotate(call: Call, context: Context) -> Reply:
    """Publish a new key, which signs one token lifetime later, or immediately."""
    immediately = call.body.optional("immediately", call.body.boolean)
    call.body.finish()
    return Reply(201, _shown(context, keys.rotate_keys(context, immediately=bool(immediately))))


def _shown(context: Context, key: SigningKey) -> dict[str, Any]:
    return {
        "kid": key.kid,
        "alg": key.alg,
        "state": signing_key.state(key, now=context.now).value,
        "published_at": key.published_at,
        "signs_from_at": key.signs_from_at,
        "retires_at": key.retires_at,
        "removed_at": signing_key.removed_at(key),
    }
