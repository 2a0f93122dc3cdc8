"""A sandbox as a seed file that loads back to equal records."""

from __future__ import annotations

from typing import Any, Final

from mock_authz.domain.organization import Administrator, Client, Device, Organization, PlainPassword
from mock_authz.instants import utc
from mock_authz.passwords import hash_password
from mock_authz.sandbox import Sandbox
from mock_authz.seed.reading import TAG
from mock_authz.settings import Settings, as_mapping
from mock_authz.store.port import Store

HEADER: Final = """\
# yaml-language-server: $schema=seed.schema.json
#
# Sandbox {name} of a mock-authz server, as a seed file: serve it with --seed FILE.
# Organizations, administrators (with the hashes of their passwords), devices, clients and settings;
# not the clock, licenses, pending codes, keys or the journal. Dates are in UTC.
"""


def dump_seed(store: Store, sandbox: Sandbox) -> str:
    """Write a sandbox as a seed file. A password that is not hashed yet is hashed for it: 0.1 s each."""
    sections = {
        "organizations": [_organization(one.record) for one in store.every(sandbox.name, Organization)],
        "administrators": [_administrator(one.record) for one in store.every(sandbox.name, Administrator)],
        "devices": [_device(one.record) for one in store.every(sandbox.name, Device)],
        "clients": [_client(one.record) for one in store.every(sandbox.name, Client)],
        "settings": _settings(sandbox.settings),
    }
    # A list of clients stays, though empty: left out, it would mean the clients by default.
    written = (_yaml({section: held}) for section, held in sections.items() if held or section == "clients")
    return "\n".join([HEADER.format(name=sandbox.name), *written])


def _yaml(value: dict[str, Any]) -> str:
    import yaml  # noqa: PLC0415 - only who asks for a dump pays for it

    def text(dumper: Any, value: str) -> Any:
        # What YAML may take for a line break (U+0085, U+2028) is escaped, which only double quotes allow.
        return dumper.represent_scalar(f"{TAG}str", value, style=None if value.isprintable() else '"')

    # A class of its own, so that the representer is not everybody's; libyaml's, if it is there.
    dumper: Any = type("Dumper", (getattr(yaml, "CSafeDumper", yaml.SafeDumper),), {})
    dumper.add_representer(str, text)
    return str(yaml.dump(value, Dumper=dumper, sort_keys=False, allow_unicode=True, width=110))


def _organization(organization: Organization) -> dict[str, Any]:
    return {"id": organization.organization_id, "name": organization.name}


def _administrator(administrator: Administrator) -> dict[str, Any]:
    held = administrator.password_hash
    return _without_none({
        "username": administrator.username,
        "password_hash": hash_password(held) if isinstance(held, PlainPassword) else held,
        "name": administrator.name,
        "organizations": list(administrator.organizations),
    })  # fmt: skip


def device_members(device: Device) -> dict[str, Any]:
    """Give a device by the names of its members: in a seed, and in the management API."""
    return {
        "server_id": device.server_id,
        "organization": device.organization_id,
        "name": device.name,
        "edition": device.edition.value,
        "url": device.url,
        "hub": device.hub,
        "features": sorted(device.features),
    }


def _device(device: Device) -> dict[str, Any]:
    renewal_at = None if device.renewal_at is None else utc(device.renewal_at)
    written = _without_none({**device_members(device), "renewal_at": renewal_at})
    return written if device.enabled else {**written, "enabled": False}


def _client(client: Client) -> dict[str, Any]:
    return {"client_id": client.client_id, "name": client.name}


def _settings(settings: Settings) -> dict[str, Any]:
    default = as_mapping(Settings())
    return {name: value for name, value in as_mapping(settings).items() if value != default[name]}


def _without_none(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
