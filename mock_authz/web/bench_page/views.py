"""All that the test bench page of one sandbox shows, gathered at one instant. Knows nothing of HTML and of forms' answers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from mock_authz.domain import device_grant
from mock_authz.domain import faults as fault_rules
from mock_authz.domain.device_grant import DeviceGrant
from mock_authz.domain.events import Event, EventType
from mock_authz.domain.faults import Fault
from mock_authz.domain.human_script import HumanScript
from mock_authz.domain.organization import Device, Organization
from mock_authz.store.port import Entry
from mock_authz.store.records import KINDS
from mock_authz.usecases import approvals, faults, humans, snapshots
from mock_authz.usecases.listing import list_records
from mock_authz.usecases.overview import overviews
from mock_authz.usecases.timeline_view import timeline_view
from mock_authz.web.bench_page import axis
from mock_authz.web.bench_page.picture import Picture, draw, instants
from mock_authz.web.bench_page.words import Line, fault_words, journal_line
from mock_authz.web.desk import Place
from mock_authz.web.page_views import TOKEN_LABELS, DeviceView, view_device

MOST_DEVICES: Final = 60
MOST_LINES: Final = 60
MOST_CODES: Final = 20
MOST_CHOICES: Final = 200
# While nothing happens, the page is drawn anew this often: its line of now has moved on.
SECONDS_ALIKE: Final = 15
LONGEST_FILTER: Final = 100
FIT: Final = "fit"
TOKEN_GOOD: Final = ("Good", "good")
# Where the journal tells what a move of the clock brought about: `first-last`, sequence numbers.
MOVED: Final = "moved"
DIGITS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the address asks to see.

    Attributes:
        span: of `axis.SPANS`, or `FIT`.
        find: a text, of devices; `journal` likewise, of its lines.
        moved: the journal's entries of the last move, as sequence numbers.
    """

    span: str = FIT
    find: str = ""
    journal: str = ""
    moved: tuple[int, int] | None = None

    def query(self, **changes: str) -> str:
        """Spell the address' query that keeps this wish, with changes; empty for the default."""
        kept = {"span": self.span if self.span != FIT else "", "find": self.find, "journal": self.journal}
        pairs = {name: value for name, value in {**kept, **changes}.items() if value}
        return f"?{urlencode(pairs)}" if pairs else ""


