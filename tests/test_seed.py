"""Seed files: what they hold, what is refused and how that is said, and dumps that load back.

Over 400 lines: everything that can be wrong with a seed, and the line that is printed for it.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from mock_authz import passwords
from mock_authz.domain import spelling
from mock_authz.domain.organization import (
    Administrator,
    Client,
    Device,
    Edition,
    Organization,
    PlainPassword,
    check_hub,
)
from mock_authz.instants import EARLIEST_AT, LATEST_AT, parse_instant
from mock_authz.sandbox import Sandbox
from mock_authz.seed import (
    BUILT_IN,
    DEFAULT_CLIENTS,
    SCHEMA_FILE,
    Seed,
    read_seed,
)
from mock_authz.seed.dumping import dump_seed
from mock_authz.seed.loading import load_file, load_seed, seed_from
from mock_authz.seed.problems import Problem, SeedError
from mock_authz.seed.reading import read_yaml
from mock_authz.settings import ALGORITHMS, Settings
from mock_authz.store.memory import MemoryStore
from mock_authz.usecases.control import create_sandbox

NOW = 1_795_000_000
DAY = 24 * 3600
HASH = "$argon2id$v=19$m=65536,t=3,p=4$qYt+kzrLOkILD+O5F4GAQg$+mi2ShR7/5HwjGb97QW2CMRxo+SehnHZC06wjV3wxKo"
SCHEMA: dict[str, Any] = json.loads(SCHEMA_FILE.read_text("utf-8"))
DEMO = SCHEMA_FILE.parent / "seeds" / "demo.yaml"
DOCS = Path(__file__).parents[1] / "docs" / "seed-files.md"
ACME = "organizations: [{id: acme, name: Acme}]\n"
STORE_1 = "  - {organization: acme, name: Store 1, edition: store}\n"


def load(source: str) -> Seed:
    """Load a seed file called seed.yaml."""
    return load_seed(source, where="seed.yaml", now=NOW)


def refusals(source: str) -> list[str]:
    """Give the lines that are printed of a bad seed."""
    with pytest.raises(SeedError) as refused:
        load(source)
    return str(refused.value).split("\n")


def devices(seed: Seed) -> dict[str, Device]:
    """Give the devices of a seed by server_id."""
    return {record.server_id: record for record in seed.records if isinstance(record, Device)}


def device(members: str) -> Device:
    """Load one device of acme with some members."""
    seed = load(f"{ACME}devices:\n  - {{organization: acme, name: Store 1, edition: store, {members}}}\n")
    return devices(seed)["store-1"]


# --- what a seed holds ---


def test_a_seed_holds_records_in_the_order_of_the_file() -> None:
    seed = load("""
organizations:
  - {id: acme, name: Acme Stores}
administrators:
  - {username: dana@acme.example, organizations: [acme]}
devices:
  - {server_id: hq, organization: acme, name: Head Office, edition: corporate, url: "https://pos.acme.example"}
  - {organization: acme, name: Store 12, edition: store, hub: Head Office, features: [xms, gift], enabled: false}
  - {organization: acme, name: Till, edition: register, hub: store-12}
clients:
  - {client_id: pos}
