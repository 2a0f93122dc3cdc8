from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_authz.entropy import Entropy, fresh_seed, same, seed_from

ENTROPY = Entropy(seed_from("a test"))
PARTS = st.lists(st.text(alphabet="abc01.", max_size=4) | st.integers(0, 20), max_size=3)


def test_a_fresh_seed_is_never_the_same() -> None:
    assert len(fresh_seed()) == 32
    assert fresh_seed() != fresh_seed()


def test_a_text_makes_the_same_seed_each_time() -> None:
    assert seed_from("a") == seed_from("a") != seed_from("b")


@given(PARTS, PARTS)
def test_the_same_parts_derive_the_same_bytes_and_others_do_not(
    one: list[str | int], other: list[str | int]
) -> None:
    equal = [str(part) for part in one] == [str(part) for part in other]
    assert (ENTROPY.derive("purpose", *one) == ENTROPY.derive("purpose", *other)) is equal


def test_another_purpose_or_seed_derives_other_bytes() -> None:
    assert ENTROPY.derive("one", "x") != ENTROPY.derive("other", "x")
    assert ENTROPY.derive("one", "x") != Entropy(seed_from("another")).derive("one", "x")


def test_the_seed_is_never_shown() -> None:
    assert repr(ENTROPY) == "Entropy()"


def test_a_secret_has_256_bits_and_an_identifier_64() -> None:
    assert len(ENTROPY.secret("x")) == 43
    assert set(ENTROPY.secret("x")) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert len(ENTROPY.identifier("x")) == 16
    assert 0 <= ENTROPY.number("x") < 2**256


@given(st.text(alphabet="abcdef0123456789", min_size=1, max_size=16), st.integers(0, 999_999_999))
def test_a_credential_names_its_record_and_generation_and_is_read_back(
    record_id: str, generation: int
) -> None:
    credential = ENTROPY.credential("refresh_token", record_id, generation)
    assert ENTROPY.read_credential("refresh_token", credential) == (record_id, generation)
    assert ENTROPY.read_credential("device_code", credential) is None
    assert Entropy(seed_from("another")).read_credential("refresh_token", credential) is None


@given(st.data())
def test_a_credential_with_any_character_changed_is_refused(data: st.DataObject) -> None:
    credential = ENTROPY.credential("refresh_token", "a1", 3)
    position = data.draw(st.integers(0, len(credential) - 1))
    changed = data.draw(st.characters())
    forged = credential[:position] + changed + credential[position + 1 :]
    assert (ENTROPY.read_credential("refresh_token", forged) is None) is (forged != credential)


@pytest.mark.parametrize(
    "presented",
    ["", ".", "..", "a1", "a1.", "a1.3", "a1.3.", "a1.-3.x", "a1.٣.x", "a1.99999999999.x", "\ud800.0.x", "a\x00.0.x"],
)  # fmt: skip
def test_what_was_never_spelled_here_is_refused(presented: str) -> None:
    assert ENTROPY.read_credential("refresh_token", presented) is None


def test_a_generation_is_spelled_in_one_way_only() -> None:
    credential = ENTROPY.credential("refresh_token", "a1", 3)
    assert ENTROPY.read_credential("refresh_token", credential.replace(".3.", ".03.")) is None


def test_a_fingerprint_tells_secrets_apart_without_showing_them() -> None:
    assert ENTROPY.fingerprint("one") == ENTROPY.fingerprint("one") != ENTROPY.fingerprint("other")
    assert len(ENTROPY.fingerprint("one")) == 12
    assert ENTROPY.fingerprint("one") != Entropy(seed_from("another")).fingerprint("one")


@given(st.text(alphabet=st.characters(codec="utf-8")), st.text(alphabet=st.characters(codec="utf-8")))
def test_secrets_are_the_same_if_their_texts_are(one: str, other: str) -> None:
    assert same(one, one)
    assert same(one, other) is (one == other)
