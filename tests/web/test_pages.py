"""The pages over HTTP: who may see them, what their forms must prove, and what they carry. Authorize Device and the
devices lie beside this.

Over 400 lines: what every page has in common, page by page.
"""

from __future__ import annotations

from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from freezegun import freeze_time

from mock_authz.app import Server
from mock_authz.domain.organization import PlainPassword
from mock_authz.passwords import hash_password
from mock_authz.sandbox import DEFAULT
from mock_authz.usecases import administer
from mock_authz.web.page import POLICY
from mock_authz.web.visit import LARGEST_BODY
from tests.factories import DAY, HOUR, NOW, QA
from tests.web.site import BASE_URL, Site, a_site, problem
from tests.web.visitor import HTML, Shown, Visitor, context_of, page_records

PAGES = ["/", "/login", "/devices", "/devices/store-12", "/devices/store-12/disable", "/device", "/nowhere"]


@pytest.fixture
def site() -> Site:
    return a_site(records=page_records())


@pytest.fixture
def visitor(site: Site) -> Visitor:
    return Visitor(site)


# --- landing, login, logout ---


def test_the_landing_page_says_that_it_is_a_mock_where_and_when(visitor: Visitor) -> None:
    shown = visitor.get("/")
    assert shown.status == 200
    assert "Mock server — for tests only" in shown.text
    assert f"{BASE_URL}/s/{QA}" in shown.text
    assert "2027-01-15 08:00 UTC" in shown.text
    assert f"/s/{QA}/login" in shown.reader.addresses


@pytest.mark.parametrize("path", ["/devices", "/device?user_code=WDJB-MJHT", "/devices/store-12"])
def test_who_is_not_logged_in_comes_back_through_the_login(visitor: Visitor, path: str) -> None:
    assert visitor.get(path).location.startswith(f"/s/{QA}/login?next=")
    shown = visitor.log_in(path=path)
    assert shown.status == 200
    assert shown.response.request.url.raw_path.decode() == visitor.below(path)


def test_a_hashed_password_logs_in_too(site: Site, visitor: Visitor) -> None:
    administer.change_administrator(context_of(site), "dana", {"password_hash": hash_password("pier")})
    assert "Devices" in visitor.log_in(password="pier").text


@pytest.mark.parametrize(
    ("username", "password"),
    [("dana", "wrong"), ("stranger", "quay"), ("dana", "quay "), ("dän\x00a", "quay")],
)
def test_a_wrong_login_is_refused_in_the_same_words_and_keeps_the_username(
    visitor: Visitor, username: str, password: str
) -> None:
    shown = visitor.submit(visitor.get("/login"), "/login", username=username, password=password)
    assert shown.status == 403
    assert "There is no administrator with this username and password." in shown.text
    assert shown.form("/login").values["username"] == username
    assert (
        password not in shown.response.text.replace("Password", "").replace("password", "")
        or password == "wrong"
    )
    assert visitor.get("/devices").status == 303


def test_a_login_without_a_password_is_refused(visitor: Visitor) -> None:
    shown = visitor.submit(visitor.get("/login"), "/login", username="dana")
    assert shown.status == 422
    assert "Enter your username and your password." in shown.text


def test_an_administrator_without_a_password_cannot_log_in(site: Site, visitor: Visitor) -> None:
    administer.change_administrator(context_of(site), "dana", {"password_hash": None})
    assert visitor.submit(visitor.get("/login"), "/login", username="dana", password="None").status == 403


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "evil",
        "/a\nb",
        "/\t/evil.example",
        "javascript:0",
        "",
    ],
)
def test_the_login_leads_nowhere_else(visitor: Visitor, elsewhere: str) -> None:
    login = visitor.send("GET", visitor.below("/login"), params={"next": elsewhere})
    assert login.form("/login").values["next"] == "/devices"
    forged = visitor.submit(login, "/login", username="dana", password="quay", next=elsewhere)
    assert (forged.status, forged.location) == (303, f"/s/{QA}/devices")


def test_who_is_logged_in_is_led_on_from_the_login(visitor: Visitor) -> None:
    visitor.log_in()
    assert visitor.get("/login?next=/device").location == f"/s/{QA}/device"


def test_logging_out_ends_the_login_in_this_browser(visitor: Visitor) -> None:
    shown = visitor.follow(visitor.submit(visitor.log_in(), "/logout"))
    assert "You have logged out." in shown.text
    assert "You have logged out." not in visitor.get("/login").text
    assert visitor.get("/devices").status == 303


def test_a_new_password_ends_open_logins(site: Site, visitor: Visitor) -> None:
    visitor.log_in()
    administer.change_administrator(context_of(site), "dana", {"password_hash": PlainPassword("pier")})
    assert visitor.get("/devices").status == 303


def test_a_deleted_administrator_is_logged_out(site: Site, visitor: Visitor) -> None:
    visitor.log_in()
    administer.delete_administrator(context_of(site), "dana")
    assert visitor.get("/devices").status == 303


@pytest.mark.parametrize(
    ("seconds", "status"), [(12 * HOUR - 1, 200), (12 * HOUR, 303), (12 * HOUR + 1, 303)]
)
def test_a_login_lasts_twelve_hours_of_real_time(visitor: Visitor, seconds: int, status: int) -> None:
    with freeze_time("2001-02-03T04:05:06Z", real_asyncio=True) as wall:
        visitor.log_in()
        wall.tick(seconds)
        assert visitor.get("/devices").status == status


@pytest.mark.parametrize("jump", [10 * 365 * DAY, -365 * DAY])
def test_a_jump_of_the_sandbox_clock_logs_nobody_out(site: Site, visitor: Visitor, jump: int) -> None:
    visitor.log_in()
    site.move_to(NOW + jump)
    assert visitor.get("/devices").status == 200


@pytest.mark.parametrize("change", [lambda v: v[:-1] + ("A" if v[-1] != "A" else "B"), lambda _: "x", lambda v: v.replace(".", "..", 1), lambda v: "c2Ft" + v[v.index("."):], lambda v: "_w" + v[v.index("."):]])  # fmt: skip
def test_a_forged_login_is_none(visitor: Visitor, change: Any) -> None:
    visitor.log_in()
    key = ("mock_authz_session_8628", f"/s/{QA}")
    visitor.cookies[key] = change(visitor.cookies[key])
    assert visitor.get("/devices").status == 303


# --- cookies ---


def set_cookies(shown: Shown) -> list[str]:
    return shown.response.headers.get_list("set-cookie")


def test_cookies_carry_the_port_in_their_name_and_the_sandbox_in_their_path(visitor: Visitor) -> None:
    cookies = set_cookies(visitor.submit(visitor.get("/login"), "/login", username="dana", password="quay"))
    name, attributes = cookies[0].split("=", 1)[0], cookies[0].split("; ")[1:]
    assert name == "mock_authz_session_8628"
    assert attributes == [f"Path=/s/{QA}", "HttpOnly", "SameSite=Lax"]


def test_an_https_issuer_has_secure_cookies_at_its_root() -> None:
    server = Server("https://authz.example")
    visitor = Visitor(
        a_site(records=page_records(), server=server), DEFAULT, base_url="https://authz.example"
    )
    (cookie,) = set_cookies(visitor.get("/login"))
    assert cookie.startswith("mock_authz_before_login_443=")
    assert cookie.endswith("; Path=/; HttpOnly; SameSite=Lax; Secure")
    assert "Devices" in visitor.log_in().text


def test_an_issuer_behind_a_proxy_has_its_own_paths() -> None:
    site = a_site(records=page_records())
    sandbox = replace(site.sandbox, issuer="https://shop.example/authz")
    site.server.store.commit(QA, expected={}, puts=[sandbox])
    shown = Visitor(site, base_url="https://shop.example").get("/devices")
    assert shown.location == "/authz/login?next=%2Fdevices"


def test_a_login_of_one_sandbox_is_none_of_another_and_disturbs_none(site: Site, visitor: Visitor) -> None:
    outside = Visitor(site, DEFAULT, visitor.cookies)
    outside.log_in()
    assert visitor.get("/devices").status == 303
    visitor.log_in()
    # The browser sends both here, under one name.
    assert visitor.get("/devices").status == 200
    assert outside.get("/devices").status == 200


