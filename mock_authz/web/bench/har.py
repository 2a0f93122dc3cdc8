"""The journal's exchanges as HAR 1.2, which browsers and proxies read. Credentials are fingerprints here too."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from mock_authz import __version__
from mock_authz.instants import utc
from mock_authz.store.port import Exchange

FORM = "application/x-www-form-urlencoded"


def har(issuer: str, exchanges: Iterable[Exchange]) -> dict[str, Any]:
    """Describe exchanges, in virtual time; what took no virtual time took none."""
    return {
        "log": {
            "version": "1.2",
            "creator": {"name": "mock-authz", "version": __version__},
            "entries": [_entry(issuer, exchange) for exchange in exchanges],
        }
    }


def _entry(issuer: str, exchange: Exchange) -> dict[str, Any]:
    return {
        "startedDateTime": utc(exchange.at),
        "time": 0,
        "request": _request(issuer, exchange),
        "response": _response(exchange),
        "cache": {},
        "timings": {"send": 0, "wait": 0, "receive": 0},
        "comment": ", ".join([exchange.step, *exchange.faults]),
    }


def _request(issuer: str, exchange: Exchange) -> dict[str, Any]:
    request: dict[str, Any] = {
        "method": exchange.method,
        "url": issuer + exchange.path,
        **_common(),
        "queryString": [],
        "bodySize": -1,
    }
    if exchange.request:
        params = [{"name": name, "value": str(value)} for name, value in exchange.request.items()]
        # HAR 1.2, postData: params or text, not both.
        request["postData"] = {"mimeType": FORM, "params": params}
    return request


def _response(exchange: Exchange) -> dict[str, Any]:
    text = json.dumps(dict(exchange.response)) if exchange.response else ""
    return {
        "status": exchange.status,
        "statusText": "",
        **_common(),
        "content": {"size": len(text), "mimeType": "application/json" if text else "x-unknown", "text": text},
        "redirectURL": "",
        "bodySize": len(text),
    }


def _common() -> dict[str, Any]:
    return {"httpVersion": "HTTP/1.1", "cookies": [], "headers": [], "headersSize": -1}
