"""The journal's vocabulary: what can happen in a sandbox. Knows nothing of how it is stored or shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class EventType(StrEnum):
    """Every kind of event. The first group is done by somebody; the second falls due as time passes."""

    DEVICE_AUTHORIZATION_ISSUED = "device_authorization_issued"
    USER_CODE_APPROVED = "user_code_approved"
    USER_CODE_DENIED = "user_code_denied"
    USER_CODE_WITHDRAWN = "user_code_withdrawn"
    USER_CODE_GUESSED_WRONG = "user_code_guessed_wrong"
    LICENSE_ISSUED = "license_issued"
    LICENSE_REFRESHED = "license_refreshed"
    LICENSE_RENEWED = "license_renewed"
    LICENSE_ENDED = "license_ended"
    ORGANIZATION_CHANGED = "organization_changed"
    ADMINISTRATOR_CHANGED = "administrator_changed"
    DEVICE_CHANGED = "device_changed"
    CLIENT_CHANGED = "client_changed"
    SETTINGS_CHANGED = "settings_changed"
    KEY_PUBLISHED = "key_published"
    CLOCK_MOVED = "clock_moved"
    HUMAN_ACTED = "human_acted"
    FAULT_STRUCK = "fault_struck"
    SANDBOX_CHANGED = "sandbox_changed"

    LICENSE_RENEWAL_DUE = "license_renewal_due"
    LICENSE_LAPSED = "license_lapsed"
    LICENSE_TOKEN_EXPIRED = "license_token_expired"  # noqa: S105 - an event's name
    REFRESH_TOKEN_EXPIRED = "refresh_token_expired"  # noqa: S105 - likewise
    USER_CODE_EXPIRED = "user_code_expired"
    KEY_SIGNING_STARTED = "key_signing_started"
    KEY_REMOVED = "key_removed"
    OUTAGE_BEGAN = "outage_began"
    OUTAGE_ENDED = "outage_ended"
    # Not journalled: at this instant a scripted human acts, and that is journalled.
    HUMAN_DUE = "human_due"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes:
        at: Unix seconds on the sandbox's clock.
        subject: ids of what it happened to, and details, by wire name. Never a secret.
    """

    type: EventType
    at: int
    subject: Mapping[str, str | int | bool | None] = field(default_factory=lambda: MappingProxyType({}))
