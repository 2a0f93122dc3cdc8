"""Sandboxes: made to order, saved, restored, forked, managed."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from mock_authz.testing import ControlError, Sandbox, SeedError, Server, UnreadableTimeError
from tests.testing.pos_server import DAY, MARCH_2_AT, acquire, begin, keys, refresh

# --- sandboxes ---


def test_a_sandbox_is_fresh_and_says_where_everything_is(server: Server) -> None:
    with Sandbox(server, name="shop", issuer="http://localhost/shop", random_seed="story") as sandbox:
        assert (sandbox.name, sandbox.random_seed) == ("shop", "story")
        assert sandbox.issuer == "http://localhost/shop"
        assert sandbox.verification_uri == "http://localhost/shop/device"
        assert sandbox.management == f"{server.url}/s/shop/management"
        bearer = {"authorization": f"Bearer {sandbox.management_token}"}
        devices = httpx2.get(f"{sandbox.management}/devices", headers=bearer).json()
        assert len(devices) == len(sandbox.devices.list()) == 10
        assert "shop" in repr(sandbox)
    with pytest.raises(ControlError, match="sandbox_unknown"):
        Sandbox.existing("shop", server=server)


def test_a_random_seed_repeats_codes_and_one_is_made_where_none_is_given(server: Server) -> None:
    codes = []
    for seed in ("story", "story", None):
        with Sandbox(server, random_seed=seed, clock="frozen:2027-03-02") as sandbox:
            codes.append(begin(sandbox)["user_code"])
            assert sandbox.random_seed
    assert codes[0] == codes[1] != codes[2]


def test_a_seed_is_a_name_a_file_or_plain_values(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(
        "organizations: [{id: acme, name: Acme}]\nsettings: {interval_seconds: 7}\n", encoding="utf-8"
    )
    for seed in (file, str(file), {"organizations": [{"id": "acme", "name": "Acme"}]}):
        with Sandbox(server, seed=seed) as sandbox:
            assert sandbox.devices.add("Store", renewal_at="P1D").organization == "acme"
    with Sandbox(server, seed="empty") as sandbox, pytest.raises(ControlError):
        sandbox.devices.add("Store")
    file.write_text("organizations: [", encoding="utf-8")
    for seed in (file, tmp_path / "none.yaml", "nothing"):
        with pytest.raises(SeedError):
            Sandbox(server, seed=seed)


def test_settings_go_over_the_preset_and_can_change(server: Server) -> None:
    settings = {"interval_seconds": 9, "code_seconds": 60}
    with Sandbox(server, alg="Ed25519", settings=settings) as sandbox:
        begun = begin(sandbox)
        assert (begun["interval"], begun["expires_in"]) == (9, 60)
        sandbox.change_settings(interval_seconds=1)
        assert begin(sandbox)["interval"] == 1
        assert keys(sandbox).json()["keys"][0]["alg"] == "Ed25519"


@pytest.mark.parametrize(
    ("clock", "mode"),
    [("real", "real"), ("offset:P30D", "offset"), ("offset:-P1Y", "offset"), ("frozen", "frozen"), ("frozen:1803945600", "frozen")],
)  # fmt: skip
def test_a_clock_is_spelled_as_on_the_command_line(server: Server, clock: str, mode: str) -> None:
    with Sandbox(server, clock=clock) as sandbox:
        assert sandbox.clock.mode == mode


@pytest.mark.parametrize("clock", ["", "offset", "offset:", "real:now", "frozen:", "frozen:soon", "stopped"])
def test_a_clock_that_is_none_is_refused(server: Server, clock: str) -> None:
    with pytest.raises(UnreadableTimeError):
        Sandbox(server, clock=clock)


def test_what_the_server_refuses_is_told_with_its_place(server: Server) -> None:
    with pytest.raises(ControlError) as refused:
        Sandbox(server, settings={"intervall_seconds": 1}, name="Shop")
    error = refused.value
    assert (error.status, error.problem) == (422, "unprocessable")
    assert {one["pointer"] for one in error.errors} == {"#/name", "#/settings/intervall_seconds"}
    assert "interval_seconds" in str(error)


def test_a_quirk_that_does_not_exist_leaves_no_sandbox_behind(server: Server) -> None:
    with pytest.raises(ControlError, match="quirk"):
        Sandbox(server, name="quirky", quirks=["nobody_has_it"])
    with Sandbox(server, name="quirky", quirks=["slow_down_does_not_grow"]) as sandbox:
        sandbox.quirks()


# --- snapshots, forks, files ---


def test_a_snapshot_brings_everything_back_and_stays(sandbox: Sandbox) -> None:
    refresh_token = acquire(sandbox)
    assert sandbox.snapshot("before") == "before"
    for _ in range(2):
        sandbox.devices.revoke("store-12")
        sandbox.clock.advance("P1D")
        assert refresh(sandbox, refresh_token).json()["reason"] == "license_revoked"
        sandbox.restore("before")
        assert sandbox.clock.now == MARCH_2_AT
        assert refresh(sandbox, refresh_token).status_code == 200
    with pytest.raises(ControlError, match="404"):
        sandbox.restore("never")


def test_a_fork_goes_its_own_way_and_is_closed_with_its_origin(server: Server) -> None:
    with Sandbox(server, random_seed="story") as sandbox:
        fork = sandbox.fork("other")
        fork.clock.advance("P1Y")
        assert (fork.name, fork.random_seed) == ("other", "story")
        assert fork.clock.now - sandbox.clock.now > 364 * DAY
    with pytest.raises(ControlError, match="sandbox_unknown"):
        Sandbox.existing("other", server=server)


def test_a_file_brings_a_sandbox_to_another_server(sandbox: Sandbox, tmp_path: Path) -> None:
    refresh_token = acquire(sandbox)
    file = sandbox.save(tmp_path / "report.json")
    with Server() as another, Sandbox.load(file, server=another) as loaded:
        assert loaded.issuer == f"{another.url}/s/{sandbox.name}"
        assert loaded.clock.now == MARCH_2_AT
        assert refresh(loaded, refresh_token).status_code == 200
        with Sandbox.load(file, server=another, name="again", issuer=sandbox.issuer) as again:
            assert (again.name, again.issuer) == ("again", sandbox.issuer)
            assert again.devices.get("store-12").license_status == "licensed"


def test_a_sandbox_that_was_there_stays_there(server: Server) -> None:
    with Sandbox(server, name="there"):
        with Sandbox.existing("there", server=server) as sandbox:
            assert sandbox.random_seed is None
        assert Sandbox.existing("there", server=server).name == "there"


# --- devices ---


def test_devices_are_added_changed_and_deleted(sandbox: Sandbox) -> None:
    devices = sandbox.devices
    added = devices.add(
        "Store 99", server_id="store-99", organization="northwind", hub="head-office", renewal_at="P45D"
    )
    assert (added.hub, added.renewal_at, added.license_status) == (
        "head-office",
        MARCH_2_AT + 45 * DAY,
        "unlicensed",
    )
    assert devices.add("Till", edition="register").server_id
    assert devices.change("store-99", name="Store 100", hub=None).name == "Store 100"
    assert not devices.disable("store-99").enabled
    assert devices.enable("store-99").enabled
    devices.delete("store-99")
    with pytest.raises(ControlError, match="404"):
        devices.get("store-99")


def test_a_license_is_renewed_and_revoked(sandbox: Sandbox) -> None:
    acquire(sandbox)
    licensed = sandbox.devices.renew("store-12", "P90D").license
    assert licensed is not None
    assert (licensed.license_status, licensed.renewal_at) == ("licensed", MARCH_2_AT + 90 * DAY)
    assert sandbox.devices.renew("store-12", None).license_status == "licensed"
    revoked = sandbox.devices.revoke("store-12").license
    assert revoked is not None
    assert (revoked.reason, revoked.ended_at) == ("license_revoked", MARCH_2_AT)


def test_the_whole_management_api_is_in_reach(sandbox: Sandbox) -> None:
    made = sandbox.manage("POST", "/clients", {"client_id": "kiosk"})
    assert sandbox.manage("GET", "clients/kiosk") == made
    assert sandbox.manage("DELETE", "clients/kiosk") is None
    acquire(sandbox)
    sandbox.rotate_key()
    assert len(keys(sandbox).json()["keys"]) == 2
    assert [key["state"] for key in sandbox.manage("GET", "keys")] == ["signing", "published"]
    sandbox.rotate_key(immediately=True)
    assert sandbox.manage("GET", "keys")[-1]["state"] == "signing"
