"""Faults on the wire: declared, counted, removed. They strike what clients ask, never what tests ask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Final, Self, TypedDict, Unpack

from mock_authz.testing.bench import Bench
from mock_authz.testing.times import Instant


class Narrowing(TypedDict, total=False):
    """Which requests a fault strikes, beside the protocol steps that it names. What is left out narrows nothing.

    Attributes:
        server_id: only what this device asks.
        client_id: only what this client asks.
        times: only this often; then it is used up.
        probability: with this probability, under the sandbox's random seed.
        most_in_a_row: never more often than this in a row.
        must_strike: False if it is all right that it never strikes.
    """

    server_id: str
    client_id: str
    times: int
    probability: float
    most_in_a_row: int
    must_strike: bool


class Scope(Narrowing, total=False):
    """Which requests a fault strikes, and when.

    Attributes:
        from_: from this instant on, of the sandbox's clock; a duration counts from now.
        until: before this instant.
    """

    from_: Instant
    until: Instant


class UnstruckFaultWarning(UserWarning):
    """A fault was declared and never struck: the test has not tested what it meant to."""


class UnstruckFaultError(AssertionError):
    """A fault was declared and never struck: the test has not tested what it meant to."""


class Fault:
    """One fault of a sandbox. As a context manager it lasts as long as the block.

    Attributes:
        fault_id: as in the journal.
        kind: such as `lost_reply`.
    """

    def __init__(self, bench: Bench, made: Mapping[str, Any]) -> None:
        self._bench = bench
        self._shown = made
        self._is_removed = False
        self.fault_id: Final = str(made["fault_id"])
        self.kind: Final = str(made["kind"])

    @property
    def struck(self) -> int:
        """How many requests it has struck."""
        return int(self._latest()["struck"])

    @property
    def offered(self) -> int:
        """How many requests it could have struck."""
        return int(self._latest()["offered"])

    def remove(self) -> None:
        """End it. Once is enough, and it may be gone already."""
        self._latest()
        if not self._is_removed:
            self._shown = self._bench.control("DELETE", f"/faults/{self.fault_id}")
            self._is_removed = True
            note_removed(self._bench, [self._shown])

    def _latest(self) -> Mapping[str, Any]:
        if not self._is_removed:
            faults: list[dict[str, Any]] = self._bench.control("GET", "/faults")
            found = next((fault for fault in faults if fault["fault_id"] == self.fault_id), None)
            self._is_removed = found is None
            self._shown = found or self._shown
        return self._shown

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.remove()

    def __repr__(self) -> str:
        return f"<Fault {self.fault_id} {told(self._shown)}>"


class Faults:
    """Breaks the wire between clients and the sandbox, by protocol step.

    Steps are `metadata`, `jwks`, `device_authorization`, `token:device_code`, `token:refresh`, `token` for both, `revoke`,
    `introspect`, `license`, `servers`; none for all. Each method returns a handle that counts, and that removes the
    fault at the end of a `with` block. `Scope` says how to narrow it further.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def offline(self, *steps: str, **scope: Unpack[Scope]) -> Fault:
        """Be away: the connection is reset before the server acts."""
        return self._add("offline", steps, scope)

    def reset(self, *steps: str, **scope: Unpack[Scope]) -> Fault:
        """Reset the connection before the server acts."""
        return self._add("connection_reset", steps, scope)

    def lost_reply(self, *steps: str, **scope: Unpack[Scope]) -> Fault:
        """Act, and lose the answer: the client never hears."""
        return self._add("lost_reply", steps, scope)

    def status(
        self, status: int, *steps: str, retry_after: int | None = None, **scope: Unpack[Scope]
    ) -> Fault:
        """Answer with a status instead of acting.

        Args:
            status: from 400 to 599.
            retry_after: seconds for the header `Retry-After`; None for none.
        """
        said = {} if retry_after is None else {"retry_after_seconds": retry_after}
        return self._add("status", steps, scope, status=status, **said)

    def latency(self, milliseconds: int, *steps: str, **scope: Unpack[Scope]) -> Fault:
        """Let the client wait, in real time; beside it, another fault may strike too."""
        return self._add("latency", steps, scope, latency_milliseconds=milliseconds)

    def empty_body(self, *steps: str, **scope: Unpack[Scope]) -> Fault:
        """Act, and answer with the right status and no body."""
        return self._add("empty_body", steps, scope)

    def truncated_body(self, *steps: str, **scope: Unpack[Scope]) -> Fault:
        """Act, and hang up halfway through the body."""
        return self._add("truncated_body", steps, scope)

    def garbled_body(self, *steps: str, **scope: Unpack[Scope]) -> Fault:
        """Act, and answer with a body of spoilt bytes."""
        return self._add("garbled_body", steps, scope)

    def wrong_content_type(self, *steps: str, **scope: Unpack[Scope]) -> Fault:
        """Act, and call the answer HTML, as captive portals do."""
        return self._add("wrong_content_type", steps, scope)

    def list(self) -> list[Fault]:
        """List all faults, those that are used up or over too."""
        return [Fault(self._bench, shown) for shown in self._bench.control("GET", "/faults")]

    def clear(self) -> None:
        """Remove all faults."""
        note_removed(self._bench, self._bench.control("DELETE", "/faults"))

    def _add(self, kind: str, steps: tuple[str, ...], scope: Scope, **members: Any) -> Fault:
        rest: dict[str, Any] = dict(scope)
        must_strike = rest.pop("must_strike", True)
        body = {"kind": kind, "steps": list(steps), **members}
        for name, member in (("from_", "from_at"), ("until", "until_at")):
            if name in rest:
                body[member] = self._bench.at(rest.pop(name))
        # What is left goes as it is: a name that the server does not know is refused there.
        fault = Fault(self._bench, self._bench.control("POST", "/faults", {**body, **rest}))
        if not must_strike:
            self._bench.excused.add(fault.fault_id)
        return fault


def note_struck(bench: Bench) -> None:
    """Remember which faults have struck, before a snapshot's counts take the place of theirs."""
    bench.struck.update(shown["fault_id"] for shown in bench.control("GET", "/faults") if shown["struck"])


def note_removed(bench: Bench, removed: Iterable[Mapping[str, Any]]) -> None:
    """Remember which faults were removed before they struck."""
    bench.removed.update({shown["fault_id"]: shown for shown in removed})


def unstruck(bench: Bench) -> list[str]:
    """Tell the faults that were to strike and never did."""
    shown = {**bench.removed, **{one["fault_id"]: one for one in bench.control("GET", "/faults")}}
    return [
        told(one)
        for fault_id, one in shown.items()
        if not one["struck"] and fault_id not in bench.struck | bench.excused
    ]


def told(shown: Mapping[str, Any]) -> str:
    """Tell a fault in a few words, such as `lost_reply of token:refresh`."""
    steps = ", ".join(shown["steps"]) or "every step"
    about = [f"{name} {shown[name]}" for name in ("server_id", "client_id") if shown[name] is not None]
    kind = f"status {shown['status']}" if shown["kind"] == "status" else shown["kind"]
    return " for ".join([f"{kind} of {steps}", *about])
