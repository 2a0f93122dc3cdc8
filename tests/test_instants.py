from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_authz.instants import (
    EARLIEST_AT,
    LATEST_AT,
    UnreadableTimeError,
    add_duration,
    parse_instant,
    shown,
    utc,
)
from tests.factories import DAY, HOUR

JANUARY_31 = 1_801_353_600


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("2027-01-31", JANUARY_31),
        ("2027-01-31T00:00:00Z", JANUARY_31),
        ("2027-01-31t00:00:00z", JANUARY_31),
        ("2027-01-31T00:00:00.999999Z", JANUARY_31),
        ("2027-01-31T02:00:00+02:00", JANUARY_31),
        ("2027-01-30T19:00:00-05:00", JANUARY_31),
        (JANUARY_31, JANUARY_31),
        (date(2027, 1, 31), JANUARY_31),
        (datetime(2027, 1, 31, tzinfo=UTC), JANUARY_31),
        (datetime(2027, 1, 31, 0, 0, 0, 999_999, tzinfo=UTC), JANUARY_31),
        ("2027-01-30T23:59:60Z", JANUARY_31),  # a leap second counts as the second after :59
        ("1970-01-01", 0),
    ],
)
def test_an_instant_is_whole_utc_seconds_floored_and_a_date_means_midnight(
    given_: object, expected: int
) -> None:
    assert parse_instant(given_) == expected


@pytest.mark.parametrize(
    "given_",
    ["", "tomorrow", "2027-02-30", "2027-1-31", "20270131", "2027-W05-1", "2027-01-31T08:00:00",
     "2027-01-31 08:00", "2027-01-31T25:00:00Z", "\u0662\u0660\u0662\u0667-01-31", 1.5, True, None, [],
     datetime(2027, 1, 31)],  # noqa: DTZ001 - the case
)  # fmt: skip
def test_what_is_no_instant_is_refused_with_what_would_be_right(given_: object) -> None:
    with pytest.raises(UnreadableTimeError, match=r"give 2027-01-31|end it with Z"):
        parse_instant(given_)


@pytest.mark.parametrize(
    ("at", "fits"), [(EARLIEST_AT - 1, False), (EARLIEST_AT, True), (LATEST_AT - 1, True), (LATEST_AT, False)]
)
def test_instants_lie_in_the_years_1970_to_8999(at: int, fits: bool) -> None:  # noqa: FBT001 - a case's outcome
    if fits:
        assert parse_instant(at) == at
    else:
        with pytest.raises(UnreadableTimeError, match="1970 to 8999"):
            parse_instant(at)


@pytest.mark.parametrize("text", ["0001-01-01", "9999-12-31", "0001-01-01T00:00:00+14:00"])
def test_texts_of_other_years_are_refused(text: str) -> None:
    with pytest.raises(UnreadableTimeError):
        parse_instant(text)


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        ("P1D", JANUARY_31 + DAY),
        ("-P1D", JANUARY_31 - DAY),
        ("PT12H", JANUARY_31 + 12 * HOUR),
        ("P1DT1H1M1S", JANUARY_31 + DAY + HOUR + 61),
        ("P1W", JANUARY_31 + 7 * DAY),
        ("P1M", "2027-02-28"),
        ("-P1M", "2026-12-31"),
        ("P13M", "2028-02-29"),
        ("P1Y", "2028-01-31"),
        ("P1M1D", "2027-03-01"),
    ],
)
def test_months_are_calendar_arithmetic_in_utc_and_the_rest_is_seconds(
    duration: str, expected: int | str
) -> None:
    assert add_duration(JANUARY_31, duration) == parse_instant(expected)


@pytest.mark.parametrize(
    "duration", ["", "P", "PT", "1D", "P1DT", "P-1D", " P1D", "P1e3D", "PNaND", "P٣D", "P1H"]
)
def test_what_is_no_duration_is_refused_with_what_would_be_right(duration: str) -> None:
    with pytest.raises(UnreadableTimeError, match="give P30D"):
        add_duration(JANUARY_31, duration)


@pytest.mark.parametrize("duration", ["P9999Y", "-P100Y", "P9999999D", "-P9999999D"])
def test_a_duration_that_leads_out_of_the_calendar_is_refused(duration: str) -> None:
    with pytest.raises(UnreadableTimeError):
        add_duration(JANUARY_31, duration)


@given(st.integers(min_value=EARLIEST_AT, max_value=LATEST_AT - 1))
def test_every_instant_is_read_back_as_it_is_spelled(at: int) -> None:
    assert parse_instant(utc(at)) == at
    assert utc(at)[:10] == shown(at)[:10]


def test_pages_show_utc() -> None:
    assert utc(JANUARY_31 + 8 * HOUR + 59) == "2027-01-31T08:00:59Z"
    assert shown(JANUARY_31 + 8 * HOUR + 59) == "2027-01-31 08:00 UTC"
