"""Human and provisioning by commands. What is offered is what has a command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from authz_conformance.catalogue import Capability
from authz_conformance.targets.commands import Answer, Command
from authz_conformance.targets.ports import Device, Entry, Human, Provisioning
from authz_conformance.verdicts import AdapterError, NotOffered

USER_CODE_PLACEHOLDERS = ("user_code", "device", "administrator")

# For each operation: what it offers, and its placeholders.
OPERATIONS: Mapping[str, tuple[Capability, tuple[str, ...]]] = {
    "create_device": (
        Capability.PROVISION,
        ("name", "edition", "organization", "hub", "url", "features", "renewal_at"),
    ),
    "change_device": (Capability.CHANGE_DEVICE, ("device", "name", "url", "hub")),
    "renew": (Capability.RENEW, ("device", "renewal_at")),
    "disable": (Capability.DISABLE, ("device",)),
    "enable": (Capability.ENABLE, ("device",)),
    "delete": (Capability.DELETE_DEVICE, ("device",)),
    "revoke": (Capability.REVOKE, ("device",)),
    "create_organization": (Capability.SECOND_ORGANIZATION, ("name",)),
    "delete_organization": (Capability.DELETE_DEVICE, ("organization",)),
    "rotate_keys": (Capability.ROTATE_KEYS, ()),
    "rotate_keys_at_once": (Capability.ROTATE_KEYS_AT_ONCE, ()),
    "change_settings": (Capability.CHANGE_SETTINGS, ("settings",)),
    "second_administrator": (Capability.SECOND_ADMINISTRATOR, ("organization",)),
    "withdraw_administrator": (Capability.WITHDRAW_ADMINISTRATOR, ("administrator",)),
}


class CommandHuman(Human):
    """Enters user codes by commands."""

    def __init__(self, *, approve: Command, deny: Command | None, reports_entries: bool) -> None:
        self._approve, self._deny, self._reports = approve, deny, reports_entries

    @property
    def offers(self) -> frozenset[Capability]:
        """Approve; deny and wrong codes where configured."""
        more = {Capability.DENY} if self._deny is not None else set()
        entries = {Capability.ENTER_USER_CODES} if self._reports else set()
        return frozenset({Capability.APPROVE, *more, *entries})

    def approve(self, user_code: str, device: Device, *, administrator: str | None = None) -> Entry:
        """Run the command `approve`."""
        values = {"user_code": user_code, "device": device.id, "administrator": administrator}
        return _entry(self._approve.run(values))

    def deny(self, user_code: str, *, administrator: str | None = None) -> Entry:
        """Run the command `deny`."""
        if self._deny is None:
            raise NotOffered(Capability.DENY)
        values = {"user_code": user_code, "device": None, "administrator": administrator}
        return _entry(self._deny.run(values))


def _entry(answer: Answer) -> Entry:
    status, headers = answer.members.get("status"), answer.members.get("headers")
    return Entry(
        accepted=not answer.refused,
        status=status if isinstance(status, int) else None,
        headers={str(name).lower(): str(value) for name, value in headers.items()}
        if isinstance(headers, dict)
        else {},
        detail=str(answer.members.get("detail", "")),
    )


class CommandProvisioning(Provisioning):
    """Provisions by commands.

    Args:
        commands: By operation.
        lending: Lends devices; a created one where there are none to lend.
    """

    def __init__(self, commands: Mapping[str, Command], *, lending: Provisioning) -> None:
        self._commands, self._lending = commands, lending

    @property
    def offers(self) -> frozenset[Capability]:
        """What has a command."""
        return frozenset(OPERATIONS[name][0] for name in self._commands)

    def lend(self) -> Device:
        """Lend a device that is there, or create one."""
        return self.create_device() if "create_device" in self._commands else self._lending.lend()

    def give_back(self, device: Device) -> None:
        """Take a lent device back."""
        self._lending.give_back(device)

    def retire(self, device: Device) -> None:
        """Lend it no more."""
        self._lending.retire(device)

    def create_device(
        self,
        *,
        name: str | None = None,
        edition: str = "store",
        organization: str | None = None,
        hub: Device | None = None,
        url: str | None = None,
        features: Sequence[str] | None = None,
        renewal_at: int | None = None,
    ) -> Device:
        """Create a device; the command prints its `server_id`."""
        values: dict[str, Any] = {
            "name": name,
            "edition": edition,
            "organization": organization,
            "hub": hub.id if hub else None,
            "url": url,
            "features": None if features is None else list(features),
            "renewal_at": renewal_at,
        }
        members = self._run("create_device", values)
        return Device(
            id=_printed("create_device", members, "server_id"),
            name=str(members.get("name", name or "")),
            organization=str(members.get("organization", organization or "")),
        )

    def create_organization(self, *, name: str) -> str:
        """Create an organization; the command prints its `organization`."""
        return _printed(
            "create_organization", self._run("create_organization", {"name": name}), "organization"
        )

    def delete_organization(self, organization: str) -> None:
        """Run the command."""
        self._run("delete_organization", {"organization": organization})

    def change_device(
        self, device: Device, *, name: str | None = None, url: str | None = None, hub: Device | None = None
    ) -> None:
        """Run the command; what is empty stays as it is."""
        values = {"device": device.id, "name": name, "url": url, "hub": hub.id if hub else None}
        self._run("change_device", values)

    def renew(self, device: Device, renewal_at: int | None) -> None:
        """Run the command; no date is an empty argument, and null."""
        self._run("renew", {"device": device.id, "renewal_at": renewal_at})

    def disable(self, device: Device) -> None:
        """Run the command."""
        self._run("disable", {"device": device.id})

    def enable(self, device: Device) -> None:
        """Run the command."""
        self._run("enable", {"device": device.id})

    def delete(self, device: Device) -> None:
        """Run the command."""
        self._run("delete", {"device": device.id})

    def revoke(self, device: Device) -> None:
        """Run the command."""
        self._run("revoke", {"device": device.id})

    def rotate_keys(self, *, immediately: bool = False) -> None:
        """Run the command."""
        self._run("rotate_keys_at_once" if immediately else "rotate_keys", {})

    def change_settings(self, **settings: int | str | bool) -> None:
        """Run the command, with all settings as one value."""
        self._run("change_settings", {"settings": settings})

    def second_administrator(self, *, organization: str | None = None) -> str:
        """Name another administrator; the command prints `administrator`."""
        members = self._run("second_administrator", {"organization": organization})
        return _printed("second_administrator", members, "administrator")

    def withdraw_administrator(self, administrator: str | None = None) -> None:
        """Run the command."""
        self._run("withdraw_administrator", {"administrator": administrator})

    def _run(self, operation: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
        command = self._commands.get(operation)
        if command is None:
            raise NotOffered(OPERATIONS[operation][0])
        answer = command.run(values)
        if answer.refused:
            raise AdapterError(f"{command.key}: the server refused it: {answer.members.get('detail', '')}")
        return answer.members


def _printed(operation: str, members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not value:
        raise AdapterError(
            f'provisioning.{operation}: should print {{"{name}": "…"}}, printed {dict(members)}'
        )
    return value
