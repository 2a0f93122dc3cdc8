"""The device authorization request: RFC 8628 3.1, and which clients and scopes protocol.md knows."""

from __future__ import annotations

from urllib.parse import urlencode

from authz_conformance.exchange import Exchange
from authz_conformance.expectations import ANY_REFUSAL, ANY_SUCCESS, expect, given
from authz_conformance.rules import rule
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.wire import Form

UNKNOWN_CLIENT = "nobody-registered-this-client"
STEP = "device_authorization"


@rule("request.needs-client-id")
def test_needs_client_id(server: ServerUnderTest) -> None:
    answer = ask(server, scope_of(server))
    expect.status(answer, 400, 401)
    expect_no_codes(answer)
    given.codes(server.authorize_device())


@rule("request.unknown-client-refused")
def test_unknown_client_refused(server: ServerUnderTest) -> None:
    server.refuses(
        lambda: server.authorize_device(client_id=UNKNOWN_CLIENT),
        "invalid_client",
        mended=server.authorize_device,
    )


@rule("request.empty-value-is-omitted")
def test_empty_value_is_omitted(server: ServerUnderTest) -> None:
    given.codes(ask(server, {"client_id": server.client_id}))
    expect.codes(ask(server, {"client_id": server.client_id, "scope": ""}))


@rule("request.unknown-parameter-ignored")
def test_unknown_parameter_ignored(server: ServerUnderTest) -> None:
    without = server.authorize_device()
    given.codes(without)
    answer = server.authorize_device(colour="of-the-device")
    expect.codes(answer)
    expect.that(
        answer.members.keys() == without.members.keys(),
        wanted=f"the members {sorted(without.members)}",
        found=sorted(answer.members),
        exchange=answer,
    )


@rule("request.repeated-parameter-refused")
def test_repeated_parameter_refused(server: ServerUnderTest) -> None:
    once = [("client_id", server.client_id), *scope_of(server).items()]
    server.refuses(lambda: ask(server, [*once, once[0]]), "invalid_request", mended=lambda: ask(server, once))


@rule("request.get-refused")
def test_get_refused(server: ServerUnderTest) -> None:
    query = urlencode({"client_id": server.client_id, **scope_of(server)})
    answer = server.wire.get(f"{server.endpoint(STEP)}?{query}", step=STEP)
    expect.that(
        answer.status is not None and answer.status >= 400,
        wanted="a status of 400 or more",
        found=answer.said,
        exchange=answer,
    )
    expect_no_codes(answer)
    given.codes(server.authorize_device())


@rule("request.not-a-form-refused")
def test_not_a_form_refused(server: ServerUnderTest) -> None:
    body = b'{"client_id": "%s"}' % server.client_id.encode()
    server.refuses(
        lambda: server.wire.send(
            "POST",
            server.endpoint(STEP),
            step=STEP,
            headers={"content-type": "application/json"},
            content=body,
        ),
        "invalid_request",
        mended=lambda: ask(server, {"client_id": server.client_id}),
    )


@rule("request.errors-as-json")
def test_errors_as_json(server: ServerUnderTest) -> None:
    twice = [("client_id", server.client_id), ("client_id", server.client_id)]
    answers = [
        ask(server, scope_of(server)),
        server.authorize_device(client_id=UNKNOWN_CLIENT),
        ask(server, twice),
    ]
    refusals = [answer for answer in answers if answer.status not in ANY_SUCCESS]
    given.that(refusals, wanted="some faulty request to be refused", found="codes", exchange=answers[0])
    for refusal in refusals:
        expect.status(refusal, 400, 401)
        expect.equal(refusal.media_type, "application/json", what="the type", exchange=refusal)
        expect.member(refusal, "error")


@rule("request.default-clients-known")
def test_default_clients_known(server: ServerUnderTest) -> None:
    for client_id in ("pos-server", "register"):
        expect.codes(server.authorize_device(client_id=client_id))


@rule("request.unknown-scope-refused")
def test_unknown_scope_refused(server: ServerUnderTest) -> None:
    for scope in ("printers", "license printers"):
        expect.error(server.authorize_device(scope=scope), "invalid_scope")
    given.codes(server.authorize_device(scope="license"))


@rule("request.openid-scopes-ignored")
def test_openid_scopes_ignored(server: ServerUnderTest) -> None:
    for scope in ("openid", "profile", "offline_access"):
        expect.codes(server.authorize_device(scope=scope))
    asked = server.authorize_device(scope="openid profile offline_access")
    grant = expect.codes(asked, client_id=server.client_id)
    server.approve(grant)
    answer = server.poll(grant)
    given.tokens(answer)
    granted = answer.members.get("scope", "license")  # that it is there is a rule of its own
    expect.equal(granted, "license", what="the granted scope", exchange=answer)


def ask(server: ServerUnderTest, form: Form) -> Exchange:
    """POST any form to the device authorization endpoint."""
    return server.wire.post(server.endpoint(STEP), form, step=STEP)


def scope_of(server: ServerUnderTest) -> dict[str, str]:
    """Give the scope that is usually asked for, as a parameter; none if there is none."""
    return {} if server.scope is None else {"scope": server.scope}


def expect_no_codes(answer: Exchange) -> None:
    """Check that an answer gives no codes, whatever else it says."""
    expect.that(
        "device_code" not in answer.members and answer.status not in ANY_SUCCESS,
        wanted="no codes",
        found=answer.said,
        exchange=answer,
    )
    if answer.status in ANY_REFUSAL:
        expect.that("user_code" not in answer.members, wanted="no user_code", found="one", exchange=answer)
