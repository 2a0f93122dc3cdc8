"""A whole server in this process, reached over ASGI, with one sandbox and a frozen clock. Every answer is held against
the contract.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import httpx2

from mock_authz.app import Server
from mock_authz.clock import Clock, ClockMode
from mock_authz.sandbox import DEFAULT, Sandbox
from mock_authz.settings import Settings
from mock_authz.store.port import Exchange
from mock_authz.usecases import control
from tests.factories import NOW, QA, STORE_12, default_records, expect
from tests.web import contract

BASE_URL: Final = "http://127.0.0.1:8628"
DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"
FORM: Final = "application/x-www-form-urlencoded"
HERE: Final = ("127.0.0.1", 40000)


@dataclass
class Site:
    """One server with the sandbox `qa`.

    Attributes:
        address: where requests come from.
        checks: whether each answer is held against openapi.yaml.
    """

    server: Server = field(default_factory=lambda: Server(BASE_URL))
    address: tuple[str, int] = HERE
    checks: bool = True

    @property
    def sandbox(self) -> Sandbox:
        return expect(Sandbox, control.find_sandbox(self.server.store, QA))

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | list[tuple[str, str]] | None = None,
        **given: Any,
    ) -> httpx2.Response:
        """Send one request to a path below the root of the server."""

        async def sending() -> httpx2.Response:
            transport = httpx2.ASGITransport(app=self.server, client=self.address)
            async with httpx2.AsyncClient(transport=transport, base_url=BASE_URL) as client:
                return await client.request(method, path, headers=headers, **given)

        response = asyncio.run(sending())
        if self.checks:
            below = re.sub(r"^/s/[^/?]+", "", path.partition("?")[0])
            found = contract.complaints(method, below, response)
            assert found == [], found
        return response

    def at_issuer(self, method: str, path: str, **given: Any) -> httpx2.Response:
        """Send one request to a path below the issuer of `qa`."""
        return self.send(method, f"/s/{QA}{path}", **given)

    def manage(self, method: str, path: str, *, token: str | None = None, **given: Any) -> httpx2.Response:
        """Send one request to the management API of `qa`, with its token."""
        headers = {
            "authorization": f"Bearer {token or self.sandbox.management_token}",
            **given.pop("headers", {}),
        }
        return self.at_issuer(method, f"/management{path}", headers=headers, **given)

    def move_to(self, now: int) -> None:
        """Move the clock, still frozen."""
        clock = Clock(ClockMode.FROZEN, float(now), float(now))
        control.set_clock(self.server.store, QA, clock, real_at=float(now))

    def authorize(self, **form: str) -> dict[str, Any]:
        """Ask for a device_code and a user_code."""
        response = self.at_issuer("POST", "/device_authorization", data={"client_id": "pos-server", **form})
        return members(response, 200)

    def approve(
        self, user_code: str, *, server_id: str = STORE_12, administrator: str = "dana"
    ) -> httpx2.Response:
        body = {"server_id": server_id, "administrator": administrator}
        return self.manage("POST", f"/authorizations/{user_code}/approve", json=body)

    def poll(self, device_code: str, *, client_id: str = "pos-server") -> httpx2.Response:
        form = {"grant_type": DEVICE_CODE, "device_code": device_code, "client_id": client_id}
        return self.at_issuer("POST", "/token", data=form)

    def refresh(self, refresh_token: str, *, client_id: str = "pos-server", **form: str) -> httpx2.Response:
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": client_id, **form}
        return self.at_issuer("POST", "/token", data=form)

    def acquire(self, *, server_id: str = STORE_12, administrator: str = "dana") -> dict[str, Any]:
        """Walk through the steps of part a, and give the token response."""
        codes = self.authorize()
        members(self.approve(codes["user_code"], server_id=server_id, administrator=administrator), 200)
        return members(self.poll(codes["device_code"]), 200)

    def exchanges(self) -> list[Exchange]:
        """Read the exchanges of the journal."""
        return [one.of for one in self.server.store.journal(QA) if isinstance(one.of, Exchange)]


def a_site(
    *, now: int = NOW, records: list[object] | None = None, server: Server | None = None, **settings: Any
) -> Site:
    """Start a server with the default sandbox and `qa`. Ed25519 signs fastest, and the same bytes every time."""
    site = Site(server or Server(BASE_URL))
    for name in (DEFAULT, QA):
        made = control.create_sandbox(
            site.server.store,
            name=name,
            issuer=site.server.issuer_of(name),
            real_at=float(now),
            clock=Clock(ClockMode.FROZEN, float(now), float(now)),
            settings=replace(Settings(alg="Ed25519"), **settings),
            random_seed=name,
            records=default_records() if records is None else records,
        )
        expect(Sandbox, made)
    return site


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def members(response: httpx2.Response, status: int) -> dict[str, Any]:
    """Give the JSON object of an answer with this status."""
    assert response.status_code == status, response.text
    return expect(dict, response.json())


def items(response: httpx2.Response) -> list[dict[str, Any]]:
    """Give the JSON array of a successful answer."""
    assert response.status_code == 200, response.text
    return expect(list, response.json())


def problem(response: httpx2.Response, status: int, name: str) -> dict[str, Any]:
    """Give the problem details of an answer with this status and type."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    found = members(response, status)
    assert found["type"] == f"urn:mock-authz:problem:{name}", found
    return found


def pointers(response: httpx2.Response) -> list[str]:
    """Give what a 422 points at."""
    return [error["pointer"] for error in problem(response, 422, "unprocessable")["errors"]]
