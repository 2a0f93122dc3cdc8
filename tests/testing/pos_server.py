"""A client of the protocol, a function for each request: what is said over HTTP, and nothing else."""

from __future__ import annotations

from typing import Any, Final

import httpx2

from mock_authz.testing import Sandbox

DEVICE_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
# Where the clock of each test's sandbox stands.
MARCH_2: Final = "2027-03-02"
MARCH_2_AT: Final = 1_803_945_600
DAY: Final = 86_400


def post(sandbox: Sandbox, path: str, **form: str) -> httpx2.Response:
    return httpx2.post(sandbox.issuer + path, data={"client_id": "pos-server", **form})


def begin(sandbox: Sandbox) -> dict[str, Any]:
    begun: dict[str, Any] = post(sandbox, "/device_authorization").json()
    return begun


def poll(sandbox: Sandbox, begun: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = post(
        sandbox, "/token", grant_type=DEVICE_GRANT, device_code=begun["device_code"]
    ).json()
    return answer


def acquire(sandbox: Sandbox, server_id: str = "store-12") -> str:
    sandbox.human.approve(server_id)
    return str(poll(sandbox, begin(sandbox))["refresh_token"])


def refresh(sandbox: Sandbox, refresh_token: str) -> httpx2.Response:
    return post(sandbox, "/token", grant_type="refresh_token", refresh_token=refresh_token)


def keys(sandbox: Sandbox) -> httpx2.Response:
    return httpx2.get(f"{sandbox.issuer}/jwks")
