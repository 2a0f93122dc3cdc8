"""`make demo`: it tells the whole story, ends by itself, and shows no secret."""

from __future__ import annotations

import re
import sys

import pytest

from tests.programs import environment, run

CHAPTERS = (
    "Acquiring a license",
    "Seven days with an internet connection",
    "The renewal date comes near",
    "The line is cut, for longer than a license token lives",
    "Nobody renews: the license lapses",
    "Remove License, and acquire it again",
)


@pytest.fixture(scope="module")
def told() -> str:
    command = [sys.executable, "-m", "demo.story", "--port", "0", "--exit"]
    ended = run(command, env=environment(PYTHONWARNINGS="error"), seconds=120)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def test_the_story_has_its_six_chapters_in_order_and_an_end(told: str) -> None:
    titles = re.findall(r"^\d\. (.*)$", told, flags=re.MULTILINE)
    assert titles == list(CHAPTERS)
    assert told.endswith("\nThe end.\n")


def test_the_story_shows_each_status_of_a_license_and_its_end(told: str) -> None:
    shown = re.findall(r"License Status: (.*)$", told, flags=re.MULTILINE)
    spoken = [status for i, status in enumerate(shown) if i == 0 or shown[i - 1] != status]
    assert spoken == [
        "Licensed",
        "Requires Renewal",
        "Licensed",
        "Requires Renewal",
        "Expired Requires Renewal (license_expired)",
        "Licensed",
    ]
    assert "too early: authorization_pending" in told
    assert "The license token has expired: connect this server to the internet." in told


def test_the_license_acquired_again_is_the_same_servers(told: str) -> None:
    assert "the Server ID is the same as before: store-12" in told


def test_the_story_shows_no_secret(told: str) -> None:
    assert "eyJ" not in told, "a license token"
    # device_codes, refresh tokens and management tokens have long runs of base64url.
    assert re.findall(r"[A-Za-z0-9_-]{32,}", told) == []
