"""Recorded HTTP: every exchange is kept; a server that hangs or never ends its answer costs a bounded time.

Nothing is raised for what a target does: no answer is an `Exchange` with a `failure`. No redirect is followed, no
proxy and no credentials of this machine are used.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from threading import Lock
from urllib.parse import urlencode

import httpx2

from authz_conformance import real_time
from authz_conformance.exchange import Exchange
from authz_conformance.story import Story

STEP_PATIENCE = 3
TARGET_PATIENCE = 6
FORM = "application/x-www-form-urlencoded"
ALWAYS_SENT = (("accept-encoding", "identity"), ("accept", "*/*"))
Form = Mapping[str, str] | Sequence[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What one request may cost.

    Attributes:
        request_seconds: until the whole answer is there.
        body_bytes: of an answer; what comes after is not read.
    """

    request_seconds: float = 10.0
    body_bytes: int = 1_048_576


@dataclass
class Patience:
    """Remembers requests without an answer, for a whole run, so that a dead target ends it soon.

    A step that stayed without an answer three times in a row is not tried again. A target is lost that never answered
    the first three requests, or that stayed without an answer six times in a row, whatever it was asked. That the run
    was broken off is nobody's fault: it ends the requests, too, and the target is not lost.
    """

    lost: str | None = None
    is_broken_off: bool = False
    _has_answered: bool = False
    _in_a_row: int = 0
    _latest: str | None = None
    _by_step: dict[str, int] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @property
    def is_in_doubt(self) -> bool:
        """Whether the latest request stayed without an answer, and nobody knows yet what of the next."""
        return self._in_a_row > 0 and self.lost is None and not self.is_broken_off

    def refusal(self, step: str) -> str | None:
        """Say why a request is not even tried; None if it is."""
        if self.is_broken_off:
            return "not sent: the run was broken off"
        if self.lost is not None:
            return f"not sent: the server does not answer ({self.lost})"
        if self._by_step.get(step, 0) >= STEP_PATIENCE:
            return f"not sent: {step} stayed without an answer {STEP_PATIENCE} times in a row"
        return None

    def note(self, step: str, failure: str | None, *, unsent: bool = False) -> None:
        """Count an answer, or the lack of one. What was not even sent counts as well, and says nothing new of why."""
        with self._lock:
            if self.is_broken_off:
                return
            if failure is None:
                self._in_a_row, self._has_answered = 0, True
                self._by_step.pop(step, None)
                return
            self._in_a_row += 1
            self._by_step[step] = self._by_step.get(step, 0) + 1
            self._latest = self._latest if unsent else failure
            most = TARGET_PATIENCE if self._has_answered else STEP_PATIENCE
            if self._in_a_row >= most and self.lost is None:
                self.lost = self._latest


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of one request: an answer, or the failure to get one."""

    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    content: bytes = b""
    failure: str | None = None


class Connection:
    """What all rules of a run share: the connections, the bounds and the patience.

    Args:
        ca_file: Trusted instead of those that httpx2 knows.
    """

    def __init__(
        self,
        *,
        bounds: Bounds | None = None,
        ca_file: Path | None = None,
    ) -> None:
        self.bounds = bounds or Bounds()
        self.patience = Patience()
        self._verify = True if ca_file is None else ssl.create_default_context(cafile=str(ca_file))
        self._opened = ExitStack()

    @cached_property
    def _client(self) -> httpx2.Client:
        client = httpx2.Client(
            verify=self._verify,
            timeout=self.bounds.request_seconds,
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=64),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # rules share no session
            follow_redirects=False,
            trust_env=False,
        )
        return self._opened.enter_context(client)

    def ask(
        self,
        method: str,
        url: str,
        headers: Sequence[tuple[str, str]],
        content: bytes,
        *,
        body_bytes: int | None = None,
    ) -> Answer:
        """Send one request, within the bounds.

        Args:
            method: Of HTTP.
            url: Absolute.
            headers: Beside those that are always sent.
            content: The body.
            body_bytes: How much of the answer is read; None for what the bounds say.
        """
        sent = [*ALWAYS_SENT, *headers]
        try:
            with self._client.stream(method, url, headers=sent, content=content) as response:
                body = self._read(response.iter_raw(), body_bytes or self.bounds.body_bytes)
                pairs = tuple((name, value) for name, value in response.headers.multi_items())
                return Answer(status=response.status_code, headers=pairs, content=body)
        except httpx2.TimeoutException:
            return Answer(failure=f"no answer within {self.bounds.request_seconds:g} s")
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, OSError, ValueError) as error:
            why = str(error) or type(error).__name__
            hint = "; a private authority is named by ca_file" if "CERTIFICATE_VERIFY_FAILED" in why else ""
            return Answer(failure=f"no answer: {why}{hint}")

    def _read(self, chunks: Iterable[bytes], most: int) -> bytes:
        deadline = real_time.monotonic() + self.bounds.request_seconds
        body = bytearray()
        for chunk in chunks:
            body += chunk
            if len(body) > most:
                break
            if real_time.monotonic() > deadline:
                raise httpx2.ReadTimeout("the answer did not end")
        return bytes(body[:most])

    def close(self) -> None:
        """Close all connections."""
        self._opened.close()


class Wire:
    """Sends requests for one rule, and keeps what came of each.

    Attributes:
        story: what the exchanges become part of.
    """

    def __init__(self, connection: Connection, story: Story) -> None:
        self._connection = connection
        self.story = story
        self._turn = Lock()

    def get(self, url: str, *, step: str, headers: Mapping[str, str] | None = None) -> Exchange:
        """Send a GET."""
        return self.send("GET", url, step=step, headers=headers)

    def post(self, url: str, form: Form, *, step: str, headers: Mapping[str, str] | None = None) -> Exchange:
        """Send a form. A sequence of pairs may hold a name twice."""
        pairs = list(form.items()) if isinstance(form, Mapping) else list(form)
        given = {"content-type": FORM, **(headers or {})}
        return self.send("POST", url, step=step, headers=given, content=urlencode(pairs).encode())

    def send(
        self,
        method: str,
        url: str,
        *,
        step: str,
        headers: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
        content: bytes = b"",
    ) -> Exchange:
        """Send any request.

        Args:
            method: Of HTTP.
            url: Absolute.
            step: What the request is in the protocol, for the report and for the patience with a server that hangs.
            headers: Beside those that HTTP needs. A sequence of pairs may hold a name twice.
            content: The body.
        """
        given = list(headers.items()) if isinstance(headers, Mapping) else list(headers or ())
        patience = self._connection.patience
        at, began = self.story.now(), real_time.monotonic()
        refusal = patience.refusal(step)
        answer = Answer(failure=refusal) if refusal else self._connection.ask(method, url, given, content)
        patience.note(step, answer.failure, unsent=refusal is not None)
        until = self.story.now_at_the_latest()
        with self._turn:
            exchange = Exchange(
                number=len(self.story.exchanges) + 1,
                step=step,
                at=at,
                until=until,
                method=method,
                url=url,
                request_headers=tuple(given),
                sent=content,
                status=answer.status,
                headers=answer.headers,
                content=answer.content,
                failure=answer.failure,
                unsent=refusal is not None,
                milliseconds=round((real_time.monotonic() - began) * 1000),
            )
            self.story.keep(exchange)
        return exchange
