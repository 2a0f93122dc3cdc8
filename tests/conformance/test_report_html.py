"""The HTML report: what it shows of each verdict, and that nothing a server sends becomes part of the page."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import pytest

from authz_conformance.report.document import LONGEST_BODY
from authz_conformance.report.files import write_reports
from authz_conformance.report.page import html, words
from authz_conformance.report.page.evidence import LONGEST_ASIDE
from tests.conformance.kit import Judged
from tests.conformance.reported import EXPECTED, judged_with_every_verdict
from tests.programs import Served

HOSTILE: Final = (
    "</pre></script><script>alert(1)</script><img src=x onerror=alert(1)>\"'--><svg onload=alert(1)>"
)
FAILED: Final = "refresh.rotates"
OWN_ELEMENTS: Final = frozenset(
    re.findall(
        r"\w+",
        "html head meta title link style body svg symbol path circle rect use a header div p main section"
        " h1 h2 h3 h4 h5 h6 ul ol li span em b code details summary dl dt dd table caption tbody tr th td"
        " pre g text tspan button aside form label input fieldset legend nav time footer script",
    )
)
VOID: Final = frozenset({"meta", "link", "input"})


class Seen(HTMLParser):
    """What a browser would make of a page: its elements, and all text but script and style."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.sources: dict[str, str] = {"script": "", "style": ""}
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in self.sources:
            self.sources[self.open[-1]] += data
        else:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def having(self, tag: str, **wanted: str) -> list[dict[str, str]]:
        return [
            attributes
            for name, attributes in self.elements
            if name == tag
            and all(attributes.get(key.replace("_", "-")) == value for key, value in wanted.items())
        ]


