"""A sandbox's clock, moved by tests."""

from __future__ import annotations

from typing import Any

from mock_authz.testing.bench import Bench
from mock_authz.testing.entries import Event, events_of
from mock_authz.testing.times import Duration, Instant, duration_of


class Clock:
    """The clock that everything in the sandbox goes by: expiry, polling, `Date`, `Retry-After`."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    @property
    def now(self) -> int:
        """The present instant: Unix seconds."""
        return self._bench.now()

    @property
    def mode(self) -> str:
        """How it runs: `real`, `offset` (it ticks, but shows another time) or `frozen`."""
        return str(self._bench.control("GET", "/clock")["mode"])

    def time(self) -> float:
        """Tell the time like `time.time`, so that a client under test can be given this clock."""
        return float(self.now)

    def freeze(self, at: Instant | None = None) -> list[Event]:
        """Stop it, where it stands or at an instant.

        With a polling interval other than 0, a client that polls a frozen sandbox in real time is always early.

        Returns:
            What fell due on the way, in order.
        """
        return self._put("frozen", at)

    def tick(self) -> list[Event]:
        """Let it run on from the instant that it shows."""
        return self._put("offset", None)

    def set(self, at: Instant) -> list[Event]:
        """Move it to an instant, forward or back; it goes on ticking, or stays frozen.

        Going back moves the clock only: data stays, and what has acted does not act again.

        Returns:
            What fell due on the way, in order.
        """
        return self._put("frozen" if self.mode == "frozen" else "offset", at)

    def advance(self, by: Duration | None = None, *, to: Instant | None = None) -> list[Event]:
        """Move it forward, by a duration or to an instant. Once this returns, everything that fell due has happened.

        Args:
            by: such as `P30D`, `PT12H` or a timedelta.

        Returns:
            What fell due on the way, each with its instant, in order.

        Raises:
            ControlError: the instant has passed (`instant_passed`), or both or neither were given.
        """
        body: dict[str, Any] = {}
        if by is not None:
            body["by"] = duration_of(by)
        if to is not None:
            body["to"] = self._bench.at(to)
        return self._advance(body)

    def advance_to_next_event(self) -> list[Event]:
        """Move it to where next something falls due.

        Raises:
            ControlError: nothing ever does (`no_next_event`).
        """
        return self._advance({"to": "next_event"})

    def _advance(self, body: dict[str, Any]) -> list[Event]:
        return events_of(self._bench.control("POST", "/clock/advance", body))

    def _put(self, mode: str, at: Instant | None) -> list[Event]:
        body = {"mode": mode} if at is None else {"mode": mode, "now": self._bench.at(at)}
        return events_of(self._bench.control("PUT", "/clock", body))
