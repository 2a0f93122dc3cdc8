"""The devices' pages: what is shown of a license, with the labels of the user guide, and what can be done about it."""

from __future__ import annotations

import pytest

from mock_authz.domain.license import Ending
from mock_authz.usecases import administer
from tests.factories import DAY, HEAD_OFFICE, NOW, QA, STORE_12
from tests.web.site import Site, a_site, items
from tests.web.visitor import Shown, Visitor, context_of, page_records

STORE: str = f"/devices/{STORE_12}"
LABELS = [
    "License Status",
    "Server ID",
    "License Renewal Date",
    "Features",
    "Hub Server Name",
    "Hub Server URL",
    "Token Expiry",
]


@pytest.fixture
def site() -> Site:
    return a_site(records=page_records())


@pytest.fixture
def visitor(site: Site) -> Visitor:
    visitor = Visitor(site)
    visitor.log_in()
    return visitor


def facts(shown: Shown) -> str:
    """What stands in the list of the license's details."""
    return shown.text.partition("License License Status")[2].partition("Renew The license")[0]


def ending_of(site: Site) -> str | None:
    found = administer.latest_license(context_of(site), STORE_12)
    return None if found is None else found.ending


# --- looking ---


def test_the_devices_of_the_organization_are_listed_with_their_status(site: Site, visitor: Visitor) -> None:
    site.acquire()
    text = visitor.get("/devices").text
    assert "Head Office head-office Corporate Unlicensed None No token" in text
    assert "Store 12 store-12 Store Licensed None 2027-01-22 08:00 UTC" in text
    assert "Peak" not in text


def test_an_organization_without_devices_says_so(site: Site, visitor: Visitor) -> None:
    for server_id in ("till-1", STORE_12, HEAD_OFFICE):
        administer.delete_device(context_of(site), server_id)
    assert "This organization has no devices yet." in visitor.get("/devices").text
    assert "has no devices yet" in visitor.get("/device").text


def test_the_details_carry_the_labels_of_the_user_guide_in_its_order(site: Site, visitor: Visitor) -> None:
    administer.renew_device(context_of(site), STORE_12, renewal_at=NOW + 60 * DAY)
    site.acquire()
    text = visitor.get(STORE).text
    places = [text.index(label) for label in LABELS]
    assert places == sorted(places)
    for shown in (
        "License Status Licensed",
        "Server ID store-12",
        "License Renewal Date 2027-03-16 08:00 UTC",
        "Features xms",
        "Hub Server Name Head Office",
        "Hub Server URL https://pos.harbor.example",
        "Token Expiry 2027-01-22 08:00 UTC",
    ):
        assert shown in text


@pytest.mark.parametrize(
    ("after", "status"),
    [
        (30 * DAY - 1, "Licensed"),
        (30 * DAY, "Requires Renewal"),
        (60 * DAY - 1, "Requires Renewal"),
        (60 * DAY, "Expired Requires Renewal"),
    ],
)
def test_the_status_follows_the_sandbox_clock(site: Site, visitor: Visitor, after: int, status: str) -> None:
    administer.renew_device(context_of(site), STORE_12, renewal_at=NOW + 60 * DAY)
    site.acquire()
    site.move_to(NOW + after)
    assert f"License Status {status} The license " in visitor.get(STORE).text


def test_a_lapsed_device_cannot_be_authorized_and_says_what_to_do(site: Site, visitor: Visitor) -> None:
    administer.renew_device(context_of(site), STORE_12, renewal_at=NOW + DAY)
    site.acquire()
    site.move_to(NOW + DAY)
    text = visitor.get(STORE).text
    assert "Renew it before you authorize this device." in text
    assert "The license was not renewed by its renewal date." in text
    assert "Revoke license…" in text


@pytest.mark.parametrize(
    ("after", "badge"), [(5 * DAY, ""), (5 * DAY + 1, " Expires soon"), (7 * DAY, " Expired")]
)
def test_the_token_expiry_is_marked_when_it_is_near(
    site: Site, visitor: Visitor, after: int, badge: str
) -> None:
    site.acquire()
    site.move_to(NOW + after)
    assert f"Token Expiry 2027-01-22 08:00 UTC{badge} Renew" in visitor.get(STORE).text


