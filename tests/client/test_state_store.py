import errno
import json
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from authz_client import state
from authz_client.state import Awaiting, License, State
from authz_client.state_store import DamagedStateError, ForeignStateError, StateStore, StoreError
from tests.client.fakes import CLIENT_ID, ISSUER, START

EMPTY = State(ISSUER, CLIENT_ID)
WAITING = Awaiting("secret-device-code", "BCDF-GHJK", "https://x.example", START + 900, 5)
LICENSED = state.redeemed(state.code_issued(EMPTY, WAITING), License("secret-refresh", START))


@pytest.fixture
def store(state_file: Path) -> StateStore:
    return StateStore(state_file, ISSUER, CLIENT_ID)


def always(stored: State) -> Callable[[State], State]:
    return lambda _before: stored


def test_no_file_is_an_unlicensed_client(store: StateStore) -> None:
    assert store.load() == EMPTY
    assert not store.path.exists()


def test_what_is_stored_is_loaded_and_is_for_its_owner_alone(store: StateStore) -> None:
    store.change(always(LICENSED))
    assert store.load() == LICENSED
    for path in store.path.parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_unchanged_state_is_not_written(store: StateStore) -> None:
    store.change(always(EMPTY))
    assert not store.path.exists()


def test_the_file_is_synced_before_it_takes_the_name_and_the_directory_after(
    store: StateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    real_sync, real_replace = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        events.append("directory" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        real_sync(descriptor)

    def rename(path: Path, target: Path) -> Path:
        events.append("rename")
        return real_replace(path, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", rename)
    store.change(always(LICENSED))
    assert events == ["file", "rename", "directory"]


def test_a_full_disk_is_a_clear_error_and_loses_nothing(
    store: StateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.change(always(LICENSED))

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left on device") as refused:
        store.change(always(state.removed(LICENSED)))
    assert "secret" not in str(refused.value)
    with pytest.raises(StoreError, match="No space left on device"):
        store.make_sure_of_room()
    monkeypatch.undo()
    assert store.load() == LICENSED
    assert not list(store.path.parent.glob("*.new"))


def test_a_file_that_may_not_grow_is_a_clear_error_and_loses_nothing(store: StateStore) -> None:
    store.change(always(LICENSED))
    script = f"""
import resource
from pathlib import Path
from authz_client.state_store import StateStore, StoreError
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
store = StateStore(Path({str(store.path)!r}), {ISSUER!r}, {CLIENT_ID!r})
from authz_client import state
try:
    store.change(state.removed)
except StoreError as error:
    print(error)
"""
    done = run(script)
    assert "cannot write" in done.stdout
    assert store.load() == LICENSED


def test_a_directory_that_is_none_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "none" / "x.json", tmp_path / "file" / "x.json"):
        with pytest.raises(StoreError, match="cannot"):
            StateStore(path, ISSUER, CLIENT_ID).change(always(LICENSED))


def test_a_state_file_that_cannot_be_read_is_a_clear_error(store: StateStore) -> None:
    store.path.mkdir()
    with pytest.raises(StoreError, match="cannot read"):
        store.load()


DAMAGES: list[bytes] = [
    b"",
    b"{",
    b"\xff\xfe",
    b"[]",
    b"{}",
    b'{"version": 0}',
    b'{"version": 1}',
    b'{"version": 1, "state": {"phase": "licensed", "issuer": "x", "client_id": "secret-refresh"}}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("damage", DAMAGES, ids=[str(number) for number in range(len(DAMAGES))])
def test_a_damaged_file_is_kept_aside_and_reported(store: StateStore, damage: bytes) -> None:
    store.path.write_bytes(damage)
    with pytest.raises(DamagedStateError) as refused:
        store.load()
    assert refused.value.kept_as.read_bytes() == damage
    assert "secret" not in str(refused.value)
    assert store.load() == EMPTY
    assert store.damaged_files() == (refused.value.kept_as,)


def test_a_second_damage_does_not_overwrite_the_first(store: StateStore) -> None:
    for damage in (b"one", b"two"):
        store.path.write_bytes(damage)
        with pytest.raises(DamagedStateError):
            store.change(always(LICENSED))
    assert [path.read_bytes() for path in store.damaged_files()] == [b"one", b"two"]


def test_a_later_version_s_file_is_left_alone(store: StateStore) -> None:
    store.path.write_text(json.dumps({"version": 2, "state": {}}))
    with pytest.raises(StoreError, match="later version"):
        store.load()
    assert store.path.exists()


def test_another_client_s_license_is_not_touched(store: StateStore) -> None:
    store.change(always(LICENSED))
    for other in (replace(store, issuer="https://other.example"), replace(store, client_id="register")):
        with pytest.raises(ForeignStateError, match="belongs to"):
            other.load()
    assert store.load() == LICENSED


def test_another_client_s_empty_state_is_taken_over(store: StateStore) -> None:
    store.change(always(replace(EMPTY, mark=START)))
    assert replace(store, client_id="register").load() == State(ISSUER, "register")


def test_one_request_is_in_flight_at_a_time(store: StateStore) -> None:
    with store.flight() as first, store.flight() as second:
        assert (first, second) == (True, False)
    with store.flight() as again:
        assert again


def test_changes_of_several_threads_are_none_lost(store: StateStore) -> None:
    barrier = threading.Barrier(4)

    def count() -> None:
        barrier.wait()
        for _ in range(10):
            store.change(lambda before: replace(before, mark=(before.mark or 0) + 1))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.load().mark == 40


HOLDER = """
import sys
from pathlib import Path
from authz_client.state_store import StateStore
store = StateStore(Path({path!r}), {issuer!r}, {client_id!r})
with store.flight() as is_ours:
    print(is_ours, flush=True)
    sys.stdin.read()
"""


def test_a_killed_process_releases_its_locks(store: StateStore) -> None:
    script = HOLDER.format(path=str(store.path), issuer=ISSUER, client_id=CLIENT_ID)
    with subprocess.Popen(  # noqa: S603 - this interpreter, our own text
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        with store.flight() as is_ours:
            assert not is_ours
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with store.flight() as is_ours:
        assert is_ours


@pytest.mark.parametrize("moment", ["write", "fsync", "rename"])
def test_a_process_killed_while_it_stores_leaves_the_old_state_whole(store: StateStore, moment: str) -> None:
    store.change(always(LICENSED))
    script = f"""
import os, signal
from pathlib import Path
from authz_client import state
from authz_client.state_store import StateStore
def die(*_args, **_more):
    os.kill(os.getpid(), signal.SIGKILL)
if {moment!r} == "rename":
    Path.replace = die
elif {moment!r} == "fsync":
    os.fsync = die
else:
    os.fchmod = die
StateStore(Path({str(store.path)!r}), {ISSUER!r}, {CLIENT_ID!r}).change(state.removed)
"""
    assert run(script, check=False).returncode == -signal.SIGKILL
    assert store.load() == LICENSED
    store.change(state.removed)
    assert store.load() == state.removed(LICENSED)


def run(script: str, *, check: bool = True) -> "subprocess.CompletedProcess[str]":
    arguments: list[Any] = [sys.executable, "-c", script]
    return subprocess.run(arguments, capture_output=True, text=True, check=check)  # noqa: S603 - as above
