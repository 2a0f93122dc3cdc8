"""User codes in other spellings, and such as nobody was given."""

from __future__ import annotations

from authz_conformance.flow import Grant, spelled_plainly
from authz_conformance.server_under_test import ServerUnderTest


def spread(user_code: str) -> str:
    """Put spaces and hyphens elsewhere."""
    letters = spelled_plainly(user_code)
    return f"{letters[:2]} {letters[2:3]}-{letters[3:]}"


def made_up(server: ServerUnderTest, grant: Grant) -> str:
    """Make up a user code that looks like a real one and is not its own: no two letters stay in place."""
    letters = sorted(set(spelled_plainly(grant.user_code)) | set("BCDFGH"))
    return "".join(
        server.random.choice([other for other in letters if other != letter]) if letter.isalnum() else letter
        for letter in grant.user_code
    )
