"""Where the bounds of a device lie, as far as the model knows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from authz_conformance.model import World
from authz_conformance.model.keys import KEPT_AFTER_LAST_EXP_SECONDS
from authz_conformance.model.world import Grant, License, RefreshToken
from authz_conformance.scenarios.hands import Hands
from authz_conformance.scenarios.lifetimes import Bound

Found = int | None


def find_bound(bound: Bound, *, world: World, server_id: str, hands: Hands) -> Found:
    """Find the instant of a bound, or None where nothing has it.

    Args:
        bound: Which.
        world: What the server is believed to be.
        server_id: Of the device.
        hands: What the device holds.
    """
    if bound in _OF_KEYS:
        return _OF_KEYS[bound](world)
    if bound in _OF_LICENSE:
        return _OF_LICENSE[bound](world, server_id)
    return _OF_HANDS[bound](world, hands)


def _renewal_at(world: World, server_id: str) -> Found:
    held: License | None = world.license_of(server_id)
    if held is not None:
        return held.renewal_at
    device = world.devices.get(server_id)
    return device.renewal_at if device is not None else None


def _renewal_due_from(world: World, server_id: str) -> Found:
    renewal_at = _renewal_at(world, server_id)
    return None if renewal_at is None else renewal_at - world.settings.renewal_window_seconds


def _exp(world: World, hands: Hands) -> Found:
    minted = world.license_tokens.get(hands.license_tokens[-1]) if hands.license_tokens else None
    return minted.exp if minted is not None else None


def _expiring_from(world: World, hands: Hands) -> Found:
    exp = _exp(world, hands)
    return None if exp is None else exp - world.settings.token_warning_seconds + 1


def _newest_refresh_token(world: World, hands: Hands) -> RefreshToken | None:
    return world.refresh_tokens.get(hands.refresh_tokens[-1]) if hands.refresh_tokens else None


def _refresh_token_expires_at(world: World, hands: Hands) -> Found:
    newest = _newest_refresh_token(world, hands)
    return newest.expires_at if newest is not None else None


def _retry_window_ends_at(world: World, hands: Hands) -> Found:
    """Find the window of the token that the device would retry with: its newest if that was used, or the one before."""
    held = [world.refresh_tokens.get(value) for value in hands.refresh_tokens[-2:]]
    used = [token.first_used_at for token in held if token is not None and token.first_used_at is not None]
    return used[-1] + world.settings.refresh_retry_window_seconds if used else None


def _grant(world: World, hands: Hands) -> Grant | None:
    return world.grants.get(hands.codes[-1][0]) if hands.codes else None


def _code_expires_at(world: World, hands: Hands) -> Found:
    grant = _grant(world, hands)
    return grant.expires_at if grant is not None else None


def _next_poll_at(world: World, hands: Hands) -> Found:
    grant = _grant(world, hands)
    return None if grant is None or grant.polled_at is None else grant.polled_at + grant.interval


def _key_signs_from(world: World) -> Found:
    return world.keys[-1].signs_from_at if len(world.keys) > 1 else None


def _key_last_exp(world: World) -> Found:
    """Find the last exp of the key before the newest."""
    return world.keys[-2].last_exp if len(world.keys) > 1 else None


def _key_removed_at(world: World) -> Found:
    last_exp = _key_last_exp(world)
    return None if last_exp is None else last_exp + KEPT_AFTER_LAST_EXP_SECONDS


_OF_KEYS: Mapping[Bound, Callable[[World], Found]] = {
    Bound.KEY_SIGNS_FROM: _key_signs_from,
    Bound.KEY_LAST_EXP: _key_last_exp,
    Bound.KEY_REMOVED_AT: _key_removed_at,
}
_OF_LICENSE: Mapping[Bound, Callable[[World, str], Found]] = {
    Bound.RENEWAL_AT: _renewal_at,
    Bound.RENEWAL_DUE_FROM: _renewal_due_from,
}
_OF_HANDS: Mapping[Bound, Callable[[World, Hands], Found]] = {
    Bound.EXP: _exp,
    Bound.EXPIRING_FROM: _expiring_from,
    Bound.REFRESH_EXPIRES_AT: _refresh_token_expires_at,
    Bound.RETRY_WINDOW_ENDS_AT: _retry_window_ends_at,
    Bound.CODE_EXPIRES_AT: _code_expires_at,
    Bound.NEXT_POLL_AT: _next_poll_at,
}
