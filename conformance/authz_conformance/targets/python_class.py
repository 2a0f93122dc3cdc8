"""Adapters that are Python classes: in a file (`human.py:Class`), by dotted path (`package.module:Class`), or by entry point."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from importlib.metadata import entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from authz_conformance.targets.config import ConfigError

ENTRY_POINTS = "authz_conformance.adapters"


def make_adapter(name: str, options: Mapping[str, Any], *, key: str) -> Any:
    """Make an adapter.

    Args:
        name: `human.py:Class`, `package.module:Class`, or an entry point of the group `authz_conformance.adapters`.
        options: Its keyword arguments.
        key: Where it stands in the configuration, for errors.

    Raises:
        ConfigError: it cannot be found or made, or is no adapter.
    """
    try:
        adapter = _found(name)(**options)
    except ConfigError as error:
        raise ConfigError(f"{key}.adapter: {error}") from error
    except Exception as error:
        raise ConfigError(f"{key}.adapter: {name}: {type(error).__name__}: {error}") from error
    if not isinstance(getattr(adapter, "offers", None), frozenset):
        raise ConfigError(f"{key}.adapter: {name} has no attribute offers, a frozenset of Capability")
    return adapter


def _found(name: str) -> Any:
    if ":" not in name:
        for point in entry_points(group=ENTRY_POINTS, name=name):
            return point.load()
        raise ConfigError(f"there is no entry point {name} in the group {ENTRY_POINTS}")
    module, _, attribute = name.rpartition(":")
    made = _of_file(Path(module)) if module.endswith(".py") else importlib.import_module(module)
    return getattr(made, attribute)


def _of_file(path: Path) -> ModuleType:
    """Load a file that is part of no package."""
    spec = spec_from_file_location(f"adapter_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ConfigError(f"{path} is no file")
    made = module_from_spec(spec)
    sys.modules[made.__name__] = made  # dataclasses look their module up
    spec.loader.exec_module(made)
    return made
