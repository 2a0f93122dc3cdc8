"""Settling a pending license token: verified and taken into use, or kept with the reason why not.

Owns the rule of the mark: only license tokens from the client's own token responses, verified but for `nbf`, raise it.
"""

from dataclasses import replace

from authz_client import license_token, refreshing, state
from authz_client.effective_time import Anchor, Now, anchored, effective_time
from authz_client.license_claims import LicenseToken
from authz_client.state import License, PendingToken, State


def settle(stored: State, anchor: Anchor | None, *, now: Now, jitter: float) -> tuple[State, Anchor | None]:
    """Verify the pending license token with the stored keys.

    Args:
        stored: A licensed state; without a pending license token it comes back unchanged.
        anchor: The mark as this process holds it.
        now: Both clocks.
        jitter: Within [0, 1).

    Returns:
        The state, with the license token in use or still pending and the mark perhaps raised; and the anchor.
    """
    held = stored.license
    if held is None or held.pending is None:
        return stored, anchor
    verdict = _verdict(stored, held, held.pending, now=effective_time(now, anchor))
    believed = verdict if isinstance(verdict, LicenseToken) else verdict.claims
    if believed is not None and (stored.mark is None or believed.iat > stored.mark):
        # The mark may be what makes it valid: a clock that is behind is held up by the token's own iat.
        stored = replace(stored, mark=believed.iat)
        anchor = anchored(anchor, mark=stored.mark, now=now)
        verdict = _verdict(stored, held, held.pending, now=effective_time(now, anchor))
    if not isinstance(verdict, LicenseToken):
        pending = replace(held.pending, fault=verdict.fault.value)
        return replace(stored, license=replace(held, pending=pending)), anchor
    current = refreshing.hold(
        held.pending.license_token,
        verdict,
        received_at=held.pending.received_at,
        now=effective_time(now, anchor),
        is_refresh=held.refreshed_at is not None,
        jitter=jitter,
    )
    in_use = state.refreshed(stored, replace(held, current=current, pending=None))
    return replace(in_use, failure=None), anchor


def _verdict(
    stored: State, held: License, pending: PendingToken, *, now: int
) -> LicenseToken | license_token.Refused:
    return license_token.verify(
        pending.license_token,
        keys=stored.keys,
        issuer=stored.issuer,
        audience=held.current.claims.organization.audience if held.current else None,
        now=now,
    )
