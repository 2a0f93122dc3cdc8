"""The timeline's axis and picture: what stands where, in percent."""

from __future__ import annotations

import pytest

from mock_authz.domain.events import Event, EventType
from mock_authz.domain.license import LicenseStatus
from mock_authz.instants import EARLIEST_AT, LATEST_AT, parse_instant
from mock_authz.usecases.timeline_view import Lane, LicenseLife, Outage, Span, TimelineView
from mock_authz.web.bench_page import axis
from mock_authz.web.bench_page.axis import MOST_TICKS, SPANS, Axis, fitted, fixed, ticks
from mock_authz.web.bench_page.picture import Picture, draw, instants
from mock_authz.web.bench_page.words import EVENTS, FAULTS, event_words, reason_words
from tests.factories import DAY, HOUR, NOW, STORE_12

YEAR = 365 * DAY
AROUND = Axis(NOW - 50 * DAY, NOW + 50 * DAY)


def a_life(*tokens: Span, over_at: int | None = None, reason: str | None = None) -> LicenseLife:
    return LicenseLife(
        license_id="one",
        issued_at=tokens[0].from_at,
        tokens=tokens,
        windows=(),
        renewal_at=None,
        over_at=over_at,
        reason=reason,
    )


def a_view(
    *lives: LicenseLife, outages: tuple[Outage, ...] = (), events: tuple[Event, ...] = ()
) -> TimelineView:
    lane = Lane(server_id=STORE_12, name="Store 12", status=LicenseStatus.LICENSED, licenses=lives)
    return TimelineView(now=NOW, lanes=(lane,) if lives else (), outages=outages, events=events)


def drawn(
    *lives: LicenseLife,
    outages: tuple[Outage, ...] = (),
    events: tuple[Event, ...] = (),
    on: Axis = AROUND,
) -> Picture:
    return draw(a_view(*lives, outages=outages, events=events), on)


# --- the axis ---


def test_places_are_percents_of_the_width() -> None:
    assert [AROUND.x(NOW + days * DAY) for days in (-50, 0, 50, 100)] == [0.0, 50.0, 100.0, 150.0]


@pytest.mark.parametrize(
    ("from_at", "until_at", "placed"),
    [
        (NOW, NOW + 10 * DAY, (50.0, 10.0)),
        (NOW - 99 * DAY, NOW, (0.0, 50.0)),
        (None, NOW, (0.0, 50.0)),
        (NOW, None, (50.0, 50.0)),
        (NOW, NOW, None),
        (NOW + 60 * DAY, None, None),
        (None, NOW - 60 * DAY, None),
    ],
)
def test_a_stretch_is_cut_at_the_edges(
    from_at: int | None, until_at: int | None, placed: tuple[float, float] | None
) -> None:
    assert AROUND.stretch(from_at, until_at) == placed


@pytest.mark.parametrize("span", SPANS)
def test_now_lies_within_every_scale(span: str) -> None:
    shown = fixed(span, now=NOW)
    assert (shown.seconds, shown.x(NOW)) == (SPANS[span][1], 60.0)


def test_a_scale_stays_within_the_years_that_can_be_spelled() -> None:
    assert fixed("decade", now=EARLIEST_AT).from_at == EARLIEST_AT
    assert fixed("decade", now=LATEST_AT - 1).until_at == LATEST_AT


def test_a_fitted_axis_shows_everything_that_is_near() -> None:
    shown = fitted([NOW - 40 * DAY, NOW + 50 * DAY], now=NOW)
    assert shown.from_at < NOW - 40 * DAY
    assert shown.until_at > NOW + 50 * DAY


def test_a_renewal_date_years_ahead_does_not_squeeze_the_days() -> None:
    assert fitted([NOW - 40 * DAY, NOW + 10 * YEAR], now=NOW).until_at < NOW + 10 * DAY


def test_nothing_at_all_is_shown_as_an_hour() -> None:
    shown = fitted([], now=NOW)
    assert (shown.seconds, shown.x(NOW)) == (HOUR, 50.0)


