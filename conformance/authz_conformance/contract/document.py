"""Finds openapi.yaml, and gives of it what any implementation offers: the operations tagged `protocol`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from authz_conformance.rules import SuiteError

TAG = "protocol"
METHODS = frozenset({"get", "put", "post", "patch", "delete"})
# One document for server and kit: the wheel has it in the package of the server, the checkout at its root.
_HOME = Path(__file__).resolve().parents[2]
FILES = (_HOME / "mock_authz" / "openapi.yaml", _HOME.parent / "openapi.yaml")


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One method of one path of the document.

    Attributes:
        path: as the document writes it, relative to the issuer.
        takes_form: it asks for a form in the body.
        takes_token: it asks for a license token as Bearer.
        required: the parameters of the form that no request may leave out.
    """

    method: str
    path: str
    takes_form: bool
    takes_token: bool
    required: tuple[str, ...]

    @property
    def label(self) -> str:
        """What schemathesis and people call it, such as `POST /token`."""
        return f"{self.method} {self.path}"


@cache
def protocol_part() -> Mapping[str, Any]:
    """Read the document without the operations of `management` and `control`."""
    path = next((path for path in FILES if path.is_file()), None)
    if path is None:
        raise SuiteError(f"there is no openapi.yaml: neither {FILES[0]} nor {FILES[1]}")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document: dict[str, Any] = yaml.load(path.read_bytes(), loader)  # noqa: S506 - safe loaders both
    paths = {path: _of_protocol(item) for path, item in document["paths"].items()}
    return {**document, "paths": {path: item for path, item in paths.items() if METHODS & item.keys()}}


def _of_protocol(item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value for name, value in item.items() if name not in METHODS or TAG in value.get("tags", ())
    }


@cache
def operations() -> Mapping[str, Operation]:
    """Give the operations by their labels, in the order of the document."""
    found = [
        Operation(
            method=method.upper(),
            path=path,
            takes_form="requestBody" in value,
            takes_token=bool(value.get("security")),
            required=_required(value),
        )
        for path, item in protocol_part()["paths"].items()
        for method, value in item.items()
        if method in METHODS
    ]
    return {operation.label: operation for operation in found}


def _required(value: Mapping[str, Any]) -> tuple[str, ...]:
    """Give the parameters that every form of an operation has, whichever of several schemas it follows."""
    contents = value.get("requestBody", {}).get("content", {})
    schemas = [_resolved(content["schema"]) for content in contents.values()]
    choices = [_resolved(one) for schema in schemas for one in schema.get("oneOf", [schema])]
    if not choices:
        return ()
    return tuple(name for name in choices[0]["required"] if all(name in one["required"] for one in choices))


def _resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        schema = protocol_part()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema
