"""A server under test as a story's `Server`: every step becomes a request, a human act or a provisioning act.

It judges nothing. What keeps an answer from being judged (no answer, an adapter that failed, a second that ran out)
is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from authz_conformance import model, real_time
from authz_conformance.catalogue import Capability
from authz_conformance.exchange import Exchange
from authz_conformance.flow import DEVICE_GRANT, take_apart
from authz_conformance.model import Answer, Law, State
from authz_conformance.scenarios.dsl import Part
from authz_conformance.scenarios.hands import Cast, Identity
from authz_conformance.scenarios.stage import Seen, setting
from authz_conformance.server_under_test import ServerUnderTest
from authz_conformance.targets.admin_api import ApiRefusalError
from authz_conformance.targets.ports import Device, Entry, Terms
from authz_conformance.verdicts import NotTestable, SecondRanOut

LATE_IN_THE_SECOND = 0.7
EARLY_IN_THE_SECOND = 0.03
_SETTINGS = set(model.Settings.__dataclass_fields__)
_REFUSALS = range(400, 500)
_DONE = Answer(status=200)


class LiveServer:
    """A stage of a target.

    Args:
        server: What is asked.
        devices: By the server_ids that the model knows them by.
    """

    def __init__(self, server: ServerUnderTest, devices: Mapping[str, Device]) -> None:
        self._server, self._devices = server, devices
        self.last_exchange: Exchange | None = None

    def now(self) -> int:
        """Tell its time, in whole Unix seconds."""
        return int(self._server.clock.now())

    def move(self, instant: int, /, *, back: bool) -> int:
        """Move its clock, or wait.

        Raises:
            NotTestable: this clock cannot show it.
        """
        del back
        self._server.clock.move_to(instant)
        return self.now()

    def ask(self, step: model.Step, /) -> Seen:
        """Ask it something within one second of its clock.

        Raises:
            SecondRanOut: it did not answer within one.
            NotTestable: it did not answer at all.
            AdapterError: what should have been done was not even tried.
        """
        self._wait_for_a_fresh_second()
        self.last_exchange = None
        before = self.now()
        answer = _ASK[type(step)](self, step)
        after = self.now()
        if after - before > min(1, self._server.clock.uncertain_seconds):
            raise SecondRanOut(f"the clock ran on from {before} to {after} while it was asked")
        return Seen(answer=answer, now=before)

    def _wait_for_a_fresh_second(self) -> None:
        """Where the clock ticks, begin nothing in the last third of a second."""
        clock = self._server.clock
        if not clock.ticks:
            return
        passed = clock.now() % 1
        if passed > LATE_IN_THE_SECOND:
            real_time.sleep(1 - passed + EARLY_IN_THE_SECOND)

    # ------------------------------------------------------------------------------------------ requests
    def _answered(self, exchange: Exchange) -> Answer:
        if exchange.status is None:
            raise NotTestable(f"no answer to {exchange.step}: {exchange.failure}")
        self.last_exchange = exchange
        token = exchange.members.get("access_token")
        read = take_apart(token) if isinstance(token, str) else None
        return Answer(
            status=exchange.status,
            body=exchange.members,
            header=read.header if read is not None else {},
            claims=read.claims if read is not None else {},
        )

    def codes(self, step: model.DeviceAuthorization) -> Answer:
        """Ask for codes."""
        return self._answered(self._server.authorize_device(client_id=step.client_id))

    def poll(self, step: model.Poll) -> Answer:
        """Poll."""
        form = {
            "grant_type": DEVICE_GRANT,
            "device_code": step.device_code,
            "client_id": step.client_id,
        }
        return self._answered(self._server.token_request(form, step="poll"))

    def refresh(self, step: model.Refresh) -> Answer:
        """Refresh."""
        return self._answered(self._server.refresh(step.refresh_token, client_id=step.client_id))

    def revoke_token(self, step: model.RevokeToken) -> Answer:
        """Revoke a token."""
        return self._answered(self._server.revoke(step.token, client_id=step.client_id))

    def introspect(self, step: model.Introspect) -> Answer:
        """Introspect."""
        return self._answered(self._server.introspect(step.token, caller=step.access_token))

    def view(self, step: model.ViewLicense) -> Answer:
        """Look at the license."""
        return self._answered(self._server.license_view(step.access_token))

    def keys(self, step: model.FetchKeys) -> Answer:
        """Fetch the keys."""
        del step
        return self._answered(self._server.fetch_jwks())

    # -------------------------------------------------------------------------------------------- people
    def approve(self, step: model.Approve) -> Answer:
        """Have a user code approved."""
        return _entered(self._server.human.approve(step.user_code, self._devices[step.server_id]))

    def deny(self, step: model.Deny) -> Answer:
        """Have a user code denied."""
        return _entered(self._server.human.deny(step.user_code))

    def renew(self, step: model.Renew) -> Answer:
        """Have a device renewed."""
        device = self._devices[step.server_id]
        return _done(lambda: self._server.provision.renew(device, step.renewal_at))

    def disable(self, step: model.Disable) -> Answer:
        """Have a device disabled."""
        return _done(lambda: self._server.provision.disable(self._devices[step.server_id]))

    def enable(self, step: model.Enable) -> Answer:
        """Have a device enabled."""
        return _done(lambda: self._server.provision.enable(self._devices[step.server_id]))

    def delete(self, step: model.Delete) -> Answer:
        """Have a device deleted."""
        return _done(lambda: self._server.provision.delete(self._devices[step.server_id]))

    def revoke(self, step: model.RevokeLicense) -> Answer:
        """Have a device's license revoked."""
        return _done(lambda: self._server.provision.revoke(self._devices[step.server_id]))

    def rotate(self, step: model.RotateKeys) -> Answer:
        """Have a new signing key made."""
        return _done(lambda: self._server.provision.rotate_keys(immediately=step.immediately))


