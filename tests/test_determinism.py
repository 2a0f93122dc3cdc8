"""The same seeded story twice, in two processes: the same journal, the same codes, the same tokens, to the byte."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import httpx2
import pytest

from tests.programs import Served, environment, serve

ISSUER: Final = "http://127.0.0.1:8628/s/story"
STORE: Final = "store-12"
DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"
SANDBOX: Final = {
    "name": "story",
    "issuer": ISSUER,
    "seed": "demo",
    "clock": {"mode": "frozen", "now": "2027-01-15T08:00:00Z"},
    "settings": {"alg": "Ed25519"},
    "random_seed": "story 12",
}


class Story:
    """A client, a test bench and what came of them."""

    def __init__(self, served: Served, sandbox: dict[str, Any]) -> None:
        self.base_url = served.base_url
        self.http = httpx2.Client(base_url=f"{served.base_url}/s/story", timeout=30)
        members = self._bench("POST", "/_control/sandboxes", sandbox)
        self.management = {"authorization": f"Bearer {members['management_token']}"}
        self.told: list[Any] = [members["management_token"]]

    def _bench(self, method: str, path: str, body: Any = None) -> Any:
        response = httpx2.request(method, self.base_url + path, json=body, timeout=30)
        assert response.is_success, response.text
        return response.json()

    def bench(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the test bench, and remember the answer."""
        answer = self._bench(method, f"/_control/sandboxes/story{path}", body)
        # What is on the real clock says so.
        real = {name for name in answer if str(name).endswith("_real")} if isinstance(answer, dict) else set()
        self.told.append({name: answer[name] for name in answer if name not in real} if real else answer)
        return answer

    def say(self, path: str, **form: str) -> dict[str, Any]:
        """Send a request of the protocol, and remember the answer, or that there was none."""
        try:
            response = self.http.post(path, data={"client_id": "pos-server", **form})
        except httpx2.TransportError:
            self.told.append("nothing was heard")
            return {}
        self.told.append([response.status_code, dict(response.headers), response.text])
        answer: dict[str, Any] = response.json()
        return answer

    def manage(self, path: str, **body: Any) -> None:
        response = self.http.post(f"/management{path}", json=body or None, headers=self.management)
        assert response.is_success, response.text
        self.told.append(response.json())


def tell(served: Served, sandbox: dict[str, Any]) -> list[Any]:
    """Let a license be acquired, kept over a bad line, and lost; give everything that was heard."""
    story = Story(served, sandbox)
    story.bench("POST", "/humans", {"act": "approve", "server_id": STORE, "after_polls": 2})
    story.bench("POST", "/faults", {"kind": "status", "probability": 0.4, "most_in_a_row": 3})
    story.bench("POST", "/faults", {"kind": "lost_reply", "probability": 0.2, "steps": ["token:refresh"]})
    story.bench("POST", "/faults", {"kind": "offline", "from_at": "2027-01-20", "until_at": "2027-01-21"})
    codes: dict[str, Any] = {}
    while "device_code" not in codes:
        codes = story.say("/device_authorization")
    tokens: dict[str, Any] = {}
    while "refresh_token" not in tokens:
        story.bench("POST", "/clock/advance", {"by": "PT10S"})
        tokens = story.say("/token", grant_type=DEVICE_CODE, device_code=codes["device_code"])
    for day in range(8):
        story.bench("POST", "/clock/advance", {"by": "P1D"})
        answer = story.say("/token", grant_type="refresh_token", refresh_token=tokens["refresh_token"])
        tokens = answer if "refresh_token" in answer else tokens
        if day == 3:
            story.manage("/keys/rotate")
            story.bench("POST", "/snapshots", {"name": "before"})
    story.bench("POST", "/snapshots/before/restore")
    story.manage(f"/devices/{STORE}/disable")
    story.bench("PUT", "/quirks", {"quirks": ["slow_down_does_not_grow"]})
    story.bench("POST", "/clock/advance", {"by": "P1Y"})
    for path in ("/journal", "/journal/har", "/faults", "/humans"):
        story.bench("GET", path)
    story.bench("DELETE", "")
    story.http.close()
    return story.told


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Served, Served]]:
    """Two processes, which hash their texts in different ways."""
    with (
        serve(env=environment(PYTHONHASHSEED="1")) as one,
        serve(env=environment(PYTHONHASHSEED="2")) as other,
    ):
        yield one, other


def test_the_same_seeded_story_in_two_processes_is_the_same_to_the_byte(
    servers: tuple[Served, Served],
) -> None:
    one, other = (tell(served, SANDBOX) for served in servers)
    for step, (heard, again) in enumerate(zip(one, other, strict=True)):
        assert heard == again, f"step {step}"
    assert any("refresh_token" in str(heard) for heard in one)
    assert "nothing was heard" in one


def test_another_seed_tells_another_story(servers: tuple[Served, Served]) -> None:
    one, other = (
        tell(served, {**SANDBOX, "random_seed": seed})
        for served, seed in zip(servers, ("a", "b"), strict=True)
    )
    assert one != other
