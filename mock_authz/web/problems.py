"""Errors of everything but the OAuth endpoints: problem details (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from mock_authz.domain.refusals import NotFound, Refusal, TooManyGuesses
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
        "title": name.replace("_", " ").capitalize(),
        "status": status,
        "detail": detail,
    }
    if errors:
        members["errors"] = [dict(error) for error in errors]
    return Reply(status, members, headers or {}, PROBLEM)


def refused(refusal: Refusal) -> Reply:
    """Spell a use case's refusal: 404 for what is not there, 409 for what the records do not allow.

    RFC 6585 4: 429 for one administrator's too many wrong user codes, with the seconds to wait.
    """
    if isinstance(refusal, NotFound):
        return problem(404, "not_found", refusal.description)
    if isinstance(refusal, TooManyGuesses):
        headers = {"retry-after": refusal.reason or "0"}
        return problem(429, refusal.error, refusal.description, headers=headers)
    return problem(409, refusal.reason or refusal.error, refusal.description)


def bad_request(detail: str) -> Reply:
    """Say that a request could not be read."""
    return problem(400, "bad_request", detail)


def unprocessable(errors: Sequence[Mapping[str, str]]) -> Reply:
    """Say everything that is wrong with a body that could be read."""
    return problem(422, "unprocessable", "The body is not what this operation takes.", errors=errors)


def method_not_allowed(allowed: Sequence[str]) -> Reply:
    """Name the methods that a path offers (RFC 9110 15.5.6)."""
    offered = ", ".join(allowed)
    return problem(405, "method_not_allowed", f"This path offers {offered}.", headers={"allow": offered})
