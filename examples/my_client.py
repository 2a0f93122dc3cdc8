"""A POS server's license client as somebody might write it. No part of mock-authz: it knows HTTP and OAuth only."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx2

CLIENT_ID = "pos-server"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class LicenseClient:
    def __init__(self, issuer: str, *, now: Callable[[], float] = time.time) -> None:
        self.issuer = issuer
        self.now = now
        self.refresh_token: str | None = None
        self.good_until = 0.0
        self.lost_because: str | None = None

    @property
    def may_connect(self) -> bool:
        return self.now() < self.good_until

    def acquire(self) -> None:
        begun = self.ask("/device_authorization")
        print(f"Enter {begun['user_code']} at {begun['verification_uri']}")
        answer = {"error": "authorization_pending"}
        while answer.get("error") in ("authorization_pending", "slow_down"):
            time.sleep(begun["interval"])
            answer = self.ask("/token", grant_type=DEVICE_GRANT, device_code=begun["device_code"])
        self.keep(answer)

    def refresh(self) -> None:
        try:
            answer = self.ask("/token", grant_type="refresh_token", refresh_token=self.refresh_token)
        except httpx2.TransportError:
            return  # no line today: the license token is good for a while
        if answer.get("error") == "invalid_grant":
            self.refresh_token, self.good_until, self.lost_because = None, 0.0, answer["reason"]
        else:
            self.keep(answer)

    def keep(self, answer: dict[str, Any]) -> None:
        self.refresh_token = answer["refresh_token"]
        self.good_until = self.now() + answer["expires_in"]

    def ask(self, path: str, **form: str | None) -> dict[str, Any]:
        answer = httpx2.post(self.issuer + path, data={"client_id": CLIENT_ID, **form})
        members: dict[str, Any] = answer.json()
        return members