@pytest.fixture(scope="module")
def judged(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    return judged_with_every_verdict(served, tmp_path_factory.mktemp("every"))


@pytest.fixture
def report(judged: Judged) -> dict[str, Any]:
    return copy.deepcopy(judged.report)


def the_rule(report: Mapping[str, Any], rule_id: str) -> dict[str, Any]:
    return next(rule for rule in report["rules"] if rule["id"] == rule_id)


def alone(report: dict[str, Any], rule_id: str) -> dict[str, Any]:
    """Leave one rule in a document, so that the page's text is about it."""
    report["rules"] = [the_rule(report, rule_id)]
    report["stories"] = []
    return report


def in_order(text: str, *parts: str) -> bool:
    at = 0
    for part in parts:
        at = text.find(part, at)
        if at < 0:
            pytest.fail(f"{part!r} is not there, or too early")
        at += len(part)
    return True


# ------------------------------------------------------------------------------------------------ what it says
def test_the_page_is_written_beside_the_others_and_the_run_says_where(judged: Judged) -> None:
    written = judged.directory / "report.html"
    assert written.read_text("utf-8") == html(judged.report)
    assert f"Wrote {written}" in judged.output


def test_it_says_who_was_judged_with_what(report: dict[str, Any]) -> None:
    report["target"] |= {"name": "Harbor Authorization", "version": "4.1.7"}
    text = Seen(html(report)).text
    assert "Conformance of Harbor Authorization 4.1.7" in text
    target, suite, run = report["target"], report["suite"], report["run"]
    for value in (target["issuer"], target["clock_proof"], suite["version"], suite["catalogue"]):
        assert value in text
    assert in_order(text, "Profiles rfc8628, oauth-hygiene, license", "Clock control: moved 7200 s")
    assert in_order(
        text, words.utc(run["started_at_real"]), "Seed 1", "Strict no", "Exit code 13 : rules failed"
    )
    assert "a test or a story of the kit is itself broken; an adapter did not do its part" in text


def test_every_verdict_is_counted_and_nothing_is_a_percentage(report: dict[str, Any]) -> None:
    text = Seen(html(report)).text
    for verdict in report["counts"]:
        assert f"{report['counts'][verdict]} {verdict}" in text
    assert in_order(text, "The server breaks 2 rules.", "Of 10 rules: 2 passed, 2 failed, 1 warning")
    assert "Not judged: 1 unsupported, 1 not testable, 1 adapter error, 1 suite error." in text
    assert "%" not in text


def test_only_what_passed_looks_like_a_pass(report: dict[str, Any]) -> None:
    rules = Seen(html(report)).having("details")
    shown = {one["id"]: one["class"] for one in rules if "data-verdict" in one}
    assert set(shown) == set(EXPECTED)
    for rule_id, verdict in EXPECTED.items():
        assert shown[rule_id] == f"rule v-{verdict.replace(' ', '-')}"


def test_rules_stand_with_their_sources_in_the_order_of_the_catalogue(report: dict[str, Any]) -> None:
    page = Seen(html(report))
    sections = [one["id"] for one in page.having("section", **{"class": "source"})]
    assert sections[0] == "source-rfc-8628"
    assert sections == _documents(report)
    shown = [one["id"] for one in page.having("details") if "data-verdict" in one]
    for document in _documents(report):
        in_it = [rule["id"] for rule in report["rules"] if _key(rule["document"]) == document]
        assert [one for one in shown if one in in_it] == in_it


def _key(document: str) -> str:
    return "source-" + re.sub(r"[^a-z0-9]", "-", document.lower())


def _documents(report: Mapping[str, Any]) -> list[str]:
    """Sort the documents: RFC 8628, the other RFCs by number, then our own."""
    names = {rule["document"] for rule in report["rules"]}
    return [_key(one) for one in sorted(names, key=lambda one: (one != "RFC 8628", "RFC" not in one, one))]


@pytest.mark.parametrize(
    ("source", "address"),
    [
        ("RFC 8628 3.5", "https://www.rfc-editor.org/rfc/rfc8628.html#section-3.5"),
        ("RFC 7517", "https://www.rfc-editor.org/rfc/rfc7517.html"),
        ('RFC 6749, "Security"', None),
        ('protocol.md, "Defaults"', None),
    ],
)
def test_a_source_leads_to_its_section_where_it_is_an_rfc(source: str, address: str | None) -> None:
    assert words.link(source) == address


def test_a_failure_opens_with_what_was_wanted_found_and_the_exchange_in_full(report: dict[str, Any]) -> None:
    page = Seen(html(alone(report, FAILED)))
    rule = report["rules"][0]
    deciding = rule["exchanges"][rule["exchange"] - 1]
    label = next(one for one in rule["tokens"] if one in deciding["response"]["body"])
    assert in_order(
        page.text,
        "Wanted a refusal with invalid_grant",
        "Found 200 application/json",
        "Timeline",
        "The exchange that decided it",
        f"POST {deciding['request']['url']}",
        "content-type : application/x-www-form-urlencoded",
        "grant_type refresh_token",
        "200 OK",
        "cache-control : no-store",
        '"access_token"',
        f"Inside {label}",
        '"exp"',
        f"{rule['tokens'][label]['claims']['exp']} 2030-01-11 00:00:00 UTC",
        "The other exchanges",
        "See it again",
        f"authz-conformance server --control {report['target']['issuer']}/_control",
        f"--rule {FAILED}",
    )
    unfolded = [one for one in page.having("details") if "open" in one]
    assert {one["class"] for one in unfolded} == {"rule v-failed", "token"}


def test_an_expected_failure_says_why_where_and_until_when(report: dict[str, Any]) -> None:
    page = Seen(html(alone(report, "poll.early-is-slow-down")))
    assert in_order(page.text, "Known: The session cache is written behind.", "looked at again on 2027-03-01")
    assert page.having("a", href="https://tracker.example/1182")


def test_a_suite_error_shows_its_trace(report: dict[str, Any]) -> None:
    text = Seen(html(alone(report, "metadata.issuer-is-plain"))).text
    assert in_order(
        text, "KeyError: 'access_token'", "Where the suite broke", "Traceback (most recent call last)"
    )


def test_a_broken_precondition_is_said_to_be_one(report: dict[str, Any]) -> None:
    text = Seen(html(alone(report, "poll.denied-is-access-denied"))).text
    assert in_order(
        text, "Wanted first a refusal", "before the exchange that the rule is about", "went astray"
    )


def test_of_a_passed_rule_the_exchanges_are_listed_in_short(report: dict[str, Any]) -> None:
    rule = the_rule(report, "tokens.no-store")
    text = Seen(html(alone(report, "tokens.no-store"))).text
    for exchange in rule["exchanges"]:
        path = _path(exchange["request"]["url"])
        assert f"{exchange['request']['method']} {path} {exchange['response']['status']}" in text
    assert "cache-control" not in text
    assert len(html(report)) < len(json.dumps(rule)) + 80_000


def _path(url: str) -> str:
    return "/" + url.split("/", maxsplit=3)[3]


def test_stories_are_told_and_the_rule_that_one_broke_leads_to_it(report: dict[str, Any]) -> None:
    story = next(one for one in report["stories"] if one["id"] == "key-rotation")
    the_rule(report, FAILED)["story"] = story["id"]
    story |= {"verdict": "failed", "broken": FAILED, "why": "two keys sign"}
    last_line = " ".join(story["lines"][-1].split())
    page = Seen(html(report))
    assert page.having("a", href="#story-key-rotation")
    assert in_order(page.text, "Stories", story["title"], "two keys sign", "Broken: " + FAILED, last_line)


def test_what_limits_the_verdict_is_said(report: dict[str, Any]) -> None:
    report["claims"] = [
        {
            "capability": "jwks",
            "too_much": True,
            "says": "jwks is declared, but the metadata has no jwks_uri",
        },
        {"capability": "revocation", "too_much": False, "says": "revocation is not declared"},
    ]
    report["target"]["withheld"] = {"advance_clock": "the server's Date stood still"}
    report["baseline_problems"] = ["metadata.json is listed and passes"]
    report["run"] |= {"not_run": ["redeem.once"], "exit_code": 130, "lost": "the run was broken off"}
    text = Seen(html(report)).text
    assert in_order(
        text,
        "The run was broken off.",
        "1 not tried",
        "declared too much jwks is declared",
        "declared too little revocation",
        "baseline metadata.json is listed",
        "withheld advance_clock : the server's Date stood still",
        "not run 1 rule redeem.once",
    )


def _run(report: dict[str, Any], **changes: Any) -> dict[str, Any]:
    counts = dict.fromkeys(report["counts"], 0)
    for rule in report["rules"]:
        rule["verdict"] = changes.get("verdict", "passed")
        counts[rule["verdict"]] += 1
    run = {**report["run"], "exit_code": 0, "lost": None, "adapter_error": None, **changes.get("run", {})}
    return {**report, "counts": counts, "run": run, "stories": [], **changes.get("whole", {})}


@pytest.mark.parametrize(
    ("changes", "said", "tone"),
    [
        ({}, "All 10 rules are kept. Each was tried on the server, and passed.", "good"),
        ({"verdict": "warning", "run": {"exit_code": 1}}, "Nothing is shown: no rule was kept.", "bad"),
        ({"verdict": "unsupported", "run": {"exit_code": 1}}, "Nothing is shown: no rule was kept.", "bad"),
        ({"verdict": "expected failure"}, "No rule is broken that is not known to be.", "warning"),
        (
            {"verdict": "suite error", "run": {"exit_code": 4}},
            "The kit or its adapter broke at 10 rules.",
            "bad",
        ),
        ({"run": {"lost": "no answer", "exit_code": 1}}, "The server stopped answering.", "bad"),
        ({"run": {"adapter_error": "no key", "exit_code": 8}}, "The rules could not be tried.", "bad"),
        ({"run": {"exit_code": 8}}, "No rule is broken, and yet something is wrong.", "bad"),
    ],
)
def test_the_page_opens_with_the_gravest(
    changes: dict[str, Any], said: str, tone: str, report: dict[str, Any]
) -> None:
    page = Seen(html(_run(report, **changes)))
    assert said in page.text
    assert page.having("section", **{"class": f"verdict {tone}"})


def test_a_run_without_a_rule_is_a_page_too(report: dict[str, Any]) -> None:
    text = Seen(html(_run({**report, "rules": []}, run={"adapter_error": "no key", "exit_code": 8}))).text
    assert "The rules could not be tried." in text
    assert "No rule was tried." in text


def test_keys_that_it_does_not_know_do_no_harm(report: dict[str, Any]) -> None:
    plain = html(report)
    report["more"] = {"of": "this"}
    for rule in report["rules"]:
        rule["more"] = [HOSTILE]
        for one in [*rule["timeline"], *rule["exchanges"]]:
            one["more"] = HOSTILE
    assert html(report) == plain


# ------------------------------------------------------------------------------------------ what it does not do
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


def test_no_secret_is_on_the_page(judged: Judged) -> None:
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
