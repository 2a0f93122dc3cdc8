"""The wheel: what it ships, and that it runs from an empty environment, away from the working tree."""

from __future__ import annotations

import json
import sys
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

import httpx2
import pytest

from tests.programs import ROOT, environment, run, serve

DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"
PACKAGES: Final = ("mock_authz", "authz_client", "authz_conformance")

pytestmark = pytest.mark.wheel


@dataclass(frozen=True)
class Installed:
    """An environment that holds the wheel and what it depends on, and nothing else."""

    bin: Path
    elsewhere: Path

    def run(self, *command: str) -> tuple[int, str, str]:
        program, *arguments = command
        ended = run([str(self.bin / program), *arguments], cwd=self.elsewhere, env=self.env())
        return ended.returncode, ended.stdout, ended.stderr

    def env(self) -> dict[str, str]:
        return environment(PATH=str(self.bin), HOME=str(self.elsewhere))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    built = run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    )
    assert built.returncode == 0, built.stderr
    [found] = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=True)
    pinned = ["--constraint", str(ROOT / "constraints.txt")]
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", *pinned, str(wheel)]
    done = run(pip, cwd=home, seconds=300)
    assert done.returncode == 0, done.stderr
    return Installed(home / "bin", tmp_path_factory.mktemp("elsewhere"))


def test_the_wheel_ships_the_three_packages_with_all_that_they_read(wheel: Path) -> None:
    names = set(ZipFile(wheel).namelist())
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == set(PACKAGES)
    for package in PACKAGES:
        assert {f"{package}/__init__.py", f"{package}/py.typed"} <= names
    assert {"mock_authz/openapi.yaml", "mock_authz/seed.schema.json"} <= names
    assert _in_the_tree() - names == set(), "the wheel leaves out what stands in the tree"


def _in_the_tree() -> set[str]:
    """Give the data files of the packages as the wheel names them."""
    homes = (ROOT, ROOT / "client", ROOT / "conformance")
    found = set()
    for home, package in zip(homes, PACKAGES, strict=True):
        for path in (home / package).rglob("*"):
            if path.is_file() and path.suffix not in {".py", ".pyc"}:
                found.add(str(path.relative_to(home)))
    assert any("/templates/" in name for name in found)
    assert any("/static/" in name for name in found)
    assert any("/seeds/" in name for name in found)
    return found


def test_what_is_shipped_reads_the_same_as_in_the_tree(wheel: Path) -> None:
    shipped = ZipFile(wheel).read("mock_authz/openapi.yaml")
    assert shipped == (ROOT / "openapi.yaml").read_bytes()


def test_the_kit_finds_the_contract_that_is_shipped(wheel: Path, tmp_path: Path) -> None:
    ZipFile(wheel).extractall(tmp_path)
    program = "from authz_conformance.contract import document as d; print(d.__file__, len(d.operations()))"
    paths = environment(PYTHONPATH=str(tmp_path))
    ended = run([sys.executable, "-c", program], cwd=tmp_path, env=paths)
    assert ended.returncode == 0, ended.stderr
    found, operations = ended.stdout.split()
    assert Path(found).is_relative_to(tmp_path)
    assert int(operations) > 10


def test_both_commands_show_their_help(installed: Installed) -> None:
    for command in ("mock-authz", "authz-client"):
        code, out, err = installed.run(command, "--help")
        assert (code, err) == (0, "")
        assert out.startswith(f"Usage: {command} [OPTIONS] COMMAND")


def test_all_packages_can_be_imported_and_no_name_of_a_users_own_is_taken(installed: Installed) -> None:
    program = (
        "import importlib.util as u, sys\nprint(*(n for n in sys.argv[1:] if u.find_spec(n) is not None))\n"
    )
    asked = [*PACKAGES, "client", "conformance", "demo", "tests", "benchmarks"]
    code, out, err = installed.run("python", "-I", "-c", program, *asked)
    assert (code, err) == (0, "")
    assert out.split() == list(PACKAGES)


def test_it_serves_the_demo_and_completes_a_flow_elsewhere(installed: Installed) -> None:
    command = [str(installed.bin / "mock-authz")]
    with serve("--preset", "fast", command=command, cwd=installed.elsewhere, env=installed.env()) as served:
        with httpx2.Client(base_url=served.issuer) as client:
            codes = _ok(client.post("/device_authorization", data={"client_id": "pos-server"}))
            approval = {"server_id": "store-12", "administrator": "admin"}
            _ok(served.manage("POST", f"/authorizations/{codes['user_code']}/approve", json=approval))
            tokens = _token(client, grant_type=DEVICE_CODE, device_code=codes["device_code"])
            fresh = _token(client, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
            assert fresh["refresh_token"] != tokens["refresh_token"]
            bearer = {"authorization": f"Bearer {fresh['access_token']}"}
            assert _ok(client.get("/license", headers=bearer))["license_status"] == "licensed"
        assert httpx2.get(f"{served.issuer}/login").text.startswith("<!doctype html>")
        document = httpx2.get(f"{served.said['control_url']}/openapi.yaml").text
        assert document.startswith("openapi: 3.1")


def test_its_own_client_acquires_refreshes_and_removes_a_license(installed: Installed) -> None:
    command = [str(installed.bin / "mock-authz")]
    with serve("--preset", "fast", command=command, cwd=installed.elsewhere, env=installed.env()) as served:
        ours = ("--issuer", served.issuer, "--state", str(installed.elsewhere / "license.json"), "--json")
        code, out, err = installed.run("authz-client", "acquire", *ours)
        assert (code, err) == (0, "")
        user_code = json.loads(out)["user_code"]
        approval = {"server_id": "store-12", "administrator": "admin"}
        _ok(served.manage("POST", f"/authorizations/{user_code}/approve", json=approval))
        for arguments in (["complete"], ["refresh"], ["status"], ["remove", "--yes"]):
            code, out, err = installed.run("authz-client", *arguments, *ours)
            assert (code, err) == (0, ""), (arguments, out)


def _token(client: httpx2.Client, **form: str) -> dict[str, Any]:
    return _ok(client.post("/token", data={"client_id": "pos-server", **form}))


def _ok(response: httpx2.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.json()
    return document
