"""A target with the control API of mock-authz: every rule gets a sandbox of its own, whose clock stands still."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from authz_conformance.catalogue import Capability
from authz_conformance.clocks.control import ControlClock
from authz_conformance.targets.admin_api import AdminApi
from authz_conformance.targets.management import ManagementHuman, ManagementProvisioning
from authz_conformance.targets.ports import Login, Stage, Target, Terms
from authz_conformance.verdicts import AdapterError
from authz_conformance.wire import Connection

BEGINNING = 1_893_456_000  # 2030-01-01
ORGANIZATION = "harbor"
LOGIN = Login(username="dana", password="correct horse battery")  # noqa: S106 - made up here, of a sandbox
SECOND_ADMINISTRATOR = "robin"
# argon2 of that password at the least cost: a rule that logs in should not wait for the hashing of a strong one.
PASSWORD_HASH = "$argon2id$v=19$m=8,t=1,p=1$+yoqgziD4os$ejMKsnPfUI5oA1ZIwYb/Wg"  # noqa: S105 - likewise
DEVICES = ("store-1", "store-2")
_TERMS = set(Terms.__dataclass_fields__)


@dataclass(frozen=True, kw_only=True)
class ControlTarget(Target):
    """Makes a fresh sandbox for each rule, and deletes it afterwards.

    Attributes:
        connection: for the control and management APIs.
        url: of the control API.
        token: of the control API, if it asks for one.
        terms: what is declared; what a sandbox says of itself goes before it.
        sandbox: more members for the creation of each sandbox.
        quirks: misbehaviours that each sandbox is given.
    """

    connection: Connection
    url: str
    token: str | None = None
    terms: Terms = field(default_factory=Terms)
    clients: tuple[str, ...] = ("pos-server", "register")
    scope: str | None = "license"
    sandbox: dict[str, Any] = field(default_factory=dict)
    quirks: tuple[str, ...] = ()
    development_hosts: tuple[str, ...] = ()
    jobs: int = 4
    isolates: bool = True

    @property
    def offers(self) -> frozenset[Capability]:
        """Everything that human, provisioning and clock offer."""
        page = frozenset({Capability.WEB_PAGE})
        return ManagementHuman.offers | ManagementProvisioning.offers | ControlClock.offers | page

    @contextmanager
    def stage(self, *, seed: str) -> Iterator[Stage]:
        """Create a sandbox, and delete it at the end."""
        control = AdminApi(self.connection, self.url, bearer=self.token).below("sandboxes")
        made = control.post("", {**_creation(seed), **self.sandbox})
        at_sandbox = control.below(str(made["name"]))
        try:
            if self.quirks:
                at_sandbox.put("/quirks", {"quirks": list(self.quirks)})
            yield self._stage(made, ControlClock(at_sandbox, int(made["clock"]["now"])))
        finally:
            with suppress(AdapterError):
                at_sandbox.delete()

    def _stage(self, made: dict[str, Any], clock: ControlClock) -> Stage:
        issuer = str(made["issuer"])
        management = AdminApi(self.connection, f"{issuer}/management", bearer=str(made["management_token"]))
        settings = {name: value for name, value in made["settings"].items() if name in _TERMS}
        return Stage(
            issuer=issuer,
            client_id=self.clients[0],
            second_client_id=self.clients[1] if len(self.clients) > 1 else None,
            scope=self.scope,
            terms=replace(self.terms, **settings),
            human=ManagementHuman(management, administrator=LOGIN.username),
            provision=ManagementProvisioning(
                management,
                organization=ORGANIZATION,
                administrator=LOGIN.username,
                lent=DEVICES,
                second=SECOND_ADMINISTRATOR,
            ),
            clock=clock,
            login=LOGIN,
            development_hosts=self.development_hosts,
        )


def _creation(seed: str) -> dict[str, Any]:
    devices = [
        {"server_id": name, "organization": ORGANIZATION, "name": name, "edition": "store"}
        for name in DEVICES
    ]
    administrators = [
        {"username": name, "password_hash": PASSWORD_HASH, "organizations": [ORGANIZATION]}
        for name in (LOGIN.username, SECOND_ADMINISTRATOR)
    ]
    return {
        "seed": {
            "organizations": [{"id": ORGANIZATION, "name": "Harbor Outfitters"}],
            "administrators": administrators,
            "devices": devices,
        },
        "clock": {"mode": "frozen", "now": BEGINNING},
        "random_seed": seed,
    }
