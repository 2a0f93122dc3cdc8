"""What tests about tokens and licenses share: readings that forgive what other rules are about."""

from __future__ import annotations

from collections.abc import Callable

from authz_conformance.exchange import Exchange
from authz_conformance.expectations import expect
from authz_conformance.flow import Tokens, take_apart
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.targets.ports import Device
from authz_conformance.verdicts import NotTestable

UNKNOWN_CLIENT = "nobody-registered-this-client"
NEVER_ISSUED = "never-issued-by-anybody"
YEAR = 365 * 86400
_MILLISECONDS_FROM = 100_000_000_000
_GENERATIONS = 3


def granted(answer: Exchange) -> str:
    """Check that a token request got an access token; which status it has is a rule of its own."""
    return str(expect.member(answer, "access_token"))


def refused(answer: Exchange, settled_by: str) -> str | None:
    """Read the reason of a refusal; that there is one is settled by another rule."""
    if "access_token" in answer.members:
        raise NotTestable(f"the refresh was granted ({settled_by})")
    reason = answer.members.get("reason")
    return reason if isinstance(reason, str) else None


def reason_is(answer: Exchange, reason: str | None, *, settled_by: str) -> None:
    """Check the reason of a refusal; that there is one is settled by another rule."""
    refused(answer, settled_by)
    expect.equal(answer.members.get("reason"), reason, what="the reason", exchange=answer)


def generations(server: ServerUnderTest, tokens: Tokens, *, count: int = _GENERATIONS) -> list[Tokens]:
    """Refresh several times; the tokens presented come first, the newest last."""
    line = [tokens]
    for _ in range(count):
        line.append(server.refreshed(line[-1]))
        if line[-1].refresh_token in {earlier.refresh_token for earlier in line[:-1]}:
            raise NotTestable("refresh tokens are not rotated (refresh.rotates)")
    return line


def revoked(server: ServerUnderTest, tokens: Tokens) -> None:
    """Have the client end a license by either token; each of the two is a rule of its own."""
    server.revoke(server.refresh_token_of(tokens))
    server.revoke(tokens.access_token)


def lapsing(server: ServerUnderTest) -> tuple[Device, int]:
    """Create a device whose renewal date comes well before its refresh token expires."""
    renewal_at = int(server.clock.now()) + server.terms.refresh_token_seconds // 2
    return server.provision.create_device(renewal_at=renewal_at), renewal_at


def whole(claim: object) -> int | None:
    """Read an instant in seconds, also where it is spelled as a text, a fraction or milliseconds."""
    try:
        seconds = int(float(str(claim)))
    except (ValueError, OverflowError):
        return None
    return seconds // 1000 if seconds >= _MILLISECONDS_FROM else seconds


def instant(tokens: Tokens, claim: str) -> int:
    """Read an instant from the claims of a license token, whatever its spelling."""
    token = take_apart(tokens.access_token)
    found = whole(token.claims.get(claim)) if token else None
    if found is None:
        raise NotTestable(f"the access token says no {claim} (claims.required-present)")
    return found


def lifetime(tokens: Tokens) -> int:
    """Tell how long a license token lives, by its own claims."""
    return instant(tokens, "exp") - instant(tokens, "iat")


def token_responses(server: ServerUnderTest) -> list[Exchange]:
    """Get a response to a poll, and one to a refresh where there is a refresh token."""
    tokens = server.acquire()
    if tokens.refresh_token is None:
        return [tokens.exchange]
    return [tokens.exchange, server.refreshed(tokens).exchange]


def each(answers: list[Exchange], check: Callable[[Exchange], object]) -> None:
    """Hold every answer to the same."""
    for answer in answers:
        check(answer)
