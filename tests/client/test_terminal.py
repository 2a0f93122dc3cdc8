"""What the terminal shows: a QR code that scans, a line that counts down, colours only where they are wanted."""

import sys
from pathlib import Path

import pytest
import segno

from authz_client.home import default_state_file, owner
from authz_client.reasons import in_words
from authz_client.terminal import Countdown, can_redraw, can_show_blocks, is_colourful, qr_lines
from authz_client.wording import countdown, duration
from tests.client.fakes import Times

URL = "http://127.0.0.1:8628/s/shop/device?user_code=BCDF-GHJK"
INK = {" ": (0, 0), "\N{UPPER HALF BLOCK}": (1, 0), "\N{LOWER HALF BLOCK}": (0, 1), "\N{FULL BLOCK}": (1, 1)}


def drawn(lines: list[str]) -> list[list[int]]:
    rows: list[list[int]] = []
    for line in lines:
        pairs = [INK[symbol] for symbol in line]
        rows += [[upper for upper, _ in pairs], [lower for _, lower in pairs]]
    return rows


@pytest.mark.parametrize("is_coloured", [True, False])
def test_the_qr_code_is_drawn_module_by_module_within_80_columns(*, is_coloured: bool) -> None:
    lines = qr_lines(URL, is_coloured=is_coloured)
    plain = [line.removeprefix("\x1b[30;107m").removesuffix("\x1b[0m") for line in lines]
    expected = [list(row) for row in segno.make(URL, error="l", micro=False).matrix_iter(border=2)]
    seen = drawn(plain)[: len(expected)]
    if not is_coloured:
        seen = [[1 - module for module in row] for row in seen]
    assert seen == expected
    assert max(map(len, plain)) <= 76
    assert all(line.startswith("\x1b[") is is_coloured for line in lines)


def test_a_countdown_shows_each_second_what_is_left(
    times: Times, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    end = times.monotonic + 900
    waiting = Countdown(times.clocks(), times.sleep, left=lambda: end - times.monotonic, is_live=True)
    waiting.sleep(2.5)
    shown = capsys.readouterr().err.split("\r")[1:]
    assert [line.strip() for line in shown] == [
        "Waiting for authorization: good for 15:00, next poll in 0:02. Ctrl-C stops.",
        "Waiting for authorization: good for 14:59, next poll in 0:01. Ctrl-C stops.",
        "Waiting for authorization: good for 14:58, next poll in 0:00. Ctrl-C stops.",
        "",
        "",
    ]
    assert all(len(line) in {0, 79} for line in shown)
    assert times.slept == [1, 1, 0.5]


@pytest.mark.parametrize(
    ("columns", "shown"), [(76, "Waiting for"), (75, "Good for 15:00, poll in 0:01. Ctrl-C stops.")]
)
def test_a_countdown_stays_on_one_line_of_a_narrow_terminal(
    times: Times,
    capsys: pytest.CaptureFixture[str],
    *,
    columns: int,
    shown: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    Countdown(times.clocks(), times.sleep, left=lambda: 900.0, is_live=True).sleep(1)
    drawn_line, wiped, _ = capsys.readouterr().err.split("\r")[1:]
    assert drawn_line.startswith(shown)
    assert len(drawn_line) == len(wiped) == columns - 1


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colours_are_left_out_where_they_are_unwanted(
    monkeypatch: pytest.MonkeyPatch, *, name: str, value: str
) -> None:
    monkeypatch.setattr("sys.stdout", Terminal("utf-8"))
    monkeypatch.setattr("sys.stderr", Terminal("utf-8"))
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert (is_colourful(), can_redraw()) == (True, True)
    monkeypatch.setenv(name, value)
    assert (is_colourful(), can_redraw()) == (False, value != "dumb")


def test_a_countdown_that_nobody_sees_only_sleeps(times: Times, capsys: pytest.CaptureFixture[str]) -> None:
    Countdown(times.clocks(), times.sleep).sleep(3)
    assert sum(times.slept) == 3
    assert capsys.readouterr() == ("", "")


class Terminal:
    def __init__(self, encoding: str, *, is_terminal: bool = True) -> None:
        self.encoding = encoding
        self.isatty = lambda: is_terminal


@pytest.mark.parametrize(
    ("stdout", "no_color", "expected"),
    [
        (Terminal("utf-8"), "", (True, True)),
        (Terminal("utf-8"), "1", (True, False)),
        (Terminal("ascii"), "", (False, True)),
        (Terminal("utf-8", is_terminal=False), "", (False, False)),
    ],
)
def test_blocks_and_colours_are_for_terminals_that_show_them(
    monkeypatch: pytest.MonkeyPatch, stdout: Terminal, no_color: str, expected: tuple[bool, bool]
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", stdout)
    assert (can_show_blocks(), is_colourful()) == expected


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (3661, "1 h 1 min"),
        (2 * 86400 - 1, "47 h 59 min"),
        (2 * 86400, "2 days"),
        (3 * 86400 - 1, "3 days"),
    ],
)
def test_a_duration_is_said_in_its_largest_units(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_countdown_never_goes_below_nothing() -> None:
    assert [countdown(seconds) for seconds in (-1, 0, 59.9, 60, 899)] == [
        "0:00",
        "0:00",
        "0:59",
        "1:00",
        "14:59",
    ]


def test_an_unknown_reason_is_repeated() -> None:
    assert in_words("something_new") == "something_new"
    assert in_words("http_418").endswith("HTTP status 418")


@pytest.mark.parametrize("configured", ["", "relative/path"])
def test_without_a_usable_xdg_state_home_the_platforms_place_is_taken(
    monkeypatch: pytest.MonkeyPatch, configured: str
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", configured)
    monkeypatch.setattr(sys, "platform", "linux")
    assert default_state_file() == Path.home() / ".local/state/authz-client/license.json"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert default_state_file() == Path.home() / "Library/Application Support/authz-client/license.json"


@pytest.mark.parametrize(
    "text", [None, "", "[]", "{}", '{"state": []}', '{"state": {"issuer": 1, "client_id": ""}}']
)
def test_a_file_that_is_no_state_has_no_owner(tmp_path: Path, text: str | None) -> None:
    state = tmp_path / "license.json"
    if text is not None:
        state.write_text(text)
    assert owner(state) is None
