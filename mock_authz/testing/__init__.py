"""For tests of clients, in Python: a sandbox for each test, over HTTP, on a server in this process or anywhere else.

    from mock_authz.testing import Sandbox

    with Sandbox() as sandbox:
        sandbox.human.approve("store-12", after_polls=2)
        client = MyClient(sandbox.issuer)
        client.acquire()
        sandbox.clock.advance("P30D")
        with sandbox.offline():
            client.refresh()

In pytest, the fixture `authz_sandbox` is one (docs/testing-with-pytest.md).
"""

from mock_authz.domain.events import EventType
from mock_authz.instants import UnreadableTimeError
from mock_authz.seed.problems import SeedError
from mock_authz.testing.clock import Clock
from mock_authz.testing.devices import Device, Devices, License
from mock_authz.testing.entries import Entry, Event, Exchange
from mock_authz.testing.faults import (
    Fault,
    Faults,
    Narrowing,
    Scope,
    UnstruckFaultError,
    UnstruckFaultWarning,
)
from mock_authz.testing.human import Human, ScriptedHuman
from mock_authz.testing.journal import Journal, UnmetExpectationError
from mock_authz.testing.sandbox import Sandbox
from mock_authz.testing.seeds import SeedSource
from mock_authz.testing.server import Server
from mock_authz.testing.times import Duration, Instant
from mock_authz.testing.wire import ControlError, ServerUnreachableError

__all__ = [
    "Clock",
    "ControlError",
    "Device",
    "Devices",
    "Duration",
    "Entry",
    "Event",
    "EventType",
    "Exchange",
    "Fault",
    "Faults",
    "Human",
    "Instant",
    "Journal",
    "License",
    "Narrowing",
    "Sandbox",
    "Scope",
    "ScriptedHuman",
    "SeedError",
    "SeedSource",
    "Server",
    "ServerUnreachableError",
    "UnmetExpectationError",
    "UnreadableTimeError",
    "UnstruckFaultError",
    "UnstruckFaultWarning",
]