""")
    assert seed.records == (
        Organization(organization_id="acme", name="Acme Stores"),
        Administrator(username="dana@acme.example", name="dana@acme.example", organizations=("acme",)),
        Device(
            server_id="hq",
            organization_id="acme",
            name="Head Office",
            edition=Edition.CORPORATE,
            url="https://pos.acme.example",
            features=("xms",),
        ),
        Device(
            server_id="store-12",
            organization_id="acme",
            name="Store 12",
            edition=Edition.STORE,
            hub="hq",
            features=("gift", "xms"),
            enabled=False,
        ),
        Device(
            server_id="till", organization_id="acme", name="Till", edition=Edition.REGISTER, hub="store-12"
        ),
        Client(client_id="pos", name="pos"),
    )
    assert seed.settings == Settings()


def test_clients_are_pos_server_and_register_unless_the_seed_lists_some() -> None:
    assert load("{}").records == DEFAULT_CLIENTS
    assert [client.client_id for client in DEFAULT_CLIENTS] == ["pos-server", "register"]
    assert load("clients: []").records == ()


def test_settings_go_over_a_preset() -> None:
    assert load("settings: {preset: fast}").settings == Settings(interval_seconds=0)
    both = load("settings: {interval_seconds: 1, preset: fast, alg: Ed25519, cors: true}")
    assert both.settings == Settings(interval_seconds=1, alg="Ed25519", cors=True)


@pytest.mark.parametrize(
    ("written", "renewal_at"),
    [
        ("2027-03-01", 1_803_859_200),
        ("'2027-03-01'", 1_803_859_200),
        ("2027-03-01T09:00:00+01:00", 1_803_859_200 + 8 * 3600),
        ("2027-03-01 08:00:00Z", 1_803_859_200 + 8 * 3600),
        ("1803859200", 1_803_859_200),
        ("+P45D", NOW + 45 * DAY),
        ("+PT12H", NOW + 12 * 3600),
        ("-P3D", NOW - 3 * DAY),
        ("null", None),
        ("", None),
    ],
)
def test_a_renewal_date_is_a_date_a_date_time_seconds_or_a_duration(
    written: str, renewal_at: int | None
) -> None:
    assert device(f"renewal_at: {written}").renewal_at == renewal_at


def test_empty_url_and_hub_are_none() -> None:
    assert device("url: , hub: null") == device("enabled: true")


def test_made_server_ids_follow_from_the_file_alone() -> None:
    seed = load(
        "organizations: [{id: acme, name: Acme}, {id: bolt, name: Bolt}]\ndevices:\n"
        + "".join(
            f"  - {{organization: {organization}, name: {name}, edition: store}}\n"
            for organization, name in [
                ("acme", "Store 12"),
                ("bolt", "store 12!"),
                ("bolt", "STORE-12"),
                ("bolt", "Café Ñandú"),
                ("bolt", "渋谷店"),
                ("bolt", "x" * 200),
                ("bolt", "x" * 199),
                ("bolt", "x" * 198),
            ]
        )
        + "  - {server_id: store-12, organization: bolt, name: Last, edition: store}\n"
    )
    ids = list(devices(seed))
    assert ids[:5] == ["acme-store-12", "bolt-store-12", "bolt-store-12-2", "cafe-nandu", "device"]
    assert ids[5:8] == ["x" * 64, "bolt-" + "x" * 59, "bolt-" + "x" * 57 + "-2"]
    assert all(re.fullmatch(spelling.IDENTIFIER, server_id) for server_id in ids)


def test_a_hub_is_a_server_id_before_it_is_a_name() -> None:
    seed = load(
        ACME
        + "devices:\n"
        + "  - {server_id: one, organization: acme, name: two, edition: store}\n"
        + "  - {server_id: two, organization: acme, name: one, edition: store}\n"
        + "  - {organization: acme, name: Till, edition: register, hub: two}\n"
    )
    assert devices(seed)["till"].hub == "two"


def test_a_disabled_hub_is_taken_as_it_may_have_been_disabled_later() -> None:
    seed = load(
        f"{ACME}devices:\n  - {{organization: acme, name: Off, edition: cloud, enabled: false}}\n"
        "  - {organization: acme, name: Till, edition: register, hub: Off}\n"
    )
    assert devices(seed)["till"].hub == "off"


def test_a_plain_password_is_kept_for_hashing_and_a_hash_as_it_is() -> None:
    seed = load(
        "administrators:\n  - {username: dana, password: correct horse, organizations: []}\n"
        f"  - {{username: eli, password_hash: '{HASH}', organizations: []}}\n"
    )
    held = [record.password_hash for record in seed.records if isinstance(record, Administrator)]
    assert held == [PlainPassword("correct horse"), HASH]
    assert "correct horse" not in repr(seed)


def test_aliases_are_followed_and_json_is_yaml() -> None:
    seed = load(
        f"{ACME}devices:\n  - &one {{organization: acme, name: A, edition: store, features: &f [b, a]}}\n"
        "  - *one\n  - {organization: acme, name: B, edition: store, features: *f}\n"
    )
    assert [made.features for made in devices(seed).values()] == [("a", "b")] * 3
    assert load(json.dumps({"settings": {"cors": True}}, indent="\t")).settings.cors


# --- what is refused, and how that is said ---

DEVICES = f"{ACME}devices:\n{STORE_1}"
BAD = {
    "unknown section": ("organisations: []", '1: organisations: there is no such key; did you mean "organizations"?'),
    "unknown key": (
        f"{DEVICES}  - organization: acme\n    name: X\n    edition: store\n    enabeld: false",
        '7: devices[1].enabeld: there is no such key; did you mean "enabled"?',
    ),
    "missing key": ("organizations:\n  - id: acme", '2: organizations[0]: the key "name" is missing'),
    "number for a text": (
        "organizations:\n  - {id: 12, name: Acme}",
        "2: organizations[0].id: is read as 12, but must be a text: put it in quotes",
    ),
    "truth value for a text": (
        "organizations:\n  - {id: a, name: false}",
        "2: organizations[0].name: is read as false, but must be a text: put it in quotes",
    ),
    "empty name": ("organizations:\n  - id: a\n    name:", "3: organizations[0].name: is empty: write a text"),
    "list for a text": (
        "organizations:\n  - {id: a, name: []}",
        "2: organizations[0].name: must be a text; it is a list",
    ),
    "mapping for a list": (
        "clients: {}",
        "1: clients: must be a list of clients, or [] for none; it is a mapping",
    ),
    "text for a mapping": (
        "clients: [pos]",
        '1: clients[0]: must be a mapping with client_id, name; it is the text "pos"',
    ),
    "bad id": (
        "clients: [{client_id: a b}]",
        ('1: clients[0].client_id: "a b" is not an id: letters, digits, dots, underscores and hyphens, '
        "beginning with a letter or digit"),
    ),
    "long id": (f"clients: [{{client_id: {'x' * 65}}}]", "1: clients[0].client_id: is longer than 64 characters"),
    "name with a line break": (
        'clients: [{client_id: a, name: "b\\nc"}]',
        '1: clients[0].name: "b\\nc" is not a name: at least one character, no line break, no space at its ends',
    ),
    "duplicate id": (
        "clients:\n  - client_id: a\n  - client_id: a",
        '3: clients[1].client_id: "a" is taken by clients[0]: give each its own',
    ),
    "duplicate server_id": (
        (f"{DEVICES}  - {{server_id: x, organization: acme, name: A, edition: store}}\n"
        "  - {server_id: x, organization: acme, name: B, edition: store}"),
        '5: devices[2].server_id: "x" is taken by devices[1]: give each its own',
    ),
    "unknown organization of an administrator": (
        f"{ACME}administrators:\n  - username: dana\n    organizations:\n      - acne",
        '5: administrators[0].organizations[0]: there is no organization "acne"; did you mean "acme"?',
    ),
    "unknown organization of a device": (
        f"{ACME}devices:\n  - {{organization: globex, name: A, edition: store}}",
        '3: devices[0].organization: there is no organization "globex"; choose one of "acme"',
    ),
    "no organization at all": (
        "devices:\n  - {organization: globex, name: A, edition: store}",
        '2: devices[0].organization: there is no organization "globex": there are none',
    ),
    "organization twice": (
        f"{ACME}administrators:\n  - {{username: dana, organizations: [acme, acme]}}",
        '3: administrators[0].organizations[1]: "acme" stands in this list already: keep it once',
    ),
    "unknown edition": (
        f"{ACME}devices:\n  - {{organization: acme, name: A, edition: stroe}}",
        '3: devices[0].edition: there is no edition "stroe"; did you mean "store"?',
    ),
    "edition of no text": (
        f"{ACME}devices:\n  - {{organization: acme, name: A, edition: 1}}",
        "3: devices[0].edition: must be one of cloud, corporate, store, register; it is 1",
    ),
    "bad URL": (
        f"{ACME}devices:\n  - {{organization: acme, name: A, edition: store, url: pos.example}}",
        ('3: devices[0].url: "pos.example" is not an absolute URL such as https://store-1.example '
        "or http://127.0.0.1:8629/pos"),
    ),
    "bad feature": (
        f"{ACME}devices:\n  - {{organization: acme, name: A, edition: store, features: [XMS]}}",
        ('3: devices[0].features[0]: "XMS" is not a feature: lower-case letters, digits, underscores and hyphens, '
        "at most 32, such as xms"),
    ),
    "many features": (
        f"{ACME}devices:\n  - {{organization: acme, name: A, edition: store, features: [{'x,' * 65}]}}",
        "3: devices[0].features: has 65 items: at most 64 are taken",
    ),
    "bad flag": (
        f"{ACME}devices:\n  - {{organization: acme, name: A, edition: store, enabled: maybe}}",
        '3: devices[0].enabled: must be true or false; it is the text "maybe"',
    ),
    "unknown hub": (
        f"{DEVICES}  - organization: acme\n    name: Till\n    edition: register\n    hub: stor-1",
        '7: devices[1].hub: there is no device "stor-1" in organization "acme"; did you mean "store-1"?',
    ),
    "hub of another organization": (
        ("organizations: [{id: acme, name: A}, {id: bolt, name: B}]\ndevices:\n"
        f"{STORE_1}  - {{organization: bolt, name: Till, edition: register, hub: Store 1}}"),
        '4: devices[1].hub: there is no device "Store 1" in organization "bolt"; it belongs to "acme"',
    ),
    "ambiguous hub": (
        f"{DEVICES}{STORE_1}  - {{organization: acme, name: Till, edition: register, hub: Store 1}}",
        ('5: devices[2].hub: 2 devices of organization "acme" are named "Store 1": give a server_id, '
        'such as "store-1", "acme-store-1"'),
    ),
    "own hub": (
        f"{ACME}devices:\n  - {{organization: acme, name: A, edition: store, hub: a}}",
        "3: devices[0].hub: a device cannot be its own hub: name another, or leave it out",
    ),
    "hubs in a circle": (
        (f"{ACME}devices:\n"
        "  - {organization: acme, name: Till, edition: register, hub: b}\n"
        "  - {organization: acme, name: A, edition: store, hub: b}\n"
        "  - {organization: acme, name: B, edition: store, hub: C}\n"
        "  - {organization: acme, name: C, edition: store, hub: A}\n"),
        '4: devices[1].hub: hubs go in a circle, "a" -> "b" -> "c" -> "a": one of them must have no hub',
    ),
    "impossible date": (
        f"{ACME}devices:\n  - {{organization: acme, name: A, edition: store, renewal_at: 2027-02-30}}",
        ("3: devices[0].renewal_at: '2027-02-30' is not an instant: give 2027-01-31, 2027-01-31T08:00:00Z or seconds "
        "(or +P45D for 45 days from the sandbox's start)"),
    ),
    "date-time without its offset": (
        f"{ACME}devices:\n  - {{organization: acme, name: A, edition: store, renewal_at: 2027-01-01 08:00:00}}",
        ("3: devices[0].renewal_at: 2027-01-01T08:00:00 has no offset: end it with Z for UTC "
        "(or +P45D for 45 days from the sandbox's start)"),
    ),
    "bad duration": (
        f"{ACME}devices:\n  - {{organization: acme, name: A, edition: store, renewal_at: +P4X}}",
        ("3: devices[0].renewal_at: 'P4X' is not an ISO 8601 duration: give P30D, P1M, PT12H or -P7D "
        "(or +P45D for 45 days from the sandbox's start)"),
    ),
    "date of no text": (
        f"{ACME}devices:\n  - {{organization: acme, name: A, edition: store, renewal_at: true}}",
        "3: devices[0].renewal_at: must be a date, or +P45D for 45 days from the sandbox's start; it is true",
    ),
    "password and hash": (
        f"administrators:\n  - username: d\n    password: x\n    password_hash: {HASH}\n    organizations: []",
        "3: administrators[0].password: give a password or a password_hash, not both",
    ),
    "number for a password": (
        "administrators:\n  - {username: d, password: 8627, organizations: []}",
        "2: administrators[0].password: is read as a number or a truth value, but must be a text: put it in quotes",
    ),
    "empty password": (
        "administrators:\n  - {username: d, password: '', organizations: []}",
        "2: administrators[0].password: this is not a password: it is empty",
    ),
    "plain password for a hash": (
        "administrators:\n  - {username: d, password_hash: hunter2, organizations: []}",
        ("2: administrators[0].password_hash: this is not an argon2 hash such as "
        "$argon2id$v=19$m=65536,t=3,p=4$<salt>$<hash>; a plain one goes under `password`"),
    ),
    "dear hash": (
        "administrators:\n  - username: d\n    organizations: []\n    password_hash: "
        + HASH.replace("m=65536", "m=99999999"),
        "4: administrators[0].password_hash: this hash costs too much to verify: at most m=1048576, t=16, p=16 is taken",
    ),
    "unknown setting": (
        "settings:\n  interval: 3",
        '2: settings.interval: there is no such setting; did you mean "interval_seconds"?',
    ),
    "setting out of bounds": (
        "settings:\n  license_token_seconds: 0",
        "2: settings.license_token_seconds: must be whole seconds from 1 to 3155760000, not 0",
    ),
    "setting of YAML 1.1": (
        "settings:\n  interval_seconds: 1_000",
        "2: settings.interval_seconds: must be whole seconds from 0 to 3155760000, not '1_000'",
    ),
    "empty setting": ("settings:\n  alg:", "2: settings.alg: must be a single value; it is empty"),
    "unknown preset": ("settings: {preset: fats}", '1: settings.preset: there is no such preset; did you mean "fast"?'),
    "unknown algorithm": (
        "settings: {alg: HS256}",
        "1: settings.alg: 'HS256' is not an algorithm: choose one of ES256, RS256, Ed25519",
    ),
    "settings of no mapping": (
        "settings: fast",
        ("1: settings: must be a mapping with any of license_token_seconds, refresh_token_seconds, code_seconds, "
        "interval_seconds, renewal_window_seconds, token_warning_seconds, refresh_retry_window_seconds, alg, cors, "
        'preset; it is the text "fast"'),
    ),
    "key twice": (
        f"{ACME}settings: {{}}\norganizations: []",
        "3: organizations: this key stands on line 1 already: keep one of them",
    ),
    "merge key": (
        f"{ACME}devices:\n  - <<: {{organization: acme}}\n    organization: acme\n    name: A\n    edition: store",
        "3: devices[0].<<: merge keys are not taken: write the members out",
    ),
    "tag": ("devices: !mine []", '1: devices: the tag "!mine" is not taken: write a plain value'),
    "tag of a value": (
        "clients: [{client_id: !!binary cG9z}]",
        '1: clients[0].client_id: the tag "tag:yaml.org,2002:binary" is not taken: write a plain value',
    ),
    "key of no text": ("? [a]\n: b", "1: a key is a text, and nothing else"),
    "unknown alias": ("clients: *them", "1: clients: there is no anchor &them above"),
    "alias of itself": ("devices: &them [*them]", "1: devices[0]: there is no anchor &them above"),
    "empty file": ("", "1: the file is empty: a seed that holds nothing is written {}"),
    "comments alone": ("# nothing\n", "1: the file is empty: a seed that holds nothing is written {}"),
    "list for the whole": (
        "[]",
        "1: must be a mapping with organizations, administrators, devices, clients, settings; it is a list",
    ),
    "two documents": ("clients: []\n---\n{}", "2: a second document begins here: a seed is one document"),
    "colon in a text": (
        "clients:\n  - client_id: a: b",
        ("2:17: this is not YAML: mapping values are not allowed in this context; is a line indented wrongly, "
        "or does a text hold a colon? Put that in quotes"),
    ),
    "tab": (
        "settings:\n\tcors: true",
        ("2:1: this is not YAML: found character that cannot start any token; indent with spaces, not tabs, "
        "and put a text that begins with @, ` or % in quotes"),
    ),
    "tab within": (
        "clients:\n  - client_id: a\n\tname: b",
        ("3:1: this is not YAML: found a tab character that violates indentation, in what begins on line 2; "
        "indent with spaces"),
    ),
    "open bracket": (
        "clients: [\n  {client_id: a}\nsettings: {}",
        ("3:1: this is not YAML: did not find expected ',' or ']', in what begins on line 1; "
        "is a line indented wrongly, or a bracket or quote left open?"),
    ),
    "control character": ("\n\nclients: \x07", "3: this is not YAML: control characters are not allowed"),
    "deep nesting": ("[" * 200_000, "1: [0][0][0]: this is nested deeper than any seed"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_seed_is_refused_with_its_line_and_what_would_be_right(name: str) -> None:
    source, expected = BAD[name]
    assert refusals(source) == [f"seed.yaml:{expected}"]


def test_all_problems_are_said_at_once_each_on_one_line_in_the_order_of_the_file() -> None:
    source = """\
