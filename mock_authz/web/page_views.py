"""What the pages say about records, in words: the labels of the user guide, to the letter. Knows nothing of HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mock_authz.domain.license import DESCRIPTIONS, LicenseStatus, TokenState
from mock_authz.domain.organization import Device, Edition
from mock_authz.usecases.overview import DeviceOverview

STATUS_LABELS: Final[dict[LicenseStatus, str]] = {
    LicenseStatus.UNLICENSED: "Unlicensed",
    LicenseStatus.LICENSED: "Licensed",
    LicenseStatus.REQUIRES_RENEWAL: "Requires Renewal",
    LicenseStatus.EXPIRED_REQUIRES_RENEWAL: "Expired Requires Renewal",
}
STATUS_TONES: Final[dict[LicenseStatus, str]] = {
    LicenseStatus.UNLICENSED: "neutral",
    LicenseStatus.LICENSED: "good",
    LicenseStatus.REQUIRES_RENEWAL: "warning",
    LicenseStatus.EXPIRED_REQUIRES_RENEWAL: "bad",
}
STATUS_MEANINGS: Final[dict[LicenseStatus, str]] = {
    LicenseStatus.UNLICENSED: "This device has no license yet.",
    LicenseStatus.LICENSED: "The license is valid.",
    LicenseStatus.REQUIRES_RENEWAL: "The license is near its renewal date. Renew it before that date.",
    LicenseStatus.EXPIRED_REQUIRES_RENEWAL: "The license is no longer good. Acquire it again.",
}
TOKEN_LABELS: Final[dict[TokenState, tuple[str, str]]] = {
    TokenState.EXPIRING: ("Expires soon", "warning"),
    TokenState.EXPIRED: ("Expired", "bad"),
}
EDITION_LABELS: Final[dict[Edition, str]] = {
    Edition.CLOUD: "Cloud",
    Edition.CORPORATE: "Corporate",
    Edition.STORE: "Store",
    Edition.REGISTER: "Register",
}


@dataclass(frozen=True, slots=True)
class Badge:
    """A few words on a coloured ground; the colour says nothing that the words don't."""

    text: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceView:
    """A device as the pages show it. Instants are Unix seconds.

    Attributes:
        is_live: whether it has a license that has neither ended nor lapsed.
        can_revoke: whether it has one that has not ended; a lapsed one can be revoked too.
        explanation: what the License Status means; for one that expired, the reason.
        renewal_at: the date of the license that the status is about; of the next one where there is none.
        next_renewal_at: the device's own date, for its next license.
        needs_date: whether that has passed, so that the device cannot be authorized.
    """

    device: Device
    edition: str
    status: Badge
    explanation: str
    is_live: bool
    can_revoke: bool
    renewal_at: int | None
    next_renewal_at: int | None
    needs_date: bool
    token_expires_at: int | None
    token: Badge | None
    features: str
    hub: Device | None


def view_device(overview: DeviceOverview, *, now: int) -> DeviceView:
    """Put one device into words.

    Args:
        now: Unix seconds on the sandbox's clock.
    """
    device, license_ = overview.device, overview.license
    return DeviceView(
        device=device,
        edition=EDITION_LABELS[device.edition],
        status=Badge(STATUS_LABELS[overview.status], STATUS_TONES[overview.status]),
        explanation=_explain(overview),
        is_live=license_ is not None and overview.reason is None,
        can_revoke=license_ is not None and license_.ending is None,
        renewal_at=device.renewal_at if license_ is None else license_.renewal_at,
        next_renewal_at=device.renewal_at,
        needs_date=device.renewal_at is not None and now >= device.renewal_at,
        token_expires_at=None if license_ is None else license_.token_expires_at,
        token=_token_badge(overview),
        features=", ".join(device.features),
        hub=overview.hub,
    )


def _token_badge(overview: DeviceOverview) -> Badge | None:
    # The token of a license that has ended gets no successor: nothing is to be done about its expiry.
    if overview.token_state is None or (overview.reason and overview.token_state is TokenState.EXPIRING):
        return None
    label = TOKEN_LABELS.get(overview.token_state)
    return None if label is None else Badge(*label)


def _explain(overview: DeviceOverview) -> str:
    meaning = STATUS_MEANINGS[overview.status]
    return meaning if overview.reason is None else DESCRIPTIONS.get(overview.reason, meaning)
