"""What a person or a program is told about one errand of the client; never a secret."""

from dataclasses import dataclass
from enum import Enum
from typing import Any


class Kind(Enum):
    """How an errand went; `is_success` says which of them fulfil the wish."""

    USER_CODE_SHOWN = "user_code_shown"
    AUTHORIZATION_PENDING = "authorization_pending"
    LICENSED = "licensed"
    LICENSE_TOKEN_PENDING = "license_token_pending"  # noqa: S105 - a word for people
    REFRESHED = "refreshed"
    ENDED = "ended"
    REMOVED = "removed"
    REVOCATION_PENDING = "revocation_pending"
    REFUSED = "refused"
    FAILED = "failed"
    TOO_SOON = "too_soon"
    IN_FLIGHT = "in_flight"
    ABANDONED = "abandoned"
    ALREADY_LICENSED = "already_licensed"
    REMOVE_FIRST = "remove_first"
    NOT_AWAITING = "not_awaiting"
    NOT_LICENSED = "not_licensed"


_SUCCESSES = frozenset(
    {
        Kind.USER_CODE_SHOWN,
        Kind.LICENSED,
        Kind.REFRESHED,
        Kind.REMOVED,
        Kind.REVOCATION_PENDING,  # the license is gone; the server hears of it later
    }
)


@dataclass(frozen=True)
class Outcome:
    """How an errand went.

    Attributes:
        kind: What happened.
        reason: The protocol's word for why: an error code, a `reason`, a fault, `timeout`, `network`, `http_503`, ...
        description: The server's text for people.
        retry_in_seconds: When trying again makes sense, where that is known.
    """

    kind: Kind
    reason: str | None = None
    description: str | None = None
    retry_in_seconds: float | None = None

    @property
    def is_success(self) -> bool:
        """Whether the wish was fulfilled."""
        return self.kind in _SUCCESSES

    def to_json(self) -> dict[str, Any]:
        """Give the outcome as JSON values, members without a value left out."""
        members = {
            "outcome": self.kind.value,
            "reason": self.reason,
            "description": self.description,
            "retry_in_seconds": self.retry_in_seconds,
        }
        return {name: value for name, value in members.items() if value is not None}
