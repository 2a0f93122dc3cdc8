"""Every decision of the server in one frozen value. The plain server decides with the domain's own functions.

A quirk replaces fields with wrapped ones; nothing below quirks/ knows of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mock_authz.domain import device_grant, entitlement, guess_budget, license_token, organization, user_code
from mock_authz.domain import license as licenses
from mock_authz.domain import signing_key as keys
from mock_authz.domain.device_grant import DeviceGrant, Redeem
from mock_authz.domain.guess_budget import GuessBudget
from mock_authz.domain.license import License, LicenseStatus, Refreshed, TokenState
from mock_authz.domain.refusals import Conflict, InvalidGrant, InvalidToken, Refusal
from mock_authz.domain.signing_key import KeySet, SigningKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """The seams of the domain. Each field has the signature and the documentation of its default."""

    poll: Callable[..., tuple[DeviceGrant, Redeem | Refusal]] = device_grant.poll
    may_authorize: Callable[..., Conflict | None] = entitlement.may_authorize
    # The same question, asked again at redemption: much can change in between.
    still_authorized: Callable[..., Conflict | None] = entitlement.may_authorize
    is_open: Callable[..., bool] = device_grant.is_open
    approve: Callable[..., DeviceGrant | Refusal] = device_grant.approve
    deny: Callable[..., DeviceGrant | Refusal] = device_grant.deny
    new_user_code: Callable[[int], str] = user_code.from_number
    normalize_user_code: Callable[[str], str] = user_code.normalize
    seconds_to_wait: Callable[..., int] = guess_budget.seconds_to_wait
    wrong_entry: Callable[..., GuessBudget] = guess_budget.wrong_entry
    issue: Callable[..., License] = licenses.issue
    end: Callable[..., License] = licenses.end
    renew: Callable[..., License | Conflict] = licenses.renew
    refresh: Callable[..., tuple[License, Refreshed | InvalidGrant]] = licenses.refresh
    check_bearer: Callable[..., InvalidToken | None] = licenses.check_bearer
    status: Callable[..., LicenseStatus] = licenses.status
    token_state: Callable[..., TokenState] = licenses.token_state
    claims: Callable[..., dict[str, Any]] = license_token.claims
    check_hub: Callable[..., Conflict | None] = organization.check_hub
    signing_key: Callable[..., SigningKey] = keys.signing_key
    published_keys: Callable[..., tuple[SigningKey, ...]] = keys.published
    rotate_keys: Callable[..., KeySet] = keys.rotate
