"""How the token endpoint reads requests: RFC 6749 3.2 and 5.2."""

from __future__ import annotations

import base64
from urllib.parse import urlencode

from authz_conformance.expectations import ANY_REFUSAL, expect, given
from authz_conformance.flow import DEVICE_GRANT, Grant
from authz_conformance.rules import rule
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.suites.server.licenses import NEVER_ISSUED, UNKNOWN_CLIENT, granted


def poll_form(server: ServerUnderTest, grant: Grant) -> dict[str, str]:
    """Give the parameters of a poll."""
    return {
        "grant_type": DEVICE_GRANT,
        "device_code": grant.device_code,
        "client_id": server.client_id,
    }


def usual_answer(server: ServerUnderTest) -> str:
    """Give the error of a code's first poll, where another code has just been polled: codes may be throttled together."""
    server.poll(server.new_grant())
    return server.poll(server.new_grant()).error or "authorization_pending"


@rule("tokens.get-refused")
def test_get_refused(server: ServerUnderTest) -> None:
    grant = server.approved_grant()
    query = urlencode(poll_form(server, grant))
    answer = server.wire.get(f"{server.endpoint('token')}?{query}", step="token")
    expect.that(
        (answer.status or 0) in ANY_REFUSAL and "access_token" not in answer.members,
        wanted="a refusal (400 to 499) without tokens",
        found=answer.said,
        exchange=answer,
    )
    granted(server.poll(grant))


@rule("tokens.empty-value-is-omitted")
def test_empty_value_is_omitted(server: ServerUnderTest) -> None:
    grant = server.new_grant()
    missing = server.token_request({"grant_type": DEVICE_GRANT, "client_id": server.client_id})
    empty = server.poll(grant, device_code="")
    expect.equal(empty.error, missing.error or "invalid_request", what="error", exchange=empty)
    usual = usual_answer(server)
    expect.error(server.poll(grant, scope=""), usual)


@rule("tokens.unknown-parameter-ignored")
def test_unknown_parameter_ignored(server: ServerUnderTest) -> None:
    usual = usual_answer(server)
    answer = server.poll(server.new_grant(), nobody_has_defined_this="1")
    expect.error(answer, usual)


@rule("tokens.repeated-parameter-refused")
def test_repeated_parameter_refused(server: ServerUnderTest) -> None:
    grant = server.approved_grant()
    form = list(poll_form(server, grant).items())
    for repeated in form:
        expect.error(server.token_request([*form, repeated], step="poll"), "invalid_request")
    granted(server.poll(grant))


@rule("tokens.grant-type-required")
def test_grant_type_required(server: ServerUnderTest) -> None:
    form = poll_form(server, server.new_grant())
    del form["grant_type"]
    expect.error(server.token_request(form), "invalid_request")


@rule("tokens.unknown-grant-type-refused")
def test_unknown_grant_type_refused(server: ServerUnderTest) -> None:
    form = poll_form(server, server.new_grant())
    form["grant_type"] = "urn:example:params:oauth:grant-type:nobody-knows-this"
    expect.error(server.token_request(form), "unsupported_grant_type")


@rule("tokens.no-password-grant")
def test_no_password_grant(server: ServerUnderTest) -> None:
    form = {
        "grant_type": "password",
        "username": "somebody",
        "password": "something",
        "client_id": server.client_id,
    }
    expect.error(server.token_request(form), "unsupported_grant_type", "unauthorized_client")


@rule("tokens.failed-header-is-challenged")
def test_failed_header_is_challenged(server: ServerUnderTest) -> None:
    form = poll_form(server, server.new_grant())
    del form["client_id"]
    credentials = base64.b64encode(f"{UNKNOWN_CLIENT}:not-a-secret".encode()).decode()
    headers = {"authorization": f"Basic {credentials}"}
    answer = server.wire.post(server.endpoint("token"), form, step="token", headers=headers)
    expect.error(answer, "invalid_client", status=401)
    expect.header(answer, "www-authenticate", "Basic")


# ------------------------------------------------------------------------------------------ how a refusal is said
AWKWARD = 'a"b\\c\u00e9\n'
PRINTABLE = frozenset(range(0x20, 0x7F)) - {0x22, 0x5C}


def refused_forms(server: ServerUnderTest, awkward: str = "") -> list[dict[str, str]]:
    """Make token requests that are refused for different faults, with a text wherever it fits."""
    client = {"client_id": server.client_id}
    return [
        {**client, "grant_type": f"nobody-knows-this{awkward}"},
        {**client, "grant_type": DEVICE_GRANT},
        {**client, "grant_type": DEVICE_GRANT, "device_code": NEVER_ISSUED + awkward},
        {**client, "grant_type": "refresh_token", "refresh_token": NEVER_ISSUED + awkward},
        {
            "client_id": UNKNOWN_CLIENT + awkward,
            "grant_type": DEVICE_GRANT,
            "device_code": NEVER_ISSUED,
        },
    ]


@rule("errors.status-is-400")
def test_status_is_400(server: ServerUnderTest) -> None:
    client = {"client_id": server.client_id}
    forms = [form for form in refused_forms(server) if form["grant_type"] != DEVICE_GRANT]
    forms += [client, {**client, "grant_type": "refresh_token"}]
    forms += [{**form, "client_id": UNKNOWN_CLIENT} for form in forms]
    for form in forms:  # polls with a wrong code have rules of their own
        answer = server.token_request(form)
        expect.status(answer, *([400, 401] if answer.error == "invalid_client" else [400]))
    expect.status(server.poll(server.new_grant()), 400)


@rule("errors.json-object")
def test_json_object(server: ServerUnderTest) -> None:
    answers = [server.token_request(form) for form in refused_forms(server)]
    # a 500 breaks the rule of its own fault
    refusals = [answer for answer in answers if answer.status in ANY_REFUSAL]
    given.that(refusals, wanted="refusals", found=answers[0].said, exchange=answers[0])
    for answer in refusals:
        expect.member(answer, "error")
        expect.equal(answer.media_type, "application/json", what="the type", exchange=answer)


@rule("errors.characters")
def test_characters(server: ServerUnderTest) -> None:
    for form in [*refused_forms(server), *refused_forms(server, AWKWARD)]:
        answer = server.token_request(form)
        for name in ("error", "error_description"):
            said = str(answer.members.get(name, ""))
            expect.that(
                set(map(ord, said)) <= PRINTABLE,
                wanted=f"{name} in printable ASCII without quotes and backslashes",
                found=repr(said),
                exchange=answer,
            )