def test_a_host_without_a_sensible_port_is_as_good_as_any(site: Site) -> None:
    shown = Visitor(site).get("/login", headers={"host": "localhost:x"})
    assert shown.status == 200
    assert set_cookies(shown)[0].startswith("mock_authz_before_login_80=")


# --- organizations ---


def test_of_one_organization_there_is_no_choice(visitor: Visitor) -> None:
    assert "Harbor Outfitters" in visitor.log_in().text
    assert visitor.get("/organizations").location == f"/s/{QA}/devices"


def test_of_several_organizations_one_is_chosen_first(visitor: Visitor) -> None:
    choice = visitor.log_in("sam", path="/device?user_code=WDJB-MJHT")
    assert "Choose an organization" in choice.text
    shown = visitor.follow(visitor.submit(choice, "/organizations", organization_id="summit"))
    assert "Summit Sports" in shown.text
    assert shown.form("/device/review").values["user_code"] == "WDJB-MJHT"
    assert "Peak" in visitor.get("/devices").text
    other = visitor.submit(visitor.get("/organizations"), "/organizations", organization_id="harbor")
    assert "Peak" not in visitor.follow(other).text


def test_an_organization_of_others_cannot_be_chosen(site: Site, visitor: Visitor) -> None:
    visitor.log_in()
    assert visitor.submit(visitor.get("/devices"), "/logout").status == 303
    visitor.log_in("sam")
    shown = visitor.submit(visitor.get("/organizations"), "/organizations", organization_id="moon")
    assert shown.status == 404
    assert "You do not manage this organization" in shown.text


def test_an_organization_that_was_taken_away_is_no_longer_chosen(site: Site, visitor: Visitor) -> None:
    choice = visitor.log_in("sam")
    visitor.follow(visitor.submit(choice, "/organizations", organization_id="summit"))
    administer.change_administrator(context_of(site), "sam", {"organizations": ("harbor",)})
    assert "Harbor Outfitters" in visitor.get("/devices").text
    assert visitor.get("/devices/peak").status == 404


def test_who_manages_nothing_is_told_so(visitor: Visitor) -> None:
    assert "You manage no organization." in visitor.log_in("nobody").text


# --- forms ---


FORMS = [
    ("/organizations", {"organization_id": "harbor"}),
    ("/logout", {}),
    ("/devices/store-12/renew", {"renewal": "none"}),
    ("/devices/store-12/hub", {"hub": "-"}),
    ("/devices/store-12/revoke", {}),
    ("/devices/store-12/disable", {}),
    ("/devices/store-12/enable", {}),
    ("/device/review", {"user_code": "BBBBBBBB", "server_id": "store-12"}),
    ("/device/decision", {"user_code": "BBBBBBBB", "decision": "deny"}),
]


@pytest.mark.parametrize(("path", "values"), FORMS)
def test_a_form_without_its_token_changes_nothing(
    site: Site, visitor: Visitor, path: str, values: dict[str, str]
) -> None:
    visitor.log_in()
    before = site.server.store.journal(QA)
    for token in ({}, {"csrf_token": ""}, {"csrf_token": "wrong"}, {"csrf_token": "wröng"}):
        shown = visitor.post(path, {"sent": "yes", **values, **token})
        assert shown.status == 403
        assert "This form cannot be accepted" in shown.text
    assert site.server.store.journal(QA) == before
    assert visitor.get("/devices").status == 200


def test_the_login_form_has_a_token_of_its_own_browser(site: Site, visitor: Visitor) -> None:
    values = {**visitor.get("/login").form("/login").values, "username": "dana", "password": "quay"}
    assert Visitor(site).post("/login", values).status == 403
    other = Visitor(site)
    other.get("/login")
    assert other.post("/login", values).status == 403
    assert visitor.post("/login", values).status == 303


def test_a_token_of_another_login_is_none(site: Site, visitor: Visitor) -> None:
    visitor.log_in()
    other = Visitor(site)
    values = other.log_in().form("/logout").values
    assert visitor.post("/logout", values).status == 403


