"""JSON as people read it: indented and coloured, and otherwise letter by letter as it came.

Nothing is parsed and written again: a name that comes twice, a number's spelling and an escape are what a rule may be about.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from markupsafe import Markup, escape

from authz_conformance.report.page import words
from authz_conformance.unseen import visible

DEEPEST: Final = 32
# Members that hold Unix seconds.
INSTANTS: Final = frozenset({"exp", "iat", "nbf", "auth_time", "updated_at"})
_TOKEN: Final = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*")|([\[\]{}:,])|([^\s\[\]{}:,"]+))', re.DOTALL)
_OPENING, _CLOSING = "{[", "}]"


def as_markup(text: str, *, cut: bool = False) -> Markup | None:
    """Show JSON.

    Args:
        text: As it came, without its secrets.
        cut: Whether the end is missing; then it cannot be checked.

    Returns:
        What stands in a `pre`; None if the text is no JSON, or nested too deeply to be indented.
    """
    if cut or not _is_json(text):
        return None
    parts: list[Markup] = []
    try:
        parts.extend(_laid_out(text))
    except RecursionError:
        return None
    return Markup("").join(parts)


def of_value(value: Any) -> Markup:
    """Show a value of the document, such as the claims of a token."""
    text = json.dumps(value, ensure_ascii=False)
    return as_markup(text) or escape(visible(text))


def _is_json(text: str) -> bool:
    if text.lstrip()[:1] not in {"{", "["}:
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _laid_out(text: str) -> Iterator[Markup]:
    """Put in line breaks and colours; raises RecursionError if it is nested too deeply."""
    tokens = [found.groups() for found in _TOKEN.finditer(text)]
    depth, name, note = 0, "", Markup("")
    for index, (string, sign, literal) in enumerate(tokens):
        follows = tokens[index + 1][1] if index + 1 < len(tokens) else None
        if sign is not None:
            depth += (sign in _OPENING) - (sign in _CLOSING)
            if depth > DEEPEST:
                raise RecursionError
            before, after = _sign(sign, depth, before=tokens[index - 1][1], follows=follows)
            yield escape(before) + note + escape(after)
            note = Markup("")
        elif string is not None and follows == ":":
            name = string.strip('"')
            yield Markup('<span class="k">{}</span>').format(visible(string))
        else:
            kind, value = ("n", literal) if string is None else ("s", string)
            yield Markup('<span class="{}">{}</span>').format(kind, visible(value or ""))
            note = _date(name, literal)


def _sign(sign: str, depth: int, *, before: str | None, follows: str | None) -> tuple[str, str]:
    """Give what is written for a sign before the note of its line, and after."""
    line = "\n" + "  " * depth
    if sign in _OPENING:
        is_empty = follows is not None and follows in _CLOSING
        return sign, "" if is_empty else line
    if sign in _CLOSING:
        was_empty = before is not None and before in _OPENING
        return "", sign if was_empty else line + sign
    return (": ", "") if sign == ":" else (sign, line)


def _date(name: str, literal: str | None) -> Markup:
    """Say an instant as a date, at the end of its line."""
    is_instant = name in INSTANTS or name.endswith("_at")
    if not is_instant or literal is None or not re.fullmatch(r"-?\d+(\.\d+)?", literal):
        return Markup("")
    return Markup(' <span class="c">{}</span>').format(words.utc(float(literal)))
