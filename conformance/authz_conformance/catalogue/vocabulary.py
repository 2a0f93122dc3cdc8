"""The closed vocabularies of the catalogue: roles, levels, profiles, capabilities, groups, documents.

Each word carries what it means, so that the documentation is made from here. It must not know any rule.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Word(StrEnum):
    """A word of a closed vocabulary, with its meaning for people."""

    means: str

    def __new__(cls, value: str, means: str) -> Self:
        """Make the word a string, and keep its meaning beside it."""
        word = str.__new__(cls, value)
        word._value_ = value
        word.means = means
        return word

    @classmethod
    def named(cls, value: str) -> Self:
        """Find a word by its value."""
        return next(word for word in cls if word.value == value)


class Role(Word):
    """Whom a rule binds."""

    SERVER = "server", "The Authorization server."
    CLIENT = "client", "A POS server or register that acquires and keeps a license."
    PEER = "peer", "A POS server that a register or another server calls with a license token."


class Level(Word):
    """How much a rule binds, by its source."""

    MUST = "must", "Broken, it fails the target."
    SHOULD = "should", "Broken, it is a warning."
    INFORMATIVE = "informative", "Advice or description; broken, it is noted."


class Profile(Word):
    """A set of rules that a target can be held to."""

    role: Role

    def __new__(cls, value: str, role: Role, means: str) -> Self:
        """Keep the role whose rules the profile holds."""
        word = str.__new__(cls, value)
        word._value_ = value
        word.role = role
        word.means = means
        return word

    RFC8628 = "rfc8628", Role.SERVER, "Any OAuth server with the device grant and refresh."
    OAUTH_HYGIENE = "oauth-hygiene", Role.SERVER, "Any OAuth server: RFC 6749, 9700, 7009, 7662, 8414, 7517."
    LICENSE = "license", Role.SERVER, "Kensium's licensing, by protocol.md."
    CONTRACT = "contract", Role.SERVER, "The protocol part of openapi.yaml, with generated requests."
    CLIENT_RFC8628 = "client-rfc8628", Role.CLIENT, "Any OAuth client with the device grant and refresh."
    CLIENT_LICENSE = "client-license", Role.CLIENT, "A client of Kensium's licensing, with its page."
    PEER_BEARER = "peer-bearer", Role.PEER, "Any resource server that reads JWT access tokens offline."
    PEER_LICENSE = "peer-license", Role.PEER, "A POS server that is called with license tokens."


class Group(Word):
    """What a rule is about: the first part of its id. A group belongs to one role."""

    role: Role

    def __new__(cls, value: str, role: Role, means: str) -> Self:
        """Keep the role whose rules the group holds."""
        word = str.__new__(cls, value)
        word._value_ = value
        word.role = role
        word.means = means
        return word

    REQUEST = "request", Role.SERVER, "Device authorization request"
    CODES = "codes", Role.SERVER, "Device authorization response"
    VERIFY = "verify", Role.SERVER, "Verification and its pages"
    GUESS = "guess", Role.SERVER, "Guesses of user codes"
    POLL = "poll", Role.SERVER, "Polling"
    REDEEM = "redeem", Role.SERVER, "Redemption"
    TOKENS = "tokens", Role.SERVER, "Token endpoint and token response"
    ERRORS = "errors", Role.SERVER, "Error responses"
    CLAIMS = "claims", Role.SERVER, "License token"
    REFRESH = "refresh", Role.SERVER, "Refresh: rotation, retry, reuse"
    REASON = "reason", Role.SERVER, "Why a refresh was refused"
    RENEW = "renew", Role.SERVER, "Renewal and lapse"
    END = "end", Role.SERVER, "Endings"
    REVOKE = "revoke", Role.SERVER, "Revocation"
    INTROSPECT = "introspect", Role.SERVER, "Introspection"
    BEARER = "bearer", Role.SERVER, "What a license token opens"
    STATUS = "status", Role.SERVER, "License status"
    METADATA = "metadata", Role.SERVER, "Metadata"
    KEYS = "keys", Role.SERVER, "Keys"
    CLOCK = "clock", Role.SERVER, "The server's clock"
    CONTRACT = "contract", Role.SERVER, "Contract"
    CLIENT_ACQUIRE = "client-acquire", Role.CLIENT, "Acquiring a license"
    CLIENT_POLL = "client-poll", Role.CLIENT, "Polling"
    CLIENT_REFRESH = "client-refresh", Role.CLIENT, "Keeping a license"
    CLIENT_VERIFY = "client-verify", Role.CLIENT, "Verifying its own license token"
    CLIENT_TIME = "client-time", Role.CLIENT, "Effective time"
    CLIENT_REMOVE = "client-remove", Role.CLIENT, "Removal"
    CLIENT_WIRE = "client-wire", Role.CLIENT, "What it sends and accepts"
    CLIENT_PAGE = "client-page", Role.CLIENT, "The License Management page"
    PEER_BEARER = "peer-bearer", Role.PEER, "How the token comes, and how a refusal is said"
    PEER_TOKEN = "peer-token", Role.PEER, "The token"
    PEER_HUB = "peer-hub", Role.PEER, "Hub and spoke"
    PEER_KEYS = "peer-keys", Role.PEER, "Keys"


class Document(Word):
    """Where rules come from."""

    RFC6749 = "RFC 6749", "The OAuth 2.0 Authorization Framework"
    RFC6750 = "RFC 6750", "OAuth 2.0 Bearer Token Usage"
    RFC7009 = "RFC 7009", "OAuth 2.0 Token Revocation"
    RFC7517 = "RFC 7517", "JSON Web Key"
    RFC7519 = "RFC 7519", "JSON Web Token"
    RFC7662 = "RFC 7662", "OAuth 2.0 Token Introspection"
    RFC8414 = "RFC 8414", "OAuth 2.0 Authorization Server Metadata"
    RFC8628 = "RFC 8628", "OAuth 2.0 Device Authorization Grant"
    RFC8725 = "RFC 8725", "JSON Web Token Best Current Practices"
    RFC9068 = "RFC 9068", "JWT Profile for OAuth 2.0 Access Tokens"
    RFC9700 = "RFC 9700", "Best Current Practice for OAuth 2.0 Security"
    PROTOCOL = "protocol.md", "The license protocol: this project's decisions"
    USER_GUIDE = "manage-license.md", "The user guide's page on managing a license"
    OPENAPI = "openapi.yaml", "The wire contract, its part protocol"
    KNOWN_DEFECTS = "known defects", "Defects of other servers, seen in the wild"
