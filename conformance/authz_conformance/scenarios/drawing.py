"""Draws random stories for a run: the same ones for the same seed and capabilities. Needs Hypothesis."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import replace

from hypothesis import HealthCheck, Phase, given, seed, settings

from authz_conformance.catalogue import Capability
from authz_conformance.scenarios.dsl import Scenario
from authz_conformance.scenarios.schedule import schedules

LONGEST = 25


def draw(number: int, *, of: str, capabilities: Collection[Capability]) -> list[Scenario]:
    """Draw random stories, called schedule-1 and so on.

    Args:
        number: How many.
        of: The seed of the run.
        capabilities: What the server can do.
    """
    drawn: list[Scenario] = []

    @seed(int.from_bytes(hashlib.sha256(of.encode()).digest()[:8]))
    @settings(
        max_examples=number + 1,  # the first one is always the simplest
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(schedules(capabilities, longest=LONGEST))
    def collect(scenario: Scenario) -> None:
        drawn.append(scenario)

    collect()
    return [
        replace(scenario, id=f"schedule-{place}", title=f"Random schedule {place} of the seed {of}")
        for place, scenario in enumerate(drawn[1 : number + 1], start=1)
    ]
