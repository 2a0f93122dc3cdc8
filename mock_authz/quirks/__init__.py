"""Named misbehaviours, attached from above. Nothing below imports this package.

Each decorates a seam of `usecases.context.Behaviour` and names the rules that it breaks. An empty set is the plain
server. The quirks stand in one file for each theme; `ALL` is what they make together.
"""

from __future__ import annotations

from typing import Final

from mock_authz.quirks.bearer import BEARER
from mock_authz.quirks.clocks import CLOCKS
from mock_authz.quirks.codes import CODES
from mock_authz.quirks.endings import ENDINGS
from mock_authz.quirks.endpoints import ENDPOINTS
from mock_authz.quirks.guesses import GUESSES
from mock_authz.quirks.introspection import INTROSPECTION
from mock_authz.quirks.keys import KEYS
from mock_authz.quirks.pages import PAGES
from mock_authz.quirks.polling import POLLING
from mock_authz.quirks.quirk import Quirk, attach_all
from mock_authz.quirks.reasons import REASONS
from mock_authz.quirks.redemption import REDEMPTION
from mock_authz.quirks.refreshing import REFRESHING
from mock_authz.quirks.requests import REQUESTS
from mock_authz.quirks.tokens import TOKENS
from mock_authz.quirks.verification import VERIFICATION
from mock_authz.usecases.context import Behaviour

__all__ = ["ALL", "Quirk", "behaviour"]

ALL: Final[dict[str, Quirk]] = {
    quirk.name: quirk
    for quirk in (
        *REQUESTS,
        *CODES,
        *VERIFICATION,
        *GUESSES,
        *PAGES,
        *POLLING,
        *REDEMPTION,
        *TOKENS,
        *REFRESHING,
        *REASONS,
        *ENDINGS,
        *BEARER,
        *INTROSPECTION,
        *ENDPOINTS,
        *KEYS,
        *CLOCKS,
    )
}


def behaviour(names: tuple[str, ...]) -> Behaviour:
    """Attach quirks, in the order of their names, to the plain behaviour.

    Raises:
        KeyError: there is no quirk of this name.
    """
    return attach_all(ALL[name] for name in names)
