"""Reads a YAML file of the catalogue and remembers where each value stands; checks it against its JSON Schema.

It knows YAML and JSON Schema, and nothing of rules.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from authz_conformance.catalogue.rule import Place

_Loader: Any = getattr(
    yaml, "CSafeLoader", yaml.SafeLoader
)  # the C loader is 8 times faster, where there is one
ValuePath = tuple[str | int, ...]


class CatalogueError(Exception):
    """The catalogue does not hold together. Says everything that is wrong, each with its file and line."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, kw_only=True)
class ReadFile:
    """What one file holds, and at which line each value begins."""

    name: str
    content: dict[str, Any]
    lines: Mapping[ValuePath, int]

    def place(self, *path: str | int) -> Place:
        """Say where the value at `path` stands."""
        return Place(file=self.name, line=self.lines.get(path, 1))


def read_file(path: Path, *, validator: Any) -> ReadFile:
    """Read one file.

    Args:
        path: A YAML file.
        validator: Of the file's schema.

    Raises:
        CatalogueError: The file is no YAML, holds a key twice, or breaks the schema.
    """
    text = path.read_text("utf-8")
    try:
        node = yaml.compose(text, Loader=_Loader)
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader, in C where there is one
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise CatalogueError([f"{path.name}:{line}: not YAML: {getattr(error, 'problem', error)}"]) from error
    if node is None:
        raise CatalogueError([f"{path.name}:1: the file is empty"])
    read = ReadFile(name=path.name, content=content, lines=dict(_lines(node, ())))
    problems = [*_repeated_keys(path.name, node), *_schema_problems(read, validator)]
    if problems:
        raise CatalogueError(problems)
    return read


def schema_validator(path: Path) -> Any:
    """Make the validator of a JSON Schema file."""
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # noqa: PLC0415 - help is quick

    return Draft202012Validator(json.loads(path.read_text("utf-8")))


def _lines(node: yaml.Node, path: ValuePath) -> Iterator[tuple[ValuePath, int]]:
    yield path, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _lines(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _lines(value, (*path, index))


def _repeated_keys(name: str, node: yaml.Node) -> Iterator[str]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield f"{name}:{key.start_mark.line + 1}: {key.value} stands here a second time"
            seen.add(key.value)
            yield from _repeated_keys(name, value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _repeated_keys(name, value)


def _schema_problems(read: ReadFile, validator: Any) -> Iterator[str]:
    errors = sorted(validator.iter_errors(read.content), key=lambda error: [str(part) for part in error.path])
    for error in errors:
        where = ".".join(str(part) for part in error.path) or "the file"
        yield f"{read.place(*error.path)}: {where}: {error.message}"
