"""What the commands print: lines for people or JSON for programs, a QR code, and a line that counts down.

Owns looks alone: colours, widths and cursor. It knows no errand and no option.
"""

import json
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TextIO

import click

from authz_client.flows import Clocks
from authz_client.reasons import in_words
from authz_client.wording import countdown

_MARGIN: Final = 2
_BLACK_ON_WHITE: Final = "\x1b[30;107m"
_PLAIN: Final = "\x1b[0m"
#: One less than a terminal's usual width: a line that fills its last column goes on below, out of reach.
_LINE_WIDTH: Final = 79
#: A command of ours in a piece of advice, with the options that the advice gives it.
_COMMAND: Final = re.compile(r"authz-client (?:acquire(?: --wait)?|complete|doctor|refresh|remove)\b")
#: Where what a check found stands: beside the check's name, if so many columns are left for it; or else below.
_BESIDE: Final = 29
_NARROW: Final = 40
_BELOW: Final = 6
_UNBROKEN: Final = "\N{NO-BREAK SPACE}"
#: By (upper, lower): is there ink?
_HALF_BLOCKS: Final = {
    (False, False): " ",
    (True, False): "\N{UPPER HALF BLOCK}",
    (False, True): "\N{LOWER HALF BLOCK}",
    (True, True): "\N{FULL BLOCK}",
}


@dataclass(frozen=True)
class Console:
    """Where a command's results go: with `as_json`, one JSON object a line, and nothing else on stdout.

    Attributes:
        repeated: The options by which the command that advice names reaches the same license, a space before each.
    """

    as_json: bool = False
    repeated: str = ""

    def advice(self, text: str, *, space: str = " ") -> str:
        """Complete the commands in a piece of advice, so that they can be run as they stand; `space` is within them."""
        return _COMMAND.sub(lambda command: (command.group() + self.repeated).replace(" ", space), text)

    def say(self, text: str = "", **style: Any) -> None:
        """Print a line for people."""
        if not self.as_json:
            click.echo(click.style(text, **style) if style else text)

    def tell(self, **members: Any) -> None:
        """Print a line for programs."""
        if self.as_json:
            click.echo(json.dumps(members))

    def fail(self, message: str, *, hint: str, **members: Any) -> None:
        """Say what is wrong and what to do about it: on stderr, or as JSON on stdout."""
        hint = self.advice(hint)
        if self.as_json:
            self.tell(message=message, hint=hint, **members)
            return
        click.echo(f"{click.style('authz-client:', fg='red', bold=True)} {message}", err=True)
        click.echo(hint, err=True)

    def check(self, mark: str, name: str, finding: str, *, advice: str, colour: str) -> None:
        """Print what was looked at, what was found beside it, or below it where that is too narrow, and what to do."""
        width = columns(sys.stdout)
        is_beside = width is None or _BESIDE + max(_NARROW, *map(len, finding.split(" "))) <= width
        indent = " " * (_BESIDE if is_beside else _BELOW)
        head = f"{click.style(mark.ljust(4), fg=colour, bold=True)}  {name}"
        # A command stays whole, so that it can be copied.
        told, *more = _wrapped(finding, width, indent=indent)
        advised = _wrapped(self.advice(advice, space=_UNBROKEN), width, indent=indent) if advice else []
        self.say(f"{head}{told[_BELOW + len(name) :]}" if is_beside else f"{head}\n{told}")
        for line in more:
            self.say(line)
        for line in advised:
            self.say(line.replace(_UNBROKEN, " "), bold=True)

    def rows(self, rows: Sequence[tuple[str, str]]) -> None:
        """Print labels and values in two columns; what is absent is None, as on the page."""
        width = max(len(label) for label, _ in rows)
        for label, value in rows:
            self.say(f"  {click.style(label.ljust(width), dim=True)}  {value or 'None'}")


def columns(stream: TextIO) -> int | None:
    """Say how wide the terminal on a stream is; None where there is none, and a line is as long as it is."""
    return shutil.get_terminal_size().columns if stream.isatty() else None


