"""Which device each hub names, and that hubs lead nowhere in circles.

A disabled device may be a hub here, as it may in a sandbox where it was disabled later: while it is, there is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from mock_authz.seed.problems import Entry, Place, quoted

MOST_HUBS_SHOWN: Final = 6


class _Devices:
    """The devices of a seed, by what a hub may call them.

    Attributes:
        named: the server_ids of an organization's devices, by name.
        known: all that a hub may be called in an organization.
    """

    def __init__(self, devices: Sequence[Entry]) -> None:
        self.by_id: dict[str, dict[str, Any]] = {}
        self.named: dict[str, dict[str, list[str]]] = {}
        self.known: dict[str, dict[str, None]] = {}
        for item, _ in devices:
            if {"server_id", "organization"} <= item.keys():
                self._add(item, organization=item["organization"], server_id=item["server_id"])

    def _add(self, item: dict[str, Any], *, organization: str, server_id: str) -> None:
        name = item.get("name") or server_id
        self.by_id[server_id] = item
        self.named.setdefault(organization, {}).setdefault(name, []).append(server_id)
        self.known.setdefault(organization, {}).update({name: None, server_id: None})

    def find(self, hub: str, *, organization: str, place: Place) -> str | None:
        """Give the server_id of what a device of this organization calls its hub, or say why there is none."""
        device = self.by_id.get(hub)
        if device is not None and device["organization"] == organization:
            return hub
        found = self.named[organization].get(hub, [])
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(map(quoted, found[:MOST_HUBS_SHOWN]))
            place.wrong(
                f"{len(found)} devices of organization {quoted(organization)} are named {quoted(hub)}: "
                f"give a server_id, such as {ids}"
            )
            return None
        place.wrong(
            f"there is no device {quoted(hub)} in organization {quoted(organization)}"
            f"{self._elsewhere(hub) or place.instead_of(hub, self.known[organization])}"
        )
        return None

    def _elsewhere(self, hub: str) -> str:
        owners = [self.by_id[hub]["organization"]] if hub in self.by_id else []
        owners += [organization for organization, ids in self.named.items() if hub in ids]
        return f"; it belongs to {quoted(owners[0])}" if owners else ""


def follow_hubs(devices: Sequence[Entry]) -> dict[str, Entry]:
    """Put the server_id of each hub in place of what names it; None where there is no such device.

    Returns:
        The devices that have a hub, by server_id.
    """
    known = _Devices(devices)
    spokes: dict[str, Entry] = {}
    for item, place in devices:
        if "hub" in item and known.by_id.get(item.get("server_id", "")) is item:
            item["hub"] = known.find(item["hub"], organization=item["organization"], place=place.at("hub"))
            if item["hub"] is not None:
                spokes[item["server_id"]] = item, place
    return spokes


def check_cycles(spokes: Mapping[str, Entry]) -> None:
    """Say of each circle of hubs, once, at the device of it that stands first."""
    settled: set[str] = set()
    for start in spokes:
        walked: dict[str, None] = {}
        current = start
        while current in spokes and current not in settled and current not in walked:
            walked[current] = None
            current = spokes[current][0]["hub"]
        settled |= walked.keys()
        if current in walked:
            ids = list(walked)
            _report(ids[ids.index(current) :], spokes)


def _report(circle: Sequence[str], spokes: Mapping[str, Entry]) -> None:
    places = {server_id: spokes[server_id][1] for server_id in circle}
    first = min(circle, key=lambda server_id: places[server_id].path)
    at = circle.index(first)
    path = [quoted(server_id) for server_id in (*circle[at:], *circle[:at], first)]
    if len(path) > MOST_HUBS_SHOWN:
        path[MOST_HUBS_SHOWN // 2 : -MOST_HUBS_SHOWN // 2] = ["…"]
    places[first].at("hub").wrong(
        "a device cannot be its own hub: name another, or leave it out"
        if len(circle) == 1
        else f"hubs go in a circle, {' -> '.join(path)}: one of them must have no hub"
    )
