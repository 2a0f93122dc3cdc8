"""The management API of one sandbox: JSON in, JSON out, under its issuer and its own bearer token."""

from __future__ import annotations

from typing import Final

from mock_authz.oauth.reply import Reply
from mock_authz.usecases.context import Context
from mock_authz.web.rest import Call, Routes


def list_keys(_: Call, context: Context) -> Reply:
    """List the signing keys."""
    del context
    return Reply(200, {"keys": []})


ROUTES: Final[Routes[Context]] = Routes({"/management/keys": {"GET": list_keys}})
