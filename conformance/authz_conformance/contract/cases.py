"""Has schemathesis make requests of openapi.yaml: good ones and bad ones, the same for the same seed, and nothing sent.

What comes out depends on the seed and the versions of schemathesis and hypothesis alone, not on the machine, the
directory or what else is imported.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from tempfile import TemporaryDirectory
from typing import Any

import hypothesis
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.errors import Unsatisfiable
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.core import NotSet
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation, BaseSchema

from authz_conformance.contract.material import Material
from authz_conformance.contract.places import ONE_SERVER

Case = schemathesis.Case[Any]
# Cases that are made in one go, before they are sent.
A_ROUND = 500
# What HTTP or the connection decides, or that names the case by chance.
NOT_SENT = frozenset({
    "host", "content-length", "transfer-encoding", "connection", "expect", "upgrade", "te", "trailer",
    "user-agent", "x-schemathesis-testcaseid",
})  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request as it goes out."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    content: bytes = b""


class Generator:
    """Makes cases.

    Args:
        document: That they are made of.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        config = SchemathesisConfig.from_dict({"generation": {"database": "none"}})
        self._schema: BaseSchema = schemathesis.openapi.from_dict(dict(document), config=config)
        self._operations: dict[str, APIOperation[Any, Any, Any, Any]] = {
            one.ok().label: one.ok() for one in self._schema.get_all_operations() if isinstance(one, Ok)
        }

    def blank(self, label: str) -> Case:
        """Make a case that holds nothing, for a request that the kit makes by itself."""
        operation = self._operations[label]
        names = re.findall(r"{(\w+)}", operation.path)
        made: Case = operation.Case(path_parameters=dict.fromkeys(names, "any"))
        return made

    def cases(self, labels: Sequence[str], *, seed: str, number: int) -> Iterator[Case]:
        """Make cases for operations in turn, half of them good and half of them bad."""
        for round_number in range(-(-number // A_ROUND)):
            wanted = min(A_ROUND, number - round_number * A_ROUND)
            yield from self._round(labels, f"{seed} {round_number}", wanted)

    def _round(self, labels: Sequence[str], seed: str, wanted: int) -> list[Case]:
        """Make cases until there are enough; an operation that takes no input has but one."""
        found: list[Case] = []
        rich = list(labels)
        while rich and len(found) < wanted:
            share = -(-(wanted - len(found)) // len(rich))
            drawn = {label: self._drawn(label, f"{seed} {len(found)}", share) for label in rich}
            in_turn = zip_longest(*drawn.values())
            found += [case for cases in in_turn for case in cases if case is not None]
            rich = [label for label in rich if len(drawn[label]) == share]
        return found[:wanted]

    def _drawn(self, label: str, seed: str, most: int) -> list[Case]:
        operation, seed = self._operations[label], f"{seed} {label}"
        bad = _drawn(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE), f"{seed} bad", most // 2)
        good = _drawn(operation.as_strategy(), f"{seed} good", most - len(bad))
        return [case for pair in zip_longest(good, bad) for case in pair if case is not None]


def _drawn(strategy: Any, seed: str, most: int) -> list[Case]:
    found: list[Case] = []
    if not most:
        return found

    @hypothesis.seed(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8]))
    @hypothesis.settings(
        max_examples=most,
        database=None,
        deadline=None,
        derandomize=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    @hypothesis.given(case=strategy)
    def collect(case: Case) -> None:
        found.append(case)

    with _left_alone():
        try:
            collect()
        except Unsatisfiable:  # there is nothing that could be wrong with a request without input
            return []
    return found[:most]


@contextmanager
def _left_alone() -> Iterator[None]:
    """Keep hypothesis from what it does for tests: no files where the kit runs, no constants of modules that are imported."""
    name = "_get_local_constants"
    look: Callable[[], object] | None = getattr(providers, name, None)
    with TemporaryDirectory(prefix="authz-conformance-") as folder:
        set_hypothesis_home_dir(folder)
        if look is not None:
            setattr(providers, name, Constants)
        try:
            yield
        finally:
            set_hypothesis_home_dir(None)
            if look is not None:
                setattr(providers, name, look)


def given_out(case: Case, material: Material) -> None:
    """Put what the server knows where something was made up, without mending what is wrong with the case."""
    if isinstance(case.body, dict):
        known = {**material.known, **material.form.get(case.operation.path, {})}
        case.body = {
            name: known.get(name, value) if isinstance(value, str) and value else value
            for name, value in case.body.items()
        }
    if "server_id" in case.path_parameters and material.device and not is_bad(case, "path"):
        case.path_parameters = {**case.path_parameters, "server_id": material.device}


def is_bad(case: Case, *places: str) -> bool:
    """Whether a case was made to break the contract, at all or in the path, query, header or body."""
    if case.meta is None:
        return False
    bad = {location.value for location, one in case.meta.components.items() if one.mode.is_negative}
    return not bad.isdisjoint(places) if places else case.meta.generation.mode.is_negative


def serialized(case: Case, place: str, *, credentials: Mapping[str, str]) -> Request | None:
    """Make the request of a case; None if it has headers that HTTP cannot carry.

    Args:
        case: A generated one.
        place: Where the target has the operation.
        credentials: Headers that replace those of the case.
    """
    given = case.as_transport_kwargs(base_url="http://contract.invalid")
    given["url"] = place
    if ONE_SERVER in case.operation.path:
        given["url"] = place.replace("{server_id}", case.formatted_path.rpartition("/")[2])
    headers = {name.lower(): str(value).strip() for name, value in given["headers"].items()}
    headers = {name: value for name, value in {**headers, **credentials}.items() if name not in NOT_SENT}
    if not all(value.isascii() and value.isprintable() for value in (*headers, *headers.values())):
        return None
    prepared = requests.Request(**{**given, "headers": headers}).prepare()
    return Request(
        method=case.method,
        url=str(prepared.url),
        headers=_headers(prepared),
        content=_bytes(prepared.body),
    )


def _headers(prepared: requests.PreparedRequest) -> tuple[tuple[str, str], ...]:
    named = {str(name).lower(): str(value) for name, value in prepared.headers.items()}
    return tuple((name, value) for name, value in named.items() if name not in NOT_SENT)


def _bytes(body: Any) -> bytes:
    if body is None or isinstance(body, NotSet):
        return b""
    return body if isinstance(body, bytes) else str(body).encode()
