"""Makes a target of a configuration: chooses the drivers, starts the server if the kit is to start it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from authz_conformance.catalogue import Capability
from authz_conformance.clocks import by_command, real
from authz_conformance.clocks.faketime import FaketimeClock, find_library
from authz_conformance.clocks.port import Clock
from authz_conformance.exchange import Exchange
from authz_conformance.story import Story
from authz_conformance.targets import command_drivers, config
from authz_conformance.targets.admin_api import AdminApi
from authz_conformance.targets.commands import Command
from authz_conformance.targets.config import Config, ConfigError, secret
from authz_conformance.targets.control import ControlTarget
from authz_conformance.targets.lending import DeclaredDevices
from authz_conformance.targets.management import ManagementHuman, ManagementProvisioning
from authz_conformance.targets.person import Person
from authz_conformance.targets.plain import PlainTarget
from authz_conformance.targets.ports import Human, Introspector, Login, Provisioning, Target, Terms
from authz_conformance.targets.process import started
from authz_conformance.targets.python_class import make_adapter
from authz_conformance.verdicts import AdapterError
from authz_conformance.wire import Bounds, Connection, Wire


class NoHuman(Human):
    """Nobody."""

    offers: frozenset[Capability] = frozenset()


def connection_for(settings: Config) -> Connection:
    """Make the connection of a run.

    Raises:
        ConfigError: the CA cannot be read.
    """
    limits, ca_file = settings.limits, settings.target.ca_file
    bounds = Bounds(request_seconds=limits.request_seconds, body_bytes=limits.body_bytes)
    try:
        return Connection(bounds=bounds, ca_file=Path(ca_file) if ca_file else None)
    except OSError as error:
        raise ConfigError(f"target.ca_file: {ca_file}: {error.strerror or error}") from error


@contextmanager
def open_target(settings: Config, connection: Connection) -> Iterator[Target]:
    """Give the target of a configuration while the block runs.

    Raises:
        ConfigError: a driver cannot be made.
        AdapterError: the server cannot be started.
    """
    with ExitStack() as until_the_end:
        folder = Path(until_the_end.enter_context(TemporaryDirectory(prefix="authz-conformance-")))
        clock = _clock(settings, folder)
        target = _target(settings, connection, clock)
        if settings.target.start is not None:
            if _answers(settings):
                raise AdapterError(
                    f"target.start: something answers at {settings.target.issuer} already; end it, or leave start out"
                )
            until_the_end.enter_context(
                started(
                    settings.target.start,
                    environment=clock.environment if isinstance(clock, FaketimeClock) else {},
                    answers=lambda: _answers(settings),
                    seconds=settings.target.start_seconds,
                    log=folder / "server.log",
                )
            )
        yield target


def _answers(settings: Config) -> bool:
    """Whether the issuer answers anything at all; on a connection of its own, whose patience is spent on waiting."""
    probe = connection_for(settings)
    try:
        answer: Exchange = Wire(probe, Story()).get(settings.target.issuer, step="start")
    finally:
        probe.close()
    return answer.failure is None


def _target(settings: Config, connection: Connection, clock: Clock) -> Target:
    target, terms = settings.target, terms_of(settings)
    if settings.control is not None:
        token = secret(settings.control.token, settings.control.token_variable, key="control")
        return ControlTarget(
            connection=connection,
            url=settings.control.url.rstrip("/"),
            token=token,
            terms=terms,
            clients=target.clients,
            scope=target.scope,
            quirks=settings.control.quirks,
            development_hosts=target.development_hosts,
        )
    lending = _lending(settings)
    return PlainTarget(
        issuer=target.issuer,
        clients=target.clients,
        scope=target.scope,
        terms=terms,
        human=_human(settings, connection),
        provision=_provisioning(settings, connection, lending),
        clock=clock,
        endpoints=target.endpoints,
        development_hosts=target.development_hosts,
        devices=lending.number or None,
        one_at_a_time=isinstance(settings.human, config.PersonHuman),
        login=_login(settings.login),
        introspector=_introspector(settings.introspection),
    )


def _login(section: config.LoginSection | None) -> Login | None:
    if section is None:
        return None
    password = secret(section.password, section.password_variable, key="login.password")
    if password is None:
        raise ConfigError("login.password: is missing, and so is login.password_variable")
    return Login(username=section.username, password=password)


def _introspector(section: config.IntrospectionSection | None) -> Introspector | None:
    if section is None or section.client_id is None:
        return None
    client_secret = secret(
        section.client_secret, section.client_secret_variable, key="introspection.client_secret"
    )
    return Introspector(client_id=section.client_id, client_secret=client_secret)


def terms_of(settings: Config) -> Terms:
    """Give what is declared, over the defaults of protocol.md."""
    declared = {
        name: value for name, value in msgspec.to_builtins(settings.terms).items() if value is not None
    }
    return Terms(**declared)


def _clock(settings: Config, folder: Path) -> Clock:
    match settings.clock:
        case config.PythonDriver(adapter=adapter, options=options):
            made: Clock = make_adapter(adapter, options, key="clock")
            return made
        case config.FaketimeClock(library=library):
            return FaketimeClock(folder, library=find_library(library))
        case config.CommandClock() as section:
            command = _checked(section.set, "clock.set", section.seconds, by_command.PLACEHOLDERS)
            return by_command.ByCommandClock(command, moves_back=section.moves_back)
        case config.RealClock() as section:
            return real.RealClock(longest_wait_seconds=section.longest_wait_seconds)
    return real.NoClock()


def _human(settings: Config, connection: Connection) -> Human:
    match settings.human:
        case config.PythonDriver(adapter=adapter, options=options):
            made: Human = make_adapter(adapter, options, key="human")
            return made
        case config.CommandHuman() as section:
            placeholders = command_drivers.USER_CODE_PLACEHOLDERS
            deny = section.deny
            return command_drivers.CommandHuman(
                approve=_checked(section.approve, "human.approve", section.seconds, placeholders),
                deny=None if deny is None else _checked(deny, "human.deny", section.seconds, placeholders),
                reports_entries=section.reports_entries,
            )
        case config.PersonHuman() as section:
            return Person(seconds=section.seconds, where=section.verification_uri)
        case config.ManagementDriver():
            api, found = _management(settings, connection)
            return ManagementHuman(api, administrator=found.administrator)
    return NoHuman()


def _provisioning(settings: Config, connection: Connection, lending: DeclaredDevices) -> Provisioning:
    match settings.provisioning:
        case config.PythonDriver(adapter=adapter, options=options):
            made: Provisioning = make_adapter(adapter, options, key="provisioning")
            return made
        case config.CommandProvisioning() as section:
            return command_drivers.CommandProvisioning(_operations(section), lending=lending)
        case config.ManagementDriver():
            api, found = _management(settings, connection)
            return ManagementProvisioning(
                api, organization=found.organization, administrator=found.administrator
            )
    return lending


def _lending(settings: Config) -> DeclaredDevices:
    section = settings.provisioning
    if isinstance(section, config.DeclaredProvisioning | config.CommandProvisioning):
        return DeclaredDevices(section.devices)
    return DeclaredDevices()


def _operations(section: config.CommandProvisioning) -> Mapping[str, Command]:
    given: dict[str, Any] = msgspec.structs.asdict(section)
    return {
        name: _checked(given[name], f"provisioning.{name}", section.seconds, placeholders)
        for name, (_, placeholders) in command_drivers.OPERATIONS.items()
        if given[name] is not None
    }


def _management(settings: Config, connection: Connection) -> tuple[AdminApi, config.ManagementSection]:
    section = settings.management
    if section is None:  # pragma: no cover - refused when the file is read
        raise ConfigError("management: is missing")
    token = secret(section.token, section.token_variable, key="management")
    return AdminApi(connection, section.url.rstrip("/"), bearer=token), section


def _checked(line: str, key: str, seconds: float, placeholders: tuple[str, ...]) -> Command:
    command = Command(key=key, line=line, seconds=seconds)
    problem = command.problem(placeholders)
    if problem is not None:
        raise ConfigError(problem)
    return command