def wish_of(query: Mapping[str, str]) -> Wish:
    """Read what an address asks to see; what cannot be understood has its default."""
    span = query.get("span", FIT)
    first, _, last = query.get(MOVED, "").partition("-")
    is_moved = all(part.isdecimal() and part.isascii() and len(part) <= DIGITS for part in (first, last))
    return Wish(
        span=span if span in axis.SPANS else FIT,
        find=query.get("find", "")[:LONGEST_FILTER].strip(),
        journal=query.get("journal", "")[:LONGEST_FILTER].strip(),
        moved=(int(first), int(last)) if is_moved else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRow:
    """One device in the table."""

    view: DeviceView
    organization: str
    token: tuple[str, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What a move of the clock brought about."""

    from_at: int
    to_at: int
    lines: tuple[Line, ...]
    more: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRow:
    """One fault in the list.

    Attributes:
        state: `on`, `ahead` before its window, or `over`: after it, or used up.
    """

    fault: Fault
    title: str
    device: str | None
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """The page."""

    place: Place
    wish: Wish
    moved: Moved | None
    next_at: int | None
    picture: Picture
    devices: tuple[DeviceRow, ...]
    devices_in_all: int
    choices: tuple[Device, ...]
    codes: tuple[DeviceGrant, ...]
    humans: tuple[HumanScript, ...]
    faults: tuple[FaultRow, ...]
    quirks: tuple[Mapping[str, Any], ...]
    snapshots: tuple[str, ...]
    lines: tuple[Line, ...]
    names: Mapping[str, str]


def version_of(place: Place, wish: Wish) -> str:
    """Tell two states of the page apart without drawing it: who follows it asks each second."""
    store, name = place.context.store, place.sandbox.name
    kinds: Iterable[type[object]] = KINDS
    versions = [[stored.version for stored in store.every(name, kind)] for kind in kinds]
    # A version is never used again: the latest one and the number of records say whether anything has changed.
    state = (
        [(len(of_kind), max(of_kind, default=0)) for of_kind in versions],
        [entry.sequence for entry in store.journal(name)[-1:]],
        snapshots.list_snapshots(store, place.sandbox),
        place.context.now // SECONDS_ALIKE,
        wish,
    )
    return hashlib.sha256(repr(state).encode()).hexdigest()[:16]


def gather(place: Place, wish: Wish) -> Bench:
    """Look at everything."""
    context, store, name = place.context, place.context.store, place.sandbox.name
    every = [stored.record for stored in store.every(name, Device)]
    organizations = {one.organization_id: one.name for one in list_records(context, Organization)}
    fitting = _fitting(every, wish.find, organizations)
    chosen = fitting[:MOST_DEVICES]
    names = {device.server_id: device.name for device in every}
    entries = store.journal(name)
    return Bench(
        place=place,
        wish=wish,
        moved=None if wish.moved is None else moved_by(entries, wish.moved, names),
        next_at=store.next_due(name, context.now),
        picture=_picture(place, wish, chosen),
        devices=tuple(_device_rows(place, chosen, organizations)),
        devices_in_all=len(fitting),
        choices=tuple(device for device in fitting if device.enabled)[:MOST_CHOICES],
        codes=tuple(_open_codes(place)),
        humans=tuple(humans.list_humans(context)),
        faults=tuple(_fault_row(fault, names, now=context.now) for fault in faults.list_faults(context)),
        quirks=tuple(place.desk.quirks().values()),
        snapshots=tuple(snapshots.list_snapshots(store, place.sandbox)),
        lines=tuple(_lines(entries, wish.journal, names)),
        names=names,
    )


def _fitting(devices: Iterable[Device], find: str, organizations: Mapping[str, str]) -> list[Device]:
    """Choose the devices whose name, identity or organization holds a text, in order of creation."""
    wanted = find.casefold()
    return [
        device
        for device in devices
        if wanted
        in f"{device.name}\n{device.server_id}\n{organizations.get(device.organization_id, '')}".casefold()
    ]


def _picture(place: Place, wish: Wish, devices: Sequence[Device]) -> Picture:
    view = timeline_view(place.context, devices)
    now = place.context.now
    shown = axis.fitted(list(instants(view)), now=now) if wish.span == FIT else axis.fixed(wish.span, now=now)
    return draw(view, shown)


def _device_rows(
    place: Place, devices: Sequence[Device], organizations: Mapping[str, str]
) -> Iterable[DeviceRow]:
    for overview in overviews(place.context, devices):
        view = view_device(overview, now=place.context.now)
        state = overview.token_state if view.is_live else None
        yield DeviceRow(
            view=view,
            organization=organizations.get(view.device.organization_id, view.device.organization_id),
            token=None if state is None else TOKEN_LABELS.get(state, TOKEN_GOOD),
        )


def _open_codes(place: Place) -> list[DeviceGrant]:
    """List what waits for a decision, the newest first."""
    now = place.context.now
    found = [
        grant
        for grant in approvals.list_authorizations(place.context)
        if device_grant.is_open(grant, now=now)
    ]
    return found[::-1][:MOST_CODES]


def _fault_row(fault: Fault, names: Mapping[str, str], *, now: int) -> FaultRow:
    if fault.from_at is not None and now < fault.from_at:
        state = "ahead"
    else:
        state = "on" if fault_rules.is_open(fault, now=now) else "over"
    device = None if fault.server_id is None else names.get(fault.server_id, fault.server_id)
    return FaultRow(fault=fault, title=fault_words(fault.kind.value), device=device, state=state)


def _lines(entries: Sequence[Entry], find: str, names: Mapping[str, str]) -> Iterable[Line]:
    """List the latest lines that hold a text, the newest first."""
    wanted, found = find.casefold(), 0
    for entry in reversed(entries):
        line = journal_line(entry, names)
        if wanted in f"{line.title} {line.details}".casefold():
            yield line
            found += 1
        if found == MOST_LINES:
            return


def moved_by(entries: Iterable[Entry], between: tuple[int, int], names: Mapping[str, str]) -> Moved | None:
    """Tell what a move of the clock brought about; None if the journal does not know of it."""
    first, last = between
    told = [entry for entry in entries if first < entry.sequence <= last and isinstance(entry.of, Event)]
    moves = [
        entry.of for entry in told if isinstance(entry.of, Event) and entry.of.type is EventType.CLOCK_MOVED
    ]
    if not moves:
        return None
    subject = moves[-1].subject
    due = [entry for entry in told if entry.of is not moves[-1]]
    return Moved(
        from_at=int(subject["from"] or 0),
        to_at=int(subject["to"] or 0),
        lines=tuple(journal_line(entry, names) for entry in due[:MOST_LINES]),
        more=max(len(due) - MOST_LINES, 0),
    )
