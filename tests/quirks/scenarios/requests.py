"""Device authorization and token requests, as they are read; the endpoints' methods; errors as they are spelled."""

from __future__ import annotations

import re

from tests.quirks.stage import Finding, Stage, granted, said, settles
from tests.web.site import DEVICE_CODE

TOKEN = "/token"
REQUEST = "/device_authorization"


def poll_form(codes: dict[str, str], **more: str) -> dict[str, str]:
    return {"grant_type": DEVICE_CODE, "device_code": codes["device_code"], "client_id": "pos-server", **more}


# --- device authorization ---


@settles("request.default-clients-known")
def _(s: Stage) -> Finding:
    return [said(s.post(REQUEST, client_id=name)) for name in ("pos-server", "register")], ["granted"] * 2


@settles("request.unknown-scope-refused")
def _(s: Stage) -> Finding:
    return said(s.post(REQUEST, client_id="pos-server", scope="license admin")), "invalid_scope"


@settles("request.openid-scopes-ignored")
def _(s: Stage) -> Finding:
    answer = s.post(REQUEST, client_id="pos-server", scope="openid profile offline_access license")
    return said(answer), "granted"


@settles("request.needs-client-id")
def _(s: Stage) -> Finding:
    return s.post(REQUEST, scope="license").status_code in {400, 401}, True


@settles("request.unknown-client-refused")
def _(s: Stage) -> Finding:
    return said(s.post(REQUEST, client_id="stranger")), "invalid_client"


@settles("request.empty-value-is-omitted")
def _(s: Stage) -> Finding:
    return said(s.posted(REQUEST, "client_id=pos-server&scope=")), "granted"


@settles("request.unknown-parameter-ignored")
def _(s: Stage) -> Finding:
    return said(s.post(REQUEST, client_id="pos-server", color="red")), "granted"


@settles("request.repeated-parameter-refused")
def _(s: Stage) -> Finding:
    return said(s.posted(REQUEST, "client_id=pos-server&scope=license&scope=license")), "invalid_request"


@settles("request.get-refused")
def _(s: Stage) -> Finding:
    return s.at_issuer("GET", REQUEST, params={"client_id": "pos-server"}).status_code >= 400, True


@settles("request.not-a-form-refused")
def _(s: Stage) -> Finding:
    return said(s.at_issuer("POST", REQUEST, json={"client_id": "pos-server"})), "invalid_request"


@settles("request.errors-as-json")
def _(s: Stage) -> Finding:
    answers = [s.post(REQUEST, client_id="pos-server", scope="admin"), s.posted(REQUEST, "a=1&a=2")]
    assert not any(answer.is_success for answer in answers)
    types = [(answer.headers["content-type"], answer.status_code) for answer in answers]
    return types, [("application/json", 400)] * 2


# --- token requests ---


@settles("tokens.get-refused")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    s.approve(codes)
    refused = s.at_issuer("GET", TOKEN, params=poll_form(codes)).status_code >= 400
    return (refused, s.polled(codes)), (True, "granted")


@settles("tokens.empty-value-is-omitted")
def _(s: Stage) -> Finding:
    body = f"grant_type={DEVICE_CODE}&client_id=pos-server&device_code="
    token = s.acquire()["refresh_token"]
    refresh = f"grant_type=refresh_token&client_id=pos-server&refresh_token={token}&scope="
    answers = [said(s.posted(TOKEN, body)), said(s.posted(TOKEN, refresh))]
    return answers, ["invalid_request", "granted"]


@settles("tokens.unknown-parameter-ignored")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    s.approve(codes)
    return said(s.post(TOKEN, **poll_form(codes, color="red"))), "granted"


@settles("tokens.repeated-parameter-refused")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    s.approve(codes)
    form = "&".join(f"{name}={value}" for name, value in poll_form(codes).items())
    answer = s.posted(TOKEN, f"{form}&client_id=pos-server")
    return (said(answer), s.polled(codes)), ("invalid_request", "granted")


@settles("tokens.grant-type-required")
def _(s: Stage) -> Finding:
    return said(s.post(TOKEN, client_id="pos-server")), "invalid_request"


@settles("tokens.unknown-grant-type-refused")
def _(s: Stage) -> Finding:
    form = {"grant_type": "urn:example:grant-type:magic", "client_id": "pos-server"}
    return said(s.post(TOKEN, **form)), "unsupported_grant_type"


@settles("tokens.no-password-grant")
def _(s: Stage) -> Finding:
    form = {"grant_type": "password", "client_id": "pos-server", "username": "dana", "password": "quay"}
    return said(s.post(TOKEN, **form)), "unsupported_grant_type"


