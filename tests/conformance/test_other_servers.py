"""What the kit does for servers that nobody here wrote: adapters in a file, callers of introspection, logins, their pages."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pytest

from authz_conformance.browser import Browser
from authz_conformance.catalogue import Capability
from authz_conformance.clocks.real import NoClock
from authz_conformance.examination import examine
from authz_conformance.exit_codes import ExitCode
from authz_conformance.expectations import given
from authz_conformance.server_under_test import ServerUnderTest, basic
from authz_conformance.story import Happening
from authz_conformance.targets.assembling import connection_for, open_target
from authz_conformance.targets.config import Config, ConfigError, convert_config
from authz_conformance.targets.ports import Device, Introspector
from authz_conformance.verdicts import NotTestable, PreconditionBroken, RuleBroken, SecondRanOut
from tests.conformance.kit import config, judge
from tests.programs import Served

ENTRY = """
<form id="one" method="post" action="/entered"><input type="hidden" name="xsrf" value="x"></form>
<input form="one" name="user_code"><button form="one" name="go" value="1">Continue</button>
"""
BY_ITSELF = """
<script>document.forms[0].submit()</script>
<form method="post" action="/entered"><input type="hidden" name="user_code" value="BCDF"></form>
"""


WHICH = """
<form method="post" action="/chosen"><select name="shop"><option value="">-</option><option value="harbor">Harbor</option>
</select><button>Go on</button></form>
"""
ONE_OF = """
<form action="/bye" method="post"><button>Log out</button></form><form method="post" action="/chosen">
<button name="shop" value="harbor">Harbor</button><button name="shop" value="quay">Quay</button></form>
"""


class Pages(BaseHTTPRequestHandler):
    """A server whose pages and endpoints say what they were sent."""

    metadata: ClassVar[dict[str, Any]] = {}

    def do_GET(self) -> None:
        pages = {"/device": ENTRY, "/device?user_code=BCDF": BY_ITSELF, "/list": WHICH, "/buttons": ONE_OF}
        self._answer(pages.get(self.path) or json.dumps(self.metadata))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self._answer(json.dumps({"authorization": self.headers.get("authorization"), "body": body}))

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, text: str) -> None:
        self.send_response(200)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


@contextmanager
def pages(**metadata: Any) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Pages)
    issuer = f"http://127.0.0.1:{server.server_port}"
    Pages.metadata = {"issuer": issuer, "introspection_endpoint": f"{issuer}/introspect", **metadata}
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def settings(issuer: str, **tables: Any) -> Config:
    target = {"issuer": issuer, "profiles": ["oauth-hygiene"], **tables.pop("target", {})}
    return convert_config({"target": target, **tables}, where="a test")


@contextmanager
def under_test(made: Config) -> Iterator[ServerUnderTest]:
    connection = connection_for(made)
    with open_target(made, connection) as target, target.stage(seed="1") as stage:
        yield ServerUnderTest(stage, connection, seed="1")
    connection.close()


# ------------------------------------------------------------------------------------------------ introspection
@pytest.mark.parametrize(
    ("section", "sent"),
    [
        ({"client_id": "a:b", "client_secret": "c d"}, {**basic("a:b", "c d"), "body": "token=t"}),
        ({"client_id": "shop"}, {"authorization": None, "body": "token=t&client_id=shop"}),
        ({}, {"authorization": "Bearer mine", "body": "token=t"}),
    ],
)
def test_introspection_is_asked_for_by_the_declared_client_or_else_by_bearer(
    section: dict[str, str], sent: dict[str, str]
) -> None:
    with pages() as issuer, under_test(settings(issuer, introspection=section)) as server:
        assert server.introspect("t", caller="mine").json == sent
        assert server.introspect("t", caller=None).json == {"authorization": None, "body": "token=t"}
        assert "token=" not in server.introspect(None, caller="mine").json["body"]


def test_both_parts_of_basic_credentials_are_form_encoded_first() -> None:
    header = basic("a:b", "c d")["authorization"]
    assert base64.b64decode(header.removeprefix("Basic ")) == b"a%3Ab:c+d"


@pytest.mark.parametrize(
    ("methods", "section", "offered"),
    [
        (None, None, False),
        (["client_secret_basic"], None, False),
        (["client_secret_basic"], {"client_id": "shop", "client_secret": "s"}, True),
        (["Bearer"], None, True),
        (["none"], None, True),
        (None, {}, True),
    ],
)
def test_who_cannot_know_how_to_ask_does_not_judge_introspection(
    methods: list[str] | None, section: dict[str, str] | None, *, offered: bool
) -> None:
    said = {} if methods is None else {"introspection_endpoint_auth_methods_supported": methods}
    tables = {} if section is None else {"introspection": section}
    with pages(**said) as issuer:
        made = settings(issuer, target={"capabilities": ["metadata", "introspection"]}, **tables)
        connection = connection_for(made)
        with open_target(made, connection) as target:
            readiness = examine(target, connection, made)
        connection.close()
    assert (Capability.INTROSPECTION in readiness.offers) is offered
    assert offered or "[introspection] names no client" in readiness.withheld[Capability.INTROSPECTION]


def test_secrets_come_from_the_environment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_SECRET", "s")
    section = {"client_id": "shop", "client_secret_variable": "SHOP_SECRET"}
    with under_test(settings("http://127.0.0.1:1", introspection=section)) as server:
        assert server.stage.introspector == Introspector(client_id="shop", client_secret="s")
        assert "s'" not in repr(server.stage.introspector)


def test_declared_endpoints_stand_beside_those_of_the_metadata() -> None:
    with pages(token_endpoint="http://a/token") as issuer:
        named = {"device_authorization_endpoint": "http://a/codes"}
        with under_test(settings(issuer, target={"endpoints": named})) as server:
            assert server.endpoint("token") == "http://a/token"
            assert server.endpoint("device_authorization") == "http://a/codes"
            assert server.metadata["issuer"] == issuer


def test_declared_endpoints_are_enough_where_there_is_no_metadata() -> None:
    made = settings("http://127.0.0.1:1", target={"endpoints": {"token_endpoint": "http://a/token"}})
    with under_test(made) as server:
        assert server.endpoint("token") == "http://a/token"
        assert server.metadata == {"token_endpoint": "http://a/token"}


def test_a_server_that_never_gave_codes_is_not_dead_of_what_it_was_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pages() as issuer, under_test(settings(issuer)) as server:
        monkeypatch.setattr(server, "authorize_device", server.fetch_metadata)
        with pytest.raises(PreconditionBroken):
            server.still_alive()
    with under_test(settings("http://127.0.0.1:1")) as server:
        monkeypatch.setattr(server, "authorize_device", server.fetch_metadata)
        with pytest.raises(RuleBroken, match="wanted any answer"):
            server.still_alive()


# --------------------------------------------------------------------------------------------- the login and the pages
def test_who_declares_a_login_has_its_pages_judged() -> None:
    made = settings("http://127.0.0.1:1", login={"username": "jo", "password": "p"})
    connection = connection_for(made)
    with open_target(made, connection) as target:
        assert Capability.WEB_PAGE in target.offers
        with target.stage(seed="1") as stage:
            assert stage.login is not None
            assert stage.login.username == "jo"
    without = settings("http://127.0.0.1:1")
    with open_target(without, connection) as target:
        assert Capability.WEB_PAGE not in target.offers
    connection.close()


def test_a_login_needs_a_password() -> None:
    made = settings("http://127.0.0.1:1", login={"username": "jo"})
    with pytest.raises(ConfigError, match=r"login\.password: is missing"), under_test(made):
        pass


@pytest.mark.parametrize("name", ["login", "introspection"])
def test_a_control_api_needs_neither_login_nor_introspection(name: str) -> None:
    table = {"username": "jo"} if name == "login" else {}
    with pytest.raises(ConfigError, match="leave them out"):
        settings("http://127.0.0.1:1", control={"url": "http://127.0.0.1:1"}, **{name: table})


def test_a_button_and_a_field_may_stand_outside_the_form_that_they_name() -> None:
    with pages() as issuer, under_test(settings(issuer)) as server:
        form = Browser(server).open(f"{issuer}/device").entry
    assert form is not None
    assert (form.fields, [button.name for button in form.buttons]) == (["user_code"], ["go"])


def test_a_page_that_submits_itself_is_followed_as_a_browser_would() -> None:
    with pages() as issuer, under_test(settings(issuer)) as server:
        page = Browser(server).open(f"{issuer}/device?user_code=BCDF")
    assert page.exchange.json["body"] == "user_code=BCDF"


@pytest.mark.parametrize("path", ["/list", "/buttons"])
def test_a_choice_after_the_login_is_made_by_the_organization_of_the_device(path: str) -> None:
    with pages() as issuer, under_test(settings(issuer)) as server:
        server.device = Device(id="store-1", organization="harbor")
        browser = Browser(server)
        with pytest.raises(NotTestable, match=f"but to {issuer}/chosen, where no user code can be entered"):
            browser.arrived(f"{issuer}{path}")
        assert [answer.json["body"] for answer in browser.answers] == ["shop=harbor"]


@pytest.mark.parametrize("organization", ["", "elsewhere"])
def test_a_choice_that_is_not_offered_or_not_known_is_not_made(organization: str) -> None:
    with pages() as issuer, under_test(settings(issuer)) as server:
        server.device = Device(id="store-1", organization=organization)
        browser = Browser(server)
        assert browser.arrived(f"{issuer}/buttons").entry is None
        assert browser.answers == []


def test_no_user_code_is_entered_where_there_is_nothing_to_enter_it_into() -> None:
    codes = {"device_code": "d", "user_code": "BCDF", "expires_in": 60}
    with pages(**codes) as issuer, under_test(settings(issuer)) as server:
        browser = Browser(server)
        page = browser.open(f"{issuer}/buttons")
        grant = given.codes(server.wire.get(f"{issuer}/codes", step="codes"))
        with pytest.raises(PreconditionBroken, match="wanted a form for the user code"):
            browser.entered(page, grant)
        assert browser.answers == []


# ----------------------------------------------------------------------------------------------- adapters and the run
ADAPTER = """
from dataclasses import dataclass
from authz_conformance.catalogue import Capability
from authz_conformance.targets.ports import Entry, Human

