"""Which records there are, how each is named, and by what it can be found. One table; stores read it, nobody else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mock_authz.domain.device_grant import DeviceGrant, State
from mock_authz.domain.faults import Fault
from mock_authz.domain.guess_budget import GuessBudget
from mock_authz.domain.human_script import HumanScript
from mock_authz.domain.license import License
from mock_authz.domain.organization import Administrator, Client, Device, Organization
from mock_authz.domain.signing_key import KeySet
from mock_authz.sandbox import Sandbox


@dataclass(frozen=True, slots=True)
class Counter:
    """How many records of one kind were made: their ids are derived from it."""

    counts: str
    made: int


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of record.

    Attributes:
        name: as stored and shown.
        id_of: the record's id, unique in its sandbox and kind.
        indexes: what it can be found by; a value of None is not indexed.
    """

    name: str
    id_of: Callable[[Any], str]
    indexes: Mapping[str, Callable[[Any], str | None]] = field(default_factory=dict)


# There is one of it in each sandbox.
ONLY = "only"
# Scripted humans that have taken on no user code yet.
WAITING = "waiting"

KINDS: dict[type, Kind] = {
    Sandbox: Kind("sandbox", lambda _: ONLY),
    Counter: Kind("counter", lambda counter: counter.counts),
    KeySet: Kind("key_set", lambda _: ONLY),
    Client: Kind("client", lambda client: client.client_id),
    Organization: Kind("organization", lambda organization: organization.organization_id),
    Fault: Kind("fault", lambda fault: fault.fault_id),
    HumanScript: Kind(
        "human_script",
        lambda script: script.human_id,
        {
            "grant": lambda script: script.grant_id,
            "waiting": lambda script: WAITING if script.grant_id is None else None,
        },
    ),
    Administrator: Kind("administrator", lambda administrator: administrator.username),
    GuessBudget: Kind("guess_budget", lambda budget: budget.username),
    Device: Kind(
        "device", lambda device: device.server_id, {"organization": lambda device: device.organization_id}
    ),
    DeviceGrant: Kind(
        "device_grant",
        lambda grant: grant.grant_id,
        {
            "user_code": lambda grant: grant.user_code,
            "approved_for": lambda grant: grant.server_id if grant.state is State.APPROVED else None,
        },
    ),
    License: Kind(
        "license",
        lambda license_: license_.license_id,
        {
            "server": lambda license_: license_.server_id,
            "live": lambda license_: license_.server_id if license_.ending is None else None,
        },
    ),
}
