"""A small Authorization server in memory, and clocks that only a test moves; nothing of `mock_authz` is in them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import httpx2
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from authz_client.flows import Clocks

ISSUER = "http://127.0.0.1:8628/s/shop"
BASE = "http://127.0.0.1:8628"
CLIENT_ID = "pos-server"
START = 1_800_000_000
DAY = 86400
WEEK = 7 * DAY
KEY = ECKey.generate_key("P-256", {"kid": "k1", "use": "sig", "alg": "ES256"})
OTHER_KEY = ECKey.generate_key("P-256", {"kid": "k2", "use": "sig", "alg": "ES256"})

SigningKey = ECKey | RSAKey | OKPKey


@dataclass
class Times:
    """The client's two clocks and the server's one; `sleep` moves all three, as waiting does."""

    wall: float = START
    monotonic: float = 1000.0
    server: float = START
    jitter: float = 0.0
    slept: list[float] = field(default_factory=list)

    def clocks(self) -> Clocks:
        return Clocks(clock=lambda: self.wall, monotonic=lambda: self.monotonic, jitter=lambda: self.jitter)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.pass_(seconds)

    async def asleep(self, seconds: float) -> None:
        self.sleep(seconds)

    def pass_(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds
        self.server += seconds


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good license token, issued at START for a week."""
    license_changes = changes.pop("license", {})
    detail = {
        "organization": {"id": "org1", "name": "Shop & Co"},
        "server_name": "Till hub",
        "edition": "store",
        "features": ["xms"],
        "hub": {"server_id": "srv-hub", "name": "Hub", "url": "https://hub.example"},
    }
    whole = {
        "iss": ISSUER,
        "sub": "srv-1",
        "aud": "urn:kensium:organization:org1",
        "client_id": CLIENT_ID,
        "iat": START,
        "nbf": START,
        "exp": START + WEEK,
        "jti": "jti-1",
        "scope": "license",
        "license": {**detail, **license_changes},
    }
    return {name: value for name, value in {**whole, **changes}.items() if value is not ...}


def signed(payload: dict[str, Any], *, key: SigningKey = KEY, header: dict[str, Any] | None = None) -> str:
    """Sign claims as the server would."""
    head = {"alg": "ES256", "typ": "at+jwt", "kid": key.kid, **(header or {})}
    return jwt.encode(head, payload, key, algorithms=["ES256", "RS256", "Ed25519"])


def public(*keys: SigningKey) -> list[dict[str, Any]]:
    return [dict(key.as_dict(private=False)) for key in keys]


Handler = Callable[[httpx2.Request], httpx2.Response]


class FakeServer:
    """Answers as the protocol says; `script` holds what the next requests to a path are answered instead."""

    def __init__(self, times: Times) -> None:
        self.times = times
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.script: dict[str, list[httpx2.Response | Exception]] = {}
        self.is_approved = False
        self.generation = 0
        self.keys: list[SigningKey] = [KEY]
        self.signing_key: SigningKey = KEY
        self.renewal: dict[str, int] = {}
        self.lifetime = WEEK
        self.token_changes: dict[str, Any] = {}
        self.revoked: list[str] = []
        self.on_request: Callable[[str], None] = lambda _path: None

    def transport(self) -> httpx2.MockTransport:
        return httpx2.MockTransport(self.answer)

    def paths(self) -> list[str]:
        return [path for path, _ in self.requests]

    def count(self, path: str) -> int:
        return self.paths().count(path)

    def will(self, path: str, *answers: httpx2.Response | Exception) -> None:
        self.script.setdefault(path, []).extend(answers)

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path.removeprefix("/s/shop")
        form = dict(parse_qsl(request.content.decode(), keep_blank_values=True))
        self.requests.append((path, form))
        self.on_request(path)
        if self.script.get(path):
            answer = self.script[path].pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        return self._plain(path, form)

    def _plain(self, path: str, form: dict[str, str]) -> httpx2.Response:
        if path == "/.well-known/oauth-authorization-server/s/shop":
            return reply(metadata())
        if path == "/jwks":
            return reply({"keys": public(*self.keys)})
        if path == "/device_authorization":
            return reply(device_authorization())
        if path == "/revoke":
            self.revoked.append(form["token"])
            return httpx2.Response(200)
        assert path == "/token"
        if form["grant_type"] == "refresh_token":
            return self.token_response()
        return self.token_response() if self.is_approved else error("authorization_pending")

    def token_response(self) -> httpx2.Response:
        self.generation += 1
        return reply(
            {
                "access_token": self.license_token(),
                "token_type": "Bearer",
                "expires_in": self.lifetime,
                "refresh_token": f"secret-refresh-{self.generation}",
                "scope": "license",
                "unknown_member": {"is": "ignored"},
            }
        )

    def license_token(self) -> str:
        iat = int(self.times.server)
        exp = min([iat + self.lifetime, *([self.renewal["renewal_at"]] if self.renewal else [])])
        payload = claims(iat=iat, nbf=iat, exp=exp, jti=f"jti-{self.generation}", license=dict(self.renewal))
        return signed({**payload, **self.token_changes}, key=self.signing_key)


def reply(document: Any, status: int = 200, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.Response(status, content=json.dumps(document).encode(), headers=named)


def error(code: str, status: int = 400, **members: Any) -> httpx2.Response:
    return reply({"error": code, **members}, status)


def metadata(**changes: Any) -> dict[str, Any]:
    document = {
        "issuer": ISSUER,
        "device_authorization_endpoint": f"{ISSUER}/device_authorization",
        "token_endpoint": f"{ISSUER}/token",
        "jwks_uri": f"{ISSUER}/jwks",
        "revocation_endpoint": f"{ISSUER}/revoke",
        "something_new": [1],
    }
    return {**document, **changes}


def device_authorization(**changes: Any) -> dict[str, Any]:
    document = {
        "device_code": "secret-device-code",
        "user_code": "BCDF-GHJK",
        "verification_uri": f"{ISSUER}/device",
        "expires_in": 900,
        "interval": 5,
    }
    return {name: value for name, value in {**document, **changes}.items() if value is not ...}
