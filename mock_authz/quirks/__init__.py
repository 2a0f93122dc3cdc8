"""Named misbehaviours, attached from above. Nothing below imports this package."""

from __future__ import annotations

from mock_authz.usecases.context import PLAIN, Behaviour


def behaviour(names: tuple[str, ...]) -> Behaviour:
    """Attach quirks, in the order of their names, to the plain behaviour."""
    del names
    return PLAIN
