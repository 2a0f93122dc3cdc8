"""Authorize Device: steps 1 to 5 of the user guide's part a, as the Authorization server's tab shows them."""

from __future__ import annotations

import pytest

from mock_authz.domain.device_grant import DeviceGrant, State
from mock_authz.usecases import administer, approvals
from tests.factories import DAY, MINUTE, NOW, QA, STORE_12, expect
from tests.web.site import Site, a_site, members
from tests.web.visitor import Shown, Visitor, context_of, page_records

WRONG = "This user code is not known, has expired or was used already."


@pytest.fixture
def site() -> Site:
    return a_site(records=page_records())


@pytest.fixture
def visitor(site: Site) -> Visitor:
    visitor = Visitor(site)
    visitor.log_in()
    return visitor


def enter(
    visitor: Visitor, user_code: str, *, server_id: str = STORE_12, decision: str = "authorize"
) -> Shown:
    """Fill in the form and send it."""
    form = visitor.get("/device")
    return visitor.submit(form, "/device/review", user_code=user_code, server_id=server_id, decision=decision)


def state_of(site: Site, user_code: str) -> State:
    return expect(DeviceGrant, approvals.find_user_code(context_of(site), user_code)).state


# --- the form ---


def test_the_form_has_the_labels_of_the_user_guide(visitor: Visitor) -> None:
    shown = visitor.get("/device")
    for label in ("Authorize Device", "Device", "UserCode", "Authorize", "Deny"):
        assert f">{label}<" in shown.response.text
    values = [value for value, _ in shown.form("/device/review").options["server_id"]]
    assert values == ["", "head-office", "store-12", "till-1"]


def test_a_device_that_cannot_be_authorized_is_shown_and_barred(site: Site, visitor: Visitor) -> None:
    administer.disable_device(context_of(site), "till-1")
    administer.renew_device(context_of(site), STORE_12, renewal_at=NOW + 1)
    site.move_to(NOW + 1)
    shown = visitor.get(f"/device?server_id={STORE_12}")
    assert "Store 12 (Store): renewal date has passed" in shown.text
    assert "Till 1 (Register): disabled" in shown.text
    assert [value for value, free in shown.form("/review").options["server_id"] if not free] == [
        STORE_12,
        "till-1",
    ]
    assert shown.form("/review").values["server_id"] == ""


def test_a_code_of_a_link_is_prefilled_and_to_be_compared(site: Site, visitor: Visitor) -> None:
    before = site.server.store.journal(QA)
    shown = visitor.get("/device?user_code=wdjbmjht")
    assert shown.form("/review").values["user_code"] == "WDJB-MJHT"
    assert "The code came with the link" in shown.text
    assert "came with the link" not in visitor.get("/device").text
    assert site.server.store.journal(QA) == before


def test_what_is_no_code_stays_as_it_was_entered(visitor: Visitor) -> None:
    shown = visitor.send("GET", visitor.below("/device"), params={"user_code": '<b>"wörd" ' + "x" * 99})
    assert shown.form("/review").values["user_code"] == ('<b>"wörd" ' + "x" * 99)[:40]
    assert "<b>" not in shown.response.text.partition("UserCode")[2]


# --- review ---


def test_the_confirmation_shows_what_is_about_to_happen_and_changes_nothing(
    site: Site, visitor: Visitor
) -> None:
    administer.renew_device(context_of(site), STORE_12, renewal_at=NOW + 60 * DAY)
    code = site.authorize()["user_code"]
    shown = enter(visitor, code)
    assert shown.status == 200
    for said in (
        "Authorize Store 12?",
        code,
        "Device Store 12",
        "Edition Store",
        "Server ID store-12",
        "Organization Harbor Outfitters",
        "Requested by POS server",
        "Code expires 2027-01-15 08:15 UTC",
        "licensed for xms , to be renewed by 2027-03-16 08:00 UTC",
        "No license is replaced",
    ):
        assert said.replace(" ,", ",") in shown.text.replace(" ,", ",")
    assert state_of(site, code) is State.PENDING


def test_the_confirmation_says_that_a_present_license_will_be_superseded(
    site: Site, visitor: Visitor
) -> None:
    site.acquire()
    assert "The present license will be superseded:" in enter(visitor, site.authorize()["user_code"]).text


