"""From members to records: ids are made, references followed, and what does not fit together is said.

Rests on members.py: what is wrong by itself has been said there and is left out here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any, Final

from mock_authz.domain import spelling
from mock_authz.domain.organization import Administrator, Client, Device, Organization, default_features
from mock_authz.seed.contents import DEFAULT_CLIENTS, Seed
from mock_authz.seed.hubs import check_cycles, follow_hubs
from mock_authz.seed.members import sections
from mock_authz.seed.problems import Entry, Findings, Place, SeedError, quoted
from mock_authz.settings import Settings

IDENTITIES: Final = {
    "organizations": "id",
    "administrators": "username",
    "devices": "server_id",
    "clients": "client_id",
}


def build(value: Any, findings: Findings, *, where: str, now: int) -> Seed:
    """Check a seed and make its records.

    Args:
        value: plain values, from YAML or JSON.
        findings: what is wrong already.
        now: Unix seconds on the sandbox's clock; durations count from it.

    Raises:
        SeedError: something is wrong; it says everything that is.
    """
    root = Place(findings)
    read = sections(now)(value, root)
    if read is None:
        raise SeedError(where, findings.problems)
    entries = {section: _entries(read, section, root) for section in IDENTITIES}
    for section, key in IDENTITIES.items():
        _check_distinct(entries[section], section, key)
    _check_passwords(entries["administrators"])
    # Not if the organizations themselves could not be read, or stand under a misspelt key.
    if "organizations" in read or value.keys() <= read.keys():
        _check_organizations(entries)
    _make_server_ids(entries["devices"])
    check_cycles(follow_hubs(entries["devices"]))
    if findings.problems:
        raise SeedError(where, findings.problems)
    clients = () if "clients" in read else DEFAULT_CLIENTS
    return Seed(records=(*_records(entries), *clients), settings=read.get("settings", Settings()))


def _entries(read: Mapping[str, Any], section: str, root: Place) -> list[Entry]:
    items = enumerate(read.get(section, ()))
    return [(item, root.at(section, index)) for index, item in items if item is not None]


def _check_distinct(entries: Sequence[Entry], section: str, key: str) -> None:
    first: dict[str, Place] = {}
    for item, place in entries:
        if key in item and (earlier := first.setdefault(item[key], place)) is not place:
            place.at(key).wrong(
                f"{quoted(item[key])} is taken by {section}[{earlier.path[-1]}]: give each its own"
            )


def _check_passwords(administrators: Sequence[Entry]) -> None:
    for item, place in administrators:
        if "password" in item and "password_hash" in item:
            place.at("password").wrong("give a password or a password_hash, not both")


def _check_organizations(entries: Mapping[str, Sequence[Entry]]) -> None:
    known = {item["id"]: None for item, _ in entries["organizations"] if "id" in item}
    named = [
        (organization, place.at("organizations", index))
        for item, place in entries["administrators"]
        for index, organization in enumerate(item.get("organizations", ()))
    ]
    named += [(item.get("organization"), place.at("organization")) for item, place in entries["devices"]]
    for organization, place in named:
        if organization is not None and organization not in known:
            place.wrong(
                f"there is no organization {quoted(organization)}{place.instead_of(organization, known)}"
            )


def _make_server_ids(devices: Sequence[Entry]) -> None:
    """Give each device that has none a server_id made of its name: the file alone says which ids there are."""
    taken = {item["server_id"] for item, _ in devices if "server_id" in item}
    for item, _ in devices:
        if "server_id" not in item and {"organization", "name"} <= item.keys():
            item["server_id"] = next(
                made for made in _ids_for(item["name"], item["organization"]) if made not in taken
            )
            taken.add(item["server_id"])


def _ids_for(name: str, organization: str) -> Iterator[str]:
    """Propose ids for `Store 12` of acme: store-12, acme-store-12, acme-store-12-2 and so on."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = "-".join(re.findall("[a-z0-9]+", plain)) or "device"
    yield slug[: spelling.LONGEST_IDENTIFIER]
    longer = f"{organization}-{slug}"
    yield longer[: spelling.LONGEST_IDENTIFIER]
    for number in count(2):
        ending = f"-{number}"
        yield longer[: spelling.LONGEST_IDENTIFIER - len(ending)] + ending


def _records(entries: Mapping[str, Sequence[Entry]]) -> Iterator[object]:
    for item, _ in entries["organizations"]:
        yield Organization(organization_id=item["id"], name=item["name"])
    for item, _ in entries["administrators"]:
        yield Administrator(
            username=item["username"],
            name=item.get("name") or item["username"],
            organizations=tuple(item["organizations"]),
            password_hash=item.get("password_hash", item.get("password")),
        )
    for item, _ in entries["devices"]:
        yield Device(
            server_id=item["server_id"],
            organization_id=item["organization"],
            name=item["name"],
            edition=item["edition"],
            url=item.get("url"),
            hub=item.get("hub"),
            features=tuple(sorted(item.get("features", default_features(item["edition"])))),
            enabled=item.get("enabled", True),
            renewal_at=item.get("renewal_at"),
        )
    for item, _ in entries["clients"]:
        yield Client(client_id=item["client_id"], name=item.get("name") or item["client_id"])
