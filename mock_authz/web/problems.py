"""Errors of everything but the OAuth endpoints: problem details (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from mock_authz.domain.refusals import NotFound, Refusal
from mock_authz.oauth.reply import Reply

PROBLEM: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:mock-authz:problem:"


def problem(
    status: int,
    name: str,
    detail: str,
    *,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """Describe one problem.

    Args:
        name: the last part of its `type`, which programs look at; its title is the same in words.
        errors: what is wrong where in the body, each with `pointer` (RFC 6901) and `detail`.
    """
    members: dict[str, Any] = {
        "type": TYPE_PREFIX + name,
        "title": name.replace("-", " ").capitalize(),
        "status": status,
        "detail": detail,
    }
    if errors:
        members["errors"] = [dict(error) for error in errors]
    return Reply(status, members, headers or {}, PROBLEM)


def refused(refusal: Refusal) -> Reply:
    """Spell a use case's refusal: 404 for what is not there, 409 for what the records do not allow."""
    if isinstance(refusal, NotFound):
        return problem(404, "not-found", refusal.description)
    return problem(409, (refusal.reason or refusal.error).replace("_", "-"), refusal.description)


def method_not_allowed(allowed: Sequence[str]) -> Reply:
    """Name the methods that a path offers (RFC 9110 15.5.6)."""
    offered = ", ".join(allowed)
    return problem(405, "method-not-allowed", f"This path offers {offered}.", headers={"allow": offered})
