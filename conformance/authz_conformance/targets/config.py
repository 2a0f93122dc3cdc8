"""`conformance.toml`: what is judged, and how the kit reaches it. Unknown keys are refused; errors name file and key."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from pathlib import Path
from typing import Any, Literal

import msgspec

from authz_conformance.catalogue import Capability, Profile, Role

CONFIG_FILE = "conformance.toml"
SERVER_PROFILES = tuple(profile for profile in Profile if profile.role is Role.SERVER)


class ConfigError(Exception):
    """The configuration cannot be used. Says the file, the key, and what would be right."""


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file."""


class TargetSection(_Section, frozen=True):
    """`[target]`: the server that is judged.

    Attributes:
        issuer: as its metadata says it.
        profiles: the sets of rules that it is held to.
        clients: client_ids registered for the device grant, the usual one first.
        scope: to ask for; left out, no scope is sent.
        capabilities: what the server itself offers beyond its drivers; left out, what its metadata shows.
        endpoints: by their names in RFC 8414, those that the metadata does not name, or all where there is none.
        development_hosts: that the metadata may name with http, as it may name loopback.
        start: a command that starts the server, if the kit is to start it.
    """

    issuer: str
    name: str = ""
    version: str = ""
    profiles: tuple[Profile, ...] = (Profile.RFC8628,)
    clients: tuple[str, ...] = ("pos-server",)
    scope: str | None = None
    ca_file: str | None = None
    capabilities: tuple[Capability, ...] | None = None
    endpoints: dict[str, str] = {}
    development_hosts: tuple[str, ...] = ()
    start: str | None = None
    start_seconds: float = 30.0


class ControlSection(_Section, frozen=True):
    """`[control]`: the control API of mock-authz; human, provisioning and clock go through it.

    Attributes:
        token_variable: the environment variable that holds its token.
        quirks: misbehaviours that each sandbox is given, to see what the kit says of them.
    """

    url: str
    token: str | None = None
    token_variable: str | None = None
    quirks: tuple[str, ...] = ()


class ManagementSection(_Section, frozen=True):
    """`[management]`: the management API of mock-authz, for the drivers named so."""

    url: str
    organization: str
    administrator: str
    token: str | None = None
    token_variable: str | None = None


class IntrospectionSection(_Section, frozen=True):
    """`[introspection]`: the client that introspects. With nothing in it, access tokens are sent as Bearer instead.

    Attributes:
        client_secret: for client_secret_basic; left out, the client is public and sends its client_id alone.
        client_secret_variable: the environment variable that holds the secret.
    """

    client_id: str | None = None
    client_secret: str | None = None
    client_secret_variable: str | None = None


class LoginSection(_Section, frozen=True):
    """`[login]`: how somebody who may approve logs in at the verification page, by a form with two fields.

    Attributes:
        password_variable: the environment variable that holds the password.
    """

    username: str
    password: str | None = None
    password_variable: str | None = None


class ManagementDriver(_Section, frozen=True, tag_field="driver", tag="management"):
    """`driver = "management"`: through the API of `[management]`."""


class PythonDriver(_Section, frozen=True, tag_field="driver", tag="python"):
    """`driver = "python"`: a class, as `human.py:Class`, `package.module:Class`, or by the name of an entry point."""

    adapter: str
    options: dict[str, Any] = {}


class CommandHuman(_Section, frozen=True, tag_field="driver", tag="command"):
    """`[human] driver = "command"`: placeholders are {user_code}, {device} and {administrator}.

    Attributes:
        reports_entries: wrong codes may be entered too, and a refusal is told by exit code 10.
    """

    approve: str
    deny: str | None = None
    reports_entries: bool = False
    seconds: float = 60.0


class PersonHuman(_Section, frozen=True, tag_field="driver", tag="person"):
    """`[human] driver = "person"`: says what to do, and waits.

    Attributes:
        verification_uri: where the person goes, to be told with each request.
    """

    verification_uri: str = ""
    seconds: float = 300.0


