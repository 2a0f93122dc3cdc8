"""The client's machine against the server's domain, in stories that Hypothesis makes up: lines are cut, replies lost.

What is held after each step is what a shop owner counts on: nobody presents an expired license token, a lost reply ends no
license, the page says what the server says, and no secret is shown anywhere.
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import Any, Final

from hypothesis import assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from authz_client.driver import Client
from authz_client.outcome import Kind, Outcome
from authz_client.state import Ending, Phase
from authz_client.state import License as ClientLicense
from authz_client.status import LABELS, LicenseStatus
from mock_authz.domain import license as licenses
from mock_authz.domain import refresh_token
from mock_authz.domain.refresh_token import Use
from mock_authz.store.port import Exchange
from tests.factories import DAY, HOUR, MINUTE, NOW, QA, STORE_12, expect
from tests.story_world import World, spelled

DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"
#: Instants at which something changes, a second before, at and after which is where mistakes live.
BOUNDS: Final = (
    "half_life",
    "token_expiry",
    "renewal_due_from",
    "renewal",
    "retry_window",
    "refresh_token_expiry",
    "code_expiry",
)
#: The longest backoff, twice.
SETTLED_WITHIN: Final = 2 * HOUR
WAITING: Final = {Kind.AUTHORIZATION_PENDING, Kind.FAILED, Kind.LICENSE_TOKEN_PENDING, Kind.TOO_SOON}


class _Log(logging.Handler):
    """Keeps what is logged, formatted, by whatever logger."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


