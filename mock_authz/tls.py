"""Certificates for https: made at the start by a CA of their own, or the user's. Imports trustme when first used."""

from __future__ import annotations

import ssl
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CA_FILE = "mock-authz-ca.pem"
SERVER_FILE = "mock-authz-server.pem"


class CertificateError(ValueError):
    """A certificate or its key cannot be used. The message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What the server shows its clients.

    Attributes:
        cert_file: the certificate and its chain, PEM.
        key_file: its private key, PEM.
        ca_file: what clients must trust; None for a certificate of the user's own.
    """

    cert_file: Path
    key_file: Path
    ca_file: Path | None = None

    def options(self) -> dict[str, Any]:
        """Give uvicorn's options for it."""
        return {"ssl_certfile": str(self.cert_file), "ssl_keyfile": str(self.key_file)}


def make_certificate(hosts: Collection[str], folder: Path) -> Certificate:
    """Make a CA and a certificate for these hosts and loopback, in a folder that only this user can read.

    Nothing outlives the folder: the CA's own key is never written.
    """
    import trustme  # noqa: PLC0415 - see the module's docstring

    authority = trustme.CA(organization_name="mock-authz, for tests only")
    leaf = authority.issue_cert(*dict.fromkeys([*hosts, "localhost", "127.0.0.1", "::1"]))
    ca_file, server_file = folder / CA_FILE, folder / SERVER_FILE
    authority.cert_pem.write_to_path(str(ca_file))
    server_file.touch(mode=0o600)
    leaf.private_key_and_cert_chain_pem.write_to_path(str(server_file), append=True)
    return Certificate(cert_file=server_file, key_file=server_file, ca_file=ca_file)


def own_certificate(cert_file: Path, key_file: Path) -> Certificate:
    """Take a certificate and key of the user's own.

    Raises:
        CertificateError: they cannot be read, are no PEM, or do not belong together.
    """
    for file in (cert_file, key_file):
        try:
            file.read_bytes()
        except OSError as error:
            raise CertificateError(f"{file}: {error.strerror}") from None
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert_file, key_file, password=_no_password)
    except (ssl.SSLError, ValueError) as error:
        raise CertificateError(
            f"{cert_file} and {key_file} are not a certificate and its key: {error}"
        ) from None
    return Certificate(cert_file=cert_file, key_file=key_file)


def _no_password() -> str:
    raise ValueError("the key is protected by a password")
