"""Seeds that are given: a YAML file or its text, or the plain values of an inline JSON object."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mock_authz.seed.building import build
from mock_authz.seed.built_in import BUILT_IN
from mock_authz.seed.contents import Seed
from mock_authz.seed.problems import Findings, Problem, SeedError, quoted
from mock_authz.seed.reading import LONGEST_SEED, read_yaml


def load_file(where: str, *, now: int) -> Seed:
    """Load a seed from a YAML file.

    Args:
        now: Unix seconds on the sandbox's clock; durations count from it.

    Raises:
        SeedError: there is no such file, or it cannot be used.
    """
    return load_seed(_file_text(Path(where), where=where), where=where, now=now)


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
