"""Quirks of the license token: its header, its claims, and how long it lives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from mock_authz.domain.license import License, Lifetimes, Refreshed
from mock_authz.domain.license_token import Subject
from mock_authz.domain.organization import Device
from mock_authz.domain.signing_key import KeySet
from mock_authz.quirks.bending import hearing, load, with_settings
from mock_authz.quirks.quirk import Quirk, Wrap, at
from mock_authz.settings import ALGORITHMS
from mock_authz.store.records import ONLY
from mock_authz.web.visit import Visit

Claims = dict[str, Any]
MILLISECONDS: Final = 1000
# No Unix time in seconds is as great; every one in milliseconds since 1973 is.
LEAST_IN_MILLISECONDS: Final = 10**11
AN_HOUR_SECONDS: Final = 3600


def _claims(change: Callable[[Claims], Claims]) -> Wrap:
    """Change the claims that were built."""

    def wrap(claims: Callable[..., Claims]) -> Callable[..., Claims]:
        def lying(license_: License, subject: Subject, **given: Any) -> Claims:
            return change(claims(license_, subject, **given))

        return lying

    return wrap


def _claim(name: str, change: Callable[[Any, Claims], Any]) -> Wrap:
    """Change one claim: `change(value, claims)`; None leaves it out."""

    def changed(built: Claims) -> Claims:
        value = change(built.get(name), built)
        return {**{other: built[other] for other in built if other != name}, **_present(name, value)}

    return _claims(changed)


def _member(name: str, change: Callable[[Any, Claims], Any]) -> Wrap:
    """Change one member of the claim `license`."""

    def changed(license_: Claims, _: Claims) -> Claims:
        value = change(license_.get(name), license_)
        return {**{other: license_[other] for other in license_ if other != name}, **_present(name, value)}

    return _claim("license", changed)


def _present(name: str, value: Any) -> Claims:
    return {} if value is None else {name: value}


def _dated_back(claims: Callable[..., Claims]) -> Callable[..., Claims]:
    """Date the tokens of a refresh an hour back, where no renewal date would tell."""

    def lying(license_: License, subject: Subject, **given: Any) -> Claims:
        built = claims(license_, subject, **given)
        if license_.tokens_minted == 1 or license_.renewal_at is not None:
            return built
        return {**built, **{name: built[name] - AN_HOUR_SECONDS for name in ("iat", "nbf", "exp")}}

    return lying


def _disabled_hub_too(claims: Callable[..., Claims]) -> Callable[..., Claims]:
    def lying(license_: License, subject: Subject, **given: Any) -> Claims:
        hub = subject.hub and replace(subject.hub, enabled=True)
        return claims(license_, replace(subject, hub=hub), **given)

    return lying


def _empty_hub(claims: Callable[..., Claims]) -> Callable[..., Claims]:
    def lying(license_: License, subject: Subject, **given: Any) -> Claims:
        built = claims(license_, subject, **given)
        return built if subject.hub else {**built, "license": {**built["license"], "hub": {}}}

    return lying


def _hub_of_first_minting(claims: Callable[..., Claims]) -> Callable[..., Claims]:
    """Keep what the first token said of an enabled hub, in a cache that nothing clears."""
    first: dict[tuple[str, str], Device] = {}

    def lying(license_: License, subject: Subject, *, issuer: str, **given: Any) -> Claims:
        if subject.hub is not None and subject.hub.enabled:
            hub = first.setdefault((issuer, license_.license_id), subject.hub)
            subject = replace(subject, hub=hub)
        return claims(license_, subject, issuer=issuer, **given)

    return lying


def _shorter(decide: Callable[..., Any]) -> Callable[..., Any]:
    def lying(subject: Any, *, lifetimes: Lifetimes, **given: Any) -> Any:
        seconds = lifetimes.license_token_seconds // 2
        return decide(subject, lifetimes=replace(lifetimes, license_token_seconds=seconds), **given)

    return lying


def _uncapped(license_: License, lifetimes: Lifetimes, now: int) -> License:
    return replace(license_, token_expires_at=now + lifetimes.license_token_seconds)


def _uncapped_issue(issue: Callable[..., License]) -> Callable[..., License]:
    def lying(device: Device, *, lifetimes: Lifetimes, now: int, **given: Any) -> License:
        return _uncapped(issue(device, lifetimes=lifetimes, now=now, **given), lifetimes, now)

    return lying


def _uncapped_refresh(refresh: Callable[..., Any]) -> Callable[..., Any]:
    def lying(license_: License, *, lifetimes: Lifetimes, now: int, **given: Any) -> Any:
        after, answer = refresh(license_, lifetimes=lifetimes, now=now, **given)
        return (_uncapped(after, lifetimes, now) if isinstance(answer, Refreshed) else after), answer

    return lying


def _in_seconds(read: Callable[..., Any]) -> Callable[..., Any]:
    """Read an `exp` of ours that may be in milliseconds."""

    def lying(*args: Any, **given: Any) -> Any:
        seen = {
            name: value // MILLISECONDS if name == "expires_at" and value > LEAST_IN_MILLISECONDS else value
            for name, value in given.items()
        }
        spelled = (
            arg // MILLISECONDS if isinstance(arg, int) and arg > LEAST_IN_MILLISECONDS else arg
            for arg in args
        )
        return read(*spelled, **seen)

    return lying


def _header(**changed: str) -> Wrap:
    return lambda header: lambda key: {**header(key), **changed}


def _slash_read_back(verify: Callable[..., Any]) -> Callable[..., Any]:
    return lambda presented, keys, *, issuer: verify(presented, keys, issuer=issuer + "/")


def _key_set(visit: Visit) -> KeySet | None:
    return load(visit, KeySet, ONLY)


def _first_alg(visit: Visit) -> Visit:
    """Make the first key with another algorithm than was declared."""
    if _key_set(visit) is not None:
        return visit
    return with_settings(visit, alg=ALGORITHMS[ALGORITHMS.index(visit.context.settings.alg) - 1])


def _alg_for_good(visit: Visit) -> Visit:
    """Make further keys with the algorithm of the first."""
    key_set = _key_set(visit)
    return visit if key_set is None else with_settings(visit, alg=key_set.keys[0].alg)


IDENTITY: Final = at(
    "decisions.claims",
    (
        "aud_is_another_organization",
        "claims.aud-is-organization",
        "aud is not the device's organization, but one of a similar name.",
        _claim("aud", lambda aud, _: aud + "-2"),
    ),
    (
        "sub_is_device_name",
        "claims.sub-is-server-id",
        "sub is the device's name.",
        _claim("sub", lambda _, built: built["license"]["server_name"]),
    ),
    (
        "client_id_is_missing",
        "claims.required-present claims.client-id-is-owner",
        "A license token has no client_id.",
        _claim("client_id", lambda _, __: None),
    ),
    (
        "client_id_is_sub",
        "claims.client-id-is-owner",
        "client_id of a license token is the device.",
        _claim("client_id", lambda _, built: built["sub"]),
    ),
    (
        "jti_is_the_license",
        "claims.jti-is-unique",
        "All license tokens of a license have one jti.",
        _claim("jti", lambda jti, _: jti.partition(".")[0] + ".0"),
    ),
    (
        "scope_claim_is_wider",
        "claims.scope-is-granted-scope",
        "scope of a license token names more than was granted.",
        _claim("scope", lambda scope, _: scope + " admin"),
    ),
    (
        "nbf_before_iat",
        "claims.nbf-is-iat",
        "nbf of a license token is a minute before its iat.",
        _claim("nbf", lambda _, built: built["iat"] - 60),
    ),
    (
        "iat_is_fractional",
        "claims.times-are-whole-seconds",
        "iat of a license token is spelled with a fraction.",
        _claim("iat", lambda iat, _: float(iat)),
    ),
    (
        "refreshed_token_is_dated_back",
        "claims.iat-is-now",
        "The license token of a refresh is dated an hour back, where no renewal date is set.",
        _dated_back,
    ),
)

LICENSE_CLAIM: Final = at(
    "decisions.claims",
    (
        "organization_without_name",
        "claims.organization",
        "license.organization has the id alone.",
        _member("organization", lambda organization, _: {"id": organization["id"]}),
    ),
    (
        "server_name_in_capitals",
        "claims.server-name",
        "license.server_name is in capitals.",
        _member("server_name", lambda name, _: name.upper()),
    ),
    (
        "edition_in_capitals",
        "claims.edition",
        "license.edition is in capitals.",
        _member("edition", lambda edition, _: edition.upper()),
    ),
    (
        "features_unsorted",
        "claims.features-sorted",
        "license.features is in reverse order.",
        _member("features", lambda features, _: features[::-1]),
    ),
    (
        "no_features_left_out",
        "claims.features-may-be-empty",
        "Without features there is no license.features.",
        _member("features", lambda features, _: features or None),
    ),
    (
        "xms_alone_left_out",
        "claims.features-default",
        "license.features is empty where it would be xms alone.",
        _member("features", lambda features, _: [] if features == ["xms"] else features),
    ),
    (
        "hub_url_missing",
        "claims.hub",
        "license.hub has no url.",
        _member("hub", lambda hub, _: hub and {"server_id": hub["server_id"], "name": hub["name"]}),
    ),
    (
        "no_hub_is_empty",
        "claims.no-hub-is-absent",
        "Without a hub license.hub is an empty object, unless the hub is disabled.",
        _empty_hub,
    ),
    (
        "disabled_hub_is_named",
        "claims.disabled-hub-is-absent",
        "License tokens name a disabled hub.",
        _disabled_hub_too,
    ),
    (
        "hub_of_first_minting",
        "claims.hub-read-at-each-minting",
        "License tokens name the hub as the first one of the license did.",
        _hub_of_first_minting,
    ),
    (
        "renewal_date_as_text",
        "claims.renewal-date",
        "license.renewal_at is a text.",
        _member("renewal_at", lambda renewal_at, _: renewal_at and str(renewal_at)),
    ),
    (
        "renewal_due_too_late",
        "claims.renewal-due-from",
        "license.renewal_due_from is the renewal date.",
        _member("renewal_due_from", lambda due, license_: due and license_["renewal_at"]),
    ),
    (
        "no_renewal_is_zero",
        "claims.no-renewal-is-absent",
        "Without a renewal date license.renewal_at is 0.",
        _member("renewal_at", lambda renewal_at, _: renewal_at or 0),
    ),
)

HEADERS: Final = at(
    "minting.header",
    (
        "typ_with_application",
        "claims.typ-is-at-jwt",
        "typ of a license token is application/at+jwt.",
        _header(typ="application/at+jwt"),
    ),
)

ALGORITHM: Final = at(
    "hear",
    (
        "alg_not_as_declared",
        "claims.alg-as-declared",
        "The first key has another algorithm than was declared.",
        hearing(_first_alg),
    ),
    (
        "alg_cannot_be_chosen",
        "claims.alg-can-be-chosen",
        "All keys have the algorithm of the first, whatever is chosen later.",
        hearing(_alg_for_good),
    ),
)

LIVING_ALONG: Final = (
    Quirk(
        name="iss_with_slash",
        rules=("claims.iss-is-issuer",),
        says="iss of a license token is the issuer with a slash behind it.",
        seam="decisions.claims",
        wrap=_claim("iss", lambda iss, _: iss + "/"),
        also={"minting.verify": _slash_read_back},
    ),
    Quirk(
        name="exp_in_milliseconds",
        rules=(
            "claims.times-are-whole-seconds",
            "claims.exp-is-lifetime",
            "claims.exp-capped-by-renewal",
            "tokens.expires-in-agrees-with-exp",
        ),
        says="exp of a license token is in milliseconds.",
        seam="decisions.claims",
        wrap=_claim("exp", lambda exp, _: exp * MILLISECONDS),
        also={"decisions.check_bearer": _in_seconds, "decisions.token_state": _in_seconds},
    ),
    Quirk(
        name="tokens_live_half_as_long",
        rules=("claims.exp-is-lifetime",),
        says="License tokens live for half of the declared lifetime.",
        seam="decisions.issue",
        wrap=_shorter,
        also={"decisions.refresh": _shorter},
    ),
    Quirk(
        name="exp_beyond_renewal_date",
        rules=("claims.exp-capped-by-renewal",),
        says="exp of a license token takes no notice of the renewal date.",
        seam="decisions.issue",
        wrap=_uncapped_issue,
        also={"decisions.refresh": _uncapped_refresh},
    ),
)

TOKENS: Final = (*IDENTITY, *LICENSE_CLAIM, *HEADERS, *ALGORITHM, *LIVING_ALONG)
