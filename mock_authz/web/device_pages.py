"""The devices of the chosen organization, each with its license: look, renew, revoke, disable, enable, change hub."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from starlette.responses import Response

from mock_authz.domain.refusals import Conflict, Refusal
from mock_authz.instants import UnreadableTimeError, add_duration, parse_instant, utc
from mock_authz.usecases import administer
from mock_authz.usecases.overview import DeviceOverview, find_device, list_devices, possible_hubs
from mock_authz.web.page import Page, redirect, refuse, render
from mock_authz.web.page_views import view_device

# Forms drop empty values, and no server_id begins with a hyphen.
NO_HUB: Final = "-"
DAY_SECONDS: Final = 24 * 3600
DATE_LENGTH: Final = len("2027-01-31")


async def show_devices(page: Page) -> Response:
    """List the devices."""
    overviews = list_devices(page.context, page.organization.organization_id)
    return render(
        page, "devices.html", devices=[view_device(overview, now=page.context.now) for overview in overviews]
    )


async def show_device(page: Page) -> Response:
    """Show one device and all that can be done about it."""
    overview = _find(page)
    return _show(page, overview) if overview is not None else _no_device(page)


async def renew(page: Page) -> Response:
    """Set the renewal date, or none."""
    overview = _find(page)
    if overview is None:
        return _no_device(page)
    wanted = page.form.get("renewal")
    renewal_at = None
    if wanted != "none":
        entered = page.form.get("renewal_date", "")
        try:
            renewal_at = parse_instant(entered)
        except UnreadableTimeError:
            return _show(
                page, overview, status=422, renewal_error="Enter a date such as 2027-01-31, or choose none."
            )
    answer = administer.renew_device(page.context, overview.device.server_id, renewal_at=renewal_at)
    if isinstance(answer, Refusal):
        return _refused(page, overview, answer, "renewal_error")
    return _done(page, overview, "renewed" if renewal_at is not None else "renewed_without_date")


async def change_hub(page: Page) -> Response:
    """Change the device that this one connects to, or take it away."""
    overview = _find(page)
    if overview is None:
        return _no_device(page)
    wanted = page.form.get("hub")
    if wanted is None:
        return _show(page, overview, status=422, hub_error="Choose a hub, or none.")
    changes = {"hub": None if wanted == NO_HUB else wanted}
    answer = administer.change_device(page.context, overview.device.server_id, changes)
    if isinstance(answer, Refusal):
        return _refused(page, overview, answer, "hub_error")
    return _done(page, overview, "hub_changed")


async def enable(page: Page) -> Response:
    """Enable the device again."""
    overview = _find(page)
    if overview is None:
        return _no_device(page)
    administer.enable_device(page.context, overview.device.server_id)
    return _done(page, overview, "enabled")


async def confirm_revocation(page: Page) -> Response:
    """Ask before the license is revoked."""
    return _confirm(page, "revoke")


async def revoke(page: Page) -> Response:
    """Revoke the device's license."""
    overview = _find(page)
    if overview is None:
        return _no_device(page)
    answer = administer.revoke_device_license(page.context, overview.device.server_id)
    if isinstance(answer, Refusal):
        return _refused(page, overview, answer, "error")
    return _done(page, overview, "revoked")


async def confirm_disabling(page: Page) -> Response:
    """Ask before the device is disabled."""
    return _confirm(page, "disable")


async def disable(page: Page) -> Response:
    """Disable the device, which ends its license."""
    overview = _find(page)
    if overview is None:
        return _no_device(page)
    administer.disable_device(page.context, overview.device.server_id)
    return _done(page, overview, "disabled")


def _find(page: Page) -> DeviceOverview | None:
    return find_device(page.context, page.organization.organization_id, page.params["server_id"])


def _show(page: Page, overview: DeviceOverview, *, status: int = 200, **errors: str) -> Response:
    """Show the device's page, with what was wrong in a form and what had been entered there."""
    values: dict[str, Any] = {"error": None, "renewal_error": None, "hub_error": None, **errors}
    now = page.context.now
    return render(
        page,
        "device.html",
        status=status,
        view=view_device(overview, now=page.context.now),
        hubs=possible_hubs(page.context, overview.device),
        chosen_hub=page.form.get("hub", overview.device.hub or NO_HUB),
        no_hub=NO_HUB,
        renewal=page.form.get("renewal", "date"),
        renewal_date=page.form.get("renewal_date", _a_year_later(overview, now=now)),
        # The first date that lies in the future: a date means 00:00 UTC.
        earliest_date=utc(now + DAY_SECONDS)[:DATE_LENGTH],
        **values,
    )


def _a_year_later(overview: DeviceOverview, *, now: int) -> str:
    """Suggest a date: a year after the present one, or after today."""
    present = overview.device.renewal_at
    try:
        return utc(add_duration(max(now, present or now), "P1Y"))[:DATE_LENGTH]
    except UnreadableTimeError:
        return ""


def _confirm(page: Page, action: str) -> Response:
    overview = _find(page)
    if overview is None:
        return _no_device(page)
    return render(
        page, "confirm_action.html", view=view_device(overview, now=page.context.now), action=action
    )


def _done(page: Page, overview: DeviceOverview, notice: str) -> Response:
    return redirect(page, f"/devices/{quote(overview.device.server_id, safe='')}", notice=notice)


def _refused(page: Page, overview: DeviceOverview, refusal: Refusal, where: str) -> Response:
    if not isinstance(refusal, Conflict):
        return _no_device(page)
    return _show(page, overview, status=409, **{where: refusal.description})


def _no_device(page: Page) -> Response:
    return refuse(
        page,
        404,
        "Device not found",
        f"{page.organization.name} has no such device. It may have been deleted, or belong to another organization.",
        again="/devices",
    )