def test_a_form_of_a_login_that_has_ended_leads_back_to_its_page(visitor: Visitor) -> None:
    page = visitor.log_in(path="/devices/store-12")
    visitor.cookies.clear()
    led = visitor.submit(page, "/renew")
    assert led.location == f"/s/{QA}/login?next=%2Fdevices%2Fstore-12"
    led = visitor.post("/device/review", {"user_code": "WDJB-MJHT"})
    assert led.location == f"/s/{QA}/login?next=%2Fdevice%3Fuser_code%3DWDJB-MJHT"
    assert visitor.post("/device/decision", {"sent": "yes"}).location == f"/s/{QA}/login?next=%2Fdevice"
    assert visitor.post("/logout", {"sent": "yes"}).location == f"/s/{QA}/login?next=%2Fdevices"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": BASE_URL, "sec-fetch-site": "cross-site"},
    ],
)
def test_a_form_of_a_foreign_page_is_refused_even_with_a_token(
    visitor: Visitor, headers: dict[str, str]
) -> None:
    page = visitor.log_in()
    assert visitor.submit(page, "/logout", headers=headers).status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": BASE_URL},
        {"origin": BASE_URL, "sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {},
    ],
)
def test_a_form_of_our_own_page_is_taken(visitor: Visitor, headers: dict[str, str]) -> None:
    page = visitor.log_in()
    assert visitor.submit(page, "/logout", headers=headers).status == 303


def test_a_form_that_cannot_be_read_is_refused(visitor: Visitor) -> None:
    assert visitor.send("POST", visitor.below("/login"), json={}).status == 400
    twice = "username=a&username=b"
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert visitor.send("POST", visitor.below("/login"), content=twice, headers=form).status == 400
    packed = {**form, "content-encoding": "gzip"}
    assert visitor.send("POST", visitor.below("/login"), content=b"\x1f\x8b", headers=packed).status == 415
    long = "a" * (LARGEST_BODY + 1)
    assert visitor.send("POST", visitor.below("/login"), content=long, headers=form).status == 413


# --- what every page carries ---


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_kept_from_frames_caches_and_foreign_code(visitor: Visitor, path: str) -> None:
    visitor.log_in()
    headers = visitor.get(path).response.headers
    assert headers["content-security-policy"] == POLICY
    assert "frame-ancestors 'none'" in POLICY
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", PAGES)
def test_a_page_links_to_nothing_elsewhere_and_has_no_code_or_style_of_its_own(
    visitor: Visitor, path: str
) -> None:
    visitor.log_in()
    shown = visitor.get(path)
    if shown.status == 303:
        return
    assert [one for one in shown.reader.addresses if not one.startswith((f"/s/{QA}/", "#"))] == []
    assert "<script" not in shown.response.text
    assert "style=" not in shown.response.text


@pytest.mark.parametrize("path", PAGES)
def test_head_is_get_without_a_body(visitor: Visitor, path: str) -> None:
    visitor.log_in()
    got, head = visitor.get(path).response, visitor.send("HEAD", visitor.below(path)).response
    assert head.status_code == got.status_code
    assert head.content == b""
    assert head.headers.get("content-length") == got.headers.get("content-length")


def test_a_page_shows_the_sandbox_time_and_no_other(site: Site, visitor: Visitor) -> None:
    with freeze_time("1999-12-31T23:59:59Z", real_asyncio=True):
        login = visitor.get("/login")
        response = visitor.submit(login, "/login", username="dana", password="quay")
        shown = visitor.follow(response)
        out = visitor.submit(shown, "/logout")
    for one in (login, response, shown, out):
        assert "1999" not in one.response.text
        assert parsedate_to_datetime(one.response.headers["date"]).year == 2027
        assert all("xpires" not in cookie and "1999" not in cookie for cookie in set_cookies(one))


def test_no_page_shows_a_secret(site: Site, visitor: Visitor) -> None:
    tokens = site.acquire()
    visitor.log_in()
    secrets = [tokens["access_token"], tokens["refresh_token"], site.sandbox.management_token, "quay"]
    for path in PAGES:
        text = visitor.get(path).response.text
        assert [secret for secret in secrets if secret in text] == []


