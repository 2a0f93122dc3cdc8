"""The only place of the server that draws randomness: once, a seed for each sandbox.

All else is derived from it: keyed BLAKE2b (RFC 7693), a MAC as HMAC is and three times as fast, of purpose, record id
and generation under the sandbox's seed. So no device_code or refresh token is stored, a retry gets its successor byte for
byte, and a seeded sandbox repeats itself.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field

SEED_BYTES = 32


def fresh_seed() -> bytes:
    """Draw a seed for a sandbox that was given none."""
    return secrets.token_bytes(SEED_BYTES)


def fresh_secret() -> str:
    """Draw a secret of 256 bits, in base64url: a token that belongs to no sandbox."""
    return secrets.token_urlsafe(SEED_BYTES)


def seed_from(text: str) -> bytes:
    """Make a seed of a text that a test chose, so that its sandbox repeats itself."""
    return hashlib.sha256(b"mock-authz random_seed\x00" + text.encode()).digest()


def same(given: str, expected: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest(given.encode(), expected.encode())


@dataclass(frozen=True, slots=True)
class Entropy:
    """All the randomness of one sandbox."""

    seed: bytes = field(repr=False)

    def derive(self, purpose: str, *parts: str | int) -> bytes:
        """Derive 32 bytes. The same purpose and parts give the same bytes; any other give unrelated ones."""
        message = "\x00".join((purpose, *map(str, parts)))
        return hashlib.blake2b(message.encode(), key=self.seed, digest_size=SEED_BYTES).digest()

    def number(self, purpose: str, *parts: str | int) -> int:
        """Derive a number of 256 bits."""
        return int.from_bytes(self.derive(purpose, *parts))

    def roll(self, purpose: str, *parts: str | int) -> float:
        """Derive a number within [0, 1)."""
        return (self.number(purpose, *parts) >> 203) / 2**53

    def identifier(self, purpose: str, *parts: str | int) -> str:
        """Derive an id of 64 bits, in hex. Not a secret."""
        return self.derive("identifier", purpose, *parts)[:8].hex()

    def secret(self, purpose: str, *parts: str | int) -> str:
        """Derive a secret of 256 bits, in base64url."""
        return urlsafe_b64encode(self.derive(purpose, *parts)).rstrip(b"=").decode()

    def credential(self, purpose: str, record_id: str, generation: int = 0) -> str:
        """Spell a credential that names its record and proves itself: `<record_id>.<generation>.<secret>`.

        The secret has 256 bits, more than the 160 of protocol.md and the 128 of RFC 6749 10.10.
        """
        return f"{record_id}.{generation}.{self.secret(purpose, record_id, generation)}"

    def read_credential(self, purpose: str, presented: str) -> tuple[str, int] | None:
        """Read a credential back, comparing in constant time.

        Returns:
            The record's id and the generation, or None if it is not one that this sandbox spelled.
        """
        if not presented.isascii():
            return None
        record_id, _, rest = presented.partition(".")
        generation, _, _ = rest.partition(".")
        if not (generation.isdecimal() and generation.isascii() and len(generation) < len("1000000000")):
            return None
        if not same(presented, self.credential(purpose, record_id, int(generation))):
            return None
        return record_id, int(generation)

    def fingerprint(self, secret: str) -> str:
        """Tell two secrets apart without showing them: 12 hex digits under this sandbox's own seed."""
        return hashlib.blake2b(secret.encode(), key=self.seed, digest_size=6).hexdigest()
