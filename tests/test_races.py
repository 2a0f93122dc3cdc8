"""Many requests at once over real HTTP: one code makes one license, one refresh token has one successor."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import httpx2
import pytest

from mock_authz.domain.events import Event, EventType
from mock_authz.domain.license import License
from mock_authz.settings import Settings
from tests.factories import STORE_12, default_records
from tests.serving import RunningSandbox, serving_sandbox

POLLS: Final = 200
REFRESHES: Final = 50
DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with serving_sandbox(default_records(), settings=Settings(alg="Ed25519")) as running:
        yield running


def racing(issuer: str, count: int, **form: str) -> list[httpx2.Response]:
    """Send the same token request many times at once, over as many connections."""

    async def all_at_once() -> list[httpx2.Response]:
        limits = httpx2.Limits(max_connections=count, max_keepalive_connections=count)
        async with httpx2.AsyncClient(base_url=issuer, limits=limits, timeout=60) as client:
            await asyncio.gather(
                *(client.get("/.well-known/oauth-authorization-server") for _ in range(count))
            )
            whole = {"client_id": "pos-server", **form}
            return await asyncio.gather(*(client.post("/token", data=whole) for _ in range(count)))

    return asyncio.run(all_at_once())


def authorized(sandbox: RunningSandbox) -> str:
    """Give the device_code of an approved authorization."""
    codes = httpx2.post(f"{sandbox.issuer}/device_authorization", data={"client_id": "pos-server"}).json()
    approved = httpx2.post(
        f"{sandbox.issuer}/management/authorizations/{codes['user_code']}/approve",
        headers={"authorization": f"Bearer {sandbox.sandbox.management_token}"},
        json={"server_id": STORE_12, "administrator": "dana"},
    )
    assert approved.status_code == 200, approved.text
    return str(codes["device_code"])


def granted(response: httpx2.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.json()
    return document


def events(sandbox: RunningSandbox, event_type: EventType) -> list[Event]:
    journal = sandbox.server.store.journal(sandbox.name)
    return [entry.of for entry in journal if isinstance(entry.of, Event) and entry.of.type is event_type]


def test_of_200_polls_for_one_approved_code_one_succeeds_and_199_are_invalid_grant(
    sandbox: RunningSandbox,
) -> None:
    answers = racing(sandbox.issuer, POLLS, grant_type=DEVICE_CODE, device_code=authorized(sandbox))
    errors = Counter(answer.json().get("error") for answer in answers)
    assert errors == {None: 1, "invalid_grant": POLLS - 1}
    assert Counter(answer.status_code for answer in answers) == {200: 1, 400: POLLS - 1}
    assert len(sandbox.server.store.find(sandbox.name, License, "live", STORE_12)) == 1
    assert len(events(sandbox, EventType.LICENSE_ISSUED)) == 1
    assert events(sandbox, EventType.LICENSE_ENDED) == []


def test_50_refreshes_at_once_get_one_successor_and_a_license_token_each(sandbox: RunningSandbox) -> None:
    poll = {"client_id": "pos-server", "grant_type": DEVICE_CODE, "device_code": authorized(sandbox)}
    first = granted(httpx2.post(f"{sandbox.issuer}/token", data=poll))["refresh_token"]
    answers = racing(sandbox.issuer, REFRESHES, grant_type="refresh_token", refresh_token=first)
    documents = [granted(answer) for answer in answers]
    [successor] = {document["refresh_token"] for document in documents}
    assert successor != first
    assert len({document["access_token"] for document in documents}) == REFRESHES
    retried = Counter(event.subject["retried"] for event in events(sandbox, EventType.LICENSE_REFRESHED))
    assert retried == {False: 1, True: REFRESHES - 1}
    # The one successor is good, and has one itself.
    form = {"client_id": "pos-server", "grant_type": "refresh_token", "refresh_token": successor}
    assert granted(httpx2.post(f"{sandbox.issuer}/token", data=form))["refresh_token"] != successor
