"""The License Management page as an ASGI application. Reads the client's status, calls its errands, renders.

It drives one state file, by one client. Starting it begins no device grant; only Next does.
"""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from authz_client.page.errands import Errands
from authz_client.page.keeper import PageClient, Waker
from authz_client.page.protection import AllowedHosts, Protected, is_own_form
from authz_client.page.view import View
from authz_client.state_store import DamagedStateError, StoreError

_HERE: Final = Path(__file__).parent
_MEDIA_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
#: How long a button's answer waits for what it started, before the page says that it is under way.
PATIENCE_SECONDS: Final = 3.0
#: The same for the refresh that opening the page begins: nobody pressed anything, so nobody waits long.
GLANCE_SECONDS: Final = 0.4
#: Leads back to the page without counting as opening it.
BACK: Final = "/?back"
_log: Final = logging.getLogger("authz_client.page")


@dataclass
class Desk:
    """What the handlers act upon.

    Attributes:
        csrf_token: The secret in this program's forms; a page from before a restart has another.
        patience_seconds: See `PATIENCE_SECONDS`.
    """

    client: PageClient
    waker: Waker
    csrf_token: str = field(repr=False)
    patience_seconds: float = PATIENCE_SECONDS

    def __post_init__(self) -> None:
        self.errands = Errands(self.client, self.waker)

    def look(self) -> View:
        """Read what the page shows now; a damaged state file, kept aside by then, is told of by the status."""
        try:
            status = self.client.status()
        except DamagedStateError:
            status = self.client.status()
        return View(
            status=status,
            stored=self.client.state(),
            busy=self.errands.busy,
            told=self.errands.told,
            is_reached=self.client.is_reached,
        )


def build(desk: Desk, *, hosts: AllowedHosts) -> ASGIApp:
    """Put the page together. With lifespan events the license is kept in the background meanwhile."""

    def handler(handle: Callable[[Desk, Request], Awaitable[Response]]) -> Callable[..., Awaitable[Response]]:
        async def handling(request: Request) -> Response:
            return await handle(desk, request)

        return handling

    app = Starlette(
        routes=[
            Route("/", handler(_home)),
            Route("/panel", handler(_panel)),
            Route("/status.json", handler(_status)),
            Route("/next", handler(_pressed(_next)), methods=["POST"]),
            Route("/another", handler(_pressed(_another)), methods=["POST"]),
            Route("/complete", handler(_pressed(_complete)), methods=["POST"]),
            Route("/refresh", handler(_pressed(_refresh)), methods=["POST"]),
            Route("/remove", handler(_confirm_removal), methods=["GET"]),
            Route("/remove", handler(_pressed(_remove)), methods=["POST"]),
            Route("/static/{name}", handler(_static)),
        ],
        exception_handlers={HTTPException: handler_of_refusals(desk), StoreError: handler_of_trouble(desk)},
        lifespan=_kept(desk),
    )
    return Protected(app, hosts=hosts)


def _kept(desk: Desk) -> Callable[[Starlette], Any]:
    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        keeping = asyncio.create_task(desk.client.run())
        keeping.add_done_callback(_mourn)
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            await desk.errands.close()
            await desk.client.aclose()

    return lifespan


def _mourn(keeping: asyncio.Task[None]) -> None:
    if not keeping.cancelled() and (error := keeping.exception()) is not None:
        _log.error("The license is no longer kept", exc_info=error)


# Pages


async def _home(desk: Desk, request: Request) -> Response:
    # Opening the page refreshes at once, at most once a minute; what brings it back by itself does not count.
    view = desk.look()
    if not request.url.query and request.headers.get("sec-fetch-dest", "document") == "document":
        desk.errands.opened()
        # What is quick, or not due yet, is over by then: the page shows the outcome, not a button that flickers.
        await desk.errands.settle(min(GLANCE_SECONDS, desk.patience_seconds))
        view = desk.look()
    return _page(desk, "page.html", view=view)


