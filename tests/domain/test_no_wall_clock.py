from __future__ import annotations

import ast
from pathlib import Path

import pytest

import mock_authz.domain

MODULES = sorted(Path(str(mock_authz.domain.__file__)).parent.glob("*.py"))
OUTSIDE = {
    "asyncio", "datetime", "io", "os", "pathlib", "random", "secrets", "socket", "subprocess", "sys", "threading",
    "time", "uuid",
}  # fmt: skip


def imported_by(module: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return names


def test_the_domain_s_modules_are_found() -> None:
    assert {"device_grant.py", "license.py"} <= {module.name for module in MODULES}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_the_domain_imports_no_clock_entropy_or_io(module: Path) -> None:
    assert not imported_by(module) & OUTSIDE
