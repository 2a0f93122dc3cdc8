"""The example adapter: a scripted browser is the human of a run of the kit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser.conftest import PASSWORD
from tests.factories import STORE_12
from tests.programs import needed
from tests.serving import RunningSandbox

pytestmark = pytest.mark.browser
ADAPTER = Path(__file__).parents[2] / "conformance/adapters/scripted-browser"
ADAPTER_ERROR = 8
CONFIGURATION = """
[target]
issuer = "{issuer}"
profiles = ["rfc8628"]
clients = ["pos-server", "register"]
scope = "license"
[human]
driver = "python"
adapter = "browser_human:BrowserHuman"
options = {{ device_page = "{issuer}/device", username = "dana", seconds = {seconds}, chromium = "{chromium}" }}
[provisioning]
driver = "declared"
devices = ["{device}"]
"""


def judged(
    running: RunningSandbox, folder: Path, *rules: str, password: str, seconds: int = 30
) -> subprocess.CompletedProcess[str]:
    config = folder / "conformance.toml"
    chromium = needed("chromium", "chromium-browser", "google-chrome", why="the human is a browser")
    text = CONFIGURATION.format(issuer=running.issuer, chromium=chromium, device=STORE_12, seconds=seconds)
    config.write_text(text, encoding="utf-8")
    chosen = [part for rule in rules for part in ("--rule", rule)]
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "authz_conformance.cli", "server", "--config", str(config), *chosen],
        env={**os.environ, "PYTHONPATH": str(ADAPTER), "AUTHZ_PASSWORD": password},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_scripted_browser_approves_denies_and_enters_codes(running: RunningSandbox, tmp_path: Path) -> None:
    rules = ("redeem.approved-gives-tokens", "poll.denied-is-access-denied", "verify.case-is-ignored")
    done = judged(running, tmp_path, *rules, password=PASSWORD)
    assert (done.returncode, "3 passed" in done.stdout) == (0, True), done.stdout + done.stderr


def test_a_page_that_the_script_does_not_expect_is_an_adapter_error(
    running: RunningSandbox, tmp_path: Path
) -> None:
    done = judged(running, tmp_path, "poll.denied-is-access-denied", password="wrong", seconds=3)
    assert done.returncode & ADAPTER_ERROR, done.stdout + done.stderr
    assert "/login" in done.stdout
