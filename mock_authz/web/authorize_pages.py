"""Authorize Device: the verification page (RFC 8628 3.3), the confirmation behind it, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from mock_authz.clock import ClockMode
from mock_authz.domain import user_code
from mock_authz.domain.device_grant import DeviceGrant, State
from mock_authz.domain.refusals import Conflict, Refusal, TooManyGuesses
from mock_authz.instants import shown
from mock_authz.usecases import approvals
from mock_authz.usecases.overview import DeviceOverview, find_device, list_devices
from mock_authz.web.page import Page, in_words, not_found, redirect, refuse, render
from mock_authz.web.page_views import EDITION_LABELS, view_device

LONGEST_SHOWN: Final = 40
WRONG_CODE: Final = (
    "This user code is not known, has expired or was used already. Compare it with the code on the License Management "
    "page, or choose Next there for a new one."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceOption:
    """One entry of the Device drop-down list.

    Attributes:
        barred: why it cannot be authorized now, in a few words; None if it can.
    """

    server_id: str
    label: str
    barred: str | None


BARRED: Final = {"device_disabled": "disabled", "renewal_date_passed": "renewal date has passed"}


async def show_form(page: Page) -> Response:
    """Show Authorize Device. A user code in the address is prefilled and decides nothing (RFC 8628 3.3.1, 5.4)."""
    linked = page.query.get("user_code", "")
    return _form(page, entered=_display(page, linked), is_linked=bool(linked))


async def start_again(page: Page) -> Response:
    """Lead to the form: somebody reloaded what lies behind it."""
    return redirect(page, "/device")


async def review(page: Page) -> Response:
    """Show what is about to happen, and ask for it to be confirmed (RFC 8628 5.4). Decides nothing."""
    denies = page.form.get("decision") == "deny"
    entered, server_id = page.form.get("user_code", "").strip(), page.form.get("server_id", "")
    code_error = None if entered else "Enter the user code that the License Management page shows."
    device_error = None if server_id or denies else "Choose the device to license."
    if code_error or device_error:
        return _form(page, status=422, code_error=code_error, device_error=device_error)
    device = None if denies else _authorizable(page, server_id)
    if isinstance(device, Refusal):
        return _form(page, status=409, device_error=device.description)
    grant = approvals.enter_user_code(page.context, entered, administrator=page.administrator.username)
    if isinstance(grant, Refusal):
        return _wrong(page, grant)
    client = page.context.behaviour.find_client(page.context, grant.client_id)
    return render(
        page,
        "authorize_confirm.html",
        grant=grant,
        client=grant.client_id if client is None else client.name,
        view=None if device is None else view_device(device, now=page.context.now),
    )


async def decide(page: Page) -> Response:
    """Approve or deny what has been confirmed."""
    entered, server_id = page.form.get("user_code", ""), page.form.get("server_id", "")
    username = page.administrator.username
    if page.form.get("decision") == "approve":
        device = _authorizable(page, server_id)
        if isinstance(device, Refusal):
            return _form(page, status=409, device_error=device.description)
        answer = approvals.approve(page.context, entered, server_id=server_id, administrator=username)
    elif page.form.get("decision") == "deny":
        answer = approvals.deny(page.context, entered, administrator=username)
    else:
        return redirect(page, "/device")
    if isinstance(answer, Refusal):
        return _wrong(page, answer)
    return redirect(page, "/device/result", user_code=user_code.display(answer.user_code))


async def show_result(page: Page) -> Response:
    """Say what came of a user code, to who decided about it: so this page answers no guesses."""
    grant = approvals.find_user_code(page.context, page.query.get("user_code", ""))
    if not isinstance(grant, DeviceGrant) or grant.administrator != page.administrator.username:
        return not_found(page)
    device = find_device(page.context, page.organization.organization_id, grant.server_id or "")
    return render(
        page,
        "authorize_result.html",
        outcome=_outcome(grant, now=page.context.now),
        grant=grant,
        view=None if device is None else view_device(device, now=page.context.now),
    )


def _outcome(grant: DeviceGrant, *, now: int) -> str:
    if grant.state is State.APPROVED:
        return "approved" if now < grant.expires_at else "expired"
    if grant.state is State.DENIED and grant.approved_at is not None:
        return "withdrawn"
    return grant.state.value


def _authorizable(page: Page, server_id: str) -> DeviceOverview | Refusal:
    """Find a device of the chosen organization: another tab may have chosen another one since."""
    device = find_device(page.context, page.organization.organization_id, server_id)
    if device is None:
        return Conflict(f"This is not a device of {page.organization.name}. Choose one of the list.")
    checked = approvals.check_device(page.context, server_id, administrator=page.administrator.username)
    return checked if isinstance(checked, Refusal) else device


def _wrong(page: Page, refusal: Refusal) -> Response:
    """Answer a refusal of a code: on the form, with what was entered; or not at all for a while."""
    if isinstance(refusal, TooManyGuesses):
        return _too_many(page, int(refusal.reason or 0))
    if isinstance(refusal, Conflict):
        return _form(page, status=409, device_error=refusal.description)
    return _form(page, status=422, code_error=WRONG_CODE)


def _too_many(page: Page, wait_seconds: int) -> Response:
    """Ask to wait, on the sandbox's clock (RFC 6585 4)."""
    details = [
        "You have entered too many wrong user codes. This keeps codes from being guessed.",
        f"Try again in {in_words(wait_seconds)}, at {shown(page.context.now + wait_seconds)}.",
    ]
    if page.context.sandbox.clock.mode is ClockMode.FROZEN:
        details.append("This sandbox's clock is frozen: the wait passes when the clock is moved.")
    return refuse(
        page,
        429,
        "Too many wrong user codes",
        *details,
        headers={"retry-after": str(wait_seconds)},
        again="/devices",
    )


def _form(
    page: Page,
    *,
    status: int = 200,
    entered: str | None = None,
    is_linked: bool = False,
    code_error: str | None = None,
    device_error: str | None = None,
) -> Response:
    devices = list_devices(page.context, page.organization.organization_id)
    return render(
        page,
        "authorize.html",
        status=status,
        options=[_option(page, overview) for overview in devices],
        chosen=page.form.get("server_id", page.query.get("server_id", "")),
        entered=_display(page, page.form.get("user_code", "")) if entered is None else entered,
        is_linked=is_linked,
        code_error=code_error,
        device_error=device_error,
    )


def _option(page: Page, overview: DeviceOverview) -> DeviceOption:
    device = overview.device
    checked = approvals.check_device(
        page.context, device.server_id, administrator=page.administrator.username
    )
    return DeviceOption(
        server_id=device.server_id,
        label=f"{device.name} ({EDITION_LABELS[device.edition]})",
        barred=BARRED.get(checked.reason or "", "not possible now") if isinstance(checked, Refusal) else None,
    )


def _display(page: Page, entered: str) -> str:
    """Show a code as the License Management page does, for comparison; what is none stays as it was entered."""
    normalized = page.context.decisions.normalize_user_code(entered)
    is_code = len(normalized) == user_code.LENGTH and normalized.isascii()
    return user_code.display(normalized) if is_code else entered.strip()[:LONGEST_SHOWN]
