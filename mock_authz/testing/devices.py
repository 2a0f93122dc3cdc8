"""The devices of a sandbox and their licenses, as its administrators manage them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mock_authz.testing.bench import Bench
from mock_authz.testing.times import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class License:
    """A device's license as of the instant when it was read: the live one, or the last that it had.

    Attributes:
        license_status: `licensed`, `requires_renewal` or `expired_requires_renewal`.
        token_state: of the license token minted last: `valid`, `expiring` or `expired`.
        reason: why it is no longer good, such as `license_revoked`; None while it is.
        issued_at: Unix seconds, like all that ends in `_at`.
        ended_at: None while it has not ended.
        renewal_at: None for no renewal date.
    """

    license_status: str
    token_state: str
    reason: str | None
    client_id: str
    issued_at: int
    ended_at: int | None
    renewal_at: int | None
    token_expires_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A POS server or register, as of the instant when it was read.

    Attributes:
        edition: `cloud`, `corporate`, `store` or `register`.
        hub: server_id of the device that it connects to; None for none.
        renewal_at: its renewal date, Unix seconds; None for none.
        license: None if it never had one.
    """

    server_id: str
    organization: str
    name: str
    edition: str
    url: str | None
    hub: str | None
    features: tuple[str, ...]
    enabled: bool
    renewal_at: int | None
    license: License | None

    @property
    def license_status(self) -> str:
        """The status of its license; `unlicensed` if it never had one."""
        return "unlicensed" if self.license is None else self.license.license_status


class Devices:
    """What administrators do to devices. Refused requests raise `ControlError`."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def list(self) -> list[Device]:
        """List all devices."""
        return [_device(shown) for shown in self._bench.manage("GET", "devices")]

    def get(self, server_id: str) -> Device:
        """Read one device."""
        return _device(self._bench.manage("GET", "devices", server_id))

    def add(
        self,
        name: str,
        *,
        edition: str = "store",
        server_id: str | None = None,
        organization: str | None = None,
        renewal_at: Instant | None = None,
        **members: Any,
    ) -> Device:
        """Add a device.

        Args:
            name: for people.
            edition: `cloud`, `corporate`, `store` or `register`.
            server_id: None makes one of the name.
            organization: None for the first one of the sandbox.
            renewal_at: a duration counts from now; None for no renewal date.
            members: `url`, `hub` or `features`.
        """
        if organization is None:
            organizations: list[dict[str, Any]] = self._bench.manage("GET", "organizations")
            organization = organizations[0]["organization_id"] if organizations else ""
        body = {
            "name": name,
            "edition": edition,
            "organization": organization,
            "renewal_at": self._bench.at(renewal_at),
            **members,
        }
        if server_id is not None:
            body["server_id"] = server_id
        return _device(self._bench.manage("POST", "devices", body=body))

    def renew(self, server_id: str, to: Instant | None) -> Device:
        """Move the renewal date to a later instant, or remove it. After a lapse it is for the next license only.

        Args:
            server_id: the device.
            to: a duration counts from now; None for no renewal date.
        """
        body = {"renewal_at": self._bench.at(to)}
        return _device(self._bench.manage("POST", "devices", server_id, "renew", body=body))

    def revoke(self, server_id: str) -> Device:
        """End the device's license."""
        return _device(self._bench.manage("POST", "devices", server_id, "revoke"))

    def disable(self, server_id: str) -> Device:
        """Disable the device; its license ends."""
        return _device(self._bench.manage("POST", "devices", server_id, "disable"))

    def enable(self, server_id: str) -> Device:
        """Enable the device again, for a new license."""
        return _device(self._bench.manage("POST", "devices", server_id, "enable"))

    def change(self, server_id: str, **members: Any) -> Device:
        """Change `name`, `url`, `hub` or `features`."""
        return _device(self._bench.manage("PATCH", "devices", server_id, body=members))

    def delete(self, server_id: str) -> None:
        """Delete the device; its license ends."""
        self._bench.manage("DELETE", "devices", server_id)


def _device(shown: Mapping[str, Any]) -> Device:
    return Device(
        server_id=shown["server_id"],
        organization=shown["organization"],
        name=shown["name"],
        edition=shown["edition"],
        url=shown["url"],
        hub=shown["hub"],
        features=tuple(shown["features"]),
        enabled=shown["enabled"],
        renewal_at=shown["renewal_at"],
        license=None if shown["license"] is None else _license(shown["license"]),
    )


def _license(shown: Mapping[str, Any]) -> License:
    return License(
        license_status=shown["license_status"],
        token_state=shown["token_state"],
        reason=shown.get("reason"),
        client_id=shown["client_id"],
        issued_at=shown["issued_at"],
        ended_at=shown.get("ended_at"),
        renewal_at=shown["renewal_at"],
        token_expires_at=shown["token_expires_at"],
    )
