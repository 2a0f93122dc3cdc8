"""Who may authorize which device, when: asked before an approval, and again at redemption.

Knows nothing of codes and licenses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_authz.domain.refusals import Conflict

if TYPE_CHECKING:
    from mock_authz.domain.organization import Administrator, Device


def may_authorize(administrator: Administrator | None, device: Device | None, *, now: int) -> Conflict | None:
    """Say why an administrator could not authorize a device now; None if they could."""
    if device is None:
        return Conflict("There is no such device.", reason="device_unknown")
    if administrator is None or device.organization_id not in administrator.organizations:
        return Conflict(
            "The administrator does not manage this device's organization.",
            reason="administrator_not_entitled",
        )
    if not device.enabled:
        return Conflict(f"{device.name} is disabled.", reason="device_disabled")
    if device.renewal_at is not None and now >= device.renewal_at:
        return Conflict(
            f"The renewal date of {device.name} has passed. Renew it first.", reason="renewal_date_passed"
        )
    return None