class CommandProvisioning(_Section, frozen=True, tag_field="driver", tag="command"):
    """`[provisioning] driver = "command"`: a command for each operation that is offered; see SERVER-ADAPTER.md."""

    devices: tuple[str, ...] = ()
    create_device: str | None = None
    change_device: str | None = None
    renew: str | None = None
    disable: str | None = None
    enable: str | None = None
    delete: str | None = None
    revoke: str | None = None
    create_organization: str | None = None
    delete_organization: str | None = None
    rotate_keys: str | None = None
    rotate_keys_at_once: str | None = None
    change_settings: str | None = None
    second_administrator: str | None = None
    withdraw_administrator: str | None = None
    seconds: float = 60.0


class DeclaredProvisioning(_Section, frozen=True, tag_field="driver", tag="declared"):
    """`[provisioning] driver = "declared"`: devices that exist already; none for a server without devices."""

    devices: tuple[str, ...] = ()


class FaketimeClock(_Section, frozen=True, tag_field="driver", tag="faketime"):
    """`[clock] driver = "faketime"`: libfaketime in a server that the kit starts.

    Attributes:
        library: path of libfaketime.so.1; left out, that of the installed package `libfaketime`.
    """

    library: str | None = None


class CommandClock(_Section, frozen=True, tag_field="driver", tag="command"):
    """`[clock] driver = "command"`: the placeholders of `set` are {instant} (Unix seconds) and {instant_utc}."""

    set: str
    moves_back: bool = True
    seconds: float = 60.0


class RealClock(_Section, frozen=True, tag_field="driver", tag="real"):
    """`[clock] driver = "real"`: waits, as long as `longest_wait_seconds` at a time."""

    longest_wait_seconds: float = 60.0


HumanSection = ManagementDriver | PythonDriver | CommandHuman | PersonHuman
ProvisioningSection = ManagementDriver | PythonDriver | CommandProvisioning | DeclaredProvisioning
ClockSection = PythonDriver | FaketimeClock | CommandClock | RealClock


class TermsSection(_Section, frozen=True):
    """`[terms]`: what the server declares, where it differs from protocol.md."""

    license_token_seconds: int | None = None
    refresh_token_seconds: int | None = None
    code_seconds: int | None = None
    interval_seconds: int | None = None
    renewal_window_seconds: int | None = None
    token_warning_seconds: int | None = None
    refresh_retry_window_seconds: int | None = None
    guesses: int | None = None
    guess_window_seconds: int | None = None
    alg: Literal["ES256", "RS256", "Ed25519"] | None = None


class LimitsSection(_Section, frozen=True):
    """`[limits]`: what a request and a run may cost."""

    request_seconds: float = 10.0
    run_seconds: float = 1800.0
    body_bytes: int = 1_048_576


class Config(_Section, frozen=True):
    """The whole file."""

    target: TargetSection
    control: ControlSection | None = None
    management: ManagementSection | None = None
    human: HumanSection | None = None
    provisioning: ProvisioningSection | None = None
    clock: ClockSection | None = None
    introspection: IntrospectionSection | None = None
    login: LoginSection | None = None
    terms: TermsSection = TermsSection()
    limits: LimitsSection = LimitsSection()


