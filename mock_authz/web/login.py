"""Who is asking for a page: the cookies of one sandbox in one browser, logins, and CSRF tokens.

Stateless: a login is a cookie that proves itself, so that any process can answer. It lives in real time, unlike all else:
a jump of the sandbox's clock logs nobody out. Knows nothing of routes or templates.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request

from mock_authz.domain.organization import Administrator, PlainPassword
from mock_authz.entropy import fresh_seed, same
from mock_authz.usecases.context import Context
from mock_authz.usecases.listing import find_record

LOGIN_SECONDS: Final = 12 * 3600
NONCE_PATTERN: Final = r"[0-9a-f]{32}"


class Cookie(StrEnum):
    """What the pages keep in a browser."""

    SESSION = "session"
    BEFORE_LOGIN = "before_login"
    ORGANIZATION = "organization"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookies:
    """The cookies that a request brought, and how to set others.

    Attributes:
        port: goes into their names, as browsers keep the cookies of a host's ports together.
        path: below which they are sent: each sandbox has its own.
        given: name and value of all that came, in the order of the header.
    """

    port: int
    path: str
    secure: bool
    given: tuple[tuple[str, str], ...]

    def read(self, cookie: Cookie) -> list[str]:
        """Give the values of a cookie, the one with the longest path first (RFC 6265 5.4).

        Several, as the default sandbox's cookies are sent to all others too.
        """
        name = self.name(cookie)
        return [value for given, value in self.given if given == name]

    def write(self, cookie: Cookie, value: str) -> str:
        """Spell a Set-Cookie header. It ends with the browser: `Expires` would be a time off the sandbox's clock."""
        secure = "; Secure" if self.secure else ""
        return f"{self.name(cookie)}={value}; Path={self.path}; HttpOnly; SameSite=Lax{secure}"

    def drop(self, cookie: Cookie) -> str:
        """Spell a Set-Cookie header that takes a cookie away."""
        return f"{self.write(cookie, '')}; Max-Age=0"

    def name(self, cookie: Cookie) -> str:
        """Name a cookie."""
        return f"mock_authz_{cookie.value}_{self.port}"


@dataclass(frozen=True, slots=True)
class Session:
    """A login that stands.

    Attributes:
        nonce: what this login's CSRF tokens are bound to.
    """

    administrator: Administrator
    nonce: str


def url_prefix(request: Request, issuer: str, *, below: str) -> str:
    """Give what stands before the pages' paths, as the browser sees them: empty, or such as `/s/shop`.

    Who comes by the issuer's own host sees the issuer's path, which a proxy may have rewritten; others see ours.
    """
    parts = urlsplit(issuer)
    if request.headers.get("host", "").lower() == parts.netloc.lower():
        return parts.path
    return str(request.scope["path"]).removesuffix("/" if below == "/" else below)


def read_cookies(request: Request, issuer: str, *, prefix: str) -> Cookies:
    """Read the cookies of a request (RFC 6265 5.4)."""
    pairs = (part.partition("=") for part in ";".join(request.headers.getlist("cookie")).split(";"))
    return Cookies(
        port=_port(request, issuer),
        path=prefix or "/",
        secure=urlsplit(issuer).scheme == "https",
        given=tuple((name.strip(), value.strip()) for name, _, value in pairs),
    )


def _port(request: Request, issuer: str) -> int:
    try:
        port = urlsplit(f"//{request.headers.get('host', '')}").port
    except ValueError:
        port = None
    return port or (443 if urlsplit(issuer).scheme == "https" else 80)


def open_session(context: Context, administrator: Administrator, *, real_at: float) -> str:
    """Spell the cookie of a new login.

    Args:
        real_at: the wall clock, Unix seconds.
    """
    username = urlsafe_b64encode(administrator.username.encode()).rstrip(b"=").decode()
    body = f"{username}.{int(real_at // 1)}.{fresh_nonce()}"
    return f"{body}.{_proof(context, body, administrator)}"


def find_session(context: Context, cookies: Cookies, *, real_at: float) -> Session | None:
    """Find the login that a request brings.

    It was signed here less than `LOGIN_SECONDS` ago, for somebody who still is an administrator, with the same password.
    """
    found = (_read_session(context, value, real_at) for value in cookies.read(Cookie.SESSION))
    return next((session for session in found if session is not None), None)


def _read_session(context: Context, value: str, real_at: float) -> Session | None:
    body, _, proof = value.rpartition(".")
    if not re.fullmatch(rf"[A-Za-z0-9_-]+\.[0-9]{{1,12}}\.{NONCE_PATTERN}", body):
        return None
    encoded, issued_at, nonce = body.split(".")
    try:
        username = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except ValueError:
        return None
    administrator = find_record(context, Administrator, username)
    if administrator is None or not same(proof, _proof(context, body, administrator)):
        return None
    return Session(administrator, nonce) if real_at - int(issued_at) < LOGIN_SECONDS else None


def _proof(context: Context, body: str, administrator: Administrator) -> str:
    """Sign a session, the password under it: a new one ends the logins made with the old."""
    password = administrator.password_hash
    kind, text = ("plain", password.text) if isinstance(password, PlainPassword) else ("hash", password)
    return context.entropy.secret("administrator_session", body, kind, ascii(text))


def fresh_nonce() -> str:
    """Draw what tells one login, or one login form, from another."""
    return fresh_seed()[:16].hex()


def nonce_before_login(cookies: Cookies) -> str | None:
    """Find what this browser's login forms are bound to."""
    fine = [value for value in cookies.read(Cookie.BEFORE_LOGIN) if re.fullmatch(NONCE_PATTERN, value)]
    return fine[0] if fine else None


def csrf_token(context: Context, cookie: Cookie, nonce: str) -> str:
    """Derive the token that every form of a login, or the login form of a browser, carries."""
    return context.entropy.secret("csrf_token", cookie.value, nonce)


def is_foreign(request: Request, issuer: str) -> bool:
    """Say whether a form was sent from somebody else's page, as far as the browser says where it comes from.

    A page on another port of this host is `same-site`, and foreign; an opaque origin is `null`, and foreign.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return True
    origin = request.headers.get("origin")
    own = {urlsplit(issuer).netloc.lower(), request.headers.get("host", "").lower()}
    return origin is not None and origin.lower().partition("://")[2] not in own


def is_local_path(path: str) -> bool:
    """Say whether a path leads to a page of this server and nowhere else, whatever a browser makes of it."""
    return re.fullmatch(r"/(?!/)[!-\[\]-~]*", path) is not None
