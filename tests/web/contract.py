"""Holds answers against openapi.yaml: status, headers, media type, body. Used by every HTTP test, on every answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import httpx2
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from referencing import Registry
from referencing.jsonschema import DRAFT202012

DOCUMENT_FILE: Final = Path(__file__).parents[2] / "openapi.yaml"
URI: Final = "urn:test:contract"
METHODS: Final = frozenset({"get", "put", "post", "patch", "delete"})


@dataclass(frozen=True)
class Documented:
    """One method of one path."""

    method: str
    template: str
    value: Mapping[str, Any]

    def query(self) -> set[str]:
        return {str(one["name"]) for one in self._parameters() if one["in"] == "query"}

    def _parameters(self) -> Iterator[Mapping[str, Any]]:
        for parameter in [
            *document()["paths"][self.template].get("parameters", []),
            *self.value.get("parameters", []),
        ]:
            yield resolve(parameter)


@cache
def document() -> dict[str, Any]:
    loaded = yaml.load(DOCUMENT_FILE.read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - safe loaders both
    assert isinstance(loaded, dict)
    return loaded


@cache
def registry() -> Registry[Any]:
    known: Registry[Any] = Registry().with_resource(URI, DRAFT202012.create_resource(document()))
    return known


def resolve(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a reference, if it is one."""
    while "$ref" in value:
        value = registry().resolver(URI).lookup(value["$ref"]).contents
    return value


@cache
def operations() -> tuple[Documented, ...]:
    return tuple(
        Documented(method.upper(), template, value)
        for template, item in document()["paths"].items()
        for method, value in item.items()
        if method in METHODS
    )


def matches(template: str, path: str) -> bool:
    pattern = re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(template))
    return re.fullmatch(pattern, path) is not None


def complaints(method: str, path: str, response: httpx2.Response) -> list[str]:
    """Say what of an answer is not in the document.

    Args:
        path: below the issuer. One that is not in the document may answer 404 only, and is not looked at further.
    """
    offered = [one for one in operations() if matches(one.template, path)]
    asked = "GET" if method == "HEAD" else method
    operation = next((one for one in offered if one.method == asked), None)
    if operation is None:
        is_refused = response.status_code in {404, 405, 421, 401}
        is_preflight = method == "OPTIONS" and response.status_code == 204
        return [] if is_refused or is_preflight else [f"{method} {path} is not documented"]
    described = operation.value["responses"].get(str(response.status_code))
    if described is None:
        return [f"{response.status_code} is not documented: {response.text}"]
    answer = resolve(described)
    return [*_of_headers(answer, response), *_of_body(answer, response, is_head=method == "HEAD")]


def _of_headers(answer: Mapping[str, Any], response: httpx2.Response) -> Iterator[str]:
    for name, described in answer.get("headers", {}).items():
        header = resolve(described)
        if name in response.headers:
            yield from _of_schema(header["schema"], response.headers[name], name)
        elif header["required"]:
            yield f"the header {name} is missing"


def _of_body(answer: Mapping[str, Any], response: httpx2.Response, *, is_head: bool) -> Iterator[str]:
    content = answer.get("content", {})
    if not content or is_head:
        if response.content:
            yield "a body, where none is documented"
        return
    media_type = response.headers["content-type"].partition(";")[0]
    if media_type not in content:
        yield f"{media_type} is not documented"
    elif media_type.endswith("json"):
        yield from _of_schema(content[media_type]["schema"], response.json(), "body")
    elif media_type.endswith("yaml"):
        yield from _of_schema(content[media_type]["schema"], yaml.safe_load(response.text), "body")


def _of_schema(schema: Mapping[str, Any], instance: Any, where: str) -> Iterator[str]:
    validator = Draft202012Validator(schema, registry=registry(), _resolver=registry().resolver(URI))
    for error in validator.iter_errors(instance):
        yield f"{where} {error.json_path}: {error.message}"
