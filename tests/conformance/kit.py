"""Runs `authz-conformance` in this process, and reads what it leaves behind."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from click.testing import CliRunner
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from authz_conformance import cli
from authz_conformance.report.document import SCHEMA_FILE

SCHEMA = Draft202012Validator(json.loads(SCHEMA_FILE.read_text("utf-8")))


@dataclass(frozen=True)
class Judged:
    """A run of the command `server` that has ended."""

    exit_code: int
    output: str
    report: dict[str, Any]
    directory: Path
    seconds: float

    def verdict(self, rule_id: str) -> str:
        return str(self.rule(rule_id)["verdict"])

    def rule(self, rule_id: str) -> dict[str, Any]:
        return next(rule for rule in self.report["rules"] if rule["id"] == rule_id)


def run(*arguments: str, stdin: str | None = None) -> Any:
    """Run any command."""
    return CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(cli.main, list(arguments), input=stdin)


def judge(*arguments: str, into: Path, stdin: str | None = None) -> Judged:
    """Run `server`, check that it was no crash and that its report is one."""
    began = perf_counter()
    result = run("server", *arguments, "--report-dir", str(into), stdin=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    report = json.loads((into / "report.json").read_text("utf-8"))
    SCHEMA.validate(report)
    assert report["run"]["exit_code"] == result.exit_code
    return Judged(result.exit_code, result.output, report, into, perf_counter() - began)


def config(directory: Path, text: str) -> str:
    """Write a conformance.toml, and give its path."""
    path = directory / "conformance.toml"
    path.write_text(text, "utf-8")
    return str(path)
