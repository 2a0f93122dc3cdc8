"""Scripted humans: what will be done with the next user code, and when."""

from __future__ import annotations

from typing import Any, Final

from mock_authz.testing.bench import Bench
from mock_authz.testing.times import Instant


class ScriptedHuman:
    """One decision that will be taken, once.

    Attributes:
        human_id: as in the journal.
        act: `approve`, `deny` or `ignore`.
    """

    def __init__(self, bench: Bench, made: dict[str, Any]) -> None:
        self._bench = bench
        self.human_id: Final = str(made["human_id"])
        self.act: Final = str(made["act"])

    @property
    def acted_at(self) -> int | None:
        """When it decided, Unix seconds; None while it has not."""
        found: int | None = self._shown().get("acted_at")
        return found

    @property
    def refusal(self) -> str | None:
        """Why the server refused the decision, in words; None if it did not."""
        found: str | None = self._shown().get("refusal")
        return found

    def remove(self) -> None:
        """Take it back; what it has decided stands."""
        self._bench.control("DELETE", f"/humans/{self.human_id}")

    def _shown(self) -> dict[str, Any]:
        humans: list[dict[str, Any]] = self._bench.control("GET", "/humans")
        return next((human for human in humans if human["human_id"] == self.human_id), {})

    def __repr__(self) -> str:
        return f"<ScriptedHuman {self.human_id} {self.act}>"


class Human:
    """The administrator at the verification page, as a script.

    Each call is one decision. It takes on the newest open user code that nobody has taken on, or else the next one that
    is asked for.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def approve(
        self,
        server_id: str | None = None,
        *,
        client_id: str | None = None,
        administrator: str | None = None,
        after_polls: int | None = None,
        at: Instant | None = None,
    ) -> ScriptedHuman:
        """Approve a user code, at once unless said otherwise.

        Args:
            server_id: the device to authorize; None for the first that has no license and can be authorized.
            client_id: waits for a code that this client asked for; None for any.
            administrator: who decides; None for the first who may.
            after_polls: decides before the answer to this poll: 1 for the first.
            at: decides at this instant of the sandbox's clock; a duration counts from now.

        Raises:
            ControlError: there is no such device, client or administrator.
        """
        return self._script(
            "approve",
            server_id=server_id,
            client_id=client_id,
            administrator=administrator,
            after_polls=after_polls,
            at=at,
        )

    def deny(
        self,
        *,
        client_id: str | None = None,
        administrator: str | None = None,
        after_polls: int | None = None,
        at: Instant | None = None,
    ) -> ScriptedHuman:
        """Deny a user code; otherwise like `approve`."""
        return self._script(
            "deny", client_id=client_id, administrator=administrator, after_polls=after_polls, at=at
        )

    def ignore(self, *, client_id: str | None = None) -> ScriptedHuman:
        """Let a user code pass: no later script takes it on."""
        return self._script("ignore", client_id=client_id)

    def _script(self, act: str, *, at: Instant | None = None, **given: Any) -> ScriptedHuman:
        body = {"act": act, "at": self._bench.at(at), **given}
        said = {name: value for name, value in body.items() if value is not None}
        return ScriptedHuman(self._bench, self._bench.control("POST", "/humans", said))
