"""What the templates show: the page's status turned into words, and the version by which a browser sees a change.

Owns no label of the user guide (`status` does) and no HTML (the templates do).
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final

from authz_client.machine import Task
from authz_client.page.errands import Told
from authz_client.reasons import in_words
from authz_client.state import Phase, State
from authz_client.status import LicenseStatus, Notice, PageStatus, TokenState, UserCode, Warn, shown_instant
from authz_client.wording import TITLES, countdown

_TONES: Final = {
    LicenseStatus.UNLICENSED: "neutral",
    LicenseStatus.LICENSED: "good",
    LicenseStatus.REQUIRES_RENEWAL: "warning",
    LicenseStatus.EXPIRED_REQUIRES_RENEWAL: "bad",
}
_TOKEN_BADGES: Final = {
    TokenState.VALID: None,
    TokenState.EXPIRING: ("warning", "Expires soon"),
    TokenState.EXPIRED: ("bad", "Expired"),
}
#: Shown where it belongs rather than among the warnings.
_SHOWN_ELSEWHERE: Final = frozenset({Warn.USER_CODE_EXPIRED})
NOTHING: Final = "None"
UNKNOWN: Final = "Not known yet"


@dataclass(frozen=True)
class Warned:
    """One warning with its heading."""

    title: str
    text: str
    tone: str


@dataclass(frozen=True)
class View:
    """One look at the page."""

    status: PageStatus
    stored: State
    busy: frozenset[Task]
    told: Told | None
    is_reached: bool | None

    @property
    def kind(self) -> str:
        """Which of the page's faces is shown: `unlicensed`, `awaiting`, `expired_code` or `license`."""
        if self.status.phase is Phase.AWAITING:
            code = self.status.user_code
            return "expired_code" if code is None or code.is_expired else "awaiting"
        return "license" if self.status.phase in {Phase.LICENSED, Phase.ENDED} else "unlicensed"

    @property
    def is_polling(self) -> bool:
        """Whether Complete Authorization is under way."""
        return Task.COMPLETE in self.busy

    @property
    def is_busy(self) -> bool:
        """Whether the browser should look again soon."""
        return bool(self.busy)

    @property
    def is_refreshing(self) -> bool:
        """Whether a fresh license token is being asked for by this page."""
        return Task.REFRESH in self.busy

    @property
    def is_unreachable(self) -> bool:
        """Whether the last request had no answer, where no warning of the status says so already."""
        return self.is_reached is False and self.status.phase is not Phase.LICENSED

    @property
    def user_code(self) -> UserCode | None:
        """What the administrator needs."""
        return self.status.user_code

    @property
    def seconds_left(self) -> int:
        """For how long the user code is good."""
        code = self.status.user_code
        return 0 if code is None else max(0, code.expires_at - self.status.effective_time)

    @property
    def time_left(self) -> str:
        """The same as a clock shows it."""
        return countdown(self.seconds_left)

    @property
    def good_until(self) -> str:
        """Until when the user code is good."""
        return shown_instant(self.status.user_code.expires_at) if self.status.user_code else ""

    @property
    def interval_seconds(self) -> int:
        """How often Complete Authorization polls at present."""
        return self.stored.awaiting.interval_seconds if self.stored.awaiting else 0

    @property
    def refusal(self) -> str | None:
        """Why the last authorization came to nothing, while there is none newer."""
        refusal = self.status.refusal
        if refusal is None:
            return None
        says = f' It says: "{refusal.description}"' if refusal.description else ""
        return f"{in_words(refusal.reason)}.{says}"

    @property
    def details(self) -> list[dict[str, Any]]:
        """The license details: label, value, and a badge or an explanation beside it."""
        extras: dict[str, dict[str, Any]] = {
            "License Status": {"badge": (_TONES[self.status.license_status], self.status.label), "value": ""},
            "Token Expiry": {
                "badge": _TOKEN_BADGES[self.status.token_state] if self.status.token_state else None,
            },
        }
        extras["License Status"]["why"] = self._what_to_do()
        nothing = UNKNOWN if self.status.server_id is None else NOTHING
        return [
            {"label": label, "value": value or nothing, "badge": None, "why": "", **extras.get(label, {})}
            for label, value in self.status.rows()
        ]

    @property
    def warnings(self) -> list[Warned]:
        """The warnings, each with a heading."""
        hidden = set(_SHOWN_ELSEWHERE)
        if self.status.token_pending_reason is not None:
            hidden.add(Warn.REFRESH_FAILING)  # for the same reason
        return [
            Warned(TITLES[notice.kind], notice.text, _warning_tone(notice))
            for notice in self.status.warnings
            if notice.kind not in hidden
        ]

    def _what_to_do(self) -> str:
        """Say what the user guide says of this License Status."""
        if self.status.license_status is LicenseStatus.REQUIRES_RENEWAL:
            return "Its renewal date is near: it must be updated at the Authorization server."
        if self.status.license_status is LicenseStatus.EXPIRED_REQUIRES_RENEWAL:
            why = in_words(self.status.reason or "license_expired")
            return f"{why[0].upper()}{why[1:]}. Remove it, and acquire another from the Authorization server."
        return ""

    @property
    def received(self) -> str:
        """When the license token came; empty where there is none."""
        current = self.stored.license.current if self.stored.license else None
        return "" if current is None else shown_instant(current.received_at)

    @property
    def next_refresh(self) -> str:
        """When the next one is asked for, while that is to come and nothing has gone wrong."""
        current = self.stored.license.current if self.stored.license else None
        if current is None or self.stored.failure or current.refresh_at <= self.status.effective_time:
            return ""
        return shown_instant(current.refresh_at)

    @property
    def summary(self) -> str:
        """The page in a sentence, for who hears it."""
        if self.kind == "license":
            return f"License Status: {self.status.label}"
        return {
            "awaiting": "Waiting for authorization" if self.is_polling else "User Code shown",
            "expired_code": "The user code has expired",
        }.get(self.kind, "This server is not licensed")

    @property
    def version(self) -> str:
        """What changes when the page does; the time left does not count."""
        seen = {**self.status.to_json(), "effective_time": None}
        told = None if self.told is None else (self.told.text, self.told.tone)
        parts: list[Any] = [
            seen,
            sorted(task.value for task in self.busy),
            told,
            self.is_unreachable,
        ]
        parts += [self.received, self.next_refresh, self.interval_seconds]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _warning_tone(notice: Notice) -> str:
    return "bad" if notice.kind in {Warn.TOKEN_EXPIRED, Warn.SUSPECT_CLOCK} else "warning"
