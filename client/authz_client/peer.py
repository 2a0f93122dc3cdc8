"""An ASGI guard for the calls that registers and other servers make to a POS server: by license token, offline.

    client = AsyncClient(issuer=..., client_id="pos-server", state=Path("license.json"))
    app = PeerGuard(app, client)

Inside, `scope["authz.caller"]` is the verified caller, a `LicenseToken`. Keys and the server's own last license token
come from the client's state file, time is the client's effective time, and nothing is asked of the Authorization server
but its keys, when a license token names one that is not known here.

Owns who is admitted and how a refusal is spelled. It never logs or repeats a license token.

Spec: RFC 6750 2.1, 3; RFC 9068 4
"""

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from math import inf
from typing import Any, Final

from authz_client import license_token, wire
from authz_client.driver import AsyncClient
from authz_client.license_claims import LicenseToken
from authz_client.license_token import MAX_LEEWAY_SECONDS, Fault, Jwk
from authz_client.reasons import in_words
from authz_client.state import Endpoints
from authz_client.state_store import StoreError
from authz_client.wire import Failed

#: What is tolerated of `nbf` and `exp` unless told otherwise: the most that the protocol permits, as shops' clocks
#: differ, and a caller presents its fresh license token at once.
DEFAULT_LEEWAY_SECONDS: Final = 60
REFETCH_SPACING_SECONDS: Final = 60.0
CALLER: Final = "authz.caller"
#: RFC 6750 2.1: b64token.
_BEARER: Final = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9\-._~+/]+=*) *")
_POLICY_VIOLATION: Final = 1008
_log: Final = logging.getLogger("authz_client.peer")

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
#: Gives the issuer's published keys, or None if they cannot be had now.
KeyFetcher = Callable[[], Awaitable[tuple[Jwk, ...] | None]]


@dataclass(frozen=True)
class Refusal:
    """Why a call is not admitted.

    Attributes:
        status: The HTTP status.
        error: The code of RFC 6750 3.1; none where no license token was sent.
        reason: For programs: a `license_token.Fault`, or this module's word.
        description: For people.
    """

    status: int
    error: str | None
    reason: str
    description: str

    def challenge(self, realm: str) -> str:
        """Spell WWW-Authenticate; where nothing was sent it carries no error code (RFC 6750 3.1)."""
        challenge = f'Bearer realm="{realm}"'
        if self.error is None:
            return challenge
        return f'{challenge}, error="{self.error}", error_description="{self.description}"'

    def to_json(self) -> dict[str, str]:
        """Give the refusal as JSON values."""
        members = {"error": self.error, "error_description": self.description, "reason": self.reason}
        return {name: value for name, value in members.items() if value is not None}


NOTHING_SENT: Final = Refusal(401, None, "license_token_missing", "A license token is needed.")
INVALID_REQUEST: Final = Refusal(
    400, "invalid_request", "malformed_request", "Send one Authorization header with one license token."
)
NOT_LICENSED: Final = Refusal(
    401, "invalid_token", "not_licensed", "This server has no license, so no license token is meant for it."
)
NOT_CONNECTED: Final = Refusal(
    403, "insufficient_scope", "not_connected", "The caller is neither this server's hub nor connected to it."
)
UNAVAILABLE: Final = Refusal(503, None, "state_file", "This server cannot read its own license at present.")


def read_authorization(headers: list[tuple[bytes, bytes]]) -> str | Refusal:
    """Find the license token in a request's headers.

    RFC 6750 2.1: in the Authorization header, and nowhere else: a query ends up in logs (5.3).
    """
    given = [value for name, value in headers if name.lower() == b"authorization"]
    if len(given) > 1:
        return INVALID_REQUEST
    if not given or given[0].split(b" ", 1)[0].lower() != b"bearer":
        return NOTHING_SENT
    found = _BEARER.fullmatch(given[0])
    return INVALID_REQUEST if found is None else found[1].decode("ascii")


def is_connected(caller: LicenseToken, own: LicenseToken) -> bool:
    """Say whether two servers stand in hub and spoke: the caller's hub is this server, or the caller is this server's hub.

    Each says so by its own license token; this server's may have expired.
    """
    is_spoke = caller.hub is not None and caller.hub.server_id == own.server_id
    is_hub = own.hub is not None and own.hub.server_id == caller.server_id
    return is_spoke or is_hub


