"""Quirks of the device authorization response: the two codes, their lifetime, and how they are spelled."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from mock_authz.domain.device_grant import DeviceGrant
from mock_authz.oauth.reply import Reply
from mock_authz.quirks.bending import (
    Form,
    Handle,
    grant_of,
    headers,
    heard_at,
    members,
    polls,
    rendered,
    responding,
    with_settings,
    with_store,
)
from mock_authz.quirks.lying_store import (
    changed,
    finding,
    getting,
)
from mock_authz.quirks.quirk import at
from mock_authz.web.visit import Visit

REQUEST: Final = "/device_authorization"
# So many codes must be alive before one of them is given out twice.
MANY: Final = 4


def _alive(visit: Visit) -> list[DeviceGrant]:
    every = visit.context.store.every(visit.context.sandbox.name, DeviceGrant)
    grants = [stored.record for stored in every]
    return [grant for grant in grants if visit.context.decisions.is_open(grant, now=visit.context.now)]


def _user_code_again(visit: Visit) -> Visit:
    """Give the latest of many codes out again: it is not found, and nothing else is drawn."""
    alive = _alive(visit)
    if len(alive) < MANY:
        return visit
    latest = alive[-1].user_code
    unseen = with_store(visit, finding(DeviceGrant, "user_code", lambda *_: []))
    context = unseen.context
    decisions = replace(context.decisions, new_user_code=lambda _: latest)
    return replace(
        unseen, context=replace(context, behaviour=replace(context.behaviour, decisions=decisions))
    )


def _device_code_again(visit: Visit, form: Form, handle: Handle) -> Reply | None:
    if visit.path != REQUEST or len(alive := _alive(visit)) < MANY:
        return None
    again = visit.context.entropy.credential("device_code", alive[-1].grant_id)
    return members(device_code=again)(handle(visit, form))


def _short_device_code(visit: Visit, form: Form, handle: Handle) -> Reply | None:
    if visit.path == REQUEST:
        return members(device_code=lambda code: code and code.partition(".")[0])(handle(visit, form))
    if not polls(visit, form) or "." in form.get("device_code", "."):
        return None
    return handle(
        visit, {**form, "device_code": visit.context.entropy.credential("device_code", form["device_code"])}
    )


def _plain_uri_complete(reply: Reply) -> Reply:
    complete = (reply.members or {}).get("verification_uri_complete")
    return members(verification_uri=complete)(reply) if complete else reply


def _by_present_lifetime(visit: Visit, form: Form, handle: Handle) -> Reply | None:
    grant = grant_of(visit, form) if polls(visit, form) else None
    if grant is None:
        return None
    expires_at = grant.issued_at + visit.context.settings.code_seconds
    store = getting(
        DeviceGrant,
        lambda store, sandbox, name: changed(
            store.behind.get(sandbox, DeviceGrant, name), expires_at=expires_at
        ),
    )
    return handle(with_store(visit, store), form)


CODES: Final = (
    *at(
        "render",
        (
            "user_code_without_hyphen",
            "codes.user-code-is-two-groups-of-four",
            "A user code is shown without its hyphen.",
            rendered("device_authorization", members(user_code=lambda code: code and code.replace("-", ""))),
        ),
        (
            "verification_uri_left_out",
            "codes.required-members",
            "A device authorization response has no verification_uri.",
            rendered("device_authorization", members(verification_uri=None)),
        ),
        (
            "code_expires_in_as_text",
            "codes.expires-in-is-whole-seconds",
            "expires_in of a device authorization response is a text.",
            rendered("device_authorization", members(expires_in=lambda seconds: seconds and str(seconds))),
        ),
        (
            "interval_as_text",
            "codes.interval-is-whole-seconds",
            "interval of a device authorization response is a text.",
            rendered("device_authorization", members(interval=lambda seconds: seconds and str(seconds))),
        ),
        (
            "codes_stored",
            "codes.no-store",
            "A device authorization response lacks Cache-Control.",
            rendered("device_authorization", headers(cache_control=None)),
        ),
        (
            "verification_uri_with_user_code",
            "codes.verification-uri-without-user-code",
            "verification_uri contains the user code.",
            rendered("device_authorization", _plain_uri_complete),
        ),
    ),
    *at(
        "decisions.new_user_code",
        (
            "user_code_with_vowels",
            "codes.user-code-alphabet",
            "A user code begins with a vowel.",
            lambda spell: lambda number: "A" + spell(number)[1:],
        ),
        (
            "user_code_too_short",
            "codes.user-code-is-two-groups-of-four",
            "A user code has six letters.",
            lambda spell: lambda number: spell(number)[:6],
        ),
    ),
    *at(
        "hear",
        (
            "user_code_given_twice",
            "codes.user-code-is-unique",
            "Where four user codes are open already, the latest is given out again.",
            heard_at(REQUEST, _user_code_again),
        ),
        (
            "codes_live_longer",
            "codes.lifetime-as-declared",
            "Codes live twice as long as was declared.",
            heard_at(
                REQUEST,
                lambda visit: with_settings(visit, code_seconds=visit.context.settings.code_seconds * 2),
            ),
        ),
        (
            "interval_longer",
            "codes.interval-as-declared",
            "The polling interval is twice the one that was declared.",
            heard_at(
                REQUEST,
                lambda visit: with_settings(
                    visit, interval_seconds=visit.context.settings.interval_seconds * 2
                ),
            ),
        ),
    ),
    *at(
        "respond",
        (
            "device_code_given_twice",
            "codes.device-code-is-unique",
            "Where four user codes are open already, the latest device_code is given out again.",
            responding(_device_code_again),
        ),
        (
            "device_code_of_64_bits",
            "codes.device-code-unguessable",
            "A device_code has 64 bits.",
            responding(_short_device_code),
        ),
        (
            "code_lifetime_changes_afterwards",
            "codes.lifetime-fixed-at-issue",
            "A change of the codes' lifetime moves the expiry of codes that were issued before.",
            responding(_by_present_lifetime),
        ),
    ),
)