def read_tables(path: Path) -> dict[str, Any]:
    """Read a file, without a look at what its tables mean.

    Raises:
        ConfigError: it cannot be read, or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error


def read_config(path: Path) -> Config:
    """Read a file.

    Raises:
        ConfigError: with everything that a person needs to mend it.
    """
    return convert_config(read_tables(path), where=str(path))


def convert_config(content: dict[str, Any], *, where: str) -> Config:
    """Make a configuration of what a file holds.

    Args:
        content: Its tables.
        where: Its name, for errors.
    """
    try:
        config = msgspec.convert(content, Config)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {_explained(str(error), content)}") from error
    problem = _problem(config)
    if problem is not None:
        raise ConfigError(f"{where}: {problem}")
    return config


def secret(token: str | None, variable: str | None, *, key: str) -> str | None:
    """Give a token that stands in the file, or in the environment variable that it names."""
    if variable is None:
        return token
    value = os.environ.get(variable)
    if not value:
        raise ConfigError(f"{key}.token_variable: the environment variable {variable} is not set")
    return value


def _problem(config: Config) -> str | None:
    """What a schema cannot say."""
    drivers = {"human": config.human, "provisioning": config.provisioning, "clock": config.clock}
    chosen = [name for name, section in drivers.items() if section is not None]
    if config.control is not None and chosen:
        return f"{chosen[0]}: leave it out, everything goes through [control]; or leave out [control]"
    if config.management is None:
        for name, section in drivers.items():
            if isinstance(section, ManagementDriver):
                return f'{name}.driver: "management" needs the table [management] with url and token'
    if isinstance(config.clock, FaketimeClock) and config.target.start is None:
        return 'clock.driver: "faketime" reaches a server that the kit starts itself: give target.start, a command'
    wrong = [profile for profile in config.target.profiles if profile.role is not Role.SERVER]
    if wrong:
        return f"target.profiles: {wrong[0]} is for a {wrong[0].role}; right are {', '.join(SERVER_PROFILES)}"
    if config.control is not None and (config.login or config.introspection) is not None:
        return "login and introspection: leave them out, [control] knows how"
    if not config.target.clients:
        return "target.clients: at least one client_id that is registered for the device grant"
    if not re.match(r"https?://[^/?#]+", config.target.issuer):
        return f"target.issuer: {config.target.issuer!r} is no http or https URL"
    return None


_AT = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<key>[^`]*)`)?", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>[^`]*)`")
_MISSING = re.compile(r"Object missing required field `(?P<name>[^`]*)`")
_INVALID = re.compile(r"Invalid (?:enum )?value (?P<value>.*)")


def _explained(message: str, content: dict[str, Any]) -> str:
    """Turn a message of msgspec into: key, what is wrong, what would be right."""
    found = _AT.fullmatch(message)
    what, key = (found["what"], found["key"] or "") if found else (message, "")
    if (unknown := _UNKNOWN.fullmatch(what)) is not None:
        return _unknown_key(unknown["name"], key, content)
    if (missing := _MISSING.fullmatch(what)) is not None:
        return f"{_join(key, missing['name'])}: is missing"
    if (invalid := _INVALID.fullmatch(what)) is not None:
        right = _choices(key)
        return f"{key}: {invalid['value']} is not known" + (
            f"; right are {', '.join(right)}" if right else ""
        )
    return f"{key or 'the file'}: {what[:1].lower()}{what[1:]}"


def _unknown_key(name: str, key: str, content: dict[str, Any]) -> str:
    known = _known_keys(key, content)
    near = difflib.get_close_matches(name, known, n=1)
    right = f"did you mean {near[0]}?" if near else f"right are {', '.join(known)}"
    return f"{_join(key, name)}: there is no such key; {right}"


def _join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


_SECTIONS: dict[str, tuple[type[_Section], ...]] = {
    "": (Config,),
    "target": (TargetSection,),
    "control": (ControlSection,),
    "management": (ManagementSection,),
    "human": (ManagementDriver, PythonDriver, CommandHuman, PersonHuman),
    "provisioning": (ManagementDriver, PythonDriver, CommandProvisioning, DeclaredProvisioning),
    "clock": (PythonDriver, FaketimeClock, CommandClock, RealClock),
    "introspection": (IntrospectionSection,),
    "login": (LoginSection,),
    "terms": (TermsSection,),
    "limits": (LimitsSection,),
}


def _known_keys(key: str, content: dict[str, Any]) -> list[str]:
    sections = _SECTIONS.get(key, ())
    driver = content.get(key, {}).get("driver") if key else None
    chosen = [one for one in sections if driver is None or one.__struct_config__.tag == driver]
    names = [field.name for one in chosen for field in msgspec.structs.fields(one)]
    return ["driver", *names] if driver is not None else names


def _choices(key: str) -> list[str]:
    section, _, name = key.partition(".")
    if name == "driver":
        return [str(one.__struct_config__.tag) for one in _SECTIONS[section]]
    if name.startswith("profiles"):
        return list(SERVER_PROFILES)
    if name.startswith("capabilities"):
        return [one for one in Capability if Role.SERVER in one.roles]
    return []
