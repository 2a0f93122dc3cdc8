"""The test bench page over HTTP: who may come in, what it shows, what its forms do, what every answer carries."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from mock_authz.app import Server
from mock_authz.domain.organization import Device
from mock_authz.usecases import administer
from tests.factories import DAY, NOW, QA, STORE_12, default_records, expect
from tests.web.bench import HERE, UI, at_the_bench, form_of, now_of, open_page, press
from tests.web.site import BASE_URL, Site, a_site
from tests.web.visitor import Visitor, context_of

TOKEN = "control-token-of-the-tests"
FAR = ("192.0.2.7", 40000)


@pytest.fixture
def visitor() -> Visitor:
    return at_the_bench()


# --- who may come in ---


def test_from_this_machine_no_token_is_asked_for(visitor: Visitor) -> None:
    assert open_page(visitor).status == 200


def test_from_other_machines_nobody_comes_in_without_a_token_at_the_server(visitor: Visitor) -> None:
    visitor.site.address = FAR
    for path in (UI, HERE, f"{HERE}/har", f"{HERE}/export", f"{UI}/login"):
        assert visitor.send("GET", path).status == 403
    assert visitor.send("POST", f"{HERE}/move", data={"to": "P1D"}).status == 403
    assert now_of(visitor) == NOW


@pytest.fixture
def guarded() -> Visitor:
    site = a_site(server=Server(BASE_URL, control_token=TOKEN))
    site.checks = False
    site.address = FAR
    return Visitor(site)


@pytest.mark.parametrize("path", [UI, HERE, f"{HERE}/har", f"{HERE}/export", f"{UI}/nothing"])
def test_the_control_token_is_asked_for_in_a_form(guarded: Visitor, path: str) -> None:
    shown = guarded.send("GET", path)
    assert (shown.status, shown.form("/login").action) == (401, f"{UI}/login")
    assert "harbor" not in shown.response.text.lower()


def test_whoever_enters_the_control_token_comes_in_and_leaves_again(guarded: Visitor) -> None:
    wrong = guarded.submit(guarded.send("GET", UI), "/login", control_token="guessed")
    assert wrong.status == 403
    assert "This is not the control token." in wrong.text
    entered = guarded.submit(wrong, "/login", control_token=TOKEN)
    assert (entered.status, entered.location) == (303, UI)
    cookie = entered.response.headers["set-cookie"]
    assert "; Path=/_control; HttpOnly; SameSite=Strict" in cookie
    assert TOKEN not in cookie
    shown = open_page(guarded)
    assert guarded.submit(shown, "/logout", leave="yes").status == 303
    assert guarded.send("GET", HERE).status == 401


def test_a_login_is_good_for_the_token_that_it_was_made_with_only(guarded: Visitor) -> None:
    guarded.submit(guarded.send("GET", UI), "/login", control_token=TOKEN)
    guarded.site.server.control_token = "another"
    assert guarded.send("GET", HERE).status == 401


@pytest.mark.parametrize("value", ["", "x", f"{'0' * 32}.", f"{'0' * 32}.{'0' * 64}"])
def test_a_made_up_login_proves_nothing(guarded: Visitor, value: str) -> None:
    headers = {"cookie": f"mock_authz_bench_login_8628={value}"}
    assert guarded.send("GET", HERE, headers=headers).status == 401


def test_a_login_is_not_taken_from_a_foreign_page(guarded: Visitor) -> None:
    shown = guarded.submit(
        guarded.send("GET", UI), "/login", control_token=TOKEN, headers={"origin": "https://evil.example"}
    )
    assert shown.status == 403
    assert "set-cookie" not in shown.response.headers


# --- forms ---


def test_a_form_from_elsewhere_changes_nothing(visitor: Visitor) -> None:
    shown = open_page(visitor)
    form = form_of(shown, "move")
    data = {**form.values, "to": "P1D"}
    for headers in (
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site"},
    ):
        assert visitor.send("POST", form.action, data=data, headers=headers).status == 403
    for token in ("", "made-up", "é"):
        assert visitor.send("POST", form.action, data={**data, "csrf_token": token}).status == 403
    assert now_of(visitor) == NOW
    assert visitor.send("POST", form.action, data=data, headers={"origin": BASE_URL}).status == 303


def test_a_form_is_bound_to_the_browser_that_it_was_made_for(visitor: Visitor) -> None:
    form = form_of(open_page(visitor), "move")
    other = Visitor(visitor.site)
    open_page(other)
    assert other.send("POST", form.action, data={**form.values, "to": "P1D"}).status == 403
    assert now_of(visitor) == NOW


def test_a_form_is_bound_to_its_sandbox(visitor: Visitor) -> None:
    form = form_of(open_page(visitor), "move")
    assert visitor.send("POST", f"{UI}/default/move", data={**form.values, "to": "P1D"}).status == 403


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"data": {"to": "x" * 70_000}}, 413),
        ({"json": {"to": "P1D"}}, 400),
        (
            {"content": b"to=P1D&to=P2D", "headers": {"content-type": "application/x-www-form-urlencoded"}},
            400,
        ),
        ({"data": {"to": "P1D"}, "headers": {"content-encoding": "gzip"}}, 415),
    ],
)
def test_what_is_no_form_is_refused(visitor: Visitor, given: dict[str, Any], status: int) -> None:
    assert visitor.send("POST", f"{HERE}/move", **given).status == status


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"{HERE}/nothing", 404),
        ("POST", f"{HERE}/nothing", 404),
        ("GET", f"{UI}/nobody", 404),
        ("GET", f"{UI}/static/bench.js", 404),
        ("POST", UI, 404),
        ("GET", f"{UI}/login", 303),
        ("DELETE", HERE, 405),
        ("OPTIONS", HERE, 405),
    ],
)
def test_what_is_not_there_is_said(visitor: Visitor, method: str, path: str, status: int) -> None:
    given = {"data": {"a": "b"}} if method == "POST" else {}
    assert visitor.send(method, path, **given).status == status


def test_head_is_get_without_the_page(visitor: Visitor) -> None:
    shown = visitor.send("HEAD", HERE)
    assert (shown.status, shown.response.content) == (200, b"")


# --- what every answer carries ---


def test_no_answer_may_be_stored_framed_or_load_anything_from_elsewhere(visitor: Visitor) -> None:
    for path in (UI, HERE, f"{UI}/nobody"):
        headers = visitor.send("GET", path).response.headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy


def test_the_page_loads_its_own_files_only_and_they_are_there(visitor: Visitor) -> None:
    addresses = open_page(visitor).reader.addresses
    assert all(address.startswith((UI, "#")) for address in addresses), addresses
    files = {address for address in addresses if "/static/" in address}
    assert {address.rpartition(".")[2] for address in files} == {"css", "js", "svg"}
    for address in files:
        response = visitor.send("GET", address).response
        assert (response.status_code, response.headers["cache-control"]) == (
            200, "public, max-age=31536000, immutable",
        )  # fmt: skip


def test_the_page_shows_no_secret(visitor: Visitor) -> None:
    tokens = visitor.site.acquire()
    html = open_page(visitor).response.text
    for secret in (visitor.site.sandbox.management_token, tokens["access_token"], tokens["refresh_token"]):
        assert secret not in html


# --- what it shows ---


def test_sandboxes_are_chosen_the_default_one_first(visitor: Visitor) -> None:
    links = [one for one in visitor.send("GET", UI).reader.addresses if one.startswith(f"{UI}/")]
    assert [one for one in links if "/static/" not in one] == [f"{UI}/default", HERE]


def test_the_page_says_name_issuer_time_and_mode(visitor: Visitor) -> None:
    text = open_page(visitor).text
    for said in (QA, f"{BASE_URL}/s/{QA}", "2027-01-15", "08:00:00", "Frozen"):
        assert said in text


def test_a_device_shows_its_status_token_and_renewal_date(visitor: Visitor) -> None:
    administer.renew_device(context_of(visitor.site), STORE_12, renewal_at=NOW + 20 * DAY)
    visitor.site.acquire()
    text = open_page(visitor).text
    assert "Store 12 Store · Harbor Outfitters Requires Renewal Good until 2027-01-22 08:00 UTC" in text
    assert "2027-02-04 08:00 UTC" in text


def test_the_timeline_says_each_device_in_words(visitor: Visitor) -> None:
    visitor.site.acquire()
    html = open_page(visitor).response.text
    assert (
        'aria-label="Store 12: Licensed, licensed since 2027-01-15 08:00 UTC, '
        '1 license token, the last good until 2027-01-22 08:00 UTC."'
    ) in html


@pytest.mark.parametrize(
    "span", ["fit", "hour", "day", "week", "month", "quarter", "year", "decade", "nonsense"]
)
def test_the_timeline_has_scales_from_an_hour_to_ten_years(visitor: Visitor, span: str) -> None:
    visitor.site.acquire()
    assert '<text class="tick' in open_page(visitor, f"?span={span}").response.text


def test_devices_are_found_by_a_part_of_their_name_identity_or_organization(visitor: Visitor) -> None:
    for find, names in [("STORE", {"Store 12"}), ("till-1", {"Till 1"}), ("summit", {"Peak"}), ("x", set())]:
        shown = open_page(visitor, f"?find={find}").response.text
        assert {
            name for name in ("Store 12", "Till 1", "Peak", "Head Office") if f"<b>{name}</b>" in shown
        } == names


def test_of_many_devices_the_first_are_shown_and_the_rest_counted() -> None:
    plain = expect(Device, next(one for one in default_records() if isinstance(one, Device)))
    many = [replace(plain, server_id=f"branch-{number}", name=f"Branch {number}") for number in range(61)]
    site = a_site(records=[*default_records(), *many])
    site.checks = False
    assert "60 of 65 devices" in open_page(Visitor(site)).text


def test_journal_lines_are_found_by_what_they_say(visitor: Visitor) -> None:
    visitor.site.acquire()
    assert 'class="title">License issued' in open_page(visitor).response.text
    found = open_page(visitor, "?journal=approved").response.text
    assert 'class="title">User code approved' in found
    assert 'class="title">License issued' not in found
    assert "No line says that." in open_page(visitor, "?journal=nonsense").text


@pytest.mark.parametrize(
    "query", ["?moved=1", "?moved=a-b", "?moved=9-1", f"?moved={'9' * 99}-1", "?done=x", "?a=%ff"]
)
def test_an_address_that_nobody_understands_shows_the_page(visitor: Visitor, query: str) -> None:
    assert "fell due" not in open_page(visitor, query).text


def test_what_a_name_holds_is_text(visitor: Visitor) -> None:
    change = {"name": '<script>"x"</script>'}
    expect(Device, administer.change_device(context_of(visitor.site), STORE_12, change))
    visitor.site.acquire()
    assert "<script>&#34;" not in open_page(visitor).response.text
    assert '<script>"x"' not in open_page(visitor).response.text


def test_a_page_that_is_as_it_was_is_not_sent_again(visitor: Visitor) -> None:
    tag = open_page(visitor).response.headers["etag"]
    again = visitor.send("GET", HERE, headers={"if-none-match": tag})
    assert (again.status, again.response.content) == (304, b"")
    # A browser without the cookie needs the page: its forms would be refused.
    assert Visitor(visitor.site).send("GET", HERE, headers={"if-none-match": tag}).status == 200
    for query in ("?span=year", "?find=x", "?journal=x", "?done=move"):
        assert visitor.send("GET", HERE + query, headers={"if-none-match": tag}).status == 200


def test_whatever_changes_is_sent_again(visitor: Visitor) -> None:
    site = visitor.site
    for change in (
        site.authorize,
        site.acquire,
        lambda: press(visitor, "move", {"to": "PT15S"}),
        lambda: press(visitor, "add-fault", {"kind": "offline", "times": "1"}),
        lambda: press(visitor, "add-human", {"act": "ignore"}),
        lambda: press(visitor, "take-snapshot", {"name": "before"}),
        lambda: press(visitor, "restore-snapshot", snapshot="before"),
        lambda: press(visitor, "disable", server_id=STORE_12),
    ):
        tag = open_page(visitor).response.headers["etag"]
        change()
        assert visitor.send("GET", HERE, headers={"if-none-match": tag}).status == 200, change


def test_har_and_the_whole_sandbox_are_files(visitor: Visitor) -> None:
    visitor.site.acquire()
    har = visitor.send("GET", f"{HERE}/har").response
    assert har.headers["content-disposition"] == f'attachment; filename="{QA}.har"'
    assert json.loads(har.text)["log"]["entries"]
    export = visitor.send("GET", f"{HERE}/export").response
    assert (export.headers["content-type"], export.headers["cache-control"]) == (
        "application/json",
        "no-store",
    )
    assert json.loads(export.text)["sandbox"]["name"] == QA


# --- the timeline as data ---


def test_the_timeline_is_documented_data(site: Site) -> None:
    administer.renew_device(context_of(site), STORE_12, renewal_at=NOW + 20 * DAY)
    site.acquire()
    outage = {"kind": "offline", "from_at": NOW, "server_id": STORE_12}
    made = site.send("POST", f"/_control/sandboxes/{QA}/faults", json=outage).json()
    site.send("DELETE", f"/_control/sandboxes/{QA}/faults/{made['fault_id']}")
    site.send("POST", f"/_control/sandboxes/{QA}/clock/advance", json={"by": "P30D"})
    shown = site.send("GET", f"/_control/sandboxes/{QA}/timeline").json()
    (row,) = shown["devices"]
    (life,) = row["licenses"]
    assert (row["license_status"], life["reason"]) == ("expired_requires_renewal", "license_expired")
    assert life["license_tokens"] == [{"issued_at": NOW, "expires_at": NOW + 7 * DAY}]
    assert life["required_renewal"] == [{"from_at": NOW, "until_at": NOW + 20 * DAY}]
    assert [outage["server_id"] for outage in shown["outages"]] == [STORE_12]
    assert shown["events"][0]["type"] == "device_changed"