def test_a_client_that_was_removed_is_shown_by_its_id(site: Site, visitor: Visitor) -> None:
    code = site.authorize()["user_code"]
    administer.delete_client(context_of(site), "pos-server")
    assert "Requested by pos-server" in enter(visitor, code).text


def test_case_and_punctuation_of_a_code_do_not_count(site: Site, visitor: Visitor) -> None:
    code = site.authorize()["user_code"].replace("-", "").lower()
    assert enter(visitor, f" {code[:3]} {code[3:]}. ").status == 200


@pytest.mark.parametrize("user_code", ["BBBB-BBBB", "BBBB", "ÄÖÜß", "\ud83d\ude00"])
def test_a_wrong_code_is_refused_on_the_form_which_keeps_everything(visitor: Visitor, user_code: str) -> None:
    shown = enter(visitor, user_code.encode("utf-16", "surrogatepass").decode("utf-16"))
    assert shown.status == 422
    assert WRONG in shown.text
    assert 'role="alert"' in shown.response.text
    values = shown.form("/review").values
    assert values["server_id"] == STORE_12
    assert values["user_code"] == user_code.encode("utf-16", "surrogatepass").decode("utf-16")


@pytest.mark.parametrize(
    ("after", "status"), [(15 * MINUTE - 1, 200), (15 * MINUTE, 422), (15 * MINUTE + 1, 422)]
)
def test_an_expired_code_is_a_wrong_one(site: Site, visitor: Visitor, after: int, status: int) -> None:
    code = site.authorize()["user_code"]
    site.move_to(NOW + after)
    assert enter(visitor, code).status == status


def test_what_is_missing_is_asked_for_and_costs_no_guess(site: Site, visitor: Visitor) -> None:
    before = site.server.store.journal(QA)
    shown = enter(visitor, " ", server_id="")
    assert shown.status == 422
    assert "Enter the user code that the License Management page shows." in shown.text
    assert "Choose the device to license." in shown.text
    assert site.server.store.journal(QA) == before


def test_a_device_that_was_disabled_meanwhile_is_refused_on_the_form(site: Site, visitor: Visitor) -> None:
    code = site.authorize()["user_code"]
    administer.disable_device(context_of(site), STORE_12)
    shown = enter(visitor, code)
    assert (shown.status, "Store 12 is disabled." in shown.text) == (409, True)


def test_a_device_of_another_organization_is_refused_on_the_form(site: Site, visitor: Visitor) -> None:
    code = site.authorize()["user_code"]
    shown = enter(visitor, code, server_id="peak")
    assert (shown.status, "This is not a device of Harbor Outfitters." in shown.text) == (409, True)


# --- the budget of wrong entries ---


def test_the_sixth_entry_after_five_wrong_ones_has_to_wait(site: Site, visitor: Visitor) -> None:
    code = site.authorize()["user_code"]
    confirmation = enter(visitor, code)
    assert [enter(visitor, "BBBB-BBBB").status for _ in range(5)] == [422] * 5
    shown = enter(visitor, code)
    assert shown.status == 429
    assert shown.response.headers["retry-after"] == str(15 * MINUTE)
    assert "Try again in 15 minutes, at 2027-01-15 08:15 UTC." in shown.text
    assert "clock is frozen" in shown.text
    assert visitor.submit(confirmation, "/decision", decision="approve").status == 429
    assert visitor.submit(confirmation, "/decision", decision="deny").status == 429
    assert state_of(site, code) is State.PENDING
    site.move_to(NOW + 15 * MINUTE - 30)
    assert "Try again in 30 seconds" in enter(visitor, code).text


def test_the_budget_is_each_administrator_s_own(site: Site, visitor: Visitor) -> None:
    code = site.authorize()["user_code"]
    for _ in range(6):
        enter(visitor, "BBBB-BBBB")
    other = Visitor(site)
    choice = other.log_in("sam")
    other.submit(choice, "/organizations", organization_id="harbor")
    assert enter(other, code).status == 200


# --- decision and result ---


def test_a_confirmed_code_is_approved_and_leads_back_to_the_other_tab(site: Site, visitor: Visitor) -> None:
    codes = site.authorize()
    led = visitor.submit(enter(visitor, codes["user_code"]), "/decision", decision="approve")
    assert (led.status, led.location) == (303, f"/s/{QA}/device/result?user_code={codes['user_code']}")
    shown = visitor.follow(led)
    assert "Authorized" in shown.text
    assert (
        "Go back to the tab with the License Management page and choose Complete Authorization ."
        in shown.text
    )
    members(site.poll(codes["device_code"]), 200)
    assert "The device has its license." in visitor.follow(led).text