@dataclass
class Person(Human):
    offers = frozenset({Capability.APPROVE})
    def approve(self, user_code, device, *, administrator=None):
        return Entry(accepted=True)
"""


def test_an_adapter_is_a_class_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "human.py"
    path.write_text(ADAPTER, "utf-8")
    human = {"driver": "python", "adapter": f"{path}:Person"}
    with under_test(settings("http://127.0.0.1:1", human=human)) as server:
        assert server.human.approve("BCDF", server.device).accepted
    human["adapter"] = f"{tmp_path}/nobody.py:Person"
    with (
        pytest.raises(ConfigError, match=r"nobody\.py is no file"),
        under_test(settings("http://127.0.0.1:1", human=human)),
    ):
        pass


def test_a_server_is_not_started_where_another_one_answers(served: Served, tmp_path: Path) -> None:
    text = f'[target]\nissuer = "{served.issuer}"\nstart = "sleep 60"\n'
    judged = judge("--config", config(tmp_path, text), "--rule", "metadata.json", into=tmp_path / "r")
    assert judged.exit_code == ExitCode.ADAPTER_ERROR
    assert f"something answers at {served.issuer} already" in judged.output


def test_why_a_server_is_lost_is_told_once(tmp_path: Path) -> None:
    text = '[target]\nissuer = "http://127.0.0.1:1"\n'
    judged = judge("--config", config(tmp_path, text), into=tmp_path / "r")
    assert judged.output.count("stayed without an answer") <= 1, judged.output


def test_a_bound_that_a_busy_machine_missed_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, fetch = [], ServerUnderTest.fetch_metadata

    def late(server: ServerUnderTest) -> object:
        asked.append(1)
        if len(asked) == 1:
            return fetch(server)  # the examination, before any rule
        if len(asked) <= 3:
            raise SecondRanOut("the clock ran on")
        raise NotTestable("in time")

    monkeypatch.setattr(ServerUnderTest, "fetch_metadata", late)
    monkeypatch.setattr(NoClock, "offers", frozenset())
    with pages() as issuer:
        text = f'[target]\nissuer = "{issuer}"\ncapabilities = ["metadata"]\n'
        judged = judge("--config", config(tmp_path, text), "--rule", "metadata.json", into=tmp_path / "r")
    rule = judged.rule("metadata.json")
    assert (rule["verdict"], rule["why"]) == ("not testable", "in time")
    notes = [moment["text"] for moment in rule["timeline"] if moment["happening"] == Happening.NOTE]
    assert notes == ["tried again: the clock ran on"] * 2
