"""Quirks of endings, revocation and renewal: what ends a license, what does not, and what a new renewal date does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from mock_authz.domain.license import Ending, License, Lifetimes
from mock_authz.domain.organization import Device
from mock_authz.domain.refusals import InvalidRequest
from mock_authz.oauth.reply import NO_STORE, Reply, refuse
from mock_authz.quirks.bending import (
    Applies,
    Form,
    Handle,
    claims_of,
    filled,
    form_seen,
    generation_of,
    granted,
    hearing,
    is_foreign,
    license_of,
    lied_to,
    owned,
    refused,
    reply_given,
    responding,
    when,
    with_store,
)
from mock_authz.quirks.lying_store import Commit, LyingStore, committing, lying_as
from mock_authz.quirks.quirk import Quirk, Wrap, at
from mock_authz.web.visit import Visit

A_YEAR_SECONDS: Final = 365 * 24 * 3600
A_MINUTE_SECONDS: Final = 60
FOREVER: Final = 2**40
NONE_SUCH: Final = "unknown"


# --- endings ---


def _never_ended_as(*endings: Ending) -> Wrap:
    def wrap(end: Callable[..., License]) -> Callable[..., License]:
        def lying(license_: License, *, ending: Ending, now: int) -> License:
            return license_ if ending in endings else end(license_, ending=ending, now=now)

        return lying

    return wrap


def _managing(method: str, suffix: str, lie: Callable[[Visit], Visit]) -> Wrap:
    """Lie to one way of changing a device, over management or pages."""

    def applies(visit: Visit) -> bool:
        return visit.request.method == method and "/devices/" in visit.path and visit.path.endswith(suffix)

    return hearing(lambda visit: lie(visit) if applies(visit) else visit)


def _forgotten_with_device(store: LyingStore, sandbox: str, commit: Commit) -> Commit:
    """Delete a device's licenses with it."""
    gone = [record_id for kind, record_id in commit.deletes if kind is Device]
    licenses = [
        stored.record.license_id
        for server_id in gone
        for stored in store.behind.find(sandbox, License, "server", server_id)
    ]
    left = commit.without(lambda record: isinstance(record, License) and record.license_id in licenses)
    return replace(left, deletes=(*commit.deletes, *((License, name) for name in licenses)))


def _enabled_again(store: LyingStore, sandbox: str, commit: Commit) -> list[Device]:
    stored = [(device, store.load(sandbox, Device, device.server_id)) for device in commit.of(Device)]
    return [
        device for device, before in stored if before is not None and device.enabled and not before.enabled
    ]


def _revived(store: LyingStore, sandbox: str, commit: Commit) -> Commit:
    found = [
        stored.record
        for device in _enabled_again(store, sandbox, commit)
        for stored in store.behind.find(sandbox, License, "server", device.server_id)
        if stored.record.ending is Ending.DEVICE_DISABLED
    ]
    return commit.adding(*(replace(license_, ending=None, ended_at=None) for license_ in found[-1:]))


def _stays_disabled(store: LyingStore, sandbox: str, commit: Commit) -> Commit:
    enabled = _enabled_again(store, sandbox, commit)
    return commit.without(lambda record: record in enabled)


ENDING: Final = (
    *at(
        "decisions.end",
        (
            "superseded_license_lives",
            "end.redemption-supersedes",
            "The redemption of a new code leaves the device's previous license alive.",
            _never_ended_as(Ending.SUPERSEDED),
        ),
        (
            "last_ending_counts",
            "reason.first-ending-is-final",
            "A license that has ended takes the reason of its latest ending.",
            lambda end: lambda license_, **given: end(replace(license_, ending=None), **given),
        ),
    ),
    *at(
        "hear",
        (
            "administrator_revokes_in_vain",
            "end.administrator-revokes",
            "A revocation by an administrator ends nothing.",
            _managing("POST", "/revoke", lied_to("decisions.end", _never_ended_as(Ending.REVOKED))),
        ),
        (
            "disabling_ends_nothing",
            "end.disabling",
            "A disabled device goes on refreshing.",
            _managing("POST", "/disable", lied_to("decisions.end", _never_ended_as(Ending.DEVICE_DISABLED))),
        ),
    ),
    *at(
        "store",
        (
            "deleting_forgets",
            "end.deleting",
            "The license of a deleted device is unknown.",
            lying_as(committing(_forgotten_with_device)),
        ),
        (
            "enabling_revives",
            "end.enabling-revives-nothing",
            "Enabling a device revives the license that disabling has ended.",
            lying_as(committing(_revived)),
        ),
        (
            "disabled_for_good",
            "end.enabled-device-acquires-anew",
            "A device that was disabled stays so.",
            lying_as(committing(_stays_disabled)),
        ),
    ),
)


