"""The settings of a sandbox: names, defaults, bounds, presets. A change applies to what is issued later.

Knows nothing of seed files, HTTP or storage. Source: protocol.md, "Defaults".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final

from mock_authz.domain.license import Lifetimes

ALGORITHMS: Final = ("ES256", "RS256", "Ed25519")
DAY: Final = 24 * 3600
LONGEST_SECONDS: Final = 36_525 * DAY


class SettingsError(ValueError):
    """A setting is unknown or out of bounds. `name` says which; the message, which follows it, says what would be right."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a sandbox issues, and under which terms. All durations in seconds."""

    license_token_seconds: int = 7 * DAY
    refresh_token_seconds: int = 90 * DAY
    code_seconds: int = 15 * 60
    interval_seconds: int = 5
    renewal_window_seconds: int = 30 * DAY
    token_warning_seconds: int = 2 * DAY
    refresh_retry_window_seconds: int = DAY
    alg: str = "ES256"
    cors: bool = False

    @property
    def lifetimes(self) -> Lifetimes:
        """The part that licenses are issued and kept under."""
        return Lifetimes(
            license_token_seconds=self.license_token_seconds,
            refresh_token_seconds=self.refresh_token_seconds,
            renewal_window_seconds=self.renewal_window_seconds,
            refresh_retry_window_seconds=self.refresh_retry_window_seconds,
        )


# `fast`: tests with real clients don't wait between polls.
PRESETS: Final[dict[str, dict[str, Any]]] = {"fast": {"interval_seconds": 0}}
MAY_BE_ZERO: Final = frozenset({
    "interval_seconds", "renewal_window_seconds", "token_warning_seconds", "refresh_retry_window_seconds",
})  # fmt: skip


def change(settings: Settings, given: Mapping[str, Any]) -> Settings:
    """Change some settings. `preset` names a set of them that goes first.

    Raises:
        SettingsError: a name is unknown, or a value is not what it must be.
    """
    changes = dict(given)
    if "preset" in changes:
        preset = changes.pop("preset")
        if not isinstance(preset, str) or preset not in PRESETS:
            raise SettingsError("preset", f"{preset!r} is not a preset: choose one of {', '.join(PRESETS)}")
        changes = {**PRESETS[preset], **changes}
    names = [field.name for field in fields(Settings)]
    for name, value in changes.items():
        if name not in names:
            raise SettingsError(
                name, f"{name!r} is not a setting: choose one of {', '.join([*names, 'preset'])}"
            )
        _check(name, value)
    return replace(settings, **changes)


def as_mapping(settings: Settings) -> dict[str, Any]:
    """Give all settings by their names."""
    return asdict(settings)


def _check(name: str, value: object) -> None:
    if name == "alg":
        if value not in ALGORITHMS:
            raise SettingsError(name, f"{value!r} is not an algorithm: choose one of {', '.join(ALGORITHMS)}")
    elif name == "cors":
        if not isinstance(value, bool):
            raise SettingsError(name, f"must be true or false, not {value!r}")
    else:
        least = 0 if name in MAY_BE_ZERO else 1
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or not least <= value <= LONGEST_SECONDS:  # type: ignore[operator]
            raise SettingsError(
                name, f"must be whole seconds from {least} to {LONGEST_SECONDS}, not {value!r}"
            )
