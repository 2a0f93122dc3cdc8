"""What happened in a sandbox: read, expected, followed, saved."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from mock_authz.testing.bench import Bench
from mock_authz.testing.entries import Entry, Event, Exchange, entry_of
from mock_authz.testing.times import stamp

# Below the server's heartbeat, which would count as something heard.
LONGEST_QUIET_SECONDS: Final = 10.0
LONGEST_SHOWN: Final = 60


class UnmetExpectationError(AssertionError):
    """The journal does not hold what was expected. The message names the nearest misses."""


class Journal:
    """Every exchange of the protocol and every event of one sandbox, in order; bounded, the oldest go first.

    A condition is a mapping of members that an entry must have: `{"step": "token:refresh", "status": 400,
    "response.error": "invalid_grant"}`, `{"type": "license_lapsed", "subject.server_id": "store-12"}`. A dot leads into a
    member. What needs no dot can be given by name: `expect(step="token:refresh", status=200)`.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    @property
    def position(self) -> int:
        """Where it ends now: pass it as `after`, to look at what comes later only."""
        last: list[dict[str, Any]] = self._bench.control("GET", "/journal?limit=1")
        return int(last[0]["sequence"]) if last else 0

    def entries(
        self, match: Mapping[str, Any] | None = None, *, after: int = 0, **members: Any
    ) -> list[Entry]:
        """Read the entries that match, or all, oldest first.

        Args:
            match: a condition.
            after: later than this position.
            members: more of the condition.
        """
        answer = self._wait({**(match or {}), **members}, count=1, within=0.0, after=after)
        return [entry_of(shown) for shown in answer["entries"]]

    def events(
        self, match: Mapping[str, Any] | None = None, *, after: int = 0, **members: Any
    ) -> list[Event]:
        """Read the events that match, or all; like `entries`."""
        found = self.entries({"kind": "event", **(match or {})}, after=after, **members)
        return [entry for entry in found if isinstance(entry, Event)]

    def exchanges(
        self, match: Mapping[str, Any] | None = None, *, after: int = 0, **members: Any
    ) -> list[Exchange]:
        """Read the exchanges that match, or all; like `entries`."""
        found = self.entries({"kind": "exchange", **(match or {})}, after=after, **members)
        return [entry for entry in found if isinstance(entry, Exchange)]

    def expect(
        self,
        match: Mapping[str, Any] | None = None,
        *,
        count: int = 1,
        within: float = 0.0,
        after: int = 0,
        **members: Any,
    ) -> list[Entry]:
        """Make sure that at least so many entries match; wait for them, if they may take a while.

        Args:
            match: a condition.
            count: how many entries.
            within: seconds of real time to wait, at most 60. In an event loop that the client under test runs in, wait in
                a thread: `await asyncio.to_thread(sandbox.journal.expect, ...)`.
            after: looks at what is later than this position.
            members: more of the condition.

        Returns:
            All that match, oldest first.

        Raises:
            UnmetExpectationError: an AssertionError that names the nearest misses.
            ControlError: the condition or the bounds are not what the server takes.
        """
        condition = {**(match or {}), **members}
        answer = self._wait(condition, count=count, within=within, after=after)
        if not answer["matched"]:
            raise UnmetExpectationError(_unmet(condition, answer, count=count, within=within))
        return [entry_of(shown) for shown in answer["entries"]]

    def follow(self, *, after: int = 0, until_quiet: float | None = None, **members: str) -> Iterator[Entry]:
        """Give entries as they come, those that are there already first.

        Args:
            after: later than this position.
            until_quiet: ends when nothing came for so many seconds, at most 10; None for never.
            members: `kind`, `type` or `step`, to give only such entries.

        Raises:
            ControlError: a member is none of these.
        """
        if until_quiet is not None and not 0 < until_quiet <= LONGEST_QUIET_SECONDS:
            raise ValueError(f"until_quiet is at most {LONGEST_QUIET_SECONDS:.0f} seconds, not {until_quiet}")
        query = urlencode({"after": after, **members})
        path = f"/sandboxes/{self._bench.name}/journal/stream?{query}"
        with self._bench.wire.follow(path, quiet_seconds=until_quiet) as lines:
            for line in lines:
                if line.startswith("data: "):
                    yield entry_of(json.loads(line.removeprefix("data: ")))

    def har(self) -> dict[str, Any]:
        """Give the exchanges as HAR 1.2."""
        exported: dict[str, Any] = self._bench.control("GET", "/journal/har")
        return exported

    def save_har(self, path: str | PathLike[str]) -> Path:
        """Write the exchanges as a HAR file, which browsers' developer tools and proxies open."""
        file = Path(path)
        file.write_text(json.dumps(self.har(), indent=2) + "\n", encoding="utf-8")
        return file

    def _wait(self, condition: Mapping[str, Any], *, count: int, within: float, after: int) -> dict[str, Any]:
        body = {"match": dict(condition), "count": count, "timeout_seconds": within, "after": after}
        answer: dict[str, Any] = self._bench.control("POST", "/journal/wait", body, waits_seconds=within)
        return answer


def _unmet(condition: Mapping[str, Any], answer: Mapping[str, Any], *, count: int, within: float) -> str:
    wanted = ", ".join(f"{path} {value!r}" for path, value in condition.items()) or "anything"
    waited = f" within {within:g} s" if within else ""
    found = answer["entries"]
    lines = [f"the journal should have {_times(count)} {wanted}{waited}, and has it {_times(len(found))}"]
    # Who has found some knows what they look like: then misses are other things.
    lines += [_place(entry) for entry in found]
    if not found:
        misses = answer["nearest"]
        lines += ["nearest misses:", *map(_miss, misses)] if misses else ["nothing comes near it"]
    return "\n".join(lines)


def _miss(miss: Mapping[str, Any]) -> str:
    differs = ", ".join(
        f"{path} is {_short(of['found'])}, not {of['wanted']!r}" for path, of in miss["differs"].items()
    )
    return f"{_place(miss['entry'])}: {differs}"


def _place(entry: Mapping[str, Any]) -> str:
    return f"  #{entry['sequence']}  {stamp(entry['at'])}  {entry.get('step') or entry.get('type')}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _times(count: int) -> str:
    return {0: "not at all", 1: "once", 2: "twice"}.get(count, f"{count} times")
