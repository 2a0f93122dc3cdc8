"""What each device of a story holds, and how its words become requests with wire values.

A device in a server's story uses what it was given, expired or not: the story says what it does, not its own wits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from authz_conformance import model
from authz_conformance.model import Answer, State
from authz_conformance.scenarios import dsl
from authz_conformance.scenarios.dsl import Held

CLIENT = "pos-server"
OTHER_CLIENT = "register"
ADMINISTRATOR = "dana"
UNKNOWN = "thisHasNeverBeenIssuedByAnyServer0123456789"
UNKNOWN_USER_CODE = "BBBB-BBBB"


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who a part of the story is at the server under test.

    Attributes:
        name: Of the device; None if it is named as in the story, empty if the kit was not told it.
        organization: The id of its organization, likewise.
        described: Whether its edition and features are those of the story; else the kit was not told them.
    """

    server_id: str
    name: str | None = None
    organization: str | None = None
    described: bool = True
    client_id: str = CLIENT
    other_client_id: str = OTHER_CLIENT
    administrator: str = ADMINISTRATOR


@dataclass(frozen=True, kw_only=True)
class Hands:
    """What one device was given, oldest first, and how its line is."""

    codes: tuple[tuple[str, str], ...] = ()
    refresh_tokens: tuple[str, ...] = ()
    license_tokens: tuple[str, ...] = ()
    kids: tuple[str | None, ...] = ()
    online: bool = True
    loses_reply: bool = False


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Everyone in the story: who they are and what they hold."""

    identities: Mapping[str, Identity]
    hands: Mapping[str, Hands] = field(default_factory=dict)

    def of(self, device: str) -> Hands:
        """Find what a device holds."""
        return self.hands.get(device, Hands())

    def given(self, device: str, hands: Hands) -> Cast:
        """Exchange what a device holds."""
        return replace(self, hands={**self.hands, device: hands})


def pick(things: Sequence[str], held: Held) -> str | None:
    """Choose one of the things that a device was given, oldest first; None where there is none such."""
    if held is Held.UNKNOWN:
        return UNKNOWN
    place = {Held.NEWEST: -1, Held.PREVIOUS: -2, Held.FIRST: 0}[held]
    return things[place] if len(things) >= max(1, -place) else None


Wire: TypeAlias = model.Step | None


def wire_step(
    step: dsl.Request | dsl.Act, cast: Cast, *, state: State, now: int, settings: model.Settings
) -> Wire:
    """Turn a word of the story into a request, or None where the device does not hold what it takes."""
    if isinstance(step, dsl.RotateKeys):
        return model.RotateKeys(immediately=step.immediately)
    identity, hands = cast.identities[step.device], cast.of(step.device)
    if isinstance(step, dsl.Approve | dsl.Deny):
        return _entry(step, identity, hands)
    if isinstance(step, dsl.Renew):
        return _renewal(step, identity.server_id, state=state, now=now, settings=settings)
    if isinstance(step, dsl.Disable | dsl.Enable | dsl.Delete | dsl.Revoke):
        return _device_step(step, identity.server_id)
    return _request(step, identity, hands, cast)


def _device_step(step: dsl.Disable | dsl.Enable | dsl.Delete | dsl.Revoke, server_id: str) -> model.Step:
    if isinstance(step, dsl.Disable):
        return model.Disable(server_id=server_id)
    if isinstance(step, dsl.Enable):
        return model.Enable(server_id=server_id)
    if isinstance(step, dsl.Delete):
        return model.Delete(server_id=server_id)
    return model.RevokeLicense(server_id=server_id)


def _entry(step: dsl.Approve | dsl.Deny, identity: Identity, hands: Hands) -> Wire:
    user_codes = [user_code for _, user_code in hands.codes]
    user_code = UNKNOWN_USER_CODE if step.code is Held.UNKNOWN else pick(user_codes, step.code)
    if user_code is None:
        return None
    if isinstance(step, dsl.Deny):
        return model.Deny(user_code=user_code, administrator=identity.administrator)
    return model.Approve(
        user_code=user_code, server_id=identity.server_id, administrator=identity.administrator
    )


def _renewal(step: dsl.Renew, server_id: str, *, state: State, now: int, settings: model.Settings) -> Wire:
    if step.by is None:
        return model.Renew(server_id=server_id, renewal_at=None)
    world = state.worlds[0]
    device, held = world.devices[server_id], world.license_of(server_id)
    dates = [now, device.renewal_at or now, (held.renewal_at if held is not None else None) or now]
    return model.Renew(server_id=server_id, renewal_at=step.by.after(max(dates), settings=settings))


def _request(step: dsl.Request, identity: Identity, hands: Hands, cast: Cast) -> Wire:
    foreign = getattr(step, "foreign", False)
    client_id = identity.other_client_id if foreign else identity.client_id
    if isinstance(step, dsl.Next):
        return model.DeviceAuthorization(client_id=client_id)
    if isinstance(step, dsl.FetchKeys):
        return model.FetchKeys()
    if isinstance(step, dsl.Poll):
        device_code = pick([code for code, _ in hands.codes], step.code)
        return _with(device_code, lambda code: model.Poll(client_id=client_id, device_code=code))
    if isinstance(step, dsl.Refresh):
        presented = pick(hands.refresh_tokens, step.using)
        return _with(presented, lambda value: model.Refresh(client_id=client_id, refresh_token=value))
    if isinstance(step, dsl.Remove):
        token = pick(hands.license_tokens if step.license_token else hands.refresh_tokens, step.using)
        return _with(token, lambda value: model.RevokeToken(client_id=client_id, token=value))
    return _look(step, hands, cast)


def _with(value: str | None, make: Callable[[str], model.Step]) -> Wire:
    return None if value is None else make(value)


def _look(step: dsl.View | dsl.Introspect, hands: Hands, cast: Cast) -> Wire:
    if isinstance(step, dsl.View):
        shown = pick(hands.license_tokens, step.using)
        return _with(shown, lambda value: model.ViewLicense(access_token=value))
    own = pick(hands.license_tokens, Held.NEWEST)
    subject = cast.of(step.of) if step.of is not None else hands
    token = pick(subject.refresh_tokens if step.refresh_token else subject.license_tokens, step.using)
    return None if own is None or token is None else model.Introspect(access_token=own, token=token)


def received(hands: Hands, answer: Answer) -> Hands:
    """Put what an answer gave into a device's hands; a value that it holds already becomes the newest."""
    body = answer.body
    if "device_code" in body:
        codes = (str(body["device_code"]), str(body.get("user_code")))
        return replace(hands, codes=(*hands.codes, codes))
    if "access_token" not in body:
        return hands
    refresh_token = body.get("refresh_token")
    kept = tuple(token for token in hands.refresh_tokens if token != refresh_token)
    kid = answer.header.get("kid")
    return replace(
        hands,
        refresh_tokens=(*kept, refresh_token) if isinstance(refresh_token, str) else kept,
        license_tokens=(*hands.license_tokens, str(body["access_token"])),
        kids=(*hands.kids, kid if isinstance(kid, str) else None),
    )
