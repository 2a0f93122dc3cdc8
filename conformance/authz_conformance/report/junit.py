"""JUnit XML, for CI systems that show tests: a suite for each profile with a case for each rule, and one of the stories.

JUnit knows pass, failure, error and skipped. Only `passed` becomes a pass; every case names its verdict as a property.
What is wrong with the run as a whole is a suite of its own: who looks at JUnit alone must not take for success that a server
hung and all was skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any
from xml.etree import ElementTree as ET

from authz_conformance.exit_codes import ExitCode
from authz_conformance.telling import StoryVerdict
from authz_conformance.verdicts import Verdict
from authz_conformance.wording import counted

_ELEMENTS = {
    Verdict.FAILED: "failure",
    Verdict.ADAPTER_ERROR: "error",
    Verdict.SUITE_ERROR: "error",
    Verdict.WARNING: "skipped",
    Verdict.EXPECTED_FAILURE: "skipped",
    Verdict.UNSUPPORTED: "skipped",
    Verdict.NOT_TESTABLE: "skipped",
}

_STORY_ELEMENTS = {
    StoryVerdict.FAILED: "failure",
    StoryVerdict.SUITE_ERROR: "error",
    StoryVerdict.WARNING: "skipped",
    StoryVerdict.NOT_TOLD: "skipped",
}

_NOT_IN_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(report: Mapping[str, Any]) -> str:
    """Make JUnit XML of a document."""
    root = ET.Element("testsuites", name="authz-conformance", time=str(report["run"]["seconds"]))
    rules = sorted(report["rules"], key=_profile)
    for profile, members in groupby(rules, key=_profile):
        _suite(root, profile, list(members), report)
    if report["stories"]:
        _stories(root, report)
    if whole := list(_of_the_run(report)):
        _whole(root, whole, report)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _of_the_run(report: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Say what is wrong with the run as a whole: name, kind and words."""
    run = report["run"]
    if run["adapter_error"]:
        yield "began", "error", f"The rules could not be tried: {run['adapter_error']}"
    if run["lost"]:
        yield "server-answers", "failure", f"The server does not answer: {run['lost']}"
    if run["exit_code"] == ExitCode.INTERRUPTED:
        not_tried = counted(len(run["not_run"]), "rule was", "rules were")
        yield "whole", "error", f"Broken off: {not_tried} not tried"
    elif run["exit_code"] & ExitCode.FAILED and _shows_nothing(report):
        yield (
            "shows-something",
            "failure",
            "Nothing passed and nothing failed: the run shows nothing of the server",
        )
    for claim in report["claims"]:
        if claim["too_much"]:
            yield f"declaration.{claim['capability']}", "error", claim["says"]
    for number, problem in enumerate(report["baseline_problems"], 1):
        yield f"baseline.{number}", "failure", problem


def _shows_nothing(report: Mapping[str, Any]) -> bool:
    counts = report["counts"]
    shown = counts[Verdict.PASSED] + counts[Verdict.FAILED] + counts[Verdict.EXPECTED_FAILURE]
    told = (StoryVerdict.PASSED, StoryVerdict.FAILED)
    return not shown and all(story["verdict"] not in told for story in report["stories"])


def _whole(root: ET.Element, found: Sequence[tuple[str, str, str]], report: Mapping[str, Any]) -> None:
    members = [{"seconds": 0.0} for _ in found]
    suite = _counted(root, "run", members, kinds=[kind for _, kind, _ in found], report=report)
    for name, kind, said in found:
        case = ET.SubElement(suite, "testcase", name=name, classname="authz-conformance.run", time="0.000")
        ET.SubElement(case, kind, message=_clean(said), type="run").text = _clean(f"{said}\n")


def _profile(rule: Mapping[str, Any]) -> str:
    return str(rule["profile"])


def _suite(root: ET.Element, profile: str, rules: list[Mapping[str, Any]], report: Mapping[str, Any]) -> None:
    kinds = [_ELEMENTS.get(rule["verdict"]) for rule in rules]
    suite = _counted(root, profile, rules, kinds=kinds, report=report)
    for rule in rules:
        _case(suite, rule)


def _stories(root: ET.Element, report: Mapping[str, Any]) -> None:
    stories = report["stories"]
    kinds = [_STORY_ELEMENTS.get(story["verdict"]) for story in stories]
    suite = _counted(root, "stories", stories, kinds=kinds, report=report)
    for story, kind in zip(stories, kinds, strict=True):
        case = ET.SubElement(
            suite,
            "testcase",
            name=story["id"],
            classname="authz-conformance.stories",
            time=f"{story['seconds']:.3f}",
        )
        if kind is not None:
            said = f"{story['verdict']}: {story['why']}"
            found = ET.SubElement(case, kind, message=_clean(said), type=story["verdict"])
            told = "\n".join(story["lines"])
            found.text = _clean(f"{story['title']}\n\n{told}\n\n{said}\n\nAgain: {story['replay']}\n")


def _counted(
    root: ET.Element,
    name: str,
    members: Sequence[Mapping[str, Any]],
    *,
    kinds: list[str | None],
    report: Mapping[str, Any],
) -> ET.Element:
    return ET.SubElement(
        root,
        "testsuite",
        name=name,
        tests=str(len(members)),
        failures=str(kinds.count("failure")),
        errors=str(kinds.count("error")),
        skipped=str(kinds.count("skipped")),
        time=f"{sum(member['seconds'] for member in members):.3f}",
        hostname=_clean(report["target"]["issuer"]),
    )


def _case(suite: ET.Element, rule: Mapping[str, Any]) -> None:
    name = f"authz-conformance.{rule['profile']}.{rule['group']}"
    case = ET.SubElement(suite, "testcase", name=rule["id"], classname=name, time=f"{rule['seconds']:.3f}")
    properties = ET.SubElement(case, "properties")
    for key in ("verdict", "level", "source"):
        ET.SubElement(properties, "property", name=key, value=_clean(rule[key]))
    kind = _ELEMENTS.get(rule["verdict"])
    if kind is not None:
        said = f"{rule['verdict']}: {rule['why']}"
        found = ET.SubElement(case, kind, message=_clean(said), type=rule["verdict"])
        found.text = _clean(f"{rule['text']}\n{rule['source']}\n\n{said}\n\nAgain: {rule['replay']}\n")


def _clean(text: str) -> str:
    """Leave out what XML 1.0 cannot hold; a server may have sent it."""
    return _NOT_IN_XML.sub("", text)
