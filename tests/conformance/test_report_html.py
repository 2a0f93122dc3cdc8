"""The HTML report: what it shows of a run, of each verdict, of stories."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import pytest

from authz_conformance.report.markdown import markdown
from authz_conformance.report.page import html, words
from tests.conformance.kit import Judged
from tests.conformance.page_seen import Seen
from tests.conformance.reported import EXPECTED, HOSTILE, alone, the_rule

FAILED: Final = "refresh.rotates"


def in_order(text: str, *parts: str) -> bool:
    at = 0
    for part in parts:
        at = text.find(part, at)
        if at < 0:
            pytest.fail(f"{part!r} is not there, or too early")
        at += len(part)
    return True


def test_the_page_is_written_beside_the_others_and_the_run_says_where(every_verdict: Judged) -> None:
    judged = every_verdict
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
        f"{rule['tokens'][label]['claims']['exp']} , 2030-01-11 00:00:00 UTC",
        "The other exchanges",
        "See it again",
        f"authz-conformance server --control {report['target']['issuer']}/_control",
        f"--rule {FAILED}",
    )
    unfolded = [one for one in page.having("details") if "open" in one]
    assert {one["class"] for one in unfolded} == {"rule v-failed", "token"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"response": None, "failure": "no answer within 5 s"}, "Response no answer within 5 s"),
        ({"response": {"status": 599, "headers": [], "body": ""}}, "Response 599"),
    ],
)
def test_silence_and_a_status_without_a_name_are_shown_as_what_came(
    changes: dict[str, Any], said: str, report: dict[str, Any]
) -> None:
    rule = alone(report, FAILED)["rules"][0]
    rule["exchanges"][rule["exchange"] - 1] |= changes
    assert said in Seen(html(report)).text


def test_an_expected_failure_says_why_where_and_until_when(report: dict[str, Any]) -> None:
    page = Seen(html(alone(report, "poll.early-is-slow-down")))
    assert in_order(page.text, "Known: The session cache is written behind.", "looked at again on 2999-03-01")
    assert page.having("a", href="https://tracker.example/1182")


def test_an_expected_failure_says_that_nobody_follows_it_up_and_that_its_review_is_due(
    report: dict[str, Any],
) -> None:
    early = alone(report, "poll.early-is-slow-down")
    early["run"]["started_at_real"] = 1_800_000_000  # 2027-01-15
    known = early["rules"][0]["known"]
    known |= {"link": "", "review": "2027-01-16"}
    assert "no link yet · to be looked at again on 2027-01-16" in Seen(html(early)).text
    assert "no link yet, to be looked at again on 2027-01-16: The session" in markdown(early)
    known["review"] = "2027-01-15"
    assert "no link yet · review was due on 2027-01-15" in Seen(html(early)).text
    assert "no link yet, review was due on 2027-01-15: The session" in markdown(early)


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
        ({"run": {"lost": "no answer", "exit_code": 1}}, "The server does not answer.", "bad"),
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
