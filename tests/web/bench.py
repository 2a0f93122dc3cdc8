"""Somebody at the test bench page of the usual sandbox, for tests over HTTP."""

from __future__ import annotations

from typing import Final

from tests.factories import NOW, QA
from tests.web.site import a_site
from tests.web.visitor import Form, Shown, Visitor

UI: Final = "/_control/ui"
HERE: Final = f"{UI}/{QA}"


def open_page(visitor: Visitor, query: str = "") -> Shown:
    shown = visitor.send("GET", HERE + query)
    assert shown.status == 200
    return shown


def form_of(shown: Shown, action: str, **values: str) -> Form:
    """Find a form of an action, of several the one that carries these values."""
    return next(
        form
        for form in shown.reader.forms
        if form.action.partition("?")[0] == f"{HERE}/{action}" and form.values.items() >= values.items()
    )


def press(visitor: Visitor, action: str, given: dict[str, str] | None = None, **found_by: str) -> Shown:
    """Open the page, send one of its forms, and follow to where that leads."""
    form = form_of(open_page(visitor), action, **found_by)
    return visitor.follow(visitor.send("POST", form.action, data={**form.values, **(given or {})}))


def now_of(visitor: Visitor) -> int:
    return visitor.site.sandbox.clock.now(float(NOW))


def at_the_bench() -> Visitor:
    """Start the usual server, without polling intervals; pages are not what openapi.yaml describes."""
    site = a_site(interval_seconds=0)
    site.checks = False
    return Visitor(site)
