"""The timeline as a picture: what stands where, in percent of the width. The template draws it as SVG.

Knows nothing of stores and requests: a view of the sandbox's timeline and an axis go in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from mock_authz.domain.events import Event
from mock_authz.domain.license import LAPSED
from mock_authz.instants import shown
from mock_authz.usecases.timeline_view import Lane, LicenseLife, Outage, Span, TimelineView
from mock_authz.web.bench_page.axis import Axis, Tick, ticks
from mock_authz.web.bench_page.words import event_words, fault_words, reason_words
from mock_authz.web.page_views import STATUS_LABELS, STATUS_TONES, Badge

# License tokens that begin closer together than this, in percent, are drawn as one bar.
CLOSEST_PERCENT: Final = 0.7
# Marks closer together than this are drawn as one.
CLOSEST_MARKS: Final = 1.6
# Beyond this, the label of now is set to the left of its line.
TURN_PERCENT: Final = 85.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of a row.

    Attributes:
        key: the same from one picture to the next, so that it glides to its new place.
        x: percent, as is `width`.
        says: what it is, for whoever points at it.
    """

    key: str
    x: float
    width: float
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something at an instant. `kind` says how it looks."""

    key: str
    x: float
    kind: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One device.

    Attributes:
        says: all of it in words, for who does not see it.
        licenses: from the issue to the end of each license, or to its renewal date.
    """

    server_id: str
    name: str
    status: Badge
    says: str
    licenses: tuple[Stretch, ...]
    tokens: tuple[Stretch, ...]
    windows: tuple[Stretch, ...]
    outages: tuple[Stretch, ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The whole timeline.

    Attributes:
        now_x: None if now is outside.
        turned: whether the label of now stands on the left.
        rest: how much of the width lies ahead, in percent.
    """

    axis: Axis
    ticks: tuple[Tick, ...]
    now: int
    now_x: float | None
    turned: bool
    rest: float
    rows: tuple[Row, ...]
    outages: tuple[Stretch, ...]
    marks: tuple[Mark, ...]


def instants(view: TimelineView) -> Iterator[int]:
    """List what a fitted axis should show."""
    for lane in view.lanes:
        for life in lane.licenses:
            yield life.issued_at
            yield from (token.until_at for token in life.tokens[-1:])
            if life.over_at is None and life.renewal_at is not None:
                yield life.renewal_at
    for outage in view.outages:
        yield from (at for at in (outage.from_at, outage.until_at) if at is not None)


def draw(view: TimelineView, axis: Axis) -> Picture:
    """Place everything of a view that lies within an axis."""
    now_x = axis.x(view.now) if axis.shows(view.now) else None
    of_all = [outage for outage in view.outages if outage.server_id is None]
    return Picture(
        axis=axis,
        ticks=tuple(ticks(axis)),
        now=view.now,
        now_x=now_x,
        turned=now_x is not None and now_x > TURN_PERCENT,
        rest=0.0 if now_x is None else round(100 - now_x, 2),
        rows=tuple(_row(lane, view, axis) for lane in view.lanes),
        outages=tuple(_outages(of_all, axis)),
        marks=tuple(_clustered(_event_marks(view.events, axis))),
    )


def _row(lane: Lane, view: TimelineView, axis: Axis) -> Row:
    own = [outage for outage in view.outages if outage.server_id == lane.server_id]
    status = Badge(STATUS_LABELS[lane.status], STATUS_TONES[lane.status])
    return Row(
        server_id=lane.server_id,
        name=lane.name,
        status=status,
        says=_in_words(lane, status),
        licenses=tuple(stretch for life in lane.licenses for stretch in _license(life, axis)),
        tokens=tuple(stretch for life in lane.licenses for stretch in _tokens(life, axis)),
        windows=tuple(stretch for life in lane.licenses for stretch in _windows(life, axis)),
        outages=tuple(_outages(own, axis)),
        marks=tuple(mark for life in lane.licenses for mark in _marks(life, axis)),
    )


def _in_words(lane: Lane, status: Badge) -> str:
    last = lane.licenses[-1]
    tokens = len(last.tokens)
    words = [
        f"{lane.name}: {status.text}",
        f"licensed since {shown(last.issued_at)}",
        f"{tokens} license token{'' if tokens == 1 else 's'}, the last good until {shown(last.tokens[-1].until_at)}",
    ]
    if last.over_at is not None:
        words.append(f"{reason_words(last.reason)} {shown(last.over_at)}")
    elif last.renewal_at is not None:
        words.append(f"to be renewed by {shown(last.renewal_at)}")
    return ", ".join(words) + "."


def _license(life: LicenseLife, axis: Axis) -> Iterator[Stretch]:
    until_at = life.renewal_at if life.over_at is None else life.over_at
    placed = axis.stretch(life.issued_at, until_at)
    if placed is not None:
        says = f"License, {_from_until(Span(life.issued_at, until_at or axis.until_at), is_open=until_at is None)}"
        yield Stretch(key=f"license-{life.license_id}", x=placed[0], width=placed[1], says=says)


def _tokens(life: LicenseLife, axis: Axis) -> Iterator[Stretch]:
    for group in _grouped(life.tokens, axis):
        placed = axis.stretch(group[0].from_at, group[-1].until_at)
        if placed is None:
            continue
        count = "License token" if len(group) == 1 else f"{len(group)} license tokens"
        yield Stretch(
            key=f"token-{life.license_id}-{group[0].from_at}",
            x=placed[0],
            width=placed[1],
            says=f"{count}, {_from_until(Span(group[0].from_at, group[-1].until_at))}",
        )


def _grouped(tokens: Sequence[Span], axis: Axis) -> Iterator[list[Span]]:
    """Join tokens that would be too narrow to be told apart, where no gap lies between them."""
    group: list[Span] = []
    closest = CLOSEST_PERCENT / 100 * axis.seconds
    for token in sorted(tokens, key=lambda one: one.from_at):
        joins = group and token.from_at - group[-1].from_at < closest and token.from_at <= group[-1].until_at
        if group and not joins:
            yield group
            group = []
        group.append(token)
    if group:
        yield group


def _windows(life: LicenseLife, axis: Axis) -> Iterator[Stretch]:
    for window in life.windows:
        placed = axis.stretch(window.from_at, window.until_at)
        if placed is not None:
            yield Stretch(
                key=f"window-{life.license_id}-{window.from_at}",
                x=placed[0],
                width=placed[1],
                says=f"Requires Renewal, {_from_until(window)}",
            )


def _marks(life: LicenseLife, axis: Axis) -> Iterator[Mark]:
    for renewed_at in life.renewed_at:
        if axis.shows(renewed_at):
            key = f"renewed-{life.license_id}-{renewed_at}"
            yield Mark(key=key, x=axis.x(renewed_at), kind="renewed", says=f"Renewed {shown(renewed_at)}")
    if life.over_at is not None:
        if axis.shows(life.over_at):
            kind = "lapsed" if life.reason == LAPSED else "ended"
            says = f"{reason_words(life.reason)} {shown(life.over_at)}"
            yield Mark(key=f"over-{life.license_id}", x=axis.x(life.over_at), kind=kind, says=says)
    elif life.renewal_at is not None and axis.shows(life.renewal_at):
        says = f"License Renewal Date {shown(life.renewal_at)}"
        yield Mark(key=f"date-{life.license_id}", x=axis.x(life.renewal_at), kind="date", says=says)


def _outages(found: Iterable[Outage], axis: Axis) -> Iterator[Stretch]:
    for outage in found:
        placed = axis.stretch(outage.from_at, outage.until_at)
        if placed is not None:
            since = "" if outage.from_at is None else f" from {shown(outage.from_at)}"
            until = "" if outage.until_at is None else f" until {shown(outage.until_at)}"
            says = f"{fault_words(outage.kind)}{since}{until}"
            yield Stretch(key=f"outage-{outage.fault_id}", x=placed[0], width=placed[1], says=says)


def _event_marks(events: Iterable[Event], axis: Axis) -> Iterator[Mark]:
    for index, event in enumerate(events):
        if axis.shows(event.at):
            words = event_words(event)
            says = f"{words.text}, {shown(event.at)}"
            yield Mark(key=f"event-{index}", x=axis.x(event.at), kind=words.kind, says=says)


def _clustered(marks: Iterable[Mark]) -> Iterator[Mark]:
    """Draw what cannot be told apart as one; what it holds is said by lines."""
    group: list[Mark] = []
    for mark in sorted(marks, key=lambda one: one.x):
        if group and mark.x - group[0].x >= CLOSEST_MARKS:
            yield _one_of(group)
            group = []
        group.append(mark)
    if group:
        yield _one_of(group)


def _one_of(group: Sequence[Mark]) -> Mark:
    kinds = {mark.kind for mark in group}
    says = "\n".join(dict.fromkeys(mark.says for mark in group))
    return Mark(key=group[0].key, x=group[0].x, kind=kinds.pop() if len(kinds) == 1 else "several", says=says)


def _from_until(span: Span, *, is_open: bool = False) -> str:
    return f"from {shown(span.from_at)}" + ("" if is_open else f" until {shown(span.until_at)}")
