"""Seeds: what a sandbox starts with, from a YAML file, from an inline JSON object, or built in.

Owns their format (docs/seed-files.md; seed.schema.json is for editors). Reads no clock and writes to no store: it gives
records, which `usecases.control.create_sandbox` takes.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from mock_authz.seed.building import DEFAULT_CLIENTS, Seed, build
from mock_authz.seed.dumping import dump_seed
from mock_authz.seed.problems import Findings, Problem, SeedError, quoted
from mock_authz.seed.reading import LONGEST_SEED, read_yaml

__all__ = [
    "BUILT_IN",
    "DEFAULT_CLIENTS",
    "SCHEMA_FILE",
    "Problem",
    "Seed",
    "SeedError",
    "dump_seed",
    "load_seed",
    "read_seed",
    "seed_from",
]

_PACKAGE: Final = Path(__file__).parents[1]
SCHEMA_FILE: Final = _PACKAGE / "seed.schema.json"

# What each holds. A seed of one's own that is called so is written ./demo.
BUILT_IN: Final = {
    "demo": "two retail groups with hubs, stores and registers; log in as admin, password demo",
    "empty": "nothing but the clients pos-server and register",
}


def read_seed(name_or_path: str | os.PathLike[str], *, now: int) -> Seed:
    """Read a built-in seed by its name, or a YAML file.

    Args:
        now: Unix seconds on the sandbox's clock; durations count from it.

    Raises:
        SeedError: there is no such file, or it cannot be used.
    """
    where = os.fspath(name_or_path)
    if where in BUILT_IN:
        return _built_in(where, now)
    return load_seed(_file_text(Path(where), where=where), where=where, now=now)


# Many sandboxes begin at one instant: frozen at the same one, or created within the same second. They share the records,
# which never change.
@lru_cache(maxsize=16)
def _built_in(name: str, now: int) -> Seed:
    if name == "empty":
        return seed_from({}, now=now)
    path = _PACKAGE / "seeds" / f"{name}.yaml"
    return load_seed(_file_text(path, where=name), where=name, now=now)


def load_seed(source: str, *, where: str, now: int) -> Seed:
    """Load a seed from YAML text.

    Args:
        where: the file's name, for what is printed.
        now: Unix seconds on the sandbox's clock; durations count from it.

    Raises:
        SeedError: it cannot be used; says everything that is wrong, each with its line.
    """
    value, findings = read_yaml(source, where=where)
    return build(value, findings, where=where, now=now)


def seed_from(value: Any, *, now: int, where: str = "seed") -> Seed:
    """Take a seed that is plain values already, such as a member of a JSON body.

    Raises:
        SeedError: it cannot be used; says everything that is wrong, each with its JSON Pointer.
    """
    return build(value, Findings(), where=where, now=now)


def _file_text(path: Path, *, where: str) -> str:
    try:
        with path.open("rb") as file:
            return file.read(4 * LONGEST_SEED + 1).decode("utf-8")
    except FileNotFoundError:
        names = ", ".join(map(quoted, BUILT_IN))
        detail = f"there is no such file, and the seeds that are built in are {names}"
    except UnicodeDecodeError as error:
        detail = f"this is not UTF-8 text (byte {error.start + 1})"
    except (OSError, ValueError) as error:
        detail = f"cannot be read: {getattr(error, 'strerror', None) or error}"
    raise SeedError(where, [Problem(detail=detail)])
