"""Named misbehaviours, attached from above. Nothing below imports this package.

Each decorates a seam of `usecases.context.Behaviour` and names the rules that it breaks. An empty set is the plain
server. The quirks stand in one file for each theme; `ALL` is what they make together.
"""

from __future__ import annotations

from typing import Final

from mock_authz.quirks.polling import POLLING
from mock_authz.quirks.quirk import Quirk, attach_all
from mock_authz.quirks.refreshing import REFRESHING
from mock_authz.usecases.context import Behaviour

__all__ = ["ALL", "Quirk", "behaviour"]

ALL: Final[dict[str, Quirk]] = {quirk.name: quirk for quirk in (*POLLING, *REFRESHING)}


def behaviour(names: tuple[str, ...]) -> Behaviour:
    """Attach quirks, in the order of their names, to the plain behaviour.

    Raises:
        KeyError: there is no quirk of this name.
    """
    return attach_all(ALL[name] for name in names)