@pytest.mark.parametrize(
    "path", ["/devices/nothing", "/devices/peak", "/devices/peak/revoke", "/devices/peak/disable"]
)
def test_a_device_of_another_organization_is_not_found(visitor: Visitor, path: str) -> None:
    shown = visitor.get(path)
    assert shown.status == 404
    assert "Harbor Outfitters has no such device." in shown.text


@pytest.mark.parametrize("action", ["renew", "hub", "enable", "revoke", "disable"])
def test_nothing_is_done_to_a_device_of_another_organization(
    site: Site, visitor: Visitor, action: str
) -> None:
    token = visitor.get("/devices").form("/logout").values["csrf_token"]
    before = site.server.store.journal(QA)
    shown = visitor.post(f"/devices/peak/{action}", {"csrf_token": token, "renewal": "none", "hub": "-"})
    assert shown.status == 404
    assert site.server.store.journal(QA) == before


# --- renewal ---


def test_a_license_is_renewed_until_a_date(site: Site, visitor: Visitor) -> None:
    site.acquire()
    led = visitor.submit(visitor.get(STORE), "/renew", renewal="date", renewal_date="2028-02-29")
    assert (led.status, led.location) == (303, f"/s/{QA}{STORE}")
    shown = visitor.follow(led)
    assert "The renewal date is set." in shown.text
    assert "License Renewal Date 2028-02-29 00:00 UTC" in shown.text
    assert "The renewal date is set." not in visitor.get(STORE).text


def test_a_renewal_date_is_taken_away(site: Site, visitor: Visitor) -> None:
    administer.renew_device(context_of(site), STORE_12, renewal_at=NOW + DAY)
    site.acquire()
    shown = visitor.follow(visitor.submit(visitor.get(STORE), "/renew", renewal="none"))
    assert "There is no renewal date any more." in shown.text
    assert "License Renewal Date None" in shown.text


def test_the_form_suggests_a_year_from_the_present_date(site: Site, visitor: Visitor) -> None:
    assert visitor.get(STORE).form("/renew").values["renewal_date"] == "2028-01-15"
    administer.renew_device(context_of(site), STORE_12, renewal_at=NOW + 60 * DAY)
    assert visitor.get(STORE).form("/renew").values["renewal_date"] == "2028-03-16"
    administer.renew_device(context_of(site), STORE_12, renewal_at=221_840_000_000)
    assert visitor.get(STORE).form("/renew").values["renewal_date"] == ""


@pytest.mark.parametrize("entered", ["", "soon", "2027-02-30", "9999-01-01"])
def test_a_date_that_is_none_is_refused_and_kept(visitor: Visitor, entered: str) -> None:
    shown = visitor.submit(visitor.get(STORE), "/renew", renewal="date", renewal_date=entered)
    assert shown.status == 422
    assert "Enter a date such as 2027-01-31, or choose none." in shown.text
    if entered:
        assert shown.form("/renew").values["renewal_date"] == entered


def test_a_date_that_has_passed_or_is_earlier_is_a_conflict(site: Site, visitor: Visitor) -> None:
    page = visitor.get(STORE)
    passed = visitor.submit(page, "/renew", renewal="date", renewal_date="2027-01-15")
    assert (passed.status, "must lie in the future" in passed.text) == (409, True)
    administer.renew_device(context_of(site), STORE_12, renewal_at=NOW + 60 * DAY)
    site.acquire()
    earlier = visitor.submit(page, "/renew", renewal="date", renewal_date="2027-02-01")
    assert (earlier.status, "moves the date to a later instant" in earlier.text) == (409, True)


