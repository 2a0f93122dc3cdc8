"""The test bench of `qa`, as a test asks it over HTTP. Every answer is held against the contract."""

from __future__ import annotations

from typing import Any, Final

import httpx2

from tests.web.site import Site, items, members

PATH: Final = "/_control/sandboxes/qa"


def ask(site: Site, method: str, path: str = "", **given: Any) -> httpx2.Response:
    """Send one request about the sandbox."""
    return site.send(method, PATH + path, **given)


def script(site: Site, **body: Any) -> dict[str, Any]:
    """Script a human."""
    return members(ask(site, "POST", "/humans", json=body), 201)


def human(site: Site, made: dict[str, Any]) -> dict[str, Any]:
    """Show a scripted human as it is now."""
    return members(ask(site, "GET", f"/humans/{made['human_id']}"), 200)


def declare(site: Site, kind: str, **body: Any) -> dict[str, Any]:
    """Declare a fault."""
    return members(ask(site, "POST", "/faults", json={"kind": kind, **body}), 201)


def fault(site: Site, made: dict[str, Any]) -> dict[str, Any]:
    """Show a fault as it is now."""
    return members(ask(site, "GET", f"/faults/{made['fault_id']}"), 200)


def advance(site: Site, **body: Any) -> list[tuple[int, str]]:
    """Move the clock forward, and give the instants and types of what fell due."""
    moved = members(ask(site, "POST", "/clock/advance", json=body), 200)
    return [(event["at"], event["type"]) for event in moved["events"]]


def journal(site: Site, query: str = "") -> list[dict[str, Any]]:
    """Read the journal."""
    return items(ask(site, "GET", "/journal" + query))


def wait(site: Site, match: dict[str, Any], **body: Any) -> dict[str, Any]:
    """Wait for entries of the journal."""
    return members(ask(site, "POST", "/journal/wait", json={"match": match, **body}), 200)
