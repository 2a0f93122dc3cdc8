"""Records, and a whole sandbox with one organization, for the tests of domain, store and use cases."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from mock_authz.clock import Clock, ClockMode
from mock_authz.domain.decisions import Decisions
from mock_authz.domain.device_grant import DeviceGrant
from mock_authz.domain.events import Event, EventType
from mock_authz.domain.license import License, Lifetimes, issue
from mock_authz.domain.organization import Administrator, Client, Device, Edition, Organization
from mock_authz.domain.signing_key import SigningKey
from mock_authz.sandbox import Sandbox
from mock_authz.settings import Settings
from mock_authz.store.memory import MemoryStore
from mock_authz.store.port import Store
from mock_authz.usecases import acquire, approvals, control
from mock_authz.usecases.acquire import DeviceAuthorization
from mock_authz.usecases.context import Behaviour, Context
from mock_authz.usecases.keep import Caller, authenticate
from mock_authz.usecases.tokens import IssuedTokens

T = TypeVar("T")

NOW: Final = 1_800_000_000
MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 24 * HOUR

LIFETIMES: Final = Lifetimes(
    license_token_seconds=7 * DAY,
    refresh_token_seconds=90 * DAY,
    renewal_window_seconds=30 * DAY,
    refresh_retry_window_seconds=DAY,
)

QA: Final = "qa"
ISSUER: Final = "http://127.0.0.1:8628/s/qa"
HARBOR: Final = Organization(organization_id="harbor", name="Harbor Outfitters")
SUMMIT: Final = Organization(organization_id="summit", name="Summit Sports")
DANA: Final = Administrator(username="dana", name="Dana", organizations=("harbor",))
SAM: Final = Administrator(username="sam", name="Sam", organizations=("summit", "harbor"))
STORE_12: Final = "store-12"
HEAD_OFFICE: Final = "head-office"


def expect(kind: type[T], value: object) -> T:
    """Assert that an answer is of the kind that the test goes on with."""
    assert isinstance(value, kind), value
    return value


def a_device(server_id: str = STORE_12, **changes: Any) -> Device:
    plain = Device(
        server_id=server_id,
        organization_id="harbor",
        name="Store 12",
        edition=Edition.STORE,
        features=("xms",),
    )
    return replace(plain, **changes)


def a_grant(**changes: Any) -> DeviceGrant:
    plain = DeviceGrant(
        grant_id="grant-1",
        client_id="pos-server",
        scope="license",
        user_code="BCDFGHJK",
        issued_at=NOW,
        expires_at=NOW + 15 * MINUTE,
        interval=5,
    )
    return replace(plain, **changes)


def a_license(*, renewal_at: int | None = None, now: int = NOW, **changes: Any) -> License:
    plain = issue(
        a_device(renewal_at=renewal_at),
        license_id="license-1",
        client_id="pos-server",
        scope="license",
        lifetimes=LIFETIMES,
        now=now,
    )
    return replace(plain, **changes)


def a_key(kid: str = "first", *, signs_from_at: int = NOW, **changes: Any) -> SigningKey:
    plain = SigningKey(
        kid=kid, alg="ES256", published_at=signs_from_at, signs_from_at=signs_from_at, private_jwk="{}"
    )
    return replace(plain, **changes)


def default_records() -> list[object]:
    """A head office that is the hub of a store and of a register, one neighbour, and who looks after them."""
    return [
        HARBOR,
        SUMMIT,
        DANA,
        SAM,
        Client(client_id="pos-server", name="POS server"),
        Client(client_id="register", name="Register"),
        a_device(
            HEAD_OFFICE, name="Head Office", edition=Edition.CORPORATE, url="https://pos.harbor.example"
        ),
        a_device(STORE_12, hub=HEAD_OFFICE),
        a_device("till-1", name="Till 1", edition=Edition.REGISTER, features=(), hub=STORE_12),
        a_device("peak", name="Peak", organization_id="summit"),
    ]


@dataclass
class World:
    """One sandbox, and a clock that the test moves by saying when it does something."""

    store: Store
    decisions: Decisions

    def at(self, now: int) -> Context:
        return Context(
            sandbox=self.sandbox, now=now, store=self.store, behaviour=Behaviour(decisions=self.decisions)
        )

    @property
    def sandbox(self) -> Sandbox:
        return expect(Sandbox, control.find_sandbox(self.store, QA))

    def authorize(self, now: int = NOW, *, client_id: str = "pos-server") -> DeviceAuthorization:
        answer = acquire.authorize_device(self.at(now), client_id=client_id, scope="license")
        return expect(DeviceAuthorization, answer)

    def approve(
        self,
        authorization: DeviceAuthorization,
        now: int = NOW,
        *,
        server_id: str = STORE_12,
        administrator: str = "dana",
    ) -> DeviceGrant:
        code = authorization.user_code
        answer = approvals.approve(self.at(now), code, server_id=server_id, administrator=administrator)
        return expect(DeviceGrant, answer)

    def poll(
        self, authorization: DeviceAuthorization, now: int = NOW, *, client_id: str = "pos-server"
    ) -> object:
        return acquire.poll(self.at(now), client_id=client_id, device_code=authorization.device_code)

    def acquire(
        self,
        now: int = NOW,
        *,
        server_id: str = STORE_12,
        administrator: str = "dana",
        client_id: str = "pos-server",
    ) -> IssuedTokens:
        """Walk through the steps of part a of the page."""
        authorization = self.authorize(now, client_id=client_id)
        self.approve(authorization, now, server_id=server_id, administrator=administrator)
        return expect(IssuedTokens, self.poll(authorization, now, client_id=client_id))

    def caller(self, tokens: IssuedTokens, now: int = NOW) -> Caller:
        return expect(Caller, authenticate(self.at(now), tokens.access_token))

    def license_of(self, server_id: str = STORE_12) -> License:
        found = self.store.find(QA, License, "server", server_id)
        return found[-1].record

    def device(self, server_id: str = STORE_12) -> Device | None:
        stored = self.store.get(QA, Device, server_id)
        return None if stored is None else stored.record

    def events(self, *types: EventType) -> list[Event]:
        """Read the journal's events, of some types or of all."""
        happened = [entry.of for entry in self.store.journal(QA) if isinstance(entry.of, Event)]
        return [event for event in happened if not types or event.type in types]


def a_world(
    *,
    store: Store | None = None,
    records: list[object] | None = None,
    decisions: Decisions | None = None,
    random_seed: str = "a test",
    **settings: Any,
) -> World:
    """Create a sandbox with a frozen clock. Ed25519 signs fastest, and the same bytes every time."""
    world = World(store or MemoryStore(), decisions or Decisions())
    sandbox = control.create_sandbox(
        world.store,
        name=QA,
        issuer=ISSUER,
        real_at=float(NOW),
        clock=Clock(ClockMode.FROZEN, float(NOW), float(NOW)),
        settings=replace(Settings(alg="Ed25519"), **settings),
        random_seed=random_seed,
        records=default_records() if records is None else records,
    )
    expect(Sandbox, sandbox)
    return world
