"""`authz-client page` as a process of its own."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from tests.client.fakes import ISSUER
from tests.programs import heed_ctrl_c


@pytest.mark.parametrize(
    ("sent", "code"),
    [pytest.param(signal.SIGINT, 130, id="Ctrl-C"), pytest.param(signal.SIGTERM, 0, id="a stop")],
)
def test_the_page_says_where_it_is_and_stops_cleanly(
    state_file: Path, sent: signal.Signals, code: int
) -> None:
    command = [sys.executable, "-m", "authz_client.cli", "page", "--port", "0", "--json"]
    environment = {**os.environ, "AUTHZ_ISSUER": ISSUER, "AUTHZ_STATE": str(state_file)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(  # type: ignore[call-overload]  # noqa: S603
        command,
        text=True,
        env=environment,
        preexec_fn=heed_ctrl_c,  # noqa: PLW1509 - nothing else runs in the child
        **pipes,
    ) as process:
        said = json.loads(process.stdout.readline())
        assert said["event"] == "serving"
        assert "This server is not licensed" in httpx2.get(said["url"]).text
        process.send_signal(sent)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (code, "", "")


def test_for_people_it_prints_a_few_lines(state_file: Path) -> None:
    command = [sys.executable, "-m", "authz_client.cli", "page", "--port", "0"]
    environment = {
        **os.environ,
        "AUTHZ_ISSUER": ISSUER,
        "AUTHZ_STATE": str(state_file),
        "PYTHONUNBUFFERED": "1",
    }
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(  # type: ignore[call-overload]  # noqa: S603
        command,
        text=True,
        env=environment,
        preexec_fn=heed_ctrl_c,  # noqa: PLW1509 - nothing else runs in the child
        **pipes,
    ) as process:
        shown = [process.stdout.readline() for _ in range(7)]
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert f"Authorization server  {ISSUER}\n" in shown[3]
    assert shown[-1] == "It keeps the license in the background. Ctrl-C stops it.\n"
