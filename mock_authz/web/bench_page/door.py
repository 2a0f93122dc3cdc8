"""Who may use the test bench page: loopback or the control token, kept as a login; and forms that are our own.

Stateless: a login proves itself under the control token, so that any process can answer. The token itself stays out of
the browser. Knows nothing of what the page shows.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request

from mock_authz.entropy import same
from mock_authz.sandbox import Sandbox
from mock_authz.web.login import NONCE_PATTERN, fresh_nonce

CONTROL_PATH: Final = "/_control"
LOGIN: Final = "bench_login"
FORMS: Final = "bench_forms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What the server asks of whoever controls it.

    Attributes:
        control_token: asked for, if there is one.
        is_local: whether the request comes from this machine, which is what guards a server without a token.
        base_url: where the server is reached.
    """

    control_token: str | None
    is_local: bool
    base_url: str


@dataclass(frozen=True, slots=True)
class Door:
    """One request before the test bench page."""

    request: Request
    guard: Guard

    def is_shut(self) -> bool:
        """Say whether nobody may come in from where the request comes from."""
        return self.guard.control_token is None and not self.guard.is_local

    def is_open(self) -> bool:
        """Say whether the request may come in: no token is asked for, or it brings a login."""
        if self.guard.control_token is None:
            return self.guard.is_local
        return any(self._proves(value) for value in self._read(LOGIN))

    def admits(self, control_token: str) -> bool:
        """Hold a control token that was entered against the server's, in constant time."""
        return self.guard.control_token is not None and same(control_token, self.guard.control_token)

    def login(self) -> str:
        """Spell the cookie of a new login."""
        nonce = fresh_nonce()
        return self._write(LOGIN, f"{nonce}.{self._proof(nonce)}")

    def logout(self) -> str:
        """Spell what takes the login away."""
        return f"{self._write(LOGIN, '')}; Max-Age=0"

    def nonce(self) -> str | None:
        """Find what the forms of this browser are bound to."""
        return next((value for value in self._read(FORMS) if re.fullmatch(NONCE_PATTERN, value)), None)

    def bind(self, nonce: str) -> str:
        """Spell the cookie that the forms of this browser are bound to."""
        return self._write(FORMS, nonce)

    def is_bound(self, sandbox: Sandbox, csrf_token: str) -> bool:
        """Say whether a form was made for this browser: it carries what only our own page can have put there."""
        nonce = self.nonce()
        return nonce is not None and same(csrf_token, csrf_token_of(sandbox, nonce))

    def _proves(self, value: str) -> bool:
        nonce, _, proof = value.partition(".")
        return re.fullmatch(NONCE_PATTERN, nonce) is not None and same(proof, self._proof(nonce))

    def _proof(self, nonce: str) -> str:
        key = (self.guard.control_token or "").encode()
        return hmac.digest(key, f"bench login {nonce}".encode(), "sha256").hex()

    def _read(self, cookie: str) -> list[str]:
        pairs = (part.partition("=") for part in ";".join(self.request.headers.getlist("cookie")).split(";"))
        return [value.strip() for name, _, value in pairs if name.strip() == self._name(cookie)]

    def _write(self, cookie: str, value: str) -> str:
        secure = "; Secure" if urlsplit(self.guard.base_url).scheme == "https" else ""
        return f"{self._name(cookie)}={value}; Path={CONTROL_PATH}; HttpOnly; SameSite=Strict{secure}"

    def _name(self, cookie: str) -> str:
        # Browsers keep the cookies of a host's ports together.
        try:
            port = urlsplit(f"//{self.request.headers.get('host', '')}").port
        except ValueError:
            port = None
        return f"mock_authz_{cookie}_{port or 0}"


def csrf_token_of(sandbox: Sandbox, nonce: str) -> str:
    """Derive the token that every form of a sandbox's page carries."""
    return sandbox.entropy.secret("csrf_token", FORMS, nonce)
