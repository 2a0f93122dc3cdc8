"""The yardstick: Starlette, uvicorn and joserfc, and nothing else. Serves a metadata document and signs one token.

python -m benchmarks.bare PORT
python -m benchmarks.bare --fd N    at a socket that it inherits, and that listens
"""

from __future__ import annotations

import socket
import sys
from socket import AF_INET, IPPROTO_TCP, SOCK_STREAM
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
    *inherited, number = sys.argv[1:]
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0 if inherited else int(number),
        loop="asyncio",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
    # Named as TCP, or asyncio would leave its connections to Nagle's algorithm, and answers to wait for 40 ms.
    sockets = [socket.socket(AF_INET, SOCK_STREAM, IPPROTO_TCP, fileno=int(number))] if inherited else None
    uvicorn.Server(config).run(sockets=sockets)
