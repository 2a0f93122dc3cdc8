"""The wire contract holds to its own rules: it is valid, honest about its examples, and complete in its answers.

Owns what can be said of `openapi.yaml` and the seed schema alone. Knows nothing of the server that implements them.
"""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml
from joserfc import jwk, jwt
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

ROOT = Path(__file__).parents[1]
DOCUMENT_URI = "urn:test:openapi"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
PROBLEM = "application/problem+json"


class UniqueKeyLoader(yaml.SafeLoader):
    """Refuses a key that stands twice in one mapping, where YAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        assert not twice, f"{twice} stands twice, line {node.start_mark.line + 1}"
        return super().construct_mapping(node, deep=deep)


def load_document() -> dict[str, Any]:
    """Read the contract, each key once."""
    document = yaml.load((ROOT / "openapi.yaml").read_text("utf-8"), UniqueKeyLoader)  # noqa: S506 - derived from the safe loader
    assert isinstance(document, dict)
    return document


DOCUMENT = load_document()
REGISTRY: Registry[Any] = Registry().with_resource(DOCUMENT_URI, DRAFT202012.create_resource(DOCUMENT))


def escape(part: str) -> str:
    """Spell one part of a JSON Pointer."""
    return (
        part.replace("~", "~0").replace("/", "~1").replace("%", "%25").replace("{", "%7B").replace("}", "%7D")
    )


class Node(NamedTuple):
    """A place in the document: what stands there once references are followed, and its pointer."""

    value: dict[str, Any]
    pointer: str

    def child(self, *parts: str) -> Node:
        value: Any = self.value
        pointer = self.pointer
        for part in parts:
            value, pointer = value[part], f"{pointer}/{escape(part)}"
            while "$ref" in value and not pointer.endswith("schema"):
                pointer = value["$ref"]
                value = look_up(pointer)
        return Node(value, pointer)

    def children(self, *parts: str) -> Iterator[tuple[str, Node]]:
        value: Any = self.value
        for part in parts:
            value = value.get(part, {})
        for key in value:
            yield key, self.child(*parts, key)


def look_up(pointer: str) -> Any:
    """Follow a reference within the document."""
    return REGISTRY.resolver(DOCUMENT_URI).lookup(pointer).contents


class Operation(NamedTuple):
    """One method of one path."""

    method: str
    path: str
    node: Node

    @property
    def tag(self) -> str:
        return str(self.node.value["tags"][0])

    def responses(self) -> Iterator[tuple[str, Node]]:
        yield from self.node.children("responses")

    def bodies(self) -> Iterator[tuple[str, Node]]:
        if "requestBody" in self.node.value:
            for media_type, node in self.node.child("requestBody").children("content"):
                yield f"request {media_type}", node
        for status, response in self.responses():
            for media_type, node in response.children("content"):
                yield f"{status} {media_type}", node

    def parameters(self) -> Iterator[dict[str, Any]]:
        for owner in (DOCUMENT["paths"][self.path], self.node.value):
            for parameter in owner.get("parameters", []):
                yield look_up(parameter["$ref"]) if "$ref" in parameter else parameter


ROOT_NODE = Node(DOCUMENT, "#")
OPERATIONS = [
    Operation(method, path, ROOT_NODE.child("paths", path, method))
    for path, item in DOCUMENT["paths"].items()
    for method in METHODS
    if method in item
]
OUR_OWN = [operation for operation in OPERATIONS if operation.tag != "protocol"]


def each(operations: list[Operation]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("operation", operations, ids=lambda o: f"{o.method.upper()} {o.path}")


def complaints(pointer: str, instance: Any) -> list[str]:
    """Hold an instance against the schema at a pointer."""
    validator = Draft202012Validator({"$ref": f"{DOCUMENT_URI}{pointer}"}, registry=REGISTRY)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(instance)]


def examples_of(node: Node) -> list[Any]:
    """Collect the examples of a media type, parameter or header."""
    single = [node.value["example"]] if "example" in node.value else []
    return single + [example.value["value"] for _, example in node.children("examples")]


def references(value: Any) -> Iterator[str]:
    """Find every reference below a value."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref" and isinstance(inner, str):
                yield inner
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_document_is_valid_openapi_3_1() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert [str(error) for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_every_component_is_used_or_shows_itself() -> None:
    used = set(references(DOCUMENT))
    for kind, components in DOCUMENT["components"].items():
        if kind != "securitySchemes":
            unused = {name for name in components if f"#/components/{kind}/{name}" not in used}
            assert unused == set(), f"components/{kind}"


def test_every_schema_is_a_schema_of_draft_2020_12() -> None:
    for name, schema in DOCUMENT["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert "nullable" not in schema, name


@pytest.mark.parametrize("name", DOCUMENT["components"]["schemas"])
def test_the_examples_of_a_schema_validate_against_it(name: str) -> None:
    for example in DOCUMENT["components"]["schemas"][name].get("examples", []):
        assert complaints(f"#/components/schemas/{name}", example) == []


def test_operation_ids_are_distinct() -> None:
    ids = [operation.node.value["operationId"] for operation in OPERATIONS]
    assert len(ids) == len(set(ids))


@each(OPERATIONS)
def test_an_operation_has_an_id_a_summary_and_exactly_one_known_tag(operation: Operation) -> None:
    known = {tag["name"] for tag in DOCUMENT["tags"]}
    assert re.fullmatch(r"[a-z][A-Za-z0-9]+", operation.node.value["operationId"])
    assert operation.node.value["summary"]
    assert len(operation.node.value["tags"]) == 1
    assert operation.tag in known


@each(OPERATIONS)
def test_an_operation_stands_where_its_tag_belongs(operation: Operation) -> None:
    place = "control" if operation.path.startswith("/_control/") else "protocol"
    place = "management" if operation.path.startswith("/management/") else place
    assert operation.tag == place


@each(OPERATIONS)
def test_every_body_has_a_schema_and_examples_that_validate(operation: Operation) -> None:
    for where, node in operation.bodies():
        examples = examples_of(node)
        assert examples, f"{where}: no example"
        for example in examples:
            assert complaints(f"{node.pointer}/schema", example) == [], where


@each(OPERATIONS)
def test_parameters_have_a_schema_and_an_example_and_cover_the_path(operation: Operation) -> None:
    in_path = set()
    for parameter in operation.parameters():
        validator = Draft202012Validator(
            parameter["schema"],
            registry=REGISTRY,
            _resolver=REGISTRY.resolver(DOCUMENT_URI),
        )
        assert validator.is_valid(parameter["example"]), parameter["name"]
        if parameter["in"] == "path":
            in_path.add(parameter["name"])
    assert in_path == set(re.findall(r"{([^}]+)}", operation.path))


@each(OPERATIONS)
def test_headers_have_examples_that_validate(operation: Operation) -> None:
    for status, response in operation.responses():
        for name, header in response.children("headers"):
            examples = examples_of(header)
            assert examples, f"{status} {name}"
            for example in examples:
                assert complaints(f"{header.pointer}/schema", example) == [], f"{status} {name}"


@each(OPERATIONS)
def test_statuses_carry_the_headers_that_their_rfc_asks_for(operation: Operation) -> None:
    needed = {"303": "Location", "401": "WWW-Authenticate", "405": "Allow", "429": "Retry-After"}
    for status, response in operation.responses():
        if status in needed:
            assert response.child("headers", needed[status]).value["required"], status


@each(OPERATIONS)
def test_every_operation_says_405_for_other_methods(operation: Operation) -> None:
    assert "405" in operation.node.value["responses"]


@each(OPERATIONS)
def test_every_operation_that_asks_for_credentials_says_401(operation: Operation) -> None:
    assert "security" in operation.node.value, "whether it needs credentials is said, not inherited"
    asks = any(requirement for requirement in operation.node.value["security"])
    if asks:
        assert "401" in operation.node.value["responses"]


@each(OPERATIONS)
def test_every_operation_with_a_body_says_what_becomes_of_a_bad_one(operation: Operation) -> None:
    if "requestBody" in operation.node.value:
        expected = {"400", "413", "415"} | ({"422"} if operation.tag != "protocol" else set())
        assert expected <= set(operation.node.value["responses"])


@each(OPERATIONS)
def test_no_operation_announces_a_server_error(operation: Operation) -> None:
    statuses = list(operation.node.value["responses"])
    assert all(re.fullmatch(r"[234]\d\d", status) for status in statuses)
    assert all(left < right for left, right in pairwise(statuses)), "in order"


@each(OUR_OWN)
def test_every_refusal_of_management_and_control_is_problem_details(operation: Operation) -> None:
    for status, response in operation.responses():
        if status.startswith("4"):
            assert set(response.value.get("content", {})) == {PROBLEM}, status


@each(OPERATIONS)
def test_the_status_of_a_problem_is_the_status_of_its_response(operation: Operation) -> None:
    for where, node in operation.bodies():
        if where.endswith(PROBLEM):
            assert {example["status"] for example in examples_of(node)} == {int(where[:3])}, where
            schema = f"{node.pointer}/schema"
            wrong_status = dict(examples_of(node)[0], status=418)
            assert complaints(schema, wrong_status), where


@each(OPERATIONS)
def test_oauth_errors_are_not_to_be_stored(operation: Operation) -> None:
    for status, response in operation.responses():
        if (
            operation.tag == "protocol"
            and operation.method == "post"
            and status in {"200", "400", "401", "413", "415"}
        ):
            headers = response.value.get("headers", {})
            assert {"Cache-Control", "Pragma"} <= set(headers), status


def test_every_object_says_whether_it_takes_other_members() -> None:
    def walk(value: Any, where: str) -> Iterator[str]:
        if isinstance(value, dict):
            if value.get("type") == "object" and "additionalProperties" not in value:
                yield where
            for key, inner in value.items():
                if key not in {"example", "examples"}:
                    yield from walk(inner, f"{where}/{key}")
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                yield from walk(inner, f"{where}/{index}")

    assert list(walk(DOCUMENT["components"], "components")) == []
    assert list(walk(DOCUMENT["paths"], "paths")) == []


def test_the_example_license_token_verifies_with_the_example_keys_and_fits_its_schemas() -> None:
    content = DOCUMENT["paths"]["/token"]["post"]["responses"]["200"]["content"]["application/json"]
    keys = DOCUMENT["paths"]["/jwks"]["get"]["responses"]["200"]["content"]["application/json"]
    encoded = content["examples"]["issued"]["value"]["access_token"]
    key_set = jwk.KeySet.import_key_set(keys["examples"]["oneKey"]["value"])
    decoded = jwt.decode(encoded, key_set, algorithms=["ES256"])
    assert complaints("#/components/schemas/LicenseTokenHeader", decoded.header) == []
    assert complaints("#/components/schemas/LicenseTokenClaims", decoded.claims) == []
    assert decoded.claims == DOCUMENT["components"]["schemas"]["LicenseTokenClaims"]["examples"][0]


def standing_alone(name: str) -> dict[str, Any]:
    """Cut a schema out of the document, with all that it refers to under `$defs`."""
    schemas = DOCUMENT["components"]["schemas"]
    found: dict[str, Any] = {}
    wanted = [name]
    while wanted:
        current = wanted.pop()
        if current not in found:
            found[current] = schemas[current]
            wanted += [ref.rsplit("/", 1)[1] for ref in references(schemas[current])]
    text = json.dumps(found).replace("#/components/schemas/", "#/$defs/")
    definitions: dict[str, Any] = json.loads(text)
    top: dict[str, Any] = definitions.pop(name)
    return {**top, "$defs": dict(sorted(definitions.items()))}


def test_the_seed_schema_of_the_contract_is_the_one_that_editors_use() -> None:
    file = json.loads((ROOT / "mock_authz" / "seed.schema.json").read_text("utf-8"))
    assert file.pop("$schema") == "https://json-schema.org/draft/2020-12/schema"
    assert file.pop("$id").startswith("urn:")
    assert file == standing_alone("Seed")


def test_the_seed_schema_describes_every_member() -> None:
    file = json.loads((ROOT / "mock_authz" / "seed.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(file)
    for name, schema in {"Seed": file, **file["$defs"]}.items():
        for member, inner in schema.get("properties", {}).items():
            target = file["$defs"][inner["$ref"].rsplit("/", 1)[1]] if "$ref" in inner else inner
            assert inner.get("description") or target.get("description"), f"{name}.{member}"
