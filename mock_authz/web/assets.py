"""The files that the pages load, under names that carry a hash of their content: style sheets, an icon, one script.

So a browser keeps them for good, and never shows a page in the clothes of another version.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

STATIC: Final = Path(__file__).parent / "static"
PREFIX: Final = "/static/"
MEDIA_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FOR_GOOD: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class _Asset:
    content: bytes
    media_type: str
    path: str
    etag: str


@lru_cache(maxsize=1)
def _assets() -> dict[str, _Asset]:
    found = {}
    for file in sorted(STATIC.iterdir()):
        content = file.read_bytes()
        digest = hashlib.sha256(content).hexdigest()[:16]
        path = f"{PREFIX}{file.stem}.{digest}{file.suffix}"
        found[file.name] = _Asset(content, MEDIA_TYPES[file.suffix], path, f'"{digest}"')
    return found


def asset_path(name: str) -> str:
    """Give the path of a file below the issuer, such as `/static/pages.0123456789abcdef.css`."""
    return _assets()[name].path


def serve_asset(request: Request, path: str) -> Response | None:
    """Answer a request for a file by its present path; None if there is none there."""
    asset = next((asset for asset in _assets().values() if asset.path == path), None)
    if asset is None:
        return None
    headers = {"etag": asset.etag, "cache-control": FOR_GOOD, "x-content-type-options": "nosniff"}
    # RFC 9110 13.1.2: weak comparison.
    given = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if given & {asset.etag, "*"}:
        return Response(None, 304, headers)
    return Response(asset.content, 200, headers, asset.media_type)
