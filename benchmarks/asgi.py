"""Calling our application in this process, as a server would: no socket, no HTTP client, nothing but the request itself."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from mock_authz.app import Server

FORM = "application/x-www-form-urlencoded"
HERE = ("127.0.0.1", 40000)


@dataclass(slots=True)
class Caller:
    """Sends requests to a server, and remembers how long the last one took.

    Attributes:
        seconds: from the call of the application to its end, body read and answered.
        cpu_seconds: of them, those that this process had a processor.
    """

    server: Server
    seconds: float = field(default=0.0, init=False)
    cpu_seconds: float = field(default=0.0, init=False)

    async def send(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        form: dict[str, str] | None = None,
        token: str | None = None,
    ) -> Any:
        """Send one request, with a JSON body or a form, and give the JSON of its answer."""
        raw = urlencode(form).encode() if form else b"" if body is None else json.dumps(body).encode()
        headers = [(b"host", self.server.base_url.partition("//")[2].encode())]
        if raw:
            headers.append((b"content-type", FORM.encode() if form else b"application/json"))
        if token is not None:
            headers.append((b"authorization", f"Bearer {token}".encode()))
        scope = {
            "type": "http", "method": method, "path": path, "query_string": b"", "headers": headers, "client": HERE,
        }  # fmt: skip
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": raw, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        began, cpu_began = time.perf_counter(), time.process_time()
        await self.server(scope, receive, send)
        self.seconds, self.cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
        answered = b"".join(message.get("body", b"") for message in sent)
        if sent[0]["status"] >= 400:
            raise SystemExit(f"{method} {path}: {sent[0]['status']} {answered.decode()}")
        return json.loads(answered) if answered else None
