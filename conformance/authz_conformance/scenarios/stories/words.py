"""Short words that many stories use: a step, and what is expected of it."""

from __future__ import annotations

from authz_conformance.catalogue import Capability
from authz_conformance.scenarios.dsl import (
    STORE,
    Advance,
    Expect,
    Held,
    MoveClockBack,
    Part,
    Poll,
    Refresh,
    Step,
    View,
)
from authz_conformance.scenarios.lifetimes import Bound, Lifetime, Span, mark, of

ON_WIRE = (Capability.APPROVE, Capability.REFRESH_TOKENS, Capability.ADVANCE_CLOCK)
PROVISIONED = (*ON_WIRE, Capability.PROVISION)
READ = (*PROVISIONED, Capability.JWT_ACCESS_TOKENS)

# Renewal dates that leave room for what the stories do before them.
FAR = of(Lifetime.REFRESH, times=4)
NEAR = of(Lifetime.RENEWAL_WINDOW, times=2)
DATED = (Part(renewal=NEAR),)
FAR_DATED = (Part(renewal=FAR),)


def until(written: str, *, device: str = STORE) -> Advance:
    """Let time pass until a mark, such as `renewal_at-1s`."""
    return Advance(to=mark(written), device=device)


def back_to(written: str, *, device: str = STORE) -> MoveClockBack:
    """Move the server's clock back to a mark."""
    return MoveClockBack(to=mark(written), device=device)


def after(span: Span) -> Advance:
    """Let a stretch of time pass."""
    return Advance(by=span)


def granted(
    using: Held = Held.NEWEST,
    *,
    device: str = STORE,
    exp: Bound | None = None,
    same: bool | None = None,
    otherwise: str | None = None,
) -> tuple[Step, ...]:
    """Refresh, and expect tokens; `same` says whether the refresh token is one that was given before."""
    expected = Expect(answer="tokens", exp=exp, same_refresh_token=same, otherwise=otherwise)
    return (Refresh(device=device, using=using), expected)


def refused(reason: str, *, using: Held = Held.NEWEST, device: str = STORE) -> tuple[Step, ...]:
    """Refresh, and expect a refusal with a reason."""
    return (Refresh(device=device, using=using), Expect(answer="invalid_grant", reason=reason))


def polled(answer: str, *, code: Held = Held.NEWEST, otherwise: str | None = None) -> tuple[Step, ...]:
    """Poll, and expect an answer."""
    return (Poll(code=code), Expect(answer=answer, otherwise=otherwise))


def shown(status: str, token_state: str | None = None) -> tuple[Step, ...]:
    """Look at the license, and expect a status."""
    return (View(), Expect(answer="done", status=status, token_state=token_state))


def barred(reason: str) -> tuple[Step, ...]:
    """Look at the license, and expect to be refused."""
    return (View(), Expect(answer="invalid_token", reason=reason))
