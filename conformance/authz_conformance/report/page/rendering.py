"""Makes the page: one file, nothing from elsewhere, and no script or style in it but the two that its policy names.

Escaping is Jinja's, everywhere; what a server sent is never markup. `Content-Security-Policy` names the script and the
style by their digests, so that even what escaping missed would not run.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from authz_conformance.baseline import follow_up
from authz_conformance.report.page import views, words
from authz_conformance.report.page.json_text import of_value
from authz_conformance.report.page.visible import finalized

TEMPLATES: Final = Path(__file__).parent / "templates"


def html(report: Mapping[str, Any]) -> str:
    """Make the page of a document."""
    style, script = (_own(name) for name in ("report.css", "report.js"))
    page = _environment().get_template("report.html")
    return page.render(
        report=report,
        target=report["target"],
        suite=report["suite"],
        run=report["run"],
        counts=report["counts"],
        words=words,
        follow_up=follow_up,
        sections=views.sections(report),
        findings=views.findings(report),
        stories=views.stories(report),
        story_counts=views.story_counts(report),
        rule_ids={rule["id"] for rule in report["rules"]},
        choices=views.choices(report),
        timed=sum(rule["time_dependent"] for rule in report["rules"]),
        metadata=of_value(report["target"]["metadata"]),
        style=Markup(style),  # noqa: S704 - a file of ours
        script=Markup(script),  # noqa: S704 - likewise
        policy=_policy(style, script),
    )


def _policy(style: str, script: str) -> str:
    rules = {
        "default-src": "'none'",
        "style-src": _digest(style),
        "script-src": _digest(script),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


@cache
def _own(name: str) -> str:
    return (TEMPLATES / name).read_text("utf-8")


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalized,
        trim_blocks=True,
        lstrip_blocks=True,
    )
