"""Human and provisioning through the management API that mock-authz offers (`management` in openapi.yaml)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from authz_conformance.catalogue import Capability
from authz_conformance.targets.admin_api import AdminApi, ApiRefusalError
from authz_conformance.targets.ports import Device, Entry, Human, Provisioning
from authz_conformance.verdicts import AdapterError

ANSWERED_AS_REFUSED = range(400, 500)
TAKEN = 409  # by an earlier run on the same server
MOST_NAMES = 1000


class ManagementHuman(Human):
    """Approves and denies in the name of administrators."""

    offers = frozenset({Capability.APPROVE, Capability.DENY, Capability.ENTER_USER_CODES})

    def __init__(self, api: AdminApi, *, administrator: str) -> None:
        self._api, self._administrator = api, administrator

    def approve(self, user_code: str, device: Device, *, administrator: str | None = None) -> Entry:
        """Approve in one request."""
        body = {"server_id": device.id, "administrator": administrator or self._administrator}
        return self._enter(user_code, "/approve", body)

    def deny(self, user_code: str, *, administrator: str | None = None) -> Entry:
        """Deny in one request."""
        return self._enter(user_code, "/deny", {"administrator": administrator or self._administrator})

    def _enter(self, user_code: str, path: str, body: Mapping[str, Any]) -> Entry:
        try:
            self._api.below("authorizations", user_code).post(path, body)
        except ApiRefusalError as refusal:
            if refusal.status not in ANSWERED_AS_REFUSED or refusal.status in {401, 403}:
                raise
            detail = str(refusal.problem.get("detail", ""))
            return Entry(accepted=False, status=refusal.status, headers=refusal.headers, detail=detail)
        return Entry(accepted=True, status=200)


class ManagementProvisioning(Provisioning):
    """Provisions through the API.

    Args:
        api: The management API.
        organization: Where devices are created unless a rule says otherwise.
        administrator: Who usually approves.
        lent: Devices that exist already and can be lent, by id.
        second: Another administrator who exists already; making one costs the hashing of a password.
    """

    offers = frozenset(
        {
            Capability.PROVISION,
            Capability.SECOND_ORGANIZATION,
            Capability.CHANGE_DEVICE,
            Capability.RENEW,
            Capability.DISABLE,
            Capability.ENABLE,
            Capability.DELETE_DEVICE,
            Capability.REVOKE,
            Capability.ROTATE_KEYS,
            Capability.ROTATE_KEYS_AT_ONCE,
            Capability.CHANGE_SETTINGS,
            Capability.SECOND_ADMINISTRATOR,
            Capability.WITHDRAW_ADMINISTRATOR,
        }
    )

    def __init__(
        self,
        api: AdminApi,
        *,
        organization: str,
        administrator: str,
        lent: Sequence[str] = (),
        second: str | None = None,
    ) -> None:
        self._api, self._organization, self._administrator = api, organization, administrator
        self._second = second
        self._lent = [Device(id=name, name=name, organization=organization) for name in lent]
        self._made = 0

    def lend(self) -> Device:
        """Lend a device that is there already, or a new one."""
        return self._lent.pop() if self._lent else self.create_device()

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
        """Create a device."""
        self._made += 1
        body: dict[str, Any] = {
            "organization": organization or self._organization,
            "name": name or f"Shop {self._made}",
            "edition": edition,
            "hub": hub.id if hub else None,
            "url": url,
            "renewal_at": renewal_at,
        }
        if features is not None:
            body["features"] = list(features)
        made = self._api.post("/devices", body)
        return Device(id=made["server_id"], name=made["name"], organization=made["organization"])

    def create_organization(self, *, name: str) -> str:
        """Create an organization that the usual administrator manages as well."""
        made = str(self._api.post("/organizations", {"name": name})["organization_id"])
        administrator = self._api.below("administrators", self._administrator)
        managed = administrator.get()["organizations"]
        administrator.patch("", {"organizations": [*managed, made]})
        return made

    def delete_organization(self, organization: str) -> None:
        """Delete it with its devices."""
        self._api.below("organizations", organization).delete()

    def change_device(
        self, device: Device, *, name: str | None = None, url: str | None = None, hub: Device | None = None
    ) -> None:
        """Change what is given."""
        given = {"name": name, "url": url, "hub": hub.id if hub else None}
        self._at(device).patch("", {key: value for key, value in given.items() if value is not None})

    def renew(self, device: Device, renewal_at: int | None) -> None:
        """Renew."""
        self._at(device).post("/renew", {"renewal_at": renewal_at})

    def disable(self, device: Device) -> None:
        """Disable."""
        self._at(device).post("/disable")

    def enable(self, device: Device) -> None:
        """Enable."""
        self._at(device).post("/enable")

    def delete(self, device: Device) -> None:
        """Delete."""
        self._at(device).delete()

    def revoke(self, device: Device) -> None:
        """Revoke the device's license."""
        self._at(device).post("/revoke")

    def rotate_keys(self, *, immediately: bool = False) -> None:
        """Publish a new key, which signs later, or at once."""
        self._api.post("/keys/rotate", {"immediately": True} if immediately else {})

    def change_settings(self, **settings: int | str | bool) -> None:
        """Change settings."""
        self._api.patch("/settings", settings)

    def settings(self) -> Mapping[str, int | str | bool]:
        """Ask for them."""
        told: Mapping[str, int | str | bool] = self._api.get("/settings")
        return told

    def second_administrator(self, *, organization: str | None = None) -> str:
        """Name the one who is there, the first time; then create one."""
        organizations = [organization or self._organization]
        if self._second is not None:
            username, self._second = self._second, None
            self._api.below("administrators", username).patch("", {"organizations": organizations})
            return username
        for _ in range(MOST_NAMES):
            self._made += 1
            username = f"second-{self._made}"
            body = {
                "username": username,
                "password": f"not used {self._made}",
                "organizations": organizations,
            }
            try:
                self._api.post("/administrators", body)
            except ApiRefusalError as refusal:
                if refusal.status != TAKEN:
                    raise
            else:
                return username
        raise AdapterError(f"POST /administrators: {MOST_NAMES} usernames in a row are taken")

    def withdraw_administrator(self, administrator: str | None = None) -> None:
        """Take all organizations from an administrator."""
        self._api.below("administrators", administrator or self._administrator).patch(
            "", {"organizations": []}
        )

    def _at(self, device: Device) -> AdminApi:
        return self._api.below("devices", device.id)
