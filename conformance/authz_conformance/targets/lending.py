"""Devices that exist already, lent to one rule at a time; and servers that know no devices at all."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from threading import Condition

from authz_conformance.catalogue import Capability
from authz_conformance.targets.ports import Device, Provisioning
from authz_conformance.verdicts import AdapterError, NotTestable

NO_DEVICE = Device(id="")
LONGEST_WAIT_SECONDS = 600.0
NONE_LEFT = (
    "no declared device is left that is as it was lent: rules have disabled, deleted or changed them all, "
    "and no driver creates devices"
)


class DeclaredDevices(Provisioning):
    """Lends declared devices; without any, a device with an empty id, which is all that plain OAuth servers know."""

    offers: frozenset[Capability] = frozenset()

    def __init__(self, devices: Sequence[str] = ()) -> None:
        self.number = self._left = len(devices)
        self._free = deque(Device(id=name, name=name) for name in devices)
        self._changed = Condition()

    def lend(self) -> Device:
        """Lend one, as soon as one is free."""
        if not self.number:
            return NO_DEVICE
        with self._changed:
            if not self._changed.wait_for(lambda: self._free or not self._left, LONGEST_WAIT_SECONDS):
                raise AdapterError("provisioning.devices: no device became free")
            if not self._free:
                raise NotTestable(NONE_LEFT)
            return self._free.popleft()

    def give_back(self, device: Device) -> None:
        """Take it back."""
        if self.number:
            with self._changed:
                self._free.append(device)
                self._changed.notify()

    def retire(self, device: Device) -> None:
        """Do without it from now on."""
        del device
        with self._changed:
            self._left -= 1
            self._changed.notify_all()
