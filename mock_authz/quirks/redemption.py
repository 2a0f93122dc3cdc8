"""Quirks of redemption: what is checked again, what is written; and races, of codes and of refresh tokens, that are lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.types import Message

from mock_authz.domain.device_grant import DeviceGrant, State
from mock_authz.domain.license import License
from mock_authz.domain.organization import Administrator, Device, Edition
from mock_authz.domain.refusals import InvalidGrant
from mock_authz.oauth.reply import Reply, refuse
from mock_authz.quirks.bending import (
    Form,
    Handle,
    grant_of,
    heard_at,
    license_of,
    lied_to,
    load,
    polls,
    refreshes,
    refused,
    responding,
    with_store,
)
from mock_authz.quirks.lying_store import Commit, LyingStore, changed, committing, finding, getting, lying_as
from mock_authz.quirks.quirk import Quirk, Wrap, at
from mock_authz.quirks.verification import enabled_device, entitled, entitled_person
from mock_authz.store.port import ABSENT, R, Stored
from mock_authz.store.records import Counter
from mock_authz.usecases.administer import revoke_device_license
from mock_authz.web.visit import Visit, read_body

# In real time: how long a request lies between its reading of the records and its decision.
LOST_SECONDS: Final = 0.05
REMEMBERED: Final = "renewal_at_approval_of:"


# --- what is checked again ---


def _brought_back(visit: Visit, form: Form, handle: Handle) -> Reply | None:
    """Find, in place of a device that was deleted, one of the same identity."""
    grant = grant_of(visit, form) if polls(visit, form) else None
    approver = None if grant is None else load(visit, Administrator, grant.administrator or "")
    if grant is None or approver is None or not approver.organizations:
        return None
    ghost = Device(
        server_id=grant.server_id or "",
        organization_id=approver.organizations[0],
        name="Deleted",
        edition=Edition.STORE,
    )
    found = getting(
        Device,
        lambda store, sandbox, name: (
            store.behind.get(sandbox, Device, name)
            or (Stored(ghost, ABSENT) if name == ghost.server_id else None)
        ),
    )
    return handle(with_store(visit, found), form)


def _withdrawal_lost(_: LyingStore, __: str, commit: Commit) -> Commit:
    """Lose the denial of a code that failed a check at redemption."""
    if any(grant.state is State.APPROVED for grant in commit.of(DeviceGrant)):
        return commit
    return commit.without(
        lambda record: (
            isinstance(record, DeviceGrant)
            and record.state is State.DENIED
            and record.approved_at is not None
        )
    )


def _revoking_replay(visit: Visit, form: Form, handle: Handle) -> Reply | None:
    grant = grant_of(visit, form) if polls(visit, form) else None
    if grant is None or grant.state is not State.REDEEMED:
        return None
    reply = handle(visit, form)
    if refused("invalid_grant")(reply) and form.get("client_id") == grant.client_id:
        revoke_device_license(visit.context, grant.server_id or "")
    return reply


def _another_sub(visit: Visit, form: Form, handle: Handle) -> Reply | None:
    """Name a device otherwise once it has had a license."""
    grant = grant_of(visit, form) if polls(visit, form) else None
    name = visit.context.sandbox.name
    if grant is None or not visit.context.store.find(name, License, "server", grant.server_id or ""):
        return None

    def otherwise(claims: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        def lying(*subject: Any, **given: Any) -> dict[str, Any]:
            built = claims(*subject, **given)
            return {**built, "sub": f"{built['sub']}-again"}

        return lying

    return handle(lied_to("decisions.claims", otherwise)(visit), form)


# --- the renewal date of the approval ---


def _date_remembered(store: LyingStore, sandbox: str, commit: Commit) -> Commit:
    """Remember at an approval which renewal date the device has."""
    memories = [
        Counter(REMEMBERED + grant.grant_id, device.renewal_at or 0)
        for grant in commit.of(DeviceGrant)
        if grant.state is State.APPROVED
        and (device := store.load(sandbox, Device, grant.server_id or "")) is not None
    ]
    return commit.adding(*memories)


class _DateOfApproval(LyingStore):
    """Shows every device with one renewal date, and loses what becomes of devices."""

    renewal_at: int | None = None

    def get(self, sandbox: str, kind: type[R], record_id: str) -> Stored[R] | None:
        stored = super().get(sandbox, kind, record_id)
        return changed(stored, renewal_at=self.renewal_at) if kind is Device else stored

    def bend(self, sandbox: str, commit: Commit) -> Commit:
        del sandbox
        return commit.without(lambda record: isinstance(record, Device))


def _date_of_approval(visit: Visit, form: Form, handle: Handle) -> Reply | None:
    grant = grant_of(visit, form) if polls(visit, form) else None
    memory = None if grant is None else load(visit, Counter, REMEMBERED + grant.grant_id)
    if memory is None:
        return None
    dated = type("_Dated", (_DateOfApproval,), {"renewal_at": memory.made or None})
    return handle(with_store(visit, dated), form)


# --- races ---


def _racing(lie: Callable[[dict[str, Any], Visit, Form, Handle], Reply | None]) -> Wrap:
    """Let time pass between the reading of the records and the decision: `lie` is told what was read."""

    def heard(visit: Visit) -> Visit:
        read: dict[str, Any] = {}

        async def receive() -> Message:
            body = await read_body(visit.request)
            form = dict(parse_qsl(body.decode("latin-1")))
            read.update(grant=grant_of(visit, form), license=license_of(visit, form))
            await asyncio.sleep(LOST_SECONDS)  # noqa: TID251 - a race that nobody can lose is none
            return {"type": "http.request", "body": body, "more_body": False}

        slow = replace(visit, request=Request(visit.request.scope, receive))
        answering = responding(lambda seen, form, handle: lie(read, seen, form, handle))
        return lied_to("respond", answering)(slow)

    return heard_at("/token", heard)


def _redeemed_as_read(read: dict[str, Any], visit: Visit, form: Form, handle: Handle) -> Reply | None:
    grant = read.get("grant")
    if not polls(visit, form) or grant is None or grant.state is not State.APPROVED:
        return None

    def stale(store: LyingStore, sandbox: str, name: str) -> Any:
        stored = store.behind.get(sandbox, DeviceGrant, name)
        is_it = stored is not None and name == grant.grant_id
        return Stored(grant, stored.version) if stored is not None and is_it else stored

    return handle(with_store(visit, getting(DeviceGrant, stale)), form)


def _conflict_is_refused(read: dict[str, Any], visit: Visit, form: Form, _: Handle) -> Reply | None:
    """Refuse a refresh whose license was refreshed after it was read."""
    license_ = license_of(visit, form) if refreshes(visit, form) else None
    if license_ is None or license_ == read.get("license"):
        return None
    return refuse(InvalidGrant("Another refresh came first."))


REDEMPTION: Final = (
    *at(
        "store",
        (
            "earlier_approval_stands",
            "redeem.latest-approval-only",
            "Of several codes approved for one device all can be redeemed.",
            lying_as(finding(DeviceGrant, "approved_for", lambda *_: [])),
        ),
        (
            "failed_check_is_forgotten",
            "redeem.failed-check-is-final",
            "A code that failed a check at redemption can be redeemed once the fault is mended.",
            lying_as(committing(_withdrawal_lost)),
        ),
    ),
    *at(
        "decisions.still_authorized",
        (
            "disabled_device_redeems",
            "redeem.disabled-device-refused",
            "A code is redeemed although its device has been disabled.",
            entitled(enabled_device),
        ),
        (
            "former_administrator_s_code_redeems",
            "redeem.administrator-checked-again",
            "A code is redeemed although its approver has lost the organization.",
            entitled(entitled_person),
        ),
    ),
    *at(
        "respond",
        (
            "deleted_device_redeems",
            "redeem.deleted-device-refused",
            "A code brings its device back that has been deleted.",
            responding(_brought_back),
        ),
        (
            "replay_revokes",
            "redeem.replay-revokes-nothing",
            "A redeemed code presented again revokes the device's license.",
            responding(_revoking_replay),
        ),
        (
            "server_id_changes",
            "redeem.server-id-survives",
            "A device that is acquired again gets another sub.",
            responding(_another_sub),
        ),
    ),
    *at(
        "hear",
        (
            "polls_race",
            "redeem.once-under-concurrency",
            "Simultaneous polls of an approved code all redeem it.",
            _racing(_redeemed_as_read),
        ),
        (
            "refreshes_race",
            "refresh.concurrent-are-retries",
            "Of simultaneous refreshes all but one are refused.",
            _racing(_conflict_is_refused),
        ),
    ),
    Quirk(
        name="renewal_date_of_approval",
        rules=("redeem.copies-renewal-date",),
        says="The license carries the renewal date that its device had at the approval.",
        seam="respond",
        wrap=responding(_date_of_approval),
        also={"store": lying_as(committing(_date_remembered))},
    ),
)
