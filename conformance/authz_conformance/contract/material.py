"""What no generator can invent: a registered client, and the codes and tokens that the server has given out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from authz_conformance.catalogue import Capability
from authz_conformance.exchange import Exchange
from authz_conformance.expectations import given
from authz_conformance.flow import Grant, Tokens
from authz_conformance.redaction import SHORTEST, secrets_of
from authz_conformance.server_under_test import ServerUnderTest, bearer
from authz_conformance.verdicts import NotTestable, PreconditionBroken

NOBODY = "the target offers nobody who approves a user code"


@dataclass
class Material:
    """The newest of each kind.

    Attributes:
        grant: a pending one, to poll with.
        live: a license that is kept: its license token opens `/license`, its refresh token is refreshed.
        spare: a license that may be revoked.
        missing: why one of them is not there.
    """

    client_id: str
    scope: str | None
    device: str = ""
    grant: Grant | None = None
    live: Tokens | None = None
    spare: Tokens | None = None
    missing: str | None = None
    _handed_out: dict[str, Exchange] = field(default_factory=dict)

    def note(self, answer: Exchange) -> None:
        """Remember what an answer hands out. Who is given the next refresh token uses it, as a client does."""
        for name, value in answer.members.items():
            if isinstance(value, str) and len(value) >= SHORTEST and name.endswith(("_code", "_token")):
                self._handed_out.setdefault(value, answer)
        is_refresh = self.live is not None and (self.live.refresh_token or " ").encode() in answer.sent
        if not is_refresh:
            return
        try:
            self.live = given.tokens(answer, client_id=self.client_id)
        except PreconditionBroken:
            return

    def sources(self, exchange: Exchange) -> list[Exchange]:
        """Find the answers that handed out the secrets of a request, in their order."""
        request = replace(exchange, content=b"")
        sent = {value for _, value in secrets_of(request)}
        text = exchange.sent.decode(errors="replace")
        found = [answer for value, answer in self._handed_out.items() if value in sent or value in text]
        return list({id(one): one for one in found}.values())

    @property
    def form(self) -> Mapping[str, Mapping[str, str]]:
        """Forms that the server has no reason to refuse, by path; those that cannot be filled in are left out."""
        client = {"client_id": self.client_id}
        forms = {"/device_authorization": client if self.scope is None else {**client, "scope": self.scope}}
        if self.live is not None and self.live.refresh_token is not None:
            refreshed = {"grant_type": "refresh_token", "refresh_token": self.live.refresh_token}
            forms["/token"] = {**refreshed, **client}
            forms["/introspect"] = {"token": self.live.access_token}
        if self.spare is not None:
            forms["/revoke"] = {"token": self.spare.refresh_token or self.spare.access_token, **client}
        return forms

    @property
    def known(self) -> Mapping[str, str]:
        """Values that the server knows, by the names of their parameters."""
        values = {"client_id": self.client_id}
        if self.grant is not None:
            values["device_code"] = self.grant.device_code
        if self.live is not None and self.live.refresh_token is not None:
            values["refresh_token"] = self.live.refresh_token
        return values

    @property
    def credentials(self) -> dict[str, str]:
        """The license token as a header; none if there is none."""
        return {} if self.live is None else bearer(self.live)


def gather(server: ServerUnderTest) -> Material:
    """Ask for codes and licenses; whatever goes wrong is remembered as missing.

    Raises:
        AdapterError: who should approve did not do their part.
    """
    material = Material(client_id=server.client_id, scope=server.scope)
    material.missing = None if Capability.APPROVE in server.human.offers else NOBODY
    try:
        material.grant = server.new_grant()
        if material.missing is None:
            # The second license supersedes the first where a device has but one: what is revoked later is the first.
            material.spare, material.live = server.acquire(), server.acquire()
            material.device = server.device.id
    except (PreconditionBroken, NotTestable) as broken:
        material.missing = f"no license could be acquired: {broken}"
    for answer in server.story.exchanges:
        material.note(answer)
    return material