# --- revocation ---


def _revoking(applies: Callable[[Visit, Form], Any]) -> Applies:
    return lambda visit, form: visit.path == "/revoke" and "token" in form and bool(applies(visit, form))


def _own_refresh_token(visit: Visit, form: Form, is_it: Callable[[License, int], bool]) -> bool:
    license_, generation = license_of(visit, form), generation_of(visit, form)
    if license_ is None or generation is None or license_.client_id != form.get("client_id"):
        return False
    return is_it(license_, generation)


def _unheard(is_it: Callable[[Visit], Callable[[License, int], bool]], *, hinted: bool = False) -> Wrap:
    """Take the revocation of some refresh tokens for that of an unknown one."""

    def applies(visit: Visit, form: Form) -> bool:
        is_hinted = form.get("token_type_hint") == "access_token"
        return is_hinted is hinted and _own_refresh_token(visit, form, is_it(visit))

    return form_seen(_revoking(applies), filled(token=NONE_SUCH))


def _current(visit: Visit) -> Callable[[License, int], bool]:
    now = visit.context.now
    return lambda license_, generation: (
        generation == license_.refresh_tokens.generation and now < license_.refresh_tokens.expires_at
    )


def _rotated(_: Visit) -> Callable[[License, int], bool]:
    return lambda license_, generation: generation < license_.refresh_tokens.generation


def _expired(visit: Visit) -> Callable[[License, int], bool]:
    now = visit.context.now
    return lambda license_, generation: (
        generation == license_.refresh_tokens.generation and now >= license_.refresh_tokens.expires_at
    )


def _revoked_by_anybody(visit: Visit, form: Form, handle: Handle) -> Reply | None:
    """Act on another client's revocation, and refuse it."""
    if not _revoking(is_foreign)(visit, form):
        return None
    refusal = handle(visit, form)
    handle(visit, owned(visit, form))
    return refusal


def _is_unknown(visit: Visit, form: Form) -> bool:
    return generation_of(visit, form) is None and claims_of(visit, form["token"]) is None


def _has_ended(visit: Visit, form: Form) -> bool:
    license_ = license_of(visit, form)
    return (
        license_ is not None and license_.ending is not None and license_.client_id == form.get("client_id")
    )


def _refused_at_200(_: Reply) -> Reply:
    return refuse(InvalidRequest("There is no such token."))


REVOCATION: Final = at(
    "respond",
    (
        "revocation_does_nothing",
        "revoke.refresh-token",
        "The revocation of the refresh token in force is answered with 200 and ignored.",
        _unheard(_current),
    ),
    (
        "rotated_token_is_not_revoked",
        "revoke.rotated-refresh-token",
        "The revocation of a rotated refresh token is ignored.",
        _unheard(_rotated),
    ),
    (
        "expired_token_is_not_revoked",
        "revoke.expired-refresh-token",
        "The revocation of an expired refresh token is ignored.",
        _unheard(_expired),
    ),
    (
        "wrong_hint_hides",
        "revoke.wrong-hint-hides-nothing",
        "A refresh token under the hint access_token is not found.",
        _unheard(lambda _: lambda *__: True, hinted=True),
    ),
    (
        "license_token_is_not_revoked",
        "revoke.license-token",
        "The revocation of a license token is ignored.",
        form_seen(
            _revoking(lambda visit, form: generation_of(visit, form) is None and not is_foreign(visit, form)),
            filled(token=NONE_SUCH),
        ),
    ),
    (
        "foreign_revocation_is_200",
        "revoke.foreign-is-invalid-grant",
        "The revocation of another client's token is answered with 200, and ignored.",
        reply_given(
            _revoking(is_foreign), when(refused("invalid_grant"), lambda _: Reply(200, headers=NO_STORE))
        ),
    ),
    (
        "foreign_revocation_acts",
        "revoke.foreign-changes-nothing",
        "The revocation of another client's token is refused, and ends the license.",
        responding(_revoked_by_anybody),
    ),
    (
        "unknown_revocation_is_400",
        "revoke.unknown-is-200",
        "The revocation of an unknown token is refused.",
        reply_given(_revoking(_is_unknown), when(granted, _refused_at_200)),
    ),
    (
        "second_revocation_is_400",
        "revoke.again-is-200",
        "The revocation of a token that has been revoked already is refused.",
        responding(
            lambda visit, form, _: _refused_at_200(Reply(200)) if _revoking(_has_ended)(visit, form) else None
        ),
    ),
)


