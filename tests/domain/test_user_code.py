from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_authz.domain import user_code
from mock_authz.domain.user_code import ALPHABET, LENGTH

CODES = st.text(alphabet=ALPHABET, min_size=LENGTH, max_size=LENGTH)


def test_the_alphabet_is_twenty_different_consonants() -> None:
    assert len(set(ALPHABET)) == len(ALPHABET) == 20
    assert not set(ALPHABET) & set("AEIOUY0123456789")


@given(st.integers(min_value=0, max_value=2**256))
def test_every_number_spells_eight_letters_of_the_alphabet(number: int) -> None:
    code = user_code.from_number(number)
    assert len(code) == LENGTH
    assert set(code) <= set(ALPHABET)


@given(st.integers(min_value=0, max_value=20**8 - 1), st.integers(min_value=0, max_value=20**8 - 1))
def test_different_numbers_below_twenty_to_the_eighth_spell_different_codes(one: int, other: int) -> None:
    assert (user_code.from_number(one) == user_code.from_number(other)) is (one == other)


def test_a_number_is_taken_modulo_twenty_to_the_eighth() -> None:
    assert user_code.from_number(20**8 + 3) == user_code.from_number(3)


@given(st.text())
def test_normalizing_twice_is_normalizing_once(entered: str) -> None:
    once = user_code.normalize(entered)
    assert user_code.normalize(once) == once


@given(CODES)
def test_what_is_displayed_normalizes_to_the_code(code: str) -> None:
    assert user_code.display(code) == f"{code[:4]}-{code[4:]}"
    assert user_code.normalize(user_code.display(code)) == code


@given(CODES, st.data())
def test_case_and_punctuation_do_not_count(code: str, data: st.DataObject) -> None:
    punctuation = st.text(alphabet=" -–—._:/'\t\n\u00a0", max_size=3)  # noqa: RUF001 - what people paste
    entered = "".join(
        data.draw(punctuation) + (letter.lower() if data.draw(st.booleans()) else letter) for letter in code
    )
    assert user_code.normalize(entered) == code


@pytest.mark.parametrize("wrong", ["BCDF-GHJA", "BCDF-GHJ1", "BCDF-GHJ", "BCDF-GHJK-L", "BCDF-GHJÉ", ""])
def test_a_wrong_code_stays_wrong(wrong: str) -> None:
    assert user_code.normalize(wrong) != "BCDFGHJK"
