"""A target without sandboxes: all rules are tried on the same server, each with a device of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

from authz_conformance.catalogue import Capability
from authz_conformance.clocks.port import Clock
from authz_conformance.targets.leftovers import SharedServer
from authz_conformance.targets.ports import Human, Introspector, Login, Provisioning, Stage, Target, Terms

JOBS = 8
JOBS_IN_REAL_TIME = 32


@dataclass(frozen=True, kw_only=True)
class PlainTarget(Target):
    """One server, with its drivers.

    Attributes:
        devices: how many it can lend; None if it makes new ones, or knows none.
        one_at_a_time: its human can do one thing at a time.
    """

    issuer: str
    clients: tuple[str, ...]
    scope: str | None
    terms: Terms
    human: Human
    provision: Provisioning
    clock: Clock
    endpoints: Mapping[str, str] = field(default_factory=dict)
    devices: int | None = None
    one_at_a_time: bool = False
    login: Login | None = None
    introspector: Introspector | None = None
    development_hosts: tuple[str, ...] = ()
    isolates: bool = False

    @property
    def offers(self) -> frozenset[Capability]:
        """What the drivers offer."""
        page = frozenset() if self.login is None else frozenset({Capability.WEB_PAGE})
        return self.human.offers | self.provision.offers | self.clock.offers | page

    @property
    def jobs(self) -> int:
        """One at a time where the clock is shared; many where rules mostly wait."""
        if self.clock.shared or self.one_at_a_time:
            return 1
        most = JOBS_IN_REAL_TIME if self.clock.name == "real" else JOBS
        # A rule may need a second device while it holds its first.
        return most if self.devices is None else max(1, min(most, self.devices // 2))

    @cached_property
    def shared(self) -> SharedServer:
        """What rules leave behind, and how it is put back."""
        return SharedServer(human=self.human, provision=self.provision, clock=self.clock, terms=self.terms)

    @contextmanager
    def stage(self, *, seed: str) -> Iterator[Stage]:  # noqa: ARG002 - nothing here can be seeded
        """Give the server itself, and put back what the rule has changed."""
        with self.shared.visited() as (human, provision, clock):
            yield Stage(
                issuer=self.issuer,
                client_id=self.clients[0],
                second_client_id=self.clients[1] if len(self.clients) > 1 else None,
                scope=self.scope,
                terms=self.terms,
                human=human,
                provision=provision,
                clock=clock,
                login=self.login,
                introspector=self.introspector,
                endpoints=self.endpoints,
                development_hosts=self.development_hosts,
                isolates=False,
                wrong_entries=self.shared.wrong_entries,
            )
