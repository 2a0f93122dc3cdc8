"""What a seed may hold, member by member: one table for each kind of record. Knows nothing of other members' values.

A reader gives the value back as records want it, or None after it has said what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from mock_authz.domain import spelling
from mock_authz.domain.organization import Edition, PlainPassword
from mock_authz.instants import UnreadableTimeError, add_duration, parse_instant
from mock_authz.seed.problems import Place, quoted, shown
from mock_authz.settings import PRESETS, Settings, SettingsError, as_mapping, change

Reader = Callable[[Any, Place], Any]

LONGEST_INSTANT: Final = 64
RELATIVE: Final = "or +P45D for 45 days from the sandbox's start"

# Memory in KiB, passes, lanes.
DEAREST: Final = {"m": 1024 * 1024, "t": 16, "p": 16}
HASH: Final = (
    r"\$argon2(id|i|d)\$v=19\$m=[0-9]{1,9},t=[0-9]{1,9},p=[0-9]{1,9}\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+"
)


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a mapping.

    Attributes:
        nullable: an empty one says the same as none.
    """

    read: Reader
    required: bool = False
    nullable: bool = False


def mapping(members: Mapping[str, Member]) -> Reader:
    """Read a mapping with these members, and no others. What is wrong is left out of what it gives."""

    def read(value: Any, place: Place) -> dict[str, Any] | None:
        if not isinstance(value, dict):
            place.wrong(f"must be a mapping with {', '.join(members)}; it is {shown(value)}")
            return None
        good: dict[str, Any] = {}
        for name, given in value.items():
            if (member := members.get(name)) is None:
                _unknown_key(name, members, place)
            elif not (given is None and member.nullable) and (
                (taken := member.read(given, place.at(name))) is not None
            ):
                good[name] = taken
        for name, member in members.items():
            if member.required and name not in value:
                place.wrong(f"the key {quoted(name)} is missing")
        return good

    return read


def _unknown_key(name: str, members: Mapping[str, Member], place: Place) -> None:
    if name == "<<":
        place.at(name).wrong("merge keys are not taken: write the members out")
    else:
        place.at(name).wrong(f"there is no such key{place.instead_of(name, list(members))}")


def listing(read_item: Reader, *, of: str, most: int | None = None, distinct: bool = False) -> Reader:
    """Read a list. It keeps its length: an item that is wrong is None."""

    def read(value: Any, place: Place) -> list[Any] | None:
        if not isinstance(value, list):
            place.wrong(f"must be a list of {of}, or [] for none; it is {shown(value)}")
            return None
        if most is not None and len(value) > most:
            place.wrong(f"has {len(value)} items: at most {most} are taken")
            return None
        items = [read_item(item, place.at(index)) for index, item in enumerate(value)]
        first: dict[Any, int] = {}
        for index, item in enumerate(items if distinct else ()):
            if item is not None and first.setdefault(item, index) != index:
                place.at(index).wrong(f"{quoted(item)} stands in this list already: keep it once")
        return items

    return read


def text(pattern: str, *, what: str, most: int, secret: bool = False) -> Reader:
    """Read a text of a pattern. `what` says what would be right; a secret is not repeated."""

    def read(value: Any, place: Place) -> str | None:
        if not isinstance(value, str):
            place.wrong(_not_a_text(value, secret=secret))
            return None
        if len(value) > most:
            place.wrong(f"is longer than {most} characters")
            return None
        if re.fullmatch(pattern, value) is None or any("\ud800" <= c <= "\udfff" for c in value):
            place.wrong(f"{'this' if secret else quoted(value)} is not {what}")
            return None
        return value

    return read


def _not_a_text(value: Any, *, secret: bool) -> str:
    if value is None:
        return "is empty: write a text"
    if isinstance(value, bool | int | float):
        read_as = "a number or a truth value" if secret else shown(value)
        return f"is read as {read_as}, but must be a text: put it in quotes"
    return f"must be a text; it is {shown(value)}"


def flag(value: Any, place: Place) -> bool | None:
    """Read true or false."""
    if not isinstance(value, bool):
        place.wrong(f"must be true or false; it is {shown(value)}")
        return None
    return value


def edition(value: Any, place: Place) -> Edition | None:
    """Read an edition."""
    known = [one.value for one in Edition]
    if isinstance(value, str) and value in known:
        return Edition(value)
    if isinstance(value, str):
        place.wrong(f"there is no edition {quoted(value)}{place.instead_of(value, known)}")
        return None
    place.wrong(f"must be one of {', '.join(known)}; it is {shown(value)}")
    return None


