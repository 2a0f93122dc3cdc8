"""The yardstick: Starlette, uvicorn and joserfc, and nothing else. Serves a metadata document and signs one token."""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

KEY = ECKey.generate_key("P-256")
HEADER = {"alg": "ES256", "typ": "at+jwt", "kid": "bare"}
LICENSE = {
    "organization": {"id": "northwind", "name": "Northwind Outfitters"},
    "server_name": "Store 12",
    "edition": "store",
    "features": ["xms"],
}
CLAIMS: dict[str, Any] = {
    "iss": "http://127.0.0.1:8628",
    "sub": "northwind-store-12",
    "aud": "urn:kensium:organization:northwind",
    "client_id": "pos-server",
    "iat": 1_795_517_023,
    "nbf": 1_795_517_023,
    "exp": 1_796_121_823,
    "jti": "6bb163e1f93e39c5.36ae57f5e4b1297d",
    "scope": "license",
    "license": LICENSE,
}


async def token(request: Request) -> JSONResponse:
    """Parse the form, sign the token."""
    form = dict(parse_qsl((await request.body()).decode("ascii"), keep_blank_values=True))
    members = {
        "access_token": jwt.encode(HEADER, CLAIMS, KEY, algorithms=["ES256"]),
        "token_type": "Bearer",
        "expires_in": 604_800,
        "refresh_token": form["refresh_token"],
        "scope": "license",
    }
    return JSONResponse(members, headers={"cache-control": "no-store", "pragma": "no-cache"})


async def metadata(_: Request) -> JSONResponse:
    """Answer something of the size of a metadata document."""
    return JSONResponse({"issuer": CLAIMS["iss"], "endpoints": ["/token"] * 8})


app = Starlette(
    routes=[
        Route("/token", token, methods=["POST"]),
        Route("/.well-known/oauth-authorization-server", metadata),
    ]
)

if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="asyncio",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
