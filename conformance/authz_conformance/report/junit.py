"""JUnit XML, for CI systems that show tests: a suite for each profile, a case for each rule.

JUnit knows pass, failure, error and skipped. Only `passed` becomes a pass; every case names its verdict as a property.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import groupby
from typing import Any
from xml.etree import ElementTree as ET

from authz_conformance.verdicts import Verdict

_ELEMENTS = {
    Verdict.FAILED: "failure",
    Verdict.ADAPTER_ERROR: "error",
    Verdict.SUITE_ERROR: "error",
    Verdict.WARNING: "skipped",
    Verdict.EXPECTED_FAILURE: "skipped",
    Verdict.UNSUPPORTED: "skipped",
    Verdict.NOT_TESTABLE: "skipped",
}

_NOT_IN_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(report: Mapping[str, Any]) -> str:
    """Make JUnit XML of a document."""
    root = ET.Element("testsuites", name="authz-conformance", time=str(report["run"]["seconds"]))
    rules = sorted(report["rules"], key=_profile)
    for profile, members in groupby(rules, key=_profile):
        _suite(root, profile, list(members), report)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _profile(rule: Mapping[str, Any]) -> str:
    return str(rule["profile"])


def _suite(root: ET.Element, profile: str, rules: list[Mapping[str, Any]], report: Mapping[str, Any]) -> None:
    kinds = [_ELEMENTS.get(rule["verdict"]) for rule in rules]
    suite = ET.SubElement(
        root,
        "testsuite",
        name=profile,
        tests=str(len(rules)),
        failures=str(kinds.count("failure")),
        errors=str(kinds.count("error")),
        skipped=str(kinds.count("skipped")),
        time=f"{sum(rule['seconds'] for rule in rules):.3f}",
        hostname=_clean(report["target"]["issuer"]),
    )
    for rule in rules:
        _case(suite, rule)


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
