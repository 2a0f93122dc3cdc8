"""Seeds as tests name them: built in, a file of one's own, or plain values."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import Any, TypeAlias

from mock_authz.seed import BUILT_IN
from mock_authz.seed.problems import Problem, SeedError
from mock_authz.seed.reading import read_yaml

# `demo` or `empty`; the path of a YAML file; or what such a file holds (docs/seed-files.md).
SeedSource: TypeAlias = str | PathLike[str] | Mapping[str, Any]


def seed_of(given: SeedSource) -> str | Mapping[str, Any]:
    """Give a seed as the control API takes it.

    Raises:
        SeedError: there is no such file, or it is no YAML (a ValueError).
    """
    if isinstance(given, Mapping) or given in BUILT_IN:
        return given if isinstance(given, Mapping) else str(given)
    where = fspath(given)
    try:
        source = Path(where).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        detail = getattr(error, "strerror", None) or "is not UTF-8 text"
        raise SeedError(where, [Problem(detail=f"{detail}; built in are {', '.join(BUILT_IN)}")]) from None
    value, findings = read_yaml(source, where=where)
    if findings.problems:
        raise SeedError(where, findings.problems)
    members: Mapping[str, Any] = value or {}
    return members
