"""What the kit needs of a target beyond the protocol: a human, provisioning, a clock. Small ports, with several drivers.

A driver subclasses a port and overrides what it offers; `offers` says what that is. Whatever is not overridden raises
`NotOffered`, which no rule should ever see: the runner tries a rule only where all its needs are offered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from authz_conformance.catalogue import Capability
from authz_conformance.clocks.port import Clock
from authz_conformance.verdicts import NotOffered

TOO_MANY = 429


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device at the Authorization server. A target without devices has one with an empty id.

    Attributes:
        id: its server_id.
    """

    id: str
    name: str = ""
    organization: str = ""

    def __str__(self) -> str:
        return self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """How an entered user code was answered.

    Attributes:
        accepted: whether it was approved or denied as asked.
        status: of HTTP, where the driver knows it.
        headers: of the answer, where the driver knows them; names in small letters.
        detail: what was said, for people.
    """

    accepted: bool
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    detail: str = ""

    @property
    def barred(self) -> bool:
        """Whether it was not even looked at: too many wrong ones came before (RFC 6585 4)."""
        return self.status == TOO_MANY

    def __str__(self) -> str:
        return " ".join(
            filter(None, ["accepted" if self.accepted else "refused", str(self.status or ""), self.detail])
        )


class Human(Protocol):
    """Someone who enters user codes at the verification page. Raises `AdapterError` only if nobody could even enter it."""

    @property
    def offers(self) -> frozenset[Capability]:
        """What this driver can do."""
        ...

    def approve(self, user_code: str, device: Device, *, administrator: str | None = None) -> Entry:
        """Enter a user code and approve it for a device.

        Args:
            user_code: Right or wrong, in any spelling.
            device: The device to license.
            administrator: Who enters it; None for whoever usually does.
        """
        raise NotOffered(Capability.APPROVE)

    def deny(self, user_code: str, *, administrator: str | None = None) -> Entry:
        """Enter a user code and deny it."""
        raise NotOffered(Capability.DENY)


class Provisioning(Protocol):
    """What an administrator can do with organizations, devices, keys and settings.

    What the server refuses raises `AdapterError`, with what the server said.
    """

    @property
    def offers(self) -> frozenset[Capability]:
        """What this driver can do."""
        ...

    def lend(self) -> Device:
        """Give a device that no other rule uses meanwhile: enabled, without renewal date and license."""
        raise NotOffered(Capability.APPROVE)

    def give_back(self, device: Device) -> None:
        """Take a lent device back."""
        return

    def retire(self, device: Device) -> None:
        """Take a lent device back that cannot be made again what it was, and lend it no more."""
        return

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
        """Create a device; None leaves a member to the server.

        Args:
            organization: Its id; None for the one whose administrator usually approves.
            renewal_at: Unix seconds; None for no renewal date.
        """
        raise NotOffered(Capability.PROVISION)

    def create_organization(self, *, name: str) -> str:
        """Create an organization, which the usual administrator manages as well, and return its id."""
        raise NotOffered(Capability.SECOND_ORGANIZATION)

    def delete_organization(self, organization: str) -> None:
        """Delete an organization and its devices."""
        raise NotOffered(Capability.DELETE_DEVICE)

    def change_device(
        self, device: Device, *, name: str | None = None, url: str | None = None, hub: Device | None = None
    ) -> None:
        """Change what is given; None leaves as it is."""
        raise NotOffered(Capability.CHANGE_DEVICE)

    def renew(self, device: Device, renewal_at: int | None) -> None:
        """Move a device's renewal date to a later instant, or remove it with None."""
        raise NotOffered(Capability.RENEW)

    def disable(self, device: Device) -> None:
        """Disable a device."""
        raise NotOffered(Capability.DISABLE)

    def enable(self, device: Device) -> None:
        """Enable a disabled device."""
        raise NotOffered(Capability.ENABLE)

    def delete(self, device: Device) -> None:
        """Delete a device."""
        raise NotOffered(Capability.DELETE_DEVICE)

    def revoke(self, device: Device) -> None:
        """Revoke a device's license, as an administrator."""
        raise NotOffered(Capability.REVOKE)

    def rotate_keys(self, *, immediately: bool = False) -> None:
        """Rotate the signing key, with notice; or as a fault `immediately`, which is a capability of its own."""
        raise NotOffered(Capability.ROTATE_KEYS)

    def change_settings(self, **settings: int | str | bool) -> None:
        """Change settings by their names in openapi.yaml, such as `license_token_seconds` or `alg`."""
        raise NotOffered(Capability.CHANGE_SETTINGS)

    def settings(self) -> Mapping[str, int | str | bool]:
        """Tell the settings by the same names, as they are; none of them where the driver cannot tell."""
        return {}

    def second_administrator(self, *, organization: str | None = None) -> str:
        """Name an administrator of an organization who is not the usual one, creating them if need be."""
        raise NotOffered(Capability.SECOND_ADMINISTRATOR)

    def withdraw_administrator(self, administrator: str | None = None) -> None:
        """Take the usual organization from an administrator; None is the usual one."""
        raise NotOffered(Capability.WITHDRAW_ADMINISTRATOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the target declares: lifetimes and the like. By default those of protocol.md."""

    license_token_seconds: int = 7 * 86400
    refresh_token_seconds: int = 90 * 86400
    code_seconds: int = 900
    interval_seconds: int = 5
    renewal_window_seconds: int = 30 * 86400
    token_warning_seconds: int = 2 * 86400
    refresh_retry_window_seconds: int = 86400
    guesses: int = 5
    guess_window_seconds: int = 900
    alg: str = "ES256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """How the usual administrator logs in at the verification page."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Introspector:
    """A client that introspects, where an access token as Bearer is not what the server asks for.

    Attributes:
        client_secret: for client_secret_basic; None for a public client.
    """

    client_id: str
    client_secret: str | None = field(default=None, repr=False)


def none_wrong(administrator: str | None) -> int:
    """Count no wrong entries: the stage is fresh."""
    del administrator
    return 0


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Everything that one rule is tried on: a fresh sandbox where the target has such, else the target itself.

    Attributes:
        isolates: nothing of it outlives the rule.
        wrong_entries: how many refused entries of earlier rules may still count against an administrator.
    """

    issuer: str
    client_id: str
    second_client_id: str | None
    scope: str | None
    terms: Terms
    human: Human
    provision: Provisioning
    clock: Clock
    login: Login | None = None
    introspector: Introspector | None = None
    endpoints: Mapping[str, str] = field(default_factory=dict)
    development_hosts: tuple[str, ...] = ()
    isolates: bool = True
    wrong_entries: Callable[[str | None], int] = none_wrong


class Target(Protocol):
    """A server that can be judged."""

    @property
    def offers(self) -> frozenset[Capability]:
        """What its drivers say they offer, clock included; not what the server itself does."""
        ...

    @property
    def jobs(self) -> int:
        """How many rules may be tried at a time."""
        ...

    @property
    def isolates(self) -> bool:
        """Whether each stage has keys and a budget of guesses that nobody else touches."""
        ...

    def stage(self, *, seed: str) -> AbstractContextManager[Stage]:
        """Set the stage for one rule, and clear it afterwards.

        Args:
            seed: What the entropy of a fresh sandbox is derived from, where that is offered.

        Raises:
            AdapterError: the stage cannot be set.
        """
        ...
