"""All scenarios, and what they say of quirks: which rules each breaks, and which rules nothing breaks."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import yaml

from authz_conformance.catalogue import Level, Role, Rule, load_catalogue
from mock_authz.quirks import ALL
from tests.quirks.scenarios import codes, keeping, pages, polling, requests, resources, tokens
from tests.quirks.stage import SCENARIOS, Scenario

LOADED: Final = (codes, keeping, pages, polling, requests, resources, tokens)
ALLOWED: Final = Path(__file__).parent / "unbroken.yaml"


def scenarios() -> dict[str, Scenario]:
    """Give the scenario of each rule."""
    return dict(sorted(SCENARIOS.items()))


def rules_to_settle() -> list[Rule]:
    """List the rules for servers that a test can settle."""
    return [rule for rule in load_catalogue().rules if rule.role is Role.SERVER and rule.untestable is None]


def is_must(rule: Rule) -> bool:
    """Say whether a rule binds our server."""
    return Level.MUST in {rule.level, rule.license_level}


def unbroken() -> list[str]:
    """List the rules that our server must keep, that a test can settle, and that no quirk breaks."""
    broken = {rule for quirk in ALL.values() for rule in quirk.rules}
    return [rule.id for rule in rules_to_settle() if is_must(rule) and rule.id not in broken]


def allowed() -> dict[str, str]:
    """Read which rules nothing need break, with the reason of each."""
    found: dict[str, str] | None = yaml.safe_load(ALLOWED.read_text(encoding="utf-8"))
    return found or {}


if __name__ == "__main__":
    for rule_id in unbroken():
        print(rule_id, "-", allowed().get(rule_id, "NO REASON GIVEN"))  # noqa: T201 - a report
