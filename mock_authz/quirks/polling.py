"""Quirks of polling: what a token request with a device_code is answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from mock_authz.domain.device_grant import DeviceGrant
from mock_authz.quirks.quirk import Quirk

Poll = Callable[..., tuple[DeviceGrant, Any]]


def _slow_down_does_not_grow(poll: Poll) -> Poll:
    def lying(grant: DeviceGrant, *, client_id: str, now: int) -> tuple[DeviceGrant, Any]:
        after, answer = poll(grant, client_id=client_id, now=now)
        return replace(after, interval=grant.interval), answer

    return lying


POLLING: Final = (
    Quirk(
        name="slow_down_does_not_grow",
        rules=("RFC8628-3.5-slow-down-adds-5",),
        says="slow_down leaves the polling interval as it is.",
        seam="decisions.poll",
        wrap=_slow_down_does_not_grow,
    ),
)
