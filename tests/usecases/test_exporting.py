from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from mock_authz.clock import Clock, ClockMode
from mock_authz.domain.events import Event
from mock_authz.domain.faults import Fault, FaultKind
from mock_authz.domain.human_script import Act, HumanScript
from mock_authz.domain.refusals import Conflict
from mock_authz.sandbox import Sandbox
from mock_authz.store.codec import UnreadableRecordError
from mock_authz.store.memory import MemoryStore
from mock_authz.store.port import Exchange, Store
from mock_authz.store.records import KINDS
from mock_authz.usecases import approvals, control, exporting, faults, humans, keys
from mock_authz.usecases.context import Context
from tests.factories import DAY, ISSUER, MINUTE, NOW, QA, World, expect

LATER = NOW + 1000.0
FIRST_KEY = ("records", "key_set", 0, "keys", 0)


def eventful(world: World) -> None:
    """Let there be a record of every kind, and a journal of both."""
    world.acquire()
    faults.add_fault(world.at(NOW), Fault(fault_id="", kind=FaultKind.OFFLINE, probability=0.5))
    humans.add_human(world.at(NOW), HumanScript(human_id="", act=Act.DENY, at=NOW + MINUTE))
    world.authorize()
    approvals.enter_user_code(world.at(NOW), "BCDF-GHJK", administrator="dana")
    world.store.note(QA, Exchange(NOW, "jwks", "GET", "/jwks", 200, response={"keys": []}))


def exported(world: World, *, real_at: float = NOW) -> dict[str, Any]:
    """Export, and go through JSON, as a file does."""
    file = exporting.export(world.store, world.sandbox, version="0.1.0", real_at=real_at)
    return expect(dict, json.loads(json.dumps(file)))


def load(file: dict[str, Any], store: Store | None = None) -> tuple[Store, Sandbox]:
    store = store or MemoryStore()
    read = exporting.read(file)
    made = exporting.load(store, read, name=read.sandbox.name, issuer=read.sandbox.issuer, real_at=LATER)
    return store, expect(Sandbox, made)


def test_what_was_exported_is_loaded_whole(world: World) -> None:
    eventful(world)
    store, _ = load(exported(world))
    held: list[type[object]] = [kind for kind in KINDS if kind is not Sandbox]
    for kind in held:
        records = [stored.record for stored in world.store.every(QA, kind)]
        assert records, f"the test has no {kind.__name__}"
        assert [stored.record for stored in store.every(QA, kind)] == records
    assert store.journal(QA) == world.store.journal(QA)


def test_a_loaded_sandbox_goes_on_as_its_original_byte_for_byte(world: World) -> None:
    eventful(world)
    store, sandbox = load(exported(world))
    loaded = Context(sandbox=sandbox, now=NOW, store=store)
    for context in (world.at(NOW), loaded):
        control.settle(context.store, context.sandbox, now=NOW + 10 * DAY)
    rotated = [keys.rotate_keys(context) for context in (world.at(NOW), loaded)]
    assert rotated[0] == rotated[1]
    assert store.journal(QA) == world.store.journal(QA)


def test_a_loaded_sandbox_keeps_what_it_is_and_lives_as_long_as_its_server(world: World) -> None:
    control.create_sandbox(
        world.store, name="brief", issuer=ISSUER, real_at=float(NOW), lives_seconds=1, random_seed="x"
    )
    brief = expect(Sandbox, control.find_sandbox(world.store, "brief"))
    file = json.loads(json.dumps(exporting.export(world.store, brief, version="0", real_at=float(NOW))))
    _, sandbox = load(file)
    assert (sandbox.entropy, sandbox.settings, sandbox.issuer) == (brief.entropy, brief.settings, ISSUER)
    assert (sandbox.created_real_at, sandbox.expires_real_at) == (int(LATER), None)


@pytest.mark.parametrize(
    ("mode", "shows"), [(ClockMode.FROZEN, NOW + DAY), (ClockMode.OFFSET, NOW + DAY + 5)]
)
def test_its_clock_goes_on_from_where_it_stood(world: World, mode: ClockMode, shows: int) -> None:
    control.set_clock(world.store, QA, Clock(mode, float(NOW), float(NOW + DAY)), real_at=float(NOW))
    _, sandbox = load(exported(world, real_at=NOW + 5.0))
    assert sandbox.clock.now(LATER) == shows