class PeerGuard:
    """Admits to an ASGI application only who may call this server. See the module's docstring."""

    def __init__(
        self,
        app: App,
        client: AsyncClient,
        *,
        leeway_seconds: int = DEFAULT_LEEWAY_SECONDS,
        fetch_keys: KeyFetcher | None = None,
        realm: str = "pos-server",
    ) -> None:
        """Guard an application.

        Args:
            app: What is called when a caller is admitted.
            client: Whose state file, clocks and issuer are used.
            leeway_seconds: Tolerance for `nbf` and `exp`, 0 to 60.
            fetch_keys: How the published keys are fetched; by default by the client, from the issuer.
            realm: What WWW-Authenticate names.

        Raises:
            ValueError: `leeway_seconds` is outside 0..60, or `realm` cannot be quoted.
        """
        if not 0 <= leeway_seconds <= MAX_LEEWAY_SECONDS:
            raise ValueError(f"leeway_seconds must be within 0..{MAX_LEEWAY_SECONDS}")
        if not (realm.isascii() and realm.isprintable()) or '"' in realm or "\\" in realm:
            raise ValueError("realm must be plain text without quotes and backslashes")
        self.leeway_seconds = leeway_seconds
        self._app = app
        self._client = client
        self._realm = realm
        self._fetch = fetch_keys or fetcher(client)
        self._fetching = asyncio.Lock()
        self._refetch_at = -inf
        self._unsaved: tuple[tuple[Jwk, ...], tuple[Jwk, ...]] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Admit or refuse one connection; lifespan passes.

        Raises:
            ValueError: The connection is of a kind that nothing is known of.
        """
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] not in {"http", "websocket"}:
            raise ValueError(f"connections of type {scope['type']!r} are not guarded")
        caller = await self._judged(scope["headers"])
        if isinstance(caller, Refusal):
            await _refuse(caller, scope, realm=self._realm, receive=receive, send=send)
            return
        await self._app({**scope, CALLER: caller}, receive, send)

    async def _judged(self, headers: list[tuple[bytes, bytes]]) -> LicenseToken | Refusal:
        presented = read_authorization(headers)
        if isinstance(presented, Refusal):
            return presented
        try:
            return await self.judge(presented)
        except StoreError as error:
            _log.warning("A call is not admitted: %s", error)
            return UNAVAILABLE

    async def judge(self, presented: str) -> LicenseToken | Refusal:
        """Decide on a license token that a caller presents.

        Raises:
            StoreError: The state file cannot be read.
        """
        verdict = self._verify(presented)
        if isinstance(verdict, license_token.Refused) and self._is_worth_refetching(verdict):
            await self._refetch(verdict)
            verdict = self._verify(presented)
        if isinstance(verdict, license_token.Refused):
            return _refusal_of(verdict.fault)
        return verdict

    def _verify(self, presented: str) -> LicenseToken | Refusal | license_token.Refused:
        stored, now = self._client.snapshot()
        own = stored.license.current.claims if stored.license and stored.license.current else None
        if own is None:
            return NOT_LICENSED
        caller = license_token.verify(
            presented,
            keys=self._keys(stored.keys),
            issuer=stored.issuer,
            audience=own.organization.audience,
            now=now,
            leeway_seconds=self.leeway_seconds,
        )
        if isinstance(caller, LicenseToken) and not is_connected(caller, own):
            return NOT_CONNECTED
        return caller

    def _keys(self, stored: tuple[Jwk, ...]) -> tuple[Jwk, ...]:
        """Give the newest keys: the stored ones, but for fetched ones that the disk had no room for."""
        if self._unsaved is not None and self._unsaved[0] == stored:
            return self._unsaved[1]
        return stored

    def _is_worth_refetching(self, refused: license_token.Refused) -> bool:
        known = {jwk.get("kid") for jwk in self._keys(self._client.published_keys())}
        return refused.fault is Fault.UNKNOWN_KEY and refused.kid is not None and refused.kid not in known

    async def _refetch(self, refused: license_token.Refused) -> None:
        """Fetch the keys, once a minute at most; who asks meanwhile waits for the same answer."""
        async with self._fetching:
            if not self._is_worth_refetching(refused):
                return
            now = self._client.clocks.monotonic()
            if now < self._refetch_at:
                return
            self._refetch_at = now + REFETCH_SPACING_SECONDS
            fetched = await self._fetch()
            if fetched is not None:
                self._learn(fetched)

    def _learn(self, fetched: tuple[Jwk, ...]) -> None:
        """Keep fetched keys. A key absent from them is dropped."""
        before = self._client.published_keys()
        try:
            self._client.learn_keys(fetched)
            self._unsaved = None
        except StoreError as error:
            _log.warning("The fetched keys are kept in memory only: %s", error)
            self._unsaved = (before, fetched)


def fetcher(client: AsyncClient) -> KeyFetcher:
    """Fetch the published keys as the client would, looking up the issuer's metadata where they are not known."""

    async def fetch() -> tuple[Jwk, ...] | None:
        now, issuer = client.clocks.clock(), client.state().issuer
        endpoints: Endpoints | Failed | None = client.state().endpoints
        if endpoints is None:
            reply = await client.exchange(wire.metadata_request(issuer))
            endpoints = wire.read_metadata(reply, issuer=issuer, now=now)
        if isinstance(endpoints, Failed) or not client.is_permitted(endpoints.jwks_uri):
            return None
        keys = wire.read_keys(await client.exchange(wire.Request(endpoints.jwks_uri)), now=now)
        return None if isinstance(keys, Failed) else keys

    return fetch


def _refusal_of(fault: Fault) -> Refusal:
    return Refusal(
        401, "invalid_token", fault.value, f"The license token is refused: {in_words(fault.value)}."
    )


async def _refuse(refusal: Refusal, scope: Scope, *, realm: str, receive: Receive, send: Send) -> None:
    kind = "http"
    if scope["type"] == "websocket":
        await receive()
        if "websocket.http.response" not in scope.get("extensions", {}):
            # Before it is accepted: the server answers the handshake with 403.
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": refusal.reason})
            return
        kind = "websocket.http"
    body = (json.dumps(refusal.to_json()) + "\n").encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    if refusal is not UNAVAILABLE:
        headers.append((b"www-authenticate", refusal.challenge(realm).encode("ascii")))
    await send({"type": f"{kind}.response.start", "status": refusal.status, "headers": headers})
    sent = b"" if scope.get("method") == "HEAD" else body
    await send({"type": f"{kind}.response.body", "body": sent})
