"""What happened while one rule was tried: each exchange, each move of the clock, each act of a human, in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from math import ceil
from typing import Any, TypeVar, cast

from authz_conformance.exchange import Exchange

Port = TypeVar("Port")


class Happening(StrEnum):
    """What kind of thing happened."""

    EXCHANGE = "exchange"
    CLOCK = "clock"
    HUMAN = "human"
    PROVISION = "provision"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One thing that happened.

    Attributes:
        at: Unix seconds on the target's clock; None where that is not known.
        exchange: the number of the exchange that it was, if it was one.
    """

    at: int | None
    happening: Happening
    text: str
    exchange: int | None = None


def _unknown() -> float | None:
    return None


@dataclass(slots=True)
class Story:
    """Collects what happens, in order.

    Attributes:
        read_clock: the target's time, in Unix seconds, without asking the target; None where it is not known.
    """

    read_clock: Callable[[], float | None] = _unknown
    moments: list[Moment] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)

    def now(self) -> int | None:
        """Tell the target's time in whole Unix seconds, where it is known."""
        now = self.read_clock()
        return None if now is None else int(now)

    def now_at_the_latest(self) -> int | None:
        """Tell the target's time rounded up, for a bound that no server has passed before: many count fractions."""
        now = self.read_clock()
        return None if now is None else ceil(now)

    def tell(self, happening: Happening, text: str) -> None:
        """Add something that is no exchange."""
        self.moments.append(Moment(at=self.now(), happening=happening, text=text))

    def keep(self, exchange: Exchange) -> None:
        """Add an exchange."""
        self.exchanges.append(exchange)
        said = exchange.failure or f"{exchange.status} {exchange.error or ''}".strip()
        text = f"{exchange.step}: {said}"
        moment = Moment(at=exchange.at, happening=Happening.EXCHANGE, text=text, exchange=exchange.number)
        self.moments.append(moment)


class _Told:
    """Passes every call on to a port, and tells the story what was asked of it."""

    def __init__(self, port: object, happening: Happening, story: Story) -> None:
        self._port, self._happening, self._story = port, happening, story

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._port, name)
        if not callable(member) or name in _QUIET:
            return member

        def told(*given: Any, **named: Any) -> Any:
            words = [str(value) for value in given]
            words += [f"{key}={value}" for key, value in named.items() if value is not None]
            self._story.tell(self._happening, " ".join([name.replace("_", " "), *words]))
            return member(*given, **named)

        return told


_QUIET = frozenset({"now"})


def told(port: Port, happening: Happening, story: Story) -> Port:
    """Wrap a port so that what is asked of it becomes part of the story."""
    return cast("Port", _Told(port, happening, story))
