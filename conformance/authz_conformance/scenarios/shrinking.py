"""Leaves out of a random story what its outcome does not need. Every part of such a story is a story.

Hypothesis would shrink only what it runs itself, one after the other; stories run beside each other on the target.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from authz_conformance.scenarios.dsl import Scenario

Found = TypeVar("Found")


def shrunk(scenario: Scenario, found: Found, again: Callable[[Scenario], Found | None]) -> Found:
    """Give what was found with the shortest story that still shows it.

    Args:
        scenario: The story as it was drawn.
        found: What came of it.
        again: Tells a shorter one; None where it does not show the same, or no time is left.
    """
    steps = scenario.steps
    size = len(steps) // 2
    while size:
        start = 0
        while start < len(steps):
            shorter = steps[:start] + steps[start + size :]
            shown = again(replace(scenario, steps=shorter))
            if shown is None:
                start += size
            else:
                steps, found = shorter, shown
        size //= 2
    return found