def renewal_date(value: Any, place: Place, *, now: int) -> int | None:
    """Read an instant, or a duration with its sign, counted from `now`."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        place.wrong(f"must be a date, {RELATIVE}; it is {shown(value)}")
        return None
    try:
        if isinstance(value, str) and value[:2] in {"+P", "-P"}:
            return add_duration(now, value[:LONGEST_INSTANT].removeprefix("+"))
        return parse_instant(value[:LONGEST_INSTANT] if isinstance(value, str) else value)
    except UnreadableTimeError as error:
        place.wrong(f"{error} ({RELATIVE})")
        return None


def password_hash(value: Any, place: Place) -> str | None:
    """Read an argon2 hash, of no more work than a login can wait for."""
    given = read_hash(value, place)
    if given is None:
        return None
    costs = {name: int(number) for name, number in re.findall(r"([mtp])=([0-9]+)", given)}
    over = [name for name, most in DEAREST.items() if costs[name] > most]
    if over:
        limits = ", ".join(f"{name}={most}" for name, most in DEAREST.items())
        place.wrong(f"this hash costs too much to verify: at most {limits} is taken")
        return None
    return str(given)


def settings(value: Any, place: Place) -> Settings | None:
    """Read settings, over a preset if one is named."""
    known = [*as_mapping(Settings()), "preset"]
    if not isinstance(value, dict):
        place.wrong(f"must be a mapping with any of {', '.join(known)}; it is {shown(value)}")
        return None
    good: dict[str, Any] = {}
    for name, given in value.items():
        if name not in known:
            place.at(name).wrong(f"there is no such setting{place.instead_of(name, known)}")
            continue
        if (detail := _setting_refused(name, given, place)) is None:
            good[name] = given
        else:
            place.at(name).wrong(detail)
    return change(Settings(), good)


def _setting_refused(name: str, given: Any, place: Place) -> str | None:
    if given is None or isinstance(given, list | dict):
        return f"must be a single value; it is {shown(given)}"
    if name == "preset" and given not in PRESETS:
        return f"there is no such preset{place.instead_of(str(given), list(PRESETS))}"
    try:
        change(Settings(), {name: given[:64] if isinstance(given, str) else given})
    except SettingsError as error:
        return str(error)
    return None


identifier = text(
    spelling.IDENTIFIER,
    what="an id: letters, digits, dots, underscores and hyphens, beginning with a letter or digit",
    most=spelling.LONGEST_IDENTIFIER,
)
username = text(
    spelling.USERNAME,
    what="a username: letters, digits and . _ @ + -, beginning with a letter or digit",
    most=spelling.LONGEST_IDENTIFIER,
)
display_name = text(
    spelling.NAME,
    what="a name: at least one character, no line break, no space at its ends",
    most=spelling.LONGEST_NAME,
)
url = text(
    spelling.SERVER_URL,
    what="an absolute URL such as https://store-1.example or http://127.0.0.1:8629/pos",
    most=spelling.LONGEST_URL,
)
feature = text(
    spelling.FEATURE,
    what="a feature: lower-case letters, digits, underscores and hyphens, at most 32, such as xms",
    most=spelling.LONGEST_IDENTIFIER,
)
password = text(r"(?s:.+)", what="a password: it is empty", most=spelling.LONGEST_PASSWORD, secret=True)
read_hash = text(
    HASH,
    what="an argon2 hash such as $argon2id$v=19$m=65536,t=3,p=4$<salt>$<hash>; a plain one goes under `password`",
    most=spelling.LONGEST_PASSWORD,
    secret=True,
)


def _plain(value: Any, place: Place) -> PlainPassword | None:
    given = password(value, place)
    return None if given is None else PlainPassword(given)


ORGANIZATION: Final = {"id": Member(identifier, required=True), "name": Member(display_name, required=True)}
ADMINISTRATOR: Final = {
    "username": Member(username, required=True),
    "password": Member(_plain),
    "password_hash": Member(password_hash),
    "name": Member(display_name),
    "organizations": Member(listing(identifier, of="organization ids", distinct=True), required=True),
}
CLIENT: Final = {"client_id": Member(identifier, required=True), "name": Member(display_name)}


def device(now: int) -> dict[str, Member]:
    """Give the members of a device; durations count from `now`, Unix seconds."""
    return {
        "server_id": Member(identifier),
        "organization": Member(identifier, required=True),
        "name": Member(display_name, required=True),
        "edition": Member(edition, required=True),
        "url": Member(url, nullable=True),
        "hub": Member(display_name, nullable=True),
        "features": Member(listing(feature, of="features", most=spelling.MOST_FEATURES, distinct=True)),
        "renewal_at": Member(partial(renewal_date, now=now), nullable=True),
        "enabled": Member(flag),
    }


def sections(now: int) -> Reader:
    """Give the reader of a whole seed."""
    return mapping({
        "organizations": Member(listing(mapping(ORGANIZATION), of="organizations")),
        "administrators": Member(listing(mapping(ADMINISTRATOR), of="administrators")),
        "devices": Member(listing(mapping(device(now)), of="devices")),
        "clients": Member(listing(mapping(CLIENT), of="clients")),
        "settings": Member(settings),
    })  # fmt: skip
