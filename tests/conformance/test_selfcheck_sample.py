"""CI's part of the self-check: every quirk against the rules that it declares, and a sample of the others."""

from __future__ import annotations

import json

from tests.conformance.kit import run

OTHERS = "2"


def test_quirks_break_the_rules_that_they_declare_and_no_other() -> None:
    result = run("self-check", "--sample", OTHERS, "--json")
    content = json.loads(result.stdout)
    assert content["problems"] == []
    assert result.exit_code == 0
