"""How numbers are said to people."""

from __future__ import annotations


def counted(number: int, one: str, several: str = "") -> str:
    """Say how many there are of something.

    Args:
        number: How many.
        one: What one is called, as in "story was".
        several: What any other number of them is called; with an s by default.
    """
    return f"{number} {one if number == 1 else several or one + 's'}"


def rules_and_stories(rules: int, stories: int) -> str:
    """Say how many rules and stories there are, without those of which there are none."""
    parts = [counted(rules, "rule")] if rules or not stories else []
    return " and ".join([*parts, *([counted(stories, "story", "stories")] if stories else [])])
