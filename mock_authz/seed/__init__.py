"""Seeds: what a sandbox starts with, from a YAML file, from an inline JSON object, or built in.

Owns their format (docs/seed-files.md; seed.schema.json is for editors). Reads no clock and writes to no store: it gives
records, which `usecases.control.create_sandbox` takes. Whoever starts with a built-in seed loads no more than its records:
what reads, checks and dumps seeds is imported from the modules that do it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from mock_authz.seed.built_in import BUILT_IN, built_in
from mock_authz.seed.contents import DEFAULT_CLIENTS, Seed

__all__ = ["BUILT_IN", "DEFAULT_CLIENTS", "SCHEMA_FILE", "Seed", "read_seed"]

SCHEMA_FILE: Final = Path(__file__).parents[1] / "seed.schema.json"


def read_seed(name_or_path: str | os.PathLike[str], *, now: int) -> Seed:
    """Read a built-in seed by its name, or a YAML file.

    Args:
        now: Unix seconds on the sandbox's clock; durations count from it.

    Raises:
        SeedError: there is no such file, or it cannot be used.
    """
    where = os.fspath(name_or_path)
    if where in BUILT_IN:
        return built_in(where, now=now)
    from mock_authz.seed.loading import load_file  # noqa: PLC0415 - see the module's docstring

    return load_file(where, now=now)
