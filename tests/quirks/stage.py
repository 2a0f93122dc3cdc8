"""A server with a sandbox that has quirks, and the steps of the scenarios that tell it from the plain one.

A scenario settles one rule of the catalogue: it gives what was seen and what is right. Where it asserts, it speaks of
what must hold before the rule can be looked at: one deviation is one failure.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any, Final

import httpx2

from mock_authz.app import Server
from mock_authz.clock import Clock, ClockMode, real_now
from mock_authz.sandbox import Sandbox
from mock_authz.store.port import R
from mock_authz.store.records import ONLY
from mock_authz.usecases import control
from tests.factories import NOW, QA, STORE_12, expect
from tests.web.site import BASE_URL, DEVICE_CODE, a_site, bearer
from tests.web.visitor import page_records

MINUTE: Final = 60
ISSUER: Final = f"{BASE_URL}/s/{QA}"
Answer = httpx2.Response
Finding = tuple[object, object]
Scenario = Callable[["Stage"], Finding]

SCENARIOS: Final[dict[str, Scenario]] = {}


class Verdict(Enum):
    """What a scenario came to."""

    KEPT = auto()
    BROKEN = auto()
    NOT_TESTABLE = auto()


def settles(rule: str) -> Callable[[Scenario], Scenario]:
    """Note a scenario as the one that settles a rule."""

    def note(scenario: Scenario) -> Scenario:
        assert rule not in SCENARIOS, rule
        SCENARIOS[rule] = scenario
        return scenario

    return note


def judge(rule: str, *quirks: str) -> Verdict:
    """Play a rule's scenario on a fresh server with these quirks."""
    stage = Stage.with_quirks(*quirks)
    try:
        seen, right = SCENARIOS[rule](stage)
    except (AssertionError, KeyError, ValueError, TypeError):
        return Verdict.NOT_TESTABLE
    finally:
        stage.close()
    return Verdict.KEPT if seen == right else Verdict.BROKEN


