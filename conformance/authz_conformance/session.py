"""What the rules of one run share: its seed, its bounds, and what is made once for several of them.

It must not know what is made.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeVar, cast

from authz_conformance.targets.ports import Target
from authz_conformance.wire import Connection

Made = TypeVar("Made")
Watch = Callable[[int, int], None]
CASES = 500


def unwatched(done: int, total: int) -> None:
    """Tell nobody how far something has come."""


@dataclass(frozen=True, kw_only=True)
class Session:
    """One run, as those rules see it that are settled together.

    Attributes:
        seed: of the whole run.
        cases: how many requests are generated.
        deadline: on the monotonic clock of `real_time`; what is not done by then is left undone.
        watch: is told how many of how many requests have been made.
    """

    target: Target
    connection: Connection
    seed: str
    cases: int
    deadline: float
    watch: Watch = unwatched
    _made: dict[object, Future[Any]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def once(self, make: Callable[[Session], Made]) -> Made:
        """Make something for whoever asks first; all others wait for it, and get the same, or what it raised."""
        with self._lock:
            made = self._made.get(make)
            is_first = made is None
            made = made or self._made.setdefault(make, Future())
        if is_first:
            try:
                made.set_result(make(self))
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is for all who asked
                made.set_exception(error)
        return cast("Made", made.result())
