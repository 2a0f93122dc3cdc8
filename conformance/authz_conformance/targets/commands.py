"""Adapters that are commands: one for each thing that a target's human or administrator does, and for its clock.

A command gets its values as arguments, where its placeholders stand, and as one JSON object on standard input. Exit code 0
is done, 10 is "the server refused it"; anything else, and a command that takes too long, is an adapter error that
shows what the command wrote to standard error.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from authz_conformance.verdicts import AdapterError

REFUSED = 10
SHOWN = 500
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")  # other braces are the command's own


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a command said.

    Attributes:
        refused: it ended with 10.
        members: of the JSON object that it printed; empty if it printed nothing.
    """

    refused: bool
    members: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command line with placeholders such as `{user_code}`. No shell reads it.

    Attributes:
        key: where it stands in the configuration, for errors.
    """

    key: str
    line: str
    seconds: float

    def problem(self, placeholders: Collection[str]) -> str | None:
        """Say what is wrong with the command line, None if nothing."""
        try:
            parts = shlex.split(self.line)
            used = {name for part in parts for name in _PLACEHOLDER.findall(part)}
        except ValueError as error:
            return f"{self.key}: {error}"
        if not parts:
            return f"{self.key}: is empty"
        unknown = sorted(used - set(placeholders))
        if unknown:
            right = ", ".join(f"{{{name}}}" for name in placeholders)
            return f"{self.key}: there is no placeholder {{{unknown[0]}}}; right are {right}"
        return None

    def run(self, values: Mapping[str, Any]) -> Answer:
        """Run it.

        Raises:
            AdapterError: it is not there, fails, takes too long, or prints what is no JSON object.
        """
        shown = {name: "" if value is None else str(value) for name, value in values.items()}
        arguments = [_PLACEHOLDER.sub(lambda found: shown[found[1]], part) for part in shlex.split(self.line)]
        given = json.dumps({"operation": self.key.rpartition(".")[2], **values}).encode()
        try:
            done = subprocess.run(  # noqa: S603 - the configuration's own commands
                arguments, input=given, capture_output=True, timeout=self.seconds, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise AdapterError(
                f"{self.key}: took longer than {self.seconds:g} s{_heard(error.stderr)}"
            ) from error
        except OSError as error:
            raise AdapterError(f"{self.key}: {arguments[0]}: {error.strerror}") from error
        if done.returncode not in {0, REFUSED}:
            raise AdapterError(f"{self.key}: ended with {done.returncode}{_heard(done.stderr)}")
        return Answer(refused=done.returncode == REFUSED, members=self._members(done.stdout))

    def _members(self, printed: bytes) -> Mapping[str, Any]:
        if not printed.strip():
            return {}
        try:
            members = json.loads(printed)
        except ValueError:
            members = None
        if not isinstance(members, dict):
            said = printed.decode(errors="replace").strip()[:SHOWN]
            raise AdapterError(f"{self.key}: printed something else than a JSON object: {said}")
        return members


def _heard(stderr: bytes | None) -> str:
    said = (stderr or b"").decode(errors="replace").strip()
    return f": {said[-SHOWN:]}" if said else ", and wrote nothing to standard error"
