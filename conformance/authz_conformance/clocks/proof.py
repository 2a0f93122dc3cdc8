"""A clock driver proves itself on its target before it counts: move, look at what the server says, move back, look."""

from __future__ import annotations

import math
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from authz_conformance import real_time
from authz_conformance.catalogue import Capability
from authz_conformance.clocks.real import RealClock
from authz_conformance.exchange import Exchange
from authz_conformance.expectations import given
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.verdicts import AdapterError, NotTestable, PreconditionBroken

JUMP_SECONDS = 7200
AGREES_WITHIN_SECONDS = 5
LOOKS = 6
BETWEEN_LOOKS_SECONDS = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a driver showed.

    Attributes:
        says: in one sentence.
        missing: what it offers and could not show.
    """

    says: str
    missing: frozenset[Capability] = frozenset()


def prove(server: ServerUnderTest) -> Proof:
    """Let the clock driver of a stage prove itself.

    Looks at the Date header of the metadata, and where that is no help, at whether a device code expires.
    """
    clock = server.stage.clock
    moves = clock.offers & {Capability.ADVANCE_CLOCK, Capability.MOVE_CLOCK_BACK}
    if not moves:
        return Proof(says="no clock is configured: time was left to pass")
    try:
        if isinstance(clock, RealClock):
            return _measured(server, clock)
        _catch_up(server)
        return _by_date(server) or _by_expiry(server)
    except (AdapterError, NotTestable, PreconditionBroken) as error:
        return Proof(
            says=f"the clock driver {clock.name} did not prove itself: {error}", missing=clock.offers
        )


def _measured(server: ServerUnderTest, clock: RealClock) -> Proof:
    shown = date_of(server.fetch_metadata())
    if shown is None:
        return Proof(
            says="real time; the server shows no Date, so its clock is taken to agree with this machine's"
        )
    skew = shown - real_time.now()
    if abs(skew) > AGREES_WITHIN_SECONDS:
        clock.skew_seconds = skew
    else:
        behind = math.ceil(abs(skew))  # a Date is cut to the second: on one machine it is up to one behind
        clock.uncertain_seconds = 1 if behind <= 1 else behind + 1
    return Proof(says=f"real time; the server's Date is {skew:+.0f} s from this machine's")


def _catch_up(server: ServerUnderTest) -> None:
    """Begin where the server's clock is if an earlier run has left it ahead: nothing that it knows lies in its future."""
    shown = date_of(server.fetch_metadata())
    if shown is not None and shown - server.clock.now() > AGREES_WITHIN_SECONDS:
        server.clock.move_to(shown)


def _by_date(server: ServerUnderTest) -> Proof | None:
    """Judge by the Date header; None if it does not follow."""
    clock = server.stage.clock
    began = int(clock.now())
    clock.move_to(began + JUMP_SECONDS)
    if not _shows(server):
        clock.move_to(int(clock.now()))
        return None
    says = f"moved {JUMP_SECONDS} s forward, and the server's Date followed"
    if Capability.MOVE_CLOCK_BACK not in clock.offers:
        return Proof(says=says)
    clock.move_to(began)
    if _shows(server):
        return Proof(says=f"{says}, back too")
    clock.move_to(began + JUMP_SECONDS)
    return Proof(says=f"{says}, but not back", missing=frozenset({Capability.MOVE_CLOCK_BACK}))


def _by_expiry(server: ServerUnderTest) -> Proof:
    """Judge by whether a device code expires when the clock says so, and by nothing else."""
    grant = server.new_grant()
    given.error(server.poll(grant), "authorization_pending")
    server.clock.move_to(grant.expires_at + 1)
    answer = server.poll(grant)
    missing = frozenset({Capability.MOVE_CLOCK_BACK}) & server.stage.clock.offers
    if answer.error == "expired_token":
        return Proof(
            says="moved forward, and a device code expired, though no Date showed it", missing=missing
        )
    says = (
        f"the clock driver {server.stage.clock.name} does not reach the server: moved past the expiry of a device "
        f"code, and neither its Date nor its answer ({answer.said}) followed"
    )
    return Proof(says=says, missing=server.stage.clock.offers)


def _shows(server: ServerUnderTest) -> bool:
    """Whether the server's Date agrees with the driver; some servers keep it for a second."""
    for _ in range(LOOKS):
        shown = date_of(server.fetch_metadata())
        if shown is None:
            return False
        if abs(shown - server.stage.clock.now()) <= AGREES_WITHIN_SECONDS:
            return True
        real_time.sleep(BETWEEN_LOOKS_SECONDS)
    return False


def date_of(answer: Exchange) -> int | None:
    """Read the Date header of an answer, in Unix seconds."""
    try:
        return int(parsedate_to_datetime(answer.header("date") or "").timestamp())
    except (ValueError, OverflowError):
        return None
