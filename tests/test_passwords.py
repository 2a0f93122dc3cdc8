"""Passwords are hashed with argon2, and nothing tells a wrong one from an unknown user."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mock_authz import passwords
from mock_authz.domain.organization import Administrator, PlainPassword

HASH = passwords.hash_password("correct horse")


@pytest.fixture(scope="module", autouse=True)
def quick_passwords() -> None:
    """Here they are hashed as they are for everybody."""


def test_a_hash_is_argon2id_with_a_salt_of_its_own() -> None:
    assert HASH.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert passwords.hash_password("correct horse") != HASH


@pytest.mark.parametrize("password", [HASH, PlainPassword("correct horse")], ids=["hash", "plain"])
def test_the_right_password_is_told_from_wrong_ones(password: str | PlainPassword) -> None:
    assert passwords.verify(password, "correct horse")
    assert not passwords.verify(password, "correct horse ")
    assert not passwords.verify(password, "")
    assert not passwords.verify(password, "half a pair: \ud800")


def test_who_has_no_password_cannot_log_in() -> None:
    assert not passwords.verify(None, "")
    assert not passwords.verify(None, "correct horse")


@pytest.mark.parametrize(
    "damaged",
    ["", "correct horse", "$argon2id$", HASH[:-20], HASH + "!"],
    ids=["empty", "plain", "scheme", "short", "long"],
)
def test_a_damaged_hash_is_nobodys_password(damaged: str) -> None:
    assert not passwords.verify(damaged, "correct horse")


def test_a_plain_password_and_its_hash_verify_alike() -> None:
    assert passwords.verify(passwords.hash_password(PlainPassword("demo")), "demo")


def test_no_user_a_plain_password_and_a_hash_cost_one_verification_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    verified: list[str] = []

    class Counting:
        def verify(self, password_hash: str, _given: bytes) -> bool:
            verified.append(password_hash)
            return True

    monkeypatch.setattr(passwords, "_hasher", Counting)
    for password in (None, PlainPassword("demo"), HASH):
        passwords.verify(password, "demo")
    assert len(verified) == 3
    # All with the same costs: memory, passes, lanes.
    assert {password_hash.split("$")[3] for password_hash in verified} == {"m=65536,t=3,p=4"}


def test_a_password_is_not_in_any_repr() -> None:
    administrator = Administrator(
        username="dana", name="Dana", organizations=(), password_hash=PlainPassword("correct horse")
    )
    assert "correct" not in repr(administrator)
    assert "correct" not in repr(administrator.password_hash)
    assert "argon2" not in repr(Administrator(username="d", name="D", organizations=(), password_hash=HASH))


def test_argon2_is_imported_when_first_used() -> None:
    script = "import sys, mock_authz.seed, mock_authz.passwords; print({'argon2', 'yaml', 'difflib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603 - a script of our own
    assert done.stdout.strip() == "set()"
