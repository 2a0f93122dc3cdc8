"""Writes a first `conformance.toml` from the metadata of a server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from authz_conformance.catalogue import Capability
from authz_conformance.readiness import seen_in
from authz_conformance.server_under_test import well_known_url
from authz_conformance.story import Story
from authz_conformance.targets.config import ConfigError
from authz_conformance.wire import Connection, Wire

_REST = """
# Who approves and denies: "command", "person", "python" or "management".
[human]
driver = "person"
# verification_uri = "https://…/device"
# driver = "command"
# approve = "./approve.sh {user_code} {device}"
# deny = "./deny.sh {user_code}"

# Devices that exist already, if the server knows devices; or "command", "python" or "management".
[provisioning]
driver = "declared"
devices = []

# How time is moved: "real" waits; "command", "faketime" (with target.start) or "python" move it.
[clock]
driver = "real"
longest_wait_seconds = 60
# driver = "command"
# set = "./set-clock.sh {instant}"

# What the server declares, where it differs from the protocol's defaults. Real time needs short ones.
[terms]
# code_seconds = 900
# interval_seconds = 5
"""


def initial_config(issuer: str, *, ca_file: Path | None = None) -> str:
    """Give the text of the file.

    Args:
        issuer: Whose metadata is read.
        ca_file: An authority of one's own, to trust.

    Raises:
        ConfigError: the metadata cannot be had.
    """
    metadata = _metadata(issuer, ca_file)
    capabilities = sorted(seen_in(metadata) | {Capability.CONCURRENT_REQUESTS})
    scopes = metadata.get("scopes_supported")
    lines = [
        "# What `authz-conformance server` judges, and how it is reached. Then: authz-conformance smoke",
        "[target]",
        f"issuer = {_quoted(issuer)}",
        'profiles = ["rfc8628"]  # and "oauth-hygiene", "license", "contract"',
        'clients = ["CLIENT_ID"]  # registered for the device grant; a second one opens more rules',
        f"capabilities = [{', '.join(_quoted(one) for one in capabilities)}]",
    ]
    if ca_file is not None:
        lines.append(f"ca_file = {_quoted(str(ca_file))}")
    if isinstance(scopes, list) and all(isinstance(scope, str) and scope.isprintable() for scope in scopes):
        lines.append(f"scope = {_quoted(' '.join(scopes))}")
    return "\n".join(lines) + "\n" + _REST


def _metadata(issuer: str, ca_file: Path | None) -> Mapping[str, Any]:
    try:
        connection = Connection(ca_file=ca_file)
    except OSError as error:
        raise ConfigError(f"{ca_file}: {error.strerror or error}") from error
    try:
        answer = Wire(connection, Story()).get(well_known_url(issuer), step="metadata")
    finally:
        connection.close()
    if answer.status != HTTPStatus.OK or not answer.members:
        raise ConfigError(f"{answer.url}: no metadata: {answer.said}")
    if answer.members.get("issuer") != issuer:
        raise ConfigError(
            f"{answer.url}: is of the issuer {answer.members.get('issuer')}, to the letter: give that one"
        )
    return answer.members


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
