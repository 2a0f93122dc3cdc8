"""Quirks of the server's clock: time that leaks in from outside, and what a clock that goes back does not undo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from mock_authz.clock import Clock, ClockMode, real_now
from mock_authz.domain.device_grant import DeviceGrant
from mock_authz.domain.events import Event, EventType
from mock_authz.domain.license import License
from mock_authz.oauth.reply import Reply
from mock_authz.quirks.bending import (
    Form,
    Handle,
    grant_of,
    granted,
    hearing,
    license_of,
    lied_to,
    members,
    polls,
    refreshes,
    responding,
    when,
)
from mock_authz.quirks.quirk import at
from mock_authz.store.port import Entry
from mock_authz.web.visit import Visit

# Further than from today to where the kit begins, at 2030; less than to five years later, where it moves to.
YEARS_SECONDS: Final = 4 * 365 * 24 * 3600


def _frozen_ticks(visit: Visit) -> Visit:
    """Let a frozen clock go on by the whole seconds of real time since it was set."""
    clock = visit.context.sandbox.clock
    if clock.mode is not ClockMode.FROZEN:
        return visit
    ticking = Clock(ClockMode.OFFSET, clock.real_at, float(visit.context.now))
    return replace(visit, context=replace(visit.context, now=ticking.now(real_now())))


def _counted_from_real_time(visit: Visit, form: Form, handle: Handle) -> Reply | None:
    """Count expires_in from the wall clock, where years lie between it and the sandbox's."""
    ahead = visit.context.now - int(real_now())
    if abs(ahead) < YEARS_SECONDS or not (polls(visit, form) or refreshes(visit, form)):
        return None
    return when(granted, members(expires_in=lambda seconds: seconds + ahead))(handle(visit, form))


def _has_happened(visit: Visit, event_type: EventType, name: str, value: str) -> bool:
    def is_it(entry: Entry) -> bool:
        event = entry.of
        return isinstance(event, Event) and event.type is event_type and event.subject.get(name) == value

    return bool(visit.context.store.journal(visit.context.sandbox.name, keep=is_it))


def _stays_lapsed(visit: Visit, form: Form, handle: Handle) -> Reply | None:
    license_ = license_of(visit, form) if refreshes(visit, form) else None
    if license_ is None or license_.renewal_at is None:
        return None
    if not _has_happened(visit, EventType.LICENSE_LAPSED, "license_id", license_.license_id):
        return None
    lapsed_at = license_.renewal_at

    def lapsed(refresh: Callable[..., Any]) -> Callable[..., Any]:
        def lying(seen: License, *, now: int, **given: Any) -> Any:
            return refresh(seen, now=max(now, lapsed_at), **given)

        return lying

    return handle(lied_to("decisions.refresh", lapsed)(visit), form)


def _stays_expired(visit: Visit, form: Form, handle: Handle) -> Reply | None:
    grant = grant_of(visit, form) if polls(visit, form) else None
    if grant is None or not _has_happened(visit, EventType.USER_CODE_EXPIRED, "user_code", grant.user_code):
        return None

    def expired(poll: Callable[..., Any]) -> Callable[..., Any]:
        def lying(seen: DeviceGrant, *, now: int, **given: Any) -> Any:
            return poll(seen, now=max(now, seen.expires_at), **given)

        return lying

    return handle(lied_to("decisions.poll", expired)(visit), form)


CLOCKS: Final = (
    *at(
        "hear",
        (
            "frozen_clock_ticks",
            "clock.frozen-stands-still",
            "A frozen clock goes on with real time, in whole seconds.",
            hearing(_frozen_ticks),
        ),
    ),
    *at(
        "respond",
        (
            "wall_clock_leaks",
            "clock.moves-everything",
            "After a move of the clock by years expires_in is counted from the wall clock, and may be negative.",
            responding(_counted_from_real_time),
        ),
        (
            "lapsed_for_good",
            "clock.back-unlapses",
            "A license that has lapsed stays so when the clock is moved back.",
            responding(_stays_lapsed),
        ),
        (
            "expired_for_good",
            "clock.back-unexpires",
            "A code that has expired stays so when the clock is moved back.",
            responding(_stays_expired),
        ),
    ),
)
