"""https: a CA of the server's own, or a certificate of the user's; and the control API on a port of its own."""

from __future__ import annotations

import ssl
import stat
from pathlib import Path

import httpx2
import pytest
import trustme

from mock_authz.tls import CertificateError, make_certificate, own_certificate
from tests.programs import MOCK_AUTHZ, run, serve

METADATA = "/.well-known/oauth-authorization-server"


def trusting(ca_file: Path | str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(ca_file))


def test_https_with_a_ca_made_at_the_start_is_trusted_by_who_trusts_that_ca_only() -> None:
    with serve("--tls") as served:
        ca_file = Path(served.said["ca_file"])
        assert served.issuer.startswith("https://127.0.0.1:")
        answer = httpx2.get(served.issuer + METADATA, verify=trusting(ca_file), trust_env=False)
        assert answer.json()["token_endpoint"] == f"{served.issuer}/token"
        with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx2.get(served.issuer + METADATA, verify=ssl.create_default_context(), trust_env=False)
    assert not ca_file.exists(), "the CA outlived the server"


def test_localhost_and_named_hosts_are_in_the_certificate() -> None:
    with serve("--tls", "--allowed-host", "pos.test") as served:
        port = httpx2.URL(served.issuer).port
        by_name = f"https://localhost:{port}{METADATA}"
        answer = httpx2.get(by_name, verify=trusting(served.said["ca_file"]), trust_env=False)
        assert answer.status_code == 200


def test_a_certificate_of_ones_own_is_shown(tmp_path: Path) -> None:
    authority = trustme.CA()
    leaf = authority.issue_cert("127.0.0.1")
    cert_file, key_file, ca_file = tmp_path / "cert.pem", tmp_path / "key.pem", tmp_path / "ca.pem"
    leaf.cert_chain_pems[0].write_to_path(str(cert_file))
    leaf.private_key_pem.write_to_path(str(key_file))
    authority.cert_pem.write_to_path(str(ca_file))
    with serve("--tls-cert", str(cert_file), "--tls-key", str(key_file)) as served:
        assert "ca_file" not in served.said
        answer = httpx2.get(served.issuer + METADATA, verify=trusting(ca_file), trust_env=False)
        assert answer.status_code == 200


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--tls-cert", "cert.pem"], "--tls-cert and --tls-key go together."),
        (["--tls-cert", "no.pem", "--tls-key", "no.pem"], "--tls-cert: no.pem: No such file or directory"),
        (
            ["--tls-cert", "pyproject.toml", "--tls-key", "pyproject.toml"],
            "--tls-cert: pyproject.toml and pyproject.toml are not a certificate and its key",
        ),
    ],
)
def test_a_certificate_that_cannot_be_used_is_one_clear_line(options: list[str], says: str) -> None:
    ended = run([*MOCK_AUTHZ, "serve", "--port", "0", *options])
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"mock-authz: {says}")
    assert ended.stderr.count("\n") == 1


def test_the_private_key_is_readable_by_this_user_only(tmp_path: Path) -> None:
    made = make_certificate(["127.0.0.1"], tmp_path)
    assert stat.S_IMODE(made.key_file.stat().st_mode) == 0o600
    assert made.ca_file is not None
    assert "PRIVATE KEY" not in made.ca_file.read_text()


def test_a_key_that_does_not_belong_to_the_certificate_is_refused(tmp_path: Path) -> None:
    authority = trustme.CA()
    cert_file, key_file = tmp_path / "cert.pem", tmp_path / "key.pem"
    authority.issue_cert("a.test").cert_chain_pems[0].write_to_path(str(cert_file))
    authority.issue_cert("b.test").private_key_pem.write_to_path(str(key_file))
    with pytest.raises(CertificateError, match="not a certificate and its key"):
        own_certificate(cert_file, key_file)


def test_control_on_a_port_of_its_own_is_nowhere_else_and_nothing_else_is_there() -> None:
    with serve("--control-port", "0") as served:
        control_url = served.said["control_url"]
        assert not control_url.startswith(f"{served.base_url}/")
        assert httpx2.get(f"{control_url}/sandboxes").status_code == 200
        assert httpx2.get(f"{served.base_url}/_control/sandboxes").status_code == 404
        assert httpx2.get(control_url.removesuffix("/_control") + METADATA).status_code == 404
        assert httpx2.get(served.issuer + METADATA).status_code == 200
