"""Writes the reports of a run into a directory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from authz_conformance.report.junit import junit_xml
from authz_conformance.report.markdown import markdown
from authz_conformance.report.page import html

JSON_FILE, HTML_FILE, JUNIT_FILE, MARKDOWN_FILE = "report.json", "report.html", "junit.xml", "summary.md"


def as_text(report: Mapping[str, Any]) -> str:
    """Give a document as JSON text; what is no Unicode (a server may send it) is escaped."""
    return json.dumps(report, indent=1)


def write_reports(report: Mapping[str, Any], directory: Path) -> list[Path]:
    """Write all forms of a document; the directory is made."""
    directory.mkdir(parents=True, exist_ok=True)
    forms = {
        JSON_FILE: as_text(report),
        HTML_FILE: html(report),
        JUNIT_FILE: junit_xml(report),
        MARKDOWN_FILE: markdown(report),
    }
    for name, text in forms.items():
        (directory / name).write_text(text, "utf-8", errors="replace")
    return [directory / name for name in forms]
