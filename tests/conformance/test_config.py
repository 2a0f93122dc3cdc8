"""`conformance.toml`: each error names file and key, and says what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from authz_conformance.catalogue import Capability, Profile
from authz_conformance.exit_codes import ExitCode
from authz_conformance.targets.assembling import connection_for, open_target, terms_of
from authz_conformance.targets.config import ConfigError, read_config
from tests.conformance import broken_servers
from tests.conformance.kit import config, judge, run
from tests.programs import Served

TARGET = '[target]\nissuer = "http://127.0.0.1:1"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("target = [", "not TOML"),
        ("", "target: is missing"),
        ("[target]\n", "target.issuer: is missing"),
        ("[target]\nissuer = 5\n", "target.issuer: expected `str`, got `int`"),
        (
            '[target]\nissuer = "kensium.example"\n',
            "target.issuer: 'kensium.example' is no http or https URL",
        ),
        (TARGET + 'isuer = "x"\n', "target.isuer: there is no such key; did you mean issuer?"),
        (TARGET + "zzz = 1\n", "target.zzz: there is no such key; right are issuer, name, version"),
        (TARGET + "[tems]\n", "tems: there is no such key; did you mean terms?"),
        (TARGET + 'profiles = ["rfc8629"]\n', "'rfc8629' is not known; right are rfc8628, oauth-hygiene"),
        (TARGET + 'profiles = ["client-license"]\n', "target.profiles: client-license is for a client"),
        (TARGET + 'capabilities = ["fly"]\n', "'fly' is not known; right are refresh_tokens"),
        (TARGET + "clients = []\n", "target.clients: at least one client_id"),
        (TARGET + '[human]\ndriver = "robot"\n', "human.driver: 'robot' is not known; right are management"),
        (TARGET + '[human]\napprove = "x"\n', "human.driver: is missing"),
        (TARGET + '[human]\ndriver = "command"\n', "human.approve: is missing"),
        (TARGET + '[human]\ndriver = "command"\naprove = "x"\n', "did you mean approve?"),
        (TARGET + '[human]\ndriver = "management"\n', "needs the table [management]"),
        (TARGET + '[clock]\ndriver = "faketime"\n', "give target.start, a command"),
        (TARGET + '[control]\nurl = "x"\n[clock]\ndriver = "real"\n', "clock: leave it out"),
        (TARGET + '[terms]\nalg = "HS256"\n', "terms.alg: 'HS256' is not known"),
    ],
)
def test_an_error_names_file_and_key_and_what_is_right(text: str, said: str, tmp_path: Path) -> None:
    path = config(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        read_config(Path(path))
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)
    result = run("server", "--config", path)
    assert result.exit_code == ExitCode.USAGE
    assert said in result.output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[human]\ndriver = "command"\napprove = "a {code}"\n',
            "human.approve: there is no placeholder {code}; right are",
        ),
        ('[human]\ndriver = "command"\napprove = "a \'"\n', "human.approve: No closing quotation"),
        ('[human]\ndriver = "command"\napprove = ""\n', "human.approve: is empty"),
        (
            '[human]\ndriver = "python"\nadapter = "no.such:Thing"\n',
            "human.adapter: no.such:Thing: ModuleNotFoundError",
        ),
        ('[human]\ndriver = "python"\nadapter = "nothing"\n', "there is no entry point nothing"),
        ('[clock]\ndriver = "python"\nadapter = "json:JSONDecoder"\n', "has no attribute offers"),
        (
            (
                '[human]\ndriver = "management"\n[management]\nurl = "x"\norganization = "o"\nadministrator = "a"\n'
                'token_variable = "NOT_SET_ANYWHERE"\n'
            ),
            "the environment variable NOT_SET_ANYWHERE is not set",
        ),
    ],
)
def test_a_driver_that_cannot_be_made_names_its_key(text: str, said: str, tmp_path: Path) -> None:
    settings = read_config(Path(config(tmp_path, TARGET + text)))
    with pytest.raises(ConfigError) as caught, open_target(settings, connection_for(settings)):
        pass
    assert said in str(caught.value)


def test_a_ca_that_is_not_there_is_the_configurations_fault(tmp_path: Path) -> None:
    settings = read_config(Path(config(tmp_path, TARGET + f'ca_file = "{tmp_path}/no.pem"\n')))
    with pytest.raises(ConfigError, match=r"target.ca_file: .*no.pem: No such file"):
        connection_for(settings)


def test_what_is_declared_goes_before_the_protocols_defaults(tmp_path: Path) -> None:
    text = TARGET + 'profiles = ["license"]\ncapabilities = ["jwks"]\n[terms]\ncode_seconds = 60\n'
    settings = read_config(Path(config(tmp_path, text)))
    assert settings.target.profiles == (Profile.LICENSE,)
    assert settings.target.capabilities == (Capability.JWKS,)
    assert (terms_of(settings).code_seconds, terms_of(settings).interval_seconds) == (60, 5)


def test_init_writes_what_the_kit_then_reads(served: Served, tmp_path: Path) -> None:
    path = tmp_path / "conformance.toml"
    assert run("init", served.issuer, "--config", str(path)).exit_code == ExitCode.OK
    settings = read_config(path)
    assert settings.target.issuer == served.issuer
    assert Capability.REVOCATION in (settings.target.capabilities or ())
    again = run("init", served.issuer, "--config", str(path))
    assert again.exit_code == ExitCode.USAGE
    assert "--force writes over it" in again.output


def test_init_without_metadata_says_what_came(served: Served, tmp_path: Path) -> None:
    result = run("init", f"{served.issuer}/nowhere", "--config", str(tmp_path / "x.toml"))
    assert result.exit_code == ExitCode.USAGE
    assert "no metadata: 404" in result.output


def test_without_an_issuer_and_a_configuration_init_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("server")
    assert result.exit_code == ExitCode.USAGE
    assert "authz-conformance init ISSUER writes one" in result.output


@pytest.mark.parametrize(
    ("hosts", "verdict"), [("", "failed"), ('"other.test"', "failed"), ('"Auth.test"', "passed")]
)
def test_http_is_for_loopback_and_for_hosts_that_are_declared_for_development(
    hosts: str, verdict: str, tmp_path: Path
) -> None:
    rule = "metadata.endpoints-use-https"
    with broken_servers.broken(broken_servers.of_development) as issuer:
        text = f'[target]\nissuer = "{issuer}"\ndevelopment_hosts = [{hosts}]\n'
        judged = judge("--config", config(tmp_path, text), "--rule", rule, into=tmp_path / "reports")
    assert judged.verdict(rule) == verdict
