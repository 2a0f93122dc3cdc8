"""Bytes on a socket: what a client sees below HTTP."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

SECONDS = 20.0


@dataclass(frozen=True)
class Heard:
    """What came back before the connection ended.

    Attributes:
        headers: by lower-case name.
        body: what came of it, however much was announced.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


def say(url: str, form: Mapping[str, str] | None = None) -> Heard:
    """Send one request on a connection of its own, and hear it to its end: a GET, or a POST of a form.

    Raises:
        ConnectionResetError: the connection was reset (RST).
    """
    parts = urlsplit(url)
    body = b"" if form is None else urlencode(dict(form)).encode()
    kind = "" if form is None else "Content-Type: application/x-www-form-urlencoded\r\n"
    head = (
        f"{'GET' if form is None else 'POST'} {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        f"Connection: close\r\n{kind}Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=SECONDS) as connection:
        connection.sendall(head.encode() + body)
        pieces = []
        while piece := connection.recv(65536):
            pieces.append(piece)
    return _read(b"".join(pieces))


def _read(raw: bytes) -> Heard:
    head, _, body = raw.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = (line.partition(": ") for line in lines)
    return Heard(int(status.split(" ")[1]), {name.lower(): value for name, _, value in headers}, body)
