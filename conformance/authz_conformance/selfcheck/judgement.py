"""Holds the kill matrix against what is known: every difference is a problem, in either direction. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from authz_conformance.exit_codes import ExitCode
from authz_conformance.selfcheck.known import Disagreement, Known
from authz_conformance.selfcheck.matrix import Matrix, Row
from authz_conformance.verdicts import Verdict

_KINDS = ("survived", "collateral", "errors")
_NOTHING = Disagreement(quirk="", reason="nothing is known")


@dataclass(frozen=True, kw_only=True)
class Scope:
    """How much of the matrix was tried.

    Attributes:
        every_quirk: so that a rule that none kills is a gap.
        every_rule: with each quirk, so that columns can be compared.
    """

    every_quirk: bool
    every_rule: bool


def problems(matrix: Matrix, known: Known, scope: Scope) -> list[str]:
    """Say everything that is wrong, a line each; nothing if kit, quirks and `known.yaml` agree."""
    found = [f"plain server: {one.rule}: {one.verdict}: {one.why}" for one in matrix.plain_failures]
    for row in matrix.rows:
        found += _of_row(row, known.of(row.quirk) or _NOTHING)
    if scope.every_quirk:
        found += _of_gaps(matrix, known)
    if scope.every_quirk and scope.every_rule:
        found += _of_columns(matrix, known)
    return found


def exit_code(matrix: Matrix, problems_found: list[str]) -> ExitCode:
    """Say how the command ends: a problem fails; errors of the kit on the plain server are said, too."""
    code = ExitCode.FAILED if problems_found or not matrix.rules else ExitCode.OK
    verdicts = {found.verdict for found in matrix.plain.values()}
    if Verdict.SUITE_ERROR in verdicts:
        code |= ExitCode.SUITE_ERROR
    if Verdict.ADAPTER_ERROR in verdicts:
        code |= ExitCode.ADAPTER_ERROR
    return code


def _of_row(row: Row, listed: Disagreement) -> Iterator[str]:
    for kind in _KINDS:
        seen, known = getattr(row, kind), getattr(listed, kind)
        for rule in seen:
            if rule not in known:
                finding = row.findings[rule]
                yield f"{row.quirk}: {kind}: {rule}: {finding.verdict}{finding.why and f': {finding.why}'}"
        for rule in known:
            if rule in row.findings and rule not in seen:
                yield f"{row.quirk}: {kind}: {rule}: is listed in known.yaml and is so no longer: take it off"


def _of_gaps(matrix: Matrix, known: Known) -> Iterator[str]:
    gaps, listed = matrix.gaps, [one.rule for one in known.gaps]
    for rule in gaps:
        if rule not in listed:
            yield f"gap: {rule} is a MUST, and no quirk kills it"
    for rule in listed:
        if rule in matrix.killers and rule not in gaps:
            yield f"gap: {rule} is listed in known.yaml and is none: take it off"


def _of_columns(matrix: Matrix, known: Known) -> Iterator[str]:
    groups = {frozenset(group): group for group in matrix.alike}
    listed = {frozenset(one.rules): one for one in known.equivalent}
    for key, group in groups.items():
        if key not in listed:
            yield f"alike: {', '.join(group)} fail with the same quirks: merge them, or declare them equivalent"
    for key, one in listed.items():
        if key <= matrix.killers.keys() and key not in groups:
            yield f"alike: {', '.join(one.rules)} are declared equivalent, and are not: take it off"
