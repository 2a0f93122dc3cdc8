"""Nothing that a server sends becomes part of the HTML report, nothing is fetched, and no secret is in it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any, Final

import pytest

from authz_conformance.report.document import LONGEST_BODY
from authz_conformance.report.files import write_reports
from authz_conformance.report.page import html
from authz_conformance.report.page.evidence import LONGEST_ASIDE
from tests.conformance.kit import Judged
from tests.conformance.page_seen import Seen
from tests.conformance.reported import HOSTILE, alone, the_rule

FAILED: Final = "refresh.rotates"
OWN_ELEMENTS: Final = frozenset(
    re.findall(
        r"\w+",
        "html head meta title link style body svg symbol path circle rect use a header div p main section"
        " h1 h2 h3 h4 h5 h6 ul ol li span em b code details summary dl dt dd table caption tbody tr th td"
        " pre g text tspan button aside form label input fieldset legend nav time footer script",
    )
)


def _poisoned(value: Any, poison: str) -> Any:
    """Put a poison into every text that a server, a target or a person could choose."""
    if isinstance(value, str):
        return value + poison
    if isinstance(value, list):
        return [_poisoned(one, poison) for one in value]
    if isinstance(value, dict):
        kept = {"verdict", "id", "level", "profile", "document", "happening", "group"}
        return {key: one if key in kept else _poisoned(one, poison) for key, one in value.items()}
    return value


@pytest.mark.parametrize("poison", [HOSTILE, "{{ 7 * 7 }}{% raw %}", "]]></style>", "&lt;script&gt;"])
def test_whatever_a_server_sends_is_text(poison: str, report: dict[str, Any]) -> None:
    poisoned = _poisoned(report, poison)
    for rule in poisoned["rules"]:
        for exchange in rule["exchanges"]:
            if exchange["response"]:
                exchange["response"]["body"] = json.dumps({poison: [poison, {"exp": poison}]})
    page = Seen(html(poisoned))
    assert {tag for tag, _ in page.elements} <= OWN_ELEMENTS
    assert [tag for tag, _ in page.elements].count("script") == 1
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert not any("style" in attributes for _, attributes in page.elements)
    assert page.open == []
    assert " ".join(poison.split()) in page.text


def test_nothing_is_fetched_and_only_its_own_script_and_style_may_run(report: dict[str, Any]) -> None:
    page = Seen(html(report))
    [policy] = page.having("meta", http_equiv="Content-Security-Policy")
    rules = dict(one.split(" ", maxsplit=1) for one in policy["content"].split("; "))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    for kind in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(page.sources[kind].encode()).digest()).decode()
        assert rules[f"{kind}-src"] == f"'sha256-{digest}'"
    assert not [one for _, one in page.elements if "src" in one]
    assert {one["href"][:5] for one in page.having("link")} == {"data:"}
    assert {one["href"][0] for one in page.having("use")} == {"#"}
    assert "url(" not in page.sources["style"]
    assert "@import" not in page.sources["style"]


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "JAVASCRIPT:alert(1)", "data:text/html,x", " https://x"]
)
def test_a_link_of_the_baseline_leads_to_the_web_or_nowhere(link: str, report: dict[str, Any]) -> None:
    the_rule(report, "poll.early-is-slow-down")["known"]["link"] = link
    page = Seen(html(report))
    assert all(one["href"].startswith(("#", "https://")) for one in page.having("a"))
    assert link.strip() in page.text


def test_what_cannot_be_seen_is_made_visible_and_no_half_character_stops_the_writing(
    report: dict[str, Any], tmp_path: Path
) -> None:
    rule = the_rule(report, FAILED)
    rule["found"] = "a\x00b\u202ec\ud800d\u200be"
    rule["exchanges"][-1]["response"]["body"] = '{"a": "\\u202e \u202e \ud800"}'
    write_reports(report, tmp_path)
    text = Seen((tmp_path / "report.html").read_text("utf-8")).text
    assert "a␀b⟨U+202E⟩c⟨U+D800⟩d⟨U+200B⟩e" in text
    assert '"\\u202e ⟨U+202E⟩ ⟨U+D800⟩"' in text


def test_no_secret_is_on_the_page(every_verdict: Judged) -> None:
    judged = every_verdict
    page = (judged.directory / "report.html").read_text("utf-8")
    assert "&lt;refresh_token " in page
    assert "&lt;device_code " in page
    assert "eyJ" not in page
    # Whatever was drawn at random is 43 letters long: credentials are, and the names of keys, which are public.
    words_of_43 = set(re.findall(r"[A-Za-z0-9_-]{43}", re.sub(r"sha256-\S+", "", page)))
    drawn = {one for one in words_of_43 if re.search("[0-9]", one) and re.search("[A-Z]", one)}
    keys = {token["header"]["kid"] for rule in judged.report["rules"] for token in rule["tokens"].values()}
    assert drawn
    assert drawn <= keys


def test_long_bodies_are_cut_and_said_to_be(report: dict[str, Any]) -> None:
    rule = alone(report, FAILED)["rules"][0]
    for exchange in rule["exchanges"]:
        exchange["response"]["body"] = "x" * LONGEST_BODY
    text = Seen(html(report)).text
    assert text.count("x" * LONGEST_BODY) == 1
    assert text.count(f"Cut after {LONGEST_BODY} letters.") == 1
    assert text.count(f"Cut after {LONGEST_ASIDE} letters.") == len(rule["exchanges"]) - 1
