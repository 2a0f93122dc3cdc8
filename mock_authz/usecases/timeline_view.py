"""The life of a sandbox's licenses as a picture shows it: license tokens, renewal windows, endings, outages, events.

Read off the journal and the records; changes nothing. Knows nothing of pictures: it gives instants, not places.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mock_authz.domain.events import Event, EventType
from mock_authz.domain.faults import Fault
from mock_authz.domain.license import LAPSED, License, LicenseStatus
from mock_authz.domain.organization import Device
from mock_authz.usecases.context import Context

# What is nobody's own: it is marked beside the devices.
MARKED: Final = frozenset({
    EventType.DEVICE_AUTHORIZATION_ISSUED,
    EventType.USER_CODE_APPROVED,
    EventType.USER_CODE_DENIED,
    EventType.USER_CODE_EXPIRED,
    EventType.DEVICE_CHANGED,
    EventType.SETTINGS_CHANGED,
    EventType.KEY_SIGNING_STARTED,
    EventType.CLOCK_MOVED,
    EventType.FAULT_STRUCK,
    EventType.SANDBOX_CHANGED,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Span:
    """From an instant up to another, Unix seconds."""

    from_at: int
    until_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenseLife:
    """One license from its issue on.

    Attributes:
        tokens: its license tokens in order of issue, each from `iat` to `exp`.
        windows: when it required renewal, and when it will.
        renewed_at: when its renewal date was moved.
        over_at: when it ended or lapsed; None while it is good.
        reason: why, as on the wire.
    """

    license_id: str
    issued_at: int
    tokens: tuple[Span, ...]
    windows: tuple[Span, ...]
    renewal_at: int | None
    renewed_at: tuple[int, ...] = ()
    over_at: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A device that has or had a license.

    Attributes:
        name: its server_id once it is deleted.
        licenses: in order of issue.
    """

    server_id: str
    name: str
    status: LicenseStatus
    licenses: tuple[LicenseLife, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A fault with a window in virtual time.

    Attributes:
        steps: the protocol steps that it strikes; empty for all, and where nobody knows any more.
        server_id: the only device that it strikes; None for all.
        from_at: None for as long as anybody can remember.
        until_at: None for no end.
    """

    fault_id: str
    kind: str
    steps: tuple[str, ...] = ()
    server_id: str | None = None
    from_at: int | None = None
    until_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineView:
    """All that a timeline shows, as of one instant.

    Attributes:
        events: what is marked beside the devices, in the journal's order.
    """

    now: int
    lanes: tuple[Lane, ...]
    outages: tuple[Outage, ...]
    events: tuple[Event, ...]


def timeline_view(context: Context, devices: Sequence[Device] | None = None) -> TimelineView:
    """Look at the licenses of some devices, of all by default, and at what happened around them.

    Args:
        devices: those that exist; with None, licenses of deleted devices are looked at too.
    """
    store, name = context.store, context.sandbox.name
    happened = [entry.of for entry in store.journal(name) if isinstance(entry.of, Event)]
    return TimelineView(
        now=context.now,
        lanes=tuple(_lanes(context, devices, happened)),
        outages=tuple(outages([stored.record for stored in store.every(name, Fault)], happened)),
        events=tuple(event for event in happened if event.type in MARKED),
    )


def _lanes(context: Context, devices: Sequence[Device] | None, happened: Iterable[Event]) -> list[Lane]:
    licenses = _licenses(context, devices)
    names = {
        stored.record.server_id: stored.record.name
        for stored in context.store.every(context.sandbox.name, Device)
    }
    by_license: dict[object, list[Event]] = {}
    for event in happened:
        if event.subject.get("license_id") is not None:
            by_license.setdefault(event.subject["license_id"], []).append(event)
    window_seconds = context.settings.renewal_window_seconds
    return [
        Lane(
            server_id=server_id,
            name=names.get(server_id, server_id),
            status=context.decisions.status(held[-1], now=context.now),
            licenses=tuple(
                life_of(
                    one, by_license.get(one.license_id, []), window_seconds=window_seconds, now=context.now
                )
                for one in held
            ),
        )
        for server_id, held in licenses.items()
    ]


def _licenses(context: Context, devices: Sequence[Device] | None) -> dict[str, list[License]]:
    """Load licenses by device: in order of the devices, where these are given, else of the first licenses."""
    store, name = context.store, context.sandbox.name
    found: dict[str, list[License]] = {}
    if devices is None:
        for stored in store.every(name, License):
            found.setdefault(stored.record.server_id, []).append(stored.record)
        return found
    for device in devices:
        held = [stored.record for stored in store.find(name, License, "server", device.server_id)]
        if held:
            found[device.server_id] = held
    return found


def life_of(license_: License, events: Iterable[Event], *, window_seconds: int, now: int) -> LicenseLife:
    """Put the life of one license together.

    Args:
        events: those of this license, in the journal's order.
        window_seconds: the renewal window, for dates that it had before.
    """
    happened = list(events)
    over_at, why = _end_of(license_, now=now)
    renewals = [event.at for event in happened if event.type is EventType.LICENSE_RENEWED]
    return LicenseLife(
        license_id=license_.license_id,
        issued_at=license_.issued_at,
        tokens=tuple(_tokens(license_, happened)),
        windows=(*_past_windows(license_, happened, window_seconds), *_present_window(license_, over_at)),
        renewal_at=license_.renewal_at,
        renewed_at=tuple(renewals),
        over_at=over_at,
        reason=why,
    )


def _end_of(license_: License, *, now: int) -> tuple[int | None, str | None]:
    """Say since when and why a license is over: by its lapse or by its ending, whichever came first."""
    lapsed_at = (
        license_.renewal_at if license_.renewal_at is not None and now >= license_.renewal_at else None
    )
    if license_.ending is None or license_.ended_at is None:
        return lapsed_at, None if lapsed_at is None else LAPSED
    if lapsed_at is not None and lapsed_at <= license_.ended_at:
        return lapsed_at, LAPSED
    return license_.ended_at, license_.ending.value


def _tokens(license_: License, events: Iterable[Event]) -> list[Span]:
    minted = (EventType.LICENSE_ISSUED, EventType.LICENSE_REFRESHED)
    found = [
        Span(event.at, int(event.subject["expires_at"] or event.at))
        for event in events
        if event.type in minted and "expires_at" in event.subject
    ]
    # The journal is bounded: what it has forgotten, the record still knows the end of.
    return found or [Span(license_.issued_at, license_.token_expires_at)]


def _past_windows(license_: License, events: Iterable[Event], window_seconds: int) -> list[Span]:
    """List when it required renewal until it was renewed."""
    found: list[Span] = []
    date: object = None
    since = license_.issued_at
    for event in events:
        if event.type is EventType.LICENSE_ISSUED:
            date = event.subject.get("renewal_at")
        if event.type is not EventType.LICENSE_RENEWED:
            continue
        if isinstance(date, int) and max(date - window_seconds, since) < event.at:
            found.append(Span(max(date - window_seconds, since), event.at))
        date, since = event.subject.get("renewal_at"), event.at
    return found


def _present_window(license_: License, over_at: int | None) -> list[Span]:
    if license_.renewal_at is None or license_.renewal_due_from is None:
        return []
    begins_at = max(license_.renewal_due_from, license_.renewal_set_at)
    ends_at = license_.renewal_at if over_at is None else min(license_.renewal_at, over_at)
    return [Span(begins_at, ends_at)] if begins_at < ends_at else []


def outages(faults: Iterable[Fault], events: Iterable[Event]) -> list[Outage]:
    """List the outages: those that are declared, and those of the journal whose faults have been removed."""
    declared = {fault.fault_id: fault for fault in faults}
    found = [
        Outage(
            fault_id=fault.fault_id,
            kind=fault.kind.value,
            steps=fault.steps,
            server_id=fault.server_id,
            from_at=fault.from_at,
            until_at=fault.until_at,
        )
        for fault in declared.values()
        if fault.from_at is not None or fault.until_at is not None
    ]
    return [*_removed(events, declared), *found]


def _removed(events: Iterable[Event], declared: Mapping[str, Fault]) -> list[Outage]:
    began: dict[str, int] = {}
    found: list[Outage] = []
    for event in events:
        fault_id = str(event.subject.get("fault_id"))
        if fault_id in declared:
            continue
        if event.type is EventType.OUTAGE_BEGAN:
            began[fault_id] = event.at
        elif event.type is EventType.OUTAGE_ENDED:
            server_id = event.subject.get("server_id")
            found.append(
                Outage(
                    fault_id=fault_id,
                    kind=str(event.subject.get("kind")),
                    server_id=None if server_id is None else str(server_id),
                    from_at=began.pop(fault_id, None),
                    until_at=event.at,
                )
            )
    return found
