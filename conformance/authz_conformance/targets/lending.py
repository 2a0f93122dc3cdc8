"""Devices that exist already, lent to one rule at a time; and servers that know no devices at all."""

from __future__ import annotations

from collections.abc import Sequence
from queue import Empty, SimpleQueue

from authz_conformance.catalogue import Capability
from authz_conformance.targets.ports import Device, Provisioning
from authz_conformance.verdicts import AdapterError

NO_DEVICE = Device(id="")
LONGEST_WAIT_SECONDS = 600.0


class DeclaredDevices(Provisioning):
    """Lends declared devices; without any, a device with an empty id, which is all that plain OAuth servers know."""

    offers: frozenset[Capability] = frozenset()

    def __init__(self, devices: Sequence[str] = ()) -> None:
        self.number = len(devices)
        self._free: SimpleQueue[Device] = SimpleQueue()
        for name in devices:
            self._free.put(Device(id=name, name=name))

    def lend(self) -> Device:
        """Lend one, as soon as one is free."""
        if not self.number:
            return NO_DEVICE
        try:
            return self._free.get(timeout=LONGEST_WAIT_SECONDS)
        except Empty:
            raise AdapterError("provisioning.devices: no device became free") from None

    def give_back(self, device: Device) -> None:
        """Take it back."""
        if self.number:
            self._free.put(device)
