"""Keeps secrets out of what is shown: each is replaced by its name and a fingerprint, which tells two apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

from authz_conformance.exchange import Exchange
from authz_conformance.flow import LicenseToken, take_apart

SECRET_NAMES = ("device_code", "refresh_token", "access_token", "token", "client_secret", "password", "code")
SHORTEST = 8
CREDENTIALS = frozenset({"authorization", "cookie", "set-cookie", "proxy-authorization"})


class Redactor:
    """Knows the secrets of some exchanges.

    Args:
        exchanges: Those in which the secrets stand as parameters, members or credentials.
    """

    def __init__(self, exchanges: Iterable[Exchange]) -> None:
        self._labels: dict[str, str] = {}
        for exchange in exchanges:
            for name, value in secrets_of(exchange):
                if len(value) >= SHORTEST:
                    fingerprint = hashlib.sha256(value.encode()).hexdigest()[:8]
                    self._labels.setdefault(value, f"<{name} {fingerprint}>")
        self._longest_first = sorted(self._labels, key=len, reverse=True)

    def text(self, text: str) -> str:
        """Give a text without the secrets."""
        for value in self._longest_first:
            if value in text:
                text = text.replace(value, self._labels[value])
        return text

    def header(self, name: str, value: str) -> str:
        """Give the value of a header without the secrets; of credentials only their kind is left."""
        shown = self.text(value)
        if name.lower() not in CREDENTIALS or shown != value:
            return shown
        return f"{value.split(' ', maxsplit=1)[0].split('=', maxsplit=1)[0]} <hidden>"

    def license_tokens(self) -> Iterator[tuple[str, LicenseToken]]:
        """Give each secret that is a JWT, by its label, taken apart: its claims are no secret, its signature is."""
        for value, label in self._labels.items():
            token = take_apart(value)
            if token is not None:
                yield label, token


def secrets_of(exchange: Exchange) -> Iterator[tuple[str, str]]:
    """Find the secrets of an exchange, by name."""
    try:
        form = dict(parse_qsl(exchange.sent.decode(), keep_blank_values=True))
    except ValueError:
        form = {}
    for where in (form, _object_in(exchange.sent), exchange.members):
        yield from _named(where)
    for name, value in exchange.request_headers:
        if name.lower() == "authorization" and " " in value:
            yield "credentials", value.partition(" ")[2]


def _object_in(content: bytes) -> Mapping[str, Any]:
    """Read a body as a JSON object: a form may have been sent as one, to see it refused."""
    try:
        members = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return members if isinstance(members, dict) else {}


def _named(members: Any) -> Iterator[tuple[str, str]]:
    for name in SECRET_NAMES:
        value = members.get(name)
        if isinstance(value, str):
            yield name, value


def shown(exchange: Exchange, *, most: int) -> str:
    """Give the body of an answer without its secrets, cut."""
    text = Redactor([exchange]).text(exchange.text)
    return text if len(text) <= most else f"{text[:most]}…"
