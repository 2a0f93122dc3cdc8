"""What a license token opens: /license, the directory, introspection; how the bearer is admitted and refused."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

from joserfc.jwk import OKPKey

from tests.factories import DAY, NOW
from tests.quirks.stage import Answer, Finding, Stage, granted, part, said, settles
from tests.web.site import bearer

RESOURCES = ("/license", "/servers")


def spelled(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def tampered(tokens: dict[str, Any]) -> dict[str, Any]:
    """Change a claim under the old signature."""
    header, _, signature = tokens["access_token"].split(".")
    claims = {**part(tokens["access_token"], 1), "client_id": "register"}
    return {"access_token": f"{header}.{spelled(claims)}.{signature}"}


def expiry(s: Stage, tokens: dict[str, Any]) -> int:
    """Give when a license token expires, in seconds after the start."""
    expires_at = int(s.claims(tokens)["exp"]) - NOW
    assert expires_at < 10**9
    return expires_at


def statuses(s: Stage, tokens: dict[str, Any]) -> list[int]:
    return [s.look(path, tokens).status_code for path in RESOURCES]


# --- admission ---


@settles("bearer.header-accepted")
def _(s: Stage) -> Finding:
    tokens = s.acquire()
    return [*statuses(s, tokens), s.introspect(tokens, tokens["access_token"]).status_code], [200] * 3


@settles("bearer.query-refused")
def _(s: Stage) -> Finding:
    query = {"access_token": s.acquire()["access_token"]}
    return s.at_issuer("GET", "/license", params=query).status_code, 401


@settles("bearer.challenge")
def _(s: Stage) -> Finding:
    answers = [s.at_issuer("GET", "/license"), s.look("/servers", {"access_token": "unknown"})]
    assert {answer.status_code for answer in answers} == {401}
    return [answer.headers.get("www-authenticate", "")[:6] for answer in answers], ["Bearer"] * 2


@settles("bearer.no-error-code-without-token")
def _(s: Stage) -> Finding:
    return "error" in s.at_issuer("GET", "/license").json(), False


@settles("bearer.malformed-is-invalid-request")
def _(s: Stage) -> Finding:
    [(name, value)] = bearer(s.acquire()["access_token"]).items()
    answer = s.at_issuer("GET", "/license", headers=[(name, value), (name, value)])
    return (answer.status_code, said(answer)), (400, "invalid_request")


@settles("bearer.expired-is-invalid-token")
def _(s: Stage) -> Finding:
    tokens = s.acquire()
    s.move_to(expiry(s, tokens) - 1)
    before = s.look("/license", tokens).status_code
    s.move_to(expiry(s, tokens))
    return (before, said(s.look("/license", tokens))), (200, "invalid_token")


@settles("bearer.tampered-is-invalid-token")
def _(s: Stage) -> Finding:
    return said(s.look("/license", tampered(s.acquire()))), "invalid_token"


@settles("bearer.refresh-token-is-invalid-token")
def _(s: Stage) -> Finding:
    token = {"access_token": s.acquire()["refresh_token"]}
    return said(s.look("/license", token)), "invalid_token"


@settles("bearer.alg-none-refused")
def _(s: Stage) -> Finding:
    token = s.acquire()["access_token"]
    header = {**part(token, 0), "alg": "none"}
    unsigned = f"{spelled(header)}.{spelled(part(token, 1))}."
    return s.look("/license", {"access_token": unsigned}).status_code, 401


@settles("bearer.key-confusion-refused")
def _(s: Stage) -> Finding:
    token = s.acquire()["access_token"]
    key = next((key for key in s.jwks() if key["kty"] == "OKP"), {"kty": "OKP", "crv": "Ed25519", "x": "AA"})
    public = {name: key[name] for name in ("kty", "crv", "x")}
    secret = OKPKey.import_key(public).as_pem(private=False) if len(public["x"]) > 2 else b"secret"
    signed = f"{spelled({**part(token, 0), 'alg': 'HS256'})}.{spelled(part(token, 1))}"
    proof = base64.urlsafe_b64encode(hmac.digest(secret, signed.encode(), "sha256")).rstrip(b"=").decode()
    return s.look("/license", {"access_token": f"{signed}.{proof}"}).status_code, 401


@settles("bearer.ended-is-invalid-token")
def _(s: Stage) -> Finding:
    tokens = s.acquire()
    s.managed("POST", "/devices/store-12/revoke")
    assert s.refreshed(tokens) == "invalid_grant"
    answers = [said(s.look("/license", tokens)), said(s.look("/servers", tokens))]
    return [*answers, said(s.introspect(tokens, "unknown"))], ["invalid_token"] * 3


@settles("bearer.expired-says-why")
def _(s: Stage) -> Finding:
    tokens = s.acquire()
    s.move_to(expiry(s, tokens) + DAY)
    answer = s.look("/license", tokens)
    assert answer.status_code == 401
    return answer.json().get("reason"), "license_token_expired"


@settles("bearer.ended-says-why")
def _(s: Stage) -> Finding:
    def reason(tokens: dict[str, Any]) -> Any:
        answer = s.look("/license", tokens)
        assert answer.status_code == 401
        return answer.json().get("reason")

    first = s.acquire()
    second = s.acquire()
    reasons = [reason(first)]
    s.managed("POST", "/devices/store-12/disable")
    return [*reasons, reason(second)], ["license_superseded", "device_disabled"]


# --- what it opens ---


@settles("bearer.license-is-the-callers")
def _(s: Stage) -> Finding:
    shown = granted(s.look("/license", s.acquire()))
    hub = shown["license"]["hub"]["server_id"]
    return (shown["server_id"], shown["license"]["edition"], hub), ("store-12", "store", "head-office")


@settles("bearer.license-is-read-now")
def _(s: Stage) -> Finding:
    tokens = s.acquire()
    s.device("head-office", name="Headquarters")
    return granted(s.look("/license", tokens))["license"]["hub"]["name"], "Headquarters"


def listed(s: Stage) -> list[str]:
    return [server["server_id"] for server in granted(s.look("/servers", s.acquire()))["servers"]]


@settles("bearer.directory-of-own-organization")
def _(s: Stage) -> Finding:
    return "peak" in listed(s), False


@settles("bearer.directory-entry")
def _(s: Stage) -> Finding:
    entry = {
        "server_id": "head-office",
        "name": "Head Office",
        "edition": "corporate",
        "url": "https://pos.harbor.example",
    }
    tokens = s.acquire()
    found = [
        one for one in granted(s.look("/servers", tokens))["servers"] if one["server_id"] == "head-office"
    ]
    return [*found, granted(s.look("/servers/head-office", tokens))], [entry, entry]


@settles("bearer.directory-hides-registers")
def _(s: Stage) -> Finding:
    return "till-1" in listed(s), False


@settles("bearer.directory-hides-disabled")
def _(s: Stage) -> Finding:
    s.managed("POST", "/devices/head-office/disable")
    return "head-office" in listed(s), False


@settles("bearer.foreign-server-is-404")
def _(s: Stage) -> Finding:
    return s.look("/servers/peak", s.acquire()).status_code, 404


def shown_at(s: Stage, member: str, *seconds: int) -> list[Any]:
    """Look at /license with fresh tokens, at so many seconds: the renewal date is the 100th day."""
    s.renew(100 * DAY)
    tokens = s.acquire()
    found = []
    for second in seconds:
        s.move_to(second)
        tokens = s.renewed(tokens)
        found.append(granted(s.look("/license", tokens))[member])
    return found


@settles("status.licensed")
def _(s: Stage) -> Finding:
    return shown_at(s, "license_status", 0, 70 * DAY - 1), ["licensed"] * 2


@settles("status.requires-renewal")
def _(s: Stage) -> Finding:
    return shown_at(s, "license_status", 10 * DAY, 70 * DAY, 100 * DAY - 1)[1:], ["requires_renewal"] * 2


@settles("status.token-state")
def _(s: Stage) -> Finding:
    tokens = s.acquire()
    warned_from = expiry(s, tokens) - 2 * DAY
    s.move_to(warned_from)
    before = granted(s.look("/license", tokens))["token_state"]
    s.move_to(warned_from + 1)
    return (before, granted(s.look("/license", tokens))["token_state"]), ("valid", "expiring")


# --- introspection ---


def active(answer: Answer) -> Any:
    return granted(answer)["active"]


def caller_and(s: Stage) -> tuple[dict[str, Any], dict[str, Any]]:
    """Acquire for a caller and for another device of the same organization."""
    return s.acquire("head-office"), s.acquire()


@settles("introspect.caller-is-authorized")
def _(s: Stage) -> Finding:
    return s.post("/introspect", token=s.acquire()["access_token"]).status_code, 401


@settles("introspect.live-is-active")
def _(s: Stage) -> Finding:
    caller, subject = caller_and(s)
    return active(s.introspect(caller, subject["access_token"])), True


@settles("introspect.says-what-the-token-says")
def _(s: Stage) -> Finding:
    caller, subject = caller_and(s)
    answer = granted(s.introspect(caller, subject["access_token"]))
    assert answer["active"] is True
    claims = s.claims(subject)
    return {name: answer.get(name) for name in claims}, claims


@settles("introspect.foreign-organization-is-inactive")
def _(s: Stage) -> Finding:
    caller, foreign = s.acquire(), s.acquire("peak")
    return granted(s.introspect(caller, foreign["access_token"])), {"active": False}


@settles("introspect.refresh-token")
def _(s: Stage) -> Finding:
    caller, subject = caller_and(s)
    answer = granted(s.introspect(caller, subject["refresh_token"]))
    return (answer["active"], answer.get("exp")), (True, NOW + 90 * DAY)


@settles("introspect.is-no-use")
def _(s: Stage) -> Finding:
    caller, subject = caller_and(s)
    s.introspect(caller, subject["refresh_token"])
    return s.refreshed(subject), "granted"


@settles("introspect.expired-is-inactive")
def _(s: Stage) -> Finding:
    subject = s.acquire()
    s.move_to(DAY)
    caller = s.acquire("head-office")
    s.move_to(expiry(s, subject) - 1)
    before = active(s.introspect(caller, subject["access_token"]))
    s.move_to(expiry(s, subject))
    return (before, active(s.introspect(caller, subject["access_token"]))), (True, False)


@settles("introspect.not-yet-valid-is-inactive")
def _(s: Stage) -> Finding:
    caller = s.acquire("head-office")
    s.move_to(DAY)
    subject = s.acquire()
    s.move_to(0)
    return active(s.introspect(caller, subject["access_token"])), False


@settles("introspect.revoked-is-inactive")
def _(s: Stage) -> Finding:
    caller, subject = caller_and(s)
    s.managed("POST", "/devices/store-12/revoke")
    assert s.refreshed(subject) == "invalid_grant"
    return active(s.introspect(caller, subject["access_token"])), False


@settles("introspect.tampered-is-inactive")
def _(s: Stage) -> Finding:
    caller, subject = caller_and(s)
    return active(s.introspect(caller, tampered(subject)["access_token"])), False


@settles("introspect.unknown-is-inactive")
def _(s: Stage) -> Finding:
    answer = s.introspect(s.acquire(), "unknown")
    return (answer.status_code, answer.json().get("active")), (200, False)


@settles("introspect.inactive-says-nothing-else")
def _(s: Stage) -> Finding:
    caller, subject = caller_and(s)
    s.managed("POST", "/devices/store-12/revoke")
    answers = [granted(s.introspect(caller, one)) for one in ("unknown", subject["access_token"])]
    assert [answer["active"] for answer in answers] == [False, False]
    return answers, [{"active": False}] * 2


@settles("introspect.token-required")
def _(s: Stage) -> Finding:
    return s.posted("/introspect", "", **bearer(s.acquire()["access_token"])).status_code, 400
