"""Text that a server sent, so that nothing in it stays unseen, drives a terminal, or is half a character that nothing can print."""

from __future__ import annotations

from typing import Final

# Control characters as their pictures (U+2400), but for those that end a line or a column.
_CONTROLS: Final = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\n\t"}
# What turns text around, hides in it, or is half of a character: by its number.
_UNSEEN: Final = [0x7F, *range(0x80, 0xA0), 0xAD, 0x61C, *range(0x200B, 0x2010), *range(0x2028, 0x202F)]
_UNSEEN_TOO: Final = [*range(0x2060, 0x2070), 0xFEFF, *range(0xFFF9, 0xFFFC), *range(0xD800, 0xE000)]
_TABLE: Final = {**_CONTROLS, **{code: f"⟨U+{code:04X}⟩" for code in (*_UNSEEN, *_UNSEEN_TOO)}}


def visible(text: str) -> str:
    """Make what cannot be seen visible."""
    return text.translate(_TABLE)
