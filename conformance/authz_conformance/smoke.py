"""Tries each driver and each step of the protocol once, before any rule, and says whose fault it is where one fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from authz_conformance.catalogue import Capability
from authz_conformance.examination import examine
from authz_conformance.flow import Grant, Tokens
from authz_conformance.likeness import open_alike
from authz_conformance.readiness import Readiness
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.targets.assembling import connection_for
from authz_conformance.targets.config import Config
from authz_conformance.targets.ports import Target
from authz_conformance.verdicts import AdapterError, NotTestable, PreconditionBroken, RuleBroken
from authz_conformance.wire import Connection


class Blame(StrEnum):
    """Whose fault it is."""

    NOBODY = "nobody"
    SERVER = "server"
    ADAPTER = "adapter"
    LEFT_OUT = "left out"


# What a server says where the declaration names what it does not know, and the key that is to be looked at.
_DECLARED = {"invalid_client": "clients", "unauthorized_client": "clients", "invalid_scope": "scope"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What came of one step."""

    name: str
    blame: Blame
    says: str


def try_out(settings: Config) -> Iterator[Check]:
    """Try everything once.

    Raises:
        ConfigError: the configuration cannot be used.
    """
    connection = connection_for(settings)
    try:
        with open_alike(settings, connection) as target:
            yield Check(name="adapter", blame=Blame.NOBODY, says="the drivers are there")
            readiness = examine(target, connection, settings)
            yield from _readiness(readiness)
            yield from _flow(target, connection, readiness)
    except AdapterError as error:
        yield Check(name="adapter", blame=Blame.ADAPTER, says=str(error))
    finally:
        connection.close()


def _readiness(readiness: Readiness) -> Iterator[Check]:
    reaches = not (readiness.withheld.keys() & {Capability.ADVANCE_CLOCK})
    blame = Blame.NOBODY if reaches else Blame.ADAPTER
    yield Check(name="clock", blame=blame, says=readiness.clock_proof)
    for claim in readiness.claims:
        yield Check(
            name="declaration", blame=Blame.ADAPTER if claim.too_much else Blame.LEFT_OUT, says=claim.says
        )


def _flow(target: Target, connection: Connection, readiness: Readiness) -> Iterator[Check]:
    """Walk through a whole acquisition; what comes after a broken step is left out."""
    with target.stage(seed="smoke") as stage:
        server = ServerUnderTest(stage, connection, seed="smoke")
        walk = _Walk(server)
        try:
            for name, step, need in walk.steps():
                if need is not None and need not in readiness.offers:
                    yield Check(name=name, blame=Blame.LEFT_OUT, says=f"{need} is not offered")
                    continue
                check = _tried(name, step)
                yield check
                if check.blame is not Blame.NOBODY:
                    return
        finally:
            server.give_back()


class _Walk:
    """What each step hands on to the next."""

    def __init__(self, server: ServerUnderTest) -> None:
        self._server = server
        self._grant: Grant | None = None
        self._tokens: Tokens | None = None

    def steps(self) -> Iterator[tuple[str, Callable[[], str], Capability | None]]:
        """Give the steps in order: name, what to do, what it needs."""
        yield "metadata", self._metadata, Capability.METADATA
        yield "codes", self._codes, None
        yield "approval", self._approve, Capability.APPROVE
        if self._grant is None:
            return
        yield "tokens", self._redeem, Capability.APPROVE
        if self._tokens is not None:
            yield "refresh", self._refresh, Capability.REFRESH_TOKENS
            yield "denial", self._deny, Capability.DENY

    def _metadata(self) -> str:
        return f"{len(self._server.metadata)} members"

    def _codes(self) -> str:
        try:
            self._grant = self._server.new_grant()
        except PreconditionBroken as error:
            key = _DECLARED.get(error.exchange.error or "") if error.exchange is not None else None
            if key is None:
                raise
            asked = self._server.client_id if key == "clients" else self._server.scope
            raise AdapterError(f"is target.{key} right? To {asked} the server says {error.found}") from error
        return f"user code {self._grant.user_code}, for {self._grant.expires_in} s"

    def _approve(self) -> str:
        entry = self._server.human.approve(self._known(self._grant).user_code, self._server.device)
        if not entry.accepted:
            raise AdapterError(f"the approval was refused: {entry}; should the device be another?")
        return "approved"

    def _redeem(self) -> str:
        grant = self._known(self._grant)
        answer = self._server.poll(grant)
        if answer.error == "authorization_pending":
            raise AdapterError(
                "the human says that the code is approved, and the server says that it is pending"
            )
        self._tokens = self._server.redeemed(grant, answer)
        return "an access token" + (" and a refresh token" if self._tokens.refresh_token else "")

    def _refresh(self) -> str:
        if self._tokens is None or self._tokens.refresh_token is None:
            raise AdapterError("capabilities claim refresh_tokens, and the token response holds none")
        self._server.refreshed(self._tokens)
        return "refreshed"

    def _deny(self) -> str:
        grant = self._server.new_grant()
        self._server.deny(grant)
        answer = self._server.poll(grant)
        if answer.error == "authorization_pending":
            raise AdapterError(
                "the human says that the code is denied, and the server says that it is pending"
            )
        return f"then a poll is answered with {answer.said}"

    @staticmethod
    def _known(grant: Grant | None) -> Grant:
        if grant is None:
            raise NotTestable("there is no user code")
        return grant


def _tried(name: str, step: Callable[[], str]) -> Check:
    try:
        return Check(name=name, blame=Blame.NOBODY, says=step())
    except AdapterError as error:
        return Check(name=name, blame=Blame.ADAPTER, says=str(error))
    except (PreconditionBroken, RuleBroken, NotTestable) as error:
        return Check(name=name, blame=Blame.SERVER, says=str(error))
