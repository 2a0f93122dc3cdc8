"""What keeps others out of the page: the Host allow-list, the CSRF check, and the headers of every answer.

Owns the rules of the browser's side. It knows nothing of licenses.
"""

import hmac
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_NAMES: Final = frozenset({"127.0.0.1", "localhost", "::1"})
MAX_FORM_BYTES: Final = 4096
_CSRF_FIELD: Final = "csrf_token"
#: Nothing from elsewhere, nothing inline, in nobody's frame. `same-origin` keeps Origin on the forms' requests.
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(frozen=True)
class AllowedHosts:
    """The names that the page answers to, which keeps DNS rebinding out.

    Attributes:
        names: Beside the loopback names.
        is_any_address: Whether any IP address will do: a rebound name is none.
    """

    names: frozenset[str] = frozenset()
    is_any_address: bool = False

    def admits(self, header: str | None) -> bool:
        """Say whether a Host header names this page."""
        host = _host_of(header or "")
        return host in LOOPBACK_NAMES | self.names or (self.is_any_address and _is_address(host))


class Protected:
    """Pure ASGI: refuses a foreign Host, and puts the headers on every answer."""

    def __init__(self, app: ASGIApp, *, hosts: AllowedHosts) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return

        async def send_protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        given = Headers(scope=scope).getlist("host")
        if len(given) != 1 or not self._hosts.admits(given[0]):
            refusal = PlainTextResponse("This page does not answer to this Host.\n", status_code=421)
            await refusal(scope, receive, send_protected)
            return
        await self._app(scope, receive, send_protected)


async def is_own_form(request: Request, csrf_token: str) -> bool:
    """Say whether a form was sent by a page of this very program.

    The secret in the form is one that only who could read the page knows; Origin and Sec-Fetch-Site agree, where sent.
    """
    origin = request.headers.get("origin")
    if origin is not None and _netloc_of(origin) != request.headers.get("host"):
        return False
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    given = (await _form(request)).get(_CSRF_FIELD, [])
    return len(given) == 1 and hmac.compare_digest(given[0].encode(), csrf_token.encode())


async def _form(request: Request) -> dict[str, list[str]]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            return {}
    return parse_qs(body.decode("latin-1"))


def _host_of(header: str) -> str:
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""


def _netloc_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