def test_after_an_ending_the_date_is_shown_as_the_next_license_s(site: Site, visitor: Visitor) -> None:
    site.acquire()
    administer.revoke_device_license(context_of(site), STORE_12)
    shown = visitor.follow(
        visitor.submit(visitor.get(STORE), "/renew", renewal="date", renewal_date="2028-02-29")
    )
    assert "License Renewal Date None Its next license: 2028-02-29 00:00 UTC ." in shown.text


# --- hub ---


def test_the_hub_is_changed_and_taken_away(site: Site, visitor: Visitor) -> None:
    shown = visitor.follow(visitor.submit(visitor.get("/devices/till-1"), "/hub", hub=HEAD_OFFICE))
    assert "The hub is changed." in shown.text
    assert "Hub Server Name Head Office" in shown.text
    shown = visitor.follow(visitor.submit(visitor.get("/devices/till-1"), "/hub", hub="-"))
    assert "Hub Server Name None Hub Server URL None" in shown.text


def test_only_what_can_be_a_hub_is_offered(site: Site, visitor: Visitor) -> None:
    offered = [value for value, _ in visitor.get(f"/devices/{HEAD_OFFICE}").form("/hub").options["hub"]]
    assert offered == ["-"]
    administer.disable_device(context_of(site), HEAD_OFFICE)
    form = visitor.get(STORE).form("/hub")
    assert [value for value, _ in form.options["hub"]] == ["-", HEAD_OFFICE]
    assert form.values["hub"] == HEAD_OFFICE


@pytest.mark.parametrize(
    ("hub", "says"), [("till-1", "would be each other's hub"), ("peak", "is not a device")]
)
def test_a_hub_that_cannot_be_is_a_conflict(visitor: Visitor, hub: str, says: str) -> None:
    shown = visitor.submit(visitor.get(STORE), "/hub", hub=hub)
    assert (shown.status, says in shown.text) == (409, True)


def test_a_hub_form_without_a_choice_takes_no_hub_away(visitor: Visitor) -> None:
    shown = visitor.submit(visitor.get(STORE), "/hub", hub="")
    assert (shown.status, "Choose a hub, or none." in shown.text) == (422, True)
    assert "Hub Server Name Head Office" in shown.text


# --- endings, each confirmed ---


def test_a_license_is_revoked_after_a_confirmation(site: Site, visitor: Visitor) -> None:
    site.acquire()
    asked = visitor.get(f"{STORE}/revoke")
    assert "Revoke the license of Store 12?" in asked.text
    assert "stays good offline until 2027-01-22 08:00 UTC" in asked.text
    assert ending_of(site) is None
    shown = visitor.follow(visitor.submit(asked, "/revoke"))
    assert "The license is revoked." in shown.text
    assert "Expired Requires Renewal The license was revoked at the Authorization server." in shown.text
    assert ending_of(site) == Ending.REVOKED


def test_without_a_license_there_is_nothing_to_revoke(site: Site, visitor: Visitor) -> None:
    assert "Revoke license…" not in visitor.get(STORE).text
    asked = visitor.get(f"{STORE}/revoke")
    assert "It has no license that could be revoked." in asked.text
    shown = visitor.submit(asked, "/revoke")
    assert (shown.status, "Store 12 has no license that could be revoked." in shown.text) == (409, True)


def test_a_device_is_disabled_after_a_confirmation_and_enabled_again(site: Site, visitor: Visitor) -> None:
    site.acquire()
    asked = visitor.get(f"{STORE}/disable")
    assert "Disable Store 12?" in asked.text
    shown = visitor.follow(visitor.submit(asked, "/disable"))
    assert "The device is disabled." in shown.text
    assert "The device was disabled or deleted at the Authorization server." in shown.text
    assert ending_of(site) == Ending.DEVICE_DISABLED
    assert "Store 12 Disabled" in visitor.get("/devices").text
    shown = visitor.follow(visitor.submit(shown, "/enable"))
    assert "The device is enabled." in shown.text
    assert "Expired Requires Renewal" in shown.text
    assert [
        one["enabled"] for one in items(site.manage("GET", "/devices")) if one["server_id"] == STORE_12
    ] == [True]