@dataclass
class Stage:
    """One server with the sandbox `qa`, whose clock is frozen."""

    server: Server
    client: httpx2.AsyncClient
    runner: asyncio.Runner

    @classmethod
    def with_quirks(cls, *quirks: str) -> Stage:
        site = a_site(records=page_records())
        transport = httpx2.ASGITransport(app=site.server, client=site.address)
        client = httpx2.AsyncClient(transport=transport, base_url=BASE_URL)
        stage = cls(site.server, client, asyncio.Runner())
        stage.move_to(0)
        stage.set_quirks(*quirks)
        return stage

    def close(self) -> None:
        self.runner.close()

    @property
    def sandbox(self) -> Sandbox:
        return expect(Sandbox, control.find_sandbox(self.server.store, QA))

    def set_quirks(self, *quirks: str) -> None:
        self.server.store.commit(QA, expected={}, puts=[replace(self.sandbox, quirks=quirks)])

    # --- requests ---

    def send(self, method: str, path: str, **given: Any) -> Answer:
        """Send one request to a path below the root of the server."""
        return self.runner.run(self.client.request(method, path, **given))

    def together(self, *requests: tuple[str, str, dict[str, str]]) -> list[Answer]:
        """Send forms at the same time: method, path below the issuer, form."""

        async def all_of_them() -> list[Answer]:
            sending = [self.client.request(how, f"/s/{QA}{path}", data=form) for how, path, form in requests]
            return list(await asyncio.gather(*sending))

        return self.runner.run(all_of_them())

    def at_issuer(self, method: str, path: str, **given: Any) -> Answer:
        return self.send(method, f"/s/{QA}{path}", **given)

    def post(self, path: str, **form: str) -> Answer:
        """Post a form below the issuer."""
        return self.at_issuer("POST", path, data=form)

    def posted(self, path: str, body: str, **headers: str) -> Answer:
        """Post a form as it is spelled here."""
        sent = {"content-type": "application/x-www-form-urlencoded", **headers}
        return self.at_issuer("POST", path, content=body, headers=sent)

    def manage(self, method: str, path: str, **body: Any) -> Answer:
        """Ask the management API."""
        json_body = {"json": body} if body else {}
        headers = bearer(self.sandbox.management_token)
        return self.at_issuer(method, f"/management{path}", headers=headers, **json_body)

    def managed(self, method: str, path: str, **body: Any) -> Any:
        """Ask the management API, successfully."""
        response = self.manage(method, path, **body)
        assert response.is_success, response.text
        return response.json() if response.content else None

    # --- time ---

    def move_to(self, after: int) -> None:
        """Move the clock to so many seconds after the start, still frozen."""
        clock = Clock(ClockMode.FROZEN, real_now(), float(NOW + after))
        control.set_clock(self.server.store, QA, clock, real_at=real_now())

    def set_clock_set_ago(self, real_seconds: int) -> None:
        """Have the frozen clock set so many real seconds ago."""
        now = self.sandbox.clock.virtual_at
        clock = Clock(ClockMode.FROZEN, real_now() - real_seconds, now)
        self.server.store.commit(QA, expected={}, puts=[replace(self.sandbox, clock=clock)])

    # --- the device grant ---

    def authorize(self, client_id: str = "pos-server", **form: str) -> dict[str, Any]:
        return granted(self.post("/device_authorization", client_id=client_id, **form))

    def approval(
        self, codes: Mapping[str, Any], server_id: str = STORE_12, administrator: str = "dana"
    ) -> Answer:
        path = f"/authorizations/{codes['user_code']}/approve"
        return self.manage("POST", path, server_id=server_id, administrator=administrator)

    def approve(
        self, codes: Mapping[str, Any], server_id: str = STORE_12, administrator: str = "dana"
    ) -> None:
        response = self.approval(codes, server_id, administrator)
        assert response.is_success, response.text

    def denial(self, codes: Mapping[str, Any], administrator: str = "dana") -> Answer:
        path = f"/authorizations/{codes['user_code']}/deny"
        return self.manage("POST", path, administrator=administrator)

    def deny(self, codes: Mapping[str, Any]) -> None:
        assert self.denial(codes).is_success

    def poll(self, codes: Mapping[str, Any], client_id: str = "pos-server") -> Answer:
        form = {"grant_type": DEVICE_CODE, "device_code": codes["device_code"], "client_id": client_id}
        return self.post("/token", **form)

    def polled(self, codes: Mapping[str, Any], client_id: str = "pos-server") -> str:
        """Poll, and say the error, or that tokens were granted."""
        return said(self.poll(codes, client_id))

    def is_undecided(self, codes: Mapping[str, Any]) -> bool:
        """Say whether nobody has decided on a code, by the management API."""
        return bool(self.managed("GET", f"/authorizations/{codes['user_code']}")["state"] == "pending")

    def acquire(self, server_id: str = STORE_12, client_id: str = "pos-server") -> dict[str, Any]:
        codes = self.authorize(client_id)
        self.approve(codes, server_id, "sam")
        return granted(self.poll(codes, client_id))

    # --- keeping ---

    def refresh(self, token: Mapping[str, Any] | str, client_id: str = "pos-server", **form: str) -> Answer:
        presented = token if isinstance(token, str) else token["refresh_token"]
        whole = {"grant_type": "refresh_token", "refresh_token": presented, "client_id": client_id, **form}
        return self.post("/token", **whole)

    def refreshed(self, token: Mapping[str, Any] | str, client_id: str = "pos-server") -> str:
        """Refresh, and say the error, or that tokens were granted."""
        return said(self.refresh(token, client_id))

    def reason(self, token: Mapping[str, Any] | str, client_id: str = "pos-server") -> Any:
        """Refresh, which must be refused, and say the reason."""
        response = self.refresh(token, client_id)
        assert said(response) == "invalid_grant", response.text
        return response.json().get("reason")

    def renewed(self, token: Mapping[str, Any]) -> dict[str, Any]:
        """Refresh successfully."""
        return granted(self.refresh(token))

    def revoke(self, token: str, client_id: str = "pos-server", **form: str) -> Answer:
        return self.post("/revoke", token=token, client_id=client_id, **form)

    def look(self, path: str, tokens: Mapping[str, Any]) -> Answer:
        """Get a resource with a license token."""
        return self.at_issuer("GET", path, headers=bearer(tokens["access_token"]))

    def introspect(self, caller: Mapping[str, Any], token: str) -> Answer:
        return self.at_issuer(
            "POST", "/introspect", data={"token": token}, headers=bearer(caller["access_token"])
        )

    def device(self, server_id: str = STORE_12, **changes: Any) -> None:
        """Change a device through the management API."""
        self.managed("PATCH", f"/devices/{server_id}", **changes)

    def renew(self, renewal_at: int | None, server_id: str = STORE_12) -> Answer:
        """Set a device's renewal date, in seconds after the start."""
        at = None if renewal_at is None else NOW + renewal_at
        return self.manage("POST", f"/devices/{server_id}/renew", renewal_at=at)

    def claims(self, tokens: Mapping[str, Any]) -> dict[str, Any]:
        return part(tokens["access_token"], 1)

    def jwks(self) -> list[dict[str, Any]]:
        keys: list[dict[str, Any]] = granted(self.at_issuer("GET", "/jwks"))["keys"]
        return keys

    def metadata(self) -> dict[str, Any]:
        return granted(self.send("GET", f"/.well-known/oauth-authorization-server/s/{QA}"))


def granted(response: Answer) -> dict[str, Any]:
    """Give the JSON object of a successful answer."""
    assert response.is_success, response.text
    return expect(dict, response.json())


def said(response: Answer) -> str:
    """Give the error of an answer; `granted` for success; else its status."""
    if response.is_success:
        return "granted"
    try:
        return str(response.json()["error"])
    except (ValueError, KeyError):
        return str(response.status_code)


def lasts(codes: Mapping[str, Any]) -> int:
    """Give for how many seconds two codes are good."""
    return int(codes["expires_in"])


def part(token: str, index: int) -> dict[str, Any]:
    """Read header (0) or claims (1) of a license token."""
    spelled = token.split(".")[index]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(spelled + "=" * (-len(spelled) % 4)))
    return decoded


def stored_only(stage: Stage, kind: type[R]) -> R:
    """Give the one record of a kind that a sandbox has."""
    stored = stage.server.store.get(QA, kind, ONLY)
    assert stored is not None
    return stored.record
