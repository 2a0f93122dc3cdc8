"""Binds test functions to the rules of the catalogue, and finds them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from authz_conformance.server_under_test import ServerUnderTest
    from authz_conformance.session import Session

RuleTest = Callable[["ServerUnderTest"], None]
Bound = TypeVar("Bound", bound=Callable[..., None])
_BOUND_AS = "__authz_conformance_rule__"
_SETTLED_BY = "__authz_conformance_settled_by__"


class SuiteError(Exception):
    """The suite itself does not hold together."""


@dataclass(frozen=True, kw_only=True)
class Binding:
    """A rule and the function that settles it.

    Attributes:
        by: makes what the function is given beside the server, once in a run for all rules that name it.
    """

    rule_id: str
    function: Callable[..., None]
    place: str
    by: Callable[[Session], Any] | None = None

    def settle(self, server: ServerUnderTest, session: Session) -> None:
        """Settle the rule; returns if it is kept."""
        if self.by is None:
            self.function(server)
        else:
            self.function(server, session.once(self.by))


def rule(rule_id: str, *, by: Callable[[Session], Any] | None = None) -> Callable[[Bound], Bound]:
    """Bind a test function to exactly one rule of the catalogue.

    Args:
        rule_id: As in the catalogue, such as `poll.undecided-is-pending`.
        by: Makes what several rules are settled by. The function is given it as a second argument.
    """

    def bind(function: Bound) -> Bound:
        if hasattr(function, _BOUND_AS):
            raise SuiteError(f"{function.__qualname__} is bound to {getattr(function, _BOUND_AS)} already")
        setattr(function, _BOUND_AS, rule_id)
        setattr(function, _SETTLED_BY, by)
        return function

    return bind


def rule_id_of(function: object) -> str | None:
    """Say which rule a function is bound to, if any."""
    bound: str | None = getattr(function, _BOUND_AS, None)
    return bound


def server_bindings() -> Mapping[str, Binding]:
    """Find the tests of all rules for servers.

    Raises:
        SuiteError: a rule has two tests, or a test has no rule.
    """
    from authz_conformance.suites import server  # noqa: PLC0415 - its modules import this one

    return _indexed(binding for module in _modules(server) for binding in _bindings(module))


def _modules(package: ModuleType) -> Iterable[ModuleType]:
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if found.name.rpartition(".")[2].startswith("test_"):
            yield importlib.import_module(found.name)


def _bindings(module: ModuleType) -> Iterable[Binding]:
    for name, function in vars(module).items():
        if not name.startswith("test_"):
            continue
        rule_id = rule_id_of(function)
        if rule_id is None:
            raise SuiteError(f"{module.__name__}.{name} is bound to no rule")
        by = getattr(function, _SETTLED_BY, None)
        yield Binding(rule_id=rule_id, function=function, place=f"{module.__name__}.{name}", by=by)


def _indexed(bindings: Iterable[Binding]) -> Mapping[str, Binding]:
    found: dict[str, Binding] = {}
    for binding in bindings:
        if binding.rule_id in found:
            first = found[binding.rule_id].place
            raise SuiteError(f"{binding.rule_id} has two tests: {first} and {binding.place}")
        found[binding.rule_id] = binding
    return found
