"""The user code: its alphabet and how two of them are compared. Knows nothing of grants or time."""

from __future__ import annotations

from typing import Final

# RFC 8628 6.1: twenty consonants. No vowels, so that no code spells a word; no digits, so that none is confused
# with a letter.
ALPHABET: Final = "BCDFGHJKLMNPQRSTVWXZ"
LENGTH: Final = 8


def from_number(number: int) -> str:
    """Spell a number as a user code, in its normal form of 8 letters.

    Args:
        number: any integer >= 0; taken modulo 20**8.
    """
    letters = []
    for _ in range(LENGTH):
        number, position = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[position])
    return "".join(letters)


def normalize(entered: str) -> str:
    """Reduce what a person typed to the normal form: upper case, letters of the alphabet and digits only.

    RFC 8628 6.1: case and punctuation are not part of a user code. What is neither a letter nor a digit is dropped;
    other letters stay, so that a wrong code stays wrong.
    """
    return "".join(character for character in entered.upper() if character.isalnum())


def display(user_code: str) -> str:
    """Show the normal form as people read it: XXXX-XXXX."""
    return f"{user_code[:4]}-{user_code[4:]}"
