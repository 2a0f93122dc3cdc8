"""What a server is believed to hold: immutable records, and a world of them. No decision is made here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from authz_conformance.model.calendar import DAY, MINUTE, lapsed
from authz_conformance.model.readings import Reading


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The lifetimes that a target declares, by their wire names.

    Spec: protocol.md, Defaults
    """

    license_token_seconds: int = 7 * DAY
    refresh_token_seconds: int = 90 * DAY
    code_seconds: int = 15 * MINUTE
    interval_seconds: int = 5
    renewal_window_seconds: int = 30 * DAY
    token_warning_seconds: int = 2 * DAY
    refresh_retry_window_seconds: int = DAY


@dataclass(frozen=True, kw_only=True)
class Organization:
    """A customer, and who may act for it. An id or a name that the kit was not told is empty."""

    id: str
    name: str
    administrators: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Device:
    """A server or register that can be licensed. A deleted one is remembered, because its license is.

    Attributes:
        was_disabled: It has been, at some time.

    A name or an edition that the kit was not told is empty, and its features are None.
    """

    server_id: str
    organization: str
    name: str
    edition: str = "store"
    features: tuple[str, ...] | None = ("xms",)
    url: str | None = None
    hub: str | None = None
    enabled: bool = True
    was_disabled: bool = False
    deleted: bool = False
    renewal_at: int | None = None


@dataclass(frozen=True, kw_only=True)
class Grant:
    """One device authorization.

    Attributes:
        state: pending, approved, denied or redeemed. Expiry is no state.
        denied_by: The rule that an answer other than access_denied breaks, once denied.
        interval: Seconds, grown by each slow_down.
        polled_at: The previous poll.
        kept_at: The last poll that was not early.
        hasty: Whether the previous poll was early.
        slow_downs: How many slow_down it has had.
        grown: Whether one of them came to a poll that would not have been early at first.
        license: The number of the license that its redemption made.
        told: Whether a final answer has been given.
        met_foreign: Whether another client has polled with it since the owner did.
    """

    device_code: str
    user_code: str
    client_id: str
    issued_at: int
    expires_at: int
    base_interval: int
    interval: int
    state: str = "pending"
    denied_by: str = "poll.denied-is-access-denied"
    server_id: str | None = None
    administrator: str | None = None
    license: int | None = None
    polled_at: int | None = None
    kept_at: int | None = None
    hasty: bool = False
    slow_downs: int = 0
    grown: bool = False
    told: bool = False
    met_foreign: bool = False


@dataclass(frozen=True, kw_only=True)
class License:
    """What a redemption created.

    Attributes:
        number: The model's own name for it.
        scope: What the redemption said that it granted.
        acquired_at: When it was redeemed.
        renewal_at: Its renewal date.
        renewed_from: The renewal date that held before the last renewal of a live license.
        end: The reason of its first ending.
        ended_at: When that was.
        end_rule: The rule that ended it.
        end_again: Whether something tried to end it once more.
        doubtful: Whether a server that no rule of licensing binds may have ended it without saying so.
    """

    number: int
    scope: str | None = None
    server_id: str
    client_id: str
    acquired_at: int
    renewal_at: int | None
    renewed_from: int | None = None
    end: str | None = None
    ended_at: int = 0
    end_rule: str = ""
    end_again: bool = False
    doubtful: bool = False

    def live(self, *, now: int) -> bool:
        """Say whether it has neither ended nor lapsed."""
        return self.end is None and not lapsed(self.renewal_at, now=now)


@dataclass(frozen=True, kw_only=True)
class RefreshToken:
    """One refresh token of a license; `successor` is the value that its first use returned."""

    license: int
    retried_at: int | None = None
    expires_at: int
    first_used_at: int | None = None
    successor: str | None = None


@dataclass(frozen=True, kw_only=True)
class LicenseToken:
    """A license token as it was minted; `claims` are those of the JWT, empty where it can't be read."""

    license: int
    nbf: int
    exp: int
    claims: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Key:
    """A signing key.

    Attributes:
        kid: Its name on the wire, None until that was seen.
        signs_from_at: When its turn comes.
        took_over: Its place in the order in which keys have taken over, None while it waits.
        last_exp: The last exp that it has signed, None while it has signed nothing.
    """

    kid: str | None
    signs_from_at: int
    took_over: int | None = None
    last_exp: int | None = None


@dataclass(frozen=True, kw_only=True)
class World:
    """One thing that a server may be, given all that it has answered.

    Attributes:
        issuer: None where the kit does not know it.
        latest_at: The latest instant at which it was asked anything.
        serial: How many answers have been followed; names what a lost reply held.
        readings: The ambiguities that this world has settled, True for the letter.
    """

    issuer: str | None = None
    settings: Settings = Settings()
    clients: frozenset[str] = frozenset({"pos-server", "register"})
    organizations: Mapping[str, Organization] = field(default_factory=dict)
    devices: Mapping[str, Device] = field(default_factory=dict)
    grants: Mapping[str, Grant] = field(default_factory=dict)
    licenses: Mapping[int, License] = field(default_factory=dict)
    refresh_tokens: Mapping[str, RefreshToken] = field(default_factory=dict)
    license_tokens: Mapping[str, LicenseToken] = field(default_factory=dict)
    keys: tuple[Key, ...] = (Key(kid=None, signs_from_at=-(2**62), took_over=0),)
    wrong_entries: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    latest_at: int = -(2**62)
    serial: int = 0
    readings: Mapping[Reading, bool] = field(default_factory=dict)

    def reads(self, reading: Reading) -> bool:
        """Say whether this world takes the first reading; unsettled, it does."""
        return self.readings.get(reading, True)

    def grant_of(self, user_code: str) -> Grant | None:
        """Find a grant by its user code, compared without case and punctuation; the newest of several.

        Spec: RFC 8628 6.1
        """
        wanted = plain(user_code)
        found = [grant for grant in self.grants.values() if plain(grant.user_code) == wanted]
        return found[-1] if found else None

    def entitled(self, administrator: str | None, *, device: Device) -> bool:
        """Say whether someone administers a device's organization."""
        organization = self.organizations.get(device.organization)
        return organization is not None and administrator in organization.administrators

    def license_of(self, server_id: str) -> License | None:
        """Find the license that a device acquired last."""
        found = [held for held in self.licenses.values() if held.server_id == server_id]
        return found[-1] if found else None


def plain(user_code: str) -> str:
    """Reduce a user code to what is compared."""
    return "".join(filter(str.isalnum, user_code)).upper()


def with_grant(world: World, grant: Grant) -> World:
    """Exchange a grant."""
    return replace(world, grants={**world.grants, grant.device_code: grant})


def with_device(world: World, device: Device) -> World:
    """Exchange a device."""
    return replace(world, devices={**world.devices, device.server_id: device})


def with_license(world: World, held: License) -> World:
    """Exchange a license."""
    return replace(world, licenses={**world.licenses, held.number: held})


def ended(world: World, held: License, *, reason: str, rule: str, now: int) -> World:
    """End a license, unless it has ended: the first ending is stored and final.

    Spec: protocol.md, Words
    """
    if held.end is not None:
        return with_license(world, replace(held, end_again=True))
    if lapsed(held.renewal_at, now=now) and not world.reads(Reading.LAPSED_CAN_END):
        return world
    return with_license(world, replace(held, end=reason, ended_at=now, end_rule=rule))