# --- errors ---


def test_an_unknown_page_says_so_in_the_same_look(visitor: Visitor) -> None:
    shown = visitor.get("/nowhere")
    assert shown.status == 404
    assert "Page not found" in shown.text
    assert "Mock server — for tests only" in shown.text


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_who_opens_a_sandbox_that_is_not_there_sees_a_page(site: Site, method: str) -> None:
    for path, says in (
        ("/s/nowhere", "There is no sandbox nowhere."),
        ("/s/nowhere/device", "There is no sandbox nowhere."),
        ("/s/<b>", "There is no sandbox &lt;b&gt;."),
        ("/s/", "This address names no sandbox after /s/."),
    ):
        if method == "POST" and path.endswith("/device"):
            continue  # the contract has no POST there
        shown = site.send(method, path, headers={"accept": HTML})
        assert (shown.status_code, shown.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert (says in shown.text) is (method != "HEAD")
        assert ('href="/">Start page' in shown.text) is (method != "HEAD")


def test_a_program_that_asks_for_a_sandbox_that_is_not_there_gets_a_problem(site: Site) -> None:
    for path in ("/s/nowhere", "/s/nowhere/device"):
        found = problem(site.send("GET", path), 404, "sandbox_unknown")
        assert found["detail"] == "There is no sandbox nowhere."
    assert problem(site.send("GET", "/s/"), 404, "sandbox_unknown")["detail"] == (
        "This address names no sandbox after /s/."
    )
    for path in ("/s/nowhere/jwks", "/s/nowhere/management/devices"):
        problem(site.send("GET", path, headers={"accept": HTML}), 404, "sandbox_unknown")


def test_the_page_about_an_unknown_sandbox_is_for_hosts_that_may_see_pages(site: Site) -> None:
    headers = {"accept": HTML, "host": "evil.example"}
    problem(site.send("GET", "/s/nowhere", headers=headers), 404, "sandbox_unknown")


def test_a_program_is_told_in_its_own_words(visitor: Visitor) -> None:
    problem(visitor.get("/nowhere", headers={"accept": "*/*"}).response, 404, "page_not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/device", "GET, HEAD"),
        ("DELETE", "/device", "GET, HEAD"),
        ("GET", "/logout", "POST"),
        ("PUT", "/login", "GET, HEAD, POST"),
        ("GET", "/devices/store-12/renew", "POST"),
    ],
)
def test_a_method_that_a_page_does_not_offer_is_named(
    visitor: Visitor, method: str, path: str, allowed: str
) -> None:
    shown = visitor.send(method, visitor.below(path))
    assert (shown.status, shown.response.headers["allow"]) == (405, allowed)
    assert "Method not allowed" in shown.text


def test_the_verification_page_keeps_to_the_contract(site: Site) -> None:
    site.checks = True
    assert site.at_issuer("GET", "/device?user_code=X").status_code == 303
    problem(site.at_issuer("DELETE", "/device"), 405, "method_not_allowed")


# --- files ---


def test_a_style_sheet_is_kept_for_good_under_the_name_of_its_content(visitor: Visitor) -> None:
    address = next(one for one in visitor.get("/").reader.addresses if one.endswith(".css"))
    response = visitor.send("GET", address).response
    assert response.headers["content-type"] == "text/css; charset=utf-8"
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["etag"].strip('"') in address
    again = visitor.send("GET", address, headers={"if-none-match": response.headers["etag"]}).response
    assert (again.status_code, again.content) == (304, b"")
    assert visitor.send("HEAD", address).response.content == b""
    changed = visitor.send("GET", address, headers={"if-none-match": '"other"'}).response
    assert changed.status_code == 200


@pytest.mark.parametrize(
    "path", ["/static/pages.css", "/static/../pages.py", "/static/", "/static/%2e%2e/login.py"]
)
def test_nothing_else_is_served_as_a_file(visitor: Visitor, path: str) -> None:
    assert visitor.get(path).status == 404
