"""A person at the terminal, who is told what to do at the verification page and says when it is done."""

from __future__ import annotations

import select
import sys
from collections.abc import Callable
from typing import TextIO

from authz_conformance.catalogue import Capability
from authz_conformance.targets.ports import Device, Entry, Human
from authz_conformance.verdicts import AdapterError


class Person(Human):
    """Asks a person.

    Args:
        seconds: How long to wait for an answer.
        source: Where the answers come from.
        say: Prints a line to the person.
        where: The address of the verification page, if it is known.
    """

    offers = frozenset({Capability.APPROVE, Capability.DENY, Capability.ENTER_USER_CODES})

    def __init__(
        self,
        *,
        seconds: float,
        source: TextIO | None = None,
        say: Callable[[str], None] | None = None,
        where: str = "",
    ) -> None:
        self._seconds, self._source, self._where = seconds, source or sys.stdin, where
        self._say = say or _to_stderr

    def approve(self, user_code: str, device: Device, *, administrator: str | None = None) -> Entry:
        """Ask for an approval."""
        what = f"approve the user code {user_code}" + (f" for the device {device.id}" if device.id else "")
        return self._ask(what, administrator)

    def deny(self, user_code: str, *, administrator: str | None = None) -> Entry:
        """Ask for a denial."""
        return self._ask(f"deny the user code {user_code}", administrator)

    def _ask(self, what: str, administrator: str | None) -> Entry:
        who = f", as {administrator}" if administrator else ""
        where = f" at {self._where}" if self._where else ""
        self._say(f"Please {what}{where}{who}.")
        self._say(
            "  Press Enter when it is done; if the server refused it, type what it said; q if you cannot do it."
        )
        answer = self._line().strip()
        if answer == "q":
            raise AdapterError(f"human: the person could not {what}")
        return Entry(accepted=not answer, detail=answer)

    def _line(self) -> str:
        try:
            ready, _, _ = select.select([self._source], [], [], self._seconds)
        except (OSError, ValueError):  # no real file: it answers at once
            ready = [self._source]
        if not ready:
            raise AdapterError(f"human: nobody answered within {self._seconds:g} s")
        line = self._source.readline()
        if not line:
            raise AdapterError("human: nobody is there, standard input has ended")
        return line


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - the driver's own voice
