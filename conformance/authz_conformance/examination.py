"""Looks at a target before any rule is tried: its metadata, its declaration, and whether its clock is reached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from authz_conformance.catalogue import Capability, Profile
from authz_conformance.clocks.proof import prove
from authz_conformance.expectations import ANY_SUCCESS
from authz_conformance.readiness import Readiness, claims, seen_in
from authz_conformance.server_under_test import INTROSPECTION_METHODS, ServerUnderTest
from authz_conformance.targets.config import Config
from authz_conformance.targets.ports import Target
from authz_conformance.verdicts import PreconditionBroken
from authz_conformance.wire import Connection

NOBODY_INTROSPECTS = (
    "the metadata does not say how callers authenticate (introspection_endpoint_auth_methods_supported), "
    "and [introspection] names no client"
)


def examine(target: Target, connection: Connection, settings: Config) -> Readiness:
    """Say what the rules can be tried with.

    Raises:
        AdapterError: not even a stage can be set, so nothing can be tried.
    """
    with target.stage(seed="examination") as stage:
        server = ServerUnderTest(stage, connection, seed="examination")
        found_metadata = server.fetch_metadata()
        metadata = found_metadata.members if found_metadata.status in ANY_SUCCESS else {}
        proof = prove(server)
        declared = settings.target.capabilities
        offered = _seen(server, settings, metadata) if declared is None else frozenset(declared)
    by_declaration = bool(stage.endpoints) and not metadata
    found = () if declared is None or by_declaration else claims(offered, {**metadata, **stage.endpoints})
    withheld = dict.fromkeys(proof.missing, proof.says)
    if Capability.INTROSPECTION in offered and not _knows_who_introspects(settings, metadata):
        withheld[Capability.INTROSPECTION] = NOBODY_INTROSPECTS
    withheld.update({claim.capability: claim.says for claim in found if claim.too_much})
    clients = {Capability.SECOND_CLIENT} if stage.second_client_id else set()
    return Readiness(
        offers=(target.offers | offered | clients) - withheld.keys(),
        withheld=withheld,
        claims=found,
        clock=stage.clock.name,
        clock_proof=proof.says,
        metadata=metadata,
    )


def _knows_who_introspects(settings: Config, metadata: Mapping[str, Any]) -> bool:
    """Whether the kit can ask as the server wants it: as declared, by the metadata, or as protocol.md has it."""
    if settings.introspection is not None or Profile.LICENSE in settings.target.profiles:
        return True
    methods = metadata.get(INTROSPECTION_METHODS)
    return isinstance(methods, list) and bool({"none", "bearer"} & {str(one).lower() for one in methods})


def _seen(server: ServerUnderTest, settings: Config, metadata: Mapping[str, Any]) -> frozenset[Capability]:
    """Say what can be seen of a server that declares nothing. What nothing shows is taken to be there, metadata too."""
    seen = {Capability.CONCURRENT_REQUESTS, Capability.METADATA}
    try:
        seen |= seen_in(server.metadata)
        if isinstance(server.authorize_device().members.get("verification_uri_complete"), str):
            seen.add(Capability.VERIFICATION_URI_COMPLETE)
    except PreconditionBroken:
        return frozenset(seen)
    if server.stage.endpoints and not metadata:
        seen.discard(Capability.METADATA)
    if Profile.LICENSE in settings.target.profiles:
        seen.add(Capability.JWT_ACCESS_TOKENS)
    return frozenset(seen)
