"""The client's record in a file: whole or not at all, for its owner alone, and one writer at a time.

Owns the file, its format's version and two locks beside it. It knows nothing of what the record means.

- `<file>.lock` is held for the milliseconds of one change.
- `<file>.flight` is held while a request is under way of which there must be one at a time.
Both are locks of the operating system: those of a killed process are released with it.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from authz_client.record_json import NotARecord, from_json, to_json
from authz_client.state import Phase, State

VERSION: Final = 1
#: More than any state: a token request is not sent unless the answer can be stored.
_ROOM: Final = 64 * 1024
_MODE: Final = 0o600


class StoreError(Exception):
    """The state file cannot be read or written; what was stored before is still there. The text holds no secret.

    Attributes:
        advice: What to do about it.
    """

    advice = "Check its owner, its permissions and the free space, or give --state another file."


class DamagedStateError(StoreError):
    """The state file was not readable as a state: it has been kept aside, and the next start is from nothing."""

    advice = "The license in it is lost to this program: get another with authz-client acquire --wait"

    def __init__(self, path: Path, kept_as: Path, why: str) -> None:
        super().__init__(f"{path} is damaged ({why}); it has been kept as {kept_as}")
        self.kept_as = kept_as


class ForeignStateError(StoreError):
    """The state file belongs to another issuer or client."""

    advice = "Give --state another file, or --issuer and --client-id of this one's owner."


class LaterStateError(StoreError):
    """A later version of this program wrote the state file."""

    advice = "Use that version, or give --state another file."


@dataclass(frozen=True)
class StateStore:
    """The durable home of one client's state.

    Attributes:
        path: The state file; its directory must exist.
        issuer: Whose state it must be.
        client_id: Likewise.
    """

    path: Path
    issuer: str
    client_id: str

    def load(self) -> State:
        """Read the state; a missing file is an unlicensed client's.

        Raises:
            DamagedStateError: The file is no state. It has been renamed.
            ForeignStateError: It is another issuer's or client's, and not empty.
            StoreError: It cannot be read, or a later version wrote it.
        """
        try:
            return self._read()
        except NotARecord:
            pass
        with self._locked():
            return self._read_or_keep_aside()

    def change(self, decide: Callable[[State], State]) -> State:
        """Load, decide and store, with nobody else in between. What is unchanged is not written.

        Returns:
            The new state, which is on the disk when this returns.

        Raises:
            StoreError: As for `load`, or it could not be stored: then the old state stands.
        """
        with self._locked():
            before = self._read_or_keep_aside()
            after = decide(before)
            if after != before:
                self._write(_encoded(after))
            return after

    @contextmanager
    def flight(self) -> Iterator[bool]:
        """Try to be the one whose request is under way; says whether it succeeded, and never waits."""
        descriptor = self._open_lock("flight")
        try:
            yield _try_lock(descriptor)
        finally:
            os.close(descriptor)

    def make_sure_of_room(self) -> None:
        """Prove that a state can be stored now, before something is asked for that comes only once.

        Raises:
            StoreError: It cannot.
        """
        with self._locked(), _explained(self.path, "write"):
            try:
                self._write_aside(b" " * _ROOM)
            finally:
                self._aside.unlink(missing_ok=True)

    def damaged_files(self) -> tuple[Path, ...]:
        """Say which damaged state files have been kept aside here."""
        with _explained(self.path, "read"):
            return tuple(sorted(self.path.parent.glob(f"{self.path.name}.damaged-*")))

    @property
    def _aside(self) -> Path:
        return self.path.with_name(f"{self.path.name}.new")

    def _read(self) -> State:
        try:
            with _explained(self.path, "read"):
                text = self.path.read_bytes()
        except _MissingError:
            return State(issuer=self.issuer, client_id=self.client_id)
        return self._own(_decoded(text, self.path))

    def _own(self, stored: State) -> State:
        if (stored.issuer, stored.client_id) == (self.issuer, self.client_id):
            return stored
        if stored.phase in {Phase.UNLICENSED, Phase.REMOVED} and not stored.revocations:
            return State(issuer=self.issuer, client_id=self.client_id)
        raise ForeignStateError(f"{self.path} belongs to client {stored.client_id!r} of {stored.issuer}")

    def _read_or_keep_aside(self) -> State:
        try:
            return self._read()
        except NotARecord as error:
            why = str(error)
        number = 1
        while (kept_as := self.path.with_name(f"{self.path.name}.damaged-{number}")).exists():
            number += 1
        with _explained(self.path, "keep aside"):
            self.path.rename(kept_as)
            self._sync_directory()
        raise DamagedStateError(self.path, kept_as, why)

    def _write(self, text: bytes) -> None:
        with _explained(self.path, "write"):
            try:
                self._write_aside(text)
                self._aside.replace(self.path)
                self._sync_directory()
            finally:
                self._aside.unlink(missing_ok=True)

    def _write_aside(self, text: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self._aside, flags, _MODE)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, _MODE)
            file.write(text)
            file.flush()
            os.fsync(descriptor)

    def _sync_directory(self) -> None:
        descriptor = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        descriptor = self._open_lock("lock")
        try:
            with _explained(self.path, "lock"):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _open_lock(self, suffix: str) -> int:
        # A lock file is never deleted: a new one under the same name would be another lock.
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        with _explained(self.path, "lock"):
            return os.open(self.path.with_name(f"{self.path.name}.{suffix}"), flags, _MODE)


class _MissingError(StoreError):
    """There is no such file, or no directory for it."""

    advice = "Make its directory first, or give --state another file."


@contextmanager
def _explained(path: Path, verb: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        missing = "file" if path.parent.is_dir() else f"directory {path.parent}"
        raise _MissingError(f"cannot {verb} {path}: there is no {missing}") from None
    except OSError as error:
        raise StoreError(f"cannot {verb} {path}: {error.strerror}") from None


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _encoded(stored: State) -> bytes:
    document = {"version": VERSION, "state": to_json(stored)}
    return (json.dumps(document, indent=1) + "\n").encode()


def _decoded(text: bytes, path: Path) -> State:
    document = _document(text)
    version = document.get("version")
    if isinstance(version, int) and version > VERSION:
        raise LaterStateError(f"{path} was written by a later version of this program")
    if version != VERSION:
        raise NotARecord("it has no version")
    return from_json(State, document.get("state"))


def _document(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None  # the error would carry the text, secrets and all
    if not isinstance(value, dict):
        raise NotARecord("it is no JSON object")
    return value