# --- renewal ---


def _renewing(lie: Callable[..., Any]) -> Wrap:
    """Lie to a renewal: `lie(renew, license_, renewal_at, now)`."""

    def wrap(renew: Callable[..., Any]) -> Callable[..., Any]:
        def lying(license_: License, *, renewal_at: int | None, lifetimes: Lifetimes, now: int) -> Any:
            def plainly(to: int | None = renewal_at, seen_at: int = now) -> Any:
                return renew(license_, renewal_at=to, lifetimes=lifetimes, now=seen_at)

            return lie(plainly, license_, renewal_at, now)

        return lying

    return wrap


def _lost_in_last_minute(renew: Any, license_: License, _: int | None, now: int) -> Any:
    due = license_.renewal_at
    return license_ if due is not None and due - A_MINUTE_SECONDS <= now < due else renew()


def _for_a_year(renew: Any, license_: License, renewal_at: int | None, _: int) -> Any:
    if renewal_at is not None or license_.renewal_at is None:
        return renew()
    return renew(license_.renewal_at + A_YEAR_SECONDS)


def _revived_by_renewal(renew: Any, license_: License, _: int | None, now: int) -> Any:
    due = license_.renewal_at
    return renew() if due is None or now < due else renew(seen_at=due - 1)


def _noted_as_renewed(renew: Any, license_: License, _: int | None, now: int) -> Any:
    """Tell a renewal in the second of the issue from the issue."""
    renewed = renew()
    if not isinstance(renewed, License) or renewed is license_:
        return renewed
    return replace(renewed, renewal_set_at=max(now, license_.issued_at + 1))


def _live_as_long_as_license(check: Callable[..., Any]) -> Callable[..., Any]:
    """Let the tokens of a renewed license live on."""

    def lying(license_: License, *, expires_at: int, now: int) -> Any:
        is_renewed = license_.renewal_set_at > license_.issued_at
        return check(license_, expires_at=FOREVER if is_renewed else expires_at, now=now)

    return lying


def _late_date_lost(visit: Visit) -> Visit:
    """Lose the new date of a device whose old one has come."""

    def bend(store: LyingStore, sandbox: str, commit: Commit) -> Commit:
        def is_late(record: Any) -> bool:
            before = store.load(sandbox, Device, record.server_id) if isinstance(record, Device) else None
            return (
                before is not None
                and before.renewal_at is not None
                and visit.context.now >= before.renewal_at
            )

        return commit.without(is_late)

    return with_store(visit, committing(bend))


RENEWAL: Final = (
    *at(
        "decisions.renew",
        (
            "late_renewal_is_lost",
            "renew.next-refresh-carries-it",
            "A renewal in the last minute reaches the device, and not its license.",
            _renewing(_lost_in_last_minute),
        ),
        (
            "no_date_is_a_year",
            "renew.to-no-date",
            "A renewal to no date gives the license one more year.",
            _renewing(_for_a_year),
        ),
        (
            "renewal_revives",
            "renew.after-lapse-revives-nothing",
            "A renewal after the lapse revives the license.",
            _renewing(_revived_by_renewal),
        ),
    ),
    *at(
        "hear",
        (
            "renewal_after_lapse_is_lost",
            "renew.after-lapse-is-for-the-next",
            "A renewal after the lapse is accepted and forgotten.",
            _managing("POST", "/renew", _late_date_lost),
        ),
    ),
    Quirk(
        name="renewal_extends_tokens",
        rules=("renew.issued-tokens-keep-exp",),
        says="The license tokens of a renewed license are accepted after their exp.",
        seam="decisions.check_bearer",
        wrap=_live_as_long_as_license,
        also={"decisions.renew": _renewing(_noted_as_renewed)},
    ),
)

ENDINGS: Final = (*ENDING, *REVOCATION, *RENEWAL)
