"""The web pages of one sandbox, under its issuer: login, organization, devices, Authorize Device."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from mock_authz.usecases.context import Context


async def answer(request: Request, path: str, context: Context) -> Response:
    """Answer one request for a page."""
    del request, context
    return PlainTextResponse(f"no page at {path}", status_code=404)
