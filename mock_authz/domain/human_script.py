"""A scripted human: what an administrator will do with a user code, and when. Knows nothing of how it is done."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Act(StrEnum):
    """What a scripted human does with the user code."""

    APPROVE = "approve"
    DENY = "deny"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True, kw_only=True)
class HumanScript:
    """One decision to be taken, once, on one user code.

    Attributes:
        client_id: waits for a code that this client asked for; None for any.
        server_id: the device to approve; None for the first that can be approved.
        administrator: who decides; None for the first who may.
        after_polls: decides before the answer to this poll, 1 for the first.
        at: decides at this instant, Unix seconds. With neither, at once.
        grant_id: the code that it took on; None while it waits for one.
        acted_at: when it decided; it never does again, wherever the clock goes.
        refusal: why the decision was refused, in words.
    """

    human_id: str
    act: Act
    client_id: str | None = None
    server_id: str | None = None
    administrator: str | None = None
    after_polls: int | None = None
    at: int | None = None
    grant_id: str | None = None
    acted_at: int | None = None
    refusal: str | None = None


def takes_on(script: HumanScript, *, client_id: str) -> bool:
    """Say whether a script that waits takes on a code that this client asked for."""
    return script.grant_id is None and script.client_id in (None, client_id)


def is_due(script: HumanScript, *, polls: int, now: int) -> bool:
    """Say whether a script that has taken on a code decides now.

    Args:
        polls: valid polls with the code, the one that is being answered included.
    """
    if script.grant_id is None or script.acted_at is not None:
        return False
    if script.after_polls is not None:
        return polls >= script.after_polls
    return script.at is None or now >= script.at


def acted(script: HumanScript, *, now: int, refusal: str | None) -> HumanScript:
    """Note that the decision was taken, or refused."""
    return replace(script, acted_at=now, refusal=refusal)
