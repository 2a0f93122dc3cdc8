"""Steps on the way to rules about early polls."""

from __future__ import annotations

from dataclasses import dataclass

from authz_conformance.expectations import given
from authz_conformance.flow import Grant
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.verdicts import NotTestable


@dataclass(frozen=True, kw_only=True)
class Throttled:
    """Codes that have each been answered with slow_down once.

    Attributes:
        at: when they were.
    """

    grants: list[Grant]
    at: int


def polled_grants(server: ServerUnderTest, number: int) -> list[Grant]:
    """Get codes that have been polled once, all in the same second, which is not the one of their issue.

    That none of these polls is early is a rule of its own.
    """
    grants = [server.new_grant() for _ in range(number)]
    server.clock.advance(1)
    for grant in grants:
        if server.poll(grant).error == "slow_down":
            raise NotTestable("a code's first poll is early (poll.codes-are-throttled-apart)")
    return grants


def slow_down(server: ServerUnderTest, grant: Grant) -> None:
    """Poll early. That slow_down is the answer is a rule of its own."""
    answer = server.poll(grant)
    if answer.error == "authorization_pending":
        raise NotTestable("early polls are not answered with slow_down (poll.early-is-slow-down)")
    given.error(answer, "slow_down")


def throttled_grants(server: ServerUnderTest, number: int) -> Throttled:
    """Get codes that have each been answered with slow_down once, all in the same second."""
    grants = polled_grants(server, number)
    for grant in grants:
        slow_down(server, grant)
    return Throttled(grants=grants, at=int(server.clock.now()))


def given_that_it_adds_5(server: ServerUnderTest, throttled: Throttled, probe: Grant) -> None:
    """Find out with one of the codes that slow_down makes the interval longer, which is a rule of its own."""
    with server.clock.at(throttled.at + probe.interval + 4):
        answer = server.poll(probe)
    if answer.error != "slow_down":
        raise NotTestable("slow_down does not make the interval 5 s longer (poll.slow-down-adds-5)")
