"""With a control API each rule gets a fresh sandbox: one that is like the sandbox that the issuer names.

Without that, a sandbox that misbehaves, or has lifetimes of its own, would be named in a report that a plain one earned.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from authz_conformance.targets.admin_api import AdminApi
from authz_conformance.targets.assembling import open_target
from authz_conformance.targets.config import Config
from authz_conformance.targets.control import ControlTarget
from authz_conformance.targets.ports import Target
from authz_conformance.verdicts import AdapterError
from authz_conformance.wire import Connection


@contextmanager
def open_alike(settings: Config, connection: Connection) -> Iterator[Target]:
    """Give the target of a configuration while the block runs; its fresh sandboxes are like the one that is named.

    Raises:
        ConfigError: a driver cannot be made.
        AdapterError: the server cannot be started, or the issuer is of another server than the control API.
    """
    with open_target(settings, connection) as target:
        yield _alike(target, settings.target.issuer) if isinstance(target, ControlTarget) else target


def _alike(target: ControlTarget, issuer: str) -> ControlTarget:
    sandboxes = AdminApi(target.connection, target.url, bearer=target.token).below("sandboxes")
    named = _named(sandboxes.get(), issuer, target.url)
    quirks = sandboxes.below(str(named["name"])).get("/quirks")["quirks"]
    return replace(
        target,
        quirks=tuple(dict.fromkeys([*target.quirks, *quirks])),
        sandbox={"settings": _settings(named), **target.sandbox},
    )


def _settings(named: dict[str, Any]) -> dict[str, Any]:
    """Give its settings, but for an interval of none: it spares tests of clients the wait, and leaves nothing to judge."""
    return {
        name: value
        for name, value in named["settings"].items()
        if not (name == "interval_seconds" and value == 0)
    }


def _named(sandboxes: list[dict[str, Any]], issuer: str, url: str) -> dict[str, Any]:
    for one in sandboxes:
        if one["issuer"] == issuer:
            return one
    there = ", ".join(str(one["issuer"]) for one in sandboxes) or "none"
    raise AdapterError(f"{issuer} is no issuer of the control API {url}; it has {there}")
