"""A sandbox for a test: an Authorization server of its own, whose humans, clock and wire the test directs.

Talks HTTP only, so it does with a server anywhere what it does with the one in this process.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import replace
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, Unpack
from urllib.parse import urlencode

from mock_authz.entropy import fresh_secret
from mock_authz.sandbox import DEFAULT
from mock_authz.testing import faults, timeline
from mock_authz.testing.bench import Bench
from mock_authz.testing.clock import Clock
from mock_authz.testing.devices import Devices
from mock_authz.testing.faults import (
    Fault,
    Faults,
    Narrowing,
    Scope,
    UnstruckFaultError,
    UnstruckFaultWarning,
)
from mock_authz.testing.human import Human
from mock_authz.testing.journal import Journal
from mock_authz.testing.seeds import SeedSource, seed_of
from mock_authz.testing.server import Server, shared_server
from mock_authz.testing.times import Instant, clock_of, stamp
from mock_authz.testing.wire import ControlError

PRESET: Final = "fast"


class Sandbox:
    """An Authorization server for one test: data, clock, keys and faults of its own. Close it, or use `with`.

        with Sandbox() as sandbox:
            sandbox.human.approve("store-12")
            client = MyClient(sandbox.issuer)
            ...

    Attributes:
        server: where it lies.
        name: within the server.
        issuer: what a client is given.
        verification_uri: where people enter user codes.
        management: URL of its management API.
        management_token: the bearer token of that.
        random_seed: repeats its codes and tokens, under a frozen clock; None if it was not made here.
        clock: moves its time.
        human: scripts the administrator.
        faults: breaks the wire.
        journal: what happened.
        devices: what administrators do to devices.
        is_closed: whether it has been deleted.

    Args:
        server: None for the one of this process, which is started when first needed.
        name: None lets the server make one.
        seed: `demo`, `empty`, the path of a YAML file, or what such a file holds.
        settings: over those of the seed and the preset `fast`, which lets clients poll without waiting.
        alg: signs license tokens: `ES256`, `RS256` or `Ed25519`; None for what the seed says, which is ES256 in general.
        clock: `real`, `offset:P30D`, `frozen` or `frozen:2027-01-31T08:00:00Z`.
        random_seed: None makes one.
        quirks: names of misbehaviours to begin with.
        issuer: None for where it lies on the server.

    Raises:
        ControlError: the server does not take what was given; says what is wrong where.
        ServerUnreachableError: it does not answer.
        SeedError: the file of the seed cannot be read (a ValueError, like what is raised for a clock that is none).
    """

    def __init__(
        self,
        server: Server | None = None,
        *,
        name: str | None = None,
        seed: SeedSource = "demo",
        settings: Mapping[str, Any] | None = None,
        alg: str | None = None,
        clock: str = "real",
        random_seed: str | None = None,
        quirks: Iterable[str] = (),
        issuer: str | None = None,
    ) -> None:
        server = server or shared_server()
        chosen = {"preset": PRESET, **(settings or {}), **({} if alg is None else {"alg": alg})}
        random_seed = fresh_secret() if random_seed is None else random_seed
        body: dict[str, Any] = {
            "seed": seed_of(seed),
            "settings": chosen,
            "clock": clock_of(clock),
            "random_seed": random_seed,
            "lives_seconds": server.lives_seconds,
        }
        body |= {key: value for key, value in (("name", name), ("issuer", issuer)) if value is not None}
        shown = server.wire.control("POST", "/sandboxes", body)
        self._adopt(server, shown, is_own=True, random_seed=random_seed)
        if names := tuple(quirks):
            try:
                self.quirks(*names)
            except BaseException:
                self.close()
                raise

    @classmethod
    def existing(cls, name: str = DEFAULT, *, server: Server) -> Self:
        """Use a sandbox that is there already; to close it leaves it there."""
        return cls._of(server, server.wire.control("GET", f"/sandboxes/{name}"), is_own=False)

    @classmethod
    def load(
        cls,
        path: str | PathLike[str],
        *,
        server: Server | None = None,
        name: str | None = None,
        issuer: str | None = None,
    ) -> Self:
        """Load a file that `save` wrote, as a new sandbox; its clock goes on from the instant that was saved.

        Args:
            path: of the file.
            server: None for the one of this process.
            name: None for the one that it had.
            issuer: None for where it lies on this server: clients that go on with tokens of the old issuer need that one.

        Raises:
            ControlError: the file cannot be loaded, or the name is taken.
        """
        server = server or shared_server()
        exported = json.loads(Path(path).read_text(encoding="utf-8"))
        name = name or str(exported["sandbox"]["name"])
        query = urlencode({"name": name, "issuer": issuer or _url(server, name)})
        return cls._of(server, server.wire.control("POST", f"/import?{query}", exported), is_own=True)

    @classmethod
    def _of(
        cls, server: Server, shown: Mapping[str, Any], *, is_own: bool, random_seed: str | None = None
    ) -> Self:
        sandbox = cls.__new__(cls)
        cls._adopt(sandbox, server, shown, is_own=is_own, random_seed=random_seed)
        return sandbox

    def _adopt(
        self, server: Server, shown: Mapping[str, Any], *, is_own: bool, random_seed: str | None
    ) -> None:
        self.server = server
        self.name = str(shown["name"])
        self.issuer = str(shown["issuer"])
        self.verification_uri = f"{self.issuer}/device"
        self.management = f"{_url(server, self.name)}/management"
        self.management_token = str(shown["management_token"])
        self.random_seed = random_seed
        self.is_closed = False
        self._is_own = is_own
        self._forks: list[Sandbox] = []
        self._use(Bench(server.wire, self.name, self.management, self.management_token))

    def _use(self, bench: Bench) -> None:
        self._bench = bench
        self.clock = Clock(bench)
        self.human = Human(bench)
        self.faults = Faults(bench)
        self.journal = Journal(bench)
        self.devices = Devices(bench)

    # --- what is used most, by its shortest name ---

    def offline(self, *steps: str, **scope: Unpack[Scope]) -> Fault:
        """Be away for clients, until the end of a `with` block, or until what this returns is removed."""
        return self.faults.offline(*steps, **scope)

    def outage(self, *steps: str, from_: Instant, until: Instant, **scope: Unpack[Narrowing]) -> Fault:
        """Declare ahead that the server will be away, from one instant to before another; durations count from now."""
        return self.faults.offline(*steps, from_=from_, until=until, **scope)

    def quirks(self, *names: str) -> None:
        """Attach misbehaviours, these and no others. `mock-authz` lists them at `GET /_control/quirks`.

        Raises:
            ControlError: there is none of such a name.
        """
        self._bench.control("PUT", "/quirks", {"quirks": list(names)})

    def change_settings(self, **settings: Any) -> None:
        """Change settings, such as `license_token_seconds=3600`, for what is issued later."""
        self._bench.manage("PATCH", "settings", body=settings)

    def rotate_key(self, *, immediately: bool = False) -> None:
        """Publish a new signing key.

        Args:
            immediately: it signs from now on, before anybody can have fetched it: a fault. Else after one token lifetime.
        """
        self._bench.manage("POST", "keys", "rotate", body={"immediately": immediately})

    def manage(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send any request to the management API.

        Args:
            method: of HTTP.
            path: below `management`, such as `clients` or `devices/store-12`.
            body: sent as JSON.

        Returns:
            The JSON of the answer; None if it has no body.
        """
        return self._bench.manage(method, *path.strip("/").split("/"), body=body)

    # --- snapshots and files ---

    def snapshot(self, name: str | None = None) -> str:
        """Remember everything: data, clock, keys, faults, entropy, journal.

        Returns:
            The snapshot's name, which `restore` takes.
        """
        made = self._bench.control("POST", "/snapshots", {} if name is None else {"name": name})
        return str(made["name"])

    def restore(self, snapshot: str) -> None:
        """Go back to a snapshot, which stays. The clock goes on from the instant that was remembered."""
        faults.note_struck(self._bench)
        self._bench.control("POST", f"/snapshots/{snapshot}/restore")

    def fork(self, name: str | None = None) -> Sandbox:
        """Copy this sandbox to another one, which goes its own way under an issuer of its own. It is closed with this."""
        inherited = self._bench.control("GET", "/faults")
        shown = self._bench.control("POST", "/fork", {} if name is None else {"name": name})
        fork = self._of(self.server, shown, is_own=True, random_seed=self.random_seed)
        # What struck on either side has struck; what was declared before is left to this side.
        own = self._bench
        excused = {*own.excused, *(fault["fault_id"] for fault in inherited)}
        fork._use(replace(fork._bench, struck=own.struck, removed={}, excused=excused))  # noqa: SLF001 - one of us
        self._forks.append(fork)
        return fork

    def save(self, path: str | PathLike[str]) -> Path:
        """Write everything to a file, for a bug report. It holds the sandbox's secrets, which are those of a mock."""
        file = Path(path)
        exported = self._bench.control("GET", "/export")
        file.write_text(json.dumps(exported, indent=1) + "\n", encoding="utf-8")
        return file

    def timeline(self) -> str:
        """Draw what happened, as text: instants in order, a line each; licenses as bars; what has not come to pass."""
        clock = self._bench.control("GET", "/clock")
        drawn = timeline.draw(self.journal.entries(), now=clock["now"])
        left = timeline.pending(self._bench.control("GET", "/humans"), self._unstruck())
        head = f"sandbox {self.name}, now {stamp(clock['now'])} UTC ({clock['mode']} clock)"
        return "\n".join([head, "", drawn, *(["", *left] if left else [])])

    # --- the end ---

    def check_faults(self) -> None:
        """Make sure that every fault has struck that was to.

        Raises:
            UnstruckFaultError: an AssertionError that names those that have not.
        """
        if left := self._unstruck():
            raise UnstruckFaultError(_unstruck_says(left))

    def close(self) -> None:
        """Delete the sandbox and its forks, and warn of faults that never struck. To do so again does nothing.

        Warns:
            UnstruckFaultWarning: as `check_faults` would say; turn it into an error where that fits.
        """
        if left := self.discard():
            warnings.warn(_unstruck_says(left), UnstruckFaultWarning, stacklevel=2)

    def discard(self) -> list[str]:
        """Delete the sandbox and its forks without a word.

        Returns:
            The faults that never struck, in words.
        """
        if self.is_closed:
            return []
        self.is_closed = True
        try:
            left = self._unstruck()
            for fork in self._forks:
                fork.discard()
            if self._is_own:
                self._bench.control("DELETE")
        except ControlError as error:
            # Its life was over, or somebody has deleted it: that is what was asked for.
            if error.problem != "sandbox_unknown":
                raise
            return []
        return left

    def _unstruck(self) -> list[str]:
        """Tell the faults that have not struck, those of open forks too."""
        left: list[str] = []
        for fork in self._forks:
            if not fork.is_closed:
                left += fork._unstruck()  # noqa: SLF001 - one of us
        own = faults.unstruck(self._bench)
        faults.note_struck(self._bench)
        return [*own, *left]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Who fails has something to say already.
        if error is None:
            self.close()
        else:
            self.discard()

    def __repr__(self) -> str:
        return f"<mock_authz.testing.Sandbox {self.issuer}>"


def _url(server: Server, name: str) -> str:
    return server.url if name == DEFAULT else f"{server.url}/s/{name}"


def _unstruck_says(left: Iterable[str]) -> str:
    return f"declared, but never struck: {'; '.join(left)}. Pass must_strike=False if that is all right."
