"""What one rule does to a server that all rules share, and how it is put back when the rule is over, however it ended.

Ports are wrapped, so that no rule test has to know. What cannot be put back is owed: the next rule begins with another try.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from threading import Lock
from typing import Any, cast

from authz_conformance import real_time
from authz_conformance.catalogue import Capability
from authz_conformance.clocks.port import Clock
from authz_conformance.targets.ports import Device, Entry, Human, Provisioning, Terms
from authz_conformance.verdicts import AdapterError, NotTestable

A_SECOND_MORE = 1


@dataclass(kw_only=True)
class Traces:
    """What one rule has left so far.

    Attributes:
        settings: that were changed, as they were before; without those of which nobody knows that.
        rotated: keys were announced that do not sign yet.
        other_alg: what signs, or is going to sign, has another algorithm than before.
        organizations: that were made.
        disabled: ids of devices that are disabled.
        dated: ids of devices that have got a renewal date.
        spoilt: ids of devices that nobody can lend again: deleted, or made part of something else.
    """

    settings: dict[str, int | str | bool] = field(default_factory=dict)
    rotated: bool = False
    other_alg: bool = False
    organizations: list[str] = field(default_factory=list)
    disabled: set[str] = field(default_factory=set)
    dated: set[str] = field(default_factory=set)
    spoilt: set[str] = field(default_factory=set)


class SharedServer:
    """The drivers of a server that all rules share, with a memory of what each rule leaves behind.

    Args:
        human: Enters user codes.
        provision: Changes records, keys and settings.
        clock: The server's.
        terms: What the server declares; where the driver cannot tell the settings, they are put back to these.
    """

    def __init__(self, *, human: Human, provision: Provisioning, clock: Clock, terms: Terms) -> None:
        self.human, self.provision, self.clock, self.terms = human, provision, clock, terms
        self.lock = Lock()
        self._wrong: dict[str | None, list[int]] = {}
        self._owed: list[Traces] = []
        self._furthest = 0

    @contextmanager
    def visited(self) -> Iterator[tuple[Human, Provisioning, Clock]]:
        """Give drivers for one rule, and put everything back at its end.

        Raises:
            AdapterError: something could not be put back, and nothing worse has happened.
        """
        self._settle_debts()
        traces = Traces()
        provision = cast("Provisioning", _RememberingProvisioning(self, traces))
        try:
            yield _CountingHuman(self), provision, self._remembering_clock()
        except BaseException:
            with suppress(AdapterError):
                self._put_back(traces)
            raise
        self._put_back(traces)

    # ------------------------------------------------------------------------------------------ wrong user codes
    def refused(self, administrator: str | None) -> None:
        """Count an entry that was refused: it may have been on somebody's budget."""
        with self.lock:
            self._wrong.setdefault(administrator, []).append(int(self.clock.now()))

    def wrong_entries(self, administrator: str | None) -> int:
        """Say how many refused entries of an administrator may still count; None is the usual one."""
        since = self.clock.now() - self.terms.guess_window_seconds
        with self.lock:
            return sum(at >= since for at in self._wrong.get(administrator, ()))

    # --------------------------------------------------------------------------------------------- putting back
    def passed(self) -> None:
        """Remember how far the clock has come."""
        self._furthest = max(self._furthest, int(self.clock.now()))

    def _remembering_clock(self) -> Clock:
        goes_back = Capability.MOVE_CLOCK_BACK in self.clock.offers
        return cast("Clock", _RememberingClock(self)) if goes_back else self.clock

    def _settle_debts(self) -> None:
        with self.lock:
            owed, self._owed = self._owed, []
        failed: AdapterError | None = None
        for traces in owed:
            try:
                self._put_back(traces)
            except AdapterError as error:
                failed = error
        if failed is not None:
            raise AdapterError(f"what an earlier rule changed could not be put back: {failed}") from failed

    def _put_back(self, traces: Traces) -> None:
        try:
            if traces.settings:
                self.provision.change_settings(**traces.settings)
                traces.settings.clear()
            if traces.other_alg:
                self.provision.rotate_keys()
                traces.other_alg = False
            self._delete(traces.organizations)
            self._move_on(traces)
        except AdapterError:
            with self.lock:
                self._owed.append(traces)
            raise

    def _delete(self, organizations: list[str]) -> None:
        """Delete what was made, where that is offered: the usual administrator manages it as well."""
        while organizations:
            with self.lock, suppress(AdapterError):  # gone already, or not offered: only the page shows it
                self.provision.delete_organization(organizations.pop())

    def _move_on(self, traces: Traces) -> None:
        """Move the clock to where nothing that was done counts or is still to come, if it can be moved there."""
        if Capability.ADVANCE_CLOCK not in self.clock.offers:
            return
        now = int(self.clock.now())
        due = [self._furthest]
        if traces.rotated:
            due.append(now + self.terms.license_token_seconds + A_SECOND_MORE)
        if self.clock.name != "real":  # where it would have to be waited for, whoever needs it waits
            due += [at + self.terms.guess_window_seconds + A_SECOND_MORE for at in self._last_wrong()]
        if max(due) > now:
            with suppress(NotTestable, real_time.BrokenOff):
                self.clock.move_to(max(due))
        traces.rotated = False

    def _last_wrong(self) -> list[int]:
        since = self.clock.now() - self.terms.guess_window_seconds
        with self.lock:
            return [times[-1] for times in self._wrong.values() if times[-1] >= since]


