"""An answer as a value, before it becomes bytes: what a quirk may bend and the journal may read."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Final

from mock_authz.domain.refusals import Refusal

# RFC 6749 5.1: token responses, and here every answer that may tell a secret, are never stored.
NO_STORE: Final = {"cache-control": "no-store", "pragma": "no-cache"}
JSON: Final = "application/json"
YAML: Final = "application/yaml"
_compact: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Damage(Enum):
    """What happens to an answer on the wire, below HTTP."""

    RESET = auto()
    EMPTIED = auto()
    TRUNCATED = auto()
    GARBLED = auto()


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the protocol.

    Attributes:
        members: the JSON body by name; None for an empty body, or another.
        items: the JSON body, where it is an array.
        text: the body, where it is not JSON.
        headers: by lower-case name, beside Content-Type and Content-Length.
        stream: the body in pieces, where it goes on while the connection lasts.
        damage: what a fault does to it on the wire; None for nothing.
    """

    status: int
    members: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = JSON
    items: Sequence[Any] | None = None
    text: str | None = None
    stream: AsyncIterator[bytes] | None = None
    damage: Damage | None = None

    def body(self) -> bytes:
        """Spell the body: a text as it is, else compact JSON; in UTF-8."""
        if self.text is not None:
            return self.text.encode()
        held = self.members if self.items is None else self.items
        return b"" if held is None else _compact(held).encode()


def refuse(refusal: Refusal, *, status: int = 400, headers: Mapping[str, str] | None = None) -> Reply:
    """Spell a refusal as the wire does (RFC 6749 5.2), with `reason` for programs where there is one."""
    members = {"error": refusal.error, "error_description": refusal.description}
    if refusal.reason is not None:
        members["reason"] = refusal.reason
    return Reply(status, members, {**NO_STORE, **(headers or {})})