_ASK: Mapping[type[model.Step], Callable[[LiveServer, Any], Answer]] = {
    model.DeviceAuthorization: LiveServer.codes,
    model.Poll: LiveServer.poll,
    model.Refresh: LiveServer.refresh,
    model.RevokeToken: LiveServer.revoke_token,
    model.Introspect: LiveServer.introspect,
    model.ViewLicense: LiveServer.view,
    model.FetchKeys: LiveServer.keys,
    model.Approve: LiveServer.approve,
    model.Deny: LiveServer.deny,
    model.Renew: LiveServer.renew,
    model.Disable: LiveServer.disable,
    model.Enable: LiveServer.enable,
    model.Delete: LiveServer.delete,
    model.RevokeLicense: LiveServer.revoke,
    model.RotateKeys: LiveServer.rotate,
}


def _entered(entry: Entry) -> Answer:
    """Read how a user code was taken; drivers that know no status refuse with 400."""
    if entry.accepted:
        return _DONE
    known = entry.status is not None and entry.status in _REFUSALS
    return Answer(status=entry.status or 0 if known else 400)


def _done(act: Callable[[], None]) -> Answer:
    """Do something to a record. Only a refusal that is known to be the server's own is an answer."""
    try:
        act()
    except ApiRefusalError as refusal:
        if refusal.status not in _REFUSALS or refusal.status in {401, 403}:
            raise
        return Answer(status=refusal.status)
    return _DONE


def cast_on(server: ServerUnderTest, parts: Sequence[Part], *, law: Law) -> tuple[LiveServer, State, Cast]:
    """Make the devices of a story at a server, and say what the server is believed to be then.

    Args:
        server: Where.
        parts: The devices; lent where none can be created.
        law: What the server is held to.

    Raises:
        AdapterError: a device cannot be had.
    """
    settings = settings_of(server.terms)
    start = int(server.clock.now())
    devices: dict[str, Device] = {}
    organizations: dict[str, str] = {}
    creates = Capability.PROVISION in server.stage.provision.offers
    for part in sorted(parts, key=lambda part: part.hub is not None):  # a hub is there before its spokes
        if not creates:
            devices[part.name] = server.another_device()
            continue
        renewal_at = part.renewal.after(start, settings=settings) if part.renewal is not None else None
        devices[part.name] = server.provision.create_device(
            name=f"Story {part.name}",
            edition=part.edition,
            organization=_organization(server, part, organizations),
            hub=devices[part.hub] if part.hub is not None else None,
            renewal_at=renewal_at,
        )
    identities = {name: _identity(server, name, device) for name, device in devices.items()}
    state, cast = setting(
        tuple(parts), law=law, settings=settings, start=start, issuer=server.issuer, identities=identities
    )
    known = {identities[name].server_id: device for name, device in devices.items()}
    return LiveServer(server, known), state, cast


def _identity(server: ServerUnderTest, part: str, device: Device) -> Identity:
    return Identity(
        server_id=device.id
        or part,  # without devices at the server, the parts of a story are codes and tokens
        name=device.name,
        organization=device.organization,
        described=Capability.PROVISION in server.stage.provision.offers,
        client_id=server.client_id,
        other_client_id=server.stage.second_client_id or server.client_id,
    )


def _organization(server: ServerUnderTest, part: Part, known: dict[str, str]) -> str | None:
    """Give the usual organization to the first one of the story, and make another for each other."""
    if not known:
        known[part.organization] = ""
    if part.organization not in known:
        known[part.organization] = server.provision.create_organization(name=f"Story {part.organization}")
    return known[part.organization] or None


def settings_of(terms: Terms) -> model.Settings:
    """Give the lifetimes that a target declares, as the oracle knows them."""
    declared = {name: value for name, value in asdict(terms).items() if name in _SETTINGS}
    return model.Settings(**declared)