organizations:
  - {id: acme, nam: A}
devices:
  - {organization: acme, name: A, edition: shop}
  - {organization: acme, name: B, edition: store, hub: C}
settings: {cors: 1, alg: none}
"""
    lines = refusals(source)
    assert [int(line.split(":")[1]) for line in lines] == [2, 2, 4, 5, 6, 6]


def test_what_cannot_be_printed_is_escaped_and_shortened() -> None:
    (line,) = refusals('"\\e[31m\\n": 1')
    assert line.startswith("seed.yaml:1: \\x1b[31m\\n: there is no such key")
    (line,) = refusals(f"clients: [{{client_id: '{'~' * 64}'}}]")
    assert f'"{"~" * 60}…" is not an id' in line


def test_a_secret_is_in_no_refusal() -> None:
    said = refusals(
        "administrators:\n"
        "  - {username: a, password_hash: hunter2, organizations: []}\n"
        f"  - {{username: b, password: hunter2, password_hash: '{HASH}x!', organizations: []}}\n"
        f"  - {{username: c, password: {'hunter2' * 200}, organizations: []}}\n"
    )
    assert len(said) == 3
    assert not any("hunter2" in line or HASH in line for line in said)


def test_a_misspelt_section_does_not_make_all_that_names_it_wrong() -> None:
    assert len(refusals(f"organisations: []\ndevices:\n{STORE_1 * 3}")) == 1
    assert len(refusals(f"organizations: acme\ndevices:\n{STORE_1 * 3}")) == 1


def test_a_long_circle_is_shortened() -> None:
    spokes = "".join(
        f"  - {{organization: acme, name: D{i}, edition: store, hub: D{(i + 1) % 99}}}\n" for i in range(99)
    )
    assert '"d0" -> "d1" -> "d2" -> … -> "d97" -> "d98" -> "d0"' in refusals(f"{ACME}devices:\n{spokes}")[0]


def test_an_alias_bomb_is_refused_not_followed() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{after}: &{after} [{','.join([f'*{before}'] * 10)}]\n"
        for before, after in zip("abcdefgh", "bcdefghi", strict=True)
    )
    (line,) = refusals(bomb)
    assert line.endswith("a seed has at most 500000 values, aliases written out")


def test_an_inline_seed_is_held_to_the_same_rules_and_pointed_into() -> None:
    inline = {
        "organizations": [{"id": "acme", "name": "Acme"}],
        "devices": [{"organization": "acme", "name": "A", "edition": "store", "hub": "B", "~/ %": 1}],
    }
    with pytest.raises(SeedError) as refused:
        seed_from(inline, now=NOW)
    assert refused.value.errors("/seed") == [
        {
            "pointer": "#/seed/devices/0/~0~1%20%25",
            "detail": "there is no such key",
        },
        {
            "pointer": "#/seed/devices/0/hub",
            "detail": 'there is no device "B" in organization "acme"; choose one of "A", "a"',
        },
    ]
    assert str(refused.value).startswith("seed: devices[0].~/ %: there is no such key")
    assert refused.value.problems[1].line is None


@pytest.mark.parametrize("inline", [None, [], "demo", 1, 1.5, True])
def test_an_inline_seed_is_a_mapping(inline: object) -> None:
    with pytest.raises(SeedError, match="must be a mapping with organizations"):
        seed_from(inline, now=NOW)


def test_half_a_surrogate_pair_is_not_a_name() -> None:
    with pytest.raises(SeedError, match=r"ud800\" is not a name"):
        seed_from({"organizations": [{"id": "a", "name": "\ud800"}]}, now=NOW)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(sorted({*SCHEMA["properties"], *(m for d in SCHEMA["$defs"].values() for m in d.get("properties", {}))}))
        | st.text(max_size=3),
        inner,
        max_size=5,
    ),
    max_leaves=20,
)  # fmt: skip


def problems(make: Callable[[], Seed]) -> list[Problem]:
    """Make a seed; give its problems, after a look at how they are printed."""
    try:
        make()
    except SeedError as error:
        printed = str(error).splitlines()
        return (
            list(error.problems)
            if len(printed) == len(error.problems)
            else [Problem(detail="not one line each")]
        )
    return []


@given(JSON)
def test_whatever_is_given_is_a_seed_or_has_problems_of_one_line(inline: object) -> None:
    assert all(
        problem.detail != "not one line each" for problem in problems(lambda: seed_from(inline, now=NOW))
    )


@given(st.text(alphabet="abidnme:-{}[]&*!|>'\"# \n\t,?%@\u2028\U0001f600", max_size=60))
def test_whatever_text_is_given_is_a_seed_or_has_problems_with_their_lines(source: str) -> None:
    assert all(problem.line for problem in problems(lambda: load(source)))


# --- files ---


def test_the_empty_seed_holds_the_default_clients_alone() -> None:
    assert read_seed("empty", now=NOW) == Seed(records=DEFAULT_CLIENTS)


@pytest.mark.parametrize("name", BUILT_IN)
def test_what_is_built_in_loads_and_its_hubs_stand(name: str) -> None:
    everyone = devices(read_seed(name, now=NOW))
    for one in everyone.values():
        assert check_hub(one, everyone) is None


def test_the_demo_tells_its_story_whenever_it_starts() -> None:
    seed = read_seed("demo", now=NOW)
    people = {one.username: one for one in seed.records if isinstance(one, Administrator)}
    assert people["admin"].organizations == ("northwind", "harbor")
    assert people["clerk"].organizations == ("harbor",)
    assert all(passwords.verify(one.password_hash, "demo") for one in people.values())
    assert devices(seed)["store-12"].renewal_at == NOW + 45 * DAY
    assert devices(seed)["store-12"].hub == "head-office"


@pytest.mark.parametrize("now", [4 * DAY, NOW, NOW + 1])
def test_the_demo_that_is_built_in_is_its_file(now: int) -> None:
    assert read_seed("demo", now=now) == load_file(str(DEMO), now=now)


@pytest.mark.parametrize("now", [EARLIEST_AT, LATEST_AT - 1])
def test_the_demo_has_dates_that_load_back_at_either_end_of_time(now: int) -> None:
    for one in devices(read_seed("demo", now=now)).values():
        assert one.renewal_at is None or parse_instant(one.renewal_at) == one.renewal_at


def test_a_file_is_read_as_utf_8_with_or_without_its_mark(tmp_path: Path) -> None:
    path = tmp_path / "demo"
    path.write_text("organizations: [{id: a, name: Café}]", "utf-8-sig")
    assert read_seed(path, now=NOW).records[0] == Organization(organization_id="a", name="Café")


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"# caf\xe9")
    for path, said in [
        (tmp_path / "dmeo", 'there is no such file, and the seeds that are built in are "demo", "empty"'),
        (latin, "this is not UTF-8 text (byte 6)"),
        (tmp_path, "cannot be read: Is a directory"),
    ]:
        with pytest.raises(SeedError) as refused:
            read_seed(path, now=NOW)
        assert str(refused.value) == f"{path}: {said}"


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    huge = tmp_path / "huge.yaml"
    huge.write_bytes(b"#" * (16 * 1024 * 1024 + 1))
    with pytest.raises(SeedError, match="a seed has at most 16777216 characters"):
        read_seed(huge, now=NOW)


# --- what the docs and the schema say ---


def example() -> str:
    """Give the example of the docs."""
    found = re.search("```yaml\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def test_the_docs_example_loads() -> None:
    assert list(devices(load(example()))) == ["head-office", "store-12", "store-12-till-1"]


def test_the_docs_show_what_is_printed_of_their_example_misspelt() -> None:
    source = example()
    for right, wrong in [
        ("[acme]", "[acne]"),
        ("edition: corporate", "edition: corporate\n    editon: x"),
        ("hub: Head Office", "hub: Head Ofice"),
        ("2027-03-01", "2027-02-30"),
    ]:
        source = source.replace(right, wrong)
    with pytest.raises(SeedError) as refused:
        load_seed(source, where="shop.yaml", now=NOW)
    assert f"```text\n{refused.value}\n```" in DOCS.read_text("utf-8")


def test_the_docs_name_every_member_setting_and_built_in_seed() -> None:
    text = DOCS.read_text("utf-8")
    shown = set(re.findall(r"^\| \**`?(\w+)`?\** \|", text, re.MULTILINE))
    members = {
        member for definition in SCHEMA["$defs"].values() for member in definition.get("properties", {})
    }
    assert members - {"preset"} <= shown
    assert set(BUILT_IN) <= shown


def valid(value: object) -> bool:
    """Say whether the schema for editors takes a seed."""
    return bool(Draft202012Validator(SCHEMA).is_valid(value))


@pytest.mark.parametrize("source", [example(), DEMO.read_text("utf-8")])
def test_the_schema_takes_what_the_loader_takes(source: str) -> None:
    assert valid(read_yaml(source, where="seed.yaml")[0])


# What only the loader can see: other members, the calendar, costs, or how the text is written.
BEYOND_THE_SCHEMA = {
    "duplicate id", "duplicate server_id", "unknown organization of an administrator",
    "unknown organization of a device", "no organization at all", "unknown hub", "hub of another organization",
    "ambiguous hub", "own hub", "hubs in a circle", "impossible date", "date-time without its offset",
    "bad duration", "dear hash", "key twice", "tag", "tag of a value", "control character",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(BAD.keys() - BEYOND_THE_SCHEMA))
def test_the_schema_refuses_what_the_loader_refuses_of_one_member(name: str) -> None:
    source, refusal = BAD[name]
    try:
        value, _ = read_yaml(source, where="seed.yaml")
    except SeedError as error:
        assert str(error) == f"seed.yaml:{refusal}"  # noqa: PT017 - refused before there is a value
    else:
        assert not valid(value)


def test_ids_names_and_addresses_are_spelt_as_in_the_contract() -> None:
    definitions = SCHEMA["$defs"]
    for name, pattern in {
        "Identifier": spelling.IDENTIFIER,
        "Username": spelling.USERNAME,
        "Name": spelling.NAME,
        "ServerUrl": spelling.SERVER_URL,
        "Feature": spelling.FEATURE,
    }.items():
        assert definitions[name]["pattern"] == f"^{pattern}$"
    assert definitions["Name"]["maxLength"] == spelling.LONGEST_NAME
    assert definitions["ServerUrl"]["maxLength"] == spelling.LONGEST_URL
    assert definitions["Password"]["maxLength"] == spelling.LONGEST_PASSWORD
    assert definitions["FeatureList"]["maxItems"] == spelling.MOST_FEATURES


# --- dumps ---


def sandbox_of(seed: Seed) -> tuple[MemoryStore, Sandbox]:
    """Create a sandbox from a seed."""
    store = MemoryStore()
    sandbox = create_sandbox(
        store, name="qa", issuer="http://127.0.0.1", real_at=NOW, settings=seed.settings, records=seed.records
    )
    assert isinstance(sandbox, Sandbox)
    return store, sandbox


IDS = st.from_regex(spelling.IDENTIFIER, fullmatch=True)
# Also what YAML would read as something else.
NAMES = st.from_regex(spelling.NAME, fullmatch=True).filter(
    lambda name: len(name) <= spelling.LONGEST_NAME and not any("\ud800" <= c <= "\udfff" for c in name)
) | st.sampled_from(["No", "12", "1e3", "2027-01-31", "~", "null", "=", "<<", "- a", "a: b", "#", "'", '"', "\x85x", "x\u2028y", "😀"])  # fmt: skip
INSTANTS = st.none() | st.integers(0, 221_845_391_999)


@st.composite
def seeds(draw: st.DrawFn) -> Seed:
    """Draw what a sandbox may hold."""
    organizations = draw(st.lists(IDS, unique=True, max_size=3))
    records: list[object] = [Organization(organization_id=one, name=draw(NAMES)) for one in organizations]
    records += [
        Administrator(
            username=username,
            name=draw(NAMES),
            organizations=tuple(
                draw(st.lists(st.sampled_from(organizations), unique=True)) if organizations else ()
            ),
            password_hash=draw(st.sampled_from([None, HASH])),
        )
        for username in draw(
            st.lists(st.from_regex(spelling.USERNAME, fullmatch=True), unique=True, max_size=3)
        )
    ]
    earlier: list[Device] = []
    for server_id in draw(st.lists(IDS, unique=True, max_size=6)) if organizations else ():
        organization = draw(st.sampled_from(organizations))
        hubs = [one.server_id for one in earlier if one.organization_id == organization]
        earlier.append(
            Device(
                server_id=server_id,
                organization_id=organization,
                name=draw(NAMES | st.sampled_from([server_id, *hubs])),
                edition=draw(st.sampled_from(Edition)),
                url=draw(
                    st.none()
                    | st.from_regex(spelling.SERVER_URL, fullmatch=True).filter(lambda url: len(url) < 2000)
                ),
                hub=draw(st.sampled_from([None, *hubs])),
                features=tuple(
                    sorted(draw(st.sets(st.from_regex(spelling.FEATURE, fullmatch=True), max_size=3)))
                ),
                enabled=draw(st.booleans()),
                renewal_at=draw(INSTANTS),
            )
        )
    records += draw(st.permutations(earlier))
    records += [
        Client(client_id=one, name=draw(NAMES)) for one in draw(st.lists(IDS, unique=True, max_size=2))
    ]
    whole = st.integers(1, 3_155_760_000)
    changed = Settings(
        license_token_seconds=draw(st.just(604_800) | whole),
        interval_seconds=draw(st.integers(0, 60)),
        alg=draw(st.sampled_from(ALGORITHMS)),
        cors=draw(st.booleans()),
    )
    return Seed(records=tuple(records), settings=changed)  # fmt: skip


@given(seeds())
def test_a_dump_loads_back_to_equal_records(seed: Seed) -> None:
    dumped = dump_seed(*sandbox_of(seed))
    assert load(dumped) == seed
    assert valid(yaml.load(dumped, yaml.SafeLoader))  # the same to whoever reads YAML otherwise


def test_a_dump_of_the_demo_loads_back() -> None:
    seed = read_seed("demo", now=NOW)
    dumped = dump_seed(*sandbox_of(seed))
    assert load(dumped) == seed
    assert "renewal_at: '2027-01-02T11:06:40Z'" in dumped
    assert "settings" not in dumped.split("clients:")[1]
    assert dumped.startswith("# yaml-language-server: $schema=")


def test_a_dump_holds_settings_where_they_differ_from_the_default() -> None:
    dumped = dump_seed(*sandbox_of(load("settings: {preset: fast}")))
    assert yaml.safe_load(dumped)["settings"] == {"interval_seconds": 0}


def test_a_dump_holds_no_plain_password() -> None:
    seed = load("administrators: [{username: d, password: correct horse, organizations: []}]")
    dumped = dump_seed(*sandbox_of(seed))
    assert "correct" not in dumped
    (administrator,) = [one for one in load(dumped).records if isinstance(one, Administrator)]
    assert passwords.verify(administrator.password_hash, "correct horse")
    (plain,) = [one for one in seed.records if isinstance(one, Administrator)]
    assert dataclasses.replace(administrator, password_hash=None) == dataclasses.replace(
        plain, password_hash=None
    )
