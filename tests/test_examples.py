"""What the documentation shows is true: its programs run, its picture of a failing test is what pytest prints."""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.programs import ROOT, needed, run, serve

PAGES: Final = (ROOT / "README.md", ROOT / "docs" / "testing-with-pytest.md")
EXAMPLES: Final = ROOT / "examples"
FENCED: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
REPORT: Final = "\nrepeat: pytest "
MOST_LINES: Final = 30
ALL_PASSED: Final = 0
SOME_FAILED: Final = 1
# Who tests a client has neither of the two; to load their plugins takes longer than all else.
PYTEST: Final = (
    *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:schemathesis"),
    *("-p", "no:hypothesispytest"),
    *("-W", "error", "--rootdir", "."),
)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        report: what pytest prints of these tests, if the page shows that right below: then they fail.
    """

    page: str
    line: int
    language: str
    text: str
    report: str

    @property
    def is_tests(self) -> bool:
        return "def test_" in self.text

    @property
    def file(self) -> str:
        named = re.match(r"# (test_\w+\.py)\n", self.text)
        return named[1] if named else "test_page.py"


def blocks(language: str) -> list[Block]:
    found: list[Block] = []
    for page in PAGES:
        source = page.read_text(encoding="utf-8")
        matches = [*FENCED.finditer(source)]
        for match, following in zip(matches, [*matches[1:], None], strict=True):
            line = source.count("\n", 0, match.start()) + 1
            text = following[2] if following is not None and REPORT in following[2] else ""
            found.append(Block(page.name, line, match[1], match[2], text))
    return [block for block in found if block.language == language]


def named(block: Block) -> str:
    return f"{block.page}:{block.line}"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where somebody else's tests lie: nothing of ours but the client that is tested."""
    shutil.copy(EXAMPLES / "my_client.py", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("block", blocks("python"), ids=named)
def test_python_in_the_documentation_runs(block: Block, place: Path) -> None:
    (place / block.file).write_text(block.text, encoding="utf-8")
    command = (*PYTEST, block.file) if block.is_tests else (sys.executable, "-W", "error", block.file)
    done = run(command, cwd=place)
    assert done.returncode == (SOME_FAILED if block.report else ALL_PASSED), done.stdout + done.stderr
    assert block.report in done.stdout


@pytest.mark.parametrize("block", [one for one in blocks("sh") if "curl" in one.text], ids=named)
def test_the_shell_story_in_the_documentation_runs(block: Block, place: Path) -> None:
    needed("curl", why="the documentation shows how to use the server with it")
    with serve() as server:
        script = block.text.replace("http://127.0.0.1:8628", server.base_url)
        done = run(("sh", "-c", script), cwd=place)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the reply was lost" in done.stdout
    assert '"matched":true' in done.stdout
    assert done.stdout.endswith('"faults_never_struck":[]}')


def test_the_example_is_short_and_is_what_the_documentation_shows() -> None:
    example = (EXAMPLES / "test_my_client.py").read_text(encoding="utf-8")
    assert len(example.splitlines()) <= MOST_LINES
    assert example in [block.text for block in blocks("python")]


def test_the_example_runs_as_it_lies_there() -> None:
    done = run((*PYTEST, "-c", "/dev/null", "test_my_client.py"), cwd=EXAMPLES)
    assert done.returncode == ALL_PASSED, done.stdout + done.stderr


TYPED: Final = """
import pytest

from mock_authz.testing import Event, EventType, Sandbox, Server


@pytest.mark.authz(alg="Ed25519")
def test_it(authz_sandbox: Sandbox, authz_server: Server) -> None:
    events: list[Event] = authz_sandbox.clock.advance("P30D")
    assert EventType.LICENSE_LAPSED not in [event.type for event in events]
    with authz_sandbox.offline("jwks", times=1, from_="P1D") as fault:
        reveal_type(fault.struck)
    reveal_type(authz_sandbox.devices.get("store-12").license_status)
    authz_sandbox.faults.offline(time=1)
"""


def test_a_user_type_checks_their_tests(place: Path) -> None:
    for index, block in enumerate(blocks("python")):
        (place / f"block_{index}.py").write_text(block.text, encoding="utf-8")
    (place / "test_typed.py").write_text(TYPED, encoding="utf-8")
    done = run((sys.executable, "-m", "mypy", "--strict", "."), cwd=place)
    assert 'Revealed type is "int"' in done.stdout
    assert 'Revealed type is "str"' in done.stdout
    assert 'Unexpected keyword argument "time"' in done.stdout
    assert "Found 1 error in 1 file" in done.stdout, done.stdout
