"""Servers that are broken in one way each, on a socket: the kit must say so, in a bounded time."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import Any

HOST = "127.0.0.1"
Answer = Callable[[socket.socket, bytes, str], None]


def hang(connection: socket.socket, _request: bytes, _issuer: str) -> None:
    """Never answer; leave when the kit has gone."""
    connection.recv(1)


def garbage(connection: socket.socket, _request: bytes, _issuer: str) -> None:
    connection.sendall(b"\x00\xff\x17 this is no HTTP \r\n\r\n")


def garbled_json(connection: socket.socket, _request: bytes, _issuer: str) -> None:
    connection.sendall(_response(200, b'{"issuer": \xff\xfe [[[[[[[[ "device_code"'))


def wrong_types(connection: socket.socket, _request: bytes, issuer: str) -> None:
    """JSON of the right names and the wrong types, with what no report should choke on."""
    names = (
        "device_code",
        "user_code",
        "verification_uri",
        "expires_in",
        "access_token",
        "error",
        "grant_types_supported",
    )
    body = {**_metadata(issuer), **{name: [{"\x00\ud800</x>|": None}] for name in names}}
    connection.sendall(_response(200, json.dumps(body).encode()))


def unprintable(connection: socket.socket, request: bytes, issuer: str) -> None:
    """Refuse all but metadata, with half a character and what turns a terminal red."""
    if request.startswith(b"GET /.well-known/"):
        connection.sendall(_response(200, json.dumps(_metadata(issuer)).encode()))
        return
    connection.sendall(_response(400, json.dumps({"error": "\ud800\x1b[31mred"}).encode()))


def error_500(connection: socket.socket, _request: bytes, _issuer: str) -> None:
    connection.sendall(_response(500, b"<html>Internal Server Error</html>", kind="text/html"))


def drip(connection: socket.socket, _request: bytes, _issuer: str) -> None:
    """Answer a byte at a time, without end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    with suppress(OSError):
        while not Event().wait(0.1):
            connection.sendall(b" ")


def endless(connection: socket.socket, _request: bytes, _issuer: str) -> None:
    """Answer as fast as it goes, without end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    with suppress(OSError):
        while True:
            connection.sendall(b" " * 65536)


def without_device_endpoint(connection: socket.socket, request: bytes, issuer: str) -> None:
    metadata = _metadata(issuer)
    del metadata["device_authorization_endpoint"]
    found = request.startswith(b"GET /.well-known/")
    connection.sendall(_response(200 if found else 404, json.dumps(metadata if found else {}).encode()))


def of_development(connection: socket.socket, _request: bytes, issuer: str) -> None:
    """Metadata that names a page of the host `auth.test`, over http."""
    metadata = {**_metadata(issuer), "service_documentation": "http://auth.test/docs"}
    connection.sendall(_response(200, json.dumps(metadata).encode()))


class Dying:
    """A good server for a number of requests, and none at all afterwards."""

    def __init__(self, requests: int, *, expires_in: int = 900) -> None:
        self._left = requests
        self._expires_in = expires_in
        self._made = 0

    def __call__(self, connection: socket.socket, request: bytes, issuer: str) -> None:
        self._left -= 1
        if self._left < 0:
            return
        connection.sendall(self._good(request, issuer))

    def _good(self, request: bytes, issuer: str) -> bytes:
        if request.startswith(b"GET /.well-known/"):
            return _response(200, json.dumps(_metadata(issuer)).encode())
        if request.startswith(b"POST /device_authorization"):
            self._made += 1
            codes = {
                "device_code": f"a-device-code-of-some-length-{self._made}",
                "user_code": f"BCDF-GHJ{self._made}",
                "verification_uri": f"{issuer}/device",
                "expires_in": self._expires_in,
                "interval": 5,
            }
            return _response(200, json.dumps(codes).encode())
        return _response(400, b'{"error": "authorization_pending"}')


def silent_to_head(connection: socket.socket, request: bytes, issuer: str) -> None:
    """Hang up on HEAD, and answer all else."""
    if not request.startswith(b"HEAD "):
        Dying(requests=1)(connection, request, issuer)


@contextmanager
def broken(answer: Answer) -> Iterator[str]:
    """Serve while the block runs; yields the issuer."""
    with socket.create_server((HOST, 0)) as listening:
        issuer = f"http://{HOST}:{listening.getsockname()[1]}"
        listening.settimeout(0.1)
        stop = Event()
        accepting = Thread(target=_accept, args=(listening, answer, issuer, stop), daemon=True)
        accepting.start()
        try:
            yield issuer
        finally:
            stop.set()
            accepting.join()


def _accept(listening: socket.socket, answer: Answer, issuer: str, stop: Event) -> None:
    while not stop.is_set():
        try:
            connection, _ = listening.accept()
        except TimeoutError:
            continue
        Thread(target=_serve, args=(connection, answer, issuer), daemon=True).start()


def _serve(connection: socket.socket, answer: Answer, issuer: str) -> None:
    with connection, suppress(OSError):
        connection.settimeout(30)
        answer(connection, _request(connection), issuer)


def _request(connection: socket.socket) -> bytes:
    """Read one request, with its body: closing with unread bytes would reset the connection."""
    request = b""
    while b"\r\n\r\n" not in request:
        request += connection.recv(65536)
    head, _, body = request.partition(b"\r\n\r\n")
    length = next(
        (
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        ),
        0,
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head


def _response(status: int, body: bytes, *, kind: str = "application/json") -> bytes:
    head = f"HTTP/1.1 {status} Some Reason\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


def _metadata(issuer: str) -> dict[str, Any]:
    return {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/token",
        "device_authorization_endpoint": f"{issuer}/device_authorization",
        "grant_types_supported": ["urn:ietf:params:oauth:grant-type:device_code"],
    }
