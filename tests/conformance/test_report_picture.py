"""The timeline picture, and JSON and words as the HTML report shows them."""

from __future__ import annotations

import json
import re
from html import unescape
from itertools import pairwise
from typing import Any, Final

import pytest
from markupsafe import Markup

from authz_conformance.report.page import words
from authz_conformance.report.page.evidence import path_of
from authz_conformance.report.page.json_text import DEEPEST, as_markup
from authz_conformance.report.page.picture import (
    LETTER,
    MOST_LINES,
    MOST_MOMENTS,
    TEXT_X,
    WIDTH,
    Picture,
    draw,
)

NOW: Final = 1_893_456_000
DAY: Final = 86_400


def moment(at: int | None, text: str, exchange: int | None = None) -> dict[str, Any]:
    happening = "clock" if exchange is None else "exchange"
    return {"at": at, "happening": happening, "text": text, "exchange": exchange}


def labels(picture: Picture) -> list[tuple[int, str]]:
    """All texts with the place of their baselines, from the top."""
    lines = [line for mark in picture.marks for line in mark.lines]
    lines += [(head.y, f"{head.says} {head.later}") for head in picture.headings]
    lines += [(gap.y + 23, gap.says) for gap in picture.breaks]
    return sorted(lines)


STORIES: Final = {
    "plain": [moment(NOW, "poll: 200", 1), moment(NOW, "advance 5"), moment(NOW + 5, "poll: 400", 2)],
    "far apart": [moment(NOW, "a"), moment(NOW + 45 * DAY - 1, "b"), moment(NOW + 9000 * DAY, "c", 1)],
    "over midnight": [moment(NOW + 1, "a", 1), moment(NOW + DAY, "b")],
    "back": [moment(NOW, "a"), moment(NOW - 3600, "b", 1)],
    "unknown times": [moment(None, "a", 1), moment(None, "b"), moment(NOW, "c", 2), moment(None, "d", 3)],
    "long texts": [moment(NOW, "create device " + "renewal_at=1897344000 " * 30), moment(NOW, "x" * 5000, 1)],
    "wide letters": [moment(NOW, "器" * 200, 1), moment(NOW, "\u202e\x00" * 50, 2), moment(NOW, "", 3)],
    "beyond the calendar": [moment(10**18, "a", 1), moment(-(10**18), "b", 2)],
    "nothing": [],
}


@pytest.mark.parametrize("timeline", STORIES.values(), ids=STORIES.keys())
def test_labels_never_meet_and_never_leave_the_picture(timeline: list[dict[str, Any]]) -> None:
    picture = draw(timeline, breaking=1)
    places = labels(picture)
    assert all(below - above >= 12 for (above, _), (below, _) in pairwise(places))
    for y, text in places:
        assert 8 <= y <= picture.height - 3
        wide = sum(2 if letter == "器" else 1 for letter in text)
        assert TEXT_X + wide * LETTER <= WIDTH, text
    assert all(len(mark.lines) <= MOST_LINES for mark in picture.marks)
    assert [mark.number for mark in picture.marks if mark.breaking] == ([1] if timeline else [])


@pytest.mark.parametrize(
    ("seconds", "later", "broken"),
    [
        (1, "1 s later", None),
        (5, "5 s later", None),
        (DAY - 1, "23 h 59 min 59 s later", None),
        (DAY, "", "1 day later"),
        (45 * DAY - 1, "", "44 days 23 h 59 min 59 s later"),
        (-1, "", "1 s back"),
        (-2 * DAY, "", "2 days back"),
    ],
)
def test_a_gap_of_a_day_or_a_step_back_breaks_the_line(seconds: int, later: str, broken: str | None) -> None:
    picture = draw([moment(NOW, "a", 1), moment(NOW + seconds, "b", 2)], breaking=2)
    assert picture.headings[1].later == later
    assert [one.says for one in picture.breaks] == ([] if broken is None else [broken])
    assert len(picture.strokes) == (1 if broken is None else 2)
    assert [one.back for one in picture.breaks] == ([seconds < 0] if broken else [])