def test_a_present_license_is_left_alone_until_redemption(site: Site, visitor: Visitor) -> None:
    tokens = site.acquire()
    visitor.submit(enter(visitor, site.authorize()["user_code"]), "/decision", decision="approve")
    members(site.refresh(tokens["refresh_token"]), 200)


@pytest.mark.parametrize("decision", ["authorize", "deny"])
def test_a_denied_code_is_dead(site: Site, visitor: Visitor, decision: str) -> None:
    codes = site.authorize()
    asked = enter(visitor, codes["user_code"], decision=decision)
    shown = visitor.follow(visitor.submit(asked, "/decision", decision="deny"))
    assert "Denied" in shown.text
    assert "No license has changed." in shown.text
    assert members(site.poll(codes["device_code"]), 400)["error"] == "access_denied"


def test_denying_needs_no_device_but_a_confirmation(site: Site, visitor: Visitor) -> None:
    code = site.authorize()["user_code"]
    asked = enter(visitor, code, server_id="", decision="deny")
    assert asked.status == 200
    assert "Deny this user code?" in asked.text
    assert state_of(site, code) is State.PENDING


def test_a_code_is_decided_once(site: Site, visitor: Visitor) -> None:
    asked = enter(visitor, site.authorize()["user_code"])
    visitor.submit(asked, "/decision", decision="approve")
    again = visitor.submit(asked, "/decision", decision="deny")
    assert (again.status, WRONG in again.text) == (422, True)


def test_a_device_that_was_disabled_before_the_confirmation_is_refused(site: Site, visitor: Visitor) -> None:
    code = site.authorize()["user_code"]
    asked = enter(visitor, code)
    administer.disable_device(context_of(site), STORE_12)
    shown = visitor.submit(asked, "/decision", decision="approve")
    assert (shown.status, "Store 12 is disabled." in shown.text) == (409, True)
    assert state_of(site, code) is State.PENDING


def test_another_organization_chosen_in_another_tab_authorizes_nothing(site: Site) -> None:
    visitor = Visitor(site)
    visitor.submit(visitor.log_in("sam"), "/organizations", organization_id="harbor")
    code = site.authorize()["user_code"]
    asked = enter(visitor, code)
    visitor.submit(visitor.get("/organizations"), "/organizations", organization_id="summit")
    shown = visitor.submit(asked, "/decision", decision="approve")
    assert (shown.status, "This is not a device of Summit Sports." in shown.text) == (409, True)
    assert state_of(site, code) is State.PENDING


def test_a_form_without_a_decision_starts_again(site: Site, visitor: Visitor) -> None:
    asked = enter(visitor, site.authorize()["user_code"])
    assert visitor.submit(asked, "/decision").location == f"/s/{QA}/device"


@pytest.mark.parametrize("path", ["/device/review", "/device/decision"])
def test_reloading_what_lies_behind_the_form_starts_again(visitor: Visitor, path: str) -> None:
    assert visitor.get(path).location == f"/s/{QA}/device"


def test_a_later_approval_withdraws_the_earlier_one(site: Site, visitor: Visitor) -> None:
    led = visitor.submit(enter(visitor, site.authorize()["user_code"]), "/decision", decision="approve")
    visitor.submit(enter(visitor, site.authorize()["user_code"]), "/decision", decision="approve")
    assert "No longer authorized" in visitor.follow(led).text


def test_an_approved_code_that_was_not_redeemed_in_time_says_so(site: Site, visitor: Visitor) -> None:
    led = visitor.submit(enter(visitor, site.authorize()["user_code"]), "/decision", decision="approve")
    site.move_to(NOW + 15 * MINUTE)
    assert "The user code has expired" in visitor.follow(led).text


def test_the_result_of_another_administrator_s_code_is_not_shown(site: Site, visitor: Visitor) -> None:
    pending, decided = site.authorize()["user_code"], site.authorize()["user_code"]
    site.approve(decided, administrator="sam")
    for code in (pending, decided, "BBBB-BBBB", ""):
        assert visitor.get(f"/device/result?user_code={code}").status == 404