async def _panel(desk: Desk, _request: Request) -> Response:
    return _page(desk, "panel.html", view=desk.look())


async def _status(desk: Desk, _request: Request) -> Response:
    view = desk.look()
    return JSONResponse(
        {
            "version": view.version,
            "is_busy": view.is_busy,
            "seconds_left": view.seconds_left,
            **view.status.to_json(),
        }
    )


async def _confirm_removal(desk: Desk, _request: Request) -> Response:
    view = desk.look()
    if view.kind != "license":
        return RedirectResponse(BACK, 303)
    return _page(desk, "remove.html", view=view)


async def _static(_desk: Desk, request: Request) -> Response:
    asset = _assets().get(request.path_params["name"])
    if asset is None:
        raise HTTPException(404)
    content, media_type = asset
    return Response(
        content, media_type=media_type, headers={"Cache-Control": "public, max-age=31536000, immutable"}
    )


# Buttons


def _pressed(press: Callable[[Errands], None]) -> Callable[[Desk, Request], Awaitable[Response]]:
    async def handling(desk: Desk, request: Request) -> Response:
        if not await is_own_form(request, desk.csrf_token):
            raise HTTPException(403)
        press(desk.errands)
        await desk.errands.settle(desk.patience_seconds)
        return RedirectResponse(BACK, 303)

    return handling


def _next(errands: Errands) -> None:
    errands.acquire(start_over=False)


def _another(errands: Errands) -> None:
    errands.acquire(start_over=True)


def _complete(errands: Errands) -> None:
    errands.complete()


def _refresh(errands: Errands) -> None:
    errands.refresh()


def _remove(errands: Errands) -> None:
    errands.remove()


# Rendering


def _page(desk: Desk, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    shared = {
        "csrf_token": desk.csrf_token,
        "issuer": desk.client.issuer,
        "asset": asset_path,
        "qr_code": _qr_code,
    }
    return HTMLResponse(_environment().get_template(template).render({**shared, **values}), status)


_REFUSALS: Final = {
    403: (
        "Not done",
        "This form was not sent by this page, or the program has been restarted since. Go back and try again.",
    ),
    404: ("Page not found", "There is no page at this address."),
    405: ("Not that way", "This address is for one of the page's buttons."),
}


def handler_of_refusals(desk: Desk) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Say what is wrong in the page's own look."""

    async def handle(_request: Request, error: Exception) -> Response:
        code = error.status_code if isinstance(error, HTTPException) else 500
        title, text = _REFUSALS.get(code, ("Not done", f"HTTP status {code}."))
        response = _page(desk, "error.html", status=code, title=title, text=text)
        if isinstance(error, HTTPException):
            response.headers.update(error.headers or {})
        return response

    return handle


def handler_of_trouble(desk: Desk) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Say that the state file cannot be used, and which."""

    async def handle(_request: Request, error: Exception) -> Response:
        title = "The state file cannot be used"
        advice = error.advice if isinstance(error, StoreError) else ""
        return _page(desk, "error.html", status=503, title=title, text=f"{error}. {advice}")

    return handle


def _qr_code(text: str) -> str:
    import segno  # noqa: PLC0415 - only for who sees it

    return str(segno.make(text, error="m", micro=False).svg_inline(omitsize=True, border=2, svgclass="qr"))


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


@lru_cache(maxsize=1)
def _asset_paths() -> dict[str, str]:
    return {
        file.name: f"{file.stem}.{hashlib.sha256(file.read_bytes()).hexdigest()[:16]}{file.suffix}"
        for file in sorted((_HERE / "static").iterdir())
    }


@lru_cache(maxsize=1)
def _assets() -> dict[str, tuple[bytes, str]]:
    return {
        hashed: ((_HERE / "static" / name).read_bytes(), _MEDIA_TYPES[Path(name).suffix])
        for name, hashed in _asset_paths().items()
    }


def asset_path(name: str) -> str:
    """Give the address of a file under a name that changes with its content, so that a browser may keep it."""
    return f"/static/{_asset_paths()[name]}"
