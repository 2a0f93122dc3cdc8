"""Finding journal entries by what they say, and the nearest misses when none does.

A condition names members by dotted paths: `step`, `status`, `type`, `subject.server_id`, `response.error`, ...
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

MOST_NEAREST: Final = 3


def matches(entry: Mapping[str, Any], condition: Mapping[str, Any]) -> bool:
    """Say whether an entry has every member of the condition, with its value."""
    return not differences(entry, condition)


def differences(entry: Mapping[str, Any], condition: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """List what an entry has other than the condition wants, by path."""
    found = {path: lookup(entry, path) for path in condition}
    return {
        path: {"wanted": wanted, "found": found[path]}
        for path, wanted in condition.items()
        if found[path] != wanted
    }


def lookup(entry: Mapping[str, Any], path: str) -> Any:
    """Give the member at a dotted path; None where there is none."""
    value: Any = entry
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def nearest(entries: Sequence[Mapping[str, Any]], condition: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List the entries that fail the fewest members of a condition, latest first, with where they differ."""
    missed = [{"entry": entry, "differs": differences(entry, condition)} for entry in entries]
    close = [miss for miss in missed if 0 < len(miss["differs"]) < max(len(condition), 2)]
    latest_first = close[::-1]
    return sorted(latest_first, key=lambda miss: len(miss["differs"]))[:MOST_NEAREST]
