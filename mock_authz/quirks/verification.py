"""Quirks of entering a user code, of approving and of denying it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from mock_authz.domain.device_grant import DeviceGrant, State
from mock_authz.domain.license import Ending, License
from mock_authz.domain.organization import Administrator, Device
from mock_authz.quirks.lying_store import (
    Commit,
    LyingStore,
    committing,
    finding,
    lying_as,
)
from mock_authz.quirks.quirk import Quirk, Wrap, at
from mock_authz.store.port import Stored

LETTERS_COMPARED: Final = 7


def _seen_as_pending(*states: State) -> Wrap:
    """Let a decided code pass for an undecided one."""

    def wrap(decide: Callable[..., Any]) -> Callable[..., Any]:
        def lying(grant: DeviceGrant, **given: Any) -> Any:
            seen = replace(grant, state=State.PENDING) if grant.state in states else grant
            return decide(seen, **given)

        return lying

    return wrap


def _before_expiry(decide: Callable[..., Any]) -> Callable[..., Any]:
    def lying(grant: DeviceGrant, *, now: int, **given: Any) -> Any:
        return decide(grant, now=min(now, grant.expires_at - 1), **given)

    return lying


def entitled(seen: Callable[[Administrator | None, Device | None], tuple[Any, Any]]) -> Wrap:
    """Ask whether another administrator could authorize another device."""

    def wrap(may: Callable[..., Any]) -> Callable[..., Any]:
        return lambda person, device, *, now: may(*seen(person, device), now=now)

    return wrap


def entitled_person(person: Administrator | None, device: Device | None) -> tuple[Any, Any]:
    """See an administrator of the device's organization in anybody."""
    if device is None:
        return person, device
    somebody = person or Administrator(username="somebody", name="Somebody", organizations=())
    return replace(somebody, organizations=(device.organization_id,)), device


def enabled_device(person: Administrator | None, device: Device | None) -> tuple[Any, Any]:
    """See an enabled device."""
    return person, device and replace(device, enabled=True)


def _never_lapsed(person: Administrator | None, device: Device | None) -> tuple[Any, Any]:
    return person, device and replace(device, renewal_at=None)


def _almost(store: LyingStore, sandbox: str, value: str) -> list[Stored[DeviceGrant]]:
    """Find a pending code that differs in its last letter."""
    found = store.behind.find(sandbox, DeviceGrant, "user_code", value)
    return found or [
        stored
        for stored in store.behind.every(sandbox, DeviceGrant)
        if stored.record.state is State.PENDING
        and stored.record.user_code[:LETTERS_COMPARED] == value[:LETTERS_COMPARED]
    ]


def approved(commit: Commit) -> list[DeviceGrant]:
    """List the codes that are about to be approved."""
    return [grant for grant in commit.of(DeviceGrant) if grant.state is State.APPROVED]


def _licenses_end(store: LyingStore, sandbox: str, commit: Commit) -> Commit:
    """End the license of a device as soon as a code is approved for it."""
    live = [
        stored.record
        for grant in approved(commit)
        for stored in store.behind.find(sandbox, License, "live", grant.server_id or "")
    ]
    ended = [replace(one, ending=Ending.SUPERSEDED, ended_at=commit.events[0].at) for one in live]
    return commit.adding(*ended)


def _spelled_in_capitals(normalize: Callable[[str], str]) -> Callable[[str], str]:
    return lambda entered: normalize(entered) if entered == entered.upper() else entered


def _spelled_as_shown(normalize: Callable[[str], str]) -> Callable[[str], str]:
    def lying(entered: str) -> str:
        groups = entered.split("-")
        return normalize(entered) if [len(group) for group in groups] == [4, 4] else f"?{entered}"

    return lying


COMPARING: Final = at(
    "decisions.normalize_user_code",
    (
        "user_code_to_the_letter",
        "verify.case-is-ignored verify.punctuation-is-ignored",
        "A user code is compared to the letter.",
        lambda normalize: _spelled_in_capitals(_spelled_as_shown(normalize)),
    ),
    (
        "user_code_in_capitals_only",
        "verify.case-is-ignored",
        "A user code in small letters is unknown.",
        _spelled_in_capitals,
    ),
    (
        "user_code_with_hyphen_only",
        "verify.punctuation-is-ignored",
        "A user code without its hyphen, or with others, is unknown.",
        _spelled_as_shown,
    ),
)

APPROVING: Final = (
    *at(
        "decisions.may_authorize",
        (
            "any_administrator_approves",
            "verify.only-own-organization",
            "An administrator can approve for devices of any organization; the redemption then fails.",
            entitled(entitled_person),
        ),
        (
            "disabled_device_is_approved",
            "verify.disabled-device-refused",
            "A code can be approved for a disabled device; the redemption then fails.",
            entitled(enabled_device),
        ),
        (
            "lapsed_device_is_approved",
            "verify.lapsed-device-refused",
            "A code can be approved for a device whose renewal date has come; the redemption then fails.",
            entitled(_never_lapsed),
        ),
    ),
    *at(
        "store",
        (
            "last_letter_not_compared",
            "verify.unknown-user-code-refused",
            "The last letter of a user code is not compared.",
            lying_as(finding(DeviceGrant, "user_code", _almost)),
        ),
        (
            "approval_ends_license",
            "verify.approval-touches-no-license",
            "The approval of a code ends the device's license.",
            lying_as(committing(_licenses_end)),
        ),
    ),
    *(
        Quirk(name=name, rules=(rule,), says=says, seam="decisions.is_open", wrap=wrap, also=also)
        for name, rule, says, wrap, also in (
            (
                "approved_code_can_be_denied",
                "verify.approved-is-not-decided-again",
                "A code that has been approved can be denied.",
                _seen_as_pending(State.APPROVED),
                {"decisions.deny": _seen_as_pending(State.APPROVED)},
            ),
            (
                "denied_code_can_be_approved",
                "verify.denied-is-not-decided-again",
                "A code that has been denied can be approved.",
                _seen_as_pending(State.DENIED),
                {"decisions.approve": _seen_as_pending(State.DENIED)},
            ),
            (
                "expired_code_can_be_decided",
                "verify.expired-user-code-refused",
                "A code that has expired can be approved and denied.",
                _before_expiry,
                {"decisions.approve": _before_expiry, "decisions.deny": _before_expiry},
            ),
        )
    ),
)

VERIFICATION: Final = (*COMPARING, *APPROVING)