def test_times_are_in_utc_and_the_date_is_said_where_it_changes() -> None:
    timeline = [moment(NOW, "a"), moment(NOW + 5, "b"), moment(NOW + DAY, "c")]
    says = [one.says for one in draw(timeline, breaking=None).headings]
    assert says == ["2030-01-01 00:00:00 UTC", "00:00:05 UTC", "2030-01-02 00:00:00 UTC"]


def test_instants_in_what_the_kit_did_are_dates_and_what_a_server_said_stays() -> None:
    timeline = [moment(NOW, "move to 1897343999"), moment(NOW, "poll: 400 1897343999", 1)]
    texts = [" ".join(line for _, line in mark.lines) for mark in draw(timeline, breaking=1).marks]
    assert texts == ["move to 2030-02-14 23:59:59 UTC", "poll: 400 1897343999"]


def test_of_a_very_long_story_the_middle_is_left_out_and_the_break_is_not() -> None:
    timeline = [moment(NOW + number, "poll: 400", number) for number in range(1, 501)]
    picture = draw(timeline, breaking=500)
    assert len(picture.marks) == MOST_MOMENTS
    assert picture.left_out == 500 - MOST_MOMENTS
    assert picture.marks[0].number == 1
    assert picture.marks[-1].breaking


# --------------------------------------------------------------------------------------------------------- JSON
def plain(markup: Markup | None) -> str:
    assert markup is not None
    return str(markup.striptags())


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}',
        '{"n":1.0e3,"m":-0}',
        '{"s":"\\u00e9\\ud800\\"q\\\\"}',
        "[]",
        '{"e":{},"l":[[]]}',
        '{"deep":[{"x":[true,false,null]}]}',
    ],
)
def test_json_is_laid_out_and_otherwise_as_it_came(text: str) -> None:
    markup = as_markup(text)
    assert markup is not None
    bare = unescape(re.sub("<[^>]*>", "", str(markup)))
    assert "".join(bare.split()) == text


def test_instants_of_tokens_are_said_as_dates_too() -> None:
    shown = plain(
        as_markup('{"exp": 1893456000, "renewal_at": 1e400, "expires_in": 1893456000, "iat": null}')
    )
    assert shown.count("2030-01-01 00:00:00 UTC") == 1
    assert '"exp": 1893456000, 2030-01-01 00:00:00 UTC' in shown


@pytest.mark.parametrize(
    "text",
    ["", "no", '{"a":', "5", "[" * 100_000, "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), '{"a": 1}x'],
    ids=lambda one: one[:8],
)
def test_what_is_no_json_or_too_deep_stays_text(text: str) -> None:
    assert as_markup(text) is None


def test_json_as_deep_as_is_shown_is_laid_out() -> None:
    assert plain(as_markup("[" * DEEPEST + "]" * DEEPEST))


def test_markup_in_json_is_text() -> None:
    hostile = json.dumps({"<b>": "</pre><script>"})
    assert "<b>" not in str(as_markup(hostile))
    assert "<script" not in str(as_markup(hostile))


# -------------------------------------------------------------------------------------------------------- words
@pytest.mark.parametrize(
    ("at", "said"),
    [(NOW, "2030-01-01 00:00:00 UTC"), (1e30, "1e+30"), (float("inf"), "inf"), (None, "at an unknown time")],
)
def test_instants_that_no_calendar_holds_stay_numbers(at: float | None, said: str) -> None:
    assert words.utc(at) == said


def test_a_number_of_a_finding_is_dated_where_it_may_be_an_instant() -> None:
    assert words.with_dates("exp 1893456000", NOW) == "exp 1893456000 (2030-01-01 00:00:00 UTC)"
    for text in ("exp 1093456000", "id-1893456000", "18934560000"):
        assert words.with_dates(text, NOW) == text
    assert words.with_dates("exp 1893456000", None) == "exp 1893456000"


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("http://127.0.0.1:8/s/a/token?x=1", "/s/a/token?x=1"),
        ("http://127.0.0.1", "/"),
        ("http://[broken", "http://[broken"),
        ("no address", "no address"),
    ],
)
def test_the_path_of_whatever_a_server_calls_an_address(url: str, path: str) -> None:
    assert path_of(url) == path
