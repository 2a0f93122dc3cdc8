"""Passwords of administrators: hashed with argon2id, verified in one time whoever asks. Stores nothing.

argon2 is imported when first used: a server that nobody logs in to does not pay for it. One hash takes about 0.1 s and
64 MiB (RFC 9106 4, second choice), so a caller with an event loop runs these functions in a thread.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

from mock_authz.domain.organization import PlainPassword

if TYPE_CHECKING:
    from argon2 import PasswordHasher

# What nobody's password is: verified against where there is no hash, so that this takes as long as where there is one.
_NOBODYS_HASH: Final = (
    "$argon2id$v=19$m=65536,t=3,p=4$r9BwSzhKpyha+yHgVtVwOw$mcCK1bNJ1nFqPxrkJDWrCF0jtgCNSilWUloe59Qcs0k"
)


def hash_password(password: str | PlainPassword) -> str:
    """Hash a password with a salt of its own."""
    return _hasher().hash(_octets(password.text if isinstance(password, PlainPassword) else password))


def verify(password: str | PlainPassword | None, given: str) -> bool:
    """Say whether `given` is the password, in the same time for a wrong one, for none, and for an unknown user.

    Args:
        password: an `Administrator.password_hash`, or None where there is no such administrator.
        given: what was typed.
    """
    if isinstance(password, str):
        return _matches(password, given)
    _matches(_NOBODYS_HASH, given)
    return password is not None and hmac.compare_digest(_octets(password.text), _octets(given))


def _matches(password_hash: str, given: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415 - see the docstring above

    try:
        return _hasher().verify(password_hash, _octets(given))
    except (VerificationError, InvalidHashError):
        return False


def _octets(text: str) -> bytes:
    # JSON can spell half a surrogate pair: it is a wrong password, not an error.
    return text.encode(errors="surrogatepass")


def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher  # noqa: PLC0415 - see the docstring above

    return PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4)
