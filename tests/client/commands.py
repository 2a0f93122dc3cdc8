"""`authz-client` in this process: a fake server, clocks that only a test moves, and what it printed."""

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from click.testing import CliRunner, Result

from authz_client.cli import cli
from authz_client.given import Outside
from tests.client.fakes import ISSUER, FakeServer, Times


class OverAsgi(httpx2.BaseTransport):
    """Lets the blocking client speak to an ASGI application."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        async def sending() -> httpx2.Response:
            transport = httpx2.ASGITransport(self.app)
            answer = await transport.handle_async_request(request)
            content = await answer.aread()
            return httpx2.Response(answer.status_code, headers=answer.headers, content=content)

        request.read()
        return asyncio.run(sending())


@dataclass
class Commands:
    """Runs commands on one state file."""

    server: FakeServer
    times: Times
    state: Path
    issuer: str = ISSUER
    transport: httpx2.BaseTransport | None = None
    env: dict[str, str] = field(default_factory=dict)
    last: Result | None = None

    def run(self, *arguments: str, is_ours: bool = True, text: str | None = None) -> int:
        """Run one command, with our issuer and state file unless told otherwise; give its exit code."""
        ours = ["--issuer", self.issuer, "--state", str(self.state)] if is_ours else []
        outside = Outside(
            clocks=self.times.clocks(),
            sleep=self.times.sleep,
            transport=self.transport or self.server.transport(),
        )
        self.last = CliRunner().invoke(cli, [*arguments, *ours], obj=outside, input=text, env=self.env)
        if self.last.exception is not None and not isinstance(self.last.exception, SystemExit):
            raise self.last.exception
        return self.last.exit_code

    @property
    def out(self) -> str:
        assert self.last is not None
        return self.last.stdout

    @property
    def err(self) -> str:
        assert self.last is not None
        return self.last.stderr

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What was printed, as the programs that read it see it."""
        return [json.loads(line) for line in self.out.splitlines()]