def test_it_may_have_another_name_and_issuer(world: World) -> None:
    read = exporting.read(exported(world))
    issuer = "https://authz.example/b"
    exporting.load(world.store, read, name="b", issuer=issuer, real_at=LATER)
    assert expect(Sandbox, control.find_sandbox(world.store, "b")).issuer == issuer


def test_a_name_that_is_taken_is_refused_and_nothing_is_written(world: World) -> None:
    eventful(world)
    before = world.store.journal(QA)
    read = exporting.read(exported(world))
    refusal = exporting.load(world.store, read, name=QA, issuer=ISSUER, real_at=LATER)
    assert expect(Conflict, refusal).reason == "id_taken"
    assert world.store.journal(QA) == before


def test_a_file_holds_everything_but_snapshots(world: World) -> None:
    file = exported(world)
    assert set(file) == {"format", "version", "sandbox", "records", "journal"}
    assert set(file["records"]) == {kind.name for kind in KINDS.values()} - {"sandbox"}


# --- damaged files ---


def _drop(*path: str | int) -> Callable[[dict[str, Any]], object]:
    def damage(file: Any) -> object:
        for name in path[:-1]:
            file = file[name]
        return file.pop(path[-1])

    return damage


def _put(value: Any, *path: str | int) -> Callable[[dict[str, Any]], object]:
    def damage(file: Any) -> object:
        for name in path[:-1]:
            file = file[name]
        file[path[-1]] = value
        return file

    return damage


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_put("mock-authz sandbox 2", "format"), "not a file of the format"),
        (_drop("format"), "not a file of the format"),
        (_drop("version"), "must have the members"),
        (_put(1, "more"), "no others"),
        (_put("qa", "sandbox"), "object"),
        (_drop("sandbox", "issuer"), "issuer"),
        (_put(1, "sandbox", "colour"), "no member 'colour' in a Sandbox"),
        (_put(1, "sandbox", "clock", "zone"), "no member 'zone' in a Sandbox"),
        (_put("sundial", "sandbox", "clock", "mode"), "sundial"),
        (_put(1e300, "sandbox", "clock", "virtual_at"), "virtual_at is out of bounds"),
        (_put("none", "sandbox", "settings", "alg"), "not an algorithm"),
        (_put(-1, "sandbox", "settings", "code_seconds"), "code_seconds"),
        (_put("AAAA", "sandbox", "entropy", "seed"), "the seed must have 32 bytes"),
        (_put([], "records"), "records must be an object"),
        (_put([], "records", "sandbox"), "records must be an object"),
        (_put([], "records", "ghost"), "records must be an object"),
        (_put({}, "records", "device"), "an array of objects"),
        (_put([1], "records", "device"), "an array of objects"),
        (_drop("records", "device", 0, "name"), "name"),
        (_put(-1, "records", "license", 0, "issued_at"), "issued_at is out of bounds"),
        (_put(10**12, "records", "license", 0, "issued_at"), "issued_at is out of bounds"),
        (_put(2**60, "records", "counter", 0, "made"), "made is out of bounds"),
        (_put("", *FIRST_KEY, "private_jwk"), "cannot sign"),
        (_put("5", *FIRST_KEY, "private_jwk"), "cannot sign"),
        (_put('{"kty": "EC", "crv": "P-1"}', *FIRST_KEY, "private_jwk"), "cannot sign"),
        (_put("RS256", *FIRST_KEY, "alg"), "cannot sign"),
        (_put({}, "journal"), "an array of objects"),
        (_put("rumour", "journal", 0, "kind"), "of the kind event or exchange"),
        (_put("rumoured", "journal", 0, "type"), "rumoured"),
        (_put("often", "journal", -1, "status"), "int"),
    ],
)
def test_a_damaged_file_is_refused_with_a_word_about_where(
    world: World, damage: Callable[[dict[str, Any]], object], said: str
) -> None:
    eventful(world)
    file = exported(world)
    damage(file)
    with pytest.raises(UnreadableRecordError) as caught:
        exporting.read(file)
    assert said in str(caught.value)


def test_events_and_exchanges_keep_their_order_and_count_from_one(world: World) -> None:
    eventful(world)
    file = exported(world)
    file["journal"] = file["journal"][3:]
    store, _ = load(file)
    entries = store.journal(QA)
    assert [entry.sequence for entry in entries] == list(range(1, len(entries) + 1))
    assert [entry.of for entry in entries] == [entry.of for entry in world.store.journal(QA)[3:]]
    assert {type(entry.of) for entry in entries} == {Event, Exchange}