@pytest.mark.parametrize(
    "seconds", [60, HOUR, 5 * HOUR, DAY, 9 * DAY, 60 * DAY, YEAR, 10 * YEAR, 900 * YEAR, 7000 * YEAR]
)
def test_every_length_of_time_has_a_few_readable_ticks(seconds: int) -> None:
    begins_at = max(NOW - seconds // 2, EARLIEST_AT)
    found = ticks(Axis(begins_at, begins_at + seconds))
    labels = [tick.label for tick in found]
    assert len(found) <= MOST_TICKS
    assert seconds == 60 or len(found) >= 2
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize(
    ("from_text", "seconds", "labels"),
    [
        ("2027-01-15T07:30:00Z", HOUR, ["07:40", "07:50", "08:00", "08:10", "08:20"]),
        ("2027-01-14T20:00:00Z", 9 * HOUR, ["21:00", "22:00", "23:00", "15 Jan", "01:00", "02:00", "03:00", "04:00"]),
        ("2026-12-28T12:00:00Z", 7 * DAY, ["29 Dec", "30 Dec", "31 Dec", "1 Jan 2027", "2 Jan", "3 Jan", "4 Jan"]),
        ("2026-10-15T00:00:00Z", 200 * DAY, ["Nov", "Dec", "2027", "Feb", "Mar", "Apr"]),
        ("2020-06-01T00:00:00Z", 8 * YEAR, ["2021", "2022", "2023", "2024", "2025", "2026", "2027", "2028"]),
    ],
)  # fmt: skip
def test_ticks_stand_at_round_instants(from_text: str, seconds: int, labels: list[str]) -> None:
    begins_at = parse_instant(from_text)
    assert [tick.label for tick in ticks(Axis(begins_at, begins_at + seconds))] == labels


def test_weeks_begin_on_mondays() -> None:
    begins_at = parse_instant("2027-01-01")
    found = ticks(Axis(begins_at, begins_at + 50 * DAY))
    # 2027-01-04 is a Monday.
    assert [tick.label for tick in found][:2] == ["4 Jan 2027", "11 Jan"]


def test_every_other_label_is_spared_on_narrow_screens() -> None:
    assert [tick.spare for tick in ticks(AROUND)][:4] == [False, True, False, True]


# --- the picture ---


def test_a_token_is_a_bar_from_its_minting_to_its_expiry() -> None:
    (row,) = drawn(a_life(Span(NOW, NOW + 7 * DAY), Span(NOW + 10 * DAY, NOW + 17 * DAY))).rows
    assert [(bar.x, bar.width) for bar in row.tokens] == [(50.0, 7.0), (60.0, 7.0)]
    assert row.tokens[0].says == "License token, from 2027-01-15 08:00 UTC until 2027-01-22 08:00 UTC"


def test_tokens_that_cannot_be_told_apart_are_one_bar_but_for_gaps() -> None:
    every_hour = [Span(NOW + n * HOUR, NOW + (n + 2) * HOUR) for n in range(20)]
    later = Span(NOW + 23 * HOUR, NOW + 25 * HOUR)
    (row,) = drawn(a_life(*every_hour, later)).rows
    assert [bar.says.partition(",")[0] for bar in row.tokens] == ["20 license tokens", "License token"]
    assert [bar.key for bar in row.tokens][-1] == f"token-one-{later.from_at}"


def test_a_license_without_an_end_reaches_to_the_edge() -> None:
    (row,) = drawn(a_life(Span(NOW, NOW + 7 * DAY))).rows
    assert [(one.x, one.width) for one in row.licenses] == [(50.0, 50.0)]


@pytest.mark.parametrize(
    ("reason", "kind", "says"),
    [
        ("license_expired", "lapsed", "Lapsed"),
        ("license_revoked", "ended", "Revoked"),
        (None, "ended", "Ended"),
    ],
)
def test_an_end_is_marked_by_how_it_came(reason: str | None, kind: str, says: str) -> None:
    (row,) = drawn(a_life(Span(NOW - DAY, NOW), over_at=NOW, reason=reason)).rows
    assert [(mark.kind, mark.says) for mark in row.marks] == [(kind, f"{says} 2027-01-15 08:00 UTC")]
    assert f"{says} 2027-01-15 08:00 UTC." in row.says


def test_an_outage_of_one_device_shades_its_row_only() -> None:
    life = a_life(Span(NOW, NOW + DAY))
    of_all = Outage(fault_id="a", kind="offline", from_at=NOW)
    of_one = Outage(fault_id="b", kind="status", server_id=STORE_12, until_at=NOW)
    shown = drawn(life, outages=(of_all, of_one))
    assert [one.says for one in shown.outages] == ["Offline from 2027-01-15 08:00 UTC"]
    assert [one.says for one in shown.rows[0].outages] == ["Error status until 2027-01-15 08:00 UTC"]


def test_now_outside_the_axis_is_not_drawn_and_near_the_edge_its_label_turns() -> None:
    assert drawn(on=Axis(NOW + 1, NOW + DAY)).now_x is None
    assert not drawn().turned
    assert drawn(on=Axis(NOW - DAY, NOW)).turned


def test_marks_that_cannot_be_told_apart_are_one_that_says_all() -> None:
    events = tuple(
        Event(kind, NOW + seconds, {"server_id": STORE_12})
        for kind, seconds in [
            (EventType.DEVICE_CHANGED, 0), (EventType.FAULT_STRUCK, 60), (EventType.DEVICE_CHANGED, 20 * DAY),
        ]
    )  # fmt: skip
    marks = drawn(events=events).marks
    assert [(mark.kind, mark.x) for mark in marks] == [("several", 50.0), ("change", 70.0)]
    assert marks[0].says.count("\n") == 1


def test_a_fitted_axis_looks_at_licenses_and_outages() -> None:
    life = a_life(Span(NOW, NOW + DAY))
    view = a_view(life, outages=(Outage(fault_id="a", kind="offline", from_at=NOW - DAY),))
    assert set(instants(view)) == {NOW, NOW + DAY, NOW - DAY}


# --- words ---


@pytest.mark.parametrize("kind", EventType)
def test_every_event_has_words(kind: EventType) -> None:
    assert kind in EVENTS
    assert event_words(Event(kind, NOW)).text


def test_every_fault_and_reason_has_words() -> None:
    assert all(FAULTS.values())
    assert reason_words("refresh_token_reused") == "Ended as its refresh token was reused"


def test_ids_that_say_nothing_to_people_are_left_out() -> None:
    subject: dict[str, str | int | bool | None] = {
        "license_id": "7f3a", "server_id": STORE_12, "user_code": "BCDFGHJK", "renewal_at": NOW,
        "reason": "license_revoked", "change": "created_anew", "kid": "first",
    }  # fmt: skip
    words = event_words(Event(EventType.LICENSE_ENDED, NOW, subject), {STORE_12: "Store 12"})
    assert words.text == (
        "License ended: Store 12, BCDF-GHJK, to be renewed by 2027-01-15 08:00 UTC, revoked, created anew, kid first"
    )


def test_the_most_ticks_are_never_exceeded_by_the_steps() -> None:
    assert axis.MONTH_STEPS[-1] * MOST_TICKS * 30 * DAY > LATEST_AT - EARLIEST_AT