def _wrapped(text: str, width: int | None, *, indent: str) -> list[str]:
    """Break a text at words; a word that is too long, such as a URL, stays whole."""
    if width is None:
        return [indent + text]
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def is_plain() -> bool:
    """Say whether colours are unwanted: NO_COLOR is set (no-color.org), or the terminal knows no escape codes."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


def is_colourful() -> bool:
    """Say whether stdout may be coloured: it is a terminal that knows colours, and they are not unwanted."""
    return sys.stdout.isatty() and not is_plain()


def can_redraw() -> bool:
    """Say whether stderr is a terminal on which a line can be written over."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def can_show_blocks() -> bool:
    """Say whether stdout is a terminal that can show a QR code's half blocks."""
    try:
        "".join(_HALF_BLOCKS.values()).encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return sys.stdout.isatty()


def qr_lines(text: str, *, is_coloured: bool) -> list[str]:
    """Draw a QR code with half blocks, two rows a line.

    Args:
        text: What it says.
        is_coloured: Black on white, for any terminal. Otherwise the light parts are drawn, which suits dark ones.
    """
    import segno  # noqa: PLC0415 - only for who sees it

    matrix = [
        [bool(module) is is_coloured for module in row]
        for row in segno.make(text, error="l", micro=False).matrix_iter(border=_MARGIN)
    ]
    if len(matrix) % 2:
        matrix.append([not is_coloured] * len(matrix[0]))
    lines = [
        "".join(_HALF_BLOCKS[pair] for pair in zip(upper, lower, strict=True))
        for upper, lower in zip(matrix[::2], matrix[1::2], strict=True)
    ]
    return [f"{_BLACK_ON_WHITE}{line}{_PLAIN}" for line in lines] if is_coloured else lines


@dataclass
class Reachability:
    """Tells once that polls bring no answer, and once that they do again: on stderr, as it is no result.

    Attributes:
        until: How long the polling goes on, for people.
        clear: Takes away what is drawn on stderr.
    """

    until: str
    clear: Callable[[], None]
    is_troubled: bool = False

    def polled(self, trouble: str | None) -> None:
        """Hear of one poll: why it brought no answer, or None."""
        if self.is_troubled == (trouble is not None):
            return
        self.is_troubled = trouble is not None
        self.clear()
        if trouble is None:
            text, colour = "The Authorization server answers again. Waiting for authorization.", "green"
        else:
            why = in_words(trouble)
            # RFC 8628 3.5: after a timeout the client polls less often, and gives up with the device_code at the latest.
            going_on = f"Trying on, less and less often, until {self.until}. Ctrl-C stops."
            text, colour = f"{why[0].upper()}{why[1:]}. {going_on}", "yellow"
        for line in _wrapped(text, columns(sys.stderr), indent=""):
            click.secho(line, fg=colour, err=True)


@dataclass
class Countdown:
    """A sleep that shows, each second, how long the user code is still good and when the next poll comes.

    Attributes:
        left: Gives the seconds for which the user code is good.
    """

    clocks: Clocks
    rest: Callable[[float], None]
    left: Callable[[], float] = lambda: 0.0
    is_live: bool = False

    def sleep(self, seconds: float) -> None:
        """Sleep for so long."""
        until = self.clocks.monotonic() + seconds
        while (remaining := until - self.clocks.monotonic()) > 0:
            if self.is_live:
                self._draw(countdown(self.left()), countdown(remaining))
            self.rest(min(1.0, remaining))
        self.clear()

    def clear(self) -> None:
        """Take the line away."""
        if self.is_live:
            # Spaces rather than an escape code, which NO_COLOR takes away.
            click.echo(f"\r{' ' * _line_width()}\r", err=True, nl=False)

    def _draw(self, good: str, poll: str) -> None:
        width = _line_width()
        text = f"Waiting for authorization: good for {good}, next poll in {poll}. Ctrl-C stops."
        if len(text) > width:
            text = f"Good for {good}, poll in {poll}. Ctrl-C stops."[:width]
        click.echo(f"\r{text.ljust(width)}", err=True, nl=False)


def _line_width() -> int:
    return min(_LINE_WIDTH, shutil.get_terminal_size().columns - 1)
