"""The server as a rule test sees it: where it is, who acts for it, and each step of the protocol as a method.

A step that returns an `Exchange` judges nothing: hand it to `expect` if the rule is about it, to `given` if it is on
the way there. A step that returns anything else is a precondition as a whole.
"""

from __future__ import annotations

import random  # noqa: TID251 - seeded by the run, so that it can be repeated
from base64 import b64encode
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from threading import Barrier
from typing import Any
from urllib.parse import quote_plus, urlsplit, urlunsplit

from authz_conformance.catalogue import Capability
from authz_conformance.clocks.port import Clock
from authz_conformance.exchange import Exchange
from authz_conformance.expectations import ANY_REFUSAL, ANY_SUCCESS, expect, given
from authz_conformance.flow import DEVICE_GRANT, Grant, LicenseToken, Tokens
from authz_conformance.story import Happening, Story, told
from authz_conformance.targets.ports import Device, Human, Introspector, Provisioning, Stage
from authz_conformance.verdicts import NotTestable, PreconditionBroken
from authz_conformance.wire import Connection, Form, Wire

WELL_KNOWN = "/.well-known/oauth-authorization-server"
INTROSPECTION_METHODS = "introspection_endpoint_auth_methods_supported"
Step = Callable[[], Exchange]


class ServerUnderTest:
    """One stage, with everything that a rule test needs.

    Attributes:
        issuer: as the metadata should say it.
        client_id: a client that is registered for the device grant.
        scope: what is asked for; None for no scope.
        terms: what the target declares: lifetimes, interval, signing algorithm.
        human: approves and denies.
        provision: creates and changes devices, renews, revokes, rotates keys.
        clock: the target's time.
        wire: sends anything that no step below sends.
        random: seeded by the run's seed and the rule, so that a run can be repeated.
        story: what has happened so far.
    """

    def __init__(
        self, stage: Stage, connection: Connection, *, seed: str, story: Story | None = None
    ) -> None:
        self.stage = stage
        self.story = story or Story()
        self.story.read_clock = stage.clock.now
        self.wire = Wire(connection, self.story)
        self.issuer = stage.issuer
        self.client_id = stage.client_id
        self.scope = stage.scope
        self.terms = stage.terms
        self.human: Human = told(stage.human, Happening.HUMAN, self.story)
        self.provision: Provisioning = told(stage.provision, Happening.PROVISION, self.story)
        self.clock: Clock = told(stage.clock, Happening.CLOCK, self.story)
        self._lent: list[Device] = []
        self.random = random.Random(seed)  # noqa: S311 - to repeat, not to hide

    # ------------------------------------------------------------------------------------------- what there is
    @property
    def second_client_id(self) -> str:
        """Another client that is registered for the device grant."""
        if self.stage.second_client_id is None:
            raise NotTestable("no second client is declared")
        return self.stage.second_client_id

    @cached_property
    def device(self) -> Device:
        """A device of this rule's own, without license and renewal date."""
        return self.another_device()

    @cached_property
    def spare_administrator(self) -> str | None:
        """Who enters wrong user codes: None, the usual one; somebody else where later rules need that one, and can be had."""
        if self.stage.isolates or Capability.SECOND_ADMINISTRATOR not in self.stage.provision.offers:
            return None
        return self.provision.second_administrator()

    def another_device(self) -> Device:
        """One more device of this rule's own, like the first."""
        device = self.provision.lend()
        self._lent.append(device)
        return device

    def give_back(self) -> None:
        """Give back what was lent; the runner does this."""
        while self._lent:
            self.stage.provision.give_back(self._lent.pop())

    def well_known(self, name: str = WELL_KNOWN) -> str:
        """Give the address of the metadata, by RFC 8414 3.1: inserted before the issuer's path."""
        return well_known_url(self.issuer, name)

    @cached_property
    def metadata(self) -> Mapping[str, Any]:
        """The metadata, fetched once, as a precondition; with the endpoints that are declared beside it, or instead."""
        declared, answer = self.stage.endpoints, self.find_metadata()
        if declared and answer.status not in ANY_SUCCESS:
            return declared
        return {**given.success(answer), **declared}

    def endpoint(self, name: str) -> str:
        """Give the URL of an endpoint: `device_authorization`, `token`, `revocation`, `introspection`, or `license`.

        What the metadata does not name lies below the issuer if it is one of Kensium's own (`license`, `servers`).
        """
        if name.split("/", maxsplit=1)[0] in {"license", "servers"}:
            return f"{self.issuer}/{name}"
        key = "jwks_uri" if name == "jwks" else f"{name}_endpoint"
        url = self.stage.endpoints.get(key) or self.metadata.get(key)
        if not isinstance(url, str):
            raise PreconditionBroken(wanted=f"{key} in the metadata", found=repr(url), exchange=None)
        return url

    # ------------------------------------------------------------------------------- steps that judge nothing
    def fetch_metadata(self) -> Exchange:
        """GET the metadata."""
        return self.wire.get(self.well_known(), step="metadata")

    def find_metadata(self) -> Exchange:
        """GET the metadata where it should be, or else where it may be as well: at which address has rules of its own."""
        answer = self.fetch_metadata()
        if answer.status in ANY_SUCCESS or answer.failure is not None:
            return answer
        appended = self.wire.get(self.issuer + WELL_KNOWN, step="metadata")
        return appended if appended.status in ANY_SUCCESS else answer

    def fetch_jwks(self) -> Exchange:
        """GET the keys."""
        return self.wire.get(self.endpoint("jwks"), step="jwks")

    def authorize_device(self, *, client_id: str | None = None, **more: str) -> Exchange:
        """Ask for codes.

        Args:
            client_id: Another client than the usual one.
            more: Parameters to add or to replace; an empty `scope` is sent as such.
        """
        form = {"client_id": client_id or self.client_id}
        if self.scope is not None:
            form["scope"] = self.scope
        return self.wire.post(
            self.endpoint("device_authorization"), {**form, **more}, step="device_authorization"
        )

    def poll(self, grant: Grant, *, client_id: str | None = None, **more: str) -> Exchange:
        """Poll once, at once. By the owner, unless another client is named."""
        form = {
            "grant_type": DEVICE_GRANT,
            "device_code": grant.device_code,
            "client_id": client_id or grant.client_id or self.client_id,
        }
        return self.token_request({**form, **more}, step="poll")

    def refresh(self, tokens: Tokens | str, *, client_id: str | None = None, **more: str) -> Exchange:
        """Refresh once.

        Args:
            tokens: Whose refresh token to present, or the refresh token itself.
            client_id: Another client than the owner.
            more: Parameters to add or to replace.
        """
        owner = self.client_id if isinstance(tokens, str) else tokens.client_id or self.client_id
        form = {
            "grant_type": "refresh_token",
            "refresh_token": self.refresh_token_of(tokens),
            "client_id": client_id or owner,
        }
        return self.token_request({**form, **more}, step="refresh")

    def token_request(self, form: Form, *, step: str = "token") -> Exchange:
        """POST any form to the token endpoint."""
        return self.wire.post(self.endpoint("token"), form, step=step)

    def revoke(self, token: str, *, client_id: str | None = None, **more: str) -> Exchange:
        """Revoke a token (RFC 7009)."""
        form = {"token": token, "client_id": client_id or self.client_id, **more}
        return self.wire.post(self.endpoint("revocation"), form, step="revoke")

    def introspect(self, token: str | None, *, caller: Tokens | str | None, **more: str) -> Exchange:
        """Introspect a token (RFC 7662), with the caller's access token as Bearer; None sends no credentials.

        Where a client is declared that introspects, it asks instead. Where the metadata says that clients are
        authenticated, and by none, the caller's client_id is sent.
        """
        if token is not None:
            more = {"token": token, **more}
        if caller is not None and self.stage.introspector is not None:
            return self._introspect_as(self.stage.introspector, more)
        headers: dict[str, str] = {}
        methods = self.metadata.get(INTROSPECTION_METHODS)
        if caller is not None and isinstance(methods, list) and "none" in methods:
            owner = "" if isinstance(caller, str) else caller.client_id
            more = {"client_id": owner or self.client_id, **more}
        elif caller is not None:
            headers = bearer(caller)
        return self.wire.post(self.endpoint("introspection"), more, step="introspect", headers=headers)

    def _introspect_as(self, client: Introspector, form: Mapping[str, str]) -> Exchange:
        headers: dict[str, str] = {}
        if client.client_secret is None:
            form = {**form, "client_id": client.client_id}
        else:
            headers = basic(client.client_id, client.client_secret)
        return self.wire.post(self.endpoint("introspection"), form, step="introspect", headers=headers)

    def license_view(self, tokens: Tokens | str | None) -> Exchange:
        """GET /license with an access token as Bearer; None sends no credentials."""
        return self.resource("license", tokens)

    def resource(self, path: str, tokens: Tokens | str | None) -> Exchange:
        """GET one of Kensium's own resources: `license`, `servers` or `servers/{server_id}`."""
        headers = {} if tokens is None else bearer(tokens)
        return self.wire.get(self.endpoint(path), step=path.split("/", maxsplit=1)[0], headers=headers)

    def together(self, *steps: Step) -> list[Exchange]:
        """Send several requests at the same time, and give their answers in the order of the steps."""
        start = Barrier(len(steps))

        def sent(step: Step) -> Exchange:
            start.wait()
            return step()

        with ThreadPoolExecutor(max_workers=len(steps)) as pool:
            return list(pool.map(sent, steps))

    # ------------------------------------------------------------------------------------------ preconditions
    def new_grant(self, *, client_id: str | None = None, **more: str) -> Grant:
        """Get codes."""
        owner = client_id or self.client_id
        return given.codes(self.authorize_device(client_id=owner, **more), client_id=owner)

    def approve(
        self, grant: Grant, device: Device | None = None, *, administrator: str | None = None
    ) -> None:
        """Have a grant approved, for this rule's device or another."""
        entry = self.human.approve(grant.user_code, device or self.device, administrator=administrator)
        given.that(entry.accepted, wanted="the approval to be accepted", found=entry, exchange=grant.exchange)

    def deny(self, grant: Grant, *, administrator: str | None = None) -> None:
        """Have a grant denied."""
        entry = self.human.deny(grant.user_code, administrator=administrator)
        given.that(entry.accepted, wanted="the denial to be accepted", found=entry, exchange=grant.exchange)

    def approved_grant(self, device: Device | None = None, *, client_id: str | None = None) -> Grant:
        """Get codes that have been approved and not yet redeemed."""
        grant = self.new_grant(client_id=client_id)
        self.approve(grant, device)
        return grant

    def acquire(self, device: Device | None = None, *, client_id: str | None = None) -> Tokens:
        """Acquire a license from the first step to the last."""
        grant = self.approved_grant(device, client_id=client_id)
        return self.redeemed(grant, self.poll(grant))

    def redeemed(self, grant: Grant, answer: Exchange) -> Tokens:
        """Read the tokens that a poll was answered with."""
        return given.tokens(answer, client_id=grant.client_id)

    def refreshed(self, tokens: Tokens) -> Tokens:
        """Refresh, and get the next tokens."""
        return given.tokens(self.refresh(tokens), client_id=tokens.client_id)

    def wait_interval(self, grant: Grant, *, slow_downs: int = 0) -> None:
        """Let the grant's interval pass, lengthened by the slow_downs that it had."""
        self.clock.advance(grant.interval + 5 * slow_downs)

    def refresh_token_of(self, tokens: Tokens | str) -> str:
        """Give the refresh token; that there is one is a precondition."""
        if isinstance(tokens, str):
            return tokens
        if tokens.refresh_token is None:
            given.fail(wanted="a refresh_token", found="none", exchange=tokens.exchange)
        return tokens.refresh_token

    def decode(self, tokens: Tokens) -> LicenseToken:
        """Take the license token apart, without verifying it."""
        return given.jwt(tokens.access_token, exchange=tokens.exchange)

    def jwks(self) -> list[Mapping[str, Any]]:
        """Fetch the keys."""
        answer = self.fetch_jwks()
        given.success(answer)
        keys: list[Mapping[str, Any]] = given.member(answer, "keys", list)
        return keys

    # ----------------------------------------------------------------- a rejection, bound to its reason
    def refuses(
        self,
        faulty: Step,
        *errors: str,
        mended: Step,
        status: int | Collection[int] = ANY_REFUSAL,
        reason: str | None = None,
    ) -> Exchange:
        """Check that a request is refused for its one fault.

        The same request without the fault must succeed afterwards: so the refusal was not for something else, changed
        nothing, and the server is alive.

        Args:
            faulty: Sends the request with the fault.
            errors: The error codes that the rule admits.
            mended: Sends the same without it.
            status: Of the refusal, where the rule is about it.
            reason: Of the refusal, for a Kensium server.

        Returns:
            The refusal.
        """
        refusal = faulty()
        expect.error(refusal, *errors, status=status, reason=reason)
        answer = mended()
        given.that(
            answer.status in ANY_SUCCESS,
            wanted="the same request without the fault to succeed, or its refusal proves nothing",
            found=answer.said,
            exchange=answer,
        )
        return refusal

    def still_alive(self) -> None:
        """Check that the server still answers after what it was sent; that it gives codes has a rule of its own."""
        answer = self.authorize_device()
        expect.that(answer.status is not None, wanted="any answer", found=answer.said, exchange=answer)
        given.codes(answer)


def well_known_url(issuer: str, name: str = WELL_KNOWN) -> str:
    """Insert a well-known name before the issuer's path (RFC 8414 3.1)."""
    parts = urlsplit(issuer)
    return urlunsplit((parts.scheme, parts.netloc, name + parts.path.rstrip("/"), "", ""))


def basic(client_id: str, client_secret: str) -> dict[str, str]:
    """Make the header that authenticates a client (RFC 6749 2.3.1: both parts are form-encoded first)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
    return {"authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def bearer(tokens: Tokens | str) -> dict[str, str]:
    """Make the header that presents an access token."""
    return {"authorization": f"Bearer {tokens if isinstance(tokens, str) else tokens.access_token}"}
