"""`authz-client doctor`: looks at all that a license needs, and says what is wrong and what to do.

Owns the checks and their order: first what is here, then the way to the Authorization server, then the license.
It changes nothing about the license; it fetches, and it proves that the state file could be written.
"""

import json
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from authz_client import license_token, wire
from authz_client.exit_codes import ExitCode
from authz_client.license_claims import LicenseToken
from authz_client.license_token import Fault, Jwk
from authz_client.reasons import in_words
from authz_client.state import Endpoints, Phase, State
from authz_client.state_store import DamagedStateError, StateStore, StoreError
from authz_client.status import LicenseStatus, PageStatus, Warn, shown_instant
from authz_client.wire import NoResponse, Reply, Request, Response
from authz_client.wording import TITLES, duration

if TYPE_CHECKING:
    from authz_client.driver import Client
    from authz_client.given import Given

#: `Date` has whole seconds, and the way there and back takes its time.
SKEW_OK_SECONDS: Final = 30
#: As for a suspect clock.
SKEW_FAIL_SECONDS: Final = 300
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_ACQUIRE: Final = "Get a license: authz-client acquire --wait"
_ANEW: Final = "Remove it and get another: authz-client remove, then authz-client acquire --wait"


class Verdict(Enum):
    """How a check went."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Check:
    """One check: what was looked at, how it went, what was found, and what to do."""

    name: str
    verdict: Verdict
    finding: str
    advice: str = ""
    exit_code: ExitCode = ExitCode.REFUSED

    def to_json(self) -> dict[str, Any]:
        """Give the check as JSON values."""
        members = {"check": self.name, "verdict": self.verdict.value, "finding": self.finding}
        return {**members, "advice": self.advice} if self.advice else members


def examine(given: "Given") -> Iterator[Check]:
    """Look at everything, in order; what depends on what failed is left out."""
    stored: State | None = None
    for step in _state_file(given):
        if isinstance(step, Check):
            yield step
        else:
            stored = step
    try:
        wire.check_issuer(given.issuer, insecure_hosts=given.insecure_hosts)
    except wire.InsecureIssuerError as error:
        advice = "Use its https URL. For a development host: --insecure-host HOST"
        yield Check("Issuer", Verdict.FAIL, f"{given.issuer}: {error}", advice, ExitCode.USAGE)
        return
    with given.client() as client:
        published: tuple[Jwk, ...] | None = None
        for found in _server(given, client):
            if isinstance(found, Check):
                yield found
            else:
                published = found
        if stored is not None:
            yield from _license(client, stored, published)


# What is here


def _state_file(given: "Given") -> Iterator[Check | State]:
    store = StateStore(path=given.state, issuer=given.issuer, client_id=given.client_id)
    name = "State file"
    try:
        stored = store.load()
        store.make_sure_of_room()
        kept_aside = store.damaged_files()
    except DamagedStateError as error:
        yield Check(name, Verdict.FAIL, str(error), _ACQUIRE, ExitCode.STATE_FILE)
        return
    except StoreError as error:
        yield Check(name, Verdict.FAIL, str(error), error.advice, ExitCode.STATE_FILE)
        return
    yield stored
    yield Check(name, Verdict.OK, f"{given.state}: {stored.phase.value.replace('_', ' ')}")
    if given.state.exists():
        yield _mode(given)
    for path in kept_aside:
        advice = "It may hold tokens. Delete it when nobody needs it to find out what happened."
        yield Check(name, Verdict.WARN, f"a damaged one is kept as {path}", advice)


def _mode(given: "Given") -> Check:
    mode = stat.S_IMODE(given.state.stat().st_mode)
    if mode & _OTHERS:
        finding = f"mode {mode:04o}: others on this machine can use the license"
        return Check(
            "State file's mode", Verdict.FAIL, finding, f"chmod 600 '{given.state}'", ExitCode.STATE_FILE
        )
    return Check("State file's mode", Verdict.OK, f"{mode:04o}: for its owner alone")


# The way to the Authorization server


def _server(given: "Given", client: "Client") -> Iterator[Check | tuple[Jwk, ...]]:
    name = "Reachability"
    before = client.clocks.clock()
    request = wire.metadata_request(given.issuer)
    reply = client.exchange(request)
    if not isinstance(reply, Response):
        yield Check(
            name, Verdict.FAIL, _unreachable(request, reply), _way(given, reply), ExitCode.UNREACHABLE
        )
        return
    yield Check(name, Verdict.OK, f"{request.url} answers")
    yield from _clock(reply, here=(before + client.clocks.clock()) / 2)
    endpoints = wire.read_metadata(reply, issuer=given.issuer, now=before)
    yield _identity(given, reply, endpoints)
    if isinstance(endpoints, Endpoints):
        yield from _keys(client, endpoints)


def _unreachable(request: Request, reply: Reply) -> str:
    reason, detail = (reply.reason, reply.detail) if isinstance(reply, NoResponse) else ("", None)
    return f"{request.url}: {in_words(reason)}" + (f" ({detail})" if detail else "")


def _way(given: "Given", reply: Reply) -> str:
    if isinstance(reply, NoResponse) and reply.reason == "untrusted":
        if given.ca_file is not None:
            return f"Is it the right server, and is {given.ca_file} the certificate of its authority (--ca)?"
        return "Is it the right server? If a private authority vouches for it: --ca FILE, with that authority's certificate."
    return f"Is {given.issuer} right, is this machine online, and does a firewall or proxy let it through?"


def _clock(reply: Response, *, here: float) -> Iterator[Check]:
    name = "Clock"
    try:
        there = parsedate_to_datetime(reply.date or "").timestamp()
    except (ValueError, OverflowError):
        yield Check(name, Verdict.WARN, "the server sends no Date to compare with")
        return
    skew = here - there
    words = f"{duration(abs(skew))} {'ahead of' if skew > 0 else 'behind'} the Authorization server's"
    if abs(skew) <= SKEW_OK_SECONDS:
        yield Check(name, Verdict.OK, "agrees with the Authorization server's")
        return
    verdict = Verdict.WARN if abs(skew) <= SKEW_FAIL_SECONDS else Verdict.FAIL
    advice = "Set this machine's clock (NTP); a mock's may have been moved on purpose."
    yield Check(name, verdict, words, advice)


def _identity(given: "Given", reply: Response, endpoints: Endpoints | wire.Failed) -> Check:
    name = "Issuer"
    if isinstance(endpoints, wire.Failed):
        finding = in_words(endpoints.reason)
        advice = "Is the URL right, path and trailing slash included?"
        claimed = _claimed_issuer(reply)
        if endpoints.reason == "issuer_mismatch" and claimed is not None:
            finding = f"the server there calls itself {claimed}, not {given.issuer}"
            advice = f"If it is the right one: --issuer {claimed}"
        return Check(name, Verdict.FAIL, finding, advice, ExitCode.UNREACHABLE)
    urls = (
        endpoints.device_authorization_endpoint,
        endpoints.token_endpoint,
        endpoints.jwks_uri,
        endpoints.revocation_endpoint,
    )
    for url in urls:
        if not wire.is_permitted_url(url, insecure_hosts=given.insecure_hosts):
            finding = f"names an endpoint without https: {url}"
            return Check(name, Verdict.FAIL, finding, "Tell who runs it.", ExitCode.UNREACHABLE)
    return Check(name, Verdict.OK, f"{given.issuer} is who it says it is")


def _claimed_issuer(reply: Response) -> str | None:
    try:
        claimed = json.loads(reply.body)["issuer"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return claimed if isinstance(claimed, str) and claimed.isascii() and claimed.isprintable() else None


def _keys(client: "Client", endpoints: Endpoints) -> Iterator[Check | tuple[Jwk, ...]]:
    name = "Published keys"
    request = Request(endpoints.jwks_uri)
    reply = client.exchange(request)
    keys = wire.read_keys(reply, now=client.clocks.clock())
    if isinstance(keys, wire.Failed):
        finding = f"{request.url}: {in_words(keys.reason)}"
        yield Check(name, Verdict.FAIL, finding, "Tell who runs the server.", ExitCode.UNREACHABLE)
        return
    if not keys:
        advice = "Without keys no license token can be verified. Tell who runs the server."
        yield Check(name, Verdict.FAIL, "there are none", advice, ExitCode.UNREACHABLE)
        return
    kids = ", ".join(str(jwk.get("kid", "?")) for jwk in keys)
    yield Check(name, Verdict.OK, f"{len(keys)}: {kids}")
    yield keys


# The license


def _license(client: "Client", stored: State, published: tuple[Jwk, ...] | None) -> Iterator[Check]:
    name, shown = "License", client.status()
    if stored.phase is Phase.AWAITING:
        yield Check(name, Verdict.WARN, "a user code waits to be authorized", "Then: authz-client complete")
    elif shown.license_status is LicenseStatus.UNLICENSED:
        yield Check(name, Verdict.WARN, "this server is not licensed", _ACQUIRE)
    else:
        yield _license_status(name, shown)
    yield from _license_tokens(stored, shown, published)
    for warning in shown.warnings:
        if warning.kind is not Warn.STATE_TROUBLE:  # told of with the state file
            yield Check(TITLES[warning.kind], Verdict.WARN, warning.text)


def _license_status(name: str, shown: PageStatus) -> Check:
    finding = dict(shown.rows())["License Status"]
    if shown.license_status is LicenseStatus.EXPIRED_REQUIRES_RENEWAL:
        return Check(name, Verdict.FAIL, f"{finding}: {in_words(shown.reason or '')}", _ANEW)
    if shown.license_status is LicenseStatus.REQUIRES_RENEWAL:
        advice = f"Renew it at the Authorization server before {shown_instant(shown.renewal_at)}."
        return Check(name, Verdict.WARN, finding, advice)
    return Check(name, Verdict.OK, finding)


def _license_tokens(stored: State, shown: PageStatus, published: tuple[Jwk, ...] | None) -> Iterator[Check]:
    held = stored.license
    if held is None:
        return
    for name, compact in (
        ("License token", held.current.license_token if held.current else None),
        ("Pending license token", held.pending.license_token if held.pending else None),
    ):
        if compact is not None:
            keys = stored.keys if published is None else published
            yield _verified(name, compact, stored, keys=keys, now=shown.effective_time)


def _verified(name: str, compact: str, stored: State, *, keys: tuple[Jwk, ...], now: int) -> Check:
    current = stored.license.current if stored.license else None
    audience = current.claims.organization.audience if current else None
    verdict = license_token.verify(compact, keys=keys, issuer=stored.issuer, audience=audience, now=now)
    if isinstance(verdict, LicenseToken):
        return Check(name, Verdict.OK, f"verified, good until {shown_instant(verdict.exp)}")
    return Check(
        name, Verdict.FAIL, in_words(verdict.fault.value), _TOKEN_ADVICE.get(verdict.fault, _REFRESH)
    )


_REFRESH: Final = "Get a fresh one: authz-client refresh"
_TOKEN_ADVICE: Final = {
    Fault.EXPIRED: "Connect this server to the internet, then: authz-client refresh",
    Fault.NOT_YET_VALID: "Set this machine's clock, then: authz-client refresh",
}