@settles("poll.grant-type-is-the-urn")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    s.approve(codes)
    return said(s.post(TOKEN, **poll_form(codes, grant_type="device_code"))), "unsupported_grant_type"


@settles("poll.device-code-required")
def _(s: Stage) -> Finding:
    answer = s.post(TOKEN, grant_type=DEVICE_CODE, client_id="pos-server")
    return (answer.status_code, answer.json()["error"]), (400, "invalid_request")


@settles("poll.client-id-required")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    s.approve(codes)
    answer = said(s.post(TOKEN, grant_type=DEVICE_CODE, device_code=codes["device_code"]))
    return answer in {"invalid_request", "invalid_client"}, True


@settles("refresh.token-required")
def _(s: Stage) -> Finding:
    return said(s.post(TOKEN, grant_type="refresh_token", client_id="pos-server")), "invalid_request"


@settles("revoke.token-required")
def _(s: Stage) -> Finding:
    return s.post("/revoke", client_id="pos-server").status_code, 400


@settles("revoke.get-refused")
def _(s: Stage) -> Finding:
    tokens = s.acquire()
    form = {"token": tokens["refresh_token"], "client_id": "pos-server"}
    refused = s.at_issuer("GET", "/revoke", params=form).status_code >= 400
    return (refused, s.refreshed(tokens)), (True, "granted")


# --- errors ---


@settles("errors.status-is-400")
def _(s: Stage) -> Finding:
    answers = [
        s.poll(s.authorize(), client_id="stranger"),
        s.refresh("unknown", client_id="stranger"),
        s.refresh("unknown"),
        s.post(TOKEN, grant_type="magic", client_id="pos-server"),
    ]
    return {answer.status_code for answer in answers}, {400}


@settles("errors.json-object")
def _(s: Stage) -> Finding:
    answers = [s.poll(s.authorize(), client_id="stranger"), s.refresh("unknown")]
    return {answer.headers["content-type"] for answer in answers}, {"application/json"}


@settles("errors.characters")
def _(s: Stage) -> Finding:
    answers = [s.refresh('"unknown\\ü'), s.post(TOKEN, grant_type='"ü', client_id="pos-server")]
    texts = [answer.json().get("error_description", "") for answer in answers]
    return all(re.fullmatch(r"[ !#-\[\]-~]*", text) for text in texts), True


@settles("tokens.failed-header-is-challenged")
def _(s: Stage) -> Finding:
    headers = {"authorization": "Basic cG9zLXNlcnZlcjp4"}
    answer = s.at_issuer("POST", TOKEN, data=poll_form(s.authorize()), headers=headers)
    assert (answer.status_code, said(answer)) == (401, "invalid_client")
    return answer.headers.get("www-authenticate", "")[:5], "Basic"


# --- contract ---


@settles("contract.other-method-is-405")
def _(s: Stage) -> Finding:
    return s.at_issuer("PUT", TOKEN).status_code, 405


@settles("contract.headers-fit-schema")
def _(s: Stage) -> Finding:
    return s.at_issuer("PUT", TOKEN).headers.get("allow"), "POST"


@settles("contract.large-body-is-413")
def _(s: Stage) -> Finding:
    return s.posted(TOKEN, "a=" + "b" * 70_000).status_code, 413


@settles("contract.type-is-documented")
def _(s: Stage) -> Finding:
    return s.at_issuer("GET", "/jwks").headers["content-type"], "application/json"


@settles("contract.body-fits-schema")
def _(s: Stage) -> Finding:
    return set(granted(s.at_issuer("GET", "/jwks"))), {"keys"}


@settles("contract.status-is-documented")
def _(s: Stage) -> Finding:
    form = {"client_id": "pos-server", "token": "unknown"}
    return s.at_issuer("POST", "/revoke", json=form).status_code in {200, 400}, True


@settles("contract.head-where-get")
def _(s: Stage) -> Finding:
    answer = s.at_issuer("HEAD", "/jwks")
    return (answer.status_code, answer.content), (200, b"")


@settles("contract.no-server-error")
def _(s: Stage) -> Finding:
    return s.post(REQUEST, client_id="pos-server", scope="ü\x00").status_code < 500, True


@settles("contract.bad-request-refused")
def _(s: Stage) -> Finding:
    form = {"client_id": "pos-server", "token": "unknown"}
    return s.at_issuer("POST", "/revoke", json=form).status_code >= 400, True
