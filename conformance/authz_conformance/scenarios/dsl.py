"""The words of a story: frozen data, which devices, people and time do, and what is expected.

A device is named by its part in the story. What it holds (codes, tokens) is named by its place, never by its value.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from authz_conformance.catalogue import Capability
from authz_conformance.scenarios.lifetimes import Bound, Mark, Span

STORE = "store"


class Held(StrEnum):
    """Which of the things that it was given a device uses."""

    NEWEST = "the newest"
    PREVIOUS = "the one before the newest"
    FIRST = "the first"
    UNKNOWN = "one that nobody has issued"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A device of the story.

    Attributes:
        name: Its part.
        edition: Of the device.
        hub: The part of its hub.
        renewal: Its renewal date, counted from the start of the story; None for none.
        organization: Devices of one name are of one organization.
    """

    name: str = STORE
    edition: str = "store"
    hub: str | None = None
    renewal: Span | None = None
    organization: str = "harbor"


# ------------------------------------------------------------------------------------------------ the device


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """The device asks for codes, and does not poll."""

    device: str = STORE


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """The device polls; `foreign` with another client's identity."""

    device: str = STORE
    code: Held = Held.NEWEST
    foreign: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquire:
    """The device asks for codes, an administrator approves, the device polls."""

    device: str = STORE


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """The device refreshes; `foreign` with another client's identity."""

    device: str = STORE
    using: Held = Held.NEWEST
    foreign: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The device asks for its license as the server sees it."""

    device: str = STORE
    using: Held = Held.NEWEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Introspect:
    """The device asks whether a token is active: its own, or another device's; a refresh token where it says so."""

    device: str = STORE
    of: str | None = None
    using: Held = Held.NEWEST
    refresh_token: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove:
    """The device revokes one of its tokens; its license token where it says so."""

    device: str = STORE
    using: Held = Held.NEWEST
    license_token: bool = False
    foreign: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchKeys:
    """The device fetches the key set."""

    device: str = STORE


# ------------------------------------------------------------------------------------------------ people


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve:
    """An administrator approves the device's user code."""

    device: str = STORE
    code: Held = Held.NEWEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Deny:
    """An administrator denies the device's user code."""

    device: str = STORE
    code: Held = Held.NEWEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Renew:
    """An administrator moves the renewal date to `by` after the one that holds, or after now if that has come.

    None removes the date.
    """

    by: Span | None
    device: str = STORE


@dataclass(frozen=True, slots=True, kw_only=True)
class Disable:
    """An administrator disables the device."""

    device: str = STORE


@dataclass(frozen=True, slots=True, kw_only=True)
class Enable:
    """An administrator enables the device."""

    device: str = STORE


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """An administrator deletes the device."""

    device: str = STORE


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoke:
    """An administrator revokes the device's license."""

    device: str = STORE


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateKeys:
    """An administrator asks for a new signing key."""

    immediately: bool = False


# ------------------------------------------------------------------------------------------------ time and wire


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """Time passes: a stretch, or until a mark of the device."""

    by: Span | None = None
    to: Mark | None = None
    device: str = STORE


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveClockBack:
    """The server's clock is moved back: by a stretch, or to a mark of the device."""

    by: Span | None = None
    to: Mark | None = None
    device: str = STORE


@dataclass(frozen=True, slots=True, kw_only=True)
class GoOffline:
    """The device loses its line: what it sends reaches nobody."""

    device: str = STORE


@dataclass(frozen=True, slots=True, kw_only=True)
class BackOnline:
    """The line is back."""

    device: str = STORE


@dataclass(frozen=True, slots=True, kw_only=True)
class LoseReply:
    """The device's next request arrives, and its reply does not."""

    device: str = STORE


# ------------------------------------------------------------------------------------------------ what is expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """What the last answer is by the story's own reading of the law. None where the story does not say.

    Attributes:
        answer: Its kind: tokens, codes, done, refused, or an OAuth error code.
        reason: The member `reason`.
        status: license_status of /license.
        token_state: token_state of /license.
        exp: The bound that the new license token expires at.
        active: What introspection says.
        same_refresh_token: Whether it returned a refresh token that the device was given before.
        same_key: Whether the license token is signed by the key of the device's previous one.
        dated: The bound that the license token names as its renewal date.
        hub: Whether the license token names a hub.
        otherwise: The rule that breaks where this is not met, if the story knows a narrower one than the oracle. Which
            refresh token came is the oracle's to judge.
    """

    answer: str | None = None
    reason: str | None = None
    status: str | None = None
    token_state: str | None = None
    exp: Bound | None = None
    active: bool | None = None
    same_refresh_token: bool | None = None
    same_key: bool | None = None
    dated: Bound | None = None
    hub: bool | None = None
    otherwise: str | None = None


Request: TypeAlias = Next | Poll | Refresh | View | Introspect | Remove | FetchKeys
Act: TypeAlias = Approve | Deny | Renew | Disable | Enable | Delete | Revoke | RotateKeys
Shift: TypeAlias = Advance | MoveClockBack
Line: TypeAlias = GoOffline | BackOnline | LoseReply
Step: TypeAlias = Request | Act | Shift | Line | Acquire | Expect


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A story on one timeline.

    Attributes:
        id: Stable.
        title: One line.
        needs: The capabilities that a server needs for it.
        rules: The rules that it is about; the oracle judges every rule that an answer touches.
        parts: The devices in it.
        steps: What happens, in order.
    """

    id: str
    title: str
    needs: tuple[Capability, ...]
    rules: tuple[str, ...]
    steps: tuple[Step, ...]
    parts: tuple[Part, ...] = (Part(),)
