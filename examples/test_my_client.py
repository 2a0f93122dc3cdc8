from my_client import LicenseClient

from mock_authz.testing import Sandbox


def test_a_store_keeps_its_license_until_nobody_renews_it(authz_sandbox: Sandbox) -> None:
    authz_sandbox.human.approve("store-12", after_polls=3)
    client = LicenseClient(authz_sandbox.issuer, now=authz_sandbox.clock.time)
    client.acquire()

    for _ in range(6):  # 30 days
        authz_sandbox.clock.advance("P5D")
        client.refresh()
    assert client.may_connect

    with authz_sandbox.offline():
        authz_sandbox.clock.advance("P3D")
        client.refresh()
    assert client.may_connect  # the license token of day 30 is good for a week

    authz_sandbox.devices.renew("store-12", "P1Y")
    authz_sandbox.faults.lost_reply("token:refresh", times=1)
    client.refresh()  # the server rotates the refresh token, and the client never hears of it
    client.refresh()
    assert authz_sandbox.devices.get("store-12").license_status == "licensed"

    *_, last = authz_sandbox.clock.advance("P1Y")
    assert last.type == "license_lapsed"
    client.refresh()
    assert client.lost_because == "license_expired"
