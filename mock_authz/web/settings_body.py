"""Settings as members of a JSON body, for the management and the control API: each fault at its own member."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mock_authz.settings import Settings, SettingsError, change
from mock_authz.web.body import Body


def read_settings(
    body: Body, given: Mapping[str, Any], *, over: Settings, within: tuple[str, ...] = ()
) -> Settings:
    """Change settings as a body says; note in it what is wrong.

    Args:
        given: settings by name, and perhaps `preset`.
        over: what is changed.
        within: where in the body they stand.
    """
    faulty = False
    for name, value in given.items():
        try:
            change(over, {name: value})
        except SettingsError as error:
            faulty = True
            body.fault(f"{error}.", *within, name)
    return over if faulty else change(over, given)
