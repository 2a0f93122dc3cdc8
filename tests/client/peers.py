"""A guarded application, its callers' license tokens, and what it saw."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from joserfc.jwk import OKPKey, RSAKey

from authz_client.driver import AsyncClient
from authz_client.license_claims import LicenseToken
from authz_client.peer import CALLER, PeerGuard
from tests.client.fakes import (
    CLIENT_ID,
    ISSUER,
    FakeServer,
    Times,
    claims,
    signed,
)

RSA = RSAKey.generate_key(2048, {"kid": "r1", "use": "sig", "alg": "RS256"})
ED25519 = OKPKey.generate_key("Ed25519", {"kid": "e1", "use": "sig", "alg": "Ed25519"})
HERE = {"server_id": "srv-1", "name": "Till hub", "url": "https://till.example"}
ELSEWHERE = {"server_id": "srv-9", "name": "Other", "url": "https://other.example"}


def spoke(**changes: Any) -> dict[str, Any]:
    """The claims of a register whose hub is this server, srv-1, of org1."""
    license_changes = {"hub": HERE, "edition": "register", "features": [], **changes.pop("license", {})}
    return claims(**{"sub": "reg-1", "client_id": "register", "license": license_changes, **changes})


def hub(**changes: Any) -> dict[str, Any]:
    """The claims of this server's own hub, which itself has none."""
    return claims(**{"sub": "srv-hub", "license": {"hub": None}, **changes})


@dataclass
class Peer:
    """A guarded application, and what it saw."""

    guard: PeerGuard
    callers: list[LicenseToken] = field(default_factory=list)

    def call(
        self, token: str | None = None, *, headers: list[tuple[str, str]] | None = None
    ) -> httpx2.Response:
        given = (
            headers if headers is not None else [("Authorization", f"Bearer {token}")] * (token is not None)
        )

        async def story() -> httpx2.Response:
            transport = httpx2.ASGITransport(self.guard)
            async with httpx2.AsyncClient(transport=transport, base_url="http://peer") as http:
                return await http.get("/sales", headers=given)

        return asyncio.run(story())

    def reason(self, token: str) -> str:
        return str(self.call(token).json()["reason"])


def app_of(callers: list[LicenseToken]) -> Callable[..., Awaitable[None]]:
    async def app(scope: MutableMapping[str, Any], _receive: Any, send: Any) -> None:
        callers.append(scope[CALLER])
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return app


def new_peer(server: FakeServer, times: Times, state_file: Path, **options: Any) -> Peer:
    client = AsyncClient(
        issuer=ISSUER,
        client_id=CLIENT_ID,
        state=state_file,
        clocks=times.clocks(),
        sleep=times.asleep,
        transport=server.transport(),
    )
    callers: list[LicenseToken] = []
    return Peer(PeerGuard(app_of(callers), client, **options), callers)


def tampered() -> str:
    header, _, signature = signed(spoke()).split(".")
    return ".".join([header, signed(spoke(sub="reg-2")).split(".")[1], signature])
