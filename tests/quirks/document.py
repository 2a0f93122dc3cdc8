"""Writes docs/quirks.md from the quirks themselves: `python -m tests.quirks.document`."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Final

from authz_conformance.catalogue import load_catalogue
from mock_authz.quirks import ALL, Quirk

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "quirks.md"
INTRODUCTION: Final = """# Quirks

Named misbehaviours of the server, for tests of clients and of the conformance kit. A sandbox has none unless it is given
some:

```
PUT /_control/sandboxes/shop/quirks
{"quirks": ["slow_down_does_not_grow"]}
```

Several work together. `GET /_control/quirks` lists them as data. Each breaks the rules that it names, whose ids are those of
the requirement catalogue, and no others of the profiles `rfc8628`, `oauth-hygiene` and `license`; of the rules `contract.*`
it names those that it was made for.

This page is generated from the code: `python -m tests.quirks.document`.
"""


def document() -> str:
    """Spell the page: a table for each group of rules."""
    groups = list(load_catalogue().rules)
    order = {rule.id: number for number, rule in enumerate(groups)}
    meanings = {rule.id: rule.group.means for rule in groups}

    def place(quirk: Quirk) -> tuple[int, str]:
        return order[quirk.rules[0]], quirk.name

    parts = [INTRODUCTION]
    listed = sorted(ALL.values(), key=place)
    for meaning, quirks in groupby(listed, key=lambda quirk: meanings[quirk.rules[0]]):
        rows = [
            f"| `{quirk.name}` | {quirk.says} | {', '.join(f'`{rule}`' for rule in quirk.rules)} |"
            for quirk in quirks
        ]
        parts.append(
            "\n".join(
                [f"## {meaning}", "", "| Quirk | What it does | Rules broken |", "|---|---|---|", *rows, ""]
            )
        )
    return "\n".join(parts)


if __name__ == "__main__":
    DOCUMENT.parent.mkdir(exist_ok=True)
    DOCUMENT.write_text(document(), encoding="utf-8")