class Story(RuleBasedStateMachine):
    """One POS server, its administrator, its line, and the time that passes."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="story-")
        self.log = _Log()
        root = logging.getLogger()
        self.level = root.level
        root.addHandler(self.log)
        root.setLevel(logging.DEBUG)
        self.world = World()
        self.client = self._new_client()
        self.held: tuple[str, int] | None = None
        self.ending: Ending | None = None
        self.journal_read = 0

    def teardown(self) -> None:
        self.client.close()
        root = logging.getLogger()
        root.removeHandler(self.log)
        root.setLevel(self.level)
        self.folder.cleanup()

    def _new_client(self) -> Client:
        return Client(
            issuer=self.world.issuer,
            client_id="pos-server",
            state=Path(self.folder.name) / "license.json",
            clocks=self.world.clocks(),
            sleep=self.world.pass_,
            transport=self.world,
        )

    @initialize(
        renewal_in=st.sampled_from([None, 3 * DAY, 20 * DAY, 45 * DAY, 400 * DAY]),
        jitter=st.sampled_from([0.0, 0.5, 0.999]),
        starts_licensed=st.booleans(),
    )
    def begin(self, renewal_in: int | None, jitter: float, *, starts_licensed: bool) -> None:
        self.world.jitter = jitter
        if renewal_in is not None:
            self.world.post(f"/management/devices/{STORE_12}/renew", renewal_at=NOW + renewal_in)
        if starts_licensed:
            self.next(start_over=False)
            self.administrator_decides(verdict="approve")
            self.complete()
            assert self.client.state().phase is Phase.LICENSED

    # Time and line

    @rule(seconds=st.sampled_from([1, 4, 5, 6, MINUTE - 1, MINUTE, 15 * MINUTE, HOUR, DAY - 1, DAY, 8 * DAY]))
    def time_passes(self, seconds: int) -> None:
        self.world.pass_(seconds)

    @rule(bound=st.sampled_from(BOUNDS), offset=st.sampled_from([-1, 0, 1]))
    def time_passes_until(self, bound: str, offset: int) -> None:
        at = self._bounds().get(bound)
        assume(at is not None and at + offset > self.world.now)
        self.world.now = float((at or 0) + offset)

    def _bounds(self) -> dict[str, int | None]:
        stored = self.client.state()
        found: dict[str, int | None] = {
            "code_expiry": stored.awaiting.expires_at if stored.awaiting else None
        }
        if stored.license is not None and stored.license.current is not None:
            current = stored.license.current
            found |= {"half_life": current.refresh_at, "token_expiry": current.claims.exp}
        if self.held is not None:
            known = self.world.license(self.held[0])
            found |= {
                "renewal_due_from": known.renewal_due_from,
                "renewal": known.renewal_at,
                "retry_window": known.refresh_tokens.retry_until,
                "refresh_token_expiry": known.refresh_tokens.expires_at,
            }
        return found

    @rule()
    def line_is_cut(self) -> None:
        self.world.is_up = False

    @rule()
    def line_is_back(self) -> None:
        self.world.is_up = True

    @rule(path=st.sampled_from(["/token", "/jwks", "/device_authorization", "/revoke"]))
    def next_reply_will_be_lost(self, path: str) -> None:
        self.world.lost.add(path)

    @rule(heard=st.sampled_from([0, 1]))
    def next_token_request_will_arrive_twice(self, heard: int) -> None:
        self.world.doubled = heard

    # What the POS server does

    @rule(start_over=st.booleans())
    def next(self, *, start_over: bool) -> None:
        before = self.client.state().phase
        outcome = self.client.acquire(start_over=start_over)
        allowed = {
            Phase.LICENSED: {Kind.ALREADY_LICENSED},
            Phase.ENDED: {Kind.REMOVE_FIRST},
        }.get(before, {Kind.USER_CODE_SHOWN, Kind.FAILED})
        assert outcome.kind in allowed
        self._look_for_secrets(outcome)

    @precondition(lambda self: self.client.state().phase is Phase.AWAITING)
    @rule()
    def complete(self) -> None:
        awaiting = self.client.state().awaiting
        assert awaiting is not None
        before = self.world.grant_state(awaiting.user_code)
        is_quiet = self.world.is_up and not self.world.lost and self.world.doubled is None
        # Nobody decides while it waits: an undecided code is asked for once.
        outcome = self.client.complete(wait=before != "pending")
        if is_quiet:
            allowed = {
                "pending": {Kind.AUTHORIZATION_PENDING},
                "approved": {Kind.LICENSED, Kind.REFUSED},
            }.get(before, {Kind.REFUSED})
            assert outcome.kind in allowed
            if before == "approved" and self._can_be_licensed(until=awaiting.expires_at):
                assert outcome.kind is Kind.LICENSED
        self._after(outcome)

    def _can_be_licensed(self, *, until: int) -> bool:
        device = self.world.device
        is_due = device.renewal_at is not None and self.world.now >= device.renewal_at
        return device.enabled and not is_due and self.world.now < until

    @rule(retry=st.booleans())
    def refresh(self, *, retry: bool) -> None:
        self._after(self.client.refresh(retry=retry))

    @rule()
    def two_refresh_at_once(self) -> None:
        other, heard = self._new_client(), list[Outcome]()
        self.world.meanwhile = lambda: heard.append(other.refresh(retry=False))
        outcome = self.client.refresh(retry=False)
        self.world.meanwhile = None
        other.close()
        assert {one.kind for one in heard} <= {Kind.IN_FLIGHT}
        self._after(outcome)

    @rule(hours=st.integers(1, 5 * 24))
    def keeps(self, hours: int) -> None:
        """It runs by itself for a while, in steps of an hour or longer; the line stays as it is."""
        until = self.world.now + hours * HOUR
        step = max(HOUR, hours * HOUR / 24)
        while self.world.now < until:
            self._tick()
            self.world.pass_(min(step, until - self.world.now))

    def _tick(self) -> float:
        """Do what is due; give the seconds until there is something to do again."""
        for _ in range(10):
            self._remember()
            seconds = self.client.tick()
            self._check_ending()
            if seconds > 0:
                return seconds
        raise AssertionError("there is always something to do at once")

    @rule()
    def restarts(self) -> None:
        self.client.close()
        self.client = self._new_client()

    @precondition(lambda self: self.client.state().phase is not Phase.UNLICENSED)
    @rule()
    def remove(self) -> None:
        held = self.held if self.client.state().phase is Phase.LICENSED else None
        outcome = self.client.remove()
        assert outcome.kind in {Kind.REMOVED, Kind.REVOCATION_PENDING}
        assert self.client.license_token() is None
        if outcome.kind is Kind.REMOVED and held is not None and self._is_worth_revoking(held):
            assert self.world.license(held[0]).ending is not None
        self._look_for_secrets(outcome)

    def _is_worth_revoking(self, held: tuple[str, int]) -> bool:
        return self.world.now < self.world.license(held[0]).refresh_tokens.expires_at

    @rule()
    def settles(self) -> None:
        """With the line up and nothing lost, what the client holds and what the server knows come to agree."""
        self.world.is_up, self.world.doubled = True, None
        self.world.lost.clear()
        told = [self.world.named_by(kept.refresh_token) for kept in self.client.state().revocations]
        told = [named for named in told if self._is_worth_revoking(named)]
        until = self.world.now + SETTLED_WITHIN
        while not self._is_settled():
            assert self.world.now < until, "it does not settle"
            self.world.pass_(self._tick())
        assert all(self.world.license(license_id).ending is not None for license_id, _ in told)
        if self.client.state().phase is not Phase.LICENSED:
            return
        self.world.pass_(MINUTE + 1)
        self._remember()
        outcome = self.client.refresh()
        assert outcome.kind in {Kind.REFRESHED, Kind.ENDED}
        self._after(outcome)

    def _is_settled(self) -> bool:
        stored = self.client.state()
        pending = stored.license.pending if stored.license else None
        return stored.failure is None and pending is None and not stored.revocations

    # What happens at the server

    @precondition(lambda self: self.client.state().phase is Phase.AWAITING)
    @rule(verdict=st.sampled_from(["approve", "approve", "deny"]))
    def administrator_decides(self, verdict: str) -> None:
        awaiting = self.client.state().awaiting
        assert awaiting is not None
        before = self.world.grant_state(awaiting.user_code)
        members: dict[str, Any] = {"administrator": "dana"}
        if verdict == "approve":
            members["server_id"] = STORE_12
        status, _ = self.world.post(f"/management/authorizations/{awaiting.user_code}/{verdict}", **members)
        assert before == "pending" or status != 200

    @rule(later=st.sampled_from([1, MINUTE, DAY, 90 * DAY, None]))
    def renew(self, later: int | None) -> None:
        date = self.world.device.renewal_at
        renewal_at = None if later is None else max(date or 0, int(self.world.now)) + later
        status, _ = self.world.post(f"/management/devices/{STORE_12}/renew", renewal_at=renewal_at)
        assert status in {200, 409}

    @rule(action=st.sampled_from(["revoke", "disable", "enable"]))
    def device_is(self, action: str) -> None:
        status, _ = self.world.post(f"/management/devices/{STORE_12}/{action}")
        assert status in {200, 409}

    @rule(immediately=st.booleans())
    def keys_are_rotated(self, *, immediately: bool) -> None:
        status, _ = self.world.post("/management/keys/rotate", immediately=immediately)
        assert status == 201

    @rule()
    def another_is_licensed_as_the_same_device(self) -> None:
        client = {"client_id": "pos-server"}
        _, codes = self.world.post("/device_authorization", form=client)
        path = f"/management/authorizations/{codes['user_code']}/approve"
        status, _ = self.world.post(path, server_id=STORE_12, administrator="dana")
        if status == 200:
            form = {"grant_type": DEVICE_CODE, "device_code": codes["device_code"], **client}
            assert self.world.post("/token", form=form)[0] == 200

    # What holds

    def _remember(self) -> None:
        held = self.client.state().license
        self.held = self.world.named_by(held.refresh_token) if held else self.held

    def _after(self, outcome: Outcome) -> None:
        """Check what an errand of the client says against what the server knows at this moment."""
        self._look_for_secrets(outcome)
        self._check_ending()
        if outcome.kind in {Kind.REFRESHED, Kind.LICENSED}:
            self._check_agreement()

    def _check_agreement(self) -> None:
        held = expect(ClientLicense, self.client.state().license)
        license_id, generation = self.world.named_by(held.refresh_token)
        known, status = self.world.license(license_id), self.client.status()
        assert known.refresh_tokens.generation == generation
        assert status.license_status.value == licenses.status(known, now=int(self.world.now)).value
        assert status.label == LABELS[LicenseStatus(status.license_status.value)]
        assert status.renewal_at == known.renewal_at
        assert status.renewal_due_from == known.renewal_due_from
        assert status.token_expires_at == known.token_expires_at

    def _check_ending(self) -> None:
        """When a license has just ended: only what the server knows ends one, and a lost reply within the retry window never does."""
        ending, now = self.client.state().ending, int(self.world.now)
        if ending == self.ending:
            return
        self.ending = ending
        if ending is None:
            return
        assert self.held is not None
        license_id, generation = self.held
        known = self.world.license(license_id)
        if ending.reason == licenses.REFRESH_TOKEN_EXPIRED:
            assert refresh_token.use(known.refresh_tokens, generation=generation, now=now) is Use.EXPIRED
            return
        assert ending.reason == licenses.reason(known, now=now)
        if ending.reason == licenses.Ending.REFRESH_TOKEN_REUSED:
            assert self.world.first_lost_at is not None
            assert now >= int(self.world.first_lost_at) + DAY

    @invariant()
    def a_device_has_at_most_one_live_license(self) -> None:
        assert len(self.world.live_licenses()) <= 1

    @invariant()
    def no_expired_license_token_is_presented_and_a_good_one_is_taken(self) -> None:
        self._remember()
        token, held = self.client.license_token(), self.client.state().license
        if token is None:
            return
        assert held is not None
        assert held.current is not None
        assert self.world.now < held.current.claims.exp
        known = self.world.license(self.world.named_by(held.refresh_token)[0])
        is_good = licenses.reason(known, now=int(self.world.now)) is None
        assert self.world.present(token) == (200 if is_good else 401)

    @invariant()
    def who_has_ended_or_removed_holds_no_license_token(self) -> None:
        if self.client.state().phase is not Phase.LICENSED:
            assert self.client.license_token() is None

    @invariant()
    def no_secret_is_shown_logged_or_journalled(self) -> None:
        entries = self.world.server.store.journal(QA, after=self.journal_read)
        if entries:
            self.journal_read = entries[-1].sequence
        shown = self.client.status()
        lines, self.log.lines = self.log.lines, []
        self._look_for_secrets(
            shown.to_json(), repr(shown), shown.rows(), repr(self.client.state()), lines, *map(_told, entries)
        )

    def _look_for_secrets(self, *shown: object) -> None:
        text = "\n".join(spelled(one.to_json() if isinstance(one, Outcome) else one) for one in shown)
        found = [secret for secret in self.world.secrets if secret in text]
        assert found == []


def _told(entry: Any) -> object:
    what = entry.of
    if isinstance(what, Exchange):
        return [what.path, dict(what.request), dict(what.response)]
    return dict(what.subject)


TestStory = Story.TestCase
TestStory.settings = settings(max_examples=40, stateful_step_count=30)
