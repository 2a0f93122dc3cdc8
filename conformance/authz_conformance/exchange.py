"""One HTTP request and what came back: a value that is kept for the report, and that rule tests look into."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A request and its answer, or the reason why there was none.

    Attributes:
        number: its place among the exchanges of this rule, from 1.
        step: the protocol step, such as `poll` or `refresh`.
        at: the target's time before the request, in whole Unix seconds; None where it is not known.
        until: the same after the answer, rounded up: the same as `at` where the clock stands still.
        sent: the body as it was sent.
        status: None if there was no answer.
        content: the body of the answer, cut at the wire's bound.
        failure: why there was no answer, in words; None if there was one.
        unsent: the request was not even tried, because the target has stopped answering.
        milliseconds: real time that it took.
    """

    number: int
    step: str
    at: int | None
    until: int | None
    method: str
    url: str
    request_headers: tuple[tuple[str, str], ...]
    sent: bytes
    status: int | None
    headers: tuple[tuple[str, str], ...]
    content: bytes
    failure: str | None = None
    unsent: bool = False
    milliseconds: int = 0

    def header_values(self, name: str) -> tuple[str, ...]:
        """Give all values of a header of the answer, whatever its case."""
        return tuple(value for key, value in self.headers if key.lower() == name.lower())

    def header(self, name: str) -> str | None:
        """Give a header of the answer; several are joined, as RFC 9110 5.3 says."""
        return ", ".join(self.header_values(name)) or None

    @property
    def media_type(self) -> str:
        """The type of the answer's body, without parameters, in small letters."""
        return (self.header("content-type") or "").split(";")[0].strip().lower()

    @cached_property
    def text(self) -> str:
        """The answer's body as text; what is no UTF-8 is replaced."""
        return self.content.decode("utf-8", errors="replace")

    @cached_property
    def json(self) -> Any:
        """The answer's body as JSON; None if it is none."""
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            return None

    @property
    def members(self) -> Mapping[str, Any]:
        """The members of the JSON object that the answer is; none if it is no object."""
        return self.json if isinstance(self.json, dict) else {}

    @property
    def error(self) -> str | None:
        """The member `error` of an OAuth error response, if it is a string."""
        error = self.members.get("error")
        return error if isinstance(error, str) else None

    @property
    def said(self) -> str:
        """The answer in one line, for people."""
        if self.failure is not None:
            return self.failure
        return " ".join([str(self.status), *filter(None, [self.error, self.members.get("reason")])])
