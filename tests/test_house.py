"""What holds the house up and no linter knows: the size of files, the tools that pages need, what must not be committed."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
LONGEST_FILE: Final = 400
# In pieces, so that this file does not name what it looks for.
REGISTRIES: Final = ("py" + "pi.org", "python" + "hosted.org", "registry.npm" + "js", "deb" + ".debian.org")


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(  # noqa: S603 - our own command
        ["git", "ls-files", "--", *patterns],  # noqa: S607 - git, wherever it is
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.splitlines()]


PYTHON: Final = tracked("*.py") if (ROOT / ".git").exists() else sorted(ROOT.rglob("mock_authz/**/*.py"))


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_over_400_lines_says_in_its_docstring_why(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if text.count("\n") > LONGEST_FILE:
        docstring = ast.get_docstring(ast.parse(text)) or ""
        assert re.search(r"over 400 lines", docstring, re.IGNORECASE), (
            f"{text.count(chr(10))} lines, and no reason"
        )


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="looks at what git tracks")
def test_no_tracked_file_names_a_package_registry_s_host() -> None:
    named = [
        str(path.relative_to(ROOT))
        for path in tracked()
        if path.suffix not in {".png", ".svg"} and path.is_file()
        for host in REGISTRIES
        if host in path.read_text(encoding="utf-8", errors="replace")
    ]
    assert named == []


def test_every_dependency_is_named_in_contributing() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = text.split("dependencies = [", 1)[1].split("]", 1)[0]
    names = re.findall(r'"([a-z0-9-]+)', block)
    said = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").lower()
    assert [name for name in names if name not in said] == []
