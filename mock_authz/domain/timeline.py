"""What falls due by the mere passing of time, read off the records.

Expiry and status are computed, so nothing here changes a record: these are the instants at which an answer changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Any, Final

from mock_authz.domain import faults
from mock_authz.domain.device_grant import DeviceGrant, State
from mock_authz.domain.events import Event, EventType
from mock_authz.domain.faults import Fault
from mock_authz.domain.human_script import HumanScript
from mock_authz.domain.license import License
from mock_authz.domain.signing_key import KeySet, removed_at

# What falls due of a record: what happens, when, and to what.
Due = tuple[EventType, int, Mapping[str, Any]]


def dues(record: object) -> tuple[Event, ...]:
    """List what falls due of one record, ever, in no order. Other records than the ones below have nothing due."""
    return tuple(Event(*due) for due in _dues(record))


def due_instants(record: object) -> list[int]:
    """List when something falls due of a record, in no order."""
    return [at for _, at, _ in _dues(record)]


def falling_due(records: Iterable[object], *, after: int, until: int) -> list[Event]:
    """List what falls due in `after < at <= until`, in order of instant, then of type, then as the records come."""
    events = [event for record in records for event in dues(record) if after < event.at <= until]
    # Sorting is stable: the last one counts most.
    events.sort(key=attrgetter("type"))
    events.sort(key=attrgetter("at"))
    return events


def _license_dues(license_: License) -> Iterator[Due]:
    subject = {"license_id": license_.license_id, "server_id": license_.server_id}
    # A license token held offline stays good until its `exp`, also when the license has ended.
    yield EventType.LICENSE_TOKEN_EXPIRED, license_.token_expires_at, subject
    if license_.ending is not None:
        return
    yield EventType.REFRESH_TOKEN_EXPIRED, license_.refresh_tokens.expires_at, subject
    if license_.renewal_at is not None and license_.renewal_due_from is not None:
        # A date that was set within the renewal window has made the license due already: nothing is left to fall due.
        if license_.renewal_due_from > license_.renewal_set_at:
            yield EventType.LICENSE_RENEWAL_DUE, license_.renewal_due_from, subject
        yield EventType.LICENSE_LAPSED, license_.renewal_at, subject


def _grant_dues(grant: DeviceGrant) -> Iterator[Due]:
    if grant.state in (State.PENDING, State.APPROVED):
        subject = {"user_code": grant.user_code, "client_id": grant.client_id}
        yield EventType.USER_CODE_EXPIRED, grant.expires_at, subject


def _key_dues(key_set: KeySet) -> Iterator[Due]:
    for key in key_set.keys:
        subject = {"kid": key.kid}
        if key.signs_from_at > key.published_at:
            yield EventType.KEY_SIGNING_STARTED, key.signs_from_at, subject
        if (gone := removed_at(key)) is not None:
            yield EventType.KEY_REMOVED, gone, subject


def _fault_dues(fault: Fault) -> Iterator[Due]:
    """A fault with a window in virtual time is an outage of some kind."""
    subject = faults.named(fault)
    if fault.from_at is not None:
        yield EventType.OUTAGE_BEGAN, fault.from_at, subject
    if fault.until_at is not None:
        yield EventType.OUTAGE_ENDED, fault.until_at, subject


def _human_dues(script: HumanScript) -> Iterator[Due]:
    if script.grant_id is not None and script.acted_at is None and script.at is not None:
        yield EventType.HUMAN_DUE, script.at, {"human_id": script.human_id}


_DUES: Final[Mapping[type, Callable[[Any], Iterator[Due]]]] = {
    License: _license_dues,
    DeviceGrant: _grant_dues,
    KeySet: _key_dues,
    Fault: _fault_dues,
    HumanScript: _human_dues,
}


def _dues(record: object) -> Iterable[Due]:
    of_its_kind = _DUES.get(type(record))
    return () if of_its_kind is None else of_its_kind(record)
