"""What a target must offer beyond its endpoints before a rule can be tried on it. A closed vocabulary."""

from __future__ import annotations

from typing import Self

from authz_conformance.catalogue.vocabulary import Role, Word

_SERVER = frozenset({Role.SERVER})
_CLIENT = frozenset({Role.CLIENT})
_PEER = frozenset({Role.PEER})
_READER = _CLIENT | _PEER
_ANY = _SERVER | _READER


class Capability(Word):
    """One thing that a target, or the adapter in front of it, can do when asked."""

    roles: frozenset[Role]

    def __new__(cls, value: str, roles: frozenset[Role], means: str) -> Self:
        """Keep the roles whose targets can have the capability."""
        word = str.__new__(cls, value)
        word._value_ = value
        word.roles = roles
        word.means = means
        return word

    # What the server offers on the wire; checked against its metadata.
    REFRESH_TOKENS = "refresh_tokens", _SERVER, "Token responses hold refresh tokens."
    JWT_ACCESS_TOKENS = "jwt_access_tokens", _SERVER, "Access tokens are JWTs that the kit can read."
    METADATA = "metadata", _SERVER, "The server publishes RFC 8414 metadata."
    JWKS = "jwks", _SERVER, "The server publishes its keys."
    REVOCATION = "revocation", _SERVER, "The server has a revocation endpoint."
    INTROSPECTION = "introspection", _SERVER, "The server has an introspection endpoint."
    VERIFICATION_URI_COMPLETE = (
        "verification_uri_complete",
        _SERVER,
        "Device authorization responses hold verification_uri_complete.",
    )
    CONCURRENT_REQUESTS = "concurrent_requests", _SERVER, "The server answers several requests at a time."
    SECOND_CLIENT = "second_client", _SERVER, "Two clients are registered for the device grant."

    # The human at the server.
    APPROVE = "approve", _SERVER, "Someone approves a user code, for a device where there are devices."
    DENY = "deny", _SERVER, "Someone denies a user code."
    ENTER_USER_CODES = (
        "enter_user_codes",
        _SERVER,
        "Someone enters user codes that may be wrong, and reports how each was answered, with status and headers.",
    )
    WEB_PAGE = "web_page", _SERVER, "The kit can log in to the verification page and read its forms."
    SECOND_ADMINISTRATOR = (
        "second_administrator",
        _SERVER,
        "A second administrator can approve and enter codes.",
    )
    WITHDRAW_ADMINISTRATOR = "withdraw_administrator", _SERVER, "An administrator can lose an organization."

    # Provisioning.
    PROVISION = (
        "provision",
        _SERVER,
        "Devices can be created with name, edition, features, URL, hub and renewal date.",
    )
    SECOND_ORGANIZATION = "second_organization", _SERVER, "Organizations can be created, and devices in each."
    CHANGE_DEVICE = "change_device", _SERVER, "A device's name, URL and hub can be changed."
    RENEW = "renew", _SERVER, "A device's renewal date can be moved to a later instant, or removed."
    DISABLE = "disable", _SERVER, "A device can be disabled."
    ENABLE = "enable", _SERVER, "A disabled device can be enabled."
    DELETE_DEVICE = "delete_device", _SERVER, "A device can be deleted."
    REVOKE = "revoke", _SERVER, "An administrator can revoke a device's license."
    ROTATE_KEYS = "rotate_keys", _SERVER, "The signing key can be rotated, with notice."
    ROTATE_KEYS_AT_ONCE = (
        "rotate_keys_at_once",
        _SERVER,
        "The signing key can be replaced without notice, as a fault.",
    )
    CHANGE_SETTINGS = (
        "change_settings",
        _SERVER,
        "Lifetimes, signing algorithm and CORS can be changed while the server runs.",
    )

    # The target's clock. A driver proves itself on the target before it counts.
    ADVANCE_CLOCK = (
        "advance_clock",
        _ANY,
        "The target's clock can be moved forward, or waited for where its lifetimes are short.",
    )
    MOVE_CLOCK_BACK = "move_clock_back", _ANY, "The target's clock can be moved back."
    FREEZE_CLOCK = "freeze_clock", _SERVER, "The target's clock can be made to stand still."
    MONOTONIC_CLOCK = (
        "monotonic_clock",
        _CLIENT,
        "The client's wall clock and its monotonic clock can be moved apart from each other.",
    )

    # The client or peer, through its adapter.
    AUTONOMOUS = "autonomous", _CLIENT, "The client polls and refreshes by itself while its time is moved."
    RESTART = "restart", _CLIENT, "The client can be stopped and started again over the same state."
    KILL = "kill", _CLIENT, "The client can be killed without notice, at a moment that the kit chooses."
    SECOND_PROCESS = "second_process", _CLIENT, "Two processes of the client can share a state."
    READ_STATE = "read_state", _CLIENT, "The kit can search the client's state for a secret."
    READ_LOGS = "read_logs", _CLIENT, "The kit can read the client's most talkative log."
    SHOW_PAGE = "show_page", _CLIENT, "The client shows its License Management page, as text or HTML."
    PRESENTS_TOKEN = (
        "presents_token",
        _CLIENT,
        "The client can be made to call a resource with its license token.",
    )
    TOLD_CONNECTION = "told_connection", _CLIENT, "The client can be told that the connection is back."
    IS_PEER = "is_peer", _CLIENT, "The client can be called as a peer as well."
    NETWORK = (
        "network",
        _READER,
        "The kit owns the wire to the Authorization server: offline, reset, lost reply.",
    )
    ED25519 = "ed25519", _READER, "The target verifies Ed25519."
    OWN_LICENSE = "own_license", _PEER, "The peer holds a license token of its own, which the kit chooses."
