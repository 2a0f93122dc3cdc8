"""Servers: started here, used elsewhere, missing."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import httpx2
import pytest
import trustme

from mock_authz import app
from mock_authz.serving import in_a_thread
from mock_authz.testing import ControlError, Sandbox, Server, ServerUnreachableError
from tests.programs import run, serve
from tests.testing.pos_server import acquire, keys


def test_a_server_says_where_it_is_and_stops_with_its_block() -> None:
    with Server(control_token="swordfish") as server, Sandbox(server) as sandbox:
        assert keys(sandbox).status_code == 200
        server.check()
    with pytest.raises(httpx2.ConnectError):
        keys(sandbox)


def test_a_server_that_runs_elsewhere_is_used_the_same_way(tmp_path: Path) -> None:
    with serve("--control-token", "swordfish") as served:
        with Server.at(served.base_url + "/", control_token="swordfish") as server:
            with Sandbox(server) as sandbox:
                acquire(sandbox)
                assert sandbox.devices.get("store-12").license_status == "licensed"
                assert sandbox.issuer.startswith(served.base_url)
                file = sandbox.save(tmp_path / "report.json")
            assert Sandbox.load(file, server=server).devices.get("store-12").license is not None
            assert Sandbox.existing(server=server).issuer == served.issuer
        with Server.at(served.base_url, control_token="sardine") as stranger:
            with pytest.raises(ControlError) as refused:
                stranger.check()
            assert refused.value.status == 401


def test_a_server_that_is_not_there_is_named() -> None:
    with Server.at("http://127.0.0.1:9") as server:
        with pytest.raises(ServerUnreachableError, match=r"http://127\.0\.0\.1:9"):
            Sandbox(server)
        with pytest.raises(ServerUnreachableError):
            server.check()


def test_what_is_no_mock_authz_server_is_told(sandbox: Sandbox) -> None:
    for page in ("login", "device"):
        with (
            Server.at(f"{sandbox.issuer}/{page}#") as server,
            pytest.raises(ControlError, match="not that of"),
        ):
            server.check()


def test_a_sandbox_alone_starts_one_server_for_the_process_and_stops_it_at_the_end() -> None:
    program = (
        "from mock_authz.testing import Sandbox\n"
        "one, two = Sandbox(), Sandbox()\n"
        "assert one.server is two.server and one.name != two.name\n"
        "print(one.server.url)\n"
    )
    done = run([sys.executable, "-X", "dev", "-W", "error", "-c", program])
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(done.stdout.strip())


def test_a_server_with_a_certificate_of_its_own_is_trusted_by_its_authority(tmp_path: Path) -> None:
    authority, file = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        tmp_path.joinpath("key.pem").open("wb") as chain,
    ):
        chain.write(authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.bytes())
        chain.flush()
        url = f"https://127.0.0.1:{listening.getsockname()[1]}"
        with in_a_thread(app.Server(url), listening, ssl_certfile=chain.name):
            with Server.at(url, ca_file=file) as server, Sandbox(server) as sandbox:
                assert sandbox.devices.list()
            with Server.at(url) as stranger, pytest.raises(ServerUnreachableError, match="certificate"):
                stranger.check()
