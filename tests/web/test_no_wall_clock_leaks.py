"""The process's wall clock, decades away, shows nowhere: a whole flow in a sandbox of 2030 in a process of another time."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from email.utils import formatdate
from typing import Any, Final

import freezegun
import httpx2
import pytest

from tests.factories import DAY, QA, STORE_12, default_records
from tests.web.site import DEVICE_CODE, Site, a_site, bearer, items, members

START: Final = 1_893_456_000  # 2030-01-01
END: Final = START + 400 * DAY
# What is no instant is smaller: durations, and the renewal window is the longest that is shown.
LEAST_INSTANT: Final = 100_000_000
# By its name on the real clock.
REAL: Final = "created_at_real"
CLOCK: Final = f"/_control/sandboxes/{QA}/clock"


class WatchedSite(Site):
    """Looks at every time in every answer."""

    def __init__(self, site: Site) -> None:
        super().__init__(site.server)
        self.now = START
        self.seen = 0

    def send(self, method: str, path: str, **given: Any) -> httpx2.Response:
        response = super().send(method, path, **given)
        if not path.startswith("/_control"):
            # The control API is the server's, not a sandbox's: its Date is the process's.
            assert response.headers["date"] == formatdate(self.now, usegmt=True), path
        for instant in instants_of(response):
            self.seen += 1
            assert START - 31 * DAY <= instant <= END, f"{path}: {instant}"
        years = re.findall(r"\b(?:19[79]|20[2-7])[0-9](?=-[0-9]{2}-[0-9]{2})", response.text)
        assert set(years) <= {"2030", "2031"}, f"{path}: {years}"
        return response

    def advance(self, seconds: int) -> dict[str, Any]:
        self.now += seconds
        return members(self.send("POST", f"{CLOCK}/advance", json={"by": f"PT{seconds}S"}), 200)


def instants_of(response: httpx2.Response) -> Iterator[int]:
    if response.headers.get("content-type", "").endswith("json"):
        yield from _instants(response.json())


def _instants(value: Any) -> Iterator[int]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name != REAL:
                yield from _instants(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _instants(inner)
    elif isinstance(value, str) and value.count(".") == 2 and value.startswith("eyJ"):
        spelled = value.split(".")[1]
        yield from _instants(json.loads(base64.urlsafe_b64decode(spelled + "=" * (-len(spelled) % 4))))
    elif isinstance(value, int) and not isinstance(value, bool) and value > LEAST_INSTANT:
        yield value


@pytest.fixture(params=["1999-12-31T23:59:58Z", "2070-01-01T00:00:00Z"])
def process_at(request: pytest.FixtureRequest) -> Iterator[None]:
    with freezegun.freeze_time(request.param, real_asyncio=True):
        yield


@pytest.fixture(params=["frozen", "offset"])
def watched(request: pytest.FixtureRequest, process_at: None) -> WatchedSite:
    site = WatchedSite(a_site(now=START, records=default_records()))
    clock = members(site.send("PUT", CLOCK, json={"mode": request.param, "now": START}), 200)
    assert clock == {"mode": request.param, "now": START, "now_utc": "2030-01-01T00:00:00Z", "events": []}
    return site


def claims_of(token: str) -> dict[str, Any]:
    spelled = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(spelled + "=" * (-len(spelled) % 4)))
    return claims


def test_polling_expiry_and_waiting_run_on_the_sandboxs_clock(watched: WatchedSite) -> None:
    codes = watched.authorize()
    assert codes["expires_in"] == 900

    def poll() -> str:
        return str(members(watched.poll(codes["device_code"]), 400)["error"])

    assert [poll(), poll()] == ["authorization_pending", "slow_down"]
    watched.advance(10)
    assert poll() == "authorization_pending"
    for _ in range(5):
        assert watched.approve("BBBB-BBBB").status_code == 404
    watched.advance(60)
    assert watched.approve(codes["user_code"]).headers["retry-after"] == "840"
    watched.advance(830)
    assert poll() == "expired_token"
    assert members(watched.manage("GET", f"/authorizations/{codes['user_code']}"), 200)["expired"] is True


def test_a_license_lives_from_acquisition_to_lapse_on_the_sandboxs_clock(watched: WatchedSite) -> None:
    path = f"/devices/{STORE_12}"
    members(watched.manage("POST", f"{path}/renew", json={"renewal_at": START + 100 * DAY}), 200)
    tokens = watched.acquire()
    claims = claims_of(tokens["access_token"])
    assert (claims["iat"], claims["nbf"], claims["exp"]) == (START, START, START + 7 * DAY)
    assert tokens["expires_in"] == 7 * DAY
    headers = bearer(tokens["access_token"])
    shown = members(watched.at_issuer("GET", "/license", headers=headers), 200)
    assert (shown["license_status"], shown["token_state"]) == ("licensed", "valid")
    form = {"token": tokens["refresh_token"]}
    introspected = members(watched.at_issuer("POST", "/introspect", headers=headers, data=form), 200)
    assert introspected["exp"] == START + 90 * DAY
    watched.advance(7 * DAY)
    assert watched.at_issuer("GET", "/license", headers=headers).status_code == 401
    tokens = members(watched.refresh(tokens["refresh_token"]), 200)
    assert claims_of(tokens["access_token"])["iat"] == START + 7 * DAY
    events = watched.advance(93 * DAY)["events"]
    assert [event["type"] for event in events][-1] == "license_lapsed"
    assert members(watched.refresh(tokens["refresh_token"]), 400)["reason"] == "license_expired"
    license_ = members(watched.manage("GET", path), 200)["license"]
    assert (license_["issued_at"], license_["token_state"]) == (START, "expired")
    assert watched.seen > 20


def test_keys_endings_and_the_journal_have_the_sandboxs_time(watched: WatchedSite) -> None:
    tokens = watched.acquire()
    key = members(watched.manage("POST", "/keys/rotate", json={}), 201)
    assert (key["published_at"], key["signs_from_at"]) == (START, START + 7 * DAY)
    watched.advance(7 * DAY)
    assert [one["state"] for one in items(watched.manage("GET", "/keys"))] == ["retired", "signing"]
    form = {"client_id": "pos-server", "token": tokens["refresh_token"]}
    assert watched.at_issuer("POST", "/revoke", data=form).status_code == 200
    license_ = members(watched.manage("GET", f"/devices/{STORE_12}"), 200)["license"]
    assert license_["ended_at"] == START + 7 * DAY
    assert watched.manage("GET", "/seed").status_code == 200
    entries = watched.server.store.journal(QA)
    assert entries
    assert {entry.of.at - START for entry in entries} == {0, 7 * DAY}


def test_what_is_refused_has_the_sandboxs_date_too(watched: WatchedSite) -> None:
    watched.advance(5)
    watched.checks = False
    for method, path in (
        ("GET", "/token"),
        ("GET", "/license"),
        ("GET", "/management/devices"),
        ("GET", "/nothing"),
    ):
        assert watched.at_issuer(method, path).status_code in {401, 404, 405, 303}
    form = {"grant_type": DEVICE_CODE, "device_code": "x", "client_id": "nobody"}
    assert watched.at_issuer("POST", "/token", data=form).status_code == 400
