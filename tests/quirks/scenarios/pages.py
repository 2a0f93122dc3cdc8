"""The verification page, by a browser without its engine."""

from __future__ import annotations

from typing import Any

from mock_authz.clock import real_now
from mock_authz.domain.organization import Administrator
from mock_authz.usecases.listing import find_record
from mock_authz.web.login import open_session
from tests.factories import DANA, QA, SAM
from tests.quirks.stage import Finding, Stage, settles
from tests.web.site import Site
from tests.web.visitor import Shown, Visitor, context_of

REVIEW, DECISION = "/device/review", "/device/decision"


def visitor(s: Stage, administrator: Administrator = DANA) -> Visitor:
    """Come with the cookie of a login: passwords take their time."""
    visiting = Visitor(Site(s.server, checks=False))
    context = context_of(visiting.site)
    found = find_record(context, Administrator, administrator.username)
    assert found is not None
    visiting.cookies["mock_authz_session_8628", f"/s/{QA}"] = open_session(context, found, real_at=real_now())
    return visiting


def reviewed(s: Stage, visiting: Visitor, codes: dict[str, Any]) -> Shown:
    """Fill in the form and press Authorize."""
    values = {"user_code": codes["user_code"], "server_id": "store-12", "decision": "authorize"}
    form = visiting.get("/devices").form("/logout").values
    return visiting.post(REVIEW, {**form, **values})


@settles("verify.login-comes-first")
def _(s: Stage) -> Finding:
    shown = Visitor(Site(s.server, checks=False)).get("/device")
    return (shown.status, "/login" in shown.response.headers.get("location", "")), (303, True)


@settles("verify.csrf-refused")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    form = {"user_code": codes["user_code"], "server_id": "store-12", "decision": "approve"}
    refused = visitor(s).post(DECISION, {**form, "csrf_token": "forged"}).status == 403
    return (refused, s.is_undecided(codes)), (True, True)


@settles("verify.confirmation-is-asked")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    reviewed(s, visitor(s), codes)
    return s.is_undecided(codes), True


@settles("verify.opening-decides-nothing")
def _(s: Stage) -> Finding:
    codes = s.authorize()
    visitor(s).get(f"/device?user_code={codes['user_code']}")
    return s.is_undecided(codes), True


@settles("verify.devices-of-chosen-organization")
def _(s: Stage) -> Finding:
    visiting = visitor(s, SAM)
    choice = visiting.get("/organizations?next=/device")
    shown = visiting.follow(visiting.submit(choice, "/organizations", organization_id="summit"))
    values = [value for value, _ in shown.form(REVIEW).options["server_id"]]
    return values, ["", "peak"]


@settles("verify.labels-of-the-guide")
def _(s: Stage) -> Finding:
    shown = visitor(s).get("/device")
    labels = ["Authorize Device", "Device", "UserCode", "Authorize"]
    found = [label for label in labels if f">{label}<" in shown.response.text]
    return (found, "user_code" in shown.form(REVIEW).values), (labels, True)


@settles("verify.page-asks-for-user-code")
def _(s: Stage) -> Finding:
    return "user_code" in visitor(s).get("/device").form(REVIEW).values, True


@settles("verify.deny-is-offered")
def _(s: Stage) -> Finding:
    shown = reviewed(s, visitor(s), s.authorize())
    assert shown.status == 200
    return 'value="deny"' in shown.response.text, True


@settles("verify.prefilled-code-is-shown")
def _(s: Stage) -> Finding:
    code = s.authorize()["user_code"]
    shown = visitor(s).get(f"/device?user_code={code}").response.text
    return code.replace("-", "") in shown.replace("-", ""), True


@settles("verify.device-is-shown")
def _(s: Stage) -> Finding:
    shown = reviewed(s, visitor(s), s.authorize())
    assert shown.status == 200
    return "Store 12" in shown.text, True


@settles("verify.never-307")
def _(s: Stage) -> Finding:
    visiting, codes = visitor(s), s.authorize()
    review = reviewed(s, visiting, codes)
    assert review.status == 200
    return visiting.submit(review, DECISION, decision="approve").status in {307, 308}, False


@settles("verify.not-framed")
def _(s: Stage) -> Finding:
    policies = [
        shown.response.headers.get("content-security-policy", "")
        for shown in (Visitor(Site(s.server, checks=False)).get("/login"), visitor(s).get("/device"))
    ]
    return ["frame-ancestors 'none'" in policy for policy in policies], [True, True]
