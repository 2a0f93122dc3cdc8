"""The clock of a server that the kit starts itself, moved by libfaketime: any dynamically linked program on Linux.

The file holds an offset from real time (`+864000`), which the library reads at every look at the clock, so the server's time
ticks. An instant (`@2030-…`) would be local time and count from the start of the process. Without
FAKETIME_DONT_FAKE_MONOTONIC sleeps hang. Statically linked programs (Go) are not reached: the proof shows that.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from authz_conformance import real_time
from authz_conformance.catalogue import Capability
from authz_conformance.clocks.port import Clock
from authz_conformance.targets.config import ConfigError

LIBRARY = "libfaketime.so.1"
EARLY_IN_THE_SECOND = 0.02


class FaketimeClock(Clock):
    """Moves the time of one process, and of those that it starts.

    Args:
        folder: Where the file with the offset is kept.
        library: libfaketime.so.1.
    """

    name = "faketime"
    shared = True
    offers = frozenset({Capability.ADVANCE_CLOCK, Capability.MOVE_CLOCK_BACK})

    def __init__(self, folder: Path, *, library: Path) -> None:
        self._file = folder / "faketime"
        self._library = library
        self._offset = 0.0
        self._write()

    @property
    def environment(self) -> dict[str, str]:
        """What the server has to be started with."""
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def now(self) -> float:
        """Tell the server's time."""
        return real_time.now() + self._offset

    def move_to(self, instant: int) -> None:
        """Move forward or back."""
        self._offset = instant + EARLY_IN_THE_SECOND - real_time.now()
        self._write()

    def _write(self) -> None:
        whole = self._file.with_suffix(".new")
        whole.write_text(f"{self._offset:+.3f}\n", "ascii")
        whole.replace(self._file)


def find_library(path: str | None) -> Path:
    """Find libfaketime.

    Args:
        path: Where it is; None finds the one in the installed package `libfaketime`.
    """
    if not sys.platform.startswith("linux"):
        raise ConfigError("clock.driver: faketime is for Linux")
    if path is not None:
        if Path(path).is_file():
            return Path(path).resolve()
        raise ConfigError(f"clock.library: {path} is no file")
    spec = find_spec("libfaketime")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for found in Path(folder).rglob(LIBRARY):
            return found
    raise ConfigError(
        "clock.library: not found; pip install libfaketime, or give the path of libfaketime.so.1"
    )