class _CountingHuman(Human):
    """Enters user codes, and counts those that were refused."""

    def __init__(self, shared: SharedServer) -> None:
        self._shared = shared

    @property
    def offers(self) -> frozenset[Capability]:
        return self._shared.human.offers

    def approve(self, user_code: str, device: Device, *, administrator: str | None = None) -> Entry:
        return self._counted(
            self._shared.human.approve(user_code, device, administrator=administrator), administrator
        )

    def deny(self, user_code: str, *, administrator: str | None = None) -> Entry:
        return self._counted(self._shared.human.deny(user_code, administrator=administrator), administrator)

    def _counted(self, entry: Entry, administrator: str | None) -> Entry:
        if not entry.accepted and not entry.barred:
            self._shared.refused(administrator)
        return entry


class _Passing:
    """Passes everything on that is not said otherwise."""

    def __init__(self, port: object) -> None:
        self._port = port

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)


class _RememberingClock(_Passing):
    """Passes everything on, and remembers how far the clock had come before it was moved back."""

    def __init__(self, shared: SharedServer) -> None:
        super().__init__(shared.clock)
        self._shared = shared

    def move_to(self, instant: int) -> None:
        self._shared.passed()
        self._shared.clock.move_to(instant)

    def advance(self, seconds: int) -> None:
        self._shared.passed()
        self._shared.clock.advance(seconds)

    def at(self, instant: int) -> AbstractContextManager[None]:
        self._shared.passed()
        return self._shared.clock.at(instant)


class _RememberingProvisioning(_Passing):
    """Passes everything on, and remembers what has to be put back."""

    def __init__(self, shared: SharedServer, traces: Traces) -> None:
        super().__init__(shared.provision)
        self._shared, self._traces = shared, traces

    def change_settings(self, **settings: int | str | bool) -> None:
        port, before = self._shared.provision, self._traces.settings
        unknown = settings.keys() - before.keys()
        if unknown:
            known = {**asdict(self._shared.terms), **port.settings()}
            before.update({name: known[name] for name in unknown if name in known})
        port.change_settings(**settings)

    def rotate_keys(self, *, immediately: bool = False) -> None:
        self._traces.rotated = True
        self._traces.other_alg = "alg" in self._traces.settings
        self._shared.provision.rotate_keys(immediately=immediately)

    def create_organization(self, *, name: str) -> str:
        with self._shared.lock:  # whoever manages it is read and written
            made = self._shared.provision.create_organization(name=name)
        self._traces.organizations.append(made)
        return made

    def delete_organization(self, organization: str) -> None:
        with self._shared.lock:
            self._shared.provision.delete_organization(organization)
        with suppress(ValueError):
            self._traces.organizations.remove(organization)

    # -------------------------------------------------------------------------------------------- lent devices
    def disable(self, device: Device) -> None:
        self._traces.disabled.add(device.id)
        self._shared.provision.disable(device)

    def enable(self, device: Device) -> None:
        self._shared.provision.enable(device)
        self._traces.disabled.discard(device.id)

    def renew(self, device: Device, renewal_at: int | None) -> None:
        self._traces.dated.add(device.id)
        self._shared.provision.renew(device, renewal_at)
        if renewal_at is None:
            self._traces.dated.discard(device.id)

    def delete(self, device: Device) -> None:
        self._traces.spoilt.add(device.id)
        self._shared.provision.delete(device)

    def change_device(
        self, device: Device, *, name: str | None = None, url: str | None = None, hub: Device | None = None
    ) -> None:
        self._traces.spoilt.add(device.id)
        self._shared.provision.change_device(device, name=name, url=url, hub=hub)

    def give_back(self, device: Device) -> None:
        """Give a device back as it was lent; one that cannot be made so again is not lent any more."""
        port = self._shared.provision
        if self._is_mended(device):
            port.give_back(device)
        else:
            port.retire(device)

    def _is_mended(self, device: Device) -> bool:
        if device.id in self._traces.spoilt:
            return False
        try:
            if device.id in self._traces.disabled:
                self.enable(device)
            if device.id in self._traces.dated:
                self.renew(device, None)
        except AdapterError:
            return False
        return True
