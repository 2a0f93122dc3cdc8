"""One sandbox on one server, for the parts of `Sandbox` to act upon."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from mock_authz.testing.times import Instant, at_of
from mock_authz.testing.wire import Wire


@dataclass(slots=True)
class Bench:
    """Where requests about one sandbox go.

    Attributes:
        management: the URL of its management API.
        struck: ids of faults that have struck, as far as seen: a restored snapshot forgets them. Shared with forks.
        removed: what faults were that were removed before they struck.
        excused: ids of faults that need not strike.
    """

    wire: Wire
    name: str
    management: str
    management_token: str = field(repr=False)
    struck: set[str] = field(default_factory=set)
    removed: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    excused: set[str] = field(default_factory=set)

    def control(
        self,
        method: str,
        path: str = "",
        body: Mapping[str, Any] | None = None,
        *,
        waits_seconds: float = 0.0,
    ) -> Any:
        """Send a request to the control API, below this sandbox."""
        return self.wire.control(method, f"/sandboxes/{self.name}{path}", body, waits_seconds=waits_seconds)

    def manage(self, method: str, *path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send a request to the management API."""
        url = "/".join([self.management, *(quote(part, safe="") for part in path)])
        return self.wire.management(method, url, body, management_token=self.management_token)

    def now(self) -> int:
        """Read the sandbox's clock: Unix seconds."""
        return int(self.control("GET", "/clock")["now"])

    def at(self, given: Instant | None) -> int | None:
        """Give an instant as Unix seconds; a duration counts from now."""
        return None if given is None else at_of(given, now=self.now)
